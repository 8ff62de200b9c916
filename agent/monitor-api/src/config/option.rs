//! The declaration of an option: written once by the author, used by the reader, the messages and the reference.

use serde_json::Value;

use super::bounds::{Bounds, Number};
use super::keys::DeclaredKey;
use super::kind::Kind;
use super::reader::Reader;
use super::value::{ConfigValue, Found, MASK};
use crate::error::Result;

/// What an option is when the entry does not give it.
pub enum Absent<T> {
    /// A problem: the option is `required`.
    Refused,
    /// The default.
    Default(fn() -> T),
    /// Nothing: the option is an `Option`.
    Nothing(fn() -> T),
}

/// How a type is read and shown: its [`ConfigValue`], kept apart from the type, so that a type without one is an error
/// in one place only.
pub struct Reading<T> {
    pub(super) kind: Kind,
    pub(super) read: fn(&mut Found<'_>) -> Option<T>,
    pub(super) to_value: fn(&T) -> Value,
}

/// How a type is read.
pub const fn reading<T: ConfigValue>() -> Reading<T> {
    Reading { kind: T::KIND, read: T::read, to_value: T::to_value }
}

/// An option as `#[scalyr_monitor]` declares it.
pub struct TypedOption<T> {
    /// The key in the entry.
    pub key: &'static str,
    /// Older names of the key that are still read, with a warning.
    pub aliases: &'static [&'static str],
    /// The doc comment.
    pub doc: &'static str,
    /// How its type is read.
    pub reading: Reading<T>,
    /// The environment variable that is read when the entry has no such key.
    pub env: Option<&'static str>,
    /// What it is when neither gives a value.
    pub absent: Absent<T>,
    /// What is allowed.
    pub bounds: Option<Bounds<T>>,
    /// The author's own check of a value that is within its bounds; its error is the message. It is not called for an
    /// `Option` that is not given.
    pub check: Option<fn(&T) -> Result<()>>,
    /// Whether the value is shown nowhere: neither in a message nor in the reference.
    pub secret: bool,
    /// Whether the value is a URL that is brought to https when the agent does not allow plain http to monitors.
    pub no_http: bool,
}

/// An option, for the reference and for messages.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionDecl {
    /// The key in the entry.
    pub key: &'static str,
    /// Older names of the key that are still read, with a warning.
    pub aliases: &'static [&'static str],
    /// The doc comment.
    pub doc: &'static str,
    /// What a user writes for it.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// The environment variable that is read when the entry has no such key.
    pub env: Option<&'static str>,
    /// The value that is used when it is not given, as a user would write it; the mask when it is secret.
    pub default: Option<Value>,
    /// The least value that is allowed.
    pub min: Option<Value>,
    /// The greatest value that is allowed.
    pub max: Option<Value>,
    /// Whether its value is shown nowhere.
    pub secret: bool,
    /// Whether it is a URL that is brought to https when the agent does not allow plain http to monitors.
    pub no_http: bool,
}

/// A [`TypedOption`] whose type is forgotten.
pub trait DescribeOption: Sync {
    /// The key in the entry.
    fn key(&self) -> &'static str;

    /// Older names of the key.
    fn aliases(&self) -> &'static [&'static str];

    /// Everything about it.
    fn describe(&self) -> OptionDecl;
}

/// What a monitor declares: an option, or a group of options that several monitors share.
#[derive(Clone, Copy)]
pub enum DeclaredOption {
    /// One option.
    One(&'static dyn DescribeOption),
    /// The options of a flattened group.
    Group(&'static [Self]),
}

impl DeclaredOption {
    /// All options of a declaration, in its order, groups opened.
    pub fn all(declared: &'static [Self]) -> Vec<&'static dyn DescribeOption> {
        declared
            .iter()
            .flat_map(|declared| match declared {
                Self::One(option) => vec![*option],
                Self::Group(group) => Self::all(group),
            })
            .collect()
    }
}

/// Options that several monitors share, by `#[derive(OptionGroup)]` on a struct whose fields are `#[config]` options; a
/// monitor takes them in with `#[config(flatten)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group of options, so it cannot be flattened",
    label = "not a group of options",
    note = "write a struct with one #[config(…)] field per option and put #[derive(OptionGroup)] on it"
)]
pub trait OptionGroup: Sized + 'static {
    /// The options, in the order of declaration.
    const OPTIONS: &'static [DeclaredOption];

    /// The keys of them, by which the compiler refuses two options of one name.
    #[doc(hidden)]
    const KEYS: &'static [DeclaredKey];

    /// Reads all of them; `None` after a problem that refuses the entry, when each was looked at.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

impl<T> DescribeOption for TypedOption<T> {
    fn key(&self) -> &'static str {
        self.key
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn describe(&self) -> OptionDecl {
        let secret = self.secret || self.reading.kind.is_secret();
        let bound = |bound: fn() -> Number| bound().to_value();
        let bounds = self.bounds.as_ref();
        OptionDecl {
            key: self.key,
            aliases: self.aliases,
            doc: self.doc,
            kind: self.reading.kind,
            required: matches!(self.absent, Absent::Refused),
            env: self.env,
            default: match self.absent {
                Absent::Default(default) => Some((self.reading.to_value)(&default())).map(|default| match secret {
                    true if !is_empty(&default) => MASK.into(),
                    _ => default,
                }),
                _ => None,
            },
            min: bounds.and_then(|bounds| bounds.min).map(bound),
            max: bounds.and_then(|bounds| bounds.max).map(bound),
            secret,
            no_http: self.no_http,
        }
    }
}

/// Whether there is nothing in a value that could be a secret.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
