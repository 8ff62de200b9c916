//! An entry of `monitors` that a monitor accepts, to begin with.

use scalyr_monitor::config::{Kind, OptionDecl};
use scalyr_monitor::registry::Registration;
use serde_json::Value;

/// The entry, with the options that must be given: `{ module: "coin" }`.
pub(super) fn example(registration: &Registration) -> String {
    let required = registration.options().into_iter().filter(|option| option.required);
    let options: String = required.map(|option| format!(", {}: {}", key(option.key), value(&option))).collect();
    format!("{{ module: {:?}{options} }}", registration.name)
}

/// A key, in quotes where it is no name to the configuration's syntax.
fn key(key: &str) -> String {
    let is_name = !key.starts_with(|first: char| first.is_ascii_digit()) && !key.contains(['-', '.']);
    if is_name { key.to_owned() } else { format!("{key:?}") }
}

fn value(option: &OptionDecl) -> String {
    of_kind(option.kind, option.min.as_ref().or(option.max.as_ref()))
}

/// A value, with a number that is one of its bounds; those of a list hold for each element.
fn of_kind(kind: Kind, bound: Option<&Value>) -> String {
    match kind {
        Kind::Bool => "true".to_owned(),
        Kind::Integer { .. } | Kind::Number | Kind::Seconds => bound.map_or_else(|| "1".to_owned(), Value::to_string),
        Kind::Words([word, ..]) => format!("{:?}", word.name),
        Kind::Path => "\"/…\"".to_owned(),
        Kind::List(element) | Kind::SpacedList(element) => format!("[{}]", of_kind(*element, bound)),
        Kind::Map(_) => "{ … }".to_owned(),
        _ => "\"…\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_example_is_of_the_options_form() {
        let numbers = Kind::List(&Kind::Integer { min: 0, max: 99 });
        assert_eq!(of_kind(numbers, Some(&json!(5))), "[5]");
        assert_eq!(of_kind(numbers, None), "[1]");
        assert_eq!(of_kind(Kind::Seconds, Some(&json!(0.5))), "0.5");
    }

    #[test]
    fn a_key_that_is_no_name_stands_in_quotes() {
        assert_eq!(["port", "my-port", "a.b", "2nd"].map(key), ["port", "\"my-port\"", "\"a.b\"", "\"2nd\""]);
    }
}
