//! The tail thread: turns over all watched paths and hands their lines to the sessions.

mod follow;
mod wanted;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, bounded};
use scalyr_monitor::{Clock, Level, Logger};

use super::batch::BATCH_BYTES;
use super::begin::{Begin, First};
use super::copying::Copying;
use super::entries::{Entries, Entry};
use super::followed::Followed;
use super::handle::{Command, Port, TailHandle, TailSnapshot, Withdrawal};
use super::watched::{Surroundings, Watched};
use crate::checkpoint::Checkpoint;
use crate::config::plan::{LogPlan, TailPlan};
use crate::ledger::{Ledger, Offset, WorkerId};
use crate::monitors::panic_place;
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
/// So many commands wait for the thread at most, and it takes so many at a time.
const MOST_COMMANDS: usize = 64;

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
    /// How many log files may be open at a time.
    pub max_open_files: usize,
    /// The agent's own log and the size it had when the agent started: copied from there.
    pub own_log: (PathBuf, Offset),
}

/// The tail stage. Lives on a thread of its own.
pub struct Tail {
    parts: TailParts,
    /// The entries of the configuration.
    entries: Entries,
    /// The metric logs, behind these.
    metric_logs: Entries,
    /// What monitors have registered while they run, behind the entries.
    registered: BTreeMap<(WorkerId, String), Entry>,
    /// Which monitor was told that files which it registered are copied as which entry says.
    overruled: BTreeSet<(String, String)>,
    watched: Vec<Watched>,
    /// The keys of `watched`.
    known: BTreeSet<(WorkerId, PathBuf)>,
    ports: BTreeMap<WorkerId, Port>,
    /// Workers that have no session and will have none.
    forsaken: BTreeSet<WorkerId>,
    followed: Followed,
    /// How many accounts had been opened when the positions were last saved.
    saved_opened: u64,
    commands: Receiver<Command>,
    snapshot: Arc<Mutex<TailSnapshot>>,
    spare: Option<Vec<u8>>,
    waiting_for: BTreeSet<WorkerId>,
    troubles: BTreeMap<PathBuf, String>,
    next_rescan: Instant,
    next_snapshot: Instant,
    turn: usize,
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
        let (commands, received) = bounded(MOST_COMMANDS);
        let snapshot = Arc::<Mutex<TailSnapshot>>::default();
        let now = parts.clock.monotonic();
        let tail = Self {
            entries: Entries::default(),
            metric_logs: Entries::default(),
            registered: BTreeMap::new(),
            overruled: BTreeSet::new(),
            watched: Vec::new(),
            known: BTreeSet::new(),
            ports: BTreeMap::new(),
            forsaken: BTreeSet::new(),
            followed: Followed::new(parts.max_open_files),
            saved_opened: 0,
            commands: received,
            snapshot: Arc::clone(&snapshot),
            spare: None,
            waiting_for: BTreeSet::new(),
            troubles: BTreeMap::new(),
            next_rescan: now,
            next_snapshot: now,
            turn: 0,
            parts,
        };
        threads.spawn("tail", move || tail.live())?;
        Ok(TailHandle { commands, snapshot })
    }

    /// Runs to the end; a panic is told, and ends the copying of logs. Nothing is lost by it: no position moves.
    fn live(self) {
        let (logger, snapshot) = (self.parts.logger.clone(), Arc::clone(&self.snapshot));
        if let Err(panic) = panic_place::watch(|| self.run()) {
            logger.coded(Level::Critical, "failedTail", format_args!("Copying log files {panic}; it has ended"));
            snapshot.lock().unwrap_or_else(PoisonError::into_inner).broken = Some(panic.to_string());
        }
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
            // All that have come meanwhile, so that one save serves them together.
            let commands: Vec<Command> =
                command.into_iter().chain(self.commands.try_iter().take(MOST_COMMANDS)).collect();
            let any = !commands.is_empty();
            for command in commands {
                if let Command::Finish { deadline, done } = command {
                    let all = self.read_to_the_end(deadline);
                    self.ports.clear();
                    self.publish();
                    _ = done.send(all);
                    return;
                }
                self.obey(command);
            }
            if any {
                self.publish();
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Port(port) => {
                self.forsaken.remove(&port.worker);
                self.ports.insert(port.worker.clone(), port);
            }
            Command::Close { worker, done } => {
                self.ports.remove(&worker);
                _ = done.send(());
            }
            Command::Rewind { worker, done } => _ = done.send(self.rewind(&worker)),
            Command::Forsake(worker) => _ = self.forsaken.insert(worker),
            Command::Follow { plan, logs, done } => {
                self.follow_entries(plan, logs);
                self.parts.checkpoint.save();
                self.publish();
                _ = done.send(());
            }
            Command::FollowMetricLogs { logs, done } => {
                self.follow_metric_logs(logs);
                self.parts.checkpoint.save();
                if let Some(done) = done {
                    self.publish();
                    _ = done.send(());
                }
            }
            Command::Register(log) => self.register(log),
            Command::Withdraw { worker, path, how } => self.withdraw(&(worker, path), how),
            Command::Hasten { origin, path } => self.hasten(&(origin, path)),
            Command::Finish { .. } => {}
        }
    }

    /// Watches a path and looks at it, unless it is watched already: the first entry that matches it wins.
    fn watch(&mut self, path: PathBuf, plan: &LogPlan, begin: First) {
        if self.enter(path, plan, begin)
            && let Some(watched) = self.watched.last_mut()
        {
            watched.check(&surroundings(&self.parts, &self.followed));
        }
    }

    /// Enters a path among the watched ones and takes up its positions; false when it was there already.
    fn enter(&mut self, path: PathBuf, plan: &LogPlan, begin: First) -> bool {
        if !self.known.insert((plan.worker.clone(), path.clone())) {
            return false;
        }
        let begin = match path == self.parts.own_log.0 {
            true => Begin::At(self.parts.own_log.1),
            false => begin.of(&path, self.parts.checkpoint.new_since()),
        };
        let copying = Copying::of(&path, plan);
        let mut watched = Watched::new(path.clone(), plan.worker.clone(), copying, begin);
        let positions = self.parts.checkpoint.earlier(&plan.worker, &path);
        if !positions.is_empty() {
            watched.resume(positions, &surroundings(&self.parts, &self.followed));
        }
        self.watched.push(watched);
        true
    }

    /// Walks the globs for files that are new.
    fn rescan_when_due(&mut self) {
        let began = self.parts.clock.monotonic();
        if began >= self.next_rescan {
            self.rescan();
            let ended = self.parts.clock.monotonic();
            let pause = RESCAN.max((ended - began) * RESCAN_SHARE).min(self.parts.plan.max_new_log_detection_time);
            self.next_rescan = ended + pause;
        }
    }

    fn rescan(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        let mut metric_logs = std::mem::take(&mut self.metric_logs);
        let mut registered = std::mem::take(&mut self.registered);
        let all = entries.iter_mut().chain(metric_logs.iter_mut()).chain(registered.values_mut());
        for entry in all.filter(|entry| entry.matcher.is_glob()) {
            for path in entry.matcher.files() {
                entry.matched = true;
                self.watch(path, &entry.plan, First::Start);
            }
        }
        (self.entries, self.metric_logs, self.registered) = (entries, metric_logs, registered);
        self.let_go();
    }

    /// Forgets paths that were withdrawn or whose file is gone, once everything is settled.
    fn let_go(&mut self) {
        let entries = self.entries.iter().chain(self.metric_logs.iter()).chain(self.registered.values());
        let fixed: BTreeSet<&Path> = entries.filter_map(|entry| entry.matcher.fixed()).collect();
        let around = surroundings(&self.parts, &self.followed);
        let (known, forsaken) = (&mut self.known, &self.forsaken);
        self.watched.retain_mut(|watched| {
            if watched.is_withdrawn() && forsaken.contains(&watched.worker) {
                watched.withdraw(Withdrawal::AtOnce);
            }
            let gone = watched.is_empty() && !fixed.contains(watched.path.as_path()) && !watched.path.exists();
            if !gone && !watched.is_withdrawn() || !watched.may_leave(&around) {
                return true;
            }
            known.remove(&(watched.worker.clone(), watched.path.clone()));
            // An entry that comes back, as those of containers do, goes on where it was: the positions are kept.
            watched.close_all(&around);
            false
        });
    }

    /// One batch of each file that has something to read, each turn beginning with another file.
    fn turn(&mut self) -> Turn {
        let readable = self.look();
        if self.saved_opened != self.parts.ledger.opened() {
            // Before the first line of a new file leaves, its position is on disk.
            self.saved_opened = self.parts.ledger.opened();
            self.parts.checkpoint.save();
        }
        let mut outcome = Turn::Idle;
        self.waiting_for.clear();
        for index in readable {
            match self.hand_on(index) {
                Turn::Progress => outcome = Turn::Progress,
                Turn::Parked if outcome == Turn::Idle => outcome = Turn::Parked,
                Turn::Parked | Turn::Idle => {}
            }
        }
        outcome
    }

    /// Looks at all files; the indices of those that have something to read, in this turn's order.
    fn look(&mut self) -> Vec<usize> {
        self.move_settled();
        let count = self.watched.len();
        self.turn = (self.turn + 1) % count.max(1);
        let around = surroundings(&self.parts, &self.followed);
        let order = (self.turn..count).chain(0..self.turn);
        order.filter(|&index| self.watched[index].check(&around)).collect()
    }

    /// Hands the next batch of a file to its session, if that has room.
    fn hand_on(&mut self, index: usize) -> Turn {
        let around = surroundings(&self.parts, &self.followed);
        let watched = &mut self.watched[index];
        if watched.is_moving() {
            return Turn::Idle;
        }
        let Some(port) = self.ports.get(&watched.worker) else { return Turn::Idle };
        if port.batches.is_full() {
            self.waiting_for.insert(watched.worker.clone());
            return Turn::Parked;
        }
        let Some(follower) = watched.next_readable(&around) else { return Turn::Idle };
        let recycled = || port.recycled.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_BYTES));
        let arena = self.spare.take().unwrap_or_else(recycled);
        match follower.read(arena, &self.parts.plan, &self.parts.clock) {
            Ok(read) => {
                watched.note_read();
                match read.map(|batch| port.batches.send(batch)) {
                    // Sending cannot block: this thread is the only sender and there was room.
                    Ok(Ok(())) => return Turn::Progress,
                    Ok(Err(_)) => {
                        // The session has ended by itself and said why; its files stand still, and begin where they are
                        // settled when another one takes over.
                        let worker = watched.worker.clone();
                        self.ports.remove(&worker);
                    }
                    Err(arena) => self.spare = Some(arena),
                }
            }
            Err(error) => watched.note_read_error(&error, &around),
        }
        Turn::Idle
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
        self.rescan();
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

    /// The entries that no file was ever found for.
    fn unmatched(&self) -> BTreeMap<String, String> {
        let there = self.watched.iter().filter(|watched| !watched.is_empty()).map(|watched| watched.path.as_path());
        let there: HashSet<&Path> = there.collect();
        let is_there = |path: &Path| there.contains(path);
        let entries = self.entries.iter().chain(self.metric_logs.iter()).chain(self.registered.values());
        let entries = entries.filter(|entry| !entry.matched && !entry.matcher.fixed().is_some_and(is_there));
        entries.take(TROUBLES).map(|entry| (entry.plan.path.clone(), entry.plan.origin.clone())).collect()
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
            open_files: self.followed.open(),
            max_open_files: self.followed.limit(),
            troubles,
            unmatched: self.unmatched(),
            waiting_for: self.waiting_for.clone(),
            moving_from: self.watched.iter().filter(|it| it.is_moving()).map(|it| it.worker.clone()).collect(),
            broken: None,
        };
    }
}

fn surroundings<'a>(parts: &'a TailParts, followed: &'a Followed) -> Surroundings<'a> {
    Surroundings {
        ledger: &parts.ledger,
        followed,
        checkpoint: &parts.checkpoint,
        plan: &parts.plan,
        logger: &parts.logger,
        now: parts.clock.monotonic(),
        wall: parts.clock.now(),
    }
}
