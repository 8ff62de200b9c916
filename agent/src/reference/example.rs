//! An entry of `monitors` that a monitor accepts, to begin with.

use scalyr_monitor::config::{Kind, OptionDecl};
use scalyr_monitor::registry::Registration;

/// The entry, with the options that must be given: `{ module: "coin" }`.
pub(super) fn example(registration: &Registration) -> String {
    let required = registration.options().into_iter().filter(|option| option.required);
    let options: String = required.map(|option| format!(", {}: {}", option.key, value(&option))).collect();
    format!("{{ module: {:?}{options} }}", registration.name)
}

fn value(option: &OptionDecl) -> String {
    if let Some(bound) = option.min.as_ref().or(option.max.as_ref()) {
        return bound.to_string();
    }
    of_kind(option.kind)
}

fn of_kind(kind: Kind) -> String {
    match kind {
        Kind::Bool => "true".to_owned(),
        Kind::Integer { .. } | Kind::Number | Kind::Seconds => "1".to_owned(),
        Kind::Words([word, ..]) => format!("{:?}", word.name),
        Kind::Path => "\"/…\"".to_owned(),
        Kind::List(element) | Kind::SpacedList(element) => format!("[{}]", of_kind(*element)),
        Kind::Map(_) => "{ … }".to_owned(),
        _ => "\"…\"".to_owned(),
    }
}
