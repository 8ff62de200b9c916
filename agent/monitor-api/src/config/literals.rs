//! What stands for true, for false and for a number: one table for the options of monitors and the keys of the agent,
//! so that `yes` never means one thing here and another there.

use serde_json::Value;

/// True or false, from a JSON bool, 0 or 1, or a word in any case. `None` for all else: the old agent took every unknown
/// word for one of the two.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
            // An empty variable in the environment counts as set, and as false.
            "false" | "f" | "0" | "no" | "n" | "off" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number, perhaps not a finite one, from a JSON number or its text. Underscores may stand between two digits, as in
/// the old agent.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => without_underscores(text.trim()).parse().ok(),
        _ => None,
    }
}

/// A whole number as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The number.
    pub number: i128,
    /// Whether a fraction was cut off, towards zero, as the old agent did without a word. Whoever uses the number warns
    /// of it.
    pub is_cut: bool,
}

/// A whole number, from a JSON number or its text. `None` also for a float beyond 9.2e18, which holds no exact number.
pub fn whole_number(value: &Value) -> Option<Whole> {
    let exact = match value {
        Value::Number(number) => number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => without_underscores(text.trim()).parse().ok(),
        _ => None,
    };
    if let Some(number) = exact {
        return Some(Whole { number, is_cut: false });
    }
    let number = number(value)?;
    let whole = number.trunc();
    // Neither infinity nor `nan` lies in it.
    (-9.2e18..=9.2e18).contains(&whole).then_some(Whole { number: whole as i128, is_cut: whole != number })
}

/// Takes out the underscores that stand between two digits.
fn without_underscores(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    text.char_indices()
        .filter(|&(at, c)| !(c == '_' && digit(at.checked_sub(1)) && digit(Some(at + 1))))
        .map(|(_, c)| c)
        .collect()
}
