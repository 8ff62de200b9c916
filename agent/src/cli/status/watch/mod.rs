//! `agent status --watch`: how the agent stands, drawn anew every few seconds as `top` does; without a terminal a line
//! each time.

mod amounts;
mod asking;
mod keys;
mod plain;
mod report;
mod screen;
mod sections;
mod table;
mod terminal;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};

use crate::threads::Threads;
use asking::{Asking, Event};
use keys::{Effect, Key};
use report::View;
use terminal::Terminal;

/// The agent is asked at most this often.
const SHORTEST: f64 = 0.1;
/// The agent is asked at least this often.
const LONGEST: f64 = 86_400.0;

/// The options of `agent status --watch`.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct WatchArgs {
    /// Draw the report anew every 2 seconds, or every SECONDS; q ends it, ? tells the other keys
    ///
    /// Where the output is no terminal, a line is printed each time; with --format json, the report as one line of JSON. An
    /// agent that ends is waited for until it comes back.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
        value_parser = interval)]
    pub watch: Option<f64>,

    /// The same as --watch=SECONDS
    #[arg(short = 'n', value_name = "SECONDS", value_parser = interval, conflicts_with = "watch")]
    pub every: Option<f64>,
}

impl WatchArgs {
    /// How often the agent is to be asked; nothing when it is not to be watched.
    pub fn interval(&self) -> Option<Duration> {
        self.watch.or(self.every).map(Duration::from_secs_f64)
    }
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds: Option<f64> = text.trim().parse().ok();
    seconds
        .filter(|seconds| (SHORTEST..=LONGEST).contains(seconds))
        .ok_or_else(|| format!("SECONDS must be a number from {SHORTEST} to {LONGEST}"))
}

/// Watches the agent of this data path until it is told to end: by q, Ctrl-C or a signal, or when nobody reads the output
/// any more. Ends with success then; with 1 when it cannot begin. `as_json` prints reports for programs, also on a terminal.
pub fn run(
    data_path: &Path,
    interval: Duration,
    as_json: bool,
    environment: &Environment,
    clock: &Clock,
    err: &mut dyn Write,
) -> ExitCode {
    let is_dumb = environment.get("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
    let draws = !as_json && io::stdout().is_terminal() && !is_dumb;
    // By its own convention an empty NO_COLOR says nothing.
    let colours = environment.get("NO_COLOR").is_none_or(str::is_empty);
    let keys = draws && io::stdin().is_terminal();
    let watched = begin(data_path, interval, keys, clock).and_then(|mut watching| {
        if draws { watching.draw(colours) } else { watching.print(as_json, &mut io::stdout()) }
    });
    match watched {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(err, "The agent cannot be watched: {error}.");
            ExitCode::FAILURE
        }
    }
}

struct Watching {
    asking: Asking,
    /// Ends the asking.
    stop: Stop,
    clock: Clock,
    view: View,
}

fn begin(data_path: &Path, interval: Duration, keys: bool, clock: &Clock) -> io::Result<Watching> {
    let stop = Stop::new();
    let asking = Asking::begin(data_path, interval, keys, clock.clone(), &stop, &Threads::new())?;
    Ok(Watching { asking, stop, clock: clock.clone(), view: View::new(data_path, interval) })
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl Watching {
    /// On the whole terminal, which is left as it was, whatever happens.
    fn draw(&mut self, colours: bool) -> io::Result<()> {
        // A panic would be printed onto the screen that is about to vanish; it is told behind it.
        let outcome = {
            let mut terminal = Terminal::take()?;
            let before = panic::take_hook();
            panic::set_hook(Box::new(|_| {}));
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.follow(&mut terminal, colours)));
            panic::set_hook(before);
            outcome
        };
        outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(io::Error::other(format!("drawing it panicked ({text}), which is a mistake of this program")))
        })
    }

    fn follow(&mut self, terminal: &mut Terminal, colours: bool) -> io::Result<()> {
        loop {
            self.view.look_at_clock(self.clock.now(), self.clock.monotonic());
            let size = terminal.size();
            let drawn = screen::render(&self.view, size);
            self.view.keep_scroll_within(drawn.furthest);
            terminal.show(&drawn.lines, colours)?;
            match self.asking.next()? {
                Event::End => return Ok(()),
                Event::Resized => {}
                Event::Continued => terminal.take_again()?,
                Event::Suspended => terminal.suspend()?,
                Event::Tick => {}
                Event::Answer(answer) => self.view.note(answer),
                Event::Keys(bytes) => {
                    for key in keys::read(&bytes) {
                        if key == Key::Suspend {
                            terminal.suspend()?;
                        } else if self.view.press(key, usize::from(size.1)) == Effect::Quit {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// A line for each answer.
    fn print(&mut self, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
        loop {
            match self.asking.next()? {
                Event::End => return Ok(()),
                Event::Answer(answer) => {
                    let now = self.clock.now();
                    let line = if as_json {
                        plain::json_line(&answer, now)
                    } else {
                        self.view.look_at_clock(now, self.clock.monotonic());
                        self.view.note(answer);
                        plain::line(&self.view)
                    };
                    writeln!(out, "{line}")?;
                    out.flush()?;
                }
                // The terminal is as it was: nothing is to be given back first.
                Event::Suspended => terminal::stop_here()?,
                Event::Keys(_) | Event::Resized | Event::Continued | Event::Tick => {}
            }
        }
    }
}
