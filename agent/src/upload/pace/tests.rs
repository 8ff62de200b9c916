use scalyr_monitor::{Clock, Timestamp};

use super::back_off::SHORTEST_PAUSE;
use super::*;

const SIZE: usize = 5_900_000;

fn defaults() -> Pacing {
    Pacing {
        max_request_size: SIZE,
        min_request_size: 102_400,
        too_large_adjustment: 0.5,
        max_rate: None,
        min_spacing: Duration::ZERO,
        max_spacing: Duration::from_secs(5),
        max_error_spacing: Duration::from_secs(30),
        water_marks: false,
        low_water: (20_480, 1.5),
        high_water: (102_400, 0.6),
        failure_adjustment: 1.5,
    }
}

fn now() -> Instant {
    Clock::manual(Timestamp::from_millis(0)).monotonic()
}

fn pace(pacing: Pacing) -> Pace {
    Pace::new(pacing, now())
}

#[test]
fn a_quiet_agent_sends_at_once_and_trickling_lines_cost_four_requests_a_second() {
    let mut pace = pace(defaults());
    assert_eq!(pace.turn(SIZE).small, None, "nothing was sent yet");
    let start = now();
    for _ in 0..100 {
        pace.started(start);
        pace.succeeded(300);
        assert_eq!(pace.turn(SIZE).small, Some(start + Duration::from_millis(250)));
    }
    assert_eq!(pace.turn(SIZE).large, Some(start), "a large request need not wait");
}

#[test]
fn a_short_maximum_is_respected() {
    let mut pace = pace(Pacing { max_spacing: Duration::from_millis(40), ..defaults() });
    let start = now();
    pace.started(start);
    pace.succeeded(300);
    assert_eq!(pace.turn(SIZE).small, Some(start + Duration::from_millis(40)));
}

#[test]
fn failed_requests_are_not_charged_again() {
    let start = now();
    let mut pace = Pace::new(Pacing { max_rate: Some(1000.0), ..defaults() }, start);
    let allowance = pace.turn(SIZE).allowance.unwrap();
    assert_eq!(allowance.due(4000), start, "four seconds' worth");
    pace.charge(4000, start);
    for _ in 0..5 {
        pace.started(start);
        pace.failed(0.5, None);
    }
    pace.started(start);
    pace.succeeded(9000);
    assert_eq!(pace.turn(SIZE).allowance.unwrap().due(1000), start + Duration::from_secs(1));
}

#[test]
fn water_marks_move_the_spacing_between_minimum_and_maximum() {
    let mut pace = pace(Pacing { min_spacing: Duration::from_secs(1), water_marks: true, ..defaults() });
    let start = now();
    let mut spacing_after = |bytes: usize| {
        pace.started(start);
        pace.succeeded(bytes);
        assert_eq!(pace.turn(SIZE).small, pace.turn(SIZE).large);
        pace.turn(SIZE).small.unwrap() - start
    };
    assert_eq!(spacing_after(50_000), Duration::from_secs(1));
    assert_eq!(spacing_after(20_479), Duration::from_millis(1500));
    assert_eq!(spacing_after(20_480), Duration::from_millis(1500));
    assert_eq!(spacing_after(102_400), Duration::from_millis(1500));
    assert_eq!(spacing_after(10), Duration::from_millis(2250));
    assert_eq!(spacing_after(102_401), Duration::from_millis(1350));
    for _ in 0..10 {
        spacing_after(10);
    }
    assert_eq!(spacing_after(10), Duration::from_secs(5));
    for _ in 0..10 {
        spacing_after(1_000_000);
    }
    assert_eq!(spacing_after(1_000_000), Duration::from_secs(1));
}

#[test]
fn pauses_grow_from_one_second_to_the_maximum_and_start_anew_after_a_success() {
    let mut pace = pace(defaults());
    let pauses: Vec<f64> = (0..12).map(|_| pace.failed(0.5, None).as_secs_f64()).collect();
    assert!((pauses[0] - 1.0).abs() < 1e-6 && (pauses[1] - 1.5).abs() < 1e-6 && (pauses[2] - 2.25).abs() < 1e-6);
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!((pauses[11] - 30.0).abs() < 1e-6);
    pace.succeeded(10);
    assert_eq!(pace.failed(0.5, None), Duration::from_secs(1));
}

#[test]
fn chance_moves_a_pause_by_a_fifth_but_never_beyond_the_maximum() {
    let first = |chance| pace(defaults()).failed(chance, None);
    assert_eq!([first(0.0), first(1.0)], [Duration::from_millis(800), Duration::from_millis(1200)]);
    let mut longest = pace(defaults());
    assert!((0..50).all(|_| longest.failed(1.0, None) <= Duration::from_secs(30)));
    let mut short = pace(Pacing { max_error_spacing: Duration::from_millis(220), ..defaults() });
    assert_eq!(short.failed(1.0, None), Duration::from_millis(220));
    // Whatever the user wrote, no server is hammered.
    let mut none = pace(Pacing { max_error_spacing: Duration::ZERO, ..defaults() });
    assert_eq!(none.failed(0.5, None), SHORTEST_PAUSE);
}

/// `wire-protocol.md`, sharp edge 15.
#[test]
fn a_fleet_that_lost_its_server_at_one_moment_does_not_come_back_in_step() {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
    const FLEET: usize = 100;
    for seed in 0..20 {
        // When each of them tries again: its first, second ... thirtieth time, in seconds.
        let tries: Vec<Vec<f64>> = (0..FLEET as u64)
            .map(|session| {
                let (mut chance, mut pace) = (StdRng::seed_from_u64(seed * 1000 + session), pace(defaults()));
                let pauses = (0..30).map(|_| pace.failed(chance.random(), None).as_secs_f64());
                pauses
                    .scan(0.0, |at, pause| {
                        *at += pause;
                        Some(*at)
                    })
                    .collect()
            })
            .collect();
        for attempt in 1..30 {
            let mut moments: Vec<f64> = tries.iter().map(|tries| tries[attempt]).collect();
            moments.sort_by(f64::total_cmp);
            let most = moments.iter().map(|at| moments.iter().filter(|other| (*at..at + 0.1).contains(*other)).count());
            let most = most.max().unwrap_or_default();
            assert!(most <= FLEET * 3 / 10, "{most} of {FLEET} come within a tenth of a second, time {attempt}");
            let spread = moments[FLEET - 1] - moments[0];
            assert!(spread > 0.5, "all come within {spread} s, time {attempt}");
        }
    }
}

#[test]
fn retry_after_is_the_least_pause_up_to_an_hour() {
    let mut pace = pace(defaults());
    assert_eq!(pace.failed(0.5, Some(Duration::from_secs(120))), Duration::from_secs(120));
    assert_eq!(pace.failed(0.5, Some(Duration::ZERO)), Duration::from_millis(1500));
    assert_eq!(pace.failed(0.5, Some(Duration::MAX)), Duration::from_secs(3600));
}

#[test]
fn senseless_factors_neither_panic_nor_shorten_the_pause() {
    for factor in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
        let mut pace = pace(Pacing {
            failure_adjustment: factor,
            low_water: (10, factor),
            high_water: (10, factor),
            min_spacing: Duration::from_millis(1),
            water_marks: true,
            ..defaults()
        });
        for bytes in [1, 10, 100] {
            assert!(pace.failed(0.5, None) >= Duration::from_millis(999));
            pace.succeeded(bytes);
            pace.started(now());
            assert!(pace.turn(SIZE).small.is_some());
        }
    }
}

#[test]
fn settlements_without_a_request_are_gathered_for_a_moment() {
    let mut pace = pace(defaults());
    assert_eq!(pace.turn(SIZE).settlement, None);
    let start = now();
    pace.settled(start);
    assert_eq!(pace.turn(SIZE).settlement, Some(start + QUIET_SPACING));
    assert_eq!(pace.turn(SIZE).small, None, "they do not delay a line");
}

/// Configuration → plan → pace.
mod of_a_configuration {
    use std::path::PathBuf;
    use std::sync::Arc;

    use scalyr_monitor::registry::{Environment, Registry};

    use super::*;
    use crate::config::load::from_text;
    use crate::config::{Surroundings, build};

    fn pacing(text: &str) -> Pacing {
        let environment = Arc::new(Environment::default());
        let text = format!("{{ api_key: 'k', implicit_metric_monitor: false, {text} }}");
        let loaded = from_text(&text, PathBuf::from("/etc/agent.json"), &environment).unwrap();
        let registry = Registry::linked().unwrap();
        let surroundings = Surroundings { registry: &registry, environment: &environment, host_name: "host" };
        build(&loaded, &surroundings).unwrap().0.sessions[0].pacing
    }

    /// The starts of requests of these sizes that are always waiting, in seconds after the start. Messages are two
    /// thirds of a body.
    fn starts(pacing: Pacing, sizes: &[usize]) -> Vec<f64> {
        let clock = Clock::manual(Timestamp::from_millis(0));
        let begin = clock.monotonic();
        let mut pace = Pace::new(pacing, begin);
        let mut starts = Vec::new();
        for bytes in sizes {
            let turn = pace.turn(SIZE);
            let log_bytes = (bytes * 2 / 3) as u64;
            let spaced = if *bytes >= pacing.high_water.0 { turn.large } else { turn.small };
            let due = spaced.max(turn.allowance.map(|allowance| allowance.due(log_bytes)));
            clock.advance(due.map_or(Duration::ZERO, |due| due.saturating_duration_since(clock.monotonic())));
            starts.push((clock.monotonic() - begin).as_secs_f64());
            pace.charge(log_bytes, clock.monotonic());
            pace.started(clock.monotonic());
            // The server takes its time, which counts.
            clock.advance(Duration::from_millis(100));
            pace.succeeded(*bytes);
        }
        starts
    }

    // `configuration.md` section 8.3, `wire-protocol.md` sections 5 and 13.
    #[test]
    fn each_combination_of_keys_has_its_pace() {
        const SMALL: [usize; 5] = [300; 5];
        const MIDDLE: [usize; 5] = [50_000; 5];
        const LARGE: [usize; 5] = [150_000; 5];
        // Three large ones, and then small ones.
        const BOTH: [usize; 9] = [150_000, 150_000, 150_000, 300, 300, 300, 300, 300, 300];
        let quick = [0.0, 0.1, 0.2, 0.3, 0.4];
        let quiet = [0.0, 0.25, 0.5, 0.75, 1.0];
        let every = |seconds: f64| [0.0, seconds, 2.0 * seconds, 3.0 * seconds, 4.0 * seconds];
        let table: &[(&str, &[usize], &[f64])] = &[
            ("", &SMALL, &quiet),
            ("", &MIDDLE, &quiet),
            ("", &LARGE, &quick),
            ("max_send_rate_enforcement: 'unlimited'", &LARGE, &quick),
            ("max_send_rate_enforcement: '5 MB/s'", &SMALL, &quiet),
            ("max_send_rate_enforcement: '5 MB/s'", &LARGE, &quick),
            // What the user set holds in every mode.
            ("min_request_spacing_interval: 2", &SMALL, &every(2.0)),
            ("min_request_spacing_interval: 2", &LARGE, &every(2.0)),
            ("min_request_spacing_interval: 0.15", &SMALL, &quiet),
            ("min_request_spacing_interval: 0.15", &LARGE, &every(0.15)),
            ("min_request_spacing_interval: 0", &SMALL, &quiet),
            ("max_send_rate_enforcement: '5 MB/s', min_request_spacing_interval: 2", &LARGE, &every(2.0)),
            ("max_request_spacing_interval: 0.15", &SMALL, &every(0.15)),
            ("max_request_spacing_interval: 0", &SMALL, &quick),
            ("max_request_spacing_interval: 60", &SMALL, &quiet),
            // `legacy`: from one second on, the water marks lead it.
            ("max_send_rate_enforcement: 'legacy'", &SMALL, &[0.0, 1.5, 3.75, 7.125, 12.125]),
            ("max_send_rate_enforcement: 'legacy'", &MIDDLE, &every(1.0)),
            ("max_send_rate_enforcement: 'legacy'", &LARGE, &every(1.0)),
            ("disable_max_send_rate_enforcement_overrides: true", &SMALL, &[0.0, 1.5, 3.75, 7.125, 12.125]),
            (
                "disable_max_send_rate_enforcement_overrides: true, max_send_rate_enforcement: '5 MB/s'",
                &MIDDLE,
                &every(1.0),
            ),
            (
                "max_send_rate_enforcement: 'legacy', max_request_spacing_interval: 2",
                &SMALL,
                &[0.0, 1.5, 3.5, 5.5, 7.5],
            ),
            (
                "max_send_rate_enforcement: 'legacy', min_request_spacing_interval: 0",
                &BOTH,
                &[0.0, 0.15, 0.25, 0.35, 0.725, 1.2875, 2.13125, 3.396875, 5.295313],
            ),
            // One of their keys is enough, also in other modes.
            ("low_water_bytes_sent: 200", &SMALL, &quiet),
            ("low_water_bytes_sent: 20480", &SMALL, &[0.0, 0.375, 0.9375, 1.78125, 3.046875]),
            ("low_water_request_spacing_adjustment: 2", &SMALL, &[0.0, 0.5, 1.5, 3.5, 7.5]),
            ("high_water_bytes_sent: 102400", &LARGE, &[0.0, 0.15, 0.25, 0.35, 0.45]),
            ("high_water_request_spacing_adjustment: 1", &LARGE, &quiet),
            ("high_water_bytes_sent: 1000000", &LARGE, &quiet),
            // The rate counts messages; four seconds' worth leaves without it.
            ("max_send_rate_enforcement: '100 KB/s'", &LARGE, &[0.0, 0.1, 0.2, 0.3, 1.0]),
            ("max_send_rate_enforcement: '10 KB/s'", &LARGE, &[6.0, 16.0, 26.0, 36.0, 46.0]),
            ("max_send_rate_enforcement: '100 B/s'", &SMALL, &[0.0, 0.25, 2.0, 4.0, 6.0]),
        ];
        for (text, sizes, expected) in table {
            let starts = starts(pacing(text), sizes);
            let alike = |(start, expected): (&f64, &f64)| (start - expected).abs() < 1e-6;
            assert!(starts.iter().zip(*expected).all(alike), "{text} {sizes:?}: {starts:?}, not {expected:?}");
        }
    }
}
