//! How many files this process may open, and how many of them may be log files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that log files never take: the agent's own logs, positions, connections, what monitors open.
const RESERVED: u64 = 128;

/// Raises the limit of open files as far as the system allows without privileges, and returns how many log files may
/// be open at a time.
pub fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // A refusal leaves the limit as it is, and that is what is read back.
    _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX);
    let for_logs = if limit >= 2 * RESERVED { limit - RESERVED } else { limit / 2 };
    usize::try_from(for_logs).unwrap_or(usize::MAX)
}
