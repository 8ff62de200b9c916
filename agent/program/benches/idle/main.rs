//! What an agent costs that has nothing to do but its host metrics and its own, every 30 seconds, with TLS to the server: a real
//! agent, built as for a package, and a server in this process.
//!
//! `cargo xtask idle` runs it; docs/benchmarks.md tells how to read what is printed. It is no test of CI: it prints, with the
//! targets beside, and exits 1 when one is missed.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::unwrap_used, reason = "a bench may end where it stands")]

mod cost;
#[path = "../upload/machine.rs"]
mod machine;
mod server;
#[path = "../../tests/story/mod.rs"]
mod story;
#[path = "../../../tests/tls_front/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod tls_front;

use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use cost::{Cost, Held};
use serde_json::{Value, json};
use server::Server;
use story::{AgentProcess, Scratch, now, say, wait_until, write_config};

/// What is not measured of a run: the start, the first requests, and the second sample of each monitor.
const SETTLING: Duration = Duration::from_secs(45);
/// How often it is looked for the first line.
const LOOK_EVERY: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory comes and goes with each sample, so that one look would tell little.
const HELD_EVERY: Duration = Duration::from_secs(1);
/// Starts that are timed, one after the other.
const STARTS: usize = 5;

/// CPU seconds for each hour.
const MOST_CPU: f64 = 0.7;
/// MiB.
const MOST_PSS: f64 = 6.0;
/// Milliseconds from the start of the process to its first metric line.
const MOST_START: f64 = 100.0;

fn main() -> ExitCode {
    let minutes = match minutes(&env::args().skip(1).filter(|word| word != "--bench").collect::<Vec<_>>()) {
        Ok(minutes) => minutes,
        Err(problem) => {
            say(&format!("cargo xtask idle: {problem}"));
            return ExitCode::from(2);
        }
    };
    let starts = starts();
    let (server, scratch) = (Server::start(), Scratch::new());
    let config = config(&scratch, &server);
    let load_before = machine::load();
    let mut agent = AgentProcess::start(&scratch, &config);
    wait_until("a request has arrived", PATIENCE, || server.requests() > 0);
    say(&format!("measures for {minutes} minutes"));
    thread::sleep(SETTLING);
    let begin = Cost::of(agent.process(), &server);
    let took = now();
    let held: Vec<Held> = (0..minutes * 60)
        .map(|_| {
            thread::sleep(HELD_EVERY);
            Held::by(agent.process())
        })
        .collect();
    let end = Cost::of(agent.process(), &server);
    let hours = took.elapsed().as_secs_f64() / 3600.0;
    let threads = agent.process().cpu_of_threads();
    let status = agent.status();
    agent.kill();

    println!("{}; load of one minute (five): {load_before} before, {} after", machine::describe(), machine::load());
    println!("{minutes} minutes, {} KiB of program file\n", program_kib());
    let lines = status.as_ref().map_or(0, emitted);
    let mut is_met = true;
    let mut row = |what: &str, value: f64, digits: usize, most: Option<f64>| {
        let judged = most.map(|most| {
            is_met &= value <= most;
            format!("  (<= {most} {})", if value <= most { "ok" } else { "missed" })
        });
        println!("{what:44}{value:>10.digits$}{}", judged.unwrap_or_default());
    };
    row("CPU seconds per hour", (end.cpu - begin.cpu) / hours, 3, Some(MOST_CPU));
    let mean = |of: &dyn Fn(&Held) -> f64| held.iter().map(of).sum::<f64>() / held.len() as f64;
    let (pss, anonymous) = (mean(&|held| held.pss), mean(&|held| held.anonymous));
    row("PSS, MiB, mean of a look per second", pss, 2, Some(MOST_PSS));
    row("  of it anonymous", anonymous, 2, None);
    row("  of it the program file and libraries", pss - anonymous, 2, None);
    row("PSS, MiB, lowest", held.iter().map(|held| held.pss).fold(f64::INFINITY, f64::min), 2, None);
    row("PSS, MiB, highest", held.iter().map(|held| held.pss).fold(0.0, f64::max), 2, None);
    row("RSS, MiB, mean", mean(&|held| held.rss), 2, None);
    row("threads", end.threads as f64, 0, None);
    row("context switches per minute", (end.switches - begin.switches) as f64 / hours / 60.0, 1, None);
    row("requests per minute", (end.requests - begin.requests) as f64 / hours / 60.0, 1, None);
    row("bytes sent per minute, within TLS", (end.sent - begin.sent) as f64 / hours / 60.0, 0, None);
    row("TLS handshakes, over all", server.handshakes() as f64, 0, None);
    row("metric lines, over all", lines as f64, 0, None);
    row("start to first metric line, ms (median)", starts[STARTS / 2], 1, Some(MOST_START));
    row("start to first metric line, ms (longest)", starts[STARTS - 1], 1, None);
    println!("\nCPU milliseconds by thread, from the start on: {}", by_thread(&threads));
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn minutes(words: &[String]) -> Result<u64, String> {
    match words {
        [] => Ok(10),
        [option, value] if option == "--minutes" => {
            let minutes = value.parse().ok().filter(|minutes| *minutes > 0);
            minutes.ok_or_else(|| format!("`--minutes` takes a whole number above 0, not `{value}`"))
        }
        _ => Err("all it takes is `--minutes N`".to_owned()),
    }
}

/// What an agent does by itself: host metrics, its own, and its log; over TLS.
fn config(scratch: &Scratch, server: &Server) -> std::path::PathBuf {
    let authority = scratch.path("authority.pem");
    fs::write(&authority, server.authority()).unwrap();
    let extra = json!({
        "allow_http": false,
        "ca_cert_path": authority,
        "implicit_agent_log_collection": true,
        "implicit_metric_monitor": true,
        "implicit_agent_process_metrics_monitor": true,
        "global_monitor_sample_interval": 30,
    });
    write_config(scratch, &server.url(), json!([]), extra)
}

/// How long it takes from the start of the process to the first line of each monitor, in milliseconds, sorted.
fn starts() -> Vec<f64> {
    let mut all: Vec<f64> = (0..STARTS)
        .map(|_| {
            let (server, scratch) = (Server::start(), Scratch::new());
            let config = config(&scratch, &server);
            let logs = ["linux_system_metrics", "linux_process_metrics"];
            let logs = logs.map(|name| scratch.path(&format!("log/{name}.log")));
            let begin = now();
            let mut agent = AgentProcess::start(&scratch, &config);
            let has_line = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
            while !logs.iter().all(|path| has_line(path)) {
                assert!(begin.elapsed() < PATIENCE, "no metric line: {}", agent.process().stderr());
                thread::sleep(LOOK_EVERY);
            }
            let took = begin.elapsed().as_secs_f64() * 1000.0;
            agent.kill();
            took
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

fn emitted(status: &Value) -> u64 {
    let monitors = status["monitors"].as_array().map(Vec::as_slice).unwrap_or_default();
    monitors.iter().filter_map(|monitor| monitor["lines_emitted"].as_u64()).sum()
}

fn program_kib() -> u64 {
    fs::metadata(env!("CARGO_BIN_EXE_agent")).map_or(0, |file| file.len() / 1024)
}

fn by_thread(threads: &std::collections::BTreeMap<String, u64>) -> String {
    let mut threads: Vec<_> = threads.iter().collect();
    threads.sort_by_key(|(_, used)| std::cmp::Reverse(**used));
    threads.iter().map(|(name, used)| format!("{name} {:.1}", **used as f64 / 1e6)).collect::<Vec<_>>().join(", ")
}
