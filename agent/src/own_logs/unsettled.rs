//! What the copier still has to do with the files that the agent writes itself, so that no rotation removes it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::ledger::{Ledger, Offset};

/// How the copying of a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is followed, and so many of its bytes have no outcome yet.
    Unsettled(u64),
    /// It is followed, and each of its bytes has its outcome.
    Settled,
    /// Nobody follows it: it was settled and let go, or is not copied at all.
    NotFollowed,
}

/// Who knows how the copying of a file stands.
pub trait Copies: fmt::Debug + Send + Sync {
    /// For the file with this device and inode, which has `size` bytes.
    fn standing(&self, device: u64, inode: u64, size: u64) -> Standing;

    /// Whether a file that was found at `path` is followed, be it an older one: then the one that is there now will be
    /// followed, too.
    fn follows(&self, _path: &Path) -> bool {
        false
    }
}

/// Shared by the files that ask.
pub type SharedCopies = Arc<dyn Copies>;

impl Copies for Ledger {
    fn standing(&self, device: u64, inode: u64, size: u64) -> Standing {
        let of_file = |account: &Arc<crate::ledger::Account>| {
            let identity = account.identity();
            // After a truncation two accounts speak of one file; the one that is still behind counts.
            ((identity.device, identity.inode) == (device, inode)).then(|| size.saturating_sub(account.settled().0))
        };
        match self.accounts().iter().filter_map(of_file).max() {
            None => Standing::NotFollowed,
            Some(0) => Standing::Settled,
            Some(bytes) => Standing::Unsettled(bytes),
        }
    }

    fn follows(&self, path: &Path) -> bool {
        self.accounts().iter().any(|account| account.path == path)
    }
}

/// As the ledger; of a file that is not open, such as one that the copier has not come to since the start, as far as its
/// position says.
impl Copies for Checkpoint {
    fn standing(&self, device: u64, inode: u64, size: u64) -> Standing {
        match (self.ledger().standing(device, inode, size), self.reached(device, inode)) {
            (Standing::NotFollowed, Some(Offset(reached))) if reached < size => Standing::Unsettled(size - reached),
            (standing, _) => standing,
        }
    }

    fn follows(&self, path: &Path) -> bool {
        self.ledger().follows(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Identity, Outcome, Sequence, SkipReason, WorkerId};

    #[test]
    fn a_file_stands_as_its_account_does() {
        let ledger = Ledger::new();
        let identity = Identity { device: 1, inode: 2, born: None, head_length: 0, head_hash: String::new() };
        let sequence = Sequence { id: "s".into(), begin: Offset(0) };
        let account = ledger.open(WorkerId("w".into()), "/a".into(), identity, sequence, Offset(10));
        assert_eq!(ledger.standing(1, 3, 5), Standing::NotFollowed);
        assert_eq!(ledger.standing(1, 2, 30), Standing::Unsettled(20));
        account.hand_on(Offset(30)).settle(Offset(30), 1, Outcome::Skipped(SkipReason::Truncated));
        assert_eq!(ledger.standing(1, 2, 30), Standing::Settled);
        ledger.close(account.id, None);
        assert_eq!(ledger.standing(1, 2, 30), Standing::NotFollowed);
    }
}
