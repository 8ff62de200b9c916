//! Text of others inside a line that must stay one line.

/// Appends `text`, each line feed as `\n` and each carriage return as `\r`, so that it cannot begin a line of its own.
pub fn push_on_one_line(line: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'\n' | b'\r')) {
        line.push_str(text);
        return;
    }
    for part in text.split_inclusive(['\n', '\r']) {
        let (text, end) = match part.as_bytes().last() {
            Some(b'\n') => (&part[..part.len() - 1], "\\n"),
            Some(b'\r') => (&part[..part.len() - 1], "\\r"),
            _ => (part, ""),
        };
        line.push_str(text);
        line.push_str(end);
    }
}
