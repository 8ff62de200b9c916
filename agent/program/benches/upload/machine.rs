//! The machine of the figures, and how busy it was: without these they cannot be read.

use std::fs;
use std::thread;

/// The name of its processor, and how many of its threads there are.
pub(crate) fn describe() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = thread::available_parallelism().map_or(1, usize::from);
    format!("{count} × {}", model.map_or("a processor without a name", |(_, name)| name.trim()))
}

/// How many processes could run at once on average, in the last minute and in the last five; the bench and what it
/// measures are among them. A question mark where the system does not tell.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut words = text.split(' ').map(str::to_owned);
    let mut next = || words.next().filter(|word| !word.is_empty()).unwrap_or_else(|| "?".to_owned());
    format!("{} ({})", next(), next())
}
