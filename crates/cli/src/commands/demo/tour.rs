//! What the demo says: where things are, and what to try.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::env;
use std::path::{Path, PathBuf};

use dunlin_server::auth::ApiToken;

use super::{COAP, COAPS, HTTP};
use crate::host::Host;
use crate::terminal::Output;

/// How long a command may be to have its explanation beside it instead of above.
const WIDE: usize = 70;

/// A guide for whoever has just started the demo.
pub(super) struct Tour {
    url: String,
    /// How the program is called in the reader's shell.
    program: String,
    /// What the client commands need to find this manager, with a blank before it; often nothing.
    options: String,
    token: Option<String>,
    devices: u32,
    /// Whether ports that are not the usual ones were not asked for.
    moved: bool,
    /// Whether the devices are let in over DTLS.
    secure: bool,
}

impl Tour {
    pub(super) fn new(
        host: &Host,
        token: Option<&ApiToken>,
        devices: u32,
        moved: bool,
        secure: bool,
    ) -> Self {
        let url = format!("http://{}", reachable(host.http()));
        let usual = host.http() == HTTP && env::var_os("DUNLIN_API").is_none();
        Self {
            options: if usual {
                String::new()
            } else {
                format!(" --api {url}")
            },
            url,
            program: program(),
            token: token.map(|token| token.expose().to_owned()),
            devices,
            moved,
            secure,
        }
    }

    /// The first words.
    pub(super) fn begin(&self, host: &Host, output: Output) {
        if output.json {
            let mut line = serde_json::json!({ "coap": host.coap(), "http": host.http() });
            if let Some(token) = &self.token {
                line["token"] = token.as_str().into();
            }
            output.json(&line);
            return;
        }
        let devices = if self.devices == 1 {
            "one simulated device".to_owned()
        } else {
            format!("{} simulated devices", self.devices)
        };
        output.line(format!(
            "{}\n",
            output.bold(&format!(
                "Dunlin demo: a manager and {devices}, all on this machine"
            ))
        ));
        output.line(format!("  Portal   {}", output.bold(&self.url)));
        output.line(format!("  API      {}/api/v1/devices", self.url));
        for address in host.coap() {
            let scheme = if self.secure { "coaps" } else { "coap" };
            output.line(format!("  Devices  {scheme}://{}", reachable(*address)));
        }
        if let Some(token) = &self.token {
            output.line(format!("  Token    {token}   (the portal asks for it)"));
        }
        for (usual, now) in [
            (
                if self.secure { COAPS } else { COAP },
                host.coap().first().copied(),
            ),
            (HTTP, Some(host.http())),
        ] {
            if let Some(now) = now.filter(|now| self.moved && now.port() != usual.port()) {
                output.line(output.dim(&format!(
                    "  (port {} as the usual {} is taken)",
                    now.port(),
                    usual.port()
                )));
            }
        }
        output.line("");
    }

    /// What to try next, in another terminal.
    pub(super) fn show(&self, output: Output) {
        if output.json {
            return;
        }
        let Self {
            program, options, ..
        } = self;
        let first = super::endpoint(1, self.devices);
        let last = super::endpoint(self.devices, self.devices);
        output.line(format!("\n{}\n", output.bold("Try in another terminal:")));
        if let Some(token) = &self.token {
            output.line(format!("  export DUNLIN_API_TOKEN={token}"));
        }
        let commands = [
            ("devices".to_owned(), "who is registered"),
            (format!("device {first}"), "all that is known of one"),
            (
                format!("read {first} device.battery_level"),
                "ask it; numbers work too: /3/0/9",
            ),
            (
                format!("observe {last} temperature.sensor_value"),
                "see a value change",
            ),
            (
                format!("write {first} device.timezone Europe/Lisbon"),
                "tell it something",
            ),
            (
                format!("execute {first} device.reboot"),
                "and watch it come back here",
            ),
        ]
        .map(|(command, what)| (format!("{program} {command}{options}"), format!("# {what}")));
        let width = commands
            .iter()
            .map(|(command, _)| command.len())
            .max()
            .unwrap_or(0);
        for (command, what) in commands {
            let what = output.dim(&what);
            if width <= WIDE {
                output.line(format!("  {command:width$}  {what}"));
            } else {
                output.line(format!("  {what}\n  {command}"));
            }
        }
        output.line(format!(
            "\nOr open {} in a browser. Ctrl-C ends the demo.\n",
            output.bold(&self.url)
        ));
    }
}

/// The address by which this machine reaches a port that is open on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        }
        _ => address,
    }
}

/// How this program is called from the folder in which it was started.
fn program() -> String {
    let Ok(path) = env::current_exe() else {
        return "dunlin".to_owned();
    };
    let on_path = env::var_os("PATH").is_some_and(|folders| {
        let mut candidates = env::split_paths(&folders).map(|folder| folder.join("dunlin"));
        candidates
            .find(|candidate| candidate.is_file())
            .is_some_and(|candidate| is_same(&candidate, &path))
    });
    if on_path {
        return "dunlin".to_owned();
    }
    let near = env::current_dir()
        .ok()
        .and_then(|folder| Some(path.strip_prefix(folder).ok()?.to_owned()));
    quoted(&near.map_or(path, |near| PathBuf::from(".").join(near)))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text
        .chars()
        .all(|c| c.is_alphanumeric() || "/._-+".contains(c));
    if plain {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(
            quoted(Path::new("./target/release/dunlin")),
            "./target/release/dunlin"
        );
        assert_eq!(quoted(Path::new("/my files/dunlin")), "'/my files/dunlin'");
        assert_eq!(quoted(Path::new("/it's")), r"'/it'\''s'");
    }

    #[test]
    fn open_addresses_are_reached_by_loopback() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(reachable(address("0.0.0.0:80")), address("127.0.0.1:80"));
        assert_eq!(reachable(address("192.0.2.1:80")), address("192.0.2.1:80"));
    }
}
