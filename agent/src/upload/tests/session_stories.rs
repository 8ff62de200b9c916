//! Whole sessions against a scripted server.

mod delivery;
mod ending;
mod failures;
mod forms;
mod refused;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use scalyr_monitor::Clock;

use super::fixture::{File, Lines, wait_until};
use crate::config::plan::{ApiKey, BodyForm, Compression, Hidden, Pacing, Roots, SessionPlan};
use crate::ledger::{Ledger, WorkerId};
use crate::threads::Threads;
use crate::upload::{EventTimes, Save, ServerAttributes, Session, SessionParts, UserAgent};

const KEY: &str = "api-key-that-must-not-be-seen";
const LONG: Duration = Duration::from_secs(30);

pub(in crate::upload) fn plan(server: &str) -> SessionPlan {
    let mut server_attributes = serde_json::Map::new();
    server_attributes.insert("serverHost".to_owned(), "web-1".into());
    let hidden = Hidden::default();
    hidden.hide_key(&ApiKey::new(KEY));
    SessionPlan {
        hidden,
        id: WorkerId("default".into()).into(),
        api_key: ApiKey::new(KEY),
        server: server.to_owned(),
        server_attributes,
        verify_server_certificate: true,
        roots: Roots::BuiltIn,
        proxy: None,
        request_deadline: Duration::from_secs(20),
        compression: Compression::DEFLATE,
        pacing: Pacing {
            max_request_size: 5_900_000,
            min_request_size: 102_400,
            too_large_adjustment: 0.5,
            max_rate: None,
            min_spacing: Duration::ZERO,
            max_spacing: Duration::from_millis(5),
            max_error_spacing: Duration::from_millis(20),
            water_marks: false,
            low_water: (20_480, 1.5),
            high_water: (102_400, 0.6),
            failure_adjustment: 1.5,
        },
        body_form: BodyForm::Lean,
        monotonic_times: false,
        sends_nothing: false,
    }
}

/// Counts, and calls back.
struct Saves {
    count: AtomicUsize,
    then: Box<dyn Fn(usize) + Send + Sync>,
}

impl Save for Saves {
    fn save(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        (self.then)(count);
    }
}

struct Story {
    session: Session,
    lines: Lines,
    saves: Arc<Saves>,
    ledger: Ledger,
    threads: Threads,
    server_attributes: ServerAttributes,
    user_agent: UserAgent,
}

impl Story {
    fn new(plan: SessionPlan) -> Self {
        Self::with(plan, |_| {})
    }

    fn with(plan: SessionPlan, then: impl Fn(usize) + Send + Sync + 'static) -> Self {
        Self::sharing(EventTimes::default(), plan, then)
    }

    /// A session that shares these times of events with others.
    fn sharing(event_times: EventTimes, plan: SessionPlan, then: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let lines = Lines::default();
        let saves = Arc::new(Saves { count: AtomicUsize::new(0), then: Box::new(then) });
        let threads = Threads::new();
        let (server_attributes, user_agent) = (ServerAttributes::new(lines.logger()), UserAgent::new(lines.logger()));
        let parts = SessionParts {
            threads: threads.clone(),
            clock: Clock::system(),
            logger: lines.logger(),
            checkpoint: saves.clone(),
            server_attributes: server_attributes.clone(),
            user_agent: user_agent.clone(),
            event_times,
        };
        let session = Session::start(plan, parts).unwrap();
        Self { session, lines, saves, ledger: Ledger::new(), threads, server_attributes, user_agent }
    }

    fn file(&self, path: &str) -> File {
        File::new(&self.ledger, path, "{\"parser\":\"p\"}")
    }

    /// Appends lines to a file and hands them to the session.
    fn append(&self, file: &mut File, lines: &[&str]) {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        self.session.batches().send(file.batch(&lines)).unwrap();
    }

    #[track_caller]
    fn settles(&self, file: &File) {
        wait_until("everything is settled", || file.totals().pending == 0);
    }
}
