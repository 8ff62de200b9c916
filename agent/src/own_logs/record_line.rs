//! A diagnostic as a line of the agent log (`logging.md` section 6).

use std::fmt::{self, Write};

use scalyr_monitor::Timestamp;
use scalyr_monitor::log::Record;
use scalyr_monitor::one_line::push_on_one_line;

use crate::own_logs::short_text::write_short;
use crate::own_logs::source_tag::SourceTag;

/// The whole line, `<time> <LEVEL> [<component>] [<source>:<line>] [error="<code>"] <message>`, with its line end.
///
/// Whatever component, code and message hold, they cannot pass for a line of their own: further lines of a message
/// are indented by two blanks, a carriage return is written as `\r`, quotes in the error code are escaped. A long
/// message is cut: an answer of a server that somebody logged whole must not keep itself out of the log.
pub fn record_line(time: Timestamp, record: &Record<'_>) -> String {
    let mut line = String::with_capacity(160);
    // Writing into a String only fails when a Display of the message does; what it wrote until then is kept.
    _ = write!(line, "{time} {} [", record.level);
    push_on_one_line(&mut line, record.component);
    _ = write!(line, "] [{}] ", SourceTag::new(record.place));
    if let Some(code) = record.code {
        line.push_str("[error=\"");
        for part in code.split_inclusive(['"', '\\']) {
            let (text, quote) = part.split_at(part.len() - usize::from(part.ends_with(['"', '\\'])));
            push_on_one_line(&mut line, text);
            if !quote.is_empty() {
                line.push('\\');
                line.push_str(quote);
            }
        }
        line.push_str("\"] ");
    }
    _ = write_short(&mut Indented(&mut line), record.message);
    line.truncate(line.trim_end_matches(['\n', ' ']).len());
    line.push('\n');
    line
}

/// Indents each line behind the first.
struct Indented<'a>(&'a mut String);

impl fmt::Write for Indented<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(['\n', '\r']) {
            match part.as_bytes().last() {
                Some(b'\n') => {
                    self.0.push_str(part);
                    self.0.push_str("  ");
                }
                Some(b'\r') => {
                    self.0.push_str(&part[..part.len() - 1]);
                    self.0.push_str("\\r");
                }
                _ => self.0.push_str(part),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;
    use std::panic::Location;

    use scalyr_monitor::Level;

    use super::*;

    fn line(level: Level, component: &str, code: Option<&str>, message: &dyn Display) -> String {
        let place = Location::caller();
        let whole =
            record_line(Timestamp::from_millis(1_650_021_068_015), &Record { level, component, place, code, message });
        whole.replace(&SourceTag::new(place).to_string(), "SOURCE")
    }

    #[test]
    fn a_record_is_one_line_in_the_documented_order() {
        assert_eq!(
            line(Level::Info, "core", None, &"Starting monitor coin()."),
            "2022-04-15 11:11:08.015Z INFO [core] [SOURCE] Starting monitor coin().\n"
        );
        assert_eq!(
            line(Level::Warning, "monitor:coin()", Some("someCode"), &"a warn"),
            "2022-04-15 11:11:08.015Z WARNING [monitor:coin()] [SOURCE] [error=\"someCode\"] a warn\n"
        );
        assert_eq!(
            line(Level::Debug2, "core", None, &"emit"),
            "2022-04-15 11:11:08.015Z Level 7 [core] [SOURCE] emit\n"
        );
    }

    #[test]
    fn a_long_message_is_cut_and_the_rest_is_counted() {
        let long = line(Level::Error, "core", None, &format!("server said: {}", "x".repeat(200 * 1024)));
        assert!(long.contains("] server said: xxx") && long.ends_with("xxx… (192 KiB more)\n"), "{long}");
        assert!(long.len() < 8_400, "{}", long.len());
    }

    #[test]
    fn no_text_can_pass_for_a_line_of_its_own() {
        let forged = "x\n2022-04-15 11:11:08.015Z ERROR [core] [a:1] forged\r\nlast\n\n";
        assert_eq!(
            line(Level::Info, "monitor:a(\n)", Some("q\"u\\o\nte"), &forged),
            "2022-04-15 11:11:08.015Z INFO [monitor:a(\\n)] [SOURCE] [error=\"q\\\"u\\\\o\\nte\"] x\n  \
             2022-04-15 11:11:08.015Z ERROR [core] [a:1] forged\\r\n  last\n"
        );
    }
}
