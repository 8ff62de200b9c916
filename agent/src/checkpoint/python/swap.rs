//! What the swap of the packages means for the positions: taking over at the start, leaving them at the end.

use std::time::Duration;

use scalyr_monitor::Timestamp;

use super::super::Checkpoint;
use super::{FILE_NAME, read, write};

/// How long the Python agent may take to find a new file, with its default settings.
const LONGEST_LOOK: Duration = Duration::from_secs(65);

impl Checkpoint {
    /// Takes over what the Python agent has left in `agent_data_path`: on the first run all of it, later what is newer than
    /// our own, because that agent ran meanwhile. To be called before anything is followed.
    pub fn take_over_from_python(&self) {
        let Some(taken) = read(self.folder(), self.lock().saved_before, &self.logger) else { return };
        let written = taken.written.unwrap_or_else(|| self.clock.now());
        self.import(taken.positions, &taken.paths, Some(written));
        self.lock().followed_python = true;
    }

    /// Leaves the positions for the Python agent too, for the way back: at a clean stop, when nothing moves any more.
    pub fn hand_back_to_python(&self) {
        let file = self.folder().join(FILE_NAME);
        match write(self.folder(), &self.positions(), self.clock.now()) {
            Ok(count) => self
                .logger
                .debug(format_args!("{}: {count} paths are written for the Python agent, too", file.display())),
            Err(error) => self.logger.warn(format_args!(
                "{}: the positions cannot be written for the Python agent: {error}; should it be installed again, it \
                 would repeat or skip lines",
                file.display()
            )),
        }
    }

    /// Files without a position that were created since then are new. The Python agent may have had no time to find what
    /// was created in its last minute. None when any of them may be new, or may have had a position that is lost.
    pub fn new_since(&self) -> Option<Timestamp> {
        if self.lock().is_in_doubt {
            return None;
        }
        let look = if self.lock().followed_python { LONGEST_LOOK } else { Duration::ZERO };
        let look = i64::try_from(look.as_nanos()).unwrap_or(i64::MAX);
        self.unseen_since().map(|seen| Timestamp::from_nanos(seen.as_nanos().saturating_sub(look)))
    }
}
