//! Where the members and elements of a value come from, which several files may give together.

use serde_json::Value;

use super::Checked;
use crate::config::effective::EffectiveOption;
use crate::config::origin::Origin;

/// The parts of a value, each with its origin.
pub(super) enum Parts {
    /// Of an object, by their names.
    Members(Vec<(String, Origin)>),
    /// Of a list of objects, in its order.
    Elements(Vec<Origin>),
}

/// The parts of an option's value; `None` when it has none.
pub(super) fn of(option: &EffectiveOption, checked: &Checked<'_>) -> Option<Parts> {
    let given = checked.loaded.values.get(option.name);
    let sources = checked.report().sources();
    match option.value.as_ref()? {
        Value::Object(members) if !members.is_empty() => {
            let is_given = |name: &str| given.is_some_and(|given| given.get(name).is_some());
            // From a variable it is a text, which has no members yet.
            let whole = matches!(option.origin, Origin::Variable(_)).then_some(&option.origin);
            let origin = |name: &String| match whole {
                Some(whole) if name != "serverHost" => whole.clone(),
                _ if is_given(name) => sources.member_origin(option.name, name),
                _ => Origin::Default,
            };
            Some(Parts::Members(members.keys().map(|name| (name.clone(), origin(name))).collect()))
        }
        Value::Array(elements) if elements.first().is_some_and(Value::is_object) && given.is_some() => {
            let origin = |index| sources.origin(&format!("{}[{index}]", option.name));
            Some(Parts::Elements((0..elements.len()).map(origin).collect()))
        }
        _ => None,
    }
}

/// The origin of the whole for a person: the first place in each of the files that give a part of it.
pub(super) fn whole(option: &EffectiveOption, parts: Option<&Parts>) -> String {
    let parts: Vec<&Origin> = match parts {
        Some(Parts::Members(members)) => members.iter().map(|(_, origin)| origin).collect(),
        Some(Parts::Elements(elements)) => elements.iter().collect(),
        None => Vec::new(),
    };
    let file_of = |origin: &Origin| match origin {
        Origin::File { file, .. } => Some(file.clone()),
        _ => None,
    };
    let mut known: Vec<String> = file_of(&option.origin).into_iter().collect();
    let mut shown = vec![option.origin.to_string()];
    for origin in parts {
        if let Some(file) = file_of(origin).filter(|file| !known.contains(file)) {
            known.push(file);
            shown.push(origin.to_string());
        }
    }
    shown.join(", ")
}
