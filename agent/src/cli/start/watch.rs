//! Notices a configuration that has changed, and hands it to the running agent.

use crate::cli::configuration::Source;
use crate::config::load::Loaded;
use crate::service::notify::Notify;
use crate::supervisor::{Reloaded, Supervisor};

/// Looks after the configuration of a running agent.
pub(super) struct Watch {
    source: Source,
    /// What was read last, whether it could be used or not.
    last: Loaded,
}

impl Watch {
    /// Begins with what the agent was started with.
    pub(super) fn new(source: Source, started_with: Loaded) -> Self {
        Self { source, last: started_with }
    }

    /// Reloads the configuration if it has changed, or in any case when somebody `asked`. `None` when there was nothing
    /// to do: no file looks different, so none was read; or the texts are the same. The service manager is told of a reload
    /// that is under way.
    ///
    /// # Errors
    /// See [`Supervisor::reload`].
    pub(super) fn look(
        &mut self,
        supervisor: &Supervisor,
        asked: bool,
        notify: &Notify,
    ) -> Result<Option<Reloaded>, String> {
        supervisor.logger().debug("Checking for any changes to config file");
        let now = supervisor.note_check();
        if !asked && self.last.seen.is_current(now) {
            return Ok(None);
        }
        let loaded = self.source.load();
        let is_same = self.last.seen.has_same_texts(&loaded.seen);
        self.last = loaded;
        if !asked && is_same {
            return Ok(None);
        }
        notify.reloading();
        let reloaded = supervisor.reload(self.source.draft(&self.last), asked);
        notify.ready();
        reloaded.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;
    use std::time::Duration;

    use scalyr_monitor::registry::Environment;
    use scalyr_monitor::{Clock, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::supervisor::Edge;

    #[test]
    fn a_look_reads_what_looks_different_and_acts_on_what_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("agent.json");
        let write = |max_line_size: u32| {
            let keys = json!({
                "api_key": "key",
                "scalyr_server": "http://127.0.0.1:9",
                "allow_http": true,
                "agent_log_path": directory.path().join("log"),
                "agent_data_path": directory.path().join("data"),
                "implicit_metric_monitor": false,
                "implicit_agent_process_metrics_monitor": false,
                "max_line_size": max_line_size,
            });
            fs::write(&file, keys.to_string()).unwrap();
        };
        write(1000);
        let source = Source::new(&file, None, &Arc::new(Environment::default())).unwrap();
        let loaded = source.load();
        let (plan, report) = source.draft(&loaded).runnable().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(i64::from(u32::MAX) * 1000));
        let edge = Edge { config_file: file.clone(), report, options: Vec::new(), clock: clock.clone(), stdout: None };
        let supervisor = Supervisor::start(plan, edge).unwrap();
        let mut watch = Watch::new(source, loaded);
        let mut look = |asked| watch.look(&supervisor, asked, &Notify::default()).unwrap();
        assert_eq!(look(false), None);
        clock.advance(Duration::from_secs(30));
        assert_eq!(look(false), None);
        assert!(supervisor.snapshot().configuration.last_checked > supervisor.snapshot().configuration.loaded);
        write(1000);
        assert_eq!(look(false), None, "written anew with the same text");
        assert_eq!(look(true), Some(Reloaded::Unchanged), "but whoever asks gets an answer");
        write(2000);
        assert!(matches!(look(false), Some(Reloaded::Applied(_))));
        fs::remove_file(&file).unwrap();
        assert!(matches!(look(false), Some(Reloaded::Refused(_))));
        assert_eq!(look(false), None, "the same trouble is no news");
        write(2000);
        assert_eq!(look(false), Some(Reloaded::Unchanged));
        supervisor.stop();
    }
}
