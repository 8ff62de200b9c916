//! Says once a day that nobody checks whom the logs are sent to (`wire-protocol.md` section 10).

use std::time::{Duration, Instant};

use scalyr_monitor::Logger;

use crate::config::plan::SessionPlan;

const DAY: Duration = Duration::from_hours(24);

/// Remembers when it was said.
#[derive(Debug, Default)]
pub(super) struct Unverified {
    told: Option<Instant>,
}

impl Unverified {
    /// Warns when it is time to.
    pub(super) fn tell(&mut self, plan: &SessionPlan, logger: &Logger, now: Instant) {
        if plan.verify_server_certificate || !plan.server.starts_with("https://") {
            return;
        }
        if self.told.is_none_or(|told| now.saturating_duration_since(told) >= DAY) {
            self.told = Some(now);
            logger.warn(format_args!(
                "The certificate of {} is not checked (verify_server_certificate is false): anybody on the way can read \
                 and change what is uploaded; for an authority of your own set ca_cert_path instead",
                plan.server
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::Clock;

    use super::*;
    use crate::upload::tests::fixture::Lines;
    use crate::upload::tests::session_stories::plan;

    #[test]
    fn that_the_certificate_is_not_checked_is_said_once_a_day() {
        let (lines, now, mut unverified) = (Lines::default(), Clock::system().monotonic(), Unverified::default());
        let unchecked = SessionPlan { verify_server_certificate: false, ..plan("https://logs.example") };
        for hour in 0..48 {
            unverified.tell(&unchecked, &lines.logger(), now + Duration::from_hours(hour));
        }
        assert_eq!(lines.of("WARNING").len(), 2, "{:?}", lines.all());
        assert!(lines.all()[0].contains("The certificate of https://logs.example is not checked"));
        for plan in [plan("https://a"), SessionPlan { verify_server_certificate: false, ..plan("http://a") }] {
            Unverified::default().tell(&plan, &lines.logger(), now);
        }
        assert_eq!(lines.all().len(), 2);
    }
}
