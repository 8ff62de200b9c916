//! The time, passed in: monotonic for every timer, wall clock for what is written and sent.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::stop::Stop;

/// A moment of the wall clock: nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch; out of range values are brought to the nearest end.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }
}

/// `YYYY-MM-DD HH:MM:SS.mmmZ`, UTC, 24 characters, milliseconds cut off and not rounded (`logging.md` section 2).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_nanosecond(i128::from(self.0))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(jiff::tz::TimeZone::UTC);
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            moment.month(),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.millisecond()
        )
    }
}

/// How often somebody who waits for a manual clock looks at it.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Where the time comes from. Cheap to clone; all clones of a [manual](Clock::manual) clock move together.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Mutex<Manual>>),
}

#[derive(Debug)]
struct Manual {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clock {
    /// The clocks of the machine.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is [advanced](Clock::advance) or [set](Clock::set), for tests.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Manual { wall: start, monotonic: machine_instant() }))))
    }

    /// The wall clock, for times that are written or sent; may go backwards.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => machine_time(),
            Source::Manual(manual) => manual.lock().unwrap_or_else(PoisonError::into_inner).wall,
        }
    }

    /// The monotonic clock, for every timer.
    pub fn monotonic(&self) -> Instant {
        match &self.0 {
            Source::System => machine_instant(),
            Source::Manual(manual) => manual.lock().unwrap_or_else(PoisonError::into_inner).monotonic,
        }
    }

    /// Waits until the monotonic clock shows `due`, or until it is asked to stop; true when asked to stop. A manual clock
    /// has to be moved there by somebody else meanwhile.
    pub(crate) fn wait_until(&self, due: Instant, stop: &Stop) -> bool {
        if matches!(self.0, Source::System) {
            return stop.wait(due.saturating_duration_since(self.monotonic()));
        }
        while self.monotonic() < due {
            if stop.wait(LOOK_AGAIN) {
                return true;
            }
        }
        stop.is_stopped()
    }

    /// Moves both clocks of a manual clock forward; the machine's own clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            let mut manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
            // As far as the clock can count.
            manual.monotonic = manual.monotonic.checked_add(by).unwrap_or(manual.monotonic);
            manual.wall = Timestamp(manual.wall.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)));
        }
    }

    /// Sets the wall clock of a manual clock, also backwards; its monotonic side goes on undisturbed.
    pub fn set(&self, wall: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.lock().unwrap_or_else(PoisonError::into_inner).wall = wall;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
fn machine_time() -> Timestamp {
    let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    };
    Timestamp(nanos)
}

#[expect(clippy::disallowed_methods, reason = "the one place where the monotonic clock is read")]
fn machine_instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_cut_off() {
        assert_eq!(Timestamp::from_millis(1_650_021_068_015).to_string(), "2022-04-15 11:11:08.015Z");
        assert_eq!(Timestamp::from_nanos(1_650_021_068_999_999_999).to_string(), "2022-04-15 11:11:08.999Z");
        assert_eq!(Timestamp::from_nanos(i64::MIN).to_string().len(), 24);
    }

    #[test]
    fn a_manual_clock_stands_still_until_told() {
        let clock = Clock::manual(Timestamp::from_millis(5));
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        assert_eq!((clock.now(), clock.monotonic()), (wall, monotonic));
        clock.clone().advance(Duration::from_millis(7));
        assert_eq!(clock.now().as_millis(), 12);
        assert_eq!(clock.monotonic() - monotonic, Duration::from_millis(7));
        clock.set(Timestamp::from_millis(1));
        assert_eq!(clock.now().as_millis(), 1);
    }
}
