//! One watched path: the generation that stands there now, and older ones that are still being read.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;
use uuid::Uuid;

use super::batch::LogDescription;
use super::follower::{self, Follower, Growth};
use super::position::Position;
use super::unseen;
use crate::checkpoint::Checkpoint;
use crate::config::plan::TailPlan;
use crate::ledger::{Identity, Ledger, Offset, Sequence, WorkerId};

/// A renamed file is kept open until it was quiet for this long, because its writer may not have noticed yet.
const QUIET_AFTER_ROTATION: Duration = Duration::from_secs(60);

/// Where copying of a file without a position begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At its first byte: it is new, or the entry says so.
    Start,
    /// At the end that it has now.
    End,
    /// At this byte, or at its end when it is shorter (the agent's own log: the size it had when the agent started).
    At(Offset),
}

/// One path of one worker.
#[derive(Debug)]
pub struct Watched {
    /// The path.
    pub path: PathBuf,
    /// The worker that its lines are sent to.
    pub worker: WorkerId,
    /// Whether it is to be let go once everything is read and settled.
    pub withdrawn: bool,
    log: Arc<LogDescription>,
    current: Option<Follower>,
    older: VecDeque<Older>,
    begin: Begin,
    gone_since: Option<Instant>,
    active_until: Option<Instant>,
    due: Option<Instant>,
    trouble: Option<String>,
    /// Positions of an earlier run whose file could not be looked for yet. Until that works nothing is read here: the
    /// file might be taken for a new one and sent again.
    unresolved: Vec<Position>,
}

#[derive(Debug)]
struct Older {
    follower: Follower,
    quiet_since: Instant,
}

/// What the watched path needs from its surroundings.
pub struct Surroundings<'a> {
    /// Opens and closes accounts.
    pub ledger: &'a Ledger,
    /// Positions of the run before.
    pub checkpoint: &'a Checkpoint,
    /// Limits and delays.
    pub plan: &'a TailPlan,
    /// The agent log.
    pub logger: &'a Logger,
    /// Now.
    pub now: Instant,
}

impl Watched {
    /// Watches `path`; a file that stands there without a position begins at `begin`.
    pub fn new(path: PathBuf, worker: WorkerId, log: Arc<LogDescription>, begin: Begin) -> Self {
        Self {
            path,
            worker,
            withdrawn: false,
            log,
            current: None,
            older: VecDeque::new(),
            begin,
            gone_since: None,
            active_until: None,
            due: None,
            trouble: None,
            unresolved: Vec::new(),
        }
    }

    /// What keeps the file from being read, for `status`.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Takes up again what the positions of an earlier run say about this path: the file that stands there now, and
    /// generations that were renamed within its directory meanwhile.
    pub fn resume(&mut self, positions: Vec<Position>, around: &Surroundings<'_>) {
        // A path that was followed: whatever else stands there now is a new generation, read from its first byte.
        self.begin = Begin::Start;
        for position in positions {
            match position.find() {
                Ok(found) => {
                    around.checkpoint.forget(&position);
                    self.resume_found(found, position, around);
                }
                Err(error) => {
                    let trouble = format!(
                        "the file that was followed up to byte {} cannot be looked for: {error}",
                        position.settled
                    );
                    self.note_trouble(trouble, around);
                    self.unresolved.push(position);
                }
            }
        }
        if self.current.is_none() {
            self.follow_unseen(around);
        }
    }

    /// After a rotation: takes up the generations that came and went since the last one that was seen, so that two
    /// rotations between two looks lose nothing.
    fn follow_unseen(&mut self, around: &Surroundings<'_>) {
        let newest = self.older.iter().filter_map(|older| older.follower.created()).max();
        let Some(newest) = newest else { return };
        let found = unseen::rotated_since(&self.path, newest).unwrap_or_else(|error| {
            around.logger.warn(format_args!("{}: cannot look for rotated files: {error}", self.path.display()));
            Vec::new()
        });
        for (path, metadata) in found {
            if self.older.iter().any(|older| older.follower.is(&metadata)) {
                continue;
            }
            let opened = follower::open(&path).and_then(|(file, metadata)| {
                let identity = Identity::of(&file, &metadata)?;
                Ok((file, metadata, identity))
            });
            match opened {
                Ok((file, metadata, identity)) => {
                    around.logger.info(format_args!(
                        "{}: also copying {}, which was rotated away before it was seen",
                        self.path.display(),
                        path.display()
                    ));
                    let follower = self.follow(file, &metadata, identity, Offset(0), around);
                    self.older.push_back(Older { follower, quiet_since: around.now });
                }
                Err(error) => around.logger.warn(format_args!("{}: cannot be copied: {error}", path.display())),
            }
        }
    }

    fn resume_found(
        &mut self,
        found: Option<(File, Metadata, PathBuf)>,
        position: Position,
        around: &Surroundings<'_>,
    ) {
        match found {
            Some((file, metadata, found)) => {
                let moved_to = (found != self.path).then_some(found);
                self.resume_file(file, &metadata, position, moved_to.as_deref(), around);
            }
            None => around.logger.warn(format_args!(
                "{}: the file that was followed up to byte {} is not there any more (inode {}); what it held beyond \
                 that is lost",
                self.path.display(),
                position.settled,
                position.identity.inode
            )),
        }
    }

    fn resume_file(
        &mut self,
        file: File,
        metadata: &Metadata,
        position: Position,
        moved_to: Option<&Path>,
        around: &Surroundings<'_>,
    ) {
        let settled = Offset(position.settled.0.min(metadata.len()));
        let (worker, path) = (self.worker.clone(), self.path.clone());
        let account = around.ledger.open(worker, path, position.identity, position.sequence, settled);
        let mut follower = Follower::new(account, Arc::clone(&self.log), file, metadata.len());
        self.skip_excess(&mut follower, around.plan.max_existing_log_offset_size, around);
        if let Some(moved_to) = moved_to {
            around.logger.info(format_args!(
                "{}: was renamed to {} while the agent was down; going on there at byte {settled}",
                self.path.display(),
                moved_to.display()
            ));
            self.older.push_back(Older { follower, quiet_since: around.now });
        } else {
            self.current = Some(follower);
        }
    }

    /// Looks at the path and at the open files. True when there is something to read.
    pub fn check(&mut self, around: &Surroundings<'_>) -> bool {
        if self.due.is_some_and(|due| around.now < due) {
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
        match self.current.as_mut().map(|current| current.look(around.now, around.plan)) {
            None | Some(Growth::None) => {}
            Some(Growth::Readable) => readable = true,
            Some(Growth::Truncated) => {
                self.replace_truncated(around);
                readable = true;
            }
        }
        self.set_due(readable, around.now);
        readable
    }

    /// Active files are looked at ten times a second, quiet ones less often.
    fn set_due(&mut self, readable: bool, now: Instant) {
        if readable {
            self.active_until = Some(now + Duration::from_secs(10));
            self.due = None;
        } else {
            let active = self.active_until.is_some_and(|until| now < until);
            self.due = Some(now + Duration::from_millis(if active { 90 } else { 400 }));
        }
    }

    /// Compares what stands at the path with what is open.
    fn check_path(&mut self, around: &Surroundings<'_>) {
        match fs::metadata(&self.path) {
            Ok(metadata) if self.current.as_ref().is_some_and(|current| current.is(&metadata)) => {
                self.gone_since = None;
            }
            Ok(metadata) if metadata.is_file() => self.open_new(around),
            Ok(_) => self.note_trouble("is not a regular file".to_owned(), around),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.trouble = None;
                // Whatever appears here from now on is new.
                self.begin = Begin::Start;
                if self.current.is_some() {
                    self.gone_since.get_or_insert(around.now);
                }
                self.let_deleted_go(around);
            }
            Err(error) => self.note_trouble(error.to_string(), around),
        }
    }

    fn open_new(&mut self, around: &Surroundings<'_>) {
        if self.withdrawn && self.current.is_some() {
            return;
        }
        let opened = follower::open(&self.path).and_then(|(file, metadata)| {
            let identity = Identity::of(&file, &metadata)?;
            Ok((file, metadata, identity))
        });
        let (file, metadata, identity) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.note_trouble(error.to_string(), around),
        };
        self.trouble = None;
        self.gone_since = None;
        if let Some(follower) = self.current.take() {
            let truncated = follower.has_ended();
            self.older.push_back(Older { follower, quiet_since: around.now });
            if !truncated {
                self.follow_unseen(around);
            }
        }
        let begin = match self.begin {
            Begin::Start => Offset(0),
            Begin::End => Offset(metadata.len()),
            Begin::At(offset) => Offset(offset.0.min(metadata.len())),
        };
        self.begin = Begin::Start;
        let mut follower = self.follow(file, &metadata, identity, begin, around);
        self.skip_excess(&mut follower, around.plan.max_log_offset_size, around);
        self.current = Some(follower);
    }

    fn follow(
        &self,
        file: File,
        metadata: &Metadata,
        identity: Identity,
        begin: Offset,
        around: &Surroundings<'_>,
    ) -> Follower {
        let sequence = Sequence { id: Uuid::new_v4().to_string(), begin };
        let account = around.ledger.open(self.worker.clone(), self.path.clone(), identity, sequence, begin);
        Follower::new(account, Arc::clone(&self.log), file, metadata.len())
    }

    fn skip_excess(&self, follower: &mut Follower, limit: u64, around: &Surroundings<'_>) {
        match follower.skip_excess(limit, around.plan.max_line_size) {
            Ok(0) => {}
            Ok(bytes) => around.logger.warn(format_args!(
                "{}: skipped {bytes} bytes, because more than {limit} bytes were unread \
                 (max_log_offset_size, max_existing_log_offset_size)",
                self.path.display()
            )),
            Err(error) => {
                around.logger.warn(format_args!("{}: cannot be read: {error}", self.path.display()));
            }
        }
    }

    /// The same file, smaller than it was: what was not read is lost, and it is a new generation from its first byte.
    fn replace_truncated(&mut self, around: &Surroundings<'_>) {
        let Some(mut follower) = self.current.take() else { return };
        let lost = follower.end_truncated();
        around.logger.warn(format_args!(
            "{}: was truncated; {lost} bytes that had not been read are lost, going on at its beginning",
            self.path.display()
        ));
        self.older.push_back(Older { follower, quiet_since: around.now });
        self.open_new(around);
    }

    /// Looks at the older generations; closes those that are read, settled and quiet.
    fn check_older(&mut self, around: &Surroundings<'_>) -> bool {
        let mut readable = false;
        let heir = self.current.as_ref().map(|current| Arc::clone(&current.account));
        self.older.retain_mut(|older| {
            match older.follower.look(around.now, around.plan) {
                Growth::Readable => {
                    readable = true;
                    older.quiet_since = around.now;
                }
                Growth::None => {}
                Growth::Truncated => {
                    let lost = older.follower.end_truncated();
                    readable |= lost > 0;
                }
            }
            let quiet_for = around.now.saturating_duration_since(older.quiet_since);
            let quiet = older.follower.has_ended() || quiet_for >= QUIET_AFTER_ROTATION;
            let done = quiet && older.follower.is_settled();
            if done {
                around.ledger.close(older.follower.account.id, heir.as_deref());
            }
            !done
        });
        readable
    }

    /// A deleted file is kept open for `log_deletion_delay`, then closed once everything is read and settled.
    fn let_deleted_go(&mut self, around: &Surroundings<'_>) {
        let Some(since) = self.gone_since else { return };
        let over = around.now.saturating_duration_since(since) >= around.plan.log_deletion_delay;
        if over && self.current.as_ref().is_some_and(Follower::is_settled) {
            if let Some(current) = self.current.take() {
                around.ledger.close(current.account.id, None);
            }
            self.gone_since = None;
        }
    }

    fn note_trouble(&mut self, trouble: String, around: &Surroundings<'_>) {
        if self.trouble.as_ref() != Some(&trouble) {
            around
                .logger
                .warn(format_args!("{}: cannot be copied: {trouble}; it will be tried again", self.path.display()));
        }
        self.trouble = Some(trouble);
        self.due = Some(around.now + Duration::from_secs(1));
    }

    /// Takes note that a file could not be read; it is tried again.
    pub fn note_read_error(&mut self, error: &io::Error, around: &Surroundings<'_>) {
        self.note_trouble(error.to_string(), around);
    }

    /// Makes the next check look at the file, however quiet it was.
    pub fn look_soon(&mut self) {
        self.due = None;
    }

    /// The generation to read next: the oldest one first, so that lines stay in order.
    pub fn next_readable(&mut self, around: &Surroundings<'_>) -> Option<&mut Follower> {
        let older = self.older.iter_mut().map(|older| &mut older.follower);
        older
            .chain(self.current.as_mut())
            .find_map(|follower| (follower.look(around.now, around.plan) == Growth::Readable).then_some(follower))
    }

    /// Whether everything that was seen is handed on and settled.
    pub fn is_settled(&self) -> bool {
        self.older.iter().map(|older| &older.follower).chain(&self.current).all(Follower::is_settled)
    }

    /// Closes what is open, for a path that is watched no more.
    pub fn close(&mut self, ledger: &Ledger) {
        let older = std::mem::take(&mut self.older).into_iter().map(|older| older.follower);
        for follower in older.chain(self.current.take()) {
            ledger.close(follower.account.id, None);
        }
    }

    /// How many files are open.
    pub fn open_files(&self) -> usize {
        self.older.len() + usize::from(self.current.is_some())
    }
}
