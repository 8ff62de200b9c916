//! How long a monitor that failed rests before it is started again.

use std::time::Duration;

/// When a monitor that failed is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The rest after the first failure; each further one doubles it.
    pub first: Duration,
    /// The longest rest.
    pub longest: Duration,
    /// A run of this length ends a series of failures: the next rest is the first again.
    pub healthy: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(60), healthy: Duration::from_secs(120) }
    }
}

/// The rests of one series of failures.
#[derive(Debug)]
pub struct BackOff {
    policy: RestartPolicy,
    next: Duration,
}

impl BackOff {
    /// No failure yet.
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, next: policy.first }
    }

    /// How long to rest after a run that lasted `ran`: up to a fifth less than planned, so that monitors that fail
    /// together do not come back together.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= self.policy.healthy {
            self.next = self.policy.first;
        }
        let rest = self.next;
        self.next = (rest * 2).min(self.policy.longest);
        rest.mul_f64(rand::random_range(0.8..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_rest_up_to_a_minute_and_a_healthy_run_forgives() {
        let mut back_off = BackOff::new(RestartPolicy::default());
        for planned in [1, 2, 4, 8, 16, 32, 60, 60] {
            let rest = back_off.after(Duration::from_secs(119));
            let planned = Duration::from_secs(planned);
            assert!(rest <= planned && rest >= planned.mul_f64(0.79), "{rest:?} of {planned:?}");
        }
        assert!(back_off.after(Duration::from_secs(120)) <= Duration::from_secs(1));
        assert!(back_off.after(Duration::ZERO) > Duration::from_secs(1));
    }
}
