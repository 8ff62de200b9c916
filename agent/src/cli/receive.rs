//! `agent receive`: a small Scalyr-compatible endpoint on this host.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver as Receiving, RecvTimeoutError, bounded};
use scalyr_monitor::{Clock, Stop};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::signals::stop_on;
use crate::receiver::faults::GRAMMAR;
use crate::receiver::{Arrival, Observer, Options, Receiver, Script, Summary, escape, show_events};
use crate::threads::Threads;

/// How often the command looks whether it is asked to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many requests may wait to be printed; then the terminal holds back the clients.
const WAITING_REQUESTS: usize = 16;

/// Takes uploads like the Scalyr service does, and prints the events or appends them to a file.
///
/// The first line printed is `listening on http://ADDRESS:PORT`. Point an agent's `scalyr_server` there (with
/// `allow_http: true`). Requests are checked strictly: what is wrong with one is answered to the client, and told at the
/// end. While it runs, `GET /control/summary` answers the counts as JSON, and `POST /control/faults` replaces the
/// script of faults.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = format!("\
Examples:
  agent receive --listen 127.0.0.1:8088
  agent receive --listen 127.0.0.1:8088 --output events.jsonl --fault 5*http:503,key

{GRAMMAR}"))]
pub struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = read_address)]
    pub listen: SocketAddr,

    /// Let other hosts send, too (nothing is encrypted).
    #[arg(long)]
    pub allow_remote: bool,

    /// Append each accepted event to FILE as one JSON line, instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What to do wrong, such as `stall` or `3*status:error/server/backoff` (see below).
    #[arg(long, value_name = "SCRIPT", default_value = "", hide_default_value = true)]
    pub fault: Script,

    /// End after this many uploads.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_requests: Option<u64>,
}

fn read_address(text: &str) -> Result<SocketAddr, String> {
    let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let address = named.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    address
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// Runs until SIGINT, SIGTERM or the last upload that was asked for; prints to `out`, problems to `err`.
///
/// Ends with success, or with 1 when it could not start.
pub fn run(args: Args, clock: &Clock, out: &mut (dyn Write + Send), err: &mut (dyn Write + Send)) -> ExitCode {
    match receive(args, clock, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere is left to tell it when this fails, too.
            let _ = writeln!(err, "agent receive: {error}");
            ExitCode::FAILURE
        }
    }
}

fn receive(args: Args, clock: &Clock, out: &mut dyn Write) -> io::Result<()> {
    let (asked_to_end, threads) = (Stop::new(), Threads::new());
    stop_on(&[SIGINT, SIGTERM], &asked_to_end, &threads)?;
    let (print, printed) = bounded::<String>(WAITING_REQUESTS);
    let observer: Observer = Arc::new(move |arrival: &Arrival<'_, '_>| {
        let mut text = String::new();
        show_events(arrival.request, &mut text);
        // When nobody prints any more, the command is ending.
        let _ = print.send(text);
    });
    let prints = args.output.is_none();
    let options = Options {
        listen: args.listen,
        allow_remote: args.allow_remote,
        output: args.output,
        faults: args.fault,
        observer: prints.then_some(observer),
        ..Options::default()
    };
    let receiver = Arc::new(Receiver::start(options, &threads, clock)?);
    let mut result = writeln!(out, "listening on {}", receiver.url()).and_then(|()| out.flush());
    while result.is_ok() && !asked_to_end.is_stopped() && !is_enough(&receiver, args.max_requests) {
        if prints {
            let text = printed.recv_timeout(LOOK_EVERY).unwrap_or_default();
            result = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        } else {
            asked_to_end.wait(LOOK_EVERY);
        }
    }
    let ended = stop(&receiver, &threads, &printed, &mut |text| {
        if result.is_ok() {
            result = out.write_all(text.as_bytes());
        }
    })?;
    result?;
    print_summary(&receiver.summary(), ended, out)
}

/// Stops, and meanwhile goes on printing: a connection may wait for that before it can end.
fn stop(
    receiver: &Arc<Receiver>,
    threads: &Threads,
    printed: &Receiving<String>,
    print: &mut dyn FnMut(String),
) -> io::Result<bool> {
    let (done, stopped) = bounded(1);
    let stopping = Arc::clone(receiver);
    threads.spawn("receiver-stop", move || {
        // The other side waits until this was sent.
        let _ = done.send(stopping.stop());
    })?;
    loop {
        printed.try_iter().for_each(&mut *print);
        match stopped.recv_timeout(LOOK_EVERY / 10) {
            Ok(ended) => {
                printed.try_iter().for_each(print);
                return Ok(ended);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
    }
}

fn is_enough(receiver: &Receiver, max_requests: Option<u64>) -> bool {
    max_requests.is_some_and(|max| receiver.wait_until(Duration::ZERO, |summary| summary.finished >= max))
}

fn print_summary(summary: &Summary, ended: bool, out: &mut dyn Write) -> io::Result<()> {
    let Summary { requests, accepted, refused, withheld, events, repeated_events, message_bytes, .. } = summary;
    writeln!(
        out,
        "received {requests} requests ({accepted} accepted, {refused} refused, {withheld} withheld), {events} events \
         ({repeated_events} repeated), {message_bytes} bytes of messages, {} log files",
        summary.files.len()
    )?;
    if let Some(error) = &summary.last_error {
        let mut text = String::new();
        escape(error.as_bytes(), &mut text);
        writeln!(out, "last error: {text}")?;
    }
    if !ended {
        writeln!(out, "some connections did not end in time")?;
    }
    out.flush()
}
