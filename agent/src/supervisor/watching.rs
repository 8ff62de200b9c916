//! What is looked at now and then while files are copied: how far they are behind, and what the rules of their entries
//! could not do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use scalyr_monitor::Logger;

use super::Stages;
use crate::config::plan::TailPlan;
use crate::lag::Look;
use crate::ledger::{RuleNote, RuleNotesByEntry};
use crate::order;

/// Two lines about the rules of one entry are at least this far apart.
const LEAST_GAP: Duration = Duration::from_secs(300);

/// What is to be told about the rules of entries.
#[derive(Default)]
pub(super) struct RulesTold(Mutex<BTreeMap<Arc<str>, (Instant, RuleNote)>>);

impl RulesTold {
    /// Tells what is new: the first time at once, then every five minutes at most.
    fn tell(&self, notes: RuleNotesByEntry, now: Instant, logger: &Logger) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (entry, note) in notes {
            match known.get_mut(&entry) {
                Some((_, waiting)) => waiting.merge(note),
                None => {
                    tell(&entry, &note, logger);
                    known.insert(entry, (now, RuleNote::default()));
                }
            }
        }
        known.retain(|entry, (told, waiting)| {
            if now.saturating_duration_since(*told) < LEAST_GAP {
                return true;
            }
            let note = std::mem::take(waiting);
            *told = now;
            tell(entry, &note, logger);
            // An entry that is quiet for five minutes is told of at once when it happens again.
            note != RuleNote::default()
        });
    }

    /// Tells everything that waits for its time: there will be no other.
    fn tell_rest(&self, notes: RuleNotesByEntry, logger: &Logger) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest: RuleNotesByEntry =
            order::tree(std::mem::take(&mut *known).into_iter().map(|(entry, (_, note))| (entry, note)));
        for (entry, note) in notes {
            rest.entry(entry).or_default().merge(note);
        }
        rest.iter().for_each(|(entry, note)| tell(entry, note, logger));
    }
}

fn tell(entry: &str, RuleNote { failed, unparsed, last }: &RuleNote, logger: &Logger) {
    let last = last.display();
    if *failed > 0 {
        logger.warn(format_args!(
            "{entry}: sampling or redaction rules failed at this many of its lines: {failed} (`failed rule` in the status), \
             the last one of {last}"
        ));
    }
    if *unparsed > 0 {
        logger.warn(format_args!(
            "{entry}: lines that are not in the format that it says (parse_format), and were sent as they are: {unparsed}, \
             the last one of {last}"
        ));
    }
}

impl Stages {
    /// Tells what the rules of entries could not do since it was told last, before the agent ends.
    pub(super) fn tell_rest_of_rules(&self) {
        self.rules_told.tell_rest(self.ledger.take_rule_notes(), &self.logger);
    }

    /// Looks how far files are behind, every few seconds, and tells what has changed.
    pub(super) fn look_after_files(&self) {
        let now = self.clock.monotonic();
        self.rules_told.tell(self.ledger.take_rule_notes(), now, &self.logger);
        if !self.lag.is_due(now) {
            return;
        }
        let (sessions, plan) = {
            let running = self.lock();
            let sessions: Vec<_> = running.sessions.iter().map(|(_, session)| session.snapshot()).collect();
            (sessions, running.plan.as_ref().map_or_else(TailPlan::default, |plan| plan.tail))
        };
        let waiting_for = self.tail.snapshot().waiting_for;
        let accounts = self.ledger.accounts();
        let look = Look { accounts: &accounts, sessions: &sessions, waiting_for: &waiting_for, plan: &plan, now };
        self.lag.look(&look);
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::log::{LogSink, Record};
    use scalyr_monitor::{Clock, Level, Timestamp};

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogSink for Lines {
        fn enabled(&self, _: Level) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(record.message.to_string());
        }
    }

    #[test]
    fn a_rule_that_fails_is_told_at_once_and_then_every_five_minutes_with_its_entry() {
        let (start, lines) = (Clock::manual(Timestamp::from_millis(0)).monotonic(), Arc::new(Lines::default()));
        let (told, logger) = (RulesTold::default(), Logger::new(lines.clone(), "core"));
        let notes = |unparsed| -> RuleNotesByEntry {
            let note = RuleNote { failed: 0, unparsed, last: "/a.log".into() };
            [("logs[2]".into(), note)].into_iter().filter(|(_, note)| note.unparsed > 0).collect()
        };
        let after = |seconds, unparsed| {
            told.tell(notes(unparsed), start + Duration::from_secs(seconds), &logger);
            std::mem::take(&mut *lines.0.lock().unwrap())
        };
        let first = after(0, 3);
        assert!(first.len() == 1 && first[0].starts_with("logs[2]: lines that are not in the format"), "{first:?}");
        assert_eq!(after(1, 5), [""; 0]);
        assert_eq!(after(299, 5), [""; 0]);
        assert!(after(300, 0)[0].contains(" as they are: 10, the last one of /a.log"));
        assert_eq!(after(600, 0), [""; 0]);
        assert!(after(601, 1)[0].contains(" as they are: 1, "));
        assert_eq!(after(602, 4), [""; 0]);
        told.tell_rest(notes(2), &logger);
        let rest = std::mem::take(&mut *lines.0.lock().unwrap());
        assert!(rest.len() == 1 && rest[0].contains(" as they are: 6, "), "at the end: {rest:?}");
    }
}
