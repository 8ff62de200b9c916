//! `status_listen`: the status over HTTP, for people, load balancers and collectors of metrics.
//!
//! One thread serves all connections with `poll`, and nothing in it waits for a client: one that sends its request byte by
//! byte, or never reads its answer, keeps no health check from its own. Connections, heads, answers and times are bounded;
//! when all places are taken, the client that has the most of them loses one.

mod address;
mod answer;
mod connection;
mod request;
mod routes;
mod serve;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use scalyr_monitor::{Clock, Logger, Stop};
use serde::Serialize;

use super::Snapshot;
use super::history::History;
use crate::config::plan::ListenPlan;
use crate::threads::Threads;
use routes::Routes;
use serve::Server;

/// How much of a snapshot is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    Whole,
    /// Health and troubles; single files and their sums may be missing.
    Health,
}

/// Tells how everything stands; nothing once the agent has ended.
pub type Ask = dyn Fn(Detail) -> Option<Snapshot> + Send + Sync;

/// Why the agent does not do its work any more and must be started anew; nothing as long as it does, and also when it only
/// cannot deliver what it has.
pub type Lifeless = dyn Fn() -> Option<String> + Send + Sync;

/// What the listener needs of the agent.
pub struct ListenerParts {
    /// Gives birth to its thread, once there is an address.
    pub threads: Threads,
    /// The time.
    pub clock: Clock,
    /// Where it tells what it listens on, and why it cannot.
    pub logger: Logger,
    /// Ends it.
    pub stop: Stop,
    /// How everything stands; asked for each answer.
    pub snapshot: Arc<Ask>,
    /// Whether the agent lives; asked for each answer at `/livez`.
    pub lifeless: Arc<Lifeless>,
    /// The last hour.
    pub history: Arc<History>,
}

/// Serves the status over HTTP, where and as long as the plan says so. Cheap to clone.
#[derive(Clone)]
pub struct Listener(Arc<Shared>);

/// The listener in `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListenerSnapshot {
    /// `status_listen`, as an address.
    pub wanted: String,
    /// The address that is listened on, with the port that the system chose.
    pub address: Option<String>,
    /// Why it cannot be listened there; it is tried again every few seconds.
    pub error: Option<String>,
    /// Connections that were closed before their time because others wanted their places.
    pub connections_cut: u64,
}

struct Shared {
    state: Mutex<State>,
    /// Written to when the state has changed.
    wake: OwnedFd,
}

#[derive(Default)]
struct State {
    wanted: Option<ListenPlan>,
    /// Grows with each change of `wanted`.
    changes: u64,
    has_thread: bool,
    address: Option<String>,
    error: Option<String>,
    connections_cut: u64,
}

impl Listener {
    /// Serves nothing yet.
    ///
    /// # Errors
    /// When the system refuses a file descriptor.
    pub fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Shared { state: Mutex::default(), wake })))
    }

    /// From now on listens where the plan says. An address that cannot be bound is told and tried again and again; the agent
    /// does its work without.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn follow(&self, plan: Option<&ListenPlan>, parts: impl FnOnce() -> ListenerParts) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.wanted.as_ref() == plan {
            return Ok(());
        }
        state.wanted = plan.cloned();
        state.changes += 1;
        (state.address, state.error) = (None, None);
        if !state.has_thread && plan.is_some() {
            let ListenerParts { threads, clock, logger, stop, snapshot, lifeless, history } = parts();
            let routes = Routes::new(snapshot, lifeless, history);
            let shared = Arc::clone(&self.0);
            // Weak, so that nothing is kept for the sake of the hook.
            let hooked = Arc::downgrade(&self.0);
            stop.on_stop(move || hooked.upgrade().iter().for_each(|shared| shared.wake()));
            threads.spawn("status-http", move || Server::new(shared, clock, logger, stop, routes).run())?;
            state.has_thread = true;
        }
        drop(state);
        self.0.wake();
        Ok(())
    }

    /// Whether it listens, or tries to.
    pub fn is_wanted(&self) -> bool {
        self.0.lock().wanted.is_some()
    }

    /// How it stands; none when no `status_listen` is set.
    pub fn snapshot(&self) -> Option<ListenerSnapshot> {
        let state = self.0.lock();
        Some(ListenerSnapshot {
            wanted: state.wanted.as_ref()?.address.to_string(),
            address: state.address.clone(),
            error: state.error.clone(),
            connections_cut: state.connections_cut,
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only when the counter is full, and then the thread is awake.
        _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }
}
