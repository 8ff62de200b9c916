//! What the reference says about an option of a monitor, or about a key of the configuration.

use scalyr_monitor::config::{Kind as OptionKind, MASK, OptionDecl};
use serde_json::Value;

use super::words;
use crate::config::keys::{Key, Kind};

/// An option or a key, in words.
pub(super) struct Fact {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is for; may be several paragraphs of Markdown.
    pub(super) doc: &'static str,
    /// The type of its value.
    pub(super) kind: String,
    /// What is allowed of that type.
    pub(super) bounds: Option<String>,
    /// What it is when it is not given.
    pub(super) default: Option<String>,
    /// Whether it must be given.
    pub(super) required: bool,
    /// The environment variable that may give it.
    pub(super) env: Option<String>,
    /// Sentences behind the doc comment.
    pub(super) notes: Vec<String>,
}

impl Fact {
    /// An option of a monitor.
    pub(super) fn of_option(option: &OptionDecl) -> Self {
        let mut notes = words_told(option.kind);
        if !option.aliases.is_empty() {
            let aliases: Vec<String> = option.aliases.iter().map(|alias| format!("`{alias}`")).collect();
            notes.push(format!("Older spelling: {}.", words::either(&aliases)));
        }
        if option.secret {
            notes.push("Its value is shown nowhere.".to_owned());
        }
        if option.no_http {
            notes.push("With `allow_http_monitors: false` in the configuration, http:// becomes https://.".to_owned());
        }
        let (least, most) = fits(option.kind);
        Self {
            name: option.key,
            doc: option.doc,
            kind: option.kind.to_string(),
            bounds: words::bounds(option.min.as_ref().or(least.as_ref()), option.max.as_ref().or(most.as_ref())),
            // A secret is masked where it is described, unless there is nothing in it.
            default: option.default.as_ref().map(|default| match default.as_str() {
                Some(MASK) => MASK.to_owned(),
                _ => words::written(default),
            }),
            required: option.required,
            env: option.env.map(str::to_owned),
            notes,
        }
    }

    /// A key of the configuration.
    pub(super) fn of_key(key: &Key) -> Self {
        let mut notes = Vec::new();
        if let Some(alias) = key.alias {
            notes.push(format!("Older spelling: `{alias}`."));
        }
        if key.unless_legacy.is_some()
            && let Some(legacy) = table_default(key)
        {
            notes.push(format!(
                "With `max_send_rate_enforcement: \"legacy\"` the default is {}.",
                words::written(&legacy)
            ));
        }
        let bound = |bound: f64| scalyr_monitor::config::Number::Float(bound).to_value();
        let (min, max) = (key.range.map(|(min, _)| bound(min)), key.range.map(|(_, max)| bound(max)));
        Self {
            name: key.name,
            doc: key.doc,
            kind: kind(key),
            bounds: words::bounds(min.as_ref(), max.as_ref()),
            default: default(key).map(|default| words::written(&default)),
            // `vital` without a default: the agent does not start without it.
            required: key.required || key.vital && key.default().is_none(),
            env: None,
            notes,
        }
    }

    /// The doc comment on one line, the notes behind it.
    pub(super) fn told(&self) -> String {
        let doc = words::on_one_line(self.doc);
        std::iter::once(doc).chain(self.notes.iter().cloned()).collect::<Vec<_>>().join(" ")
    }
}

/// What each word means that the option, or an element of it, can be.
fn words_told(kind: OptionKind) -> Vec<String> {
    match kind {
        OptionKind::Words(words) => {
            let told = words.iter().filter(|word| !word.doc.is_empty());
            told.map(|word| format!("`{}`: {}", word.name, words::on_one_line(word.doc))).collect()
        }
        OptionKind::List(element) | OptionKind::SpacedList(element) | OptionKind::Map(element) => words_told(*element),
        _ => Vec::new(),
    }
}

/// What fits into a whole number, where a user may run into it: the ends of the larger types are left out.
fn fits(kind: OptionKind) -> (Option<Value>, Option<Value>) {
    let OptionKind::Integer { min, max } = kind else { return (None, None) };
    let small = |bound: i128| i32::try_from(bound).ok().filter(|bound| *bound > i32::MIN && *bound < i32::MAX);
    (small(min).map(Value::from), small(max).map(Value::from))
}

fn kind(key: &Key) -> String {
    if !key.words.is_empty() {
        return words::either(&key.words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>());
    }
    match key.kind {
        Kind::Boolean(_) => "true or false",
        Kind::Integer(_) => "a whole number",
        Kind::Float(_) => "a number",
        Kind::Text(_) => "text",
        Kind::Texts(_) => "a list of texts",
        Kind::TextsOrText => "a list of texts, or one text with commas",
        Kind::Object => "an object",
        Kind::Objects => "a list of objects",
        Kind::Any if key.name == "id" => "text, a number, true or false",
        Kind::Any => "see its description",
    }
    .to_owned()
}

/// The default that is used when the key is not given.
fn default(key: &Key) -> Option<Value> {
    match key.unless_legacy {
        _ if key.when_given => None,
        Some(default) => Some(default.into()),
        None => table_default(key),
    }
}

/// An empty text or list is the same as nothing.
fn table_default(key: &Key) -> Option<Value> {
    key.default().filter(|default| {
        !(default.as_str().is_some_and(str::is_empty) || default.as_array().is_some_and(Vec::is_empty))
    })
}
