//! What can be wrong with a metric, and with what whole lines hold.

use std::collections::HashSet;

use syn::{LitStr, Type};

use super::{missing_doc, names, written_name};
use crate::errors::Errors;
use crate::model::{Field, Handle, Role};
use crate::parse::Pair;
use crate::types::{arguments_of, last_segment_is, plain, text_of_type, types_of};

pub(super) fn metric(field: &Field, handle: &Handle, errors: &mut Errors) {
    if field.doc.is_empty() {
        errors.at(&field.ident, missing_doc("metric", &field.ident));
    }
    match arguments_of(&field.ty, "Metric") {
        Some(arguments) if (1..=2).contains(&arguments.len()) => {}
        Some(_) => errors.at(&field.ty, "a metric is a `Metric<V>`, or a `Metric<V, F>` with extra fields"),
        // rustc says what is missing behind it.
        None if last_segment_is(&field.ty, "Metric") => {}
        None => {
            let (ty, alias) = (text_of_type(&field.ty), alias_hint(&field.ty));
            errors.at(
                &field.ty,
                format!(
                    "the type of a metric must be `Metric<_>`, a handle to emit through: `Metric<{ty}>` emits `{ty}`{alias}"
                ),
            );
        }
    }
    names::of_logged("metric", &field.name(), field.name_tokens(), errors);
    if let Some(unit) = &handle.unit {
        check_unit(unit, errors);
    }
    if let Some(name) = &handle.category {
        category(name, errors);
    }
    if let (Some(cumulative), Some([value, ..])) = (&handle.cumulative, types_of(&field.ty, "Metric").as_deref())
        && is_no_number(value)
    {
        let ty = text_of_type(value);
        errors.at(cumulative, format!("a `{ty}` does not grow; `cumulative` is for metrics whose values are numbers"));
    }
    constants(&handle.constants, errors);
}

/// What to say beside it when the type may be an alias.
fn alias_hint(ty: &Type) -> &'static str {
    let Type::Path(path) = plain(ty) else { return "" };
    let is_like_an_alias = path.path.segments.last().is_some_and(|segment| {
        let name = segment.ident.to_string();
        segment.arguments.is_none() && name != "String" && name.starts_with(char::is_uppercase)
    });
    if is_like_an_alias { "; an alias of `Metric<_>` is not seen through, write it out" } else { "" }
}

/// `bytes`, `sec`, or with the factor that makes it so: `sec:.001` for thousandths.
fn check_unit(unit: &LitStr, errors: &mut Errors) {
    let text = unit.value();
    let (name, scale) = text.split_once(':').map_or((text.as_str(), None), |(name, scale)| (name, Some(scale)));
    let is_scale = |scale: &str| scale.parse::<f64>().is_ok_and(|scale| scale.is_finite() && scale > 0.0);
    if name.is_empty() || name.contains(char::is_whitespace) || scale.is_some_and(|scale| !is_scale(scale)) {
        errors.at(unit, format!("`{text}` is no unit: `bytes`, `sec`, or with a factor, `sec:.001` for milliseconds"));
    }
}

pub(super) fn category(category: &LitStr, errors: &mut Errors) {
    if category.value().trim().is_empty() {
        errors.at(category, "a category is a heading in the reference, and this one is empty");
    }
}

fn is_no_number(ty: &Type) -> bool {
    match plain(ty) {
        Type::Reference(reference) => is_no_number(&reference.elem),
        Type::Path(path) => ["bool", "str", "String"].iter().any(|name| path.path.is_ident(name)),
        _ => false,
    }
}

fn constants(constants: &[Pair], errors: &mut Errors) {
    let mut seen = HashSet::new();
    for pair in constants {
        names::of_logged("field", &pair.name, &pair.tokens, errors);
        if !seen.insert(written_name(&pair.name)) {
            errors.at(&pair.tokens, format!("the field `{}` is given twice", pair.name));
        }
    }
}

/// What the whole lines of a monitor hold. Here the reserved names are those of the server.
pub(super) fn log_fields(fields: &[Pair], errors: &mut Errors) {
    let mut seen = HashSet::new();
    for pair in fields {
        names::of_logged("field", &pair.name, &pair.tokens, errors);
        if pair.text.value().trim().is_empty() {
            errors.at(&pair.text, format!("say what `{}` tells: it becomes its text in the reference", pair.name));
        }
        if !seen.insert(&pair.name) {
            errors.at(&pair.tokens, format!("the field `{}` is given twice", pair.name));
        }
    }
}

/// Two handles of one name must differ in the extra fields that never change.
pub(super) fn distinct(fields: &[Field], errors: &mut Errors) {
    let mut seen: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for field in fields {
        let Role::Metric(handle) = &field.role else { continue };
        if field.name().is_empty() {
            continue;
        }
        let metric = (written_name(&field.name()), sorted(&handle.constants));
        if seen.contains(&metric) {
            let name = field.name();
            let with = if metric.1.is_empty() { "" } else { ", with the same constant fields" };
            errors.at(field.name_tokens(), format!("the metric `{name}` is declared twice{with}"));
        }
        seen.push(metric);
    }
}

/// The extra fields that never change, as they are written: name and value, sorted by name.
pub(crate) fn sorted(constants: &[Pair]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = constants.iter().map(|pair| (written_name(&pair.name), pair.text.value())).collect();
    sorted.sort();
    sorted
}
