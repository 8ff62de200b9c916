//! Why a text cannot be read, for the person who wrote it.

/// What keeps a text from being read: the first such thing, since nothing behind it can be trusted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its byte offset in the user's text; `None` when the text as a whole is meant.
    pub(super) at: Option<usize>,
    /// What was expected, what was found, what to do. Never more of the text than one character: it may hold a key.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { at: Some(offset), message: message.into() }
    }

    pub(super) fn of_all(message: impl Into<String>) -> Self {
        Self { at: None, message: message.into() }
    }
}

pub(super) const QUOTE_TEXTS: &str = "texts need quotes around them";
pub(super) const QUOTE_KEYS: &str = "a key of other characters than letters, digits, $ and _ needs quotes around it";

/// Whether a character looks like a quote and is none.
pub(super) fn resembles_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‘' | '’' | '`' | '«' | '»')
}

/// A character as messages show it. What a reader may take for another one gets its number, too.
pub(super) fn show(c: char) -> String {
    let is_visible = c == ' ' || c.is_ascii_graphic() || !c.is_whitespace() && c.escape_debug().len() == 1;
    if !is_visible {
        format!("the character U+{:04X}", u32::from(c))
    } else if c.is_ascii() || c.is_alphanumeric() {
        format!("`{c}`")
    } else {
        format!("`{c}` (U+{:04X})", u32::from(c))
    }
}

/// The character that was found, or the end of the text.
pub(super) fn show_found(found: Option<char>) -> String {
    found.map_or_else(|| "the end of the text".to_owned(), show)
}

/// What to do about a character that begins no value.
pub(super) fn hint_for_value(found: char) -> &'static str {
    match found {
        '#' => "comments begin with //",
        ',' => "remove the comma, or write the value before it",
        quote if resembles_quote(quote) => "the quotes of texts are \"",
        '}' | ']' | ':' | ';' | '=' => "write the value",
        _ => QUOTE_TEXTS,
    }
}
