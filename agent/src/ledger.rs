//! What became of every source byte, per file.
//!
//! Each followed file has an account. Its bytes are settled in order, from the position where copying began: a byte
//! is accepted by the server, sampled out, dropped or skipped, and until then it is pending. Positions on disk and all
//! counters read nothing but these accounts, so for every file and at any moment
//! `read = accepted + sampled out + dropped + skipped + pending`, in source bytes.

mod lag;
mod rule_notes;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub use self::lag::Lag;
use self::lag::Sightings;
use self::rule_notes::RuleNotes;
pub use self::rule_notes::{RuleNote, RuleNotesByEntry};
use crate::logs::RuleCounts;
use crate::upload::Accepted;

/// A place in a file, in source bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The place `bytes` further on.
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// How many bytes lie between `earlier` and here; 0 when `earlier` is behind.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One followed file (one generation of a path) within this process; `log_<n>` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FileId(pub u64);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log_{}", self.0)
    }
}

/// The worker (api key and server) that a file is sent to: `default`, or an entry of `workers`.
///
/// A clone is the same text: each file has it in many places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct WorkerId(pub Arc<str>);

impl From<String> for WorkerId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl Serialize for WorkerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a file is recognised by, whatever its name: device, inode and the hash of its first bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// When it was created, in nanoseconds since the epoch, where the file system tells: an inode number that was given
    /// to another file came with another time of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<i64>,
    /// How many of the first bytes are hashed; grows with a young file up to a fixed length.
    pub head_length: u64,
    /// SHA-256 of these bytes, the first 16 hex digits.
    pub head_hash: String,
}

/// The sequence that a file's events are numbered in: `si` on the wire, and the place where its `sn` counts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// A UUID, kept over restarts.
    pub id: String,
    /// Where copying of this file began; the `sn` of an event is the distance from here to its end. A sequence that the
    /// Python agent began in an older file counts from before this one's first byte: see [`going_on`](Self::going_on).
    pub begin: Offset,
}

impl Sequence {
    /// A sequence that has come to `number` at `offset`. When it is longer than the file, `begin` lies below 0, which
    /// stands as its two's complement.
    pub fn going_on(id: String, offset: Offset, number: u64) -> Self {
        Self { id, begin: Offset(offset.0.wrapping_sub(number)) }
    }

    /// The number at `offset`; that of a place before the begin is 0.
    pub fn number(&self, offset: Offset) -> u64 {
        let distance = offset.0.wrapping_sub(self.begin.0);
        if distance > u64::MAX / 2 { 0 } else { distance }
    }

    /// The place that has this number.
    pub fn offset(&self, number: u64) -> Offset {
        Offset(self.begin.0.wrapping_add(number))
    }
}

/// Why bytes were read and not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The server asked to discard the request.
    ServerDiscarded,
    /// The event cannot be put into any request, or the server refuses even one with this event alone for its size.
    TooLarge,
    /// The server refuses even a request with this event alone, and takes others.
    Refused,
    /// Redaction left nothing of the line.
    RedactedAway,
    /// `disable_send_requests`.
    SendingDisabled,
}

/// Why bytes were never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// More unread bytes than `max_log_offset_size` or `max_existing_log_offset_size` allows.
    TooFarBehind,
    /// The file was truncated before they were read.
    Truncated,
    /// The file could not be read to its end, or had to be let go.
    Unreadable,
    /// The file was deleted, and `log_deletion_delay` passed before they were read.
    Deleted,
    /// Nothing of the file was accepted for `copy_staleness_threshold`.
    Stale,
    /// They are no data: a hole, or what a copy holds twice.
    Repeated,
}

/// As `status` shows it behind "dropped:".
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerDiscarded => "the server asked to discard them",
            Self::TooLarge => "larger than a request may be",
            Self::Refused => "refused by the server",
            Self::RedactedAway => "nothing left after redaction",
            Self::SendingDisabled => "disable_send_requests",
        })
    }
}

/// As `status` shows it behind "skipped:".
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFarBehind => "too far behind",
            Self::Truncated => "truncated before they were read",
            Self::Unreadable => "not readable",
            Self::Deleted => "deleted before they were read",
            Self::Stale => "nothing was accepted for too long",
            Self::Repeated => "copied already from another file",
        })
    }
}

/// What the tail stage has decided about a range of bytes, before the server has its say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Events were made of it; the server's answer settles it.
    Send,
    /// A sampling rule left it out.
    SampledOut,
    /// It was read and will not be sent.
    Dropped(DropReason),
    /// It was not read.
    Skipped(SkipReason),
}

/// A range of bytes with its verdict. The range begins where the one before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the range ends.
    pub end: Offset,
    /// How many events (or lines left out) it holds.
    pub lines: u64,
    /// What is to become of it.
    pub verdict: Verdict,
}

/// What finally became of a range of bytes.
#[derive(Debug)]
pub enum Outcome {
    /// The server has it; only `upload` can say so.
    Accepted(Accepted),
    /// A sampling rule left it out.
    SampledOut,
    /// It was read and not sent.
    Dropped(DropReason),
    /// It was never read.
    Skipped(SkipReason),
}

/// Bytes and lines that had the same outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Source bytes.
    pub bytes: u64,
    /// Lines (events).
    pub lines: u64,
}

impl Count {
    fn add(&mut self, bytes: u64, lines: u64) {
        self.bytes += bytes;
        self.lines += lines;
    }

    /// Adds another count.
    pub fn merge(&mut self, other: Self) {
        self.add(other.bytes, other.lines);
    }
}

/// What became of the bytes of one file, or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Read from the file or passed over, since this process began to follow it. Bytes that are to be read again, for a
    /// session that takes over from another, do not count before.
    pub read: u64,
    /// Accepted by the server.
    pub accepted: Count,
    /// Left out by sampling rules.
    pub sampled_out: Count,
    /// Read and not sent, by reason.
    pub dropped: BTreeMap<DropReason, Count>,
    /// Never read, by reason.
    pub skipped: BTreeMap<SkipReason, Count>,
    /// Read and not settled yet.
    pub pending: u64,
    /// Lines with at least one replacement.
    pub redacted_lines: u64,
    /// Lines that a rule failed at.
    pub failed_rules: u64,
    /// Lines that were not in the format that their entry says.
    pub unparsed_lines: u64,
}

impl Totals {
    /// Adds the totals of another file.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.accepted.merge(other.accepted);
        self.sampled_out.merge(other.sampled_out);
        self.pending += other.pending;
        self.redacted_lines += other.redacted_lines;
        self.failed_rules += other.failed_rules;
        self.unparsed_lines += other.unparsed_lines;
        for (reason, count) in &other.dropped {
            self.dropped.entry(*reason).or_default().merge(*count);
        }
        for (reason, count) in &other.skipped {
            self.skipped.entry(*reason).or_default().merge(*count);
        }
    }

    /// Whether every byte that was read has exactly one outcome or is pending.
    pub fn reconciles(&self) -> bool {
        let dropped: u64 = self.dropped.values().map(|count| count.bytes).sum();
        let skipped: u64 = self.skipped.values().map(|count| count.bytes).sum();
        self.read == self.accepted.bytes + self.sampled_out.bytes + dropped + skipped + self.pending
    }
}

/// The account of one followed file.
#[derive(Debug)]
pub struct Account {
    /// Its number within this process.
    pub id: FileId,
    /// The worker it is sent to.
    pub worker: WorkerId,
    /// The path it was found under.
    pub path: PathBuf,
    /// How its events are numbered.
    pub sequence: Sequence,
    rule_notes: Arc<RuleNotes>,
    changes: Arc<Changes>,
    /// Whether it stands among the moved ones.
    moved: AtomicBool,
    /// The number of the session, among those of the worker, that its lines go to.
    session: AtomicU32,
    state: Mutex<State>,
}

/// What concerns a position has changed: how often, and in which accounts since they were [taken](Ledger::take_moved).
#[derive(Debug, Default)]
struct Changes {
    count: AtomicU64,
    /// Files that were empty when they were opened, and are no more.
    begun: AtomicU64,
    /// Each account at most once.
    moved: Mutex<Vec<FileId>>,
}

#[derive(Debug)]
struct State {
    identity: Identity,
    settled: Offset,
    read: Offset,
    totals: Totals,
    /// Claims of another epoch are void.
    epoch: u64,
    sightings: Sightings,
}

/// The right to settle bytes of an account that were handed on. It becomes void when the account is
/// [rewound](Account::rewind), moved to another worker or closed: whatever a session still hears from its server then
/// settles nothing.
#[derive(Clone, Debug)]
pub struct Claim {
    account: Arc<Account>,
    epoch: u64,
}

impl Claim {
    /// Settles the bytes from where the last settlement ended up to `end`. False when the claim is void: nothing
    /// changes then.
    pub fn settle(&self, end: Offset, lines: u64, outcome: Outcome) -> bool {
        self.account.settle(self.epoch, end, lines, outcome)
    }

    /// Whether both stand and fall together: the same account, handed on between the same two rewinds.
    pub fn is_same(&self, other: &Self) -> bool {
        self.epoch == other.epoch && Arc::ptr_eq(&self.account, &other.account)
    }
}

impl Deref for Claim {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Account {
    /// Up to here every byte has its outcome; where copying goes on after a restart.
    pub fn settled(&self) -> Offset {
        self.lock().settled
    }

    /// Up to here the bytes were handed on.
    pub fn read(&self) -> Offset {
        self.lock().read
    }

    /// The number of the session that its lines go to, among those of its worker.
    pub fn session_number(&self) -> u32 {
        self.session.load(Ordering::Relaxed)
    }

    /// Its lines go to the session with this number from now on.
    pub fn note_session(&self, number: u32) {
        self.session.store(number, Ordering::Relaxed);
    }

    /// What the file is recognised by.
    pub fn identity(&self) -> Identity {
        self.lock().identity.clone()
    }

    /// Notes a longer head of a file that has grown.
    pub fn set_identity(&self, identity: Identity) {
        let mut state = self.lock();
        if state.identity != identity {
            let begins = state.identity.head_length == 0;
            state.identity = identity;
            drop(state);
            self.note_change();
            if begins {
                self.changes.begun.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// After the change itself: whoever takes the moved accounts then sees it, or finds the account among the next ones.
    fn note_change(&self) {
        if !self.moved.swap(true, Ordering::AcqRel) {
            self.changes.moved.lock().unwrap_or_else(PoisonError::into_inner).push(self.id);
        }
        self.changes.count.fetch_add(1, Ordering::Release);
    }

    /// What became of its bytes so far.
    pub fn totals(&self) -> Totals {
        let state = self.lock();
        Totals { pending: state.read.since(state.settled), ..state.totals.clone() }
    }

    /// Takes note that the file was looked at and ended at `end`.
    pub fn note_look(&self, end: Offset, now: Instant) {
        let mut state = self.lock();
        let settled = state.settled;
        state.sightings.note(end, settled, now);
    }

    /// How far the file is behind its end, as that was at the last look.
    pub fn lag(&self, now: Instant) -> Lag {
        let state = self.lock();
        state.sightings.lag(state.read, state.settled, now)
    }

    /// When the file was last looked at.
    pub fn looked(&self) -> Option<Instant> {
        self.lock().sightings.looked()
    }

    /// Counts what the line rules of an entry (where it stands in the configuration) did. What is read again after a
    /// rewind counts again.
    pub fn note_rules(&self, entry: &Arc<str>, counts: RuleCounts) {
        self.rule_notes.add(entry, &self.path, counts);
        let totals = &mut self.lock().totals;
        totals.redacted_lines += counts.redacted;
        totals.failed_rules += counts.failed;
        totals.unparsed_lines += counts.unparsed;
    }

    /// Notes that everything up to `end` was handed on and is pending now. Whoever holds the claim settles it.
    pub fn hand_on(self: &Arc<Self>, end: Offset) -> Claim {
        let mut state = self.lock();
        state.totals.read += end.since(state.read);
        state.read = state.read.max(end);
        Claim { account: Arc::clone(self), epoch: state.epoch }
    }

    /// Takes back what was handed on and is pending: it is to be read again, from [`settled`](Self::settled) on, and
    /// every claim to it is void. Returns how many bytes that are.
    pub fn rewind(&self) -> u64 {
        let mut state = self.lock();
        let bytes = state.read.since(state.settled);
        state.epoch += 1;
        state.read = state.settled;
        state.totals.read -= bytes;
        bytes
    }

    fn settle(&self, epoch: u64, end: Offset, lines: u64, outcome: Outcome) -> bool {
        let mut state = self.lock();
        if epoch != state.epoch {
            return false;
        }
        debug_assert!(end <= state.read, "settled beyond what was read");
        let bytes = end.since(state.settled);
        state.settled = state.settled.max(end);
        let totals = &mut state.totals;
        match outcome {
            Outcome::Accepted(_) => totals.accepted.add(bytes, lines),
            Outcome::SampledOut => totals.sampled_out.add(bytes, lines),
            Outcome::Dropped(reason) => totals.dropped.entry(reason).or_default().add(bytes, lines),
            Outcome::Skipped(reason) => totals.skipped.entry(reason).or_default().add(bytes, lines),
        }
        drop(state);
        self.note_change();
        true
    }

    /// What became of its bytes, for the last time: every claim is void from now on.
    fn conclude(&self) -> Totals {
        self.lock().epoch += 1;
        self.totals()
    }

    /// Takes over the totals of the generation before, which is closed now, so that counters go on over a rotation.
    fn inherit(&self, totals: &Totals) {
        self.lock().totals.merge(totals);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All accounts. Cheap to clone; clones are the same ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    open: Mutex<BTreeMap<FileId, Arc<Account>>>,
    closed: Mutex<Totals>,
    last_id: AtomicU64,
    rule_notes: Arc<RuleNotes>,
    changes: Arc<Changes>,
}

impl Accounts {
    fn account(&self, worker: WorkerId, path: PathBuf, sequence: Sequence, state: State) -> Arc<Account> {
        let id = FileId(self.last_id.fetch_add(1, Ordering::AcqRel) + 1);
        let (rule_notes, changes) = (Arc::clone(&self.rule_notes), Arc::clone(&self.changes));
        let (moved, session) = (AtomicBool::new(false), AtomicU32::new(0));
        Arc::new(Account { id, worker, path, sequence, rule_notes, changes, moved, session, state: Mutex::new(state) })
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an account for a file that is followed from `position` on: everything before is settled already, by an
    /// earlier run or as the baseline.
    pub fn open(
        &self,
        worker: WorkerId,
        path: PathBuf,
        identity: Identity,
        sequence: Sequence,
        position: Offset,
    ) -> Arc<Account> {
        let state = State {
            identity,
            settled: position,
            read: position,
            totals: Totals::default(),
            epoch: 0,
            sightings: Sightings::default(),
        };
        let account = self.0.account(worker, path, sequence, state);
        self.lock().insert(account.id, Arc::clone(&account));
        account.note_change();
        account
    }

    /// The account of the same file for another worker, which goes on where this one is settled and in the same
    /// sequence. What is pending is taken back, as by a [rewind](Account::rewind). At no moment has the file two accounts
    /// in the ledger, or none.
    pub fn move_to(&self, before: &Account, worker: WorkerId) -> Arc<Account> {
        let mut open = self.lock();
        before.rewind();
        let totals = before.conclude();
        let (identity, position) = (before.identity(), before.settled());
        let sightings = std::mem::take(&mut before.lock().sightings);
        let state = State { identity, settled: position, read: position, totals, epoch: 0, sightings };
        let account = self.0.account(worker, before.path.clone(), before.sequence.clone(), state);
        open.remove(&before.id);
        open.insert(account.id, Arc::clone(&account));
        account.note_change();
        before.note_change();
        account
    }

    /// Closes the account of a file that is followed no more and whose bytes are settled; its totals go on in `heir`,
    /// the next generation of the same path, or in the sum of all closed ones.
    pub fn close(&self, id: FileId, heir: Option<&Account>) {
        // Held until the totals have arrived, so that no snapshot finds them in neither place, or in both.
        let mut open = self.lock();
        let Some(account) = open.remove(&id) else { return };
        let totals = account.conclude();
        match heir {
            Some(heir) => heir.inherit(&totals),
            None => self.0.closed.lock().unwrap_or_else(PoisonError::into_inner).merge(&totals),
        }
        account.note_change();
    }

    /// All open accounts, and what became of the bytes of files that are followed no more.
    pub fn view(&self) -> (Vec<Arc<Account>>, Totals) {
        let open = self.lock();
        (open.values().cloned().collect(), self.0.closed.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// All open accounts, in the order in which they were opened.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.lock().values().cloned().collect()
    }

    /// What the rules of entries could not do to lines since this was called before.
    pub fn take_rule_notes(&self) -> RuleNotesByEntry {
        self.0.rule_notes.take()
    }

    /// Counts the accounts that were ever opened, and the files that were empty then and have got their first bytes: what
    /// a file is recognised by is to be on disk before its first line leaves.
    pub fn begun(&self) -> u64 {
        self.0.last_id.load(Ordering::Acquire) + self.0.changes.begun.load(Ordering::Acquire)
    }

    /// Counts every change that concerns a position; equal numbers mean that nothing moved.
    pub fn changes(&self) -> u64 {
        self.0.changes.count.load(Ordering::Acquire)
    }

    /// The accounts with a change that concerns a position since this was called before, with nothing for those that were
    /// closed meanwhile. For one taker, the checkpoint: what it takes, nobody else hears of.
    pub fn take_moved(&self) -> Vec<(FileId, Option<Arc<Account>>)> {
        let mut moved = std::mem::take(&mut *self.0.changes.moved.lock().unwrap_or_else(PoisonError::into_inner));
        moved.sort_unstable();
        let open = self.lock();
        let of = |id: FileId| {
            let account = open.get(&id).cloned();
            // Before its state is looked at: a change that comes later puts it among the next ones.
            account.iter().for_each(|account| _ = account.moved.swap(false, Ordering::AcqRel));
            (id, account)
        };
        moved.into_iter().map(of).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FileId, Arc<Account>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
