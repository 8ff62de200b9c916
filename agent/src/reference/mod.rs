//! The reference: what the linked monitors declare, and the tables of keys, for people (a terminal, Markdown) and for
//! programs (JSON). `docs/` is written from here by `cargo xtask docs` (`monitor-framework.md` section 19).

mod catalogue;
mod configuration;
mod example;
mod fact;
mod json;
mod layout;
mod markdown;
mod terminal;
mod words;

use scalyr_monitor::registry::Registration;

use example::example;

pub use configuration::page as configuration_page;
pub use json::{all as json_of_all, one as json_of};
pub use markdown::{index as markdown_index, page as markdown_page};
pub(crate) use words::first_sentence;

pub use terminal::{all as text_of_all, one as text_of};

/// The crate of the monitors that every agent carries.
const BUILTIN: &str = "builtin-monitors";

/// Whether a monitor comes with every agent; the others were linked by whoever built this one.
pub fn is_builtin(registration: &Registration) -> bool {
    registration.krate == BUILTIN
}

/// Where a monitor comes from.
fn origin(registration: &Registration) -> String {
    match is_builtin(registration) {
        true => "builtin".to_owned(),
        false => format!("crate {} {}", registration.krate, registration.version),
    }
}
