//! An entry of `logs`.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::super::keys;
use super::super::patterns;
use super::super::plan::LogPlan;
use super::super::report::{Kind, Report};
use super::super::settings::{Scope, Settings};
use super::super::value;
use super::super::workers::Workers;
use super::expressions::Expressions;
use super::shared;

/// Reads the entries of one configuration.
pub(in crate::config) struct LogReader<'a> {
    log_path: &'a Path,
    pub(super) workers: &'a Workers,
    /// The `minimum_scan_interval` of the top level, for entries without one.
    scan_interval: Option<Duration>,
    pub(super) expressions: Expressions,
}

/// An entry that is not copied; the report says why.
pub(in crate::config) struct Refused {
    /// The files that it would have copied, if that is known.
    path: Option<String>,
    /// The pattern of files that no other entry may copy either.
    pub(super) withhold: Option<String>,
}

impl Refused {
    /// What follows from it.
    pub(super) fn consequence(&self) -> String {
        let entry = match &self.path {
            Some(path) => format!("this entry of {path} is not copied"),
            None => "this entry is not copied".to_owned(),
        };
        if self.withhold.is_some() { format!("{entry}, and no other entry copies its files") } else { entry }
    }
}

impl<'a> LogReader<'a> {
    /// Relative paths start at `log_path`, and a `worker_id` is one of `workers`.
    pub(in crate::config) fn new(log_path: &'a Path, workers: &'a Workers) -> Self {
        Self { log_path, workers, scan_interval: None, expressions: Expressions::default() }
    }

    /// With the least time between two looks at files whose entry says nothing about it.
    pub(super) fn with_scan_interval(self, scan_interval: Option<Duration>) -> Self {
        Self { scan_interval, ..self }
    }

    /// The entry that stands at `at`, or what a monitor says in the same words.
    pub(in crate::config) fn read(&mut self, entry: &Value, at: &str, report: &mut Report) -> Result<LogPlan, Refused> {
        let Value::Object(values) = entry else {
            let message = format!("must be an object with a `path`, but is {}", value::kind(entry));
            report.refuse(at, message).kind(Kind::Type);
            return Err(Refused { path: None, withhold: None });
        };
        let settings = Settings::read(values, keys::LOG_ENTRY, at, Scope::Entry, report);
        let path = self.path(&settings, at, report);
        let shared = shared::read(&settings, values, at, self, report);
        match (path, shared) {
            (Ok(path), Ok(shared)) => Ok(LogPlan {
                exclude: shared.exclude,
                attributes: shared.attributes,
                lines: shared.lines,
                renaming: shared.renaming,
                stale_after: shared.stale_after,
                scan_interval: shared.scan_interval.or(self.scan_interval),
                copy_from_start: settings.boolean("copy_from_start"),
                ..LogPlan::new(at, path, shared.worker)
            }),
            (path, _) => {
                let path = path.map_or_else(|Unusable(path)| path, Some);
                let withhold = path.clone().filter(|_| shared::redacts(values));
                Err(Refused { path, withhold })
            }
        }
    }

    /// The absolute path, or the pattern of absolute paths.
    fn path(&self, settings: &Settings<'_>, at: &str, report: &mut Report) -> Result<String, Unusable> {
        let place = format!("{at}.path");
        let path = match settings.text("path") {
            Some("") => {
                report
                    .refuse(place, "is empty, which means no file, although the Python agent accepts it")
                    .kind(Kind::Missing)
                    .hint("write a path, or remove the entry");
                return Err(Unusable(None));
            }
            Some(path) => path,
            None => {
                if !settings.is_bad("path") {
                    let message = "is missing: an entry names the file or glob that it copies";
                    report.refuse(place, message).kind(Kind::Missing);
                }
                return Err(Unusable(None));
            }
        };
        if path.starts_with('~') {
            let message = format!("{path:?} begins with a `~`, which stands for itself here, not for a home folder");
            report.warn(&place, message).hint("write the whole path");
        }
        let path = self.log_path.join(path).to_string_lossy().into_owned();
        let Err(fault) = patterns::check_path(&path) else { return Ok(path) };
        // As the Python agent read it.
        let Some(read) = patterns::read_leniently(&path) else {
            report.refuse(place, fault.message).kind(Kind::Pattern).hint(fault.hint);
            return Err(Unusable(Some(path)));
        };
        let message = format!("{}; it is read as {read:?}", fault.message);
        report.refuse(place, message).kind(Kind::Pattern).hint(fault.hint);
        Ok(read)
    }
}

/// A path that was refused, if it is one at all.
struct Unusable(Option<String>);
