//! Server-sent events, as far as the manager uses them (WHATWG HTML §9.2.6).

use std::io::{self, BufRead as _, BufReader, Read};

use dunlin_server::api::Event;

/// The longest line that is taken, so that a broken server cannot fill the memory.
const MAX_LINE: u64 = 4 * 1024 * 1024;

/// A stream of events; it ends when the server closes it.
pub(crate) struct EventStream {
    lines: BufReader<Box<dyn Read + Send>>,
}

/// An event with the JSON that it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The event.
    pub(crate) event: Event,
    /// Its JSON on one line, as it came.
    pub(crate) json: String,
}

impl EventStream {
    pub(crate) fn new(body: impl Read + Send + 'static) -> Self {
        Self {
            lines: BufReader::new(Box::new(body)),
        }
    }

    /// Waits for the next event. `None` at the end of the stream; events of a kind that is not known here are passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Received>> {
        let mut data = String::new();
        loop {
            let mut line = Vec::new();
            let length = (&mut self.lines)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(None);
            }
            if line.last() != Some(&b'\n') && length as u64 == MAX_LINE {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "an event is too large",
                ));
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if let Ok(event) = serde_json::from_str(&data) {
                    return Ok(Some(Received { event, json: data }));
                }
                data.clear();
            } else if let Some(value) = line.strip_prefix("data:") {
                if !data.is_empty() {
                    data.push('\n');
                }
                data.push_str(value.strip_prefix(' ').unwrap_or(value));
                if data.len() as u64 > MAX_LINE {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "an event is too large",
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERED: &str = r#"{"type":"registered","endpoint":"a","at":"2026-11-22T18:00:00Z"}"#;

    fn read(text: String) -> Vec<Received> {
        let mut stream = EventStream::new(io::Cursor::new(text));
        core::iter::from_fn(|| stream.next().expect("readable")).collect()
    }

    #[test]
    fn events_are_found_between_comments_and_what_is_not_known() {
        let text = format!(
            ": hello\n\nevent: registered\nid: 1\ndata: {REGISTERED}\n\nevent: later\ndata: {{\"type\":\"invented\"}}\n\n\
             data:{REGISTERED}\r\n\r\n: keep alive\n\ndata: {REGISTERED}\n"
        );
        let events = read(text);
        // The last one has no empty line after it, so it may be cut short and does not count.
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].event.endpoint.as_deref(), Some("a"));
        assert_eq!(events[0].json, REGISTERED);
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        let mut stream = EventStream::new(io::repeat(b'x'));
        assert!(stream.next().is_err());
    }
}
