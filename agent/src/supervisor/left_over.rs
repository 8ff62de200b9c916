//! What was not delivered when the agent ends, as the agent log says it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;

use crate::ledger::Account;

/// What is left when the agent ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOver {
    /// Bytes that were sent and not answered: the server may have them.
    unanswered: u64,
    /// All bytes without an outcome, read or not.
    bytes: u64,
    /// How many files they are of.
    files: usize,
}

impl LeftOver {
    /// Of these accounts; `unanswered` bytes were sent and not answered.
    pub(super) fn of(accounts: &[Arc<Account>], unanswered: u64, now: Instant) -> Self {
        let lags = accounts.iter().map(|account| account.lag(now).bytes).filter(|bytes| *bytes > 0);
        lags.fold(Self { unanswered, ..Self::default() }, |sum, bytes| Self {
            bytes: sum.bytes + bytes,
            files: sum.files + 1,
            ..sum
        })
    }

    /// Says it, when there is something to say. The answer was waited for so long.
    pub(super) fn tell(self, waited: Duration, logger: &Logger) {
        let Self { unanswered, bytes, files } = self;
        if unanswered > 0 {
            logger.warn(format_args!(
                "Sent, but not answered within {:.1} s: {unanswered} bytes. They are sent again after the next start \
                 and may arrive twice",
                waited.as_secs_f64()
            ));
        }
        let unsent = bytes.saturating_sub(unanswered);
        if unsent > 0 {
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            logger
                .warn(format_args!("{unsent} bytes of {files} were not sent yet; they are sent after the next start"));
        }
    }
}
