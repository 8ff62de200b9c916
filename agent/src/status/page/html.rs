//! HTML in the making. Markup is what stands in the source of this program; everything else is text, and escaped.

use std::fmt::{self, Display, Write as _};

/// The longest text of others, in characters.
const LONGEST: usize = 4000;
/// So much of a text is seen before one unfolds it, in characters.
const SEEN: usize = 160;

/// HTML in the making.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup, which no text of others can be.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0 += markup;
        self
    }

    /// Adds text, also inside a quoted attribute.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String does not fail.
        _ = write!(Escape { html: &mut self.0, left: LONGEST }, "{text}");
        self
    }

    /// Adds text; of a long one only the beginning is seen until somebody unfolds it. The `key` is its own on the page: the
    /// script finds by it what was unfolded.
    pub(super) fn folded(&mut self, key: impl Display, text: &str) -> &mut Self {
        let Some((end, _)) = text.char_indices().nth(SEEN) else { return self.text(text) };
        self.raw("<details class=\"long\" data-key=\"").text(key).raw("\"><summary>").text(&text[..end]);
        self.raw("…</summary>").text(&text[end..]).raw("</details>")
    }

    /// Adds `<tag class="class">text</tag>`.
    pub(super) fn element(&mut self, tag: &'static str, class: &'static str, text: impl Display) -> &mut Self {
        self.raw("<").raw(tag).raw(" class=\"").raw(class).raw("\">").text(text).raw("</").raw(tag).raw(">")
    }

    /// Adds the path of a plot; anything but numbers and the letters of lines is left out.
    pub(super) fn path(&mut self, path: &str) -> &mut Self {
        let is_of_lines = |c: &char| c.is_ascii_digit() || matches!(c, '.' | '-' | ' ' | 'M' | 'L' | 'H' | 'V' | 'Z');
        self.0.extend(path.chars().filter(is_of_lines));
        self
    }

    /// What was made.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Escapes what is written: the characters that mean something in HTML, and those that cannot be seen.
struct Escape<'a> {
    html: &'a mut String,
    left: usize,
}

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match self.left {
                0 => return Ok(()),
                1 => self.html.push('…'),
                _ => match c {
                    '&' => self.html.push_str("&amp;"),
                    '<' => self.html.push_str("&lt;"),
                    '>' => self.html.push_str("&gt;"),
                    '"' => self.html.push_str("&quot;"),
                    '\'' => self.html.push_str("&#39;"),
                    '\n' => self.html.push('\n'),
                    c if is_unseen(c) => self.html.push('\u{fffd}'),
                    c => self.html.push(c),
                },
            }
            self.left -= 1;
        }
        Ok(())
    }
}

/// Control characters, and those that turn the direction of a text or have no width: a path could lie with them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let mut html = Html::default();
        html.text(text);
        html.finish()
    }

    #[test]
    fn text_of_others_is_never_markup() {
        assert_eq!(
            escaped("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
        assert_eq!(escaped("a\u{1b}[2J\0\u{202e}b\nc"), "a\u{fffd}[2J\u{fffd}\u{fffd}b\nc");
        let long = escaped(&"x".repeat(10_000));
        assert!(long.chars().count() == LONGEST && long.ends_with("x…"), "{}", long.len());
    }

    #[test]
    fn a_long_text_is_folded_and_whole() {
        let folded = |text: &str| {
            let mut html = Html::default();
            html.folded("why \"x\"", text);
            html.finish()
        };
        assert_eq!(folded("short <b>"), "short &lt;b&gt;");
        let text = "ä".repeat(SEEN) + "end <b>";
        let expected = format!(
            "<details class=\"long\" data-key=\"why &quot;x&quot;\"><summary>{}…</summary>end &lt;b&gt;</details>",
            "ä".repeat(SEEN)
        );
        assert_eq!(folded(&text), expected);
    }

    proptest! {
        #[test]
        fn whatever_it_is(text in "\\PC*|[<>&\"'\\x00-\\x1f]*") {
            let escaped = escaped(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'', '\0']));
            let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            let lone = escaped.match_indices('&').filter(|(at, _)| !entities.iter().any(|entity| escaped[*at..].starts_with(entity)));
            prop_assert_eq!(lone.count(), 0);
        }
    }
}
