//! Options that hold a URL.

use super::collections::SpacedList;
use super::value::ConfigValue;

/// A type that can hold a URL: `no_http` is for options of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` holds no URL, so `no_http` cannot bring it to https",
    label = "not the type of a URL",
    note = "`no_http` is for String, Option<String> and Vec<String>"
)]
pub trait Url: ConfigValue {}

impl Url for String {}

impl<T: Url> Url for Option<T> {}

impl<T: Url> Url for Vec<T> {}

impl<T: Url> Url for SpacedList<T> {}
