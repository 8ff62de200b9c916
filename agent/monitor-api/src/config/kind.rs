//! What kind of value an option takes, for messages and the reference.

use std::fmt;

/// What a user writes for an option.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number between these two, inclusive.
    Integer {
        /// The least.
        min: i128,
        /// The greatest.
        max: i128,
    },
    /// Any finite number.
    Number,
    /// A time in seconds.
    Seconds,
    /// Text.
    Text,
    /// A path of a file or folder.
    Path,
    /// Text that is shown nowhere: a password, a key.
    Secret,
    /// A regular expression, in the dialect of Python's `re`.
    Pattern,
    /// A pattern with `*`, `?` and `[…]`, where `*` stands for any characters, `/` among them.
    Glob,
    /// Text of a special form, for example an IP address.
    Form(&'static str),
    /// A list, or text with a comma between the elements.
    List(&'static Kind),
    /// A list, or text with commas or blanks between the elements.
    SpacedList(&'static Kind),
    /// An object whose members are all of one kind.
    Map(&'static Kind),
    /// One of these words.
    Words(&'static [Word]),
    /// Any value.
    Any,
}

/// One of the words of an option that takes no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// What a user writes; capitals do not matter.
    pub name: &'static str,
    /// Older spellings that are still read, with a warning.
    pub aliases: &'static [&'static str],
    /// What it means.
    pub doc: &'static str,
}

impl Kind {
    /// Whether it is a list, an object, or may be one: text is then parsed, not split.
    pub(super) const fn is_compound(&self) -> bool {
        matches!(self, Self::List(_) | Self::SpacedList(_) | Self::Map(_) | Self::Any)
    }

    /// Whether a value of this kind is a regular expression, or holds one.
    pub(super) const fn is_pattern(&self) -> bool {
        match self {
            Self::Pattern => true,
            Self::List(inner) | Self::SpacedList(inner) | Self::Map(inner) => inner.is_pattern(),
            _ => false,
        }
    }

    /// Whether a value of this kind is a secret, or holds one.
    pub const fn is_secret(&self) -> bool {
        match self {
            Self::Secret => true,
            Self::List(inner) | Self::SpacedList(inner) | Self::Map(inner) => inner.is_secret(),
            _ => false,
        }
    }
}

/// `a number`, `a list, each element text`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Integer { .. } => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
            Self::Seconds => f.write_str("a time in seconds"),
            Self::Text => f.write_str("text"),
            Self::Path => f.write_str("a path"),
            Self::Secret => f.write_str("text (a secret)"),
            Self::Pattern => f.write_str("a regular expression"),
            Self::Glob => f.write_str("a pattern with * and ?"),
            Self::Form(form) => f.write_str(form),
            Self::List(element) | Self::SpacedList(element) => write!(f, "a list, each element {element}"),
            Self::Map(member) => write!(f, "an object, each member {member}"),
            Self::Words(words) => {
                let separator = |at| if at + 1 == words.len() { " or " } else { ", " };
                words.iter().enumerate().try_for_each(|(at, word)| {
                    f.write_str(if at == 0 { "" } else { separator(at) })?;
                    write!(f, "\"{}\"", word.name)
                })
            }
            Self::Any => f.write_str("any value"),
        }
    }
}
