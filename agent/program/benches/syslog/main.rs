//! What it costs to receive syslog messages, from the socket to a sink, without compression: a real agent that receives,
//! writes, reads, uploads; and other programs that forward to a sink of lines, as far as they are installed.
//!
//! `cargo xtask bench --syslog` runs it; the machine should have nothing else to do. It is no test: it prints, with the
//! targets beside.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::unwrap_used, reason = "a bench may end where it stands")]

mod contestants;
#[path = "../upload/machine.rs"]
mod machine;
mod senders;
#[path = "../upload/sink.rs"]
#[expect(dead_code, reason = "the other bench uses more of it")]
mod sink;
#[path = "../../tests/story/mod.rs"]
mod story;

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use contestants::Running;
use senders::Way;
use story::{Scratch, now, say, wait_until};

/// The kernel counts the CPU time of a process in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(60);
/// When nothing more arrives for so long, the rest is lost.
const QUIET: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

type Start = fn(&Scratch) -> Option<Running>;

const CONTESTANTS: [(&str, Start); 3] =
    [("agent", contestants::agent), ("rsyslog", contestants::rsyslog), ("syslog-ng", contestants::syslog_ng)];

fn main() {
    println!("{}; load of one minute (five): {}", machine::describe(), machine::load());
    println!("targets by TCP: 250,000/s and 2 us of CPU each; by UDP none lost\n");
    println!(
        "{:<36}{:<12}{:>12}{:>14}{:>10}{:>16}",
        "messages of 150 bytes", "", "messages/s", "CPU us each", "lost", "told as lost"
    );
    for way in Way::ALL {
        for (name, start) in CONTESTANTS {
            match measure(way, start) {
                Some(Figures { speed, cpu, lost, told }) => {
                    println!("{:<36}{name:<12}{speed:>12.0}{cpu:>14.2}{lost:>10}{told:>16}", way.name());
                }
                None => println!("{:<36}{name:<12}not installed, or it does not start", way.name()),
            }
        }
    }
}

struct Figures {
    speed: f64,
    cpu: f64,
    lost: u64,
    told: u64,
}

fn measure(way: Way, start: Start) -> Option<Figures> {
    let scratch = Scratch::new();
    let mut running = start(&scratch)?;
    let port = running.port;
    let mut has_ended = false;
    wait_until("it listens", PATIENCE, || {
        has_ended = running.process().ended().is_some();
        has_ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    if has_ended {
        say(&running.process().stderr());
        return None;
    }
    let (ticks, begin, messages) = (running.process().cpu_ticks(), now(), way.messages());
    way.send(port);
    let (mut seen, mut since, mut told) = (0, now(), 0);
    while seen < messages && since.elapsed() < QUIET {
        thread::sleep(LOOK_EVERY);
        let (arrived, lost) = running.arrived();
        told = lost;
        if arrived > seen {
            (seen, since) = (arrived, now());
        }
    }
    let cpu = (running.process().cpu_ticks() - ticks) as f64 / TICKS_PER_SECOND;
    let seconds = since.duration_since(begin).as_secs_f64();
    running.process().kill();
    let Running { sink, .. } = running;
    sink.finish();
    let speed = seen as f64 / seconds;
    Some(Figures { speed, cpu: cpu * 1e6 / seen.max(1) as f64, lost: messages.saturating_sub(seen), told })
}
