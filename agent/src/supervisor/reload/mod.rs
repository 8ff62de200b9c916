//! From the configuration in use to the one on disk: whether that may be used, and the step to it.

mod changes;
mod judgement;
#[cfg(test)]
mod tests;

pub use changes::Changes;

use std::time::Duration;

use scalyr_monitor::{Level, Timestamp};

use super::configuration::{self, line};
use super::{NotApplied, Supervisor, settings};
use crate::config::effective::EffectiveOption;
use crate::config::{Draft, Kind, Report, Severity};

/// Marks a reload that could only be done in part.
const HALF_RELOADED: &str = "failedReload";

/// What became of a configuration that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// It means what the one in use means; nothing was touched.
    Unchanged,
    /// It is in use now, and this changed.
    Applied(Box<Changes>),
    /// It cannot be used, for these reasons; the one before stays in use.
    Refused(Vec<String>),
    /// The agent is to stop: it was not waited for the monitors, and nothing else was done.
    CalledOff,
}

impl Supervisor {
    /// Brings the running agent to what a configuration says; only what is affected stops or starts.
    ///
    /// A configuration with a problem that the one in use does not have, and that is more than a warning, is not used
    /// at all. Neither is one with a new monitor that refuses to initialise: what had stopped for it runs again as before.
    ///
    /// When somebody `asked` for it, or the configuration was invalid until now, monitors that were refused and whose
    /// entries are as before are tried once more: what kept them from running may lie outside of the configuration.
    ///
    /// # Errors
    /// When the system refuses a thread, so that only a part could be done: then only a restart of the process helps.
    pub fn reload(&self, mut draft: Draft, asked: bool) -> Result<Reloaded, String> {
        self.refuse_other_folders(&mut draft);
        let reasons: Vec<String> = {
            let configuration = self.stages.configuration();
            judgement::blockers(configuration.problems(), draft.report.problems()).into_iter().map(line).collect()
        };
        if !reasons.is_empty() {
            return Ok(self.keep(reasons, asked));
        }
        let options = std::mem::take(&mut draft.options);
        let (plan, report) = match draft.runnable() {
            Ok(runnable) => runnable,
            Err(report) => return Ok(self.keep(report.problems().iter().map(line).collect(), asked)),
        };
        let again = asked || self.stages.configuration().is_newer_invalid();
        match self.apply(plan, again) {
            Ok(changes) => {
                self.accept(&report, options, &changes);
                Ok(if changes.is_empty() { Reloaded::Unchanged } else { Reloaded::Applied(Box::new(changes)) })
            }
            Err(NotApplied::Refused(reasons)) => Ok(self.keep(reasons, asked)),
            Err(NotApplied::CalledOff) => Ok(Reloaded::CalledOff),
            Err(NotApplied::Broken(error)) => {
                let failure = format!("the configuration was reloaded only in part: {error}");
                self.stages.logger.coded(Level::Error, HALF_RELOADED, &failure);
                Err(failure)
            }
        }
    }

    /// The configuration is looked at for changes; returns the time.
    pub fn note_check(&self) -> Timestamp {
        let now = self.stages.clock.now();
        self.stages.configuration().note_check(now);
        now
    }

    /// How often a changed configuration is looked for.
    pub fn config_check_interval(&self) -> Option<Duration> {
        self.stages.lock().plan.as_ref().map(|plan| plan.config_check_interval)
    }

    /// The lock, the positions and the socket stay where they are, and so does the log that is being written.
    fn refuse_other_folders(&self, draft: &mut Draft) {
        if !is_whole(&draft.report) {
            return;
        }
        let running = self.stages.lock();
        let Some(plan) = &running.plan else { return };
        let folders = [
            ("agent_log_path", &plan.log_path, draft.plan().log_path.clone()),
            ("agent_data_path", &plan.data_path, draft.plan().data_path.clone()),
        ];
        for (key, now, wanted) in folders {
            if *now != wanted {
                let message = format!(
                    "{} takes effect only when the agent is restarted; it works with {} now, so nothing of this \
                     configuration is used until then",
                    wanted.display(),
                    now.display()
                );
                draft.report.refuse(key, message);
            }
        }
    }

    /// The one in use stays. Whoever asked gets an answer each time.
    fn keep(&self, reasons: Vec<String>, asked: bool) -> Reloaded {
        let now = self.stages.clock.now();
        let is_told = self.stages.configuration().refuse(reasons.clone(), now, &self.stages.logger);
        if asked && !is_told {
            self.stages.logger.info("The configuration on disk is still invalid, as told before; `status -v` says why");
        }
        Reloaded::Refused(reasons)
    }

    fn accept(&self, report: &Report, options: Vec<EffectiveOption>, changes: &Changes) {
        let logger = &self.stages.logger;
        let mut configuration = self.stages.configuration();
        configuration::tell(logger, judgement::unheard(configuration.problems(), report.problems()));
        settings::show_changed(logger, configuration.options(), &options);
        let was_invalid = configuration.accept(report, options, self.stages.clock.now());
        if !changes.is_empty() {
            logger.info(format_args!("Configuration reloaded: {changes}"));
        } else if was_invalid {
            logger.info("The configuration on disk is valid again, and says what is in use; nothing is restarted");
        } else {
            logger.info(format_args!("Configuration read again: {changes}"));
        }
    }
}

/// Whether all of it could be read, so that what it does not say is not said.
fn is_whole(report: &Report) -> bool {
    let is_unread = |kind| matches!(kind, Kind::Syntax | Kind::File | Kind::SeveralFiles);
    !report.problems().iter().any(|problem| problem.severity == Severity::Fatal && is_unread(problem.kind))
}
