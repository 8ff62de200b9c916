//! The tail thread: turns over all watched paths and hands their lines to the sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender, bounded};
use scalyr_monitor::{Clock, Logger};
use serde::Serialize;
use serde_json::Value;

use super::batch::{BATCH_BYTES, Batch, LogDescription};
use super::matcher::Matcher;
use super::watched::{Begin, Surroundings, Watched};
use crate::checkpoint::Checkpoint;
use crate::config::plan::{LogPlan, TailPlan};
use crate::ledger::{Ledger, Offset, WorkerId};
use crate::threads::Threads;
use crate::upload::Save;

/// How long the thread sleeps when there is nothing to do.
const TICK: Duration = Duration::from_millis(50);
/// Globs are walked this often, unless walking them takes long.
const RESCAN: Duration = Duration::from_millis(500);
/// Walking globs takes at most a twentieth of the thread's time.
const RESCAN_SHARE: u32 = 20;
/// How many troubles `status` lists at most.
const TROUBLES: usize = 1000;

/// Where the lines of one worker go: its session's bounded channel, and the arenas that come back.
pub struct Port {
    /// The worker.
    pub worker: WorkerId,
    /// The session's channel.
    pub batches: Sender<Batch>,
    /// Arenas of batches that were packed.
    pub recycled: Receiver<Vec<u8>>,
}

/// What the tail stage needs from its surroundings.
pub struct TailParts {
    /// Limits and delays.
    pub plan: TailPlan,
    /// What becomes of every byte.
    pub ledger: Ledger,
    /// Positions of the run before.
    pub checkpoint: Arc<Checkpoint>,
    /// The agent log.
    pub logger: Logger,
    /// The time.
    pub clock: Clock,
    /// The agent's own log and the size it had when the agent started: copied from there.
    pub own_log: (PathBuf, Offset),
}

/// What `status` shows of the tail stage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TailSnapshot {
    /// How many paths are watched.
    pub watched_paths: usize,
    /// How many files are open.
    pub open_files: usize,
    /// Paths that cannot be copied, each with the reason.
    pub troubles: BTreeMap<PathBuf, String>,
    /// Workers whose channel was full at the last look: their server is slower than their logs.
    pub waiting_for: BTreeSet<WorkerId>,
}

enum Command {
    Port(Port),
    Close(WorkerId),
    Add { logs: Vec<LogPlan>, done: Sender<()> },
    Remove(LogPlan),
    Register(LogPlan),
    Withdraw(PathBuf),
    Finish { deadline: Instant, done: Sender<bool> },
}

/// Tells the tail thread what to do. Cheap to clone.
#[derive(Clone)]
pub struct TailHandle {
    commands: Sender<Command>,
    snapshot: Arc<Mutex<TailSnapshot>>,
}

impl TailHandle {
    /// Opens a way for the lines of a worker.
    pub fn open_port(&self, port: Port) {
        _ = self.commands.send(Command::Port(port));
    }

    /// Closes the way of a worker; its files stand still.
    pub fn close_port(&self, worker: WorkerId) {
        _ = self.commands.send(Command::Close(worker));
    }

    /// Adds entries and returns when the files that are there now have been found and their positions taken.
    pub fn add(&self, logs: Vec<LogPlan>) {
        let (done, finished) = bounded(1);
        if self.commands.send(Command::Add { logs, done }).is_ok() {
            _ = finished.recv();
        }
    }

    /// Removes an entry; its files are let go once everything that they hold now was copied.
    pub fn remove(&self, log: LogPlan) {
        _ = self.commands.send(Command::Remove(log));
    }

    /// Copies a file that a monitor registers, from its first byte.
    ///
    /// # Errors
    /// When the tail thread is not there any more.
    pub fn register(&self, log: LogPlan) -> Result<(), &'static str> {
        self.commands.send(Command::Register(log)).map_err(|_| "the agent is stopping")
    }

    /// Lets a registered file go once everything that it holds now was copied.
    pub fn withdraw(&self, path: PathBuf) {
        _ = self.commands.send(Command::Withdraw(path));
    }

    /// Reads what is there, until `deadline` at the latest, and ends the thread. True when everything was handed on.
    pub fn finish(&self, deadline: Instant) -> bool {
        let (done, finished) = bounded(1);
        let sent = self.commands.send(Command::Finish { deadline, done });
        sent.is_ok() && finished.recv_timeout(Duration::from_secs(10)).unwrap_or(false)
    }

    /// How the stage stands.
    pub fn snapshot(&self) -> TailSnapshot {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The tail stage. Lives on a thread of its own.
pub struct Tail {
    parts: TailParts,
    entries: Vec<Entry>,
    watched: Vec<Watched>,
    /// The keys of `watched`.
    known: BTreeSet<(WorkerId, PathBuf)>,
    ports: BTreeMap<WorkerId, Port>,
    commands: Receiver<Command>,
    snapshot: Arc<Mutex<TailSnapshot>>,
    spare: Option<Vec<u8>>,
    waiting_for: BTreeSet<WorkerId>,
    troubles: BTreeMap<PathBuf, String>,
    next_rescan: Instant,
    next_snapshot: Instant,
    turn: usize,
}

struct Entry {
    plan: LogPlan,
    matcher: Matcher,
}

/// What a turn over all files came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Progress,
    Parked,
    Idle,
}

impl Tail {
    /// Starts the thread, with nothing to watch yet.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(parts: TailParts, threads: &Threads) -> io::Result<TailHandle> {
        let (commands, received) = bounded(64);
        let snapshot = Arc::<Mutex<TailSnapshot>>::default();
        let now = parts.clock.monotonic();
        let tail = Self {
            parts,
            entries: Vec::new(),
            watched: Vec::new(),
            known: BTreeSet::new(),
            ports: BTreeMap::new(),
            commands: received,
            snapshot: Arc::clone(&snapshot),
            spare: None,
            waiting_for: BTreeSet::new(),
            troubles: BTreeMap::new(),
            next_rescan: now,
            next_snapshot: now,
            turn: 0,
        };
        threads.spawn("tail", move || tail.run())?;
        Ok(TailHandle { commands, snapshot })
    }

    fn run(mut self) {
        loop {
            self.rescan_when_due();
            let turn = self.turn();
            self.publish_when_due();
            let command = match turn {
                Turn::Progress => self.commands.try_recv().ok(),
                Turn::Parked => {
                    self.wait_for_room();
                    self.commands.try_recv().ok()
                }
                Turn::Idle => match self.commands.recv_timeout(TICK) {
                    Ok(command) => Some(command),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            if let Some(command) = command {
                if let Command::Finish { deadline, done } = command {
                    let all = self.read_to_the_end(deadline);
                    self.ports.clear();
                    self.publish();
                    _ = done.send(all);
                    return;
                }
                self.obey(command);
                self.publish();
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Port(port) => _ = self.ports.insert(port.worker.clone(), port),
            Command::Close(worker) => _ = self.ports.remove(&worker),
            Command::Add { logs, done } => {
                for log in logs {
                    self.add(log);
                }
                self.parts.checkpoint.save();
                _ = done.send(());
            }
            Command::Remove(log) => {
                self.entries.retain(|entry| entry.plan != log);
                let mut kept: BTreeSet<PathBuf> = BTreeSet::new();
                for entry in self.entries.iter().filter(|entry| entry.plan.worker == log.worker) {
                    kept.extend(entry.matcher.files());
                    kept.extend(entry.matcher.fixed().map(Path::to_owned));
                }
                for watched in self.watched.iter_mut().filter(|watched| watched.worker == log.worker) {
                    watched.withdrawn |= !kept.contains(&watched.path);
                }
            }
            Command::Register(log) => {
                let path = PathBuf::from(&log.path);
                self.watch(path, &log, Begin::Start);
            }
            Command::Withdraw(path) => {
                let around = surroundings(&self.parts);
                for watched in self.watched.iter_mut().filter(|watched| watched.path == path) {
                    // A file that came and went since the last look is still caught.
                    watched.check(&around);
                    watched.withdrawn = true;
                }
            }
            Command::Finish { .. } => {}
        }
    }

    /// Adds an entry: files that are there now begin at their end (or as the entry says), later ones at their first
    /// byte.
    fn add(&mut self, plan: LogPlan) {
        let matcher = match Matcher::new(&plan) {
            Ok(matcher) => matcher,
            Err(error) => {
                self.parts.logger.error(format_args!("{}: refused: {error}", plan.origin));
                self.troubles.insert(PathBuf::from(&plan.path), format!("{}: {error}", plan.origin));
                return;
            }
        };
        let begin = if plan.copy_from_start { Begin::Start } else { Begin::End };
        let entry = Entry { plan, matcher };
        for path in entry.matcher.files() {
            self.watch(path, &entry.plan, begin);
        }
        if let Some(path) = entry.matcher.fixed() {
            self.watch(path.to_owned(), &entry.plan, begin);
        }
        self.entries.push(entry);
    }

    /// Watches a path unless it is watched already: the first entry that matches it wins.
    fn watch(&mut self, path: PathBuf, plan: &LogPlan, begin: Begin) {
        let key = (plan.worker.clone(), path.clone());
        if !self.known.insert(key) {
            return;
        }
        let begin = match begin {
            _ if path == self.parts.own_log.0 => Begin::At(self.parts.own_log.1),
            // The end that it has now, also when it can only be opened later.
            Begin::End => end_of(&path),
            begin => begin,
        };
        let log = Arc::new(describe(&path, plan));
        let mut watched = Watched::new(path.clone(), plan.worker.clone(), log, begin);
        let around = surroundings(&self.parts);
        let positions = self.parts.checkpoint.earlier(&plan.worker, &path);
        if !positions.is_empty() {
            watched.resume(positions, &around);
        }
        watched.check(&around);
        self.watched.push(watched);
    }

    /// Walks the globs for files that are new.
    fn rescan_when_due(&mut self) {
        let began = self.parts.clock.monotonic();
        if began < self.next_rescan {
            return;
        }
        let watched = self.watched.len();
        let entries = std::mem::take(&mut self.entries);
        for entry in entries.iter().filter(|entry| entry.matcher.is_glob()) {
            for path in entry.matcher.files() {
                self.watch(path, &entry.plan, Begin::Start);
            }
        }
        self.entries = entries;
        if self.watched.len() > watched {
            self.parts.checkpoint.save();
        }
        self.let_go();
        let ended = self.parts.clock.monotonic();
        let pause = RESCAN.max((ended - began) * RESCAN_SHARE).min(self.parts.plan.max_new_log_detection_time);
        self.next_rescan = ended + pause;
    }

    /// Forgets paths that were withdrawn or whose file is gone, once everything is settled.
    fn let_go(&mut self) {
        let fixed: BTreeSet<&Path> = self.entries.iter().filter_map(|entry| entry.matcher.fixed()).collect();
        let ledger = &self.parts.ledger;
        let known = &mut self.known;
        self.watched.retain_mut(|watched| {
            let path = watched.path.as_path();
            let gone = watched.open_files() == 0 && !fixed.contains(path) && !path.exists();
            let over = watched.is_settled() && (watched.withdrawn || gone);
            if over {
                known.remove(&(watched.worker.clone(), watched.path.clone()));
                watched.close(ledger);
            }
            !over
        });
    }

    /// One batch of each file that has something to read, each turn beginning with another file.
    fn turn(&mut self) -> Turn {
        let around = surroundings(&self.parts);
        self.turn = (self.turn + 1) % self.watched.len().max(1);
        let count = self.watched.len();
        let mut outcome = Turn::Idle;
        self.waiting_for.clear();
        for index in 0..count {
            let watched = &mut self.watched[(self.turn + index) % count];
            if !watched.check(&around) {
                continue;
            }
            let Some(port) = self.ports.get(&watched.worker) else { continue };
            if port.batches.is_full() {
                self.waiting_for.insert(watched.worker.clone());
                if outcome == Turn::Idle {
                    outcome = Turn::Parked;
                }
                continue;
            }
            let Some(follower) = watched.next_readable(&around) else { continue };
            let recycled = || port.recycled.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_BYTES));
            let arena = self.spare.take().unwrap_or_else(recycled);
            match follower.read(arena, &self.parts.plan, &self.parts.clock) {
                Ok(Ok(batch)) => {
                    // Cannot block: this thread is the only sender and there was room.
                    if port.batches.send(batch).is_ok() {
                        outcome = Turn::Progress;
                    } else {
                        // The session has ended by itself and said why; its files stand still.
                        let worker = watched.worker.clone();
                        self.ports.remove(&worker);
                    }
                }
                Ok(Err(arena)) => self.spare = Some(arena),
                Err(error) => watched.note_read_error(&error, &around),
            }
        }
        outcome
    }

    /// Sleeps until one of the full channels has room, a command arrives or a tick has passed.
    fn wait_for_room(&self) {
        let mut select = Select::new();
        select.recv(&self.commands);
        for worker in &self.waiting_for {
            if let Some(port) = self.ports.get(worker) {
                select.send(&port.batches);
            }
        }
        _ = select.ready_timeout(TICK);
    }

    /// The last read of a stop: everything that is there, until the deadline at the latest.
    fn read_to_the_end(&mut self, deadline: Instant) -> bool {
        for watched in &mut self.watched {
            watched.look_soon();
        }
        loop {
            match self.turn() {
                Turn::Idle => return true,
                _ if self.parts.clock.monotonic() >= deadline => return false,
                Turn::Parked => self.wait_for_room(),
                Turn::Progress => {}
            }
        }
    }

    fn publish_when_due(&mut self) {
        let now = self.parts.clock.monotonic();
        if now >= self.next_snapshot {
            self.next_snapshot = now + Duration::from_millis(500);
            self.publish();
        }
    }

    fn publish(&self) {
        let mut troubles = self.troubles.clone();
        for watched in &self.watched {
            if let Some(trouble) = watched.trouble()
                && troubles.len() < TROUBLES
            {
                troubles.insert(watched.path.clone(), trouble.to_owned());
            }
        }
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = TailSnapshot {
            watched_paths: self.watched.len(),
            open_files: self.watched.iter().map(Watched::open_files).sum(),
            troubles,
            waiting_for: self.waiting_for.clone(),
        };
    }
}

fn surroundings(parts: &TailParts) -> Surroundings<'_> {
    Surroundings {
        ledger: &parts.ledger,
        checkpoint: &parts.checkpoint,
        plan: &parts.plan,
        logger: &parts.logger,
        now: parts.clock.monotonic(),
    }
}

fn end_of(path: &Path) -> Begin {
    match fs::metadata(path) {
        Ok(metadata) => Begin::At(Offset(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Begin::Start,
        Err(_) => Begin::End,
    }
}

/// The attributes of a file on the wire: the entry's, and `logfile` unless the user gave one.
fn describe(path: &Path, plan: &LogPlan) -> LogDescription {
    let path = path.to_string_lossy().into_owned();
    let mut attributes = plan.attributes.clone();
    if !attributes.contains_key("logfile") && !attributes.contains_key("filename") {
        attributes.insert("logfile".to_owned(), Value::String(path.clone()));
    }
    LogDescription { attributes: Value::Object(attributes).to_string(), path }
}
