//! How the room in the agent log is shared, so that a chatty monitor does not take it from everybody else.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::config::plan::WriteLimit;
use crate::own_logs::leaky_bucket::LeakyBucket;

/// So many components have a share of their own; further ones have one together.
const MOST_SHARES: usize = 256;

/// Who stands behind the lines of components that have no share of their own.
const OTHERS: &str = "other components";

/// Who wants to write a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer<'a> {
    /// The agent itself: may use all the room.
    Agent,
    /// A component that is not the agent's core, such as `monitor:coin()`.
    Component(&'a str),
}

/// The room of one log: a limit in bytes for all lines together. A component has a quarter of it at most, all
/// components together three quarters, and the rest is kept for the agent itself.
pub struct LogRoom {
    whole: LeakyBucket,
    components: LeakyBucket,
    share: WriteLimit,
    agent: Gap,
    shares: BTreeMap<String, Share>,
}

struct Share {
    bucket: LeakyBucket,
    gap: Gap,
}

/// Lines of one writer that were left out.
#[derive(Default)]
struct Gap {
    /// Not yet told of.
    open: u64,
    total: u64,
}

impl LogRoom {
    /// All of it free.
    pub fn new(limit: WriteLimit, now: Instant) -> Self {
        let share = share_of(limit);
        Self {
            whole: LeakyBucket::new(limit, now),
            components: LeakyBucket::new(part(limit, 3, 4), now),
            share,
            agent: Gap::default(),
            shares: BTreeMap::new(),
        }
    }

    /// What to write for a line with its line end: the line, behind a notice when lines of this writer were left out
    /// before. None when there is no room; the line is counted.
    pub fn offer(
        &mut self,
        writer: Writer<'_>,
        line: &str,
        now: Instant,
        notice: impl FnOnce(Writer<'_>, u64) -> String,
    ) -> Option<String> {
        let writer = self.known(writer, now);
        let mut text = match self.gap(writer).map_or(0, |gap| gap.open) {
            0 => String::new(),
            skipped => notice(writer, skipped),
        };
        text.push_str(line);
        let taken = self.take(writer, text.len() - 1, now);
        if let Some(gap) = self.gap(writer) {
            gap.open = if taken { 0 } else { gap.open + 1 };
            gap.total += u64::from(!taken);
        }
        taken.then_some(text)
    }

    /// The notices of the lines that were left out, as far as there is room for them.
    pub fn overdue(&mut self, now: Instant, notice: impl Fn(Writer<'_>, u64) -> String) -> String {
        let mut told = String::new();
        let names: Vec<String> =
            self.shares.iter().filter(|(_, share)| share.gap.open > 0).map(|(name, _)| name.clone()).collect();
        for writer in std::iter::once(Writer::Agent).chain(names.iter().map(|name| Writer::Component(name))) {
            let open = self.gap(writer).map_or(0, |gap| gap.open);
            if open == 0 {
                continue;
            }
            let text = notice(writer, open);
            if self.take(writer, text.len() - 1, now)
                && let Some(gap) = self.gap(writer)
            {
                gap.open = 0;
                told.push_str(&text);
            }
        }
        told
    }

    /// How many lines were left out since the start, by component; those that lost none are not among them.
    pub fn skipped(&self) -> BTreeMap<String, u64> {
        let shares = self.shares.iter().map(|(name, share)| (name.as_str(), share.gap.total));
        let all = std::iter::once(("core", self.agent.total)).chain(shares);
        all.filter(|(_, total)| *total > 0).map(|(name, total)| (name.to_owned(), total)).collect()
    }

    /// The most bytes per second that this writer has of a limit.
    pub fn rate(limit: WriteLimit, writer: Writer<'_>) -> u64 {
        match writer {
            Writer::Agent => limit.rate,
            Writer::Component(_) => share_of(limit).rate,
        }
    }

    /// The writer whose share this one uses; a new component is given one.
    fn known<'a>(&mut self, writer: Writer<'a>, now: Instant) -> Writer<'a> {
        let Writer::Component(name) = writer else { return writer };
        if self.shares.contains_key(name) {
            return writer;
        }
        let name = if self.shares.len() < MOST_SHARES { name } else { OTHERS };
        let share = || Share { bucket: LeakyBucket::new(self.share, now), gap: Gap::default() };
        self.shares.entry(name.to_owned()).or_insert_with(share);
        Writer::Component(name)
    }

    fn gap(&mut self, writer: Writer<'_>) -> Option<&mut Gap> {
        match writer {
            Writer::Agent => Some(&mut self.agent),
            Writer::Component(name) => self.shares.get_mut(name).map(|share| &mut share.gap),
        }
    }

    /// Takes the bytes from all buckets of the writer, or from none.
    fn take(&mut self, writer: Writer<'_>, bytes: usize, now: Instant) -> bool {
        let mut buckets = vec![&mut self.whole];
        if let Writer::Component(name) = writer {
            buckets.push(&mut self.components);
            buckets.extend(self.shares.get_mut(name).map(|share| &mut share.bucket));
        }
        buckets.iter_mut().all(|bucket| bucket.has(bytes, now))
            && buckets.iter_mut().all(|bucket| bucket.take(bytes, now))
    }
}

/// What a single component has of a limit.
fn share_of(limit: WriteLimit) -> WriteLimit {
    part(limit, 1, 4)
}

fn part(limit: WriteLimit, of: u64, parts: u64) -> WriteLimit {
    let part = |whole: u64| whole / parts * of;
    WriteLimit { rate: part(limit.rate), burst: part(limit.burst) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scalyr_monitor::{Clock, Timestamp};

    use super::*;

    const LIMIT: WriteLimit = WriteLimit { rate: 40, burst: 400 };

    fn room() -> (LogRoom, Clock) {
        let clock = Clock::manual(Timestamp::from_millis(0));
        (LogRoom::new(LIMIT, clock.monotonic()), clock)
    }

    fn notice(_: Writer<'_>, skipped: u64) -> String {
        format!("{skipped} skipped\n")
    }

    /// Offers lines of ten bytes; how many were taken.
    fn flood(room: &mut LogRoom, clock: &Clock, writer: Writer<'_>) -> usize {
        (0..100).filter(|_| room.offer(writer, "123456789a\n", clock.monotonic(), notice).is_some()).count()
    }

    #[test]
    fn a_component_has_a_quarter_all_have_three_quarters_and_the_agent_has_the_rest() {
        let (mut room, clock) = room();
        assert_eq!(flood(&mut room, &clock, Writer::Component("a")), 10);
        assert_eq!(flood(&mut room, &clock, Writer::Component("b")), 10);
        assert_eq!(flood(&mut room, &clock, Writer::Component("c")), 10);
        assert_eq!(flood(&mut room, &clock, Writer::Component("d")), 0);
        assert_eq!(flood(&mut room, &clock, Writer::Agent), 10);
        let skipped = [("a", 90), ("b", 90), ("c", 90), ("core", 90), ("d", 100)];
        assert_eq!(room.skipped(), skipped.map(|(name, lines)| (name.to_owned(), lines)).into());
    }

    #[test]
    fn the_agent_may_use_all_the_room_while_nobody_else_does() {
        let (mut room, clock) = room();
        assert_eq!(flood(&mut room, &clock, Writer::Agent), 40);
        clock.advance(Duration::from_secs(1));
        assert_eq!(room.offer(Writer::Agent, "a\n", clock.monotonic(), notice).unwrap(), "60 skipped\na\n");
    }

    #[test]
    fn each_writer_is_told_of_its_own_gap() {
        let (mut room, clock) = room();
        flood(&mut room, &clock, Writer::Component("a"));
        assert_eq!(room.overdue(clock.monotonic(), notice), "", "there is no room for it");
        let other = room.offer(Writer::Component("b"), "b\n", clock.monotonic(), notice);
        assert_eq!(other.unwrap(), "b\n");
        clock.advance(Duration::from_secs(2));
        assert_eq!(room.overdue(clock.monotonic(), notice), "90 skipped\n");
        assert_eq!(room.overdue(clock.monotonic(), notice), "");
        assert_eq!(room.offer(Writer::Component("a"), "a\n", clock.monotonic(), notice).unwrap(), "a\n");
    }

    #[test]
    fn very_many_components_take_no_memory_without_end() {
        let (mut room, clock) = room();
        for number in 0..10 * MOST_SHARES {
            room.offer(Writer::Component(&number.to_string()), "a line of text\n", clock.monotonic(), notice);
        }
        assert_eq!(room.shares.len(), MOST_SHARES + 1);
        assert_eq!(room.skipped().values().sum::<u64>(), 10 * MOST_SHARES as u64 - 300 / 14);
    }
}
