//! What the rest of the agent tells the tail thread, and what that tells about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use scalyr_monitor::{Clock, Timestamp};
use serde::Serialize;

use super::batch::{Batch, Blank};
use super::follower::Rewound;
use super::notices::NoticesSnapshot;
use crate::config::plan::{LogPlan, SessionCounts, SessionId, TailPlan};
use crate::ledger::WorkerId;

/// A monitor that registers a file waits this long for the tail thread to take it.
const REGISTER_PATIENCE: Duration = Duration::from_secs(1);

/// Where lines go: the bounded channel of one session, and the memory that comes back.
pub struct Port {
    /// The session.
    pub session: SessionId,
    /// The session's channel.
    pub batches: Sender<Batch>,
    /// The memory of batches that were packed.
    pub recycled: Receiver<Blank>,
}

/// What `status` shows of the tail stage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TailSnapshot {
    /// How many paths are watched.
    pub watched_paths: usize,
    /// How many files are open.
    pub open_files: usize,
    /// How many may be open at a time.
    pub max_open_files: usize,
    /// Paths that cannot be copied, each with the reason.
    pub troubles: BTreeMap<PathBuf, String>,
    /// Entries that match no file now, each with where it stands in the configuration.
    pub unmatched: BTreeMap<String, String>,
    /// Sessions whose channel was full at the last look: their server is slower than their logs.
    pub waiting_for: BTreeSet<SessionId>,
    /// Sessions whose files wait to go to another one, until what was read of them is settled.
    pub moving_from: BTreeSet<SessionId>,
    /// How changes on disk are noticed.
    pub notices: NoticesSnapshot,
    /// How often a path was looked at since the start. An idle one is looked at about once a minute.
    pub looks: u64,
    /// How long files were looked at and read, and their lines handed on, in seconds since the start.
    pub busy_seconds: f64,
    /// When the stage last looked for something to do, in seconds since the epoch.
    pub last_round: Option<f64>,
    /// How long it has been doing that already; none while it sleeps until something happens.
    pub round_seconds: Option<f64>,
    /// Why the stage had to end by itself; nothing is copied any more.
    pub broken: Option<String>,
}

/// How a registered file is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// Once everything that it holds now was copied.
    AfterReading,
    /// At once; what was not read stays where it is.
    AtOnce,
}

/// What the tail thread is told.
pub(super) enum Command {
    Port(Port, Option<Sender<()>>),
    Close { session: SessionId, done: Sender<()> },
    Rewind { session: SessionId, done: Sender<Rewound> },
    Forsake(SessionId),
    Share(SessionCounts),
    Follow { plan: TailPlan, logs: Vec<LogPlan>, done: Sender<()> },
    FollowMetricLogs { logs: Vec<LogPlan>, done: Option<Sender<()>> },
    Register(LogPlan),
    Withdraw { worker: WorkerId, path: String, how: Withdrawal },
    Hasten { origin: String, path: String },
    Finish { deadline: Instant, done: Sender<bool> },
}

/// Tells the tail thread what to do. Cheap to clone.
#[derive(Clone)]
pub struct TailHandle {
    pub(super) commands: Sender<Command>,
    pub(super) snapshot: Arc<Mutex<TailSnapshot>>,
    pub(super) pulse: Arc<Pulse>,
}

/// Shows that the tail thread comes round.
#[derive(Default)]
pub(super) struct Pulse(Mutex<(Option<Timestamp>, Option<Instant>)>);

impl Pulse {
    /// A round begins.
    pub(super) fn beat(&self, clock: &Clock) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Some(clock.now()), Some(clock.monotonic()));
    }

    /// Nothing is to be done until something happens.
    pub(super) fn rest(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }
}

impl TailHandle {
    /// Opens a way for the lines of the files that go to a session.
    pub fn open_port(&self, port: Port) {
        _ = self.commands.send(Command::Port(port, None));
    }

    /// The same for a session that sleeps until somebody knocks (`Session::knocker`).
    pub fn open_knocking_port(&self, port: Port, knocks: Sender<()>) {
        _ = self.commands.send(Command::Port(port, Some(knocks)));
    }

    /// Closes the way of a session and returns when nothing more goes there; its files stand still.
    pub fn close_port(&self, session: impl Into<SessionId>) {
        let (done, finished) = bounded(1);
        let session = session.into();
        if self.commands.send(Command::Close { session, done }).is_ok() {
            _ = finished.recv();
        }
    }

    /// Takes back what was handed on to a session and is not settled; it is read again once there is a port. Only after
    /// that was closed. `None` when the thread is not there any more.
    pub fn rewind(&self, session: impl Into<SessionId>) -> Option<Rewound> {
        let (done, finished) = bounded(1);
        self.commands.send(Command::Rewind { session: session.into(), done }).ok()?;
        finished.recv().ok()
    }

    /// A session is gone and has no successor. When its worker has no other one either: of its files, those that nobody
    /// wants are let go, and what was not read of them is not waited for.
    pub fn forsake(&self, session: impl Into<SessionId>) {
        _ = self.commands.send(Command::Forsake(session.into()));
    }

    /// From now on each worker has so many sessions, and its files are shared out among them: a file that belongs to
    /// another session than before goes there once what was handed on of it is settled. To be said before the entries
    /// whose files are new are [followed](Self::follow).
    pub fn share(&self, counts: SessionCounts) {
        _ = self.commands.send(Command::Share(counts));
    }

    /// Copies what these entries say, in their order, and reads as `plan` says, from now on. An entry that stays keeps
    /// its files and where they stand. Files of one that goes are let go once everything that they hold now was copied,
    /// unless another one wants them. A file that another worker wants now goes on there where it was settled here.
    /// Returns when the files that are there now have been found and their positions taken.
    pub fn follow(&self, plan: TailPlan, logs: Vec<LogPlan>) {
        let (done, finished) = bounded(1);
        if self.commands.send(Command::Follow { plan, logs, done }).is_ok() {
            _ = finished.recv();
        }
    }

    /// The same for metric logs, which stand behind the other entries. Waits, if asked to, until they were found.
    pub fn follow_metric_logs(&self, logs: Vec<LogPlan>, wait: bool) {
        let (done, finished) = bounded(1);
        let done = wait.then_some(done);
        if self.commands.send(Command::FollowMetricLogs { logs, done }).is_ok() && wait {
            _ = finished.recv();
        }
    }

    /// Copies what a monitor registers: a file from its first byte, or from the position that is left of it. For a path
    /// and worker that are registered already: with other settings from now on.
    ///
    /// # Errors
    /// When the tail thread is not there any more, or does not come round to it within a second.
    pub fn register(&self, log: LogPlan) -> Result<(), &'static str> {
        self.commands.send_timeout(Command::Register(log), REGISTER_PATIENCE).map_err(|error| match error {
            SendTimeoutError::Disconnected(_) => "the agent is stopping",
            SendTimeoutError::Timeout(_) => "the agent is busy with other log files; register it again later",
        })
    }

    /// Lets go of what was registered with this path. What an entry of the configuration copies too, it goes on copying.
    pub fn withdraw(&self, worker: WorkerId, path: String, how: Withdrawal) {
        _ = self.commands.send(Command::Withdraw { worker, path, how });
    }

    /// Lets go at once of what `origin` has registered with this path and withdrawn, and what is still being read.
    pub fn hasten(&self, origin: String, path: String) {
        _ = self.commands.send(Command::Hasten { origin, path });
    }

    /// Reads what is there, until `deadline` at the latest, and ends the thread. True when everything was handed on. A
    /// thread that does not come round, on a disk that hangs for example, is waited for as long as `patience` at most,
    /// once to hear of it and once to come.
    pub fn finish(&self, deadline: Instant, patience: Duration) -> bool {
        let (done, finished) = bounded(1);
        let sent = self.commands.send_timeout(Command::Finish { deadline, done }, patience);
        sent.is_ok() && finished.recv_timeout(patience).unwrap_or(false)
    }

    /// How the stage stands, and whether it comes round.
    pub fn look(&self, now: Instant) -> TailSnapshot {
        let (last, began) = *self.pulse.0.lock().unwrap_or_else(PoisonError::into_inner);
        TailSnapshot {
            last_round: last.map(|last| last.as_nanos() as f64 / 1e9),
            round_seconds: began.map(|began| now.saturating_duration_since(began).as_secs_f64()),
            ..self.snapshot()
        }
    }

    /// How the stage stands.
    pub fn snapshot(&self) -> TailSnapshot {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
