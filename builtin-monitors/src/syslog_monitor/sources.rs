//! The files of `message_log_template`: opened when a message comes for them, closed when none does, deleted at last.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use scalyr_monitor::context::rotated_from;
use scalyr_monitor::{LogConfig, LogFiles, LogRotation};
use serde_json::{Map, Value};

use super::head;
use super::options::Filing;
use super::output::{Source, Target};
use super::template::{self, Template, Values};
use super::warnings::Warnings;

/// Paths without a file are remembered so long, and so many of them.
const REMEMBERED: Duration = Duration::from_secs(60);
const MOST_REMEMBERED: usize = 10_000;

/// The files, and how they are made.
pub(super) struct Sources {
    template: Template,
    rules: Rules,
    log_files: LogFiles,
    warnings: Warnings,
    open: HashMap<String, Target>,
    /// Paths that no entry of `logs` matches.
    refused: HashSet<String>,
    forget_refused: Instant,
    next_search: Instant,
    values: Values,
    path: String,
}

/// What the options say.
pub(super) struct Rules {
    pub(super) log: LogConfig,
    pub(super) rotation: LogRotation,
    most: usize,
    expire: Duration,
    search_every: Duration,
    delete_after: Duration,
    rotated_by_own_age: bool,
}

impl Rules {
    /// `log` is how `message_log` is copied.
    pub(super) fn new(filing: &Filing, log: LogConfig, rotation: LogRotation) -> Self {
        Self {
            log,
            rotation,
            most: filing.max_log_files,
            expire: filing.expire_log,
            search_every: Duration::from_secs(60 * filing.check_for_unused_logs_mins),
            delete_after: Duration::from_secs(3600 * filing.delete_unused_logs_hours),
            rotated_by_own_age: filing.check_rotated_timestamps,
        }
    }
}

impl Sources {
    pub(super) fn new(template: Template, rules: Rules, log_files: LogFiles, warnings: Warnings) -> Self {
        let now = warnings.clock.monotonic();
        Self {
            template,
            rules,
            log_files,
            warnings,
            open: HashMap::new(),
            refused: HashSet::new(),
            forget_refused: now,
            next_search: now,
            values: Values::default(),
            path: String::new(),
        }
    }

    /// The file of a message; none when it has to go to `message_log`.
    pub(super) fn target(&mut self, source: &Source, message: &[u8], now: Instant) -> Option<&mut Target> {
        let sender = head::sender(message);
        let values = &mut self.values;
        source.protocol.clone_into(&mut values.protocol);
        template::plain(Some(source.ip.as_bytes()), &mut values.source_ip);
        source.port.clone_into(&mut values.destination_port);
        template::plain(sender.host, &mut values.host_name);
        template::plain(sender.app, &mut values.app_name);
        self.template.fill(values, &mut self.path);
        if !self.open.contains_key(&self.path) {
            if self.refused.contains(&self.path) {
                return None;
            }
            let target = self.open(source, sender, now)?;
            self.open.insert(self.path.clone(), target);
        }
        self.open.get_mut(&self.path)
    }

    fn open(&mut self, source: &Source, sender: head::Sender<'_>, now: Instant) -> Option<Target> {
        let path = &self.path;
        if self.open.len() >= self.rules.most {
            self.warnings.no_file(path, &format_args!("{} files are open, as `max_log_files` says", self.open.len()));
            return None;
        }
        let text = |bytes: Option<&[u8]>| {
            let bytes = bytes.unwrap_or(b"None");
            Value::from(String::from_utf8_lossy(&bytes[..bytes.len().min(255)]).into_owned())
        };
        let first: Map<String, Value> = [
            ("proto", source.protocol.into()),
            ("srcip", source.ip.clone().into()),
            ("destport", source.port.clone().into()),
            ("hostname", text(sender.host)),
            ("appname", text(sender.app)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
        let log = LogConfig { path: PathBuf::from(path), ..self.rules.log.clone() };
        match self.log_files.open_listed(log, first, self.rules.rotation) {
            Ok(Some(writer)) => return Some(Target::new(self.log_files.folder().join(path), writer, now)),
            Ok(None) => self.warnings.no_file(path, &"no entry of `logs` in the configuration matches it; add one"),
            Err(error) => self.warnings.no_file(path, &error),
        }
        if self.refused.len() < MOST_REMEMBERED {
            self.refused.insert(path.clone());
        }
        None
    }

    /// All that are open.
    pub(super) fn targets(&mut self) -> impl Iterator<Item = &mut Target> {
        self.open.values_mut()
    }

    /// Closes files, and deletes them, as the options say.
    pub(super) fn tidy(&mut self, now: Instant) {
        let expire = self.rules.expire;
        self.open.retain(|_, target| !target.is_empty() || now.saturating_duration_since(target.used) <= expire);
        if now >= self.forget_refused {
            self.forget_refused = now + REMEMBERED;
            self.refused.clear();
        }
        if now >= self.next_search {
            self.next_search = now + self.rules.search_every;
            self.delete_unused();
        }
    }

    fn delete_unused(&self) {
        let open: HashSet<&Path> = self.open.values().map(|target| target.path.as_path()).collect();
        let now = self.warnings.clock.now().as_millis();
        let is_old = |path: &Path| {
            let Ok(found) = fs::metadata(path) else { return false };
            let age = now.saturating_sub(found.mtime().saturating_mul(1000));
            i128::from(age) > self.rules.delete_after.as_millis().cast_signed()
        };
        for path in self.template.files(&self.log_files.folder()) {
            let newest = rotated_from(&path);
            let judged = if self.rules.rotated_by_own_age || !newest.exists() { &path } else { &newest };
            let is_in_use = open.contains(path.as_path()) || (judged == &newest && open.contains(newest.as_path()));
            if is_in_use || !is_old(judged) {
                continue;
            }
            match self.log_files.remove(&path) {
                Ok(true) => self.warnings.logger.info(format_args!(
                    "{} was deleted: nothing was written to it for `delete_unused_logs_hours`",
                    path.display()
                )),
                // Not uploaded yet; next time.
                Ok(false) => {}
                Err(error) => self.warnings.cannot_remove(&path.display(), &error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use scalyr_monitor::context::LogRegistry;
    use scalyr_monitor::{Clock, Logger, Result, Timestamp};

    use super::*;

    /// An agent that has uploaded all but what is named so.
    struct Agent(PathBuf);

    impl LogRegistry for Agent {
        fn register(&self, _: LogConfig) -> Result<()> {
            Ok(())
        }

        fn update(&self, _: LogConfig) -> Result<()> {
            Ok(())
        }

        fn withdraw(&self, _: &Path, _: bool) -> Result<()> {
            Ok(())
        }

        fn registered(&self) -> Vec<PathBuf> {
            Vec::new()
        }

        fn remove(&self, path: &Path) -> Result<bool> {
            let is_uploaded = !path.to_string_lossy().contains("pending");
            if is_uploaded {
                fs::remove_file(path)?;
            }
            Ok(is_uploaded)
        }

        fn folder(&self) -> PathBuf {
            self.0.clone()
        }
    }

    /// What is left when some files are 25 hours old, and others as young as they can be.
    fn left_of(files: &[(&str, bool)], rotated_by_own_age: bool) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut newest = 0;
        for (name, is_old) in files {
            let file = File::create(folder.path().join(name)).unwrap();
            let written = file.metadata().unwrap().modified().unwrap();
            if *is_old {
                file.set_modified(written - Duration::from_secs(25 * 3600)).unwrap();
            }
            newest = newest.max(written.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis());
        }
        let clock = Clock::manual(Timestamp::from_millis(i64::try_from(newest).unwrap()));
        let rules = Rules {
            log: LogConfig::new("a"),
            rotation: LogRotation::default(),
            most: 10,
            expire: Duration::ZERO,
            search_every: Duration::from_secs(60),
            delete_after: Duration::from_secs(24 * 3600),
            rotated_by_own_age,
        };
        let warnings = Warnings { logger: Logger::none(), clock: clock.clone() };
        let log_files = LogFiles::new(Arc::new(Agent(folder.path().to_owned())));
        let template = Template::read("s-$HOSTNAME.log").unwrap();
        Sources::new(template, rules, log_files, warnings).tidy(clock.monotonic());
        let mut left: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        left
    }

    #[test]
    fn files_that_nobody_writes_to_are_deleted_once_they_are_uploaded() {
        let files =
            [("s-a.log", true), ("s-b.log", false), ("s-b.log.1", true), ("s-pending.log", true), ("other.log", true)];
        assert_eq!(left_of(&files, true), ["other.log", "s-b.log", "s-pending.log"]);
        assert_eq!(left_of(&files, false), ["other.log", "s-b.log", "s-b.log.1", "s-pending.log"]);
    }
}
