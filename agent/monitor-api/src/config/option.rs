//! The declaration of an option: written once by the author, used by the reader, the messages and the reference.

use serde_json::Value;

use super::bounds::Bounds;
use super::kind::Kind;
use super::value::ConfigValue;

/// What an option is when the entry does not give it.
pub enum Absent<T> {
    /// A problem: the option is `required`.
    Refused,
    /// The default.
    Default(fn() -> T),
    /// Nothing: the option is an `Option`.
    Nothing(fn() -> T),
}

/// An option as `#[scalyr_monitor]` declares it.
pub struct TypedOption<T> {
    /// The key in the entry.
    pub key: &'static str,
    /// The doc comment.
    pub doc: &'static str,
    /// The environment variable that is read when the entry has no such key.
    pub env: Option<&'static str>,
    /// What it is when neither gives a value.
    pub absent: Absent<T>,
    /// What is allowed.
    pub bounds: Option<Bounds<T>>,
}

/// An option, for the reference and for messages.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionDecl {
    /// The key in the entry.
    pub key: &'static str,
    /// The doc comment.
    pub doc: &'static str,
    /// What a user writes for it.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// The environment variable that is read when the entry has no such key.
    pub env: Option<&'static str>,
    /// The value that is used when it is not given, as a user would write it.
    pub default: Option<Value>,
    /// The least value that is allowed.
    pub min: Option<Value>,
    /// The greatest value that is allowed.
    pub max: Option<Value>,
}

/// A [`TypedOption`] whose type is forgotten.
pub trait DescribeOption: Sync {
    /// The key in the entry.
    fn key(&self) -> &'static str;

    /// Everything about it.
    fn describe(&self) -> OptionDecl;
}

impl<T: ConfigValue> DescribeOption for TypedOption<T> {
    fn key(&self) -> &'static str {
        self.key
    }

    fn describe(&self) -> OptionDecl {
        let bound = |bound: fn() -> super::bounds::Number| bound().to_value();
        let bounds = self.bounds.as_ref();
        OptionDecl {
            key: self.key,
            doc: self.doc,
            kind: T::KIND,
            required: matches!(self.absent, Absent::Refused),
            env: self.env,
            default: match self.absent {
                Absent::Default(default) => Some(default().to_value()),
                _ => None,
            },
            min: bounds.and_then(|bounds| bounds.min).map(bound),
            max: bounds.and_then(|bounds| bounds.max).map(bound),
        }
    }
}
