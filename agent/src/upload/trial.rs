//! One upload without events, to see what a server says (`configuration.md` section 10, `wire-protocol.md` section 1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use scalyr_monitor::Clock;

use crate::config::plan::SessionPlan;
use crate::threads::Threads;

use super::answer::{Answer, Judgement, Sent, Trouble, judge, unanswered, unreached};
use super::client::Client;
use super::compress::SharedCompressor;
use super::request::Request;
use super::user_agent::user_agent;
use super::wire::Head;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether it takes uploads with this key.
    pub verdict: Verdict,
    /// Its answer, or why there is none; holds no secret.
    pub answer: String,
}

/// What follows from what a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes uploads with this key.
    Accepted,
    /// It refuses the key.
    KeyRefused,
    /// It finds that the clock of this host is wrong.
    ClockSkew,
    /// Anything else, or no answer.
    Failed,
}

/// Sends one request without events, as a session of this plan would send its own, and waits for the answer: at most
/// `request_deadline` until it is connected, and as long again for the answer. The answer
/// is judged as that of a session's probe.
pub fn try_upload(plan: &SessionPlan, clock: &Clock) -> Trial {
    let (verdict, answer) = match exchange(plan, clock) {
        Ok(Answer { judgement, status, .. }) => match judgement {
            Judgement::Success => (Verdict::Accepted, "accepted".to_owned()),
            Judgement::Discard => (Verdict::Failed, format!("the server answers status {status}: it discards uploads")),
            Judgement::KeyRefused(trouble) => (Verdict::KeyRefused, trouble.text),
            Judgement::Skewed(trouble) => (Verdict::ClockSkew, trouble.text),
            Judgement::TooLarge(trouble) | Judgement::Refused(trouble) | Judgement::Retry(trouble) => {
                (Verdict::Failed, trouble.text)
            }
        },
        Err(trouble) => (Verdict::Failed, trouble.text),
    };
    Trial { verdict, answer }
}

fn exchange(plan: &SessionPlan, clock: &Clock) -> Result<Answer, Trouble> {
    let session = URL_SAFE.encode(rand::random::<[u8; 20]>());
    let mut request = Request::default();
    let head = Head::new(&plan.api_key, &session, &plan.server_attributes).with(plan.body_form, None);
    request.begin(&head);
    request.body_mut().close(clock.now());
    request.compress(&SharedCompressor::new(plan.compression));
    if let Some(error) = request.not_compressed() {
        return Err(unanswered(&error.to_string(), &plan.hidden));
    }
    let client = Client::new(plan, clock, &Threads::new()).map_err(|why| unanswered(&why, &plan.hidden))?;
    let reply = client.post(request.payload(), &user_agent()).map_err(|failure| unreached(&failure, &plan.hidden))?;
    Ok(judge(&reply, &plan.hidden, Sent::Probe, clock.now()))
}
