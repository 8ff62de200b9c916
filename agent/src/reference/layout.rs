//! Layout for a terminal: columns, and texts that are wrapped at its width.

/// The widest a text gets where the terminal would allow more, and where there is no terminal.
pub(super) const COMFORTABLE: usize = 100;
/// Narrower terminals get lines that the terminal breaks itself.
const NARROWEST: usize = 30;

/// Breaks a text between words, so that no line is longer than `width` unless a single word is.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(NARROWEST);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Cuts a text that is too long, and marks the place.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The columns that a text takes, for texts of Latin letters.
pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_between_words_and_cut_with_a_mark() {
        assert_eq!(wrap("", 40), Vec::<String>::new());
        assert_eq!(
            wrap("A number drawn around the mean of it all, or somewhere else.", 30),
            ["A number drawn around the mean", "of it all, or somewhere else."]
        );
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("ab cdef", 4), "ab…");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
