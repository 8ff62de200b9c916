//! What is told while one waits, and how sizes and times are written.

use std::time::{Duration, Instant};

/// A step that takes a while.
#[derive(Debug)]
pub(crate) struct Step(Instant);

/// Tells what begins.
pub(crate) fn begin(what: &str) -> Step {
    println!("{what}");
    Step(Instant::now())
}

impl Step {
    /// Tells what was done, and how long it took.
    pub(crate) fn end(self, what: &str) {
        println!("  {what}, in {}", time(self.0.elapsed()));
    }
}

/// `83 s`, `0.4 s`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

/// `7.61 MB`, `312 kB`; decimal, as package managers tell it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_as_many_digits_as_matter() {
        assert_eq!([size(999), size(312_400), size(7_614_000)], ["999 bytes", "312 kB", "7.61 MB"]);
        assert_eq!([time(Duration::from_millis(420)), time(Duration::from_millis(83_400))], ["0.4 s", "83 s"]);
    }
}
