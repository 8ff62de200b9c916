//! Texts of unknown length, cut to one that a log can take.

use std::fmt::{self, Display, Write};

/// The most of a diagnostic that is kept, in bytes: more than anybody reads, and little enough for the limits of the
/// agent log.
pub const LONGEST: usize = 8 * 1024;

/// Writes the beginning of `text`, up to [`LONGEST`] bytes, and how much was left out: `… (192 KiB more)`.
///
/// # Errors
/// When `out`, or the text itself, fails; what was written until then stays.
pub fn write_short(out: &mut dyn Write, text: &dyn Display) -> fmt::Result {
    let mut short = Short { out, room: LONGEST, left_out: 0 };
    let written = write!(short, "{text}");
    let left_out = short.left_out;
    match left_out {
        0 => {}
        1..1024 => write!(out, "… ({left_out} B more)")?,
        _ => write!(out, "… ({} KiB more)", left_out / 1024)?,
    }
    written
}

/// The text, cut as [`write_short`] does.
pub fn shorten(text: &dyn Display) -> String {
    let mut short = String::new();
    // Only a Display that fails makes this fail; what it wrote until then is kept.
    _ = write_short(&mut short, text);
    short
}

struct Short<'a> {
    out: &'a mut dyn Write,
    room: usize,
    left_out: u64,
}

impl Write for Short<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Once something was left out, nothing comes behind the gap.
        let room = if self.left_out > 0 { 0 } else { self.room };
        let (kept, rest) = text.split_at(text.floor_char_boundary(room));
        self.room -= kept.len().min(self.room);
        self.left_out += rest.len() as u64;
        if kept.is_empty() { Ok(()) } else { self.out.write_str(kept) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(shorten(&""), "");
        assert_eq!(shorten(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_tells_how_much_is_missing() {
        let kept = "x".repeat(LONGEST);
        assert_eq!(shorten(&"x".repeat(LONGEST + 1)), format!("{kept}… (1 B more)"));
        assert_eq!(shorten(&"x".repeat(200 * 1024)), format!("{kept}… (192 KiB more)"));
        let (kept_of_pieces, umlauts, last) = (&kept[1..], "äö", 'z');
        let pieces = shorten(&format_args!("{kept_of_pieces}{umlauts}{last}"));
        assert_eq!(pieces, format!("{}… (5 B more)", &kept[1..]), "no letter is cut in two");
    }
}
