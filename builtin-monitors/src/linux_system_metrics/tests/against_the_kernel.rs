//! The monitor over this machine's own files, beside a reader that shares no code with it: each value must lie between
//! what that reader finds right before the sample and right after it.
//!
//! Memory, sockets and the like go up and down at any time, so a value may miss its two readings now and then; each one has
//! to lie between them at some turn.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::process::Command;
use std::time::Duration;

use scalyr_monitor::Clock;

use super::{Running, json};

/// How long the readings may take until they agree; as a rule a few turns do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Values by the text of their series: `proc.stat.cpu type="user"`.
type Values = BTreeMap<String, f64>;

fn file(path: &str) -> String {
    read_to_string(path).unwrap_or_default()
}

fn put(values: &mut Values, series: impl Into<String>, value: &str) {
    values.insert(series.into(), value.parse().unwrap());
}

fn read_processors(values: &mut Values) {
    let uptime = file("/proc/uptime");
    put(values, "proc.uptime.total", uptime.split(' ').next().unwrap());
    put(values, "proc.uptime.now", uptime.trim_end().split(' ').nth(1).unwrap());
    let load = file("/proc/loadavg").replace('/', " ");
    for (name, value) in ["1min", "5min", "15min", "runnable", "total_threads"].iter().zip(load.split(' ')) {
        put(values, format!("proc.loadavg.{name}"), value);
    }
    let stat = file("/proc/stat");
    let cpu = stat.lines().next().unwrap().split_whitespace().skip(1);
    let kinds = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest"];
    for (kind, value) in kinds.iter().zip(cpu) {
        put(values, format!("proc.stat.cpu type=\"{kind}\""), value);
    }
    for name in ["intr", "ctxt", "processes", "procs_blocked"] {
        let (_, behind) = stat.split_once(&format!("\n{name} ")).unwrap();
        put(values, format!("proc.stat.{name}"), behind.split(|byte: char| !byte.is_ascii_digit()).next().unwrap());
    }
    let count = Command::new("nproc").arg("--all").output().unwrap().stdout;
    put(values, "sys.cpu.count", String::from_utf8(count).unwrap().trim());
    put(values, "proc.kernel.entropy_avail", file("/proc/sys/kernel/random/entropy_avail").trim());
}

fn read_memory(values: &mut Values) {
    for (key, rest) in file("/proc/meminfo").lines().filter_map(|line| line.split_once(':')) {
        if !key.contains('(') {
            let name = format!("proc.meminfo.{}", key.to_lowercase());
            put(values, name, rest.trim().trim_end_matches(" kB"));
        }
    }
    for (name, value) in file("/proc/vmstat").lines().filter_map(|line| line.split_once(' ')) {
        if ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"].contains(&name) {
            put(values, format!("proc.vmstat.{name}"), value);
        }
    }
    let numastat = file("/sys/devices/system/node/node0/numastat");
    for (name, value) in numastat.lines().filter_map(|line| line.split_once(' ')) {
        let series = match name {
            "numa_hit" => "zoneallocs node=\"0\" type=\"hit\"",
            "numa_miss" => "zoneallocs node=\"0\" type=\"miss\"",
            "numa_foreign" => "foreign_allocs node=\"0\"",
            "interleave_hit" => "interleave node=\"0\" type=\"hit\"",
            "local_node" => "allocation node=\"0\" type=\"local\"",
            "other_node" => "allocation node=\"0\" type=\"remote\"",
            _ => continue,
        };
        put(values, format!("sys.numa.{series}"), value);
    }
}

fn read_network(values: &mut Values) {
    for (name, rest) in file("/proc/self/net/dev").lines().skip(2).filter_map(|line| line.split_once(':')) {
        let columns: Vec<&str> = rest.split_whitespace().collect();
        for (at, metric) in ["bytes", "packets", "errs", "dropped"].iter().enumerate() {
            for (direction, at) in [("in", at), ("out", at + 8)] {
                let series = format!("proc.net.{metric} direction=\"{direction}\" iface=\"{}\"", name.trim());
                put(values, series, columns[at]);
            }
        }
    }
    let page_size = Command::new("getconf").arg("PAGESIZE").output().unwrap().stdout;
    let page_size: f64 = String::from_utf8(page_size).unwrap().trim().parse().unwrap();
    let sockstat = file("/proc/self/net/sockstat").replace('\n', " ");
    let behind = |line: &str, name: &str| {
        let (_, rest) = sockstat.split_once(&format!("{line}: ")).unwrap();
        let (_, value) = rest.split_once(&format!("{name} ")).unwrap();
        value.split(' ').next().unwrap().to_owned()
    };
    for (series, line, name) in [
        ("num_sockets type=\"tcp\"", "TCP", "alloc"),
        ("num_timewait", "TCP", "tw"),
        ("num_orphans", "TCP", "orphan"),
        ("sockets_inuse type=\"tcp\"", "TCP", "inuse"),
        ("sockets_inuse type=\"udp\"", "UDP", "inuse"),
        ("sockets_inuse type=\"raw\"", "RAW", "inuse"),
        ("ipfragqueues", "FRAG", "inuse"),
        ("memory type=\"ipfrag\"", "FRAG", "memory"),
    ] {
        put(values, format!("net.sockstat.{series}"), &behind(line, name));
    }
    for (kind, line) in [("tcp", "TCP"), ("udp", "UDP")] {
        let bytes = behind(line, "mem").parse::<f64>().unwrap() * page_size;
        values.insert(format!("net.sockstat.memory type=\"{kind}\""), bytes);
    }
}

/// A few of the counters of TCP, by a look into the file; the others go through the same code.
fn read_tcp(values: &mut Values) {
    let text = file("/proc/self/net/netstat") + &file("/proc/self/net/snmp");
    let counter = |prefix: &str, name: &str| -> f64 {
        let mut lines = text.lines().filter(|line| line.starts_with(prefix));
        let at = lines.next().unwrap().split(' ').position(|word| word == name).unwrap();
        lines.next().unwrap().split(' ').nth(at).unwrap().parse().unwrap()
    };
    for (series, name) in [
        ("delayedack type=\"sent\"", "DelayedACKs"),
        ("delayedack type=\"lost\"", "DelayedACKLost"),
        ("failed_accept reason=\"full_acceptq\"", "ListenOverflows"),
        ("abort type=\"data_after_close\"", "TCPAbortOnClose"),
        ("abort.failed", "TCPAbortFailed"),
        ("receive.queue.full", "TCPBacklogDrop"),
    ] {
        values.insert(format!("net.stat.tcp.{series}"), counter("TcpExt: ", name));
    }
    let other = counter("TcpExt: ", "ListenDrops") - counter("TcpExt: ", "ListenOverflows");
    values.insert("net.stat.tcp.failed_accept reason=\"other\"".to_owned(), other.max(0.0));
    values.insert("net.stat.tcp.resets direction=\"out\"".to_owned(), counter("Tcp: ", "OutRsts"));
    values.insert("net.stat.tcp.errors direction=\"in\"".to_owned(), counter("Tcp: ", "InErrs"));
}

fn read_disks(values: &mut Values) {
    let names = "read_requests read_merged read_sectors msec_read write_requests write_merged write_sectors msec_write \
                 ios_in_progress msec_total msec_weighted_total";
    for line in file("/proc/diskstats").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[3] == "0" {
            continue;
        }
        let is_partition = std::path::Path::new(&format!("/sys/class/block/{}/partition", words[2])).exists();
        let kind = if is_partition { "part" } else { "disk" };
        for (name, value) in names.split(' ').zip(&words[3..]) {
            put(values, format!("iostat.{kind}.{name} dev=\"{}\"", words[2]), value);
        }
    }
    let told = Command::new("df").args(["-lk", "--output=fstype,size,used,avail,itotal,iused,iavail", "/"]).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    let words: Vec<&str> = told.lines().nth(1).unwrap().split_whitespace().collect();
    let groups = ["1kblocks.total", "1kblocks.used", "1kblocks.free", "inodes.total", "inodes.used", "inodes.free"];
    for (name, value) in groups.iter().zip(&words[1..]) {
        if *value != "-" && !(name.starts_with("inodes") && words[4] == "0") {
            put(values, format!("df.{name} fstype=\"{}\" mount=\"/\"", words[0]), value);
        }
    }
}

fn read_independently() -> Values {
    let mut values = Values::new();
    read_processors(&mut values);
    read_memory(&mut values);
    read_network(&mut values);
    read_tcp(&mut values);
    read_disks(&mut values);
    values
}

/// `2026-… [monitor()] NAME VALUE FIELDS` as `NAME FIELDS` with its value.
fn sampled(lines: &str) -> Values {
    let series = |line: &str| {
        let (_, bare) = line.split_once("] ").unwrap();
        let (name, rest) = bare.split_once(' ').unwrap();
        let (value, fields) = rest.split_once(' ').unwrap_or((rest, ""));
        (format!("{name} {fields}").trim_end().to_owned(), value.parse().unwrap())
    };
    lines.lines().map(series).collect()
}

#[test]
fn each_value_lies_between_what_the_kernel_says_before_and_after_the_sample() {
    let every_interface = json!({ "network_interface_prefixes": [""], "network_interface_suffix": ".*" });
    let mut running = Running::start(every_interface).unwrap();
    let (clock, mut open) = (Clock::system(), None::<Vec<String>>);
    let began = clock.monotonic();
    loop {
        let before = read_independently();
        let sample = sampled(&running.sample());
        let after = read_independently();
        let between = |series: &String| {
            let (Some(before), Some(value), Some(after)) = (before.get(series), sample.get(series), after.get(series))
            else {
                return false;
            };
            (before.min(*after)..=before.max(*after)).contains(value)
        };
        let series = open.unwrap_or_else(|| before.keys().cloned().collect());
        assert!(before.len() > 100 || series.len() < before.len(), "{before:?}");
        let left: Vec<String> = series.into_iter().filter(|series| !between(series)).collect();
        if left.is_empty() {
            break;
        }
        let values = |of: &Values| left.iter().map(|series| of.get(series).copied()).collect::<Vec<_>>();
        let told = (values(&before), values(&sample), values(&after));
        assert!(clock.monotonic() - began < PATIENCE, "{left:?} never lay between: {told:?}");
        open = Some(left);
    }
}

#[test]
fn nothing_is_told_of_which_the_independent_reader_knows_nothing() {
    let mut running = Running::start(json!({ "ignore_mounts": ["/?*"] })).unwrap();
    let known = read_independently();
    let sample = sampled(&running.sample());
    let unknown: Vec<_> = sample.keys().filter(|series| !known.contains_key(*series)).collect();
    // Of these the reader looks at some only; a second memory node is not looked at; an interface may come and go.
    let expected = ["net.stat.tcp.", "net.sockstat.sockets_inuse", "sys.numa.", "proc.net.", "iostat."];
    let unexpected: Vec<_> = unknown.iter().filter(|series| !expected.iter().any(|e| series.starts_with(e))).collect();
    assert_eq!(unexpected, Vec::<&&String>::new());
}
