//! The entries of `workers`: to whom and where logs are uploaded (`configuration.md` section 6).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::keys::{self, nearest_name};
use super::load::Loaded;
use super::plan::{ApiKey, SessionId, SessionPlan};
use super::report::{Kind, Report, Severity};
use super::server;
use super::session::{self, DEFAULT_WORKER, Shared};
use super::settings::{Scope, Settings};
use super::value;
use crate::ledger::WorkerId;

/// What follows from a refusal.
const DOES_NOT_UPLOAD: &str = "this worker does not upload";
/// What follows from that of the default worker's entry.
const DEFAULT_STAYS: &str = "this entry is not used: the worker \"default\" has what the top level says";

/// The workers that logs can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workers {
    /// In the order of the configuration, the default one first unless it has an entry further down.
    ids: Arc<[String]>,
    /// Those whose entry was refused.
    refused: Arc<[String]>,
}

/// The default one alone.
impl Default for Workers {
    fn default() -> Self {
        Self { ids: Arc::new([DEFAULT_WORKER.to_owned()]), refused: Arc::new([]) }
    }
}

impl Workers {
    /// The ids of all workers that upload.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Whether each worker of `others` is among these.
    pub fn have_all(&self, others: &Self) -> bool {
        others.ids.iter().all(|id| self.ids.contains(id))
    }

    /// Whether there is a worker of this id; says so at `path` when there is none.
    pub(super) fn check_reference(&self, id: &str, path: &str, report: &mut Report) -> bool {
        if self.ids.iter().any(|known| known == id) {
            return true;
        }
        let shown = value::shown(&id.into());
        if self.refused.iter().any(|refused| refused == id) {
            let message = format!("the worker {shown} was refused, so that nobody uploads these files");
            report.refuse(path, message).kind(Kind::Reference);
            return false;
        }
        let known: Vec<String> = self.ids.iter().map(|id| format!("{id:?}")).collect();
        let problem = match known.as_slice() {
            [only] => report.refuse(path, format!("{shown} is no worker; there is only {only}")),
            _ => report.refuse(path, format!("{shown} is no worker; there are {}", known.join(", "))),
        };
        problem.kind(Kind::Reference);
        match nearest_name(id, self.ids.iter().map(String::as_str)) {
            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
            None => problem.hint("workers are listed in `workers`, each with its `id`"),
        };
        false
    }

    /// Those of a configuration whose problems are told elsewhere.
    pub(super) fn of_agent(settings: &Settings<'_>, loaded: &Loaded) -> Self {
        plan(settings, &Map::new(), loaded, &mut loaded.blank_report()).1
    }
}

/// The sessions of each worker, and the ids of all. Without a usable key or server the default worker has no session,
/// which is fatal and reported.
pub(super) fn plan(
    settings: &Settings<'_>,
    server_attributes: &Map<String, Value>,
    loaded: &Loaded,
    report: &mut Report,
) -> (Vec<SessionPlan>, Workers) {
    // The older name, unless the entries were merged under the newer one.
    let list = if loaded.values.contains_key("workers") { "workers" } else { "api_keys" };
    let entries = settings.list("workers");
    let key = default_key(settings, entries, list, loaded, report);
    let server = session::server(settings, report);
    let shared = Shared::read(settings, server_attributes, loaded, report);
    key.iter().for_each(|key| shared.hide(key));
    let usual = sessions(settings, "default_sessions_per_worker").unwrap_or(1);

    let mut reader = Reader { key: key.as_ref(), allow_http: settings.boolean("allow_http"), found: Vec::new() };
    let mut refused = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let (origin, known) = (format!("{list}[{index}]"), report.problems().len());
        match reader.read(entry, &origin, report) {
            Some(worker) => reader.found.push(worker),
            None => {
                let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
                let consequence = if id == DEFAULT_WORKER { DEFAULT_STAYS } else { DOES_NOT_UPLOAD };
                report.conclude(known, consequence);
                refused.push(id.to_owned());
            }
        }
    }
    let mut workers = reader.found;
    if !workers.iter().any(|worker| worker.id == DEFAULT_WORKER) {
        let origin = "api_key".to_owned();
        workers.insert(0, Worker { id: DEFAULT_WORKER.to_owned(), key: None, server: None, sessions: None, origin });
    }
    let of_worker = |worker: &Worker| {
        let key = worker.key.clone().or_else(|| key.clone())?;
        let server = worker.server.clone().or_else(|| server.clone())?;
        let first = SessionId::from(WorkerId(worker.id.as_str().into()));
        let id = move |number| SessionId { number, ..first.clone() };
        let count = worker.sessions.unwrap_or(usual);
        Some((0..count).map(|number| shared.session(id(number), key.clone(), server.clone())).collect::<Vec<_>>())
    };
    let sessions = workers.iter().filter_map(of_worker).flatten().collect();
    let ids = workers.into_iter().map(|worker| worker.id).collect();
    (sessions, Workers { ids, refused: refused.into() })
}

/// The key of the top level. An entry of the default worker may give it in its place.
fn default_key(
    settings: &Settings<'_>,
    entries: &[Value],
    list: &str,
    loaded: &Loaded,
    report: &mut Report,
) -> Option<ApiKey> {
    let is_default = |entry: &&Value| entry.get("id").is_some_and(|id| id == DEFAULT_WORKER);
    let entry = entries.iter().enumerate().find(|(_, entry)| is_default(entry));
    match entry.and_then(|(index, entry)| Some((index, value::text(entry.get("api_key")?).ok()?.value))) {
        Some((index, key)) if settings.text("api_key").is_none() && !settings.is_bad("api_key") => {
            session::usable_key(&key, &format!("{list}[{index}].api_key"), Severity::Fatal, report)
        }
        _ => session::api_key(settings, loaded, report),
    }
}

/// A worker whose entry was read.
struct Worker {
    id: String,
    /// None for that of the top level.
    key: Option<ApiKey>,
    /// None for that of the top level.
    server: Option<String>,
    /// How many it has; none for as many as others.
    sessions: Option<u32>,
    /// Where its entry stands.
    origin: String,
}

/// Reads one entry after the other.
struct Reader<'a> {
    /// The key of the default worker.
    key: Option<&'a ApiKey>,
    allow_http: bool,
    found: Vec<Worker>,
}

impl Reader<'_> {
    /// None when the entry is refused; the report says why.
    fn read(&self, entry: &Value, origin: &str, report: &mut Report) -> Option<Worker> {
        let Value::Object(values) = entry else {
            let message = format!("must be an object with an `id` and an `api_key`, but is {}", value::kind(entry));
            report.refuse(origin, message).kind(Kind::Type);
            return None;
        };
        let settings = Settings::read(values, keys::WORKER_ENTRY, origin, Scope::Entry, report);
        let id = self.id(values, &settings, origin, report);
        let is_default = id.as_deref() == Some(DEFAULT_WORKER);
        let key = self.key(&settings, values, is_default, origin, report);
        let server = self.server(&settings, is_default, origin, report);
        let (id, key, server) = (id?, key?, server?);
        let sessions = sessions(&settings, "sessions");
        (!settings.is_refused()).then(|| Worker { id, key, server, sessions, origin: origin.to_owned() })
    }

    fn id(
        &self,
        values: &Map<String, Value>,
        settings: &Settings<'_>,
        origin: &str,
        report: &mut Report,
    ) -> Option<String> {
        let path = format!("{origin}.id");
        let id = match (values.get("id"), settings.text("id")) {
            (Some(Value::Number(number)), _) => {
                let message = format!("{number} must be a text, but is a number");
                report.refuse(path, message).kind(Kind::Type).hint(format!("write it in quotes: \"{number}\""));
                return None;
            }
            (None | Some(Value::Null), _) => {
                let message = "is missing: an entry names its worker, for `worker_id` of a log";
                report.refuse(path, message).kind(Kind::Missing);
                return None;
            }
            (_, Some(id)) => id,
            // It was refused for its type.
            (_, None) => return None,
        };
        let is_odd = |c: &char| !c.is_ascii_alphanumeric() && *c != '_';
        let shown = value::shown(&id.into());
        if id.is_empty() {
            report.refuse(path, "is empty; it consists of letters, digits and `_`");
            return None;
        }
        if let Some(odd) = id.chars().find(is_odd) {
            report.refuse(path, format!("{shown} has a {odd:?} in it; letters, digits and `_` are allowed"));
            return None;
        }
        if let Some(other) = self.found.iter().find(|other| other.id == id) {
            let message = format!("{shown} is the id of {} too", other.origin);
            report.refuse(path, message).kind(Kind::Conflict).hint("give each worker its own");
            return None;
        }
        Some(id.to_owned())
    }

    /// `Some(None)` for the key of the top level.
    fn key(
        &self,
        settings: &Settings<'_>,
        values: &Map<String, Value>,
        is_default: bool,
        origin: &str,
        report: &mut Report,
    ) -> Option<Option<ApiKey>> {
        let path = format!("{origin}.api_key");
        match settings.text("api_key") {
            None if settings.is_bad("api_key") => None,
            None if is_default => Some(None),
            None => {
                // What is wrong with a file of the key was said where it was read.
                if values.get("api_key_file").is_none_or(Value::is_null) {
                    let message =
                        "is missing: an entry gives the \"Log Write Access\" key that its worker uploads with";
                    report.refuse(path, message).kind(Kind::Missing);
                }
                None
            }
            Some(text) if is_default => {
                if self.key.is_some_and(|key| key.reveal() != text.trim()) {
                    let message =
                        "is another key than `api_key` at the top level, which is that of the worker \"default\"";
                    report
                        .refuse(path, message)
                        .kind(Kind::Conflict)
                        .hint("leave it out here, or give this worker another id");
                    return None;
                }
                Some(None)
            }
            Some(text) => session::usable_key(text, &path, Severity::Refused, report).map(Some),
        }
    }

    /// `Some(None)` for the server of the top level. No other server may get the data in the place of one that cannot be
    /// used.
    fn server(
        &self,
        settings: &Settings<'_>,
        is_default: bool,
        origin: &str,
        report: &mut Report,
    ) -> Option<Option<String>> {
        if settings.is_bad("server_url") {
            return None;
        }
        let Some(text) = settings.text("server_url") else { return Some(None) };
        let path = format!("{origin}.server_url");
        match server::read(text, self.allow_http) {
            Ok(server) => {
                if let Some(note) = server.note {
                    report.warn(path, note).kind(Kind::Conversion);
                }
                Some(Some(server.address))
            }
            Err(message) => {
                let severity = if is_default { Severity::Fatal } else { Severity::Refused };
                report.add(severity, path, message).hint(server::EXAMPLE);
                None
            }
        }
    }
}

/// How many sessions a key asks for, at least one.
fn sessions(settings: &Settings<'_>, name: &'static str) -> Option<u32> {
    settings.integer(name).and_then(|sessions| u32::try_from(sessions).ok()).map(|sessions| sessions.max(1))
}
