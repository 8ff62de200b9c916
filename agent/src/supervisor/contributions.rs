//! What the monitors of the running agent say beside their lines: log files, attributes of the host, parts of the
//! `User-Agent`. Each instance has a number, so that one that was left behind cannot speak for the one after it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use scalyr_monitor::user_agent::FragmentSink;
use scalyr_monitor::{Logger, UserAgentFragment};
use serde_json::{Map, Value};

use crate::config::Workers;
use crate::logs::{RegisteredLogs, Registrations, TailHandle};
use crate::monitors::contribution::Contribution;
use crate::upload::{HostAttributes, ServerAttributes, UserAgent};

/// What all instances say together. Cheap to clone.
#[derive(Clone)]
pub(super) struct Contributions {
    pub(super) registrations: Registrations,
    pub(super) server_attributes: ServerAttributes,
    pub(super) user_agent: UserAgent,
    last_id: Arc<AtomicU64>,
    /// The agent stops: what was said stands until the last request has left.
    frozen: Arc<AtomicBool>,
}

impl Contributions {
    pub(super) fn new(tail: TailHandle, logger: &Logger) -> Self {
        Self {
            registrations: Registrations::new(tail),
            server_attributes: ServerAttributes::new(logger.clone()),
            user_agent: UserAgent::new(logger.clone()),
            last_id: Arc::default(),
            frozen: Arc::default(),
        }
    }

    /// For the instance `monitor` of `module`, whose relative paths lie below `log_path`, and whose log files can be
    /// those of `workers`.
    pub(super) fn of_monitor(
        &self,
        monitor: &str,
        module: &str,
        log_path: &Path,
        workers: &Workers,
        logger: &Logger,
    ) -> Arc<OfMonitor> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let logger = logger.for_component(&format!("monitor:{monitor}"));
        Arc::new(OfMonitor {
            log_files: self.registrations.of_monitor(
                id,
                monitor.to_owned(),
                log_path.to_owned(),
                workers.clone(),
                logger,
            ),
            id,
            monitor: monitor.to_owned(),
            module: module.to_owned(),
            all: self.clone(),
            fragment: Arc::new(Fragment { id, user_agent: self.user_agent.clone(), ended: Mutex::new(false) }),
            ended: Mutex::new(false),
        })
    }

    /// From now on the log files of every instance can be those of these workers, too.
    pub(super) fn follow_workers(&self, workers: &Workers) {
        self.registrations.follow_workers(workers);
    }

    /// The workers that were followed last.
    #[cfg(test)]
    pub(super) fn workers(&self) -> Workers {
        self.registrations.workers(&Workers::default())
    }

    /// Takes nothing back from now on: the agent stops.
    pub(super) fn freeze(&self) {
        self.frozen.store(true, Ordering::Release);
        self.registrations.freeze();
    }
}

/// What one instance says.
pub(super) struct OfMonitor {
    log_files: Arc<RegisteredLogs>,
    id: u64,
    monitor: String,
    module: String,
    all: Contributions,
    fragment: Arc<Fragment>,
    ended: Mutex<bool>,
}

impl OfMonitor {
    /// The log files that it registers.
    pub(super) fn log_files(&self) -> Arc<RegisteredLogs> {
        self.log_files.clone()
    }
}

impl Contribution for OfMonitor {
    fn user_agent(&self) -> UserAgentFragment {
        UserAgentFragment::new(self.fragment.clone())
    }

    fn server_attributes(&self, attributes: &Map<String, Value>) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.all.server_attributes.say(HostAttributes {
                id: self.id,
                monitor: self.monitor.clone(),
                module: self.module.clone(),
                attributes: attributes.clone(),
            });
        }
    }

    fn end(&self) {
        self.log_files.end();
        if self.all.frozen.load(Ordering::Acquire) {
            return;
        }
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.all.server_attributes.take_back(self.id);
        self.fragment.end();
    }
}

/// The fragment of one instance.
struct Fragment {
    id: u64,
    user_agent: UserAgent,
    ended: Mutex<bool>,
}

impl Fragment {
    fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.user_agent.set(self.id, "");
    }
}

impl FragmentSink for Fragment {
    fn set(&self, fragment: &str) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.user_agent.set(self.id, fragment);
        }
    }
}
