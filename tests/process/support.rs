//! Running the `dunlin` program in tests: start it, read its lines as they come, stop it.

#![allow(dead_code, reason = "every test file uses another part")]

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use serde_json::Value;

/// How long anything may take. Generous: it is only waited for when something is broken.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The lines that a program has written so far.
#[derive(Default)]
struct Lines {
    text: Mutex<(Vec<String>, bool)>,
    changed: Condvar,
}

impl Lines {
    fn collect(source: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let writer = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                writer.text.lock().expect("not poisoned").0.push(line);
                writer.changed.notify_all();
            }
            writer.text.lock().expect("not poisoned").1 = true;
            writer.changed.notify_all();
        });
        lines
    }

    /// Waits until `find` finds something in the lines, or until there can be no more.
    fn wait<T>(&self, mut find: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let begin = Instant::now();
        let mut text = self.text.lock().expect("not poisoned");
        loop {
            if let Some(found) = find(&text.0) {
                return Some(found);
            }
            let left = DEADLINE.checked_sub(begin.elapsed())?;
            if text.1 {
                return None;
            }
            text = self
                .changed
                .wait_timeout(text, left)
                .expect("not poisoned")
                .0;
        }
    }

    fn all(&self) -> Vec<String> {
        self.text.lock().expect("not poisoned").0.clone()
    }
}

/// A running program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    out: Arc<Lines>,
    err: Arc<Lines>,
    call: String,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub out: Vec<String>,
    pub err: String,
}

impl Program {
    /// Starts `dunlin` in `folder`, with nothing of the caller's environment that it would heed.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dunlin"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DUNLIN_"))
        {
            command.env_remove(name);
        }
        command.env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.current_dir(folder).args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = Lines::collect(child.stdout.take().expect("piped"));
        let err = Lines::collect(child.stderr.take().expect("piped"));
        Self {
            child,
            out,
            err,
            call: format!("dunlin {}", arguments.join(" ")),
        }
    }

    /// Waits for a line of standard output.
    pub(crate) fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let found = self
            .out
            .wait(|lines| lines.iter().find(|line| wanted(line)).cloned());
        found.unwrap_or_else(|| {
            panic!(
                "`{}` never wrote the line: {:?}, {:?}",
                self.call,
                self.out.all(),
                self.err.all()
            )
        })
    }

    /// Waits for a line of JSON on standard output.
    pub(crate) fn json(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let find =
            |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|value| wanted(&value));
        serde_json::from_str(&self.line(find)).expect("JSON")
    }

    /// The lines of standard output so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.out.all()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal: `INT`, `TERM`, `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "cannot send {name}"
        );
    }

    /// Kills it with SIGKILL, which it can neither see nor delay.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killable");
        self.child.wait().expect("gone");
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Ended {
        let status = eventually(&format!("the end of `{}`", self.call), || {
            self.child.try_wait().expect("waitable")
        });
        let done = |lines: &Lines| lines.wait(|_| None::<()>);
        done(&self.out);
        done(&self.err);
        Ended {
            status,
            out: self.out.all(),
            err: self.err.all().join("\n"),
        }
    }

    /// Asks it to end and waits.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal("INT");
        self.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `dunlin` to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ended {
    Program::start(folder, arguments).wait()
}

impl Ended {
    /// Its only line of standard output as JSON; it must have ended well.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.success(), "{self:?}");
        let [line] = self.out.as_slice() else {
            panic!("not one line: {self:?}")
        };
        serde_json::from_str(line).expect("JSON")
    }

    /// Checks that it failed with this exit code and said all of these words.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert!(
            words.iter().all(|word| self.err.contains(word)),
            "{words:?} are not all in {self:?}"
        );
        assert!(!self.err.contains("panicked"), "{self:?}");
    }

    /// Checks that it ended well.
    #[track_caller]
    pub(crate) fn succeeded(&self) {
        assert!(self.status.success(), "{self:?}");
    }
}

/// A `dunlin serve` on free ports of loopback.
pub(crate) struct Serve {
    pub program: Program,
    pub coap: String,
    pub http: String,
    pub api: String,
}

impl Serve {
    /// Starts with more arguments, in and with data below `folder`.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_on(folder, "127.0.0.1:0", "127.0.0.1:0", more)
    }

    /// Starts on these addresses.
    pub(crate) fn start_on(folder: &Path, coap: &str, http: &str, more: &[&str]) -> Self {
        let mut arguments = vec![
            "serve", "--json", "--coap", coap, "--http", http, "--data", "data",
        ];
        arguments.extend(more);
        let program = Program::start(folder, &arguments);
        let ready = program.json(|line| line.get("http").is_some());
        let text = |value: &Value| value.as_str().expect("an address").to_owned();
        let (coap, http) = (text(&ready["coap"][0]), text(&ready["http"]));
        Self {
            program,
            api: format!("http://{http}"),
            coap,
            http,
        }
    }

    /// Starts a simulated device and waits until it is registered.
    pub(crate) fn agent(&self, folder: &Path, endpoint: &str) -> Program {
        let uri = format!("coap://{}", self.coap);
        let arguments = [
            "agent",
            "--json",
            "--server",
            &uri,
            "--endpoint",
            endpoint,
            "--interval",
            "0.3",
        ];
        let agent = Program::start(folder, &arguments);
        agent.json(|line| line["event"] == "registered");
        agent
    }

    /// What an address of the HTTP side gives.
    pub(crate) fn get(&self, path: &str) -> String {
        self.http("GET", path, "")
    }

    /// Puts something there.
    pub(crate) fn put(&self, path: &str, content: &Value) {
        let answer = self.http("PUT", path, &content.to_string());
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

    fn http(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.http).expect("the HTTP side is open");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.http,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The value of a counter in `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no {name} in {metrics}"));
        value.trim().parse().expect("a number")
    }

    /// Runs a client command with `--json`.
    pub(crate) fn client(&self, folder: &Path, arguments: &[&str]) -> Ended {
        let mut all = vec!["--api", &self.api, "--json"];
        all.extend(arguments);
        run(folder, &all)
    }

    /// Runs a client command for a person.
    pub(crate) fn person(&self, folder: &Path, arguments: &[&str]) -> Ended {
        let mut all = vec!["--api", &self.api];
        all.extend(arguments);
        run(folder, &all)
    }
}

/// Tries again until `attempt` gives something.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(begin.elapsed() < DEADLINE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
