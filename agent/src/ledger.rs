//! What became of every source byte, per file.
//!
//! Each followed file has an account. Its bytes are settled in order, from the position where copying began: a byte
//! is accepted by the server, sampled out, dropped or skipped, and until then it is pending. Positions on disk and all
//! counters read nothing but these accounts, so for every file and at any moment
//! `read = accepted + sampled out + dropped + skipped + pending`, in source bytes.

mod file;
mod lag;
mod outcome;
mod rule_notes;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use scalyr_monitor::Timestamp;

pub use self::file::{FileId, Identity, Offset, Sequence, WorkerId};
pub use self::lag::Lag;
use self::lag::Sightings;
pub use self::outcome::{Count, DropReason, Outcome, Segment, SkipReason, Totals, Verdict};
use self::rule_notes::RuleNotes;
pub use self::rule_notes::{RuleNote, RuleNotesByEntry};
use crate::logs::RuleCounts;

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
    /// Most files never have one.
    last_error: Option<Box<(Timestamp, String)>>,
    /// The entry that it is copied for.
    entry: Option<Arc<str>>,
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

    /// Bytes that a server has accepted so far.
    pub fn accepted_bytes(&self) -> u64 {
        self.lock().totals.accepted.bytes
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

    /// It is copied for this entry: where that stands in the configuration.
    pub fn note_entry(&self, entry: &Arc<str>) {
        self.lock().entry = Some(Arc::clone(entry));
    }

    /// Where the entry stands in the configuration that it is copied for, if it is being read.
    pub fn entry(&self) -> Option<Arc<str>> {
        self.lock().entry.clone()
    }

    /// Takes note of what kept the file from being read.
    pub fn note_error(&self, error: &str, now: Timestamp) {
        self.lock().last_error = Some(Box::new((now, error.to_owned())));
    }

    /// What kept the file from being read the last time, and when that was noticed.
    pub fn last_error(&self) -> Option<(Timestamp, String)> {
        self.lock().last_error.as_deref().cloned()
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
            last_error: None,
            entry: None,
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
        let (sightings, last_error) = {
            let mut before = before.lock();
            (std::mem::take(&mut before.sightings), before.last_error.take())
        };
        let state =
            State { identity, settled: position, read: position, totals, epoch: 0, sightings, last_error, entry: None };
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
