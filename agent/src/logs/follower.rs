//! One generation of a file: an open descriptor, read from its position to its end.

mod behind;
mod skips;
mod unfinished;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::Clock;

use self::skips::Skips;
use self::unfinished::Unfinished;
use super::batch::{Batch, LogDescription};
use super::copying::Copying;
use super::lines::{Lines, Taken, Window};
use crate::config::plan::TailPlan;
use crate::ledger::{Account, Identity, Offset, Segment, SkipReason, Verdict};

/// Follows one generation of a file.
#[derive(Debug)]
pub struct Follower {
    /// Its account in the ledger.
    pub account: Arc<Account>,
    log: Arc<LogDescription>,
    lines: Lines,
    file: File,
    inode: (u64, u64),
    /// Everything before was handed on: where the account is [read](Account::read) to.
    position: Offset,
    /// The largest size that was seen; less than that means that the file was truncated.
    size: u64,
    skips: Skips,
    /// The unfinished line at `position`: since when it waits for its end, and the size at which it was looked at.
    unfinished: Option<Unfinished>,
    /// Whether the hashed head may still grow.
    young: bool,
    /// The file was truncated (what it holds now belongs to the next generation) or given up: nothing of it can be read
    /// any more.
    ended: Option<SkipReason>,
    /// Reads that failed.
    failures: u32,
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

/// Opens a file for following: without blocking on a FIFO that took the place of a regular file meanwhile.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, metadata))
}

/// Opens a file for following, with its identity.
///
/// # Errors
/// When it cannot be opened or read, or is no regular file.
pub fn open_identified(path: &Path) -> io::Result<(File, Metadata, Identity)> {
    let (file, metadata) = open(path)?;
    let identity = Identity::of(&file, &metadata)?;
    Ok((file, metadata, identity))
}

impl Follower {
    /// Follows `file` from where its account stands.
    pub fn new(account: Arc<Account>, copying: &Copying, file: File, metadata: &Metadata) -> Self {
        let (size, inode) = (metadata.len(), (metadata.dev(), metadata.ino()));
        let position = account.read();
        let young = account.identity().is_young();
        let lines = Lines::new(Arc::clone(&copying.lines), &account.sequence.id);
        Self {
            account,
            log: Arc::clone(&copying.log),
            lines,
            file,
            inode,
            position,
            size,
            skips: Skips::default(),
            unfinished: None,
            young,
            ended: None,
            failures: 0,
        }
    }

    /// Ends this generation: what was seen and not read is given up. Returns how many bytes that are.
    pub fn end(&mut self, why: SkipReason) -> u64 {
        self.ended = Some(why);
        self.pass_over(Offset(self.size), why)
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
        let bytes = self.skips.add(self.position, end, why);
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
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
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
        if self.skips.here(self.position).is_some() {
            return Growth::Readable;
        }
        if self.ended.is_some() {
            return Growth::None;
        }
        let size = self.file.metadata().map_or(self.size, |metadata| metadata.len());
        // Smaller, or rewritten and longer than before already.
        if size < self.size || (size > self.size && !self.head_stands()) {
            return Growth::Truncated;
        }
        self.size = size;
        if size == self.position.0 {
            return Growth::None;
        }
        match &mut self.unfinished {
            Some(unfinished) if unfinished.at == self.position && unfinished.size == size => {
                if unfinished.check(now, wait) { Growth::Readable } else { Growth::None }
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
        self.log = Arc::clone(&copying.log);
        self.lines = Lines::new(Arc::clone(&copying.lines), &self.account.sequence.id);
    }

    /// How many bytes of the file were not handed on.
    pub fn unread(&self) -> u64 {
        let size = self.file.metadata().map_or(self.size, |metadata| metadata.len());
        size.saturating_sub(self.account.read().0)
    }

    /// Whether every byte that was handed on has its outcome, however much was not.
    pub fn is_acknowledged(&self) -> bool {
        self.account.settled() >= self.account.read()
    }

    /// Whether everything was handed on, and every byte has its outcome.
    pub fn is_settled(&self) -> bool {
        self.is_at_end() && self.account.settled() >= self.position
    }

    /// Reads the next batch into `arena`, or gives the arena back when there is no complete line and the unfinished
    /// one may still wait.
    ///
    /// # Errors
    /// When the file cannot be read; nothing is handed on then.
    pub fn read(&mut self, mut arena: Vec<u8>, plan: &TailPlan, clock: &Clock) -> io::Result<Result<Batch, Vec<u8>>> {
        arena.clear();
        self.skips.settle(self.account.settled());
        let (mut at, mut segments) = (self.position, Vec::with_capacity(2));
        while let Some(skip) = self.skips.here(at) {
            at = skip.end;
            segments.push(Segment { end: at, lines: 0, verdict: Verdict::Skipped(skip.why) });
        }
        let wanted = if self.ended.is_some() { 0 } else { self.lines.window_bytes(plan) as u64 };
        // Read again up to what was passed over: whatever stands before it was a whole event then.
        let border = self.skips.next(at).map(|skip| skip.from.since(at)).filter(|border| *border <= wanted);
        let wanted = border.unwrap_or(wanted);
        self.file.seek(SeekFrom::Start(at.0))?;
        (&self.file).take(wanted).read_to_end(&mut arena)?;
        self.note_head()?;
        let (now, time, read) = (clock.monotonic(), clock.now(), arena.len());
        let reached_end = (read as u64) < wanted;
        let at_border = border.is_some() && !reached_end;
        let mut window = Window { at, flush: at_border, now: time };
        let mut taken = self.lines.take(&mut arena, window, plan);
        if taken.bytes == 0 && reached_end && self.unfinished_is_due(at) {
            arena.truncate(read);
            window.flush = true;
            taken = self.lines.take(&mut arena, window, plan);
        }
        let Taken { bytes, events, segments: taken, told } = taken;
        self.unfinished = Unfinished::noted(self.unfinished.as_ref(), at.plus(bytes as u64), read - bytes, now);
        if bytes == 0 && segments.is_empty() {
            return Ok(Err(arena));
        }
        self.position = at.plus(bytes as u64);
        segments.extend(taken);
        self.account.note_rules(told);
        let (account, log) = (self.account.hand_on(self.position), Arc::clone(&self.log));
        Ok(Ok(Batch { account, log, time, arena, events, segments }))
    }

    /// Whether what stands at the position has waited long enough for its end.
    fn unfinished_is_due(&self, at: Offset) -> bool {
        self.unfinished.as_ref().is_some_and(|unfinished| unfinished.at == at && unfinished.due)
    }

    /// Whether the file still begins with the bytes that it is recognised by.
    fn head_stands(&self) -> bool {
        let identity = self.account.identity();
        // What cannot be read now shows when the lines are read.
        self.file.metadata().and_then(|metadata| identity.is(&self.file, &metadata)).unwrap_or(true)
    }

    /// Where reading stands, and the largest size that was seen.
    pub fn progress(&self) -> (Offset, u64) {
        (self.position, self.size)
    }

    /// Hashes a longer head once a young file has grown, so that it is recognised more surely after a restart.
    fn note_head(&mut self) -> io::Result<()> {
        if self.young && self.ended.is_none() && self.size > self.account.identity().head_length {
            let identity = Identity::of(&self.file, &self.file.metadata()?)?;
            self.young = identity.is_young();
            self.account.set_identity(identity);
        }
        Ok(())
    }
}
