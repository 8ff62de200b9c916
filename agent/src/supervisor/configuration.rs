//! The configuration in use: what was wrong with it, since when it is in use, and what is wrong with the one on disk.

use std::collections::BTreeSet;
use std::path::PathBuf;

use scalyr_monitor::{Level, Logger, Timestamp};

use super::snapshot::seconds;
use crate::config::effective::EffectiveOption;
use crate::config::{Problem, Report, Severity};
use crate::status::{ConfigurationSnapshot, ConfigurationState, RefusedMonitor};

/// Marks in the agent log a configuration that cannot be used, as the Python agent did.
const BAD_CONFIGURATION: &str = "badConfigFile";
/// Marks a problem of the configuration in use.
const ODD_CONFIGURATION: &str = "badConfig";
/// So many sets of problems are remembered, so that none is told twice; then they may be.
const MOST_TOLD: usize = 1000;

/// The configuration in use, and the one on disk when that cannot be used.
pub(super) struct Configuration {
    file: PathBuf,
    fragments: Vec<PathBuf>,
    problems: Vec<Problem>,
    refused_monitors: Vec<RefusedMonitor>,
    options: Vec<EffectiveOption>,
    loaded: Timestamp,
    checked: Timestamp,
    newer: Option<Newer>,
    /// The problems of configurations that could not be used, since the last one that could.
    told: BTreeSet<Vec<String>>,
}

/// A configuration that cannot be used.
struct Newer {
    found: Timestamp,
    problems: Vec<String>,
}

impl Configuration {
    pub(super) fn new(file: PathBuf, report: &Report, options: Vec<EffectiveOption>, now: Timestamp) -> Self {
        Self {
            file,
            fragments: report.sources().fragments(),
            problems: report.problems().to_vec(),
            refused_monitors: report.refused_monitors().to_vec(),
            options,
            loaded: now,
            checked: now,
            newer: None,
            told: BTreeSet::new(),
        }
    }

    /// What is wrong or odd with the one in use.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The monitors whose entries are refused.
    pub(super) fn refused_monitors(&self) -> Vec<RefusedMonitor> {
        self.refused_monitors.clone()
    }

    /// The values of its keys.
    pub(super) fn options(&self) -> &[EffectiveOption] {
        &self.options
    }

    /// Whether the one on disk cannot be used.
    pub(super) fn is_newer_invalid(&self) -> bool {
        self.newer.is_some()
    }

    /// It was looked for changes.
    pub(super) fn note_check(&mut self, now: Timestamp) {
        self.checked = now;
    }

    /// The one on disk cannot be used. True when this was not told before; then the log has all of it.
    pub(super) fn refuse(&mut self, problems: Vec<String>, now: Timestamp, logger: &Logger) -> bool {
        let found = self.newer.as_ref().filter(|newer| newer.problems == problems).map_or(now, |newer| newer.found);
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
        }
        let is_new = self.told.insert(problems.clone());
        if is_new {
            let text = problems.join("\n");
            logger.coded(
                Level::Error,
                BAD_CONFIGURATION,
                format_args!(
                    "The configuration on disk is newer and invalid; the last good one, of {}, stays in use:\n{text}",
                    self.loaded
                ),
            );
        }
        self.newer = Some(Newer { found, problems });
        is_new
    }

    /// The one on disk is in use now. True when the one before it could not be used.
    pub(super) fn accept(&mut self, report: &Report, options: Vec<EffectiveOption>, now: Timestamp) -> bool {
        self.problems = report.problems().to_vec();
        self.refused_monitors = report.refused_monitors().to_vec();
        self.fragments = report.sources().fragments();
        self.options = options;
        self.loaded = now;
        self.told.clear();
        self.newer.take().is_some()
    }

    /// Lines about the one in use, how many of them are refusals, and how it stands to the one on disk.
    pub(super) fn snapshot(&self) -> (Vec<String>, usize, ConfigurationSnapshot) {
        let newer = self.newer.as_ref();
        let snapshot = ConfigurationSnapshot {
            file: self.file.clone(),
            fragments: self.fragments.clone(),
            loaded: seconds(self.loaded),
            last_checked: seconds(self.checked),
            state: if newer.is_some() { ConfigurationState::NewerAndInvalid } else { ConfigurationState::Good },
            found: newer.map(|newer| seconds(newer.found)),
            problems: newer.map(|newer| newer.problems.clone()).unwrap_or_default(),
        };
        let refused = self.problems.iter().filter(|problem| problem.severity > Severity::Warning).count();
        (self.problems.iter().map(line).collect(), refused, snapshot)
    }
}

/// A problem behind its severity, as `status` shows it.
pub(super) fn line(problem: &Problem) -> String {
    format!("{}: {problem}", problem.severity)
}

/// Tells of problems of the configuration in use.
pub(super) fn tell<'a>(logger: &Logger, problems: impl IntoIterator<Item = &'a Problem>) {
    for problem in problems {
        let level = if problem.severity == Severity::Warning { Level::Warning } else { Level::Error };
        logger.coded(level, ODD_CONFIGURATION, problem);
    }
}
