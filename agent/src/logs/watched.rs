//! One watched path: the generation that stands there now, and older ones that are still being read.

mod handover;
mod resume;

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::{Logger, Timestamp};
use uuid::Uuid;

use super::begin::Begin;
use super::copying::Copying;
use super::followed::{FileKey, Followed};
use super::follower::{self, Follower, Growth};
use super::handle::Withdrawal;
use super::position::Position;
use crate::checkpoint::Checkpoint;
use crate::config::plan::TailPlan;
use crate::ledger::{Account, Identity, Ledger, Offset, Sequence, SkipReason, WorkerId};

/// A renamed file is kept open until it was quiet for this long, because its writer may not have noticed yet.
const QUIET_AFTER_ROTATION: Duration = Duration::from_secs(60);

/// How long the position of a file that was let go is kept.
const KEPT: Duration = Duration::from_secs(900);
/// The end of the last line of a renamed file is waited for this long at most.
const ROTATED_LINE_WAIT: Duration = Duration::from_millis(500);
/// A renamed file that cannot be read so often, a second apart, is given up.
const READ_ATTEMPTS: u32 = 10;

/// One path of one worker.
#[derive(Debug)]
pub struct Watched {
    /// The path.
    pub path: PathBuf,
    /// The worker that its lines are sent to.
    pub worker: WorkerId,
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
    active_until: Option<Instant>,
    due: Option<Instant>,
    trouble: Option<String>,
    /// Positions of an earlier run whose file could not be looked for yet. Until that works nothing is read here: the
    /// file might be taken for a new one and sent again.
    unresolved: Vec<Position>,
    /// What stands at the path now is a renamed file that another path follows to its end.
    alias: Option<FileKey>,
    /// When the path was last seen to show the current generation; nothing was looked for yet that came after it.
    seen: Option<Timestamp>,
    /// Whether the trouble is that of reading.
    unreadable: bool,
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

impl Watched {
    /// Watches `path`; a file that stands there without a position begins at `begin`.
    pub fn new(path: PathBuf, worker: WorkerId, copying: Copying, begin: Begin) -> Self {
        Self {
            path,
            worker,
            withdrawn: None,
            withdrawn_by: None,
            moving: None,
            copying,
            current: None,
            older: VecDeque::new(),
            begin,
            gone_since: None,
            active_until: None,
            due: None,
            trouble: None,
            unresolved: Vec::new(),
            alias: None,
            seen: None,
            unreadable: false,
        }
    }

    /// What keeps the file from being read, for `status`.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Looks at the path and at the open files. True when there is something to read.
    pub fn check(&mut self, around: &Surroundings<'_>) -> bool {
        if self.due.is_some_and(|due| around.now < due) || self.withdrawn == Some(Withdrawal::AtOnce) {
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
        self.set_due(readable, around.now);
        readable
    }

    /// When something is to be done about it although nothing changes on disk: an unfinished line whose time comes, a
    /// deleted file that is let go, trouble to be tried again. `None` when it can rest until something changes.
    pub fn wake(&self) -> Option<Instant> {
        self.due
    }

    /// Active files are looked at ten times a second, quiet ones less often.
    fn set_due(&mut self, readable: bool, now: Instant) {
        if readable {
            self.active_until = Some(now + Duration::from_secs(10));
            self.due = None;
        } else {
            let active = self.active_until.is_some_and(|until| now < until);
            let next = now + Duration::from_millis(if active { 90 } else { 400 });
            // Trouble that this very look met has set a later time.
            self.due = self.due.max(Some(next));
        }
    }

    /// Compares what stands at the path with what is open.
    fn check_path(&mut self, around: &Surroundings<'_>) {
        match fs::metadata(&self.path) {
            Ok(metadata) if self.current.as_ref().is_some_and(|current| current.is(&metadata)) => {
                self.gone_since = None;
                self.seen = Some(around.wall);
            }
            Ok(metadata) if metadata.is_file() => {
                let key = (self.worker.clone(), metadata.dev(), metadata.ino());
                // An alias holds as long as its owner follows the file.
                if self.alias.as_ref() != Some(&key) || !around.followed.is_open(&key) {
                    self.set_alias(None, around);
                    self.open_new(key, around);
                }
            }
            Ok(_) => self.note_trouble("is not a regular file".to_owned(), around),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.trouble = None;
                self.set_alias(None, around);
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

    fn open_new(&mut self, key: FileKey, around: &Surroundings<'_>) {
        if self.is_withdrawn() && self.current.is_some() {
            return;
        }
        if let Some(owner) = around.followed.other_owner(&key, &self.path) {
            let still_there = fs::metadata(&owner).is_ok_and(|found| (found.dev(), found.ino()) == (key.1, key.2));
            if !still_there {
                self.retire_current(around);
                return self.set_alias(Some(key), around);
            }
            around.logger.warn(format_args!(
                "{} and {} are the same file; its lines are sent once for each name",
                owner.display(),
                self.path.display()
            ));
        }
        self.retire_current(around);
        if !around.followed.has_room() {
            let limit = around.followed.limit();
            return self
                .note_trouble(format!("{limit} files are open already (raise the limit of open files)"), around);
        }
        let (file, metadata, identity) = match follower::open_identified(&self.path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.note_trouble(error.to_string(), around),
        };
        self.trouble = None;
        self.gone_since = None;
        // Not earlier: should the file be opened at a later attempt only, nothing that came meanwhile is forgotten.
        if let Some(seen) = self.seen.take() {
            self.follow_unseen(seen, around);
        }
        if let Some(position) = self.position_of(&file, &metadata, around) {
            // It was followed before, here or under another name, and goes on where it was.
            self.resume_file(file, &metadata, position, None, around);
            return;
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

    /// The position that is left for this very file.
    fn position_of(&self, file: &File, metadata: &Metadata, around: &Surroundings<'_>) -> Option<Position> {
        let left = around.checkpoint.earlier_of_inode(&self.worker, metadata.dev(), metadata.ino());
        left.into_iter().rev().find(|position| position.identity.is(file, metadata).unwrap_or(false))
    }

    /// Makes the current generation an older one.
    fn retire_current(&mut self, around: &Surroundings<'_>) {
        let current = self.current.take();
        self.older.extend(current.map(|follower| Older { follower, quiet_since: around.now }));
    }

    fn set_alias(&mut self, alias: Option<FileKey>, around: &Surroundings<'_>) {
        if let Some(before) = self.alias.take() {
            around.followed.alias(&before, false, around.now);
        }
        if let Some(key) = &alias {
            self.trouble = None;
            self.begin = Begin::Start;
            around.followed.alias(key, true, around.now);
        }
        self.alias = alias;
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
        self.take_up(account, file, metadata, around)
    }

    fn take_up(&self, account: Arc<Account>, file: File, metadata: &Metadata, around: &Surroundings<'_>) -> Follower {
        around.followed.add((self.worker.clone(), metadata.dev(), metadata.ino()), &self.path);
        Follower::new(account, &self.copying, file, metadata)
    }

    /// Closes a generation; its totals go on in `heir`. While it has a name, its position is kept for a time.
    fn close(&self, follower: Follower, heir: Option<&Account>, around: &Surroundings<'_>) {
        if !follower.has_ended() && follower.has_name() {
            around.checkpoint.keep(Position::of(&follower.account), KEPT);
        }
        around.followed.remove(&self.key_of(&follower), &self.path);
        around.ledger.close(follower.account.id, heir);
    }

    fn key_of(&self, follower: &Follower) -> FileKey {
        let (device, inode) = follower.inode();
        (self.worker.clone(), device, inode)
    }

    /// Whether a generation of this path has the same long head, so that a file which bears it is a copy.
    fn has_head(&self, identity: &Identity) -> bool {
        !identity.is_young()
            && self.followers().map(|follower| follower.account.identity()).any(|own| own.has_head_of(identity))
    }

    fn skip_excess(&self, follower: &mut Follower, limit: Option<u64>, around: &Surroundings<'_>) {
        let Some(limit) = limit else { return };
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
        let (read_to, size) = follower.progress();
        let lost = follower.end(SkipReason::Truncated);
        let path = self.path.display();
        if lost > 0 {
            around.logger.warn(format_args!(
                "{path}: was truncated or rewritten when {read_to} of its {size} bytes had been read; {lost} bytes are \
                 lost, going on at its beginning"
            ));
        } else {
            around.logger.info(format_args!(
                "{path}: was truncated or rewritten after all {size} bytes that were seen of it had been read; going on \
                 at its beginning"
            ));
        }
        let key = self.key_of(&follower);
        self.older.push_back(Older { follower, quiet_since: around.now });
        // The file at the path is still the same one: no generation came between.
        self.seen = None;
        self.open_new(key, around);
    }

    /// Looks at the older generations; closes those that are read, settled and quiet.
    fn check_older(&mut self, around: &Surroundings<'_>) -> bool {
        let mut readable = false;
        let heir = self.current.as_ref().map(|current| Arc::clone(&current.account));
        for mut older in std::mem::take(&mut self.older) {
            match older.follower.look(around.now, rotated_wait(around)) {
                Growth::Readable => {
                    readable = true;
                    older.quiet_since = around.now;
                }
                Growth::None => {}
                Growth::Truncated => readable |= older.follower.end(SkipReason::Truncated) > 0,
            }
            let quiet_for = around.now.saturating_duration_since(older.quiet_since);
            let free = !around.followed.is_aliased(&self.key_of(&older.follower), around.now);
            // When files must wait to be opened, a renamed one that is read to its end makes room at once.
            let quiet = free && (quiet_for >= QUIET_AFTER_ROTATION || !around.followed.has_room());
            if (quiet || older.follower.has_ended()) && older.follower.is_settled() {
                self.close(older.follower, heir.as_deref(), around);
            } else {
                self.older.push_back(older);
            }
        }
        readable
    }

    /// A deleted file is kept open for `log_deletion_delay`, then closed once everything is read and settled.
    fn let_deleted_go(&mut self, around: &Surroundings<'_>) {
        let Some(since) = self.gone_since else { return };
        let over = around.now.saturating_duration_since(since) >= around.plan.log_deletion_delay;
        let free = |follower: &Follower| !around.followed.is_aliased(&self.key_of(follower), around.now);
        let over = over && self.current.as_ref().is_some_and(|current| current.is_settled() && free(current));
        if over && let Some(current) = self.current.take() {
            self.close(current, None, around);
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

    /// Makes the next check look at the file, however quiet it was.
    pub fn look_soon(&mut self) {
        self.due = None;
    }

    /// The generation to read next: the oldest one first, and none behind one whose last line may still be finished,
    /// so that lines stay in order.
    pub fn next_readable(&mut self, around: &Surroundings<'_>) -> Option<&mut Follower> {
        if self.withdrawn == Some(Withdrawal::AtOnce) {
            return None;
        }
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
        if self.withdrawn.take().is_some() {
            self.look_soon();
        }
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
        self.look_soon();
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

/// How long the end of the last line of a renamed file is waited for: its writer may be about to finish it, but the
/// next file waits meanwhile.
fn rotated_wait(around: &Surroundings<'_>) -> Duration {
    around.plan.line_completion_wait.min(ROTATED_LINE_WAIT)
}
