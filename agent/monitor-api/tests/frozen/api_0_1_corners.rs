//! The corners of version 0.1 that few monitors reach.
//!
//! NEVER EDITED. See `main.rs`: when this does not compile any more, the change is what has to be mended.

use std::time::Duration;

use scalyr_monitor::config::{Found, Kind, MASK};
use scalyr_monitor::listen::TcpOptions;
use scalyr_monitor::metric::{RESERVED_NAMES, is_valid_name, sanitise_name};
use scalyr_monitor::monitor::{LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL};
use scalyr_monitor::monitors::AddedMonitor;
use scalyr_monitor::prelude::*;
use scalyr_monitor::sample::DynValue;
use scalyr_monitor::testing::{Harness, Severity};
use scalyr_monitor::user_agent::LONGEST_FRAGMENT;

/// An option of a type of the author's own.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Percent(u8);

impl ConfigValue for Percent {
    const KIND: Kind = Kind::Form("a share like 7%");

    type Literal = u8;

    fn from_literal(literal: u8) -> Self {
        Self(literal)
    }

    fn read(found: &mut Found<'_>) -> Option<Self> {
        let text = String::read(found)?;
        let Some(number) = text.strip_suffix('%') else { return found.refuse_kind(Self::KIND) };
        match number.parse() {
            Ok(number) if number > 100 => {
                let shown = found.shown();
                found.refuse(format_args!("{shown} is more than all"))
            }
            Ok(number) => {
                if number == 0 {
                    found.warn("nothing of it");
                }
                Some(Self(number))
            }
            Err(error) => found.refuse(error),
        }
    }

    fn to_value(&self) -> serde_json::Value {
        format!("{}%", self.0).into()
    }
}

/// Goes round the corners.
#[scalyr_monitor(name = "frozen_corners_0_1")]
pub struct Corners {
    /// How much.
    #[config(default = 7)]
    share: Percent,

    /// Finds a number.
    #[config(default = "(?P<name>[a-z]+)([0-9]+)")]
    pattern: Pattern,

    #[config(flatten)]
    tcp: TcpOptions,

    /// How much, again.
    #[metric(fields(kind = "share"))]
    used: Metric<u8>,

    added: Vec<AddedMonitor>,
}

impl Monitor for Corners {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        let new = NewMonitor::from_entry([("module".to_owned(), "coin".into()), ("id".to_owned(), "1".into())]);
        assert!(!new.entry.is_empty());
        context.monitors().add(new)?;
        self.added = context.monitors().list();
        context.user_agent().set(&"x".repeat(LONGEST_FRAGMENT))?;
        context.sample_interval = context.sample_interval.clamp(LEAST_SAMPLE_INTERVAL, LONGEST_SAMPLE_INTERVAL);
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        for added in &self.added {
            let AddedMonitor { name, uid, module, running, .. } = added;
            out.logger().debug(format_args!("{name} {uid} {module} {running} {}", added.short_hash));
        }
        if let Some(found) = self.pattern.search("eth0")? {
            let text = (found.get(0), found.name("name"), found.start());
            assert_eq!(text, (Some("eth0"), Some("eth"), 0));
        }
        assert_eq!((self.used.name(), self.used.constants()), ("used", [("kind", "share")].as_slice()));
        let now = out.clock().now();
        out.under_id("other").at(now).emit(self.used, self.share.0);
        out.emit(self.used, self.share.0);
        let value: &dyn DynValue = &"text";
        out.at(Timestamp::from_millis(5)).under_id("x").emit_dynamic("found", value, &[]);
        out.flush();
        assert!(out.emitted() > 0 && !out.stop().is_stopped() && !out.stop().wait(Duration::ZERO));
        if out.logger().enabled(Level::Debug1) && out.logger().errors() == 0 {
            out.logger().limited(out.clock(), "once", Duration::from_secs(60)).coded(Level::Info, "corners/ok", "well");
        }
        "x".parse::<u8>().map(drop).about("the corner")
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let packets = self.tcp.listen.bind_udp(0)?;
        let stop = run.stop().clone();
        run.stop().on_stop(move || _ = stop.is_stopped());
        while run.next() {
            let lost: Option<u64> = packets.lost();
            run.sample(|out| {
                out.emit_dynamic("lost", &lost.unwrap_or_default(), &[]);
                Ok(())
            });
        }
        Ok(())
    }
}

#[test]
fn every_corner_is_there() {
    let mut corners = Harness::<Corners>::from_config("{ id: 7, share: '9%' }").allow_dynamic();
    assert_eq!(corners.problems(), []);
    let sample = corners.sample();
    assert_eq!(sample.error(), Some("the corner: invalid digit found in string"));
    assert_eq!(sample.metric("found").id(), "x");
    corners.running(|running| running.wait_for("lost"));
    for (config, told) in [
        ("{ share: '101%' }", r#"share: "101%" is more than all"#),
        ("{ share: '0%' }", "warning: share: nothing of it"),
        ("{ share: 9 }", "share: 9 is not a share like 7%"),
    ] {
        assert_eq!(Harness::<Corners>::from_config(config).problems(), [told]);
    }
    assert!(Severity::Warning < Severity::Refused);
}

#[test]
fn times_names_and_clocks() {
    let (time, clock) = (Timestamp::from_millis(1_500), Clock::manual(Timestamp::from_nanos(1)));
    assert_eq!((time.as_secs(), time.as_millis(), time.as_nanos()), (1, 1_500, 1_500_000_000));
    assert!(time > clock.now() && Clock::system().monotonic() <= Clock::system().monotonic());
    assert!(is_valid_name("a.b") && !is_valid_name("1") && RESERVED_NAMES.contains(&"value"));
    assert_eq!(sanitise_name("9 lives"), "sa_9_lives");
    assert_eq!(Secret::new("x").to_value(), MASK);
    let port: HostPort = "localhost:80".parse().unwrap();
    assert_eq!(port.to_string(), "localhost:80");
    Logger::none().info("nobody hears it");
}
