//! The worked example of a listener: a monitor with a `run` of its own, whose metrics have names that others choose.
//!
//! What is worth copying: everything that comes from outside is bounded, what is not taken is counted and told of, and
//! the monitor looks every fifth of a second whether it is to stop.

use std::collections::BTreeMap;
use std::time::Duration;

use scalyr_monitor::listen::{ListenOptions, Packets};
use scalyr_monitor::prelude::*;

mod line;

use crate::line::{Number, read_line};

/// The largest packet that UDP knows fits.
const LARGEST_PACKET: usize = 65_536;

/// How often one and the same trouble is told of.
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// Listens for gauges: any program on this host sends lines `name value` by UDP, and the latest value of each name
/// becomes a metric of that name, once every sample interval.
#[scalyr_monitor(name = "gauges")]
pub struct Gauges {
    /// The UDP port to listen on. 0 takes any that is free; which one is in the agent log.
    #[config(default = 8126)]
    port: u16,

    #[config(flatten)]
    listen: ListenOptions,

    /// How many names are taken in one sample interval; lines with further ones are dropped, counted and told of.
    #[config(default = 1000, min = 1, max = 100_000)]
    max_names: usize,

    /// Lines that came since the monitor was started, by what became of them.
    #[metric(name = "gauges.lines", cumulative)]
    lines: Metric<u64, Outcome>,

    /// Packets that the kernel dropped since the monitor was started, because they came too fast.
    #[metric(name = "gauges.lost_packets", cumulative)]
    lost_packets: Metric<u64>,

    /// The latest value of each name since the last sample.
    latest: BTreeMap<String, Number>,
    taken: u64,
    malformed: u64,
    over_limit: u64,
    lost: Option<u64>,
}

/// Extra field of `gauges.lines`.
#[derive(Fields)]
struct Outcome {
    /// `taken`, `malformed`, or `over_limit` when there were more than `max_names`.
    outcome: &'static str,
}

impl Monitor for Gauges {
    /// Receives until it is asked to stop, and takes a sample whenever one is due.
    fn run(&mut self, run: &mut Run) -> Result<()> {
        // Not in `initialize`: there, the instance that this one takes the place of may still have the port.
        let socket = self.listen.bind_udp(self.port)?;
        run.logger().info(format_args!("Listening for gauges on {} (UDP)", socket.local_address()));
        let mut packet = vec![0; LARGEST_PACKET];
        while !run.stop().is_stopped() {
            self.receive(&socket, &mut packet, run)?;
            if run.is_due() {
                self.lost = socket.lost();
                run.sample(|out| self.gather_sample(out));
            }
        }
        // What came since the last sample was taken, and must not be lost.
        if !self.latest.is_empty() {
            self.lost = socket.lost();
            run.sample(|out| self.gather_sample(out));
        }
        Ok(())
    }

    /// Emits what came since the last sample.
    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        for (name, value) in std::mem::take(&mut self.latest) {
            // The one door for names that are not known beforehand.
            match value {
                Number::Whole(value) => out.emit_dynamic(&name, &value, &[]),
                Number::Real(value) => out.emit_dynamic(&name, &value, &[]),
            }
        }
        for (outcome, count) in [("taken", self.taken), ("malformed", self.malformed), ("over_limit", self.over_limit)]
        {
            out.emit_with(self.lines, count, Outcome { outcome });
        }
        // Not every system tells.
        if let Some(lost) = self.lost {
            out.emit(self.lost_packets, lost);
        }
        Ok(())
    }
}

impl Gauges {
    /// Takes the lines of the next packet; comes back after a moment when there is none.
    fn receive(&mut self, socket: &Packets, packet: &mut [u8], run: &Run) -> Result<()> {
        let Some((length, sender)) = socket.receive(packet)? else { return Ok(()) };
        for line in packet[..length].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match read_line(line) {
                Ok((name, value)) => self.take(name, value, run),
                Err(fault) => {
                    self.malformed += 1;
                    // What came from outside is shown escaped, and not in full length.
                    let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
                    run.limited("malformed", FIVE_MINUTES)
                        .warn(format_args!("A line from {sender} is not taken: {line:?} {fault}"));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, value: Number, run: &Run) {
        if let Some(latest) = self.latest.get_mut(name) {
            *latest = value;
        } else if self.latest.len() < self.max_names {
            self.latest.insert(name.to_owned(), value);
        } else {
            self.over_limit += 1;
            let most = self.max_names;
            run.limited("over_limit", FIVE_MINUTES).warn(format_args!(
                "There are more than {most} names in one sample interval; {name} is not taken. Raise `max_names`, or \
                 send fewer names"
            ));
            return;
        }
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests;
