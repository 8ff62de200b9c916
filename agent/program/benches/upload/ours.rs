//! The rows of this agent.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use scalyr_agent::config::load::from_text;
use scalyr_agent::config::plan::Compression;
use scalyr_agent::config::{Surroundings, draft};
use scalyr_agent::upload::Compressor;
use scalyr_monitor::registry::{Environment, Registry};
use serde_json::{Map, Value, json};

use crate::log_file::LogFile;
use crate::outcome::Outcome;
use crate::proof;
use crate::sink::{Kept, Sink, Speech};
use crate::story::{AgentProcess, Scratch, now, write_config};
use crate::table::Targets;
use crate::watch::{Manners, watch};

/// A row of the table that is this agent's.
pub(crate) struct Ours {
    /// Its name.
    pub(crate) name: &'static str,
    kind: &'static str,
    level: Option<u8>,
    /// Not in the usual table.
    pub(crate) is_rare: bool,
    /// What it is to reach.
    pub(crate) targets: Targets,
}

const ANY: Targets = Targets { cpu: None, above: Some(2.0), speed: None, wire: None, peak: Some(28.0) };

/// All of them. The wire's targets are what the Python agent needs for such a log.
pub(crate) const ROWS: [Ours; 9] = [
    row("deflate", "deflate", None, Targets { cpu: Some(9.0), speed: Some(100.0), wire: Some(29.7), ..ANY }),
    row("deflate-6", "deflate", Some(6), Targets { cpu: Some(22.0), ..ANY }),
    row("zstandard", "zstandard", None, Targets { cpu: Some(6.5), speed: Some(130.0), wire: Some(31.3), ..ANY }),
    row("zstandard-3", "zstandard", Some(3), Targets { cpu: Some(9.5), ..ANY }),
    row("none", "none", None, Targets { cpu: Some(2.0), speed: Some(300.0), ..ANY }),
    Ours { is_rare: true, ..row("lz4", "lz4", None, ANY) },
    Ours { is_rare: true, ..row("bz2", "bz2", None, ANY) },
    Ours { is_rare: true, ..row("deflate-9", "deflate", Some(9), ANY) },
    Ours { is_rare: true, ..row("zstandard-1", "zstandard", Some(1), ANY) },
];

const fn row(name: &'static str, kind: &'static str, level: Option<u8>, targets: Targets) -> Ours {
    Ours { name, kind, level, is_rare: false, targets }
}

impl Ours {
    fn keys(&self) -> Map<String, Value> {
        let mut keys = Map::from_iter([("compression_type".to_owned(), json!(self.kind))]);
        keys.extend(self.level.map(|level| ("compression_level".to_owned(), json!(level))));
        keys
    }

    /// What the agent makes of the keys: where no level is given, it chooses one.
    fn compression(&self) -> Result<Compression, String> {
        let mut keys = self.keys();
        keys.insert("api_key".to_owned(), json!("none"));
        let environment = Arc::new(Environment::default());
        let text = Value::Object(keys).to_string();
        let loaded = from_text(&text, "agent.json".into(), &environment).map_err(|report| format!("{report:?}"))?;
        let registry = Registry::linked().map_err(|clashes| clashes.join("; "))?;
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "bench" };
        let draft = draft(&loaded, &surroundings);
        draft.plan().sessions.first().map(|session| session.compression).ok_or_else(|| "there is no session".to_owned())
    }

    /// Lets a fresh agent send the log, and proves that it did.
    ///
    /// # Errors
    /// When the agent does not know this compression, or anything but the log arrived.
    pub(crate) fn run(&self, log: &LogFile, kept: &mut Kept) -> Result<Outcome, String> {
        let (scratch, sink) = (Scratch::new(), start_sink(Speech::Http, kept)?);
        let entries = json!([{ "path": log.path, "copy_from_start": true, "attributes": { "parser": "accessLog" } }]);
        let config = write_config(&scratch, &sink.url(), entries, Value::Object(self.keys()));
        let begin = now();
        let mut agent = AgentProcess::start(&scratch, &config);
        let (process, status) = agent.process_and_status();
        // What the agent itself says: everything has been acknowledged.
        let mut is_done = |_: Duration| {
            status().is_some_and(|status| {
                status["totals"]["pending"] == 0 && status["totals"]["accepted"]["bytes"] == log.bytes
            })
        };
        let used = watch(process, &sink, begin, Manners { is_done: &mut is_done, without_start: false });
        let (requests, wire_bytes, encoding) = (sink.large(), sink.bytes(), sink.first_encoding());
        process.kill();
        *kept = sink.finish();
        let used = used?;
        let wanted = Some(self.kind).filter(|kind| *kind != "none");
        if encoding.flatten().as_deref() != wanted {
            return Err(refusal(&scratch));
        }
        let compression = self.compression()?;
        let compressor = (compression != Compression::None).then(|| Compressor::new(compression));
        let proof = proof::of_add_events(kept, log, compressor)?;
        if (proof.lines, kept.forgotten) != (log.lines, 0) {
            let (arrived, forgotten) = (proof.lines, kept.forgotten);
            return Err(format!(
                "{arrived} of {} lines arrived; for {forgotten} requests there was no room to keep them",
                log.lines
            ));
        }
        let (gib, lines) = (log.gib(), log.lines);
        Ok(Outcome { gib, lines, used, wire_bytes, requests: Some(requests), compressor: Some(proof.compressor) })
    }
}

/// A sink that keeps bodies where those of the run before were.
pub(crate) fn start_sink(speech: Speech, kept: &mut Kept) -> Result<Sink, String> {
    kept.clear();
    Sink::start(speech, std::mem::take(kept)).map_err(|error| format!("the sink cannot listen: {error}"))
}

/// What the agent says of a compression that it does not know.
fn refusal(scratch: &Scratch) -> String {
    let log = fs::read_to_string(scratch.path("log/agent.log")).unwrap_or_default();
    let told = log.lines().find(|line| line.contains("compression_type")).map(str::trim);
    format!("left out, the agent sent it in another way: {}", told.unwrap_or("and its log does not say why"))
}
