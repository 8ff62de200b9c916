//! The agent itself, in this process.
//!
//! It lives on a thread of its own, and the main thread waits for its end: whatever that thread hangs in once the agent is
//! to stop – a disk, a terminal that nobody reads – the process ends in time.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded, select};
use scalyr_monitor::registry::Environment;
use scalyr_monitor::{Clock, Stop};

use super::calls::{Call, Calls};
use super::watch::Watch;
use super::{Args, Outcome, Terminal, Verified, conclude};
use crate::service::attendance::{Attendance, Signs};
use crate::service::background;
use crate::service::notify::Notify;
use crate::service::orphans;
use crate::service::pid_file::PidFileError;
use crate::status::file;
use crate::supervisor::{Edge, LONGEST_STOP, StartError, Supervisor};
use crate::sys::ProgramPages;
use crate::threads::Threads;

/// How often it is looked after what has to be done now and then.
const TICK: Duration = Duration::from_secs(5);

/// Runs the agent until it is to stop; its exit code.
pub(super) fn run(args: Args, environment: &Arc<Environment>, clock: &Clock, mut terminal: Terminal) -> ExitCode {
    if args.in_background
        && let Err(error) = background::detach()
    {
        return conclude(Err(format!("error: the agent cannot leave its terminal: {error}")), &mut terminal.err);
    }
    // Before anything else, so that a stop during the start is not lost, and no SIGHUP ends the process.
    let (stop, threads) = (Stop::new(), Threads::new());
    let calls = match Calls::listen(&stop, clock, &threads) {
        Ok(calls) => calls,
        Err(error) => return conclude(Err(format!("signals cannot be handled: {error}")), &mut terminal.err),
    };
    let (done, ended) = bounded(1);
    let (tell, stopped) = bounded(1);
    stop.on_stop(move || _ = tell.send(()));
    let agent = {
        let (environment, clock, stop) = (Arc::clone(environment), clock.clone(), stop.clone());
        move || {
            let is_child = args.in_background;
            let notify = if is_child { Notify::default() } else { listen(&environment, &mut terminal) };
            let outcome = serve(
                &args,
                &environment,
                &clock,
                &mut terminal,
                &Surroundings { calls: &calls, stop: &stop, notify: &notify },
            );
            if let Err(problem) = &outcome {
                notify.status(problem);
            }
            if is_child && matches!(outcome, Ok(Outcome::Already(_))) {
                background::tell_already();
            }
            _ = done.send(conclude(outcome, &mut terminal.err));
        }
    };
    if let Err(error) = threads.spawn("agent", agent) {
        return conclude(Err(format!("the system gives the agent no thread: {error}")), &mut io::stderr());
    }
    let of_orphans = orphans::due(std::process::id());
    loop {
        select! {
            // Without a code it has panicked, and has said so.
            recv(ended) -> code => return code.unwrap_or(ExitCode::FAILURE),
            recv(stopped) -> _ => break,
            recv(of_orphans) -> _ => { orphans::reap(); }
        }
    }
    ended.recv_timeout(LONGEST_STOP).unwrap_or_else(|_| {
        let seconds = LONGEST_STOP.as_secs_f64();
        // Nowhere is left to tell it when this fails, too.
        _ = writeln!(
            io::stderr(),
            "The agent did not come to an orderly end within {seconds} s and ends as it stands: what was not settled is sent \
             after the next start."
        );
        ExitCode::FAILURE
    })
}

/// What the agent hears and is heard by.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    calls: &'a Calls,
    stop: &'a Stop,
    notify: &'a Notify,
}

/// The service manager, if one has started this process; what it asks for in vain is told.
fn listen(environment: &Environment, terminal: &mut Terminal) -> Notify {
    Notify::from_environment(environment, std::process::id()).unwrap_or_else(|problem| {
        // Nowhere is left to tell it when this fails.
        _ = writeln!(terminal.err, "warning: {problem}");
        Notify::default()
    })
}

fn serve(
    args: &Args,
    environment: &Arc<Environment>,
    clock: &Clock,
    terminal: &mut Terminal,
    around: &Surroundings<'_>,
) -> Result<Outcome, String> {
    let Surroundings { calls, stop, notify } = *around;
    let verified = Verified::read(args, environment, clock)?;
    if let Some(pid) = verified.running() {
        return Ok(Outcome::Already(Some(pid)));
    }
    verified.ask_servers_until(stop, args, clock, terminal)?;
    let Verified { source, loaded, plan, report, options } = verified;
    let config_file = source.file().to_owned();
    let copy = std::mem::replace(&mut terminal.out, Box::new(io::sink()));
    let stdout = (!args.in_background).then_some(copy);
    let edge = Edge { config_file, report, options, clock: clock.clone(), stdout };
    let supervisor = match Supervisor::start_unless(plan, edge, stop) {
        Ok(supervisor) => supervisor,
        Err(StartError::PidFile(PidFileError::Running { pid, .. })) => return Ok(Outcome::Already(pid)),
        Err(error) => return Err(error.to_string()),
    };
    let ended = begin(args, &supervisor, around)
        .and_then(|()| live(&supervisor, &mut Watch::new(source, loaded), around, clock));
    notify.stopping();
    notify.status("stopping: the last lines are sent");
    supervisor.stop_since(calls.asked().unwrap_or_else(|| clock.monotonic()));
    ended.map(|()| Outcome::Good)
}

/// Tells who waits that everything was started.
fn begin(args: &Args, supervisor: &Supervisor, around: &Surroundings<'_>) -> Result<(), String> {
    // What failed in the start may be a reason to end.
    supervisor.tick()?;
    if around.stop.is_stopped() {
        return Ok(());
    }
    around.notify.ready();
    if args.in_background {
        background::tell_running().map_err(|error| format!("the terminal cannot be let go: {error}"))?;
    }
    Ok(())
}

/// Until the agent is to stop: does what has to be done now and then, and follows the configuration.
fn live(supervisor: &Supervisor, watch: &mut Watch, around: &Surroundings<'_>, clock: &Clock) -> Result<(), String> {
    let Surroundings { calls, notify, .. } = *around;
    let interval = || supervisor.config_check_interval().unwrap_or(TICK);
    let mut next_tick = clock.monotonic() + TICK;
    let mut last_look = clock.monotonic();
    let mut attendance = Attendance::new(notify, last_look);
    let mut pages = ProgramPages::new();
    loop {
        let now = clock.monotonic();
        if now >= next_tick {
            supervisor.tick()?;
            pages.look(supervisor.moved(), clock, supervisor.logger());
            next_tick = now + TICK;
        }
        let signs = Signs { stuck: supervisor.stuck_for(), standing: &|| supervisor.snapshot().into() };
        attendance.look(clock, &signs, supervisor.logger());
        let next_look = last_look.checked_add(interval()).unwrap_or(next_tick + TICK);
        let next = attendance.next().into_iter().fold(next_tick.min(next_look), Instant::min);
        let call = calls.wait(next.saturating_duration_since(clock.monotonic()));
        let asked = call == Call::Reload;
        match call {
            Call::Stop => return Ok(()),
            Call::Reload => supervisor.logger().info("SIGHUP: reading the configuration again"),
            Call::Status => write_status(supervisor),
            Call::Idle(signal) => supervisor
                .logger()
                .info(format_args!("{signal} came; the agent does nothing with it, also when it comes again")),
            Call::None => {}
        }
        if asked || clock.monotonic() >= next_look {
            let reloaded = watch.look(supervisor, asked, notify)?;
            last_look = clock.monotonic();
            if reloaded.is_some() {
                pages.note_activity();
            }
        }
    }
}

/// Answers SIGUSR1 as the Python agent does. Whatever goes wrong, the agent goes on.
fn write_status(supervisor: &Supervisor) {
    let snapshot = supervisor.snapshot();
    if let Err(error) = file::write(&snapshot.data_path, &snapshot) {
        let path = snapshot.data_path.join(file::NAME);
        supervisor
            .logger()
            .warn(format_args!("SIGUSR1: the status report {} cannot be written: {error}", path.display()));
    }
}
