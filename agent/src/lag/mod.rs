//! Which files are behind, how far, since when and why: told once per file and episode, and shown by `status`.

mod factor;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;
use serde::Serialize;

pub use self::factor::Factor;
use self::factor::{Pace, Paces};
use crate::config::plan::{SessionId, TailPlan};
use crate::ledger::{Account, Lag, WorkerId};
use crate::order;
use crate::upload::SessionSnapshot;

/// Half of so many bytes behind its end a file is told of where the user set no limit.
const SOFT_LIMIT: u64 = 200_000_000;
/// The same for the age of its oldest bytes, where the user gave no `copy_staleness_threshold`.
const SOFT_AGE: Duration = Duration::from_secs(1800);
/// The least time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Two lines of one kind are at least this far apart, however many files they are about.
const LEAST_GAP: Duration = Duration::from_secs(60);
/// So many files are shown one by one.
const SHOWN: usize = 10;

/// A file that is behind by more than half of its limit. The generations of a path count together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BehindFile {
    /// Its path.
    pub path: PathBuf,
    /// The worker it is sent to.
    pub worker: WorkerId,
    /// The number of the session of that.
    pub session_number: u32,
    /// Bytes without an outcome.
    pub bytes: u64,
    /// How long the oldest of them waits, in seconds.
    pub seconds: f64,
    /// What keeps it from being faster.
    pub factor: Factor,
}

/// The files that are behind by more than half of their limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BehindSnapshot {
    /// How many there are.
    pub files: usize,
    /// The worst of them, at most ten.
    pub worst: Vec<BehindFile>,
}

/// What a look is taken at.
pub struct Look<'a> {
    /// All open accounts.
    pub accounts: &'a [Arc<Account>],
    /// The sessions.
    pub sessions: &'a [SessionSnapshot],
    /// Those whose channel is full.
    pub waiting_for: &'a BTreeSet<SessionId>,
    /// The limits.
    pub plan: &'a TailPlan,
    /// Now.
    pub now: Instant,
}

/// Watches how far files are behind.
pub struct LagWatch {
    logger: Logger,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    paces: Paces,
    /// The files that are behind now: at most as many as are followed.
    episodes: BTreeMap<(WorkerId, PathBuf), Episode>,
    looked: Option<Instant>,
    begins_told: Option<Instant>,
    ends_told: Option<Instant>,
    /// Files that caught up and were not told of yet.
    caught_up: Ends,
}

/// A file is behind.
struct Episode {
    since: Instant,
    told: bool,
    measured: Measured,
}

/// Files that have caught up.
#[derive(Default)]
struct Ends {
    files: usize,
    last: Option<(PathBuf, Duration)>,
}

/// How far a path is behind, and which limit says whether that is far.
#[derive(Clone, Copy, Debug)]
struct Measured {
    lag: Lag,
    limit: (Option<&'static str>, u64),
    age_limit: (Option<&'static str>, Duration),
    /// The number of the session that it goes to.
    session: u32,
    pace: Pace,
}

impl Measured {
    /// How much of its limits it has used up: of the one that is nearer.
    fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
        let bytes = self.lag.bytes as f64 / self.limit.1.max(1) as f64;
        bytes.max(self.lag.age.as_secs_f64() / self.age_limit.1.as_secs_f64().max(1.0))
    }
}

impl LagWatch {
    /// Nothing was looked at yet; what is to be told goes to `logger`.
    pub fn new(logger: Logger) -> Self {
        Self { logger, state: Mutex::default() }
    }

    /// Whether it is time for another look.
    pub fn is_due(&self, now: Instant) -> bool {
        self.lock().looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_EVERY)
    }

    /// Looks at all files, and tells of those that have fallen behind by half of their limit or have caught up to a quarter.
    pub fn look(&self, look: &Look<'_>) {
        let mut state = self.lock();
        state.looked = Some(look.now);
        let paces = state.paces.look(look.sessions, |session| look.waiting_for.contains(session), look.now);
        let measured = measure(look, &paces);
        state.follow(&measured, look.now);
        let begun = state.begun(look.now);
        let ended = state.ended(look.now);
        drop(state);
        if let Some(text) = begun {
            self.logger.warn(text);
        }
        if let Some(text) = ended {
            self.logger.info(text);
        }
    }

    /// The files that were behind at the last look.
    pub fn snapshot(&self) -> BehindSnapshot {
        let state = self.lock();
        let mut episodes: Vec<_> = state.episodes.iter().collect();
        order::by(&mut episodes, |one, other| other.1.measured.share().total_cmp(&one.1.measured.share()));
        let file = |((worker, path), episode): &(&(WorkerId, PathBuf), &Episode)| BehindFile {
            path: path.clone(),
            worker: worker.clone(),
            session_number: episode.measured.session,
            bytes: episode.measured.lag.bytes,
            seconds: episode.measured.lag.age.as_secs_f64(),
            factor: episode.measured.pace.factor,
        };
        BehindSnapshot { files: episodes.len(), worst: episodes.iter().take(SHOWN).map(file).collect() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far each path is behind, of those that are.
fn measure<'a>(look: &Look<'a>, paces: &BTreeMap<SessionId, Pace>) -> BTreeMap<(&'a WorkerId, &'a Path), Measured> {
    let mut measured: BTreeMap<(&WorkerId, &Path), Measured> = BTreeMap::new();
    for account in look.accounts {
        let lag = account.lag(look.now);
        if lag.bytes == 0 {
            continue;
        }
        let TailPlan { max_log_offset_size, max_existing_log_offset_size, copy_staleness_threshold, .. } = look.plan;
        let (key, limit) = if account.settled() > account.sequence.begin {
            ("max_existing_log_offset_size", max_existing_log_offset_size)
        } else {
            ("max_log_offset_size", max_log_offset_size)
        };
        let limit = limit.map_or((None, SOFT_LIMIT), |limit| (Some(key), limit));
        let age_limit =
            copy_staleness_threshold.map_or((None, SOFT_AGE), |age| (Some("copy_staleness_threshold"), age));
        let session = SessionId { worker: account.worker.clone(), number: account.session_number() };
        let pace = paces.get(&session).copied().unwrap_or(Pace { factor: Factor::NoSession, rate: None });
        measured
            .entry((&account.worker, &account.path))
            .or_insert(Measured { lag: Lag::default(), limit, age_limit, session: session.number, pace })
            .lag
            .merge(lag);
    }
    measured
}

impl State {
    /// Begins and ends episodes: begins at half of the limit, ends at a quarter, so that a file near the border is not
    /// told again and again.
    fn follow(&mut self, measured: &BTreeMap<(&WorkerId, &Path), Measured>, now: Instant) {
        let Self { episodes, caught_up, .. } = self;
        episodes.retain(|(worker, path), episode| match measured.get(&(worker, path.as_path())) {
            Some(measured) if measured.share() > 0.25 => {
                episode.measured = *measured;
                true
            }
            _ => {
                if episode.told {
                    caught_up.files += 1;
                    caught_up.last = Some((path.clone(), now.saturating_duration_since(episode.since)));
                }
                false
            }
        });
        for ((worker, path), measured) in measured.iter().filter(|(_, measured)| measured.share() >= 0.5) {
            let key = ((*worker).clone(), path.to_path_buf());
            episodes.entry(key).or_insert(Episode { since: now, told: false, measured: *measured });
        }
    }

    /// A line about the files that have fallen behind and were not told of, once a minute at most.
    fn begun(&mut self, now: Instant) -> Option<String> {
        if self.begins_told.is_some_and(|told| now.saturating_duration_since(told) < LEAST_GAP) {
            return None;
        }
        let untold = self.episodes.iter_mut().filter(|(_, episode)| !episode.told);
        let (mut files, mut worst) = (0_usize, None::<(&(WorkerId, PathBuf), Measured)>);
        for (key, episode) in untold {
            episode.told = true;
            files += 1;
            if worst.is_none_or(|(_, worst)| worst.share() < episode.measured.share()) {
                worst = Some((key, episode.measured));
            }
        }
        let ((worker, path), measured) = worst?;
        self.begins_told = Some(now);
        let worst = warning(worker, path, &measured);
        Some(if files == 1 {
            worst
        } else {
            format!("{files} files have fallen behind by more than half of their limits, the worst: {worst}")
        })
    }

    /// A line about the files that have caught up, once a minute at most.
    fn ended(&mut self, now: Instant) -> Option<String> {
        if self.ends_told.is_some_and(|told| now.saturating_duration_since(told) < LEAST_GAP) {
            return None;
        }
        let Ends { files, last } = std::mem::take(&mut self.caught_up);
        let (path, after) = last?;
        self.ends_told = Some(now);
        let (path, seconds) = (path.display(), after.as_secs());
        Some(match files {
            1 => format!("{path} has caught up after {seconds} s"),
            files => format!("{files} files have caught up, {path} among them, after {seconds} s"),
        })
    }
}

/// What is said of a file that has fallen behind.
fn warning(worker: &WorkerId, path: &Path, measured: &Measured) -> String {
    let Measured { lag, limit, age_limit, session, pace } = measured;
    let rate = pace.rate.map_or("a rate not measured yet".to_owned(), |rate| format!("{rate:.0} bytes/s"));
    let mut text = format!(
        "{} is {} bytes ({} s) behind; session {worker}-{session} uploads {rate}; limiting factor: {}. ",
        path.display(),
        lag.bytes,
        lag.age.as_secs(),
        pace.factor
    );
    match (limit.0, age_limit.0) {
        (None, None) => text += "Nothing is skipped: what is on disk is sent, however late",
        (Some(key), _) => {
            text += &format!("When more than {} bytes are unread, the oldest are skipped ({key})", limit.1);
        }
        (None, Some(key)) => {
            text += &format!("What waits longer than {} s is skipped ({key})", age_limit.1.as_secs());
        }
    }
    text
}
