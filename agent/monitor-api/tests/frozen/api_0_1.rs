//! A monitor crate of version 0.1: everything that an author can name.
//!
//! NEVER EDITED. See `main.rs`: when this does not compile any more, the change is what has to be mended.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use scalyr_monitor::listen::{Connection, Connections, ListenOptions, Packets, TcpOptions};
use scalyr_monitor::prelude::*;
use scalyr_monitor::testing::{Diagnostic, Emitted, Harness, Problem, Running, Severity, Taken, Value, json};

// --- Declarations: every attribute, every key, every type.

/// One of everything.
///
/// A second paragraph.
#[scalyr_monitor(
    name = "frozen_0_1",
    module = "old.package.frozen",
    log_fields(user = "Who it was.", action = "What was done.")
)]
pub struct Frozen {
    /// A truth.
    #[config(default = true)]
    truth: bool,

    /// A whole number with bounds.
    #[config(default = 3, min = 1, max = 10)]
    whole: u64,

    /// A small one.
    #[config(default)]
    small: i8,

    /// A number.
    #[config(default = 0.5, min = 0, max = 1)]
    real: f64,

    /// Text that must be given.
    #[config(required, env, alias = "hostname")]
    host: String,

    /// From a variable of its own.
    #[config(default = "plain", rename = "look-kind", env = "LOOK", alias("look", "kind"))]
    look: String,

    /// A path.
    #[config(default = "/proc")]
    root: PathBuf,

    /// A time.
    #[config(default = 1.5, min = 0.5, max = 60)]
    patience: Duration,

    /// An address.
    #[config]
    address: Option<IpAddr>,

    /// An address with a port.
    #[config]
    server: Option<HostPort>,

    /// A list.
    #[config(default = ["cpu", "disk"])]
    parts: Vec<String>,

    /// A list with blanks.
    #[config(default = ["a"])]
    words: SpacedList<String>,

    /// An object.
    #[config(default)]
    labels: BTreeMap<String, String>,

    /// Any object.
    #[config(default)]
    anything: serde_json::Map<String, serde_json::Value>,

    /// A password.
    #[config]
    password: Option<Secret>,

    /// Text that is shown nowhere.
    #[config(default = "", secret)]
    token: String,

    /// A regular expression.
    #[config(default = "^eth[0-9]+$")]
    pattern: Pattern,

    /// A pattern with stars.
    #[config(default = "/var/*")]
    glob: Glob,

    /// A URL.
    #[config(default = "https://localhost/", no_http)]
    url: String,

    /// An even number.
    #[config(default = 2, check = is_even)]
    even: u32,

    /// A word.
    #[config(default = Protocol::Tcp)]
    protocol: Protocol,

    #[config(flatten)]
    limits: Limits,

    /// A level.
    #[metric]
    level: Metric<f64, Reading<'static>>,

    /// Everything that was seen.
    #[metric(name = "frozen.seen", unit = "bytes", category = "Seen", cumulative, fields(type = "read"))]
    seen: Metric<u64>,

    /// Text as a value.
    #[metric]
    state_text: Metric<&'static str>,

    /// A value of the author's own type.
    #[metric]
    colour: Metric<Colour>,

    #[metrics(category = "Disk")]
    disk: DiskMetrics,

    #[state(default = 40 + 1)]
    count: u64,

    log_files: Option<LogFiles>,
    monitors: Option<Monitors>,
    user_agent: Option<UserAgentFragment>,
    logger: Option<Logger>,
}

fn is_even(number: &u32) -> Result<()> {
    if number.is_multiple_of(2) { Ok(()) } else { Err(Error::new(format!("{number} is odd"))) }
}

/// Options that several monitors share.
#[derive(OptionGroup)]
pub struct Limits {
    /// The most.
    #[config(default = 100, min = 1)]
    most: u64,

    /// The least.
    #[config]
    least: Option<u64>,
}

/// The words of an option.
#[derive(ConfigValue, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Packets.
    Udp,
    /// A socket of this host.
    #[config(rename = "unix", alias = "socket")]
    UnixSocket,
}

/// Extra fields.
#[derive(Fields)]
struct Reading<'a> {
    /// Of the host.
    host: &'a str,
    /// What kind it is.
    #[field(name = "type")]
    kind: Cow<'a, str>,
    /// How many there were.
    count: u64,
    /// Whether it counts.
    valid: bool,
}

/// A catalogue.
#[derive(MetricSet)]
#[metrics(category = "Disk")]
pub struct DiskMetrics {
    /// Bytes that were read.
    #[metric(name = "disk.io", unit = "bytes", cumulative, fields(type = "read"))]
    read: Metric<u64>,

    /// Bytes that were written.
    #[metric(name = "disk.io", unit = "bytes", cumulative, fields(type = "write"))]
    written: Metric<u64>,
}

/// A value of the author's own.
struct Colour(u8);

impl MetricValue for Colour {
    fn write(&self, out: &mut String) {
        self.0.write(out);
    }
}

// --- The trait, the context, the run, the emissions, the logger.

impl Monitor for Frozen {
    fn initialize(&mut self, context: &mut Context) -> Result<()> {
        if self.limits.least.is_some_and(|least| least > self.limits.most) {
            return Err(Error::new("least is above most"));
        }
        if self.look == "nowhere" {
            std::fs::read("/no such file")?;
        }
        context.sample_interval = Duration::from_secs(10);
        context.spacing = Spacing::AfterSample;
        context.disabled = self.look == "disabled";
        context.log_config =
            LogConfig::new("frozen.log").parser("frozen").attribute("kind", "x").option("exclude", json!([]));
        context.log_config.copy_from_start = true;
        context.server_attributes.insert("engine".into(), "ice".into());
        context.user_agent().set("ice:1")?;
        context.log_files().register(LogConfig::new("/var/log/ice.log"))?;
        context.logger().info(format_args!("{} begins at {}", context.name(), context.clock().now()));
        context.logger().debug(format_args!(
            "{:?} {:?}",
            (self.truth, self.small, &self.root),
            (self.patience, self.address)
        ));
        let servers = self.server.iter().map(|server| format!("{} {}", server.host, server.port)).count();
        let lists = self.parts.len() + self.words.0.len() + self.labels.len() + self.anything.len() + servers;
        let password = self.password.as_ref().map_or("", Secret::reveal);
        assert!(password != "x" && self.token.is_empty() && lists > 2);
        assert!(self.url.starts_with("https://") && self.even.is_multiple_of(2) && self.protocol != Protocol::Udp);
        assert!(self.pattern.is_match("eth0")? && self.glob.matches("/var/log"));
        self.log_files = Some(context.log_files().clone());
        self.monitors = Some(context.monitors().clone());
        self.user_agent = Some(context.user_agent().clone());
        self.logger = Some(context.logger().clone());
        Ok(())
    }

    fn gather_sample(&mut self, out: &mut Sample) -> Result<()> {
        self.count += 1;
        if let (Some(log_files), Some(monitors)) = (&self.log_files, &self.monitors) {
            log_files.update(LogConfig::new("/var/log/ice.log"))?;
            log_files.register(LogConfig::new("/var/log/snow.log"))?;
            log_files.withdraw("/var/log/snow.log")?;
            log_files.withdraw_now("/var/log/hail.log")?;
            assert_eq!(log_files.registered(), [PathBuf::from("/var/log/ice.log")]);
            let added = monitors.add(NewMonitor::new("coin", "one").with("gauss_mean", 3).with_log(|log| {
                log.parser = "coins".to_owned();
            }))?;
            assert!(monitors.find(&added).is_some() && monitors.list().len() == 1);
            monitors.remove(&added)?;
        }
        if let Some(user_agent) = &self.user_agent {
            user_agent.clear();
        }
        let reading = |kind| Reading { host: &self.host, kind: Cow::Borrowed(kind), count: self.count, valid: true };
        out.emit_with(self.level, self.real, reading("a"));
        out.at(Timestamp::from_millis(5)).emit_with(self.level, self.real, reading("b"));
        out.under_id("other").at(out_time()).emit(self.seen, 7);
        out.emit(self.seen, self.whole);
        out.emit(self.state_text, self.look.as_str());
        out.emit(self.colour, Colour(3));
        out.emit(self.disk.read, 1);
        out.emit(self.disk.written, 2);
        out.emit_dynamic("found.at.run.time", &1.5, &[("host", &"x"), ("count", &3_u64)]);
        let emission: Emission<'_> = out.at(Timestamp::from_nanos(1_000_000));
        emission.line("user=me action=nothing");
        out.line("a line of text");
        out.calculate_rate("frozen.seen", Some(("type", "read")));
        out.limited("cause", Duration::from_secs(300)).warn("seldom told");
        out.set_interval(Duration::from_secs(20));
        let logger: &Logger = out.logger();
        logger.debug("a detail");
        logger.warn("odd");
        logger.error("bad");
        logger.coded(Level::Error, "frozen/bad", "worse");
        logger.at(Level::Debug3, "a detail of details");
        logger.limited(out.clock(), "cause of its own", Duration::from_secs(1)).error("seldom");
        if self.count > 42 { Err(Error::new("too often")) } else { Ok(()) }
    }

    fn run(&mut self, run: &mut Run) -> Result<()> {
        let stop: Stop = run.stop().clone();
        stop.on_stop(|| ());
        run.set_interval(Duration::from_secs(5));
        run.limited("cause", Duration::from_secs(300)).info("runs");
        run.logger().info(format_args!("every {:?} from {:?}", run.interval(), run.clock().monotonic()));
        while run.next() {
            run.sample(|out| {
                out.emit(self.disk.read, 1);
                Ok(())
            });
            if stop.is_stopped() || stop.wait(Duration::from_millis(1)) {
                break;
            }
        }
        Ok(())
    }
}

fn out_time() -> Timestamp {
    Timestamp::from_millis(Timestamp::from_nanos(7_000_000).as_millis())
}

/// A listener, of packets and of connections.
#[scalyr_monitor(name = "frozen_listener_0_1", enabled_by_default)]
pub struct Listener {
    #[config(flatten)]
    tcp: TcpOptions,

    /// Bytes that came.
    #[metric]
    bytes: Metric<usize>,
}

impl Monitor for Listener {
    fn run(&mut self, run: &mut Run) -> Result<()> {
        let listen: &ListenOptions = &self.tcp.listen;
        assert!(!listen.accept_remote_connections && self.tcp.max_connections > 0);
        let packets: Packets = listen.bind_udp(0)?;
        let mut connections: Connections = self.tcp.bind_tcp(0)?;
        run.logger().info(format_args!("listening on {} {}", packets.local_address(), connections.local_address()));
        while !run.stop().is_stopped() {
            let mut buffer = [0; 100];
            if let Some((length, _sender)) = packets.receive(&mut buffer)? {
                run.sample(|out| {
                    out.emit(self.bytes, length);
                    Ok(())
                });
            }
            if let Some(mut connection) = connections.accept(run.stop())? {
                let connection: &mut Connection = &mut connection;
                let length = connection.read(&mut buffer)?;
                connection.write_all(&buffer[..length])?;
                run.logger().info(format_args!("{} of {}", connections.refused(), connection.peer_address()));
            }
        }
        Ok(())
    }
}

// --- What an option's value can be asked.

#[test]
fn options_are_what_they_say() {
    let pattern = Pattern::new("^eth([0-9]+)$").unwrap();
    assert!(pattern.is_match("eth0").unwrap() && pattern.search("x").unwrap().is_none());
    assert!(pattern.match_start("eth1").unwrap().is_some());
    assert_eq!((pattern.as_str(), pattern.groups()), ("^eth([0-9]+)$", 1));
    assert!(Glob::new("/var/*").matches("/var/log") && Glob::new("a").as_str() == "a");
    assert!(Secret::new("x").reveal() == "x" && !Secret::new("x").is_empty());
    assert_eq!(Protocol::KIND, <Protocol as ConfigValue>::KIND);
    assert_eq!(<Reading<'_> as Fields>::NAMES, ["count", "host", "type", "valid"]);
}

// --- The harness.

fn frozen(look: &str) -> Harness<Frozen> {
    Harness::from_config(json!({ "host": "web-1", "look-kind": look })).allow_dynamic()
}

#[test]
fn everything_that_is_emitted_can_be_looked_at() {
    let mut harness = frozen("plain").with_patience(Duration::from_secs(30));
    assert_eq!(harness.problems(), [] as [&str; 0]);
    assert_eq!(harness.context().name(), "frozen_0_1()");
    assert_eq!(
        (harness.context().sample_interval, harness.context().spacing),
        (Duration::from_secs(10), Spacing::AfterSample)
    );
    assert_eq!((harness.context().log_config.parser.as_str(), harness.context().disabled), ("frozen", false));
    assert_eq!(harness.context().server_attributes["engine"], "ice");
    assert_eq!(harness.user_agent(), "ice:1");

    harness.clock().set(Timestamp::from_millis(1_000));
    harness.clock().advance(Duration::from_secs(1));
    let taken: Taken = harness.sample();
    let first: &Emitted = taken.metric_with("level", "type", "a");
    let value: &Value = first.value();
    assert_eq!((first.name(), value.as_f64(), first.id()), ("level", 0.5, ""));
    assert_eq!((first.time(), first.fields().len()), (Timestamp::from_millis(2_000), 4));
    assert_eq!(first.field("host"), "web-1");
    assert_eq!(first.field("count").as_u64(), 42);
    assert!(first.field("valid").as_bool());
    assert_eq!(taken.value("state_text").as_text(), "plain");
    assert_eq!(taken.value("colour").as_i64(), 3);
    assert_eq!(taken.values("frozen.seen"), [7, 3]);
    assert_eq!(taken.values("disk.io"), [1, 2]);
    assert_eq!(taken.value("found.at.run.time"), 1.5);
    assert!(taken.has("level") && !taken.has("leval") && taken.error().is_none());
    assert!(taken.lines().contains(&"user=me action=nothing"));
    assert_eq!(taken.emitted().len() + 2, taken.lines().len());
    let told: &[Diagnostic] = taken.diagnostics();
    assert_eq!(told[0], "WARNING seldom told");
    let coded = told.iter().find(|told| told.code.is_some()).unwrap();
    assert_eq!((coded.level, coded.message.as_str()), (Level::Error, "worse"));

    assert_eq!(harness.sample().error(), Some("too often"));
    assert_eq!(harness.registered_logs(), [LogConfig::new("/var/log/ice.log")]);
    assert!(harness.added_monitors().is_empty() && harness.user_agent().is_empty());
    assert!(harness.diagnostics().len() > 3);
    harness.expect_all_emitted();
}

#[test]
fn everything_that_is_wrong_is_told() {
    let refused = Harness::<Frozen>::from_config("{ even: 3, protocol: 'tpc', most: 0, pattern: '(' }").forbid_http();
    let problems: &[Problem] = refused.problems();
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["host", "pattern", "even", "protocol", "most"]);
    assert!(problems.iter().all(|problem| problem.severity == Severity::Refused));
    let older = Harness::<Frozen>::from_config("{ hostname: 'x', protocol: 'socket' }").with_env("LOOK", "disabled");
    assert_eq!(older.problems().len(), 2);
    assert!(older.context().disabled && older.problems().iter().all(|it| it.severity == Severity::Warning));
    let initialised = Harness::<Frozen>::from_config("{ host: 'x', most: 1, least: 2 }");
    assert_eq!(initialised.problems(), ["least is above most"]);
    let failed = frozen("nowhere");
    assert_eq!(failed.problems().len(), 1);
}

#[test]
fn a_monitor_runs_while_the_test_looks_on() {
    let mut harness = frozen("plain");
    harness.running(|running: &Running| {
        running.wait_for("disk.io");
        running.clock().advance(Duration::from_secs(5));
        let taken = running.wait_until(|taken| !taken.lines().is_empty());
        assert!(!taken.lines().is_empty() && !running.taken().lines().is_empty());
        running.stop().stop();
    });
    assert!(harness.run_until(|taken| taken.has("disk.io")).has("disk.io"));

    let mut listener = Harness::<Listener>::from_config("{ max_connections: 1, idle_timeout: 1 }");
    listener.running(|running| {
        let told = running.wait_for_diagnostic("listening on");
        let addresses: Vec<SocketAddr> = told.split(' ').filter_map(|word| word.parse().ok()).collect();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", addresses[0]).unwrap();
        assert_eq!(running.wait_for("bytes").value("bytes"), 5);
        let mut stream = TcpStream::connect(addresses[1]).unwrap();
        stream.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    });
}
