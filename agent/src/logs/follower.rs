//! One generation of a file: an open descriptor, read from its position to its end.

mod anchor;
mod behind;
mod packed;
mod resting;
mod skips;
mod source;
mod unfinished;

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::Clock;

use self::anchor::Anchor;
use self::behind::{Behind, Passed};
pub use self::packed::{Packed, content_changed};
pub use self::resting::Shape;
pub use self::skips::Limit;
use self::skips::Skips;
use self::source::Seen;
pub use self::source::{Source, open, open_identified, read_at};
use self::unfinished::Unfinished;
use super::batch::{Batch, Blank, LogDescription};
use super::copying::Copying;
use super::lines::{Lines, Taken, Window};
use crate::config::plan::TailPlan;
use crate::ledger::{Account, Identity, Offset, SkipReason};

/// The head of a file that changes all the time is compared this often at most; what stands before the position is
/// compared with each read.
const VERIFIED_FOR: Duration = Duration::from_secs(30);

/// Follows one generation of a file.
#[derive(Debug)]
pub struct Follower {
    /// Its account in the ledger.
    pub account: Arc<Account>,
    origin: Arc<str>,
    log: Arc<LogDescription>,
    lines: Lines,
    /// `None` while its descriptor is closed.
    source: Option<Source>,
    inode: (u64, u64),
    /// Everything before was handed on: where the account is [read](Account::read) to.
    position: Offset,
    /// The largest size that was seen; less than that means that the file was truncated.
    size: u64,
    /// Up to there what was seen belongs to this generation for sure. What lies behind may be what was written after a
    /// truncation that was not noticed yet.
    sound: u64,
    /// When the file was last changed, as far as that was looked into.
    modified: (i64, i64),
    anchor: Anchor,
    holes: Holes,
    skips: Skips,
    /// The unfinished line at `position`: since when it waits for its end, and the size at which it was looked at.
    unfinished: Option<Unfinished>,
    /// Whether the hashed head may still grow.
    young: bool,
    /// The file was truncated (what it holds now belongs to the next generation) or given up: nothing of it can be read
    /// any more.
    ended: Option<SkipReason>,
    /// Other bytes stand where its own were read.
    rewritten: bool,
    /// When the head was last compared.
    verified: Option<Instant>,
    /// Reads that failed.
    failures: u32,
    behind: Behind,
}

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewound {
    /// Bytes that are read again.
    pub bytes: u64,
    /// Bytes that cannot be read again, because the file was truncated since.
    pub lost: u64,
}

impl Rewound {
    /// Adds what was taken back of another file.
    pub fn merge(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.lost += other.lost;
    }
}

/// Whether zeros at the position are a hole, which is passed over, or data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holes {
    /// They are data.
    None,
    /// As the file system says.
    Real,
    /// All of them are a hole, until the first other byte.
    Any,
}

/// What a look at the size said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Nothing to read.
    None,
    /// There is something to read, or an unfinished line whose time has come.
    Readable,
    /// The file is smaller than it was.
    Truncated,
}

impl Follower {
    /// Follows `file` from where its account stands.
    pub fn new(account: Arc<Account>, copying: &Copying, source: impl Into<Source>, metadata: &Metadata) -> Self {
        let (source, inode) = (source.into(), (metadata.dev(), metadata.ino()));
        let Seen { size, modified } = source.seen().unwrap_or(Seen::of(metadata));
        let position = account.read();
        account.note_entry(&copying.origin);
        let young = account.identity().is_young();
        let lines = Lines::new(Arc::clone(&copying.lines), &account.sequence.id);
        Self {
            account,
            origin: Arc::clone(&copying.origin),
            log: Arc::clone(&copying.log),
            lines,
            source: Some(source),
            inode,
            position,
            size,
            sound: size,
            modified,
            anchor: Anchor::new(position),
            holes: Holes::Real,
            skips: Skips::default(),
            unfinished: None,
            young,
            ended: None,
            rewritten: false,
            verified: None,
            failures: 0,
            behind: Behind::new(position),
        }
    }

    /// Ends this generation: what was seen and not read is given up. Returns how many bytes that are.
    pub fn end(&mut self, why: SkipReason) -> u64 {
        self.ended = Some(why);
        self.pass_over(Offset(self.size), why)
    }

    /// Goes on in a copy that holds what was read: what is unread, and what is taken back later, is read there. What was
    /// seen behind the end of the copy is given up. Returns how many bytes that are.
    pub fn go_on_in_copy(&mut self, file: File, metadata: &Metadata) -> io::Result<u64> {
        let identity = Identity::of(&file, metadata)?;
        let Seen { size, modified } = Seen::of(metadata);
        let lost = self.pass_over_from(Offset(size), Offset(self.size), SkipReason::Truncated);
        self.source = Some(Source::Plain(file));
        self.inode = (metadata.dev(), metadata.ino());
        (self.size, self.sound, self.modified, self.rewritten) = (size, size, modified, false);
        self.young = identity.is_young();
        self.account.set_identity(identity);
        Ok(lost)
    }

    fn pass_over_from(&mut self, from: Offset, end: Offset, why: SkipReason) -> u64 {
        let from = from.max(self.position).max(self.skips.end().unwrap_or_default());
        self.skips.insert(from, end, why);
        end.since(from)
    }

    /// What it begins with may be a hole: its writer goes on where the file ended before it was truncated.
    pub fn expect_hole(&mut self) {
        self.holes = Holes::Any;
    }

    /// Goes back to where everything is settled: what was handed on and is pending is taken back, and read again.
    pub fn rewind(&mut self) -> Rewound {
        let bytes = self.account.rewind();
        self.position = self.account.read();
        self.unfinished = None;
        let lost = self.ended.map_or(0, |why| self.skips.fill(self.position, Offset(self.size), why));
        Rewound { bytes: bytes.saturating_sub(lost), lost }
    }

    /// The next account of this file, for another worker.
    pub fn go_on_as(&mut self, account: Arc<Account>) {
        self.position = account.read();
        self.account = account;
    }

    /// Counts one more failed read.
    pub fn count_failure(&mut self) -> u32 {
        self.failures += 1;
        self.failures
    }

    /// Passes over everything up to `end`, behind what is read or passed over already.
    fn pass_over(&mut self, end: Offset, why: SkipReason) -> u64 {
        let bytes = self.skips.add(self.position, end, why, None);
        if bytes > 0 {
            self.unfinished = None;
        }
        bytes
    }

    /// Whether `metadata` is that of the file which is open here.
    pub fn is(&self, metadata: &Metadata) -> bool {
        self.inode == (metadata.dev(), metadata.ino())
    }

    /// Whether the file still has a name.
    pub fn has_name(&self) -> bool {
        self.source.as_ref().is_some_and(Source::has_name)
    }

    /// Device and inode.
    pub fn inode(&self) -> (u64, u64) {
        self.inode
    }

    /// Whether this generation came to its end: what the file holds now is not its own.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Looks at the size of the open file, whatever its name is now, and says what is to be done. The end
    /// of an unfinished line is waited for `wait` long.
    pub fn look(&mut self, now: Instant, wait: Duration) -> Growth {
        let passes_over = if self.skips.here(self.position).is_some() { Growth::Readable } else { Growth::None };
        let Some(source) = self.source.as_ref().filter(|_| self.ended.is_none()) else { return passes_over };
        let Seen { size, modified } = source.seen().unwrap_or(Seen { size: self.size, modified: self.modified });
        if size < self.size || self.rewritten {
            return Growth::Truncated;
        }
        if modified != self.modified {
            let verified = self.verified.is_some_and(|at| now.saturating_duration_since(at) < VERIFIED_FOR);
            // Growth is verified when it is read, or grows on unread: by what stands before the position. A change without
            // growth, and a file that was not looked into for long, also by its head.
            if size == self.size || !verified {
                self.verified = Some(now);
                if !self.stands() {
                    return self.is_other();
                }
                self.sound = size;
            } else if self.size > self.position.0 {
                if !self.stands_here() {
                    return self.is_other();
                }
                self.sound = size;
            }
            self.modified = modified;
        }
        self.size = size;
        // Long before it is read, where the server is slow: by its head a copy of it is recognised.
        _ = self.note_head();
        self.account.note_look(Offset(size), now);
        if size <= self.position.0 || passes_over == Growth::Readable {
            return passes_over;
        }
        match &mut self.unfinished {
            // One that keeps growing is waited for no longer than one that does not.
            Some(unfinished) if unfinished.at == self.position => {
                if unfinished.check(now, wait) || unfinished.size != size { Growth::Readable } else { Growth::None }
            }
            _ => Growth::Readable,
        }
    }

    /// Whether everything that was seen is handed on.
    pub fn is_at_end(&self) -> bool {
        self.position.0 >= self.size && self.skips.next(self.position).is_none()
    }

    /// How it is copied from its next batch on.
    pub fn copy_as(&mut self, copying: &Copying) {
        self.origin = Arc::clone(&copying.origin);
        self.account.note_entry(&copying.origin);
        self.log = Arc::clone(&copying.log);
        let lines = Lines::new(Arc::clone(&copying.lines), &self.account.sequence.id);
        std::mem::replace(&mut self.lines, lines).hand_over(&mut self.lines);
        // It may be complete for the new rules.
        self.unfinished = None;
    }

    /// How many bytes of the file were not handed on.
    pub fn unread(&self) -> u64 {
        let seen = self.source.as_ref().and_then(|source| source.seen().ok());
        seen.map_or(self.size, |seen| seen.size).saturating_sub(self.account.read().0)
    }

    /// Whether every byte that was handed on has its outcome, however much was not.
    pub fn is_acknowledged(&self) -> bool {
        self.account.settled() >= self.account.read()
    }

    /// Whether everything was handed on, and every byte has its outcome.
    pub fn is_settled(&self) -> bool {
        self.is_at_end() && self.account.settled() >= self.position
    }

    /// Reads the next batch into the memory of an earlier one, or gives that back when there is no complete line and the
    /// unfinished one may still wait.
    ///
    /// # Errors
    /// When the file cannot be read; nothing is handed on then.
    pub fn read(&mut self, mut blank: Blank, plan: &TailPlan, clock: &Clock) -> io::Result<Result<Batch, Blank>> {
        blank.arena.clear();
        self.skips.settle(self.account.settled());
        let (mut at, mut passed) = (self.position, Passed::default());
        while let Some(skip) = self.skips.here(at) {
            passed.add(at, skip);
            at = skip.end;
        }
        let wanted = if self.ended.is_some() { 0 } else { self.lines.window_bytes(plan) as u64 };
        // Read again up to what was passed over: whatever stands before it was a whole event then.
        let border = self.skips.next(at).map(|skip| skip.from.since(at)).filter(|border| *border <= wanted);
        let wanted = border.unwrap_or(wanted);
        if wanted > 0 && !self.fill(&mut blank.arena, at, wanted)? {
            self.is_other();
            return Ok(Err(blank));
        }
        if let Some(data) = self.hole_at(at, &blank.arena) {
            // Nothing but a hole: passed over at the next read.
            self.skips.insert(at, data, SkipReason::Repeated);
            return Ok(Err(blank));
        }
        self.note_head()?;
        let (now, time, read) = (clock.monotonic(), clock.now(), blank.arena.len());
        let reached_end = (read as u64) < wanted;
        let at_border = border.is_some() && !reached_end;
        let mut window = Window { at, flush: at_border, now: time };
        let elapsed = || clock.monotonic().saturating_duration_since(now);
        let mut taken = self.lines.take_in_time(&mut blank, window, plan, &elapsed);
        if taken.bytes == 0 && reached_end && self.unfinished_is_due(at) {
            blank.arena.truncate(read);
            taken.give_back(&mut blank);
            window.flush = true;
            taken = self.lines.take_in_time(&mut blank, window, plan, &elapsed);
        }
        let Taken { bytes, told, was_stopped, .. } = taken;
        taken.give_back(&mut blank);
        // What was only left for the next read is not waited for.
        let waiting = if was_stopped { 0 } else { read - bytes };
        self.unfinished = Unfinished::noted(self.unfinished.as_ref(), at.plus(bytes as u64), waiting, now);
        if bytes == 0 && passed.is_empty() {
            return Ok(Err(blank));
        }
        passed.mark(&mut blank);
        let Blank { arena, events, segments } = blank;
        self.position = at.plus(bytes as u64);
        self.anchor.advance(at, &arena[..bytes]);
        if bytes > 0 {
            self.holes = Holes::None;
        }
        self.account.note_rules(&self.origin, told);
        let (account, log) = (self.account.hand_on(self.position), Arc::clone(&self.log));
        Ok(Ok(Batch { account, log, time, arena, events, segments }))
    }

    /// Whether what stands at the position has waited long enough for its end.
    fn unfinished_is_due(&self, at: Offset) -> bool {
        self.unfinished.as_ref().is_some_and(|unfinished| unfinished.at == at && unfinished.due)
    }

    /// Whether the file still begins with the bytes that it is recognised by, and what was read last stands where it was
    /// read.
    fn stands(&self) -> bool {
        let Some(source) = &self.source else { return true };
        source.has_head(&self.account.identity())
            && source.stands_before(self.anchor.before(self.position), self.position)
    }

    /// The same, as quickly as it can be told.
    fn stands_here(&self) -> bool {
        let anchor = self.anchor.before(self.position);
        match &self.source {
            Some(source) if !anchor.is_empty() => source.stands_before(anchor, self.position),
            _ => self.stands(),
        }
    }

    /// Takes note that other bytes stand in the file than those that were read.
    fn is_other(&mut self) -> Growth {
        self.rewritten = true;
        self.size = self.sound.max(self.position.0).min(self.size);
        Growth::Truncated
    }

    /// Reads what stands at `at`. False when other bytes than before stand in front of it.
    fn fill(&mut self, arena: &mut Vec<u8>, at: Offset, wanted: u64) -> io::Result<bool> {
        let Some(source) = &mut self.source else { return Ok(true) };
        let anchor = self.anchor.before(at);
        if let Source::Packed(packed) = source {
            packed.read(arena, at, usize::try_from(wanted).unwrap_or(usize::MAX))?;
            self.size = packed.size();
            if let Some((end, error)) = packed.take_damage() {
                self.skips.insert(end, Offset(self.size), SkipReason::Unreadable);
                return Err(error);
            }
            return Ok(true);
        }
        let available = wanted.min(self.size.saturating_sub(at.0));
        source.read(arena, at, usize::try_from(available).unwrap_or(usize::MAX))?;
        if !anchor.is_empty() {
            // Afterwards: what was read before a truncation that comes now is still the file's own.
            if !source.stands_before(anchor, at) {
                arena.clear();
                return Ok(false);
            }
            self.sound = self.size;
        }
        if at == Offset(0) {
            let identity = self.account.identity();
            let head = arena.get(..usize::try_from(identity.head_length).unwrap_or(usize::MAX));
            return Ok(head.is_none_or(|head| identity.is_head(head)));
        }
        Ok(true)
    }

    /// Where the data begins, if what was read at `at` is a hole, which a writer leaves that goes on at its old place in
    /// a truncated file.
    fn hole_at(&mut self, at: Offset, arena: &[u8]) -> Option<Offset> {
        if self.holes == Holes::None || arena.first() != Some(&0) {
            return None;
        }
        let data = self.source.as_ref().map_or(at, |source| source.data_from(at));
        if data == at && self.holes == Holes::Real {
            return None;
        }
        // The block where the data begins is filled up with zeros before it.
        self.holes = Holes::Any;
        let zeros = arena.iter().position(|byte| *byte != 0).unwrap_or(arena.len());
        Some(data.max(at.plus(zeros as u64)))
    }

    /// Where reading stands, and the largest size that was seen.
    pub fn progress(&self) -> (Offset, u64) {
        (self.position, self.size)
    }

    /// Hashes a longer head once a young file has grown, so that it is recognised more surely after a restart.
    fn note_head(&mut self) -> io::Result<()> {
        if self.young && self.ended.is_none() && self.size > self.account.identity().head_length {
            let Some(Source::Plain(file)) = &self.source else { return Ok(()) };
            let identity = Identity::of(file, &file.metadata()?)?;
            let metadata = file.metadata()?;
            // Truncated since its size was looked at: this may be the head of the next generation.
            if metadata.len() < self.size || identity.head_length < self.account.identity().head_length {
                return Ok(());
            }
            self.young = identity.is_young();
            self.account.set_identity(identity);
        }
        Ok(())
    }
}
