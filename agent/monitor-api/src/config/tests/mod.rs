//! Each row of the conversion matrix (`monitor-framework.md` section 10.2), and the rules around it.

mod conversions;
mod matrix;
mod properties;
mod reading;
mod secrets;

use serde_json::{Map, Value, json};

use super::*;
use crate::registry::{BuildContext, Environment, Problem, ProblemKind, Severity};

/// The value that is read, or the message that refuses it.
fn read<T: ConfigValue>(value: Value) -> Result<T, String> {
    let mut problems = Vec::new();
    let read = T::read(&mut Found::new(&value, "option", "", &mut problems));
    read.ok_or_else(|| problems.into_iter().map(|problem| problem.text()).collect::<Vec<_>>().join(" + "))
}

fn refused<T: ConfigValue>(value: Value) -> String {
    let shown = value.to_string();
    read::<T>(value).err().unwrap_or_else(|| panic!("{shown} was read"))
}

/// An option that nothing is said about but its key, its type and what it is when it is not given.
const fn option<T: ConfigValue>(key: &'static str, absent: Absent<T>) -> TypedOption<T> {
    TypedOption {
        key,
        aliases: &[],
        doc: "",
        reading: reading(),
        env: None,
        absent,
        bounds: None,
        check: None,
        secret: false,
        no_http: false,
    }
}

/// What is read of an entry and an environment: the value, and the problems as text.
fn look_up<T>(option: &TypedOption<T>, entry: Value, variables: &[(&str, &str)]) -> (Option<T>, Vec<String>) {
    look_up_with(option, entry, variables, true)
}

/// The same, where plain http may not be allowed.
fn look_up_with<T>(
    option: &TypedOption<T>,
    entry: Value,
    variables: &[(&str, &str)],
    allow_http: bool,
) -> (Option<T>, Vec<String>) {
    let Value::Object(entry) = entry else { panic!("not an entry: {entry}") };
    let environment = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let environment = Environment::new(environment);
    let mut reader = Reader::new(&entry, BuildContext { environment: &environment, allow_http });
    let value = reader.read(option);
    (value, told(reader.into_problems()))
}

/// Problems as text.
fn told(problems: Vec<Problem>) -> Vec<String> {
    let text = |problem: Problem| format!("{:?} {}: {}", problem.severity, problem.path, problem.text());
    problems.into_iter().map(text).collect()
}
