//! What it costs to upload a log: a real agent, built as for a release, a file of 256 MiB, and a sink in this process that
//! does next to nothing. Beside each row stands what its compressor alone costs on the same bytes, and below the agent's rows
//! stand those of other programs, as far as they are installed.
//!
//! `cargo xtask bench` runs it; docs/benchmarks.md tells how to read what is printed. The machine should have nothing else to
//! do. It is no test: it prints, with the targets beside. Only `--smoke` judges, and not the times.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::unwrap_used, reason = "a bench may end where it stands")]

#[path = "../../../benches/material/access_log.rs"]
mod access_log;
mod log_file;
mod machine;
mod options;
mod ours;
mod outcome;
mod peers;
mod proof;
mod sink;
#[path = "../../tests/story/mod.rs"]
mod story;
mod table;
mod watch;

use std::env;
use std::process::ExitCode;

use access_log::LINE_BYTES;
use log_file::LogFile;
use options::Options;
use ours::{Ours, ROWS};
use outcome::Outcome;
use peers::{PEERS, Peer};
use sink::Kept;
use story::{Scratch, say};
use table::{Row, Targets};

/// What is kept of a run at most, as a multiple of the log: the Python agent's bodies are twice the log, in JSON its lines
/// grow less.
const ROOM: f64 = 2.4;

fn main() -> ExitCode {
    let asked = Options::parse(env::args().skip(1)).and_then(|options| Ok((chosen(&options)?, options)));
    let (contestants, options) = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            say(&format!("cargo xtask bench: {problem}"));
            return ExitCode::from(2);
        }
    };
    let scratch = Scratch::new();
    let log = LogFile::write(&scratch.path("access.log"), options.mib).unwrap();
    let small = LogFile::write(&scratch.path("small.log"), options.peer_mib.min(options.mib)).unwrap();
    let mut kept = Kept::with_room((log.bytes as f64 * ROOM) as usize);
    let mut rows: Vec<Row> = contestants.iter().map(Contestant::row).collect();
    let load_before = machine::load();
    for run in 1..=options.runs {
        for (contestant, row) in contestants.iter().zip(&mut rows).filter(|(_, row)| row.trouble.is_none()) {
            say(&format!("run {run} of {}: {}", options.runs, row.name));
            match contestant.run(&log, &small, &mut kept) {
                Ok(outcome) => row.runs.push(outcome),
                Err(trouble) => row.trouble = Some(trouble),
            }
        }
    }
    println!("{} MiB, {} lines of {} bytes, {} runs", options.mib, log.lines, LINE_BYTES, options.runs);
    println!("{}; load of one minute (five): {load_before} before, {} after", machine::describe(), machine::load());
    println!("\n{}", table::render(&rows));
    let is_proven = rows.iter().all(|row| row.trouble.is_none() && row.runs.len() == options.runs);
    if options.smoke && !is_proven { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Who sends the log.
enum Contestant {
    Ours(&'static Ours),
    Peer(&'static Peer),
}

impl Contestant {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours(ours) => ours.name,
            Self::Peer(peer) => peer.name,
        }
    }

    fn row(&self) -> Row {
        let targets = match self {
            Self::Ours(ours) => ours.targets,
            Self::Peer(_) => Targets::default(),
        };
        Row { name: self.name(), targets, runs: Vec::new(), trouble: None }
    }

    fn run(&self, log: &LogFile, small: &LogFile, kept: &mut Kept) -> Result<Outcome, String> {
        match self {
            Self::Ours(ours) => ours.run(log, kept),
            Self::Peer(peer) => {
                let run = peer.run(if peer.is_slow { small } else { log }, kept);
                run.unwrap_or_else(|| Err("not installed".to_owned()))
            }
        }
    }
}

/// The rows that were asked for. A name stands for the row of that name, or else for all that begin with it.
fn chosen(options: &Options) -> Result<Vec<Contestant>, String> {
    let all: Vec<Contestant> = ROWS.iter().map(Contestant::Ours).chain(PEERS.iter().map(Contestant::Peer)).collect();
    if options.only.is_empty() {
        return Ok(all
            .into_iter()
            .filter(|contestant| match contestant {
                Contestant::Ours(ours) => options.all || !ours.is_rare,
                Contestant::Peer(_) => options.peers,
            })
            .collect());
    }
    let mut chosen: Vec<Contestant> = Vec::new();
    for name in &options.only {
        let is_whole = all.iter().any(|contestant| contestant.name() == name);
        let fits = |contestant: &&Contestant| {
            contestant.name() == name || !is_whole && contestant.name().starts_with(&format!("{name}-"))
        };
        let before = chosen.len();
        chosen.extend(all.iter().filter(fits).map(|contestant| match contestant {
            Contestant::Ours(ours) => Contestant::Ours(ours),
            Contestant::Peer(peer) => Contestant::Peer(peer),
        }));
        if chosen.len() == before {
            let names: Vec<&str> = all.iter().map(Contestant::name).collect();
            return Err(format!("there is no row `{name}`; there are {}", names.join(", ")));
        }
    }
    Ok(chosen)
}
