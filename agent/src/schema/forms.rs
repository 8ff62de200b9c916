//! The special forms that single keys take.

use serde_json::{Value, json};

/// Names with a text, a number or a bool each; a null counts as not given.
pub(super) fn attributes() -> Value {
    json!({ "additionalProperties": { "type": ["string", "number", "boolean", "null"] } })
}

/// Names of variables, or objects of a name and a default.
pub(super) fn imports() -> Value {
    let variable = json!({
        "type": "object",
        "required": ["var", "default"],
        "properties": { "var": { "type": "string" }, "default": { "type": "string" } },
        "additionalProperties": false,
    });
    json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, variable] } })
}

/// Not empty, and not what the stock configuration has in its place.
pub(super) fn api_key() -> Value {
    json!({ "pattern": r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", "not": { "pattern": r"^\s*REPLACE_THIS\s*$" } })
}

/// A host with an optional scheme and port.
pub(super) fn server() -> Value {
    json!({ "pattern": r"^\s*([Hh][Tt][Tt][Pp][Ss]?://)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?\s*$" })
}

/// `unlimited`, `legacy`, or bytes per time.
pub(super) fn rate() -> Value {
    let words = "[Uu][Nn][Ll][Ii][Mm][Ii][Tt][Ee][Dd]|[Ll][Ee][Gg][Aa][Cc][Yy]";
    let rate = r"[0-9]+(\.[0-9]*)?\s*([KkMmGgTt][Ii]?)?B\s*/\s*[SsMmHhDdWw]";
    json!({ "pattern": format!(r"^\s*({words})\s*$|{rate}"), "not": { "pattern": r"^\s*-|^[^1-9]*B" }, "examples": ["unlimited", "legacy", "5 MB/s"] })
}

/// A name of Python's logging, in any case.
pub(super) fn severity() -> Value {
    let any_case = |word: &str| -> String {
        word.chars().map(|letter| format!("[{letter}{}]", letter.to_ascii_lowercase())).collect()
    };
    let words = ["NOTSET", "DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL"].map(any_case).join("|");
    let shown = ["NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
    json!({ "pattern": format!(r"^\s*({words})\s*$"), "examples": shown })
}

/// What tells the entries of one monitor apart: it becomes a part of every line.
pub(super) fn id() -> Value {
    json!({ "type": ["string", "number", "boolean", "null"], "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$" })
}
