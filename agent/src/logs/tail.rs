//! The tail thread: looks at the watched paths that may have changed and hands their lines to the sessions.

mod find;
mod follow;
mod publish;
mod rounds;
mod schedule;
mod seats;
mod turn;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};
use scalyr_monitor::{Clock, Level, Logger};

use self::find::Walks;
use self::rounds::Rounds;
use self::schedule::Schedule;
use self::seats::{Queue, Seats};
use self::turn::Turn;
use super::batch::Blank;
use super::begin::{Begin, First};
use super::copying::Copying;
use super::entries::{Entries, Entry};
use super::followed::Followed;
use super::handle::{Command, Port, Pulse, TailHandle, TailSnapshot, Withdrawal};
use super::notices::{Notices, Noticing};
use super::watched::{Surroundings, Watched};
use crate::checkpoint::Checkpoint;
use crate::config::plan::{LogPlan, SessionId, TailPlan};
use crate::ledger::{Ledger, Offset, WorkerId};
use crate::monitors::panic_place;
use crate::threads::Threads;
use crate::upload::Save;

/// Files that wait to go to another worker are asked this often whether they are settled, ...
const TICK: Duration = Duration::from_millis(50);
/// ... and those that are to be let go this often.
const LEAVE: Duration = Duration::from_millis(100);
/// ... but asking them takes at most a tenth of the thread's time.
const LEAVE_SHARE: u32 = 9;
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
    /// How changes on disk are noticed.
    pub noticing: Noticing,
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
    watched: Seats,
    /// The keys of `watched`.
    known: BTreeSet<(WorkerId, PathBuf)>,
    schedule: Schedule,
    notices: Notices,
    walks: Walks,
    ports: BTreeMap<SessionId, Port>,
    /// Where to knock at sessions that sleep although batches come.
    knocks: BTreeMap<SessionId, Sender<()>>,
    /// Sessions that are gone and will have no successor.
    forsaken: BTreeSet<SessionId>,
    /// Which paths go to which session of their worker.
    rounds: Rounds,
    followed: Followed,
    /// How many accounts had been opened when the positions were last saved.
    saved_begun: u64,
    commands: Receiver<Command>,
    snapshot: Arc<Mutex<TailSnapshot>>,
    pulse: Arc<Pulse>,
    spare: Option<Blank>,
    /// Entries that cannot be used, each with the reason.
    troubles: BTreeMap<PathBuf, String>,
    /// The entries that match no file, as they were last found.
    unmatched: BTreeMap<String, String>,
    /// Paths with a trouble.
    troubled: BTreeSet<usize>,
    /// Paths that wait for a free descriptor.
    hungry: BTreeSet<usize>,
    /// Paths that may be let go soon.
    leaving: BTreeSet<usize>,
    /// Paths that wait to go to another worker or session.
    moving: BTreeSet<usize>,
    /// What came while the thread waited.
    woken_by: Option<Command>,
    next_leave: Instant,
    next_plea: Instant,
    next_snapshot: Instant,
    /// How often a path was looked at.
    looks: u64,
    /// How long turns took.
    busy: Duration,
    /// Something happened since the last snapshot.
    is_news: bool,
    /// A file has come or gone, or an entry, since the last snapshot.
    is_reshaped: bool,
}

impl Tail {
    /// Starts the thread, with nothing to watch yet.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(parts: TailParts, threads: &Threads) -> io::Result<TailHandle> {
        let (commands, received) = bounded(MOST_COMMANDS);
        let (snapshot, pulse) = (Arc::<Mutex<TailSnapshot>>::default(), Arc::<Pulse>::default());
        let now = parts.clock.monotonic();
        let notices = Notices::start(parts.noticing, threads, &parts.logger, &parts.clock);
        let tail = Self {
            entries: Entries::default(),
            metric_logs: Entries::default(),
            registered: BTreeMap::new(),
            overruled: BTreeSet::new(),
            watched: Seats::new(now),
            schedule: Schedule::default(),
            notices,
            walks: Walks::new(now),
            known: BTreeSet::new(),
            ports: BTreeMap::new(),
            knocks: BTreeMap::new(),
            forsaken: BTreeSet::new(),
            rounds: Rounds::default(),
            followed: Followed::new(parts.max_open_files),
            saved_begun: 0,
            commands: received,
            snapshot: Arc::clone(&snapshot),
            pulse: Arc::clone(&pulse),
            spare: None,
            troubles: BTreeMap::new(),
            unmatched: BTreeMap::new(),
            troubled: BTreeSet::new(),
            hungry: BTreeSet::new(),
            leaving: BTreeSet::new(),
            moving: BTreeSet::new(),
            woken_by: None,
            next_leave: now,
            next_plea: now,
            next_snapshot: now,
            looks: 0,
            busy: Duration::ZERO,
            is_news: true,
            is_reshaped: true,
            parts,
        };
        threads.spawn("tail", move || tail.live())?;
        Ok(TailHandle { commands, snapshot, pulse })
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
            self.pulse.beat(&self.parts.clock);
            self.notice();
            self.walk_when_due();
            self.let_go();
            let begin = self.parts.clock.monotonic();
            let turn = self.turn();
            self.busy += self.parts.clock.monotonic().saturating_duration_since(begin);
            self.publish_when_due();
            self.pulse.rest();
            self.wait(turn);
            // What it is told to do belongs to a round, too.
            self.pulse.beat(&self.parts.clock);
            // All that have come meanwhile, so that one save serves them together.
            let mut commands: Vec<Command> = self.woken_by.take().into_iter().collect();
            while commands.len() < MOST_COMMANDS {
                match self.commands.try_recv() {
                    Ok(command) => commands.push(command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) if commands.is_empty() => return,
                    Err(TryRecvError::Disconnected) => break,
                }
            }
            let any = !commands.is_empty();
            for command in commands {
                if let Command::Finish { deadline, done } = command {
                    let all = self.read_to_the_end(deadline);
                    self.ports.clear();
                    self.knocks.clear();
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
            Command::Port(port, knocks) => {
                let session = port.session.clone();
                self.knocks.remove(&session);
                self.knocks.extend(knocks.map(|knocks| (session.clone(), knocks)));
                self.forsaken.remove(&session);
                self.ports.insert(session.clone(), port);
                self.look_soon(|watched| watched.is_of(&session));
            }
            Command::Close { session, done } => {
                self.close_port(&session);
                _ = done.send(());
            }
            Command::Rewind { session, done } => _ = done.send(self.rewind(&session)),
            Command::Forsake(session) => _ = self.forsaken.insert(session),
            Command::Share(counts) => self.share(counts),
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
        if let Some(number) = self.enter(path, plan, begin) {
            self.look_at(number);
        }
    }

    /// Enters a path among the watched ones and takes up its positions; `None` when it was there already.
    fn enter(&mut self, path: PathBuf, plan: &LogPlan, first: First) -> Option<usize> {
        if !self.known.insert((plan.worker.clone(), path.clone())) {
            return None;
        }
        let begin = match path == self.parts.own_log.0 {
            true => Begin::At(self.parts.own_log.1),
            false => first.of(&path, self.parts.checkpoint.new_since()),
        };
        let copying = Copying::of(&path, plan);
        let mut watched = Watched::new(path.clone(), plan.worker.clone(), copying, begin);
        let (place, session) = self.rounds.seat(&plan.worker);
        watched.sit_at(place, session);
        let positions = self.parts.checkpoint.earlier(&plan.worker, &path);
        if first == First::StartIfNew
            && let Some(since) = self.parts.checkpoint.unseen_since()
        {
            watched.is_unseen_since(since, self.parts.clock.monotonic());
        }
        if !positions.is_empty() {
            watched.resume(positions, &surroundings(&self.parts, &self.followed));
        }
        let number = self.watched.add(watched);
        self.schedule.set(number, self.parts.clock.monotonic());
        Some(number)
    }

    /// Forgets paths that were withdrawn or whose file is gone, once everything is settled.
    fn let_go(&mut self) {
        let now = self.parts.clock.monotonic();
        if self.leaving.is_empty() || now < self.next_leave {
            return;
        }
        for number in std::mem::take(&mut self.leaving) {
            let Some(watched) = self.watched.at(number).map(|seat| &seat.watched) else { continue };
            let is_gone = watched.is_empty() && !self.is_fixed(watched) && !watched.path.exists();
            let Some(watched) = self.watched.at_mut(number).map(|seat| &mut seat.watched) else { continue };
            let is_forsaken = !self.rounds.has(&watched.worker) && self.forsaken.contains(&watched.session());
            if watched.is_withdrawn() && is_forsaken {
                watched.withdraw(Withdrawal::AtOnce);
            }
            if !is_gone && !watched.is_withdrawn() {
                continue;
            }
            let around = surroundings(&self.parts, &self.followed);
            if !watched.may_leave(&around) {
                self.leaving.insert(number);
                // That was a look, too.
                self.schedule.hasten(number, now);
                continue;
            }
            // An entry that comes back, as those of containers do, goes on where it was: the positions are kept.
            watched.close_all(&around);
            self.remove(number);
        }
        let ended = self.parts.clock.monotonic();
        self.next_leave = ended + LEAVE.max((ended - now) * LEAVE_SHARE);
    }

    fn remove(&mut self, number: usize) {
        self.schedule.forget(number);
        self.troubled.remove(&number);
        self.moving.remove(&number);
        self.hungry.remove(&number);
        if let Some(mut seat) = self.watched.remove(number) {
            let target = seat.watched.stay();
            let Watched { worker, path, .. } = &seat.watched;
            if seat.queue == Queue::Parked {
                self.schedule.unpark(&seat.watched.session(), number);
            }
            // The path is free for the worker that it would have gone to, too.
            for worker in target.into_iter().chain([worker.clone()]) {
                self.known.remove(&(worker, path.clone()));
            }
            self.notices.uncover(number, seat.coverage);
        }
        (self.is_news, self.is_reshaped) = (true, true);
    }

    /// Whether an entry names this very path.
    fn is_fixed(&self, watched: &Watched) -> bool {
        let path = watched.path.as_path();
        // There may be thousands of them.
        let registered = || self.registered_as(&watched.worker, path);
        let is_registered = || registered().is_some_and(|entry| entry.matcher.fixed() == Some(path));
        self.entries.has_fixed(path) || self.metric_logs.has_fixed(path) || is_registered()
    }

    /// Sleeps until there is something to do: a command has come, a notice, a full channel has room, or it is time.
    fn wait(&mut self, turn: Turn) {
        if turn == Turn::Progress {
            return;
        }
        let now = self.parts.clock.monotonic();
        let mut until = self.notices.next_comparison().min(self.walks.next());
        until = self.schedule.next().map_or(until, |next| until.min(next));
        if self.is_news {
            until = until.min(self.next_snapshot);
        }
        if !self.leaving.is_empty() {
            until = until.min(self.next_leave);
        }
        if !self.hungry.is_empty() {
            until = until.min(self.next_plea.max(now + TICK));
        }
        if !self.moving.is_empty() {
            until = until.min(now + TICK);
        }
        let timeout = until.saturating_duration_since(now);
        if self.schedule.parked.is_empty() {
            return self.wait_for_news(timeout);
        }
        let mut select = Select::new();
        select.recv(&self.commands);
        select.recv(self.notices.signal());
        for session in self.schedule.parked.keys() {
            if let Some(port) = self.ports.get(session) {
                select.send(&port.batches);
            }
        }
        _ = select.ready_timeout(timeout);
    }

    /// Waits for a command or a notice, and takes it. Waiting until something is ready, without taking it, spins for
    /// longer than all that a quiet thread has to do otherwise.
    fn wait_for_news(&mut self, timeout: Duration) {
        if self.woken_by.is_some() {
            return;
        }
        let mut select = Select::new();
        let command = select.recv(&self.commands);
        select.recv(self.notices.signal());
        match select.select_timeout(timeout) {
            // Of a disconnected channel one learns when the commands are taken.
            Ok(ready) if ready.index() == command => self.woken_by = ready.recv(&self.commands).ok(),
            Ok(ready) => _ = ready.recv(self.notices.signal()),
            Err(_) => {}
        }
    }

    /// The last read of a stop: everything that is there, until the deadline at the latest.
    fn read_to_the_end(&mut self, deadline: Instant) -> bool {
        self.walk_all();
        self.look_soon(|_| true);
        loop {
            match self.turn() {
                Turn::Idle => return true,
                _ if self.parts.clock.monotonic() >= deadline => return false,
                Turn::Progress => {}
                Turn::Parked => self.wait_for_room(),
            }
        }
    }

    /// Sleeps until a full channel has room, for a moment at most.
    fn wait_for_room(&self) {
        let mut select = Select::new();
        for port in self.schedule.parked.keys().filter_map(|session| self.ports.get(session)) {
            select.send(&port.batches);
        }
        _ = select.ready_timeout(TICK);
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
