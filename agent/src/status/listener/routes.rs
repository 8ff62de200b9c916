//! What is answered at which path.

use std::sync::Arc;

use scalyr_monitor::one_line::push_on_one_line;

use super::answer::Answer;
use super::{Ask, Detail, Lifeless};
use crate::status::history::History;
use crate::status::page::Page;
use crate::status::{Format, Health, Snapshot, metrics, word};

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Health in a line.
const HEALTH: &str = "/healthz";
/// Whether the agent lives, for whoever starts it anew otherwise.
const LIFE: &str = "/livez";

/// Answers paths.
pub(super) struct Routes {
    ask: Arc<Ask>,
    lifeless: Arc<Lifeless>,
    history: Arc<History>,
    page: Page,
}

impl Routes {
    pub(super) fn new(ask: Arc<Ask>, lifeless: Arc<Lifeless>, history: Arc<History>) -> Self {
        Self { ask, lifeless, history, page: Page::new() }
    }

    /// Whether the answer is short however many files and monitors there are.
    pub(super) fn is_short(path: &str) -> bool {
        path == HEALTH || path == LIFE
    }

    pub(super) fn answer(&self, path: &str) -> Answer {
        let render = match path {
            HEALTH => Self::health,
            LIFE => return self.life(),
            "/status.json" => Self::json,
            "/metrics" => Self::metrics,
            "/" => Self::page,
            _ => return Answer::refusal(404, "there are /, /healthz, /livez, /metrics and /status.json"),
        };
        let detail = if path == HEALTH { Detail::Health } else { Detail::Whole };
        match (self.ask)(detail) {
            Some(snapshot) => render(self, &snapshot),
            None => Answer::refusal(503, "the agent has stopped"),
        }
    }

    /// A line with the level, then the troubles. Those with which data flows all the same are no reason to restart anything.
    fn health(&self, snapshot: &Snapshot) -> Answer {
        let mut body = format!("{}\n", word(&snapshot.health));
        for trouble in &snapshot.troubles {
            push_on_one_line(&mut body, trouble);
            body.push('\n');
        }
        Answer::text(if snapshot.health == Health::Failing { 503 } else { 200 }, body)
    }

    /// No snapshot is made for it: that an agent is slow to tell how it stands is no reason to start it anew.
    fn life(&self) -> Answer {
        match (self.lifeless)() {
            None => Answer::text(200, "alive\n".to_owned()),
            Some(why) => {
                let mut body = "stuck\n".to_owned();
                push_on_one_line(&mut body, &why);
                body.push('\n');
                Answer::text(503, body)
            }
        }
    }

    fn json(&self, snapshot: &Snapshot) -> Answer {
        Answer::of(200, JSON, Format::Json.render(snapshot))
    }

    fn metrics(&self, snapshot: &Snapshot) -> Answer {
        Answer::of(200, metrics::CONTENT_TYPE, metrics::render(snapshot))
    }

    fn page(&self, snapshot: &Snapshot) -> Answer {
        let body = self.page.render(snapshot, &self.history.points(snapshot.now));
        Answer { policy: Some(self.page.policy().to_owned()), ..Answer::of(200, HTML, body) }
    }
}
