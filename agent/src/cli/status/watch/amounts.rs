//! Amounts, times and texts in few columns. Nothing of what others have written reaches the terminal unchecked.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Bytes in four or five columns: `999`, `1.2K`, `12K`, `999M`. K is 1024.
pub(super) fn bytes(amount: f64) -> String {
    let mut rest = if amount.is_finite() { amount.max(0.0) } else { 0.0 };
    for unit in ["", "K", "M", "G", "T"] {
        if rest < 999.5 {
            return match unit {
                "" => format!("{rest:.0}"),
                _ if rest < 9.95 => format!("{rest:.1}{unit}"),
                _ => format!("{rest:.0}{unit}"),
            };
        }
        rest /= 1024.0;
    }
    format!("{rest:.0}P")
}

/// Events or requests: `0`, `0.25`, `3.4`, `120`.
pub(super) fn count(amount: f64) -> String {
    match amount {
        _ if !amount.is_finite() || amount < 0.005 => "0".to_owned(),
        ..1.0 => format!("{amount:.2}"),
        ..10.0 => format!("{amount:.1}"),
        _ => format!("{amount:.0}"),
    }
}

/// A time in at most six columns: `5s`, `3m20s`, `2h03m`, `4d02h`.
pub(super) fn time(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and it is not negative"
    )]
    let whole = seconds as u64;
    match whole {
        0 if seconds >= 0.001 => format!("{:.0}ms", seconds * 1000.0),
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d{:02}h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// Text that takes a known width and changes nothing on a terminal: control characters, and those that change the direction of
/// the text or have no width, are written as escapes.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for each in text.chars() {
        if is_harmful(each) { safe.extend(each.escape_default()) } else { safe.push(each) }
    }
    Cow::Owned(safe)
}

fn is_harmful(each: char) -> bool {
    each.is_control()
        // Marks, embeddings and isolates of direction, joiners, separators of lines, fillers, tags.
        || matches!(each, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        // A heap of accents over one letter, each without a width, reaches over the lines above.
        || (each.width() == Some(0))
}

/// How many columns a harmless text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Where a text that is too long is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The end is left out.
    Begin,
    /// The begin is left out: the end of a path tells more.
    End,
}

/// The text in at most so many columns, `…` where something is left out.
pub(super) fn cut(text: &str, columns: usize, keep: Keep) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut room = columns - 1;
    let mut fits = |each: &char| {
        let taken = each.width().unwrap_or(0);
        let fits = taken <= room;
        room -= if fits { taken } else { 0 };
        fits
    };
    match keep {
        Keep::Begin => text.chars().take_while(&mut fits).chain(['…']).collect(),
        Keep::End => {
            let end: Vec<char> = text.chars().rev().take_while(&mut fits).collect();
            std::iter::once('…').chain(end.into_iter().rev()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_take_few_columns() {
        let shown = [0.0, 7.0, 999.0, 1000.0, 1024.0, 12_000.0, 1_048_576.0, 5e9, 2e15, f64::NAN, -3.0].map(bytes);
        assert_eq!(shown, ["0", "7", "999", "1.0K", "1.0K", "12K", "1.0M", "4.7G", "2P", "0", "0"]);
        assert_eq!([0.0, 0.25, 3.44, 120.0].map(count), ["0", "0.25", "3.4", "120"]);
        let shown = [0.0, 0.02, 5.9, 200.0, 7380.0, 352_800.0].map(time);
        assert_eq!(shown, ["0s", "20ms", "5s", "3m20s", "2h03m", "4d02h"]);
    }

    #[test]
    fn what_would_change_the_terminal_is_written_as_an_escape() {
        assert_eq!(harmless("/var/log/größe 日本.log"), "/var/log/größe 日本.log");
        assert_eq!(harmless("a\x1b[2Jb\nc\u{9b}d\u{202e}e\u{200b}"), r"a\u{1b}[2Jb\nc\u{9b}d\u{202e}e\u{200b}");
        assert_eq!(harmless("e\u{301}"), r"e\u{301}");
    }

    #[test]
    fn a_text_is_cut_to_columns_and_not_to_letters() {
        assert_eq!(cut("/var/log/app.log", 9, Keep::End), "…/app.log");
        assert_eq!(cut("connection refused", 8, Keep::Begin), "connect…");
        assert_eq!((cut("日本語", 4, Keep::Begin), cut("日本語", 5, Keep::End)), ("日…".into(), "…本語".into()));
        assert_eq!((cut("abc", 3, Keep::End), cut("abc", 0, Keep::End)), ("abc".into(), String::new()));
    }
}
