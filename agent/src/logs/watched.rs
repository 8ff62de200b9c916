//! One watched path: the generation that stands there now, and older ones that are still being read.

mod behind;
mod copies;
mod deleted;
mod handover;
mod older;
mod pace;
mod packed;
mod path;
mod resting;
mod resume;
mod stale;
mod truncated;
mod wake;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::{Logger, Timestamp};

use self::behind::SkippedNotes;
use self::copies::CopyOf;
use self::older::{Older, rotated_wait};
use self::wake::Waits;
use super::begin::Begin;
use super::copying::Copying;
use super::followed::{FileKey, Followed};
use super::follower::{Follower, Growth};
use super::handle::Withdrawal;
use super::position::Position;
use super::search::Moment;
use crate::checkpoint::Checkpoint;
use crate::config::plan::TailPlan;
use crate::ledger::{Ledger, SkipReason, WorkerId};

/// How long the position of a file that was let go is kept.
const KEPT: Duration = Duration::from_secs(900);
/// A renamed file that cannot be read so often, a second apart, is given up.
const READ_ATTEMPTS: u32 = 10;

/// One path of one worker.
#[derive(Debug)]
pub struct Watched {
    /// The path.
    pub path: PathBuf,
    /// The worker that its lines are sent to.
    pub worker: WorkerId,
    /// Its place in the round of that worker, and the number of the session that its lines go to.
    seat: (u32, u32),
    /// Whether and how it is to be let go.
    withdrawn: Option<Withdrawal>,
    /// Origin and path of the registration that has withdrawn it.
    withdrawn_by: Option<Arc<(String, String)>>,
    /// The worker that it goes to once what was handed on for this one is settled.
    moving: Option<WorkerId>,
    copying: Copying,
    current: Option<Follower>,
    older: VecDeque<Older>,
    begin: Begin,
    gone_since: Option<Instant>,
    trouble: Option<String>,
    /// Positions of an earlier run whose file could not be looked for yet. Until that works nothing is read here: the
    /// file might be taken for a new one and sent again.
    unresolved: Vec<Position>,
    /// What stands at the path now is a renamed file that another path follows to its end.
    alias: Option<FileKey>,
    /// When the path was last seen to show the current generation, or nothing yet; nothing was looked for yet that came
    /// after it.
    seen: Option<Seen>,
    /// The same, one look earlier.
    seen_before: Option<Seen>,
    /// Whether the trouble is that of reading.
    unreadable: bool,
    /// What stands at the path now is a copy of what another path sends, and is not read.
    copy: Option<CopyOf>,
    /// What stands at the path now is too old to be copied (`ignore_stale_files`).
    stale: Option<FileKey>,
    /// When something is to be done although nothing changes on disk.
    waits: Waits,
    /// The agent log was told of generations that were compressed while no agent ran and cannot be read.
    told_unreadable: bool,
    /// What the agent log is told of skipped bytes.
    skipped: SkippedNotes,
}

/// What the watched path needs from its surroundings.
pub struct Surroundings<'a> {
    /// Opens and closes accounts.
    pub ledger: &'a Ledger,
    /// Positions of the run before.
    pub checkpoint: &'a Checkpoint,
    /// Which files are open.
    pub followed: &'a Followed,
    /// Limits and delays.
    pub plan: &'a TailPlan,
    /// The agent log.
    pub logger: &'a Logger,
    /// Now, for timers.
    pub now: Instant,
    /// Now, by the wall clock: to be compared with when files were created.
    pub wall: Timestamp,
}

/// When a path was last looked at, by both clocks.
#[derive(Clone, Copy, Debug)]
struct Seen {
    now: Instant,
    wall: Timestamp,
}

impl Seen {
    /// By the wall clock as it goes now: had it been set back since, files that came later would bear earlier times.
    fn by_clock_of(self, around: &Surroundings<'_>) -> Timestamp {
        let ago = i64::try_from(around.now.saturating_duration_since(self.now).as_nanos()).unwrap_or(i64::MAX);
        self.wall.min(Timestamp::from_nanos(around.wall.as_nanos().saturating_sub(ago)))
    }
}

impl Surroundings<'_> {
    fn seen(&self) -> Seen {
        Seen { now: self.now, wall: self.wall }
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, wall: self.wall }
    }
}

impl Watched {
    /// Watches `path`; a file that stands there without a position begins at `begin`.
    pub fn new(path: PathBuf, worker: WorkerId, copying: Copying, begin: Begin) -> Self {
        Self {
            path,
            worker,
            seat: (0, 0),
            withdrawn: None,
            withdrawn_by: None,
            moving: None,
            copying,
            current: None,
            older: VecDeque::new(),
            begin,
            gone_since: None,
            trouble: None,
            unresolved: Vec::new(),
            alias: None,
            seen: None,
            seen_before: None,
            unreadable: false,
            copy: None,
            stale: None,
            waits: Waits::default(),
            told_unreadable: false,
            skipped: SkippedNotes::default(),
        }
    }

    /// Generations that came and went since then were not seen by the run before.
    pub fn is_unseen_since(&mut self, since: Timestamp, now: Instant) {
        self.seen = Some(Seen { now, wall: since });
    }

    /// What keeps the file from being read, for `status`.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Looks at the path and at the open files. True when there is something to read.
    pub fn check(&mut self, around: &Surroundings<'_>) -> bool {
        if self.withdrawn == Some(Withdrawal::AtOnce) {
            return false;
        }
        if !self.unresolved.is_empty() {
            let positions = std::mem::take(&mut self.unresolved);
            self.resume(positions, around);
            if !self.unresolved.is_empty() {
                return false;
            }
        }
        self.check_path(around);
        let mut readable = self.check_older(around);
        match self.current.as_mut().map(|current| current.look(around.now, around.plan.line_completion_wait)) {
            None | Some(Growth::None) => {}
            Some(Growth::Readable) => readable = true,
            Some(Growth::Truncated) => {
                self.replace_truncated(around);
                readable = true;
            }
        }
        self.look_after_lag(around);
        self.rest_when_quiet(readable, around);
        self.note_waits(readable, around);
        readable
    }

    fn note_trouble(&mut self, trouble: String, around: &Surroundings<'_>) {
        if self.trouble.as_ref() != Some(&trouble) {
            around
                .logger
                .warn(format_args!("{}: cannot be copied: {trouble}; it will be tried again", self.path.display()));
        }
        self.followers().for_each(|follower| follower.account.note_error(&trouble, around.wall));
        self.trouble = Some(trouble);
        self.waits.retry(around.now);
    }

    /// Takes note that a file could not be read. It is tried again; a renamed one that stays unreadable is given up,
    /// so that it does not keep the path from going on.
    pub fn note_read_error(&mut self, error: &io::Error, around: &Surroundings<'_>) {
        self.note_trouble(error.to_string(), around);
        self.unreadable = true;
        let Some(older) = self.older.iter_mut().find(|older| !older.follower.is_at_end()) else { return };
        if older.follower.count_failure() >= READ_ATTEMPTS {
            let lost = older.follower.end(SkipReason::Unreadable);
            around.logger.error(format_args!(
                "{}: a renamed file cannot be read ({error}); {lost} bytes of it are lost",
                self.path.display()
            ));
        }
    }

    /// Takes note that reading works.
    pub fn note_read(&mut self) {
        if std::mem::take(&mut self.unreadable) {
            self.trouble = None;
        }
    }

    /// The generation to read next: the oldest one first, and none behind one whose last line may still be finished,
    /// so that lines stay in order.
    pub fn next_readable(&mut self, around: &Surroundings<'_>) -> Option<&mut Follower> {
        if self.withdrawn == Some(Withdrawal::AtOnce) {
            return None;
        }
        self.keep_within_limit(around);
        for older in &mut self.older {
            let growth = older.follower.look(around.now, rotated_wait(around));
            if growth == Growth::Readable {
                return Some(&mut older.follower);
            }
            if !older.follower.is_at_end() {
                return None;
            }
        }
        let wait = around.plan.line_completion_wait;
        let current = self.current.as_mut()?;
        (current.look(around.now, wait) == Growth::Readable).then_some(current)
    }

    /// Lets the path go once everything is read and settled, or at once: then once what was handed on is settled.
    pub fn withdraw(&mut self, how: Withdrawal) {
        self.withdrawn = Some(how);
    }

    /// It was wanted by this registration, its origin and path, until that was withdrawn.
    pub fn withdrawn_by(&mut self, by: &Arc<(String, String)>) {
        self.withdrawn_by = Some(Arc::clone(by));
    }

    /// Whether it is being let go since this registration, its origin and path, was withdrawn.
    pub fn is_withdrawn_by(&self, by: &(String, String)) -> bool {
        self.is_withdrawn() && self.withdrawn_by.as_deref() == Some(by)
    }

    /// Whether the path is to be let go.
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn.is_some()
    }

    /// The path is wanted, and copied so from now on.
    pub fn reinstate(&mut self, copying: Copying) {
        self.withdrawn_by = None;
        self.withdrawn = None;
        if self.copying != copying {
            self.copying = copying;
            let copying = &self.copying;
            let older = self.older.iter_mut().map(|older| &mut older.follower);
            older.chain(&mut self.current).for_each(|follower| follower.copy_as(copying));
        }
    }

    /// Whether a path that was withdrawn can be let go now: all that was seen is handed on and settled, or, when it was
    /// withdrawn at once, all that was handed on.
    pub fn may_leave(&mut self, around: &Surroundings<'_>) -> bool {
        if self.withdrawn == Some(Withdrawal::AtOnce) {
            return self.followers().all(Follower::is_acknowledged);
        }
        // What was written since the last look is still to be read.
        !self.check(around) && self.followers().all(Follower::is_settled)
    }

    /// How many bytes of the open files were not handed on.
    pub fn unread(&self) -> u64 {
        self.followers().map(Follower::unread).sum()
    }

    /// Closes what is open, for a path that is watched no more.
    pub fn close_all(&mut self, around: &Surroundings<'_>) {
        if let (Some(Withdrawal::AtOnce), unread @ 1..) = (self.withdrawn, self.unread()) {
            around.logger.info(format_args!(
                "{}: withdrawn, {unread} bytes of it were not read; registered again within {} minutes, it goes on there",
                self.path.display(),
                KEPT.as_secs() / 60
            ));
        }
        self.set_alias(None, around);
        let older = std::mem::take(&mut self.older).into_iter().map(|older| older.follower);
        for follower in older.chain(self.current.take()) {
            self.close(follower, None, around);
        }
    }

    /// Whether no file is open here, nor known as another path's.
    pub fn is_empty(&self) -> bool {
        self.followers().next().is_none() && self.alias.is_none() && self.unresolved.is_empty()
    }

    fn followers(&self) -> impl Iterator<Item = &Follower> {
        self.older.iter().map(|older| &older.follower).chain(&self.current)
    }
}
