//! What it costs to follow log files, and how soon a line arrives: a real agent, built as for a release, and a receiver in
//! this process.
//!
//! `cargo bench -p agent --bench tailing` measures all of it in about five minutes; names choose: `… --bench tailing --
//! latency idle`. The machine should have nothing else to do. Nothing here is a test: it prints, with the targets beside.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::unwrap_used, reason = "a bench may end where it stands")]

mod arrivals;
#[path = "../../tests/story/mod.rs"]
mod story;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use arrivals::Arrivals;
use rand::RngExt;
use serde_json::{Value, json};
use story::{AgentProcess, Lines, Scratch, now, seeded_rng, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(180);
/// The kernel counts the CPU time of a process in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// The measurements, by name.
const ALL: [(&str, fn()); 4] =
    [("trickle", trickle), ("latency", latency), ("throughput", throughput), ("idle", ten_thousand_idle)];

fn main() {
    let chosen: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = chosen.iter().find(|word| ALL.iter().all(|(name, _)| name != word)) {
        let names = ALL.map(|(name, _)| name).join(", ");
        println!("there is no measurement `{unknown}`; there are {names}");
        return;
    }
    show("measured", "value", "target");
    for (_, measure) in ALL.iter().filter(|(name, _)| chosen.is_empty() || chosen.iter().any(|word| word == name)) {
        measure();
    }
}

/// A line of the table.
fn show(what: &str, value: &str, target: &str) {
    println!("{what:<58} {value:>14}   {target}");
}

/// An agent that follows `count` files below `logs/`, each with a line from before it.
fn agent_over(scratch: &Scratch, arrivals: &Arrivals, count: usize) -> (AgentProcess, Vec<PathBuf>) {
    fs::create_dir_all(scratch.path("logs")).unwrap();
    let paths: Vec<PathBuf> = (0..count).map(|number| scratch.path(&format!("logs/{number:05}.log"))).collect();
    paths.iter().for_each(|path| fs::write(path, "from before\n").unwrap());
    let agent = start(scratch, arrivals, json!([{ "path": scratch.path("logs/*.log") }]));
    wait_until("all files are watched", PATIENCE, || {
        agent.status().is_some_and(|status| status["tail"]["watched_paths"].as_u64() == Some(count as u64))
    });
    (agent, paths)
}

fn start(scratch: &Scratch, arrivals: &Arrivals, logs: Value) -> AgentProcess {
    let config = write_config(scratch, &arrivals.url(), logs, json!({}));
    let agent = AgentProcess::start(scratch, &config);
    wait_until("the agent runs", PATIENCE, || agent.status().is_some());
    agent
}

/// CPU seconds of each of the agent's threads while `work` is done, those that used most first, and the seconds it took.
fn cpu_of(agent: &mut AgentProcess, work: impl FnOnce()) -> (Vec<(String, f64)>, f64) {
    let (before, begin) = (agent.process().cpu_of_threads(), now());
    work();
    let (after, seconds) = (agent.process().cpu_of_threads(), begin.elapsed().as_secs_f64());
    let used = after.into_iter().map(|(name, nanoseconds)| {
        let nanoseconds = nanoseconds.saturating_sub(before.get(&name).copied().unwrap_or_default());
        (name, nanoseconds as f64 / 1e9)
    });
    let mut used: Vec<_> = used.collect();
    used.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    (used, seconds)
}

fn sum(used: &[(String, f64)]) -> f64 {
    used.iter().map(|(_, seconds)| seconds).sum()
}

/// The threads that used at least a hundredth of it.
fn show_shares(used: &[(String, f64)]) {
    let sum = sum(used);
    for (name, seconds) in used.iter().filter(|(_, seconds)| *seconds >= sum / 100.0) {
        show(&format!("  thread {name}: share of that"), &format!("{:.0} %", seconds / sum * 100.0), "");
    }
}

/// A thousand files with ten lines a second together, for a minute.
fn trickle() {
    let (scratch, arrivals, mut chance) = (Scratch::new(), Arrivals::start(), seeded_rng());
    let (mut agent, paths) = agent_over(&scratch, &arrivals, 1_000);
    thread::sleep(Duration::from_secs(3));
    let (cpu, seconds) = cpu_of(&mut agent, || {
        let begin = now();
        for line in 1..=600 {
            Lines::new(&paths[chance.random_range(0..paths.len())], 80).append(1);
            thread::sleep(Duration::from_millis(line * 100).saturating_sub(begin.elapsed()));
        }
    });
    wait_until("all lines have arrived", PATIENCE, || arrivals.count() >= 600);
    let what = "1,000 files, 10 lines/s together:";
    show(&format!("{what} CPU s per hour"), &format!("{:.1}", sum(&cpu) / seconds * 3_600.0), "<= 10");
    show_shares(&cpu);
    show(&format!("{what} PSS MiB"), &mib(&mut agent), "<= 12");
}

/// From the moment before a line is appended to the moment when the receiver has parsed it.
fn latency() {
    const SAMPLES: u64 = 80;
    let (scratch, arrivals, mut chance) = (Scratch::new(), Arrivals::start(), seeded_rng());
    let log = scratch.path("app.log");
    let _agent = start(&scratch, &arrivals, json!([{ "path": log }]));
    let mut lines = Lines::new(&log, 80);
    lines.append(1);
    wait_until("the first line has arrived", PATIENCE, || arrivals.count() == 1);
    let mut times: Vec<Duration> = (1..=SAMPLES)
        .map(|number| {
            thread::sleep(Duration::from_millis(chance.random_range(300..2_000)));
            let appended = now();
            lines.append(1);
            wait_until("the line has arrived", PATIENCE, || arrivals.count() > number);
            arrivals.last().duration_since(appended)
        })
        .collect();
    times.sort();
    // The nearest rank: of 80 samples the last but none stands for the 99th percentile.
    let rank = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
    let what = format!("append to arrival, {SAMPLES} lines after 0.3-2 s of quiet:");
    show(&format!("{what} median ms"), &ms(rank(50)), "<= 50");
    show(&format!("{what} p90 ms"), &ms(rank(90)), "");
    show(&format!("{what} p99 ms"), &ms(rank(99)), "<= 300");
}

/// One file of 200 MB, read from its begin.
fn throughput() {
    const BYTES: u64 = 200_000_000;
    const LINE: u64 = 125;
    let (scratch, arrivals) = (Scratch::new(), Arrivals::start());
    let log = scratch.path("app.log");
    Lines::new(&log, 109).append(BYTES / LINE);
    let begin = now();
    let mut agent = start(&scratch, &arrivals, json!([{ "path": log, "copy_from_start": true }]));
    wait_until("all lines have arrived", PATIENCE, || arrivals.count() >= BYTES / LINE);
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), agent.process().cpu_ticks() as f64 / TICKS_PER_SECOND);
    let megabytes = fs::metadata(&log).unwrap().len() as f64 / 1e6;
    show("one file of 200 MB, lines of 125 bytes: MB per CPU s", &format!("{:.0}", megabytes / cpu), "");
    show("one file of 200 MB: MB per s (with this receiver)", &format!("{:.0}", megabytes / seconds), "");
    show("one file of 200 MB: PSS MiB afterwards", &mib(&mut agent), "");
}

/// Ten thousand files to which nothing happens, for a minute.
fn ten_thousand_idle() {
    let (scratch, arrivals) = (Scratch::new(), Arrivals::start());
    let begin = now();
    let (mut agent, _) = agent_over(&scratch, &arrivals, 10_000);
    let started = begin.elapsed().as_secs_f64();
    thread::sleep(Duration::from_secs(12));
    let (cpu, seconds) = cpu_of(&mut agent, || thread::sleep(Duration::from_secs(60)));
    show("10,000 idle files: s until all are watched", &format!("{started:.1}"), "");
    show("10,000 idle files: CPU s per minute", &format!("{:.2}", sum(&cpu) / seconds * 60.0), "near 0");
    show_shares(&cpu);
    show("10,000 idle files: PSS MiB", &mib(&mut agent), "");
}

fn mib(agent: &mut AgentProcess) -> String {
    format!("{:.1}", agent.process().pss_kib() as f64 / 1_024.0)
}
