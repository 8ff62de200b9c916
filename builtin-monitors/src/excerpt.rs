//! What of a text becomes the value of a metric: what a pattern finds, the first line, the first characters.

use std::borrow::Cow;

use scalyr_monitor::prelude::*;

/// What of a text is kept; shared by the monitors whose value is the text that something answered.
#[derive(OptionGroup)]
pub struct ExcerptOptions {
    /// Regular expression with a group in brackets: what the group matches at the first place where the expression is
    /// found is taken instead of the whole text. Where it is not found, the whole text is.
    #[config(default = "", check = has_a_group)]
    pub extract: Pattern,

    /// Whether all lines are kept. Otherwise it is the first that is not empty, without the blanks around it.
    #[config(default = false)]
    pub log_all_lines: bool,

    /// How many characters are kept. Where more are cut off, `...` takes their place.
    #[config(default = 200, min = 0, max = 10_000)]
    pub max_characters: usize,
}

fn has_a_group(pattern: &Pattern) -> Result<()> {
    if pattern.groups() > 0 || pattern.as_str().is_empty() {
        return Ok(());
    }
    Err(Error::new("has no group; put brackets around the part that is wanted, as in `load: (\\d+)`"))
}

/// What is kept of a text.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt<'t> {
    /// The value of the metric.
    pub value: Cow<'t, str>,
    /// How many characters there were before lines and characters were cut off.
    pub length: usize,
}

impl ExcerptOptions {
    /// What is kept of this text.
    ///
    /// # Errors
    /// The search for `extract` took too many steps.
    pub fn of<'t>(&self, text: &'t str) -> Result<Excerpt<'t>> {
        let text = self.extracted(text)?;
        let line = if self.log_all_lines { text } else { first_line(text) };
        Ok(Excerpt { value: cut(line, self.max_characters), length: text.chars().count() })
    }

    fn extracted<'t>(&self, text: &'t str) -> Result<&'t str> {
        if self.extract.as_str().is_empty() {
            return Ok(text);
        }
        let found = self.extract.search(text).about("extract")?;
        Ok(found.map_or(text, |found| found.get(1).unwrap_or_default()))
    }
}

/// The first characters that are no line break, without the blanks around them.
fn first_line(text: &str) -> &str {
    text.split(['\r', '\n']).find(|line| !line.is_empty()).unwrap_or_default().trim()
}

fn cut(text: &str, max_characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_characters) {
        None => text.into(),
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()).into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(extract: &str, log_all_lines: bool, max_characters: usize) -> ExcerptOptions {
        ExcerptOptions { extract: Pattern::new(extract).unwrap(), log_all_lines, max_characters }
    }

    #[track_caller]
    fn assert_excerpt(options: &ExcerptOptions, text: &str, value: &str, length: usize) {
        assert_eq!(options.of(text).unwrap(), Excerpt { value: value.into(), length });
    }

    #[test]
    fn the_first_line_that_is_not_empty_is_kept_without_its_blanks() {
        let first = options("", false, 200);
        assert_excerpt(&first, "\r\n\n  one \r\ntwo\n", "one", 15);
        assert_excerpt(&first, "  \none", "", 6);
        assert_excerpt(&first, "", "", 0);
        assert_excerpt(&options("", true, 200), " one \ntwo\n", " one \ntwo\n", 10);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_excerpt(&options("", false, 3), "äöüß\n", "äöü...", 5);
        assert_excerpt(&options("", false, 4), "äöüß\n", "äöüß", 5);
        assert_excerpt(&options("", false, 0), "ä", "...", 1);
    }

    #[test]
    fn the_group_is_taken_and_the_length_is_its() {
        assert_excerpt(&options(r"load: (\d+)", false, 200), "x\nload: 17\n", "17", 2);
        assert_excerpt(&options(r"(\w+)$", false, 200), "status: ok\n", "ok", 2);
        assert_excerpt(&options("a(b)?", false, 200), "a", "", 0);
    }

    #[test]
    fn where_the_pattern_is_not_found_the_whole_text_is_taken() {
        assert_excerpt(&options("(x)", false, 200), "one\ntwo\n", "one", 8);
    }

    #[test]
    fn a_search_that_explodes_is_an_error() {
        let error = options(r"^(a|aa)+$\1b", true, 200).of(&("a".repeat(40) + "c")).unwrap_err().to_string();
        assert!(error.starts_with("extract: ") && error.contains("was given up"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_is_kept_longer_than_asked_for(text in ".{0,300}", all: bool, max in 0_usize..20) {
            let excerpt = options(".(.)", all, max).of(&text).unwrap();
            prop_assert!(excerpt.value.chars().count() <= max + 3);
        }
    }
}
