//! `--connect`: what the servers say to an empty upload.

use std::time::Duration;

use crossbeam_channel::bounded;
use scalyr_monitor::Clock;

use crate::config::plan::SessionPlan;
use crate::config::report::on_one_line;
use crate::threads::Threads;
use crate::upload::{Trial, try_upload};

/// A server that needs longer to answer nothing at all has trouble.
const LONGEST: Duration = Duration::from_secs(10);
/// What a thread may need to come to its turn on a busy machine.
const TURN: Duration = Duration::from_secs(10);
/// So many servers are asked at once.
const AT_ONCE: usize = 16;

/// What the server of a worker said.
pub(super) struct Asked {
    pub(super) worker: String,
    pub(super) server: String,
    pub(super) accepted: bool,
    pub(super) answer: String,
}

impl Asked {
    /// For a person.
    pub(super) fn line(&self) -> String {
        let Self { worker, server, accepted, answer } = self;
        let (worker, server, answer) = (on_one_line(worker), on_one_line(server), on_one_line(answer));
        match accepted {
            true => format!("worker {worker}: {server} accepts uploads with this key\n"),
            false => format!("worker {worker}: {server} does not take uploads: {answer}\n"),
        }
    }
}

/// Asks the server of each worker once; the sessions of a worker have one key and server.
pub(super) fn ask(sessions: &[SessionPlan], clock: &Clock) -> Vec<Asked> {
    let mut workers: Vec<SessionPlan> = Vec::new();
    for session in sessions {
        if workers.iter().all(|known| known.id.worker != session.id.worker) {
            let request_deadline = session.request_deadline.min(LONGEST);
            workers.push(SessionPlan { request_deadline, ..session.clone() });
        }
    }
    workers.chunks(AT_ONCE).flat_map(|workers| ask_together(workers, clock)).collect()
}

fn ask_together(workers: &[SessionPlan], clock: &Clock) -> Vec<Asked> {
    let threads = Threads::new();
    let begin = |worker: &SessionPlan| {
        let (tell, told) = bounded(1);
        let (plan, clock) = (worker.clone(), clock.clone());
        let spawned = threads.spawn("connect", move || _ = tell.send(try_upload(&plan, &clock)));
        spawned.map(|()| told).map_err(|error| format!("the system gives no thread: {error}"))
    };
    let begun: Vec<_> = workers.iter().map(|worker| (worker, begin(worker))).collect();
    let end = |(worker, begun): (&SessionPlan, Result<crossbeam_channel::Receiver<Trial>, String>)| {
        let deadline = worker.request_deadline;
        // Once for the connection, once for the request, once for the answer.
        let longest = deadline * 3 + TURN;
        let trial = begun.and_then(|told| {
            let late = |_| format!("no answer within {} s", longest.as_secs_f64());
            told.recv_timeout(longest).map_err(late)
        });
        let Trial { accepted, answer } = trial.unwrap_or_else(|answer| Trial { accepted: false, answer });
        // That of the configuration may be longer.
        let seconds = format!("{} s", deadline.as_secs_f64());
        let answer = answer.replace(&format!("request_deadline ({seconds})"), &seconds);
        Asked { worker: worker.id.worker.to_string(), server: worker.server.clone(), accepted, answer }
    };
    begun.into_iter().map(end).collect()
}
