//! What the servers say to an empty upload: for `check --connect`, and before the agent starts.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use scalyr_monitor::{Clock, Stop};

use crate::config::plan::SessionPlan;
use crate::config::report::on_one_line;
use crate::threads::Threads;
use crate::upload::{Trial, Verdict, try_upload};

/// A server that needs longer to answer nothing at all has trouble.
const LONGEST: Duration = Duration::from_secs(10);
/// What a thread may need to come to its turn on a busy machine.
const TURN: Duration = Duration::from_secs(10);
/// How often it is looked whether the wait is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// So many servers are asked at once.
const AT_ONCE: usize = 16;

/// What the server of a worker said.
pub(super) struct Asked {
    pub(super) worker: String,
    /// The only one: then its name tells nothing.
    is_alone: bool,
    pub(super) server: String,
    pub(super) verdict: Verdict,
    pub(super) answer: String,
}

impl Asked {
    /// Whether the server takes uploads.
    pub(super) fn is_accepted(&self) -> bool {
        self.verdict == Verdict::Accepted
    }

    /// ` of worker NAME`, where there are several.
    pub(super) fn of_worker(&self) -> String {
        if self.is_alone { String::new() } else { format!(" of worker {}", on_one_line(&self.worker)) }
    }

    /// `SERVER accepts uploads with the api key`, or what it says instead.
    pub(super) fn sentence(&self) -> String {
        let (server, answer) = (on_one_line(&self.server), on_one_line(&self.answer));
        let key = format!("the api key{}", self.of_worker());
        match self.verdict {
            Verdict::Accepted => format!("{server} accepts uploads with {key}"),
            Verdict::KeyRefused => format!("{server} refuses {key}: {answer}"),
            Verdict::ClockSkew | Verdict::Failed => format!("{server} takes no uploads with {key}: {answer}"),
        }
    }
}

/// Asks each server once about each key; the result has a line for every worker. Less than all when `stop` came.
pub(super) fn ask(sessions: &[SessionPlan], clock: &Clock, stop: &Stop) -> Vec<Asked> {
    let is_same =
        |one: &SessionPlan, other: &SessionPlan| (&one.server, &one.api_key) == (&other.server, &other.api_key);
    let mut distinct: Vec<SessionPlan> = Vec::new();
    for session in sessions {
        if distinct.iter().all(|known| !is_same(known, session)) {
            let request_deadline = session.request_deadline.min(LONGEST);
            distinct.push(SessionPlan { request_deadline, ..session.clone() });
        }
    }
    let mut said = Vec::new();
    for plans in distinct.chunks(AT_ONCE) {
        said.extend(plans.iter().zip(ask_together(plans, clock, stop)));
    }
    let is_alone = sessions.iter().all(|session| session.id.worker == sessions[0].id.worker);
    let mut asked: Vec<Asked> = Vec::new();
    for session in sessions {
        let worker = session.id.worker.to_string();
        // The sessions of a worker have one key and server.
        if asked.iter().any(|known| known.worker == worker) {
            continue;
        }
        if let Some((_, Some(Trial { verdict, answer }))) = said.iter().find(|(plan, _)| is_same(plan, session)) {
            let (server, answer) = (session.server.clone(), answer.clone());
            asked.push(Asked { worker, is_alone, server, verdict: *verdict, answer });
        }
    }
    asked
}

/// None for those that `stop` came before.
fn ask_together(plans: &[SessionPlan], clock: &Clock, stop: &Stop) -> Vec<Option<Trial>> {
    let threads = Threads::new();
    let begin = |plan: &SessionPlan| {
        let (tell, told) = bounded(1);
        let (plan, clock) = (plan.clone(), clock.clone());
        let spawned = threads.spawn("connect", move || _ = tell.send(try_upload(&plan, &clock)));
        spawned.map(|()| told).map_err(|error| format!("the system gives no thread: {error}"))
    };
    let begun: Vec<_> = plans.iter().map(|plan| (plan, begin(plan))).collect();
    let end = |(plan, begun): (&SessionPlan, Result<Receiver<Trial>, String>)| {
        let deadline = plan.request_deadline;
        // Once for the connection, once for the request, once for the answer.
        let longest = deadline * 3 + TURN;
        let trial = match begun.map(|told| wait(&told, longest, clock, stop)) {
            Ok(Waited::Told(trial)) => trial,
            Ok(Waited::Stopped) => return None,
            Ok(Waited::InVain) => {
                let answer = format!("no answer within {} s", longest.as_secs_f64());
                Trial { verdict: Verdict::Failed, answer }
            }
            Err(answer) => Trial { verdict: Verdict::Failed, answer },
        };
        // That of the configuration may be longer.
        let seconds = format!("{} s", deadline.as_secs_f64());
        Some(Trial { answer: trial.answer.replace(&format!("request_deadline ({seconds})"), &seconds), ..trial })
    };
    begun.into_iter().map(end).collect()
}

enum Waited {
    Told(Trial),
    Stopped,
    InVain,
}

fn wait(told: &Receiver<Trial>, time: Duration, clock: &Clock, stop: &Stop) -> Waited {
    let begin = clock.monotonic();
    loop {
        match told.recv_timeout(LOOK_EVERY) {
            Ok(trial) => return Waited::Told(trial),
            Err(RecvTimeoutError::Disconnected) => return Waited::InVain,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if stop.is_stopped() {
            return Waited::Stopped;
        }
        if clock.monotonic().saturating_duration_since(begin) > time {
            return Waited::InVain;
        }
    }
}
