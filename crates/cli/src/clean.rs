//! Foreign text on an operator's terminal.

/// Makes control characters of foreign text visible, so that no device can write on an operator's terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            // The explicit directional marks can make a text read as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cannot_write_on_the_terminal() {
        assert_eq!(
            clean("a\u{1b}[2J\nb\tc\u{202e}"),
            "a\u{fffd}[2J\u{fffd}b c\u{fffd}"
        );
        assert_eq!(clean("Größe 21 °C"), "Größe 21 °C");
    }
}
