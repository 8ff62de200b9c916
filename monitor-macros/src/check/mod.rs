//! What can be wrong with an author's item before rustc has a look.

mod metric;
mod names;
mod numbers;
mod option;
mod words;

pub(crate) use metric::sorted;
pub(crate) use names::written_name;
pub(crate) use numbers::is_negative;
pub(crate) use option::standard_variable;
pub(crate) use words::words;

use std::collections::HashSet;
use std::fmt::Display;

use crate::errors::Errors;
use crate::model::{ExtraFields, Field, Monitor, Part, Role};
use crate::types::arguments_of;

/// Checks a monitor.
pub(crate) fn monitor(monitor: &Monitor, errors: &mut Errors) {
    if monitor.doc.is_empty() {
        errors.at(&monitor.ident, missing_doc("monitor", &monitor.ident));
    }
    if let Some(name) = &monitor.name {
        names::of_monitor(name, errors);
    }
    if let Some(module) = &monitor.module {
        names::of_module(module, errors);
    }
    metric::log_fields(&monitor.log_fields, errors);
    fields_of(&monitor.fields, errors);
}

/// Checks a group of options or a set of metrics.
pub(crate) fn part(part: &Part, errors: &mut Errors) {
    if let Some(category) = &part.category {
        metric::category(category, errors);
    }
    fields_of(&part.fields, errors);
}

fn fields_of(fields: &[Field], errors: &mut Errors) {
    for field in fields {
        match &field.role {
            Role::Option(config) => option::option(field, config, errors),
            Role::Metric(handle) => metric::metric(field, handle, errors),
            Role::Set(Some(category)) => metric::category(category, errors),
            Role::State(_) => state(field, errors),
            Role::Group | Role::Set(None) | Role::Broken => {}
        }
    }
    option::keys(fields, errors);
    metric::distinct(fields, errors);
}

fn missing_doc(what: &str, ident: &impl Display) -> String {
    format!("the {what} `{ident}` needs a doc comment (`/// …`): it becomes its text in the reference")
}

fn state(field: &Field, errors: &mut Errors) {
    if arguments_of(&field.ty, "Metric").is_some() {
        errors.at(&field.ident, format!("`{}` is a metric handle; mark it #[metric]", field.ident));
    }
}

/// Checks a struct of extra fields.
pub(crate) fn fields(fields: &ExtraFields, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for field in &fields.fields {
        if field.doc.is_empty() {
            errors.at(&field.ident, missing_doc("extra field", &field.ident));
        }
        let name = field.name();
        names::of_logged("field", &name, field.name_tokens(), errors);
        let written = written_name(&name);
        if seen.contains(&written) {
            errors.at(field.name_tokens(), format!("two fields are written as `{written}`"));
        }
        seen.insert(written);
    }
}
