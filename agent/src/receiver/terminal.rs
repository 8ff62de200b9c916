//! An accepted event as a line for a person. Log bytes are never trusted to a terminal.

use std::fmt::Write;

use scalyr_monitor::Timestamp;

use super::body::{Event, Request};

/// Appends the lines of a request's events: time, log file, message.
pub fn show_events(request: &Request<'_>, out: &mut String) {
    for event in &request.events {
        show_event(request, event, out);
    }
}

fn show_event(request: &Request<'_>, event: &Event<'_>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{} ", Timestamp::from_nanos(event.ts));
    escape(request.logfile(event).as_bytes(), out);
    out.push(' ');
    let message = event.message.strip_suffix(b"\n").unwrap_or(&event.message);
    escape(message.strip_suffix(b"\r").unwrap_or(message), out);
    out.push('\n');
}

/// Appends a text in which whatever could steer a terminal, or turn the direction of writing, is spelt out.
pub fn escape(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    out.extend(character.escape_unicode());
                }
                character if character.is_control() => {
                    let _ = write!(out, "\\x{:02x}", u32::from(character));
                }
                character => out.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = String::new();
        escape(bytes, &mut out);
        out
    }

    #[test]
    fn control_characters_are_spelt_out_and_the_rest_stays_readable() {
        assert_eq!(
            escaped("é \u{1b}[2J\u{7}\u{9b}31m\u{202e}\t\u{7f}".as_bytes()),
            "é \\x1b[2J\\x07\\x9b31m\\u{202e}\\t\\x7f"
        );
        assert_eq!(escaped(b"a\xff\xfeb\xe2\x82"), "a\\xff\\xfeb\\xe2\\x82");
    }

    proptest! {
        #[test]
        fn no_control_character_ever_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(!escaped(&bytes).chars().any(char::is_control));
        }
    }
}
