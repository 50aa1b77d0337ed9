//! What the program writes: plain lines, tables on a terminal, JSON for scripts.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::client::Answer;
use crate::failure::Failure;

/// Where results go, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether results are JSON for a script instead of text for a person.
    pub(crate) json: bool,
    styled: bool,
}

impl Output {
    /// Text or JSON on standard output, with bold and dim only on a terminal that wants them (<https://no-color.org>).
    pub(crate) fn new(json: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            json,
            styled: !json && !refused && io::stdout().is_terminal(),
        }
    }

    /// Plain text, as into a file.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self {
            json: false,
            styled: false,
        }
    }

    /// Writes one line of text, and passes it on at once, so that a pipe sees it when it happens.
    #[expect(
        clippy::unused_self,
        reason = "whoever writes results has been given the right to"
    )]
    pub(crate) fn line(self, text: impl core::fmt::Display) {
        let mut out = io::stdout().lock();
        let done = writeln!(out, "{text}").and_then(|()| out.flush());
        end_if_closed(done);
    }

    /// Writes one line of JSON.
    pub(crate) fn json(self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(text),
            Err(error) => eprintln!("error: cannot write JSON: {error}"),
        }
    }

    /// Says that a command is done: in words for a person, as the manager's answer (if there was one) for a script.
    pub(crate) fn done(self, answer: &Answer, words: impl core::fmt::Display) {
        if !self.json {
            self.line(words);
        } else if !answer.json().is_empty() {
            self.line(answer.json());
        }
    }

    /// `text` in bold, on a terminal.
    pub(crate) fn bold(self, text: &str) -> String {
        self.style("1", text)
    }

    /// `text` in a quiet colour, on a terminal.
    pub(crate) fn dim(self, text: &str) -> String {
        self.style("2", text)
    }

    /// `text` in the colour of what is well, on a terminal.
    pub(crate) fn good(self, text: &str) -> String {
        self.style("32", text)
    }

    fn style(self, code: &str, text: &str) -> String {
        if self.styled && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// An empty table with these column titles. Columns whose title ends in `>` are aligned to the right.
    pub(crate) fn table(self, titles: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(titles.iter().map(|title| {
            let cell = Cell::new(title.trim_end_matches('>'));
            if self.styled {
                cell.add_attribute(Attribute::Bold)
            } else {
                cell
            }
        }));
        for (index, title) in titles.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                if title.ends_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
                column.set_padding((0, 2));
            }
        }
        if self.styled {
            table.enforce_styling();
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            // A script or a file gets whole lines, however long.
            table.force_no_tty();
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        table
    }

    /// Writes a table.
    pub(crate) fn print(self, table: &Table) {
        self.line(trimmed(table));
    }
}

/// The table without the blanks at the ends of its lines.
pub(crate) fn trimmed(table: &Table) -> String {
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Writes a failure to standard error, in the form that the results have.
pub(crate) fn report(failure: &Failure, json: bool) {
    let text = if json {
        serde_json::to_string(failure).unwrap_or_else(|_| failure.detail.clone())
    } else {
        format!("error: {failure}")
    };
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// `dunlin … | head` closes the pipe: that is the end, not an error.
fn end_if_closed(result: io::Result<()>) {
    if let Err(error) = result {
        let closed = error.kind() == io::ErrorKind::BrokenPipe;
        if !closed {
            let _ = writeln!(
                io::stderr().lock(),
                "error: cannot write the output: {error}"
            );
        }
        std::process::exit(i32::from(!closed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_end_without_blanks() {
        let mut table = Output::plain().table(&["NAME", "VALUE>", "UNIT"]);
        table
            .add_row(["Battery Level", "9", "/100"])
            .add_row(["Memory", "65536", ""]);
        assert_eq!(
            trimmed(&table),
            "NAME           VALUE  UNIT\n\
             Battery Level      9  /100\n\
             Memory         65536"
        );
    }
}
