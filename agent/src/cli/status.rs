//! `agent status`: whether an agent runs, and how it stands.

mod captures;
mod find;
mod verdict;
pub mod watch;

use std::borrow::Cow;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgAction;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;
use serde_json::Value;

use super::monitors::print;
use super::options::ConfigurationArgs;
use super::{FAILURE, SUCCESS};
use crate::status::{Format, socket};
use captures::Captures;
use find::Found;
use verdict::Verdict;

/// The exit code of `status` when no agent runs, as scripts know it.
const NOT_RUNNING: u8 = 4;
/// The exit code of `-v` and `-H` when the health is not good, and when this user must not ask.
const NOT_GOOD: u8 = 2;
/// The exit code of `-H` when the report does not tell of health.
const NO_HEALTH: u8 = 3;
/// How long the one line waits for what it adds: that the agent runs is known without it.
const PATIENCE_OF_ONE_LINE: Duration = Duration::from_secs(10);

/// What `agent status` can be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The agent is found by the folders `agent_data_path` and `agent_log_path` of its configuration; one that is broken, unreadable
or gone is told of, and the agent found all the same. Only the user as which it runs, and root, can ask for more than the one
line.

Health is good when data arrived lately or there was none to send; -v says what else wants a look.

Exit status: 0 when the agent runs, with -v and -H when its health is good; 4 when it does not run, with -v and -H 1;
2 with -v and -H when its health is not good, or this user must not ask it; 1 also when it does not answer within
`agent_status_timeout` (30 s); 2 for a wrong command line, but 1 for an unknown format.

Examples:
  agent status                    does it run?
  agent status -v                 all about it: files, monitors, uploads
  agent status -v --format json   the same for a program
  agent status --watch            drawn anew every two seconds, as top does
  agent status -H                 its health in one line, for a probe
  agent status -v --debug         if it does not answer: what its threads do")]
pub struct Args {
    /// Which agent is asked.
    #[command(flatten)]
    pub configuration: ConfigurationArgs,

    /// Ask the running agent for everything it knows: files, monitors, uploads; -vv also lists the paths beyond the
    /// hundred that have most to tell
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,

    /// Ask the running agent for its health alone, one line
    #[arg(short = 'H', long = "health_check", alias = "health-check")]
    pub health_check: bool,

    /// How the report of -v is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// With -v or -H: look at the process while it does not answer, and print what was seen if it never does
    #[arg(long)]
    pub debug: bool,

    /// Seconds between two such looks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub stats_capture_interval: Duration,

    /// A pid file by which the agent is found when the configuration cannot be used
    #[arg(short = 'p', long, value_name = "PATH")]
    pub pid_file: Option<PathBuf>,

    /// Whether, and how often, it is to be drawn anew.
    #[command(flatten)]
    pub watch: watch::WatchArgs,
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.trim().parse().map_err(|_| "write a number of seconds, such as 0.5".to_owned())?;
    if !(0.01..=3600.0).contains(&seconds) {
        return Err("must lie between 0.01 and 3600 seconds".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Tells of the agent of this configuration; the exit codes are in the help above and in `cli-and-service.md` section 3.
pub fn run(
    args: &Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> ExitCode {
    let found = find::find(args, environment, err);
    if let Some(interval) = args.watch.interval() {
        let as_json = args.format == Format::Json;
        return watch::run(found.folder(), interval, as_json, environment, clock, err);
    }
    let is_long = args.verbose > 0 || args.health_check;
    if !is_long && (args.format == Format::Json || args.debug) {
        let option = if args.debug { "--debug" } else { "--format" };
        _ = writeln!(err, "warning: {option} has no effect without -v or -H");
    }
    let code = if is_long { tell_all(args, &found, clock, out, err) } else { tell_in_a_line(&found, clock, out, err) };
    code.into()
}

/// Whether it runs; and to `err`, what troubles it.
fn tell_in_a_line(found: &Found, clock: &Clock, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut look = |_| {};
    let limit = found.patience.min(PATIENCE_OF_ONE_LINE);
    let report = question(found, Format::Json, clock, limit, limit, &mut look);
    let report = report.map(|text| serde_json::from_str::<Value>(&text).unwrap_or_default());
    let asked = report.as_ref().ok().and_then(|report| report["pid"].as_u64());
    let pid = asked.or(found.pid.map(u64::from)).filter(|pid| *pid > 0);
    if report.is_err() && found.pid.is_none() {
        return match report {
            Err(error) if !is_absent(&error) => unanswered(found, &error, err),
            _ => absent(found, NOT_RUNNING, err),
        };
    }
    let process = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let printed = print(&format!("The agent is running{process}.\n"), out, err);
    match report {
        Ok(report) => {
            let troubles: Vec<&str> =
                report["troubles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !troubles.is_empty() {
                let level =
                    if report["health"] == "failing" { "Its data does not flow" } else { "Something wants a look" };
                _ = writeln!(err, "{level}; `agent status -v` tells more:");
            }
            troubles.iter().for_each(|trouble| _ = writeln!(err, "  - {}", one_line(trouble)));
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            _ = writeln!(err, "But it does not answer; `agent status -v --debug` looks at what it does.");
        }
        // That it runs is what was asked; whoever wants more is told why not.
        Err(_) => {}
    }
    printed
}

/// The report or the health.
fn tell_all(args: &Args, found: &Found, clock: &Clock, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut captures = Captures::new(clock, found.pid);
    let asked = {
        let mut look = |pid| {
            if args.debug {
                captures.take(pid);
            }
        };
        let mut ask = |format| question(found, format, clock, found.patience, args.stats_capture_interval, &mut look);
        let format = match args.format {
            Format::Text if args.verbose > 1 => Format::EveryPath,
            format => format,
        };
        match (args.health_check, format) {
            (true, _) | (_, Format::Json) => ask(Format::Json).map(|json| (json.clone(), json)),
            // Both are of one moment: the exit code says what the text says.
            (false, format) => ask(format).map(|text| match text.split_once('\n') {
                Some((health, text)) if health.starts_with('{') => (text.to_owned(), health.to_owned()),
                _ => (text, String::new()),
            }),
        }
    };
    let (text, json) = match asked {
        Ok(asked) => asked,
        Err(error) if is_absent(&error) => return nobody(found, err),
        Err(error) => {
            let code = unanswered(found, &error, err);
            if args.debug && error.kind() == io::ErrorKind::TimedOut {
                _ = print(&captures.text(found.data_path.as_deref()), out, err);
            }
            return code;
        }
    };
    let verdict = Verdict::of(&serde_json::from_str(&json).unwrap_or_default());
    if args.health_check {
        return health(&verdict, out, err);
    }
    let printed = print(&harmless(&text, args.format), out, err);
    if matches!(verdict, Verdict::Bad(_)) { NOT_GOOD } else { printed }
}

fn health(verdict: &Verdict, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let (text, code) = match verdict {
        Verdict::Good => ("Good", SUCCESS),
        Verdict::Bad(why) => (why.as_str(), NOT_GOOD),
        Verdict::Unknown => {
            _ = writeln!(
                err,
                "The agent's report does not tell of its health: it is of another version than this program."
            );
            return NO_HEALTH;
        }
    };
    print(&format!("Health check: {}\n", one_line(text)), out, err).max(code)
}

fn question(
    found: &Found,
    format: Format,
    clock: &Clock,
    limit: Duration,
    look_every: Duration,
    look: &mut dyn FnMut(Option<u32>),
) -> io::Result<String> {
    let Some(data_path) = &found.data_path else { return Err(io::ErrorKind::NotFound.into()) };
    let patience = socket::Patience { limit, look_every, look };
    let text = socket::ask_patiently(data_path, format, clock, patience)?;
    // One that is ending lets go of whoever asks.
    if text.is_empty() { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(text) }
}

/// What a terminal may be sent of an answer. Whoever runs the agent can answer as they like, and root asks.
fn harmless(text: &str, format: Format) -> Cow<'_, str> {
    let is_harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match (is_harmful(c), format) {
            (false, _) => safe.push(c),
            // In a text of JSON it means the same.
            (true, Format::Json) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            (true, _) => safe.extend(c.escape_default()),
        }
    }
    Cow::Owned(safe)
}

fn one_line(text: &str) -> String {
    harmless(text, Format::Text).replace('\n', "\\n")
}

fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused | ConnectionReset | NotADirectory)
}

/// Nobody answers, yet somebody may hold a lock: an agent that is just starting or ending, or the Python agent.
fn nobody(found: &Found, err: &mut dyn Write) -> u8 {
    let Some(pid) = found.pid else { return absent(found, FAILURE, err) };
    let process = if pid > 0 { format!(" (process {pid})") } else { String::new() };
    _ = writeln!(
        err,
        "The agent is running{process}, but nobody answers in {}: it is starting or ending, or it is the Python agent, which \
         its own `status` can ask.",
        found.folder().display()
    );
    FAILURE
}

fn absent(found: &Found, code: u8, err: &mut dyn Write) -> u8 {
    _ = writeln!(
        err,
        "The agent does not appear to be running: nobody answers in {}, and nobody holds {}.",
        found.folder().display(),
        found.log_path.join("agent.pid").display()
    );
    code
}

/// Why somebody who is there tells nothing.
fn unanswered(found: &Found, error: &io::Error, err: &mut dyn Write) -> u8 {
    let folder = found.folder().display();
    let log = found.log_path.join("agent.log");
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            let socket = found.folder().join(socket::NAME);
            // Of a folder that must not be entered, its own owner.
            let owner = socket.metadata().or_else(|_| found.folder().metadata()).map(|about| about.uid()).ok();
            let owner = match owner {
                Some(0) => String::new(),
                Some(owner) => format!(" and {}, as which it runs,", name_of(owner)),
                None => " and the user as which it runs".to_owned(),
            };
            _ = writeln!(err, "The agent in {folder} answers root{owner} only: try `sudo agent status -v`.");
            NOT_GOOD
        }
        io::ErrorKind::TimedOut => {
            let limit = found.patience.as_secs();
            _ = writeln!(
                err,
                "The agent in {folder} did not answer within {limit} s (agent_status_timeout). Its log may say why: {}; \
                 `agent status -v --debug` looks at what it does.",
                log.display()
            );
            FAILURE
        }
        _ => {
            _ = writeln!(
                err,
                "The agent in {folder} cannot be asked: {error}. Its log may say why: {}.",
                log.display()
            );
            FAILURE
        }
    }
}

/// The name of a user of this host, or the number of one without.
fn name_of(user: u32) -> String {
    let known = nix::unistd::User::from_uid(user.into()).ok().flatten();
    known.map_or_else(|| format!("number {user}"), |known| known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_answers_changes_nothing_on_the_terminal_of_whoever_asks() {
        let text = "Health check: \u{1b}]0;owned\u{7}\r\nü\t\u{9b}2J";
        assert_eq!(harmless(text, Format::Text), "Health check: \\u{1b}]0;owned\\u{7}\\r\nü\t\\u{9b}2J");
        assert_eq!(one_line("a\nb\u{1b}"), "a\\nb\\u{1b}");
        let json = Value::from("\u{1b}\u{9b}\u{7f}").to_string();
        let safe = harmless(&json, Format::Json);
        assert!(!safe.contains(char::is_control), "{safe:?}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), "\u{1b}\u{9b}\u{7f}");
    }
}
