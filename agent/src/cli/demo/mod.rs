//! `agent demo`: an agent and a receiver beside each other, over real HTTP, real files and a real checkpoint.

mod scene;
mod view;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use scalyr_monitor::{Clock, Stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use self::scene::Scene;
use crate::threads::Threads;

/// How often the picture is drawn anew: on a terminal, and elsewhere.
const REFRESH: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Shows an agent at work, with nothing to set up.
///
/// Starts a receiver on a free port of this host and an agent beside it, in a temporary directory: host metrics, the
/// `coin` monitor and a small growing log. Shows what is collected, sent and acknowledged until Ctrl-C, and at the end
/// whether the sums on both sides agree.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agent demo                    until Ctrl-C
  agent demo --seconds 20")]
pub struct Args {
    /// End after this many seconds instead of on Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: Option<u64>,
}

/// Runs until Ctrl-C or the given time. Ends with success when the sums agree, otherwise with 1.
pub fn run(args: &Args, clock: &Clock, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    match play(args, clock, out) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(err, "agent demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(args: &Args, clock: &Clock, out: &mut dyn Write) -> io::Result<bool> {
    let threads = Threads::new();
    let stop = Stop::new();
    super::signals::stop_on(&[SIGINT, SIGTERM, SIGHUP], &stop, &threads)?;
    let scene = Scene::start(clock, &threads, &stop)?;
    let shown = show(args, clock, &scene, &stop, out);
    // In any case: an agent that is not stopped would go on writing into a directory that is being removed.
    stop.stop();
    let end = scene.end();
    shown.and_then(|()| view::conclude(&end, out)).map(|()| end.reconciles())
}

/// Draws until it is time to end.
fn show(args: &Args, clock: &Clock, scene: &Scene, stop: &Stop, out: &mut dyn Write) -> io::Result<()> {
    view::introduce(scene, out)?;
    let on_terminal = io::stdout().is_terminal();
    let refresh = REFRESH[usize::from(!on_terminal)];
    let end = args.seconds.map(|seconds| clock.monotonic() + Duration::from_secs(seconds));
    let mut drawn = 0;
    loop {
        let left = end.map_or(refresh, |end| end.saturating_duration_since(clock.monotonic()));
        if stop.wait(refresh.min(left)) || left.is_zero() {
            return Ok(());
        }
        let (columns, rows) = view::terminal_size();
        let picture = view::draw(scene, columns);
        let lines = picture.lines().count();
        if on_terminal && drawn > 0 && lines.max(drawn) < rows {
            // Back to the first line of the last picture, and everything below it away.
            write!(out, "\x1b[{drawn}A\x1b[J")?;
        }
        drawn = lines;
        out.write_all(picture.as_bytes())?;
        out.flush()?;
    }
}
