//! Why a text cannot be read, for the person who wrote it.

/// So many faults of a text are told; whoever has that many has enough to do.
pub(super) const MAX_FAULTS: usize = 20;

/// What is wrong at one place of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its byte offset in the user's text; `None` when the text as a whole is meant.
    pub(super) at: Option<usize>,
    /// What was expected, what was found. Never more of the text than one character: it may hold a key.
    pub(super) message: String,
    /// What to do; may be empty.
    pub(super) hint: String,
}

impl Fault {
    pub(super) fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { at: Some(offset), message: message.into(), hint: String::new() }
    }

    pub(super) fn of_all(message: impl Into<String>) -> Self {
        Self { at: None, message: message.into(), hint: String::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Nothing behind a fault can be trusted: reading ends, and the values are not used.
#[derive(Debug)]
pub(super) struct Lost;

pub(super) const QUOTE_TEXTS: &str = "texts need quotes around them";
pub(super) const QUOTE_KEYS: &str = "a key of other characters than letters, digits, $ and _ needs quotes around it";
pub(super) const COMMENTS: &str = "comments begin with //";

/// Whether a character takes no room, so that nobody sees it.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

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
        '#' => COMMENTS,
        ',' => "remove the comma, or write the value before it",
        quote if resembles_quote(quote) => "the quotes of texts are \"",
        '}' | ']' | ':' | ';' | '=' => "write the value",
        _ => QUOTE_TEXTS,
    }
}

/// What to do about a character that begins no key.
pub(super) fn hint_for_key(found: char) -> &'static str {
    match found {
        ',' => "remove the comma",
        '}' | ']' | ':' | '{' | '[' => "write the key",
        quote if resembles_quote(quote) => "the quotes of keys are \"",
        c if is_invisible(c) => "remove it; it takes no room, and an editor hardly shows it",
        _ => QUOTE_KEYS,
    }
}
