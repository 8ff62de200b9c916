//! What a monitor says beside its lines, told instead of done: there is no agent around it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use scalyr_monitor::context::{LogRegistry, Opening};
use scalyr_monitor::registry::Problem;
use scalyr_monitor::user_agent::FragmentSink;
use scalyr_monitor::{
    Appended, Error, LogConfig, LogFile, LogRotation, LogWriter, Logger, Result, UserAgentFragment, WhenFull,
};
use serde_json::{Map, Value};

use crate::config::Workers;
use crate::config::monitor_logs::{Reader, metric_log, registered_log};
use crate::monitors::contribution::Contribution;
use crate::own_logs::stdout_log::StdoutLog;

/// Tells what the daemon would send along, in the name of one instance.
#[derive(Clone)]
pub(super) struct WouldSay {
    pub(super) logger: Logger,
    pub(super) monitor: String,
    pub(super) log_path: PathBuf,
    pub(super) workers: Workers,
}

impl Contribution for WouldSay {
    fn user_agent(&self) -> UserAgentFragment {
        UserAgentFragment::new(Arc::new(self.clone()))
    }

    fn server_attributes(&self, attributes: &Map<String, Value>) {
        if !attributes.is_empty() {
            let shown = Value::Object(attributes.clone());
            self.logger.info(format_args!("The agent would now send the server attributes {shown}"));
        }
    }

    fn end(&self) {}
}

impl FragmentSink for WouldSay {
    fn set(&self, fragment: &str) {
        match fragment {
            "" => self.logger.info("The agent would now add nothing to its User-Agent"),
            _ => self.logger.info(format_args!("The agent would now add {fragment:?} to its User-Agent")),
        }
    }
}

/// Tells which log files the daemon would copy, and refuses what it would refuse.
pub(super) struct WouldCopy {
    say: WouldSay,
    registered: Mutex<BTreeSet<PathBuf>>,
    log: Arc<StdoutLog>,
}

impl WouldCopy {
    /// The lines of log files that the monitor writes go to `log`.
    pub(super) fn new(say: WouldSay, log: Arc<StdoutLog>) -> Self {
        Self { say, registered: Mutex::default(), log }
    }

    fn check(&self, log: &LogConfig, reader: Reader) -> Result<PathBuf> {
        let WouldSay { logger, monitor, log_path, workers } = &self.say;
        let mut warnings = Vec::new();
        let plan = reader(monitor, log, log_path, workers, &mut warnings).map_err(|problems| {
            let told: Vec<String> = problems.iter().map(one_line).collect();
            Error::new(format!("the log file {} would not be copied: {}", log.path.display(), told.join("; ")))
        })?;
        for warning in &warnings {
            logger.warn(format_args!("Registered log files: {}", one_line(warning)));
        }
        Ok(plan.path.into())
    }
}

fn one_line(problem: &Problem) -> String {
    format!("{}: {}", problem.path, problem.text())
}

impl LogRegistry for WouldCopy {
    fn register(&self, log: LogConfig) -> Result<()> {
        let path = self.check(&log, registered_log)?;
        let (shown, parser) = (log.path.display(), &log.parser);
        self.say.logger.info(format_args!("The agent would now copy the log file {shown} with the parser {parser}"));
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        Ok(())
    }

    fn update(&self, log: LogConfig) -> Result<()> {
        let path = self.check(&log, registered_log)?;
        if !self.registered.lock().unwrap_or_else(PoisonError::into_inner).contains(&path) {
            return Err(Error::new(format!("the log file {} is not registered; register it first", path.display())));
        }
        let shown = log.path.display();
        self.say.logger.info(format_args!("The agent would now copy the log file {shown} with other settings"));
        Ok(())
    }

    fn withdraw(&self, path: &Path, at_once: bool) -> Result<()> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.say.log_path.join(path));
        let when = if at_once { "" } else { ", once it is read to its end" };
        let shown = path.display();
        self.say.logger.info(format_args!("The agent would no longer copy the log file {shown}{when}"));
        Ok(())
    }

    fn open(&self, mut log: LogConfig, _: LogRotation, how: Opening) -> Result<Option<LogWriter>> {
        if let Opening::IfListed { first } = how {
            log.attributes.extend(first);
        }
        let path = self.say.log_path.join(&log.path);
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        if !registered.contains(&path) {
            self.check(&log, metric_log)?;
            registered.insert(path.clone());
            let (shown, parser) = (path.display(), &log.parser);
            self.say.logger.info(format_args!(
                "The agent would write the lines that follow to {shown}, and copy them with the parser {parser}; here they are \
                 only shown"
            ));
        }
        Ok(Some(LogWriter::new(Box::new(Shown(Arc::clone(&self.log))))))
    }

    fn remove(&self, path: &Path) -> Result<bool> {
        self.say.logger.info(format_args!("The agent would now remove {}", path.display()));
        Ok(true)
    }

    fn folder(&self) -> PathBuf {
        self.say.log_path.clone()
    }

    fn registered(&self) -> Vec<PathBuf> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// A log file whose lines are shown instead of written.
struct Shown(Arc<StdoutLog>);

impl LogFile for Shown {
    fn append(&mut self, lines: &[u8], _: WhenFull) -> Appended {
        self.0.show(lines);
        Appended { written: lines.len(), obstacle: None }
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::{Clock, Stop};

    use super::*;

    #[test]
    fn a_log_file_that_the_agent_would_refuse_is_refused() {
        let log = Arc::new(StdoutLog::new(Box::new(std::io::sink()), 0, Clock::system(), Stop::new()));
        let (logger, workers) = (Logger::none(), Workers::default());
        let say = WouldSay { logger, monitor: "syslog()".to_owned(), log_path: "/l".into(), workers };
        let would_copy = WouldCopy::new(say, log);
        let open = |log| would_copy.open(log, LogRotation::default(), Opening::Always).map(drop);
        assert!(open(LogConfig::new("[a].log")).is_ok());
        let refused = open(LogConfig::new("b.log").option("redaction_rules", "none")).unwrap_err().to_string();
        assert!(refused.starts_with("the log file b.log would not be copied: log_config.redaction_rules"), "{refused}");
        assert_eq!(would_copy.registered(), [PathBuf::from("/l/[a].log")]);
    }
}
