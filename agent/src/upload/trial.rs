//! One upload without events, to see what a server says (`configuration.md` section 10, `wire-protocol.md` section 1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use scalyr_monitor::Clock;

use crate::config::plan::SessionPlan;
use crate::threads::Threads;

use super::answer::{Answer, Judgement, Trouble, judge, unanswered, unreached};
use super::client::Client;
use super::compress::Compressor;
use super::request::Request;
use super::user_agent::user_agent;
use super::wire::Head;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether it takes uploads with this key.
    pub accepted: bool,
    /// Its answer, or why there is none; holds no secret.
    pub answer: String,
}

/// Sends one request without events, as a session of this plan would send its own, and waits for the answer: at most
/// `request_deadline` until it is connected, and as long again for the answer.
pub fn try_upload(plan: &SessionPlan, clock: &Clock) -> Trial {
    match exchange(plan, clock) {
        Ok(Answer { judgement: Judgement::Success, .. }) => Trial { accepted: true, answer: "accepted".to_owned() },
        Ok(Answer { judgement: Judgement::Discard, status, .. }) => {
            Trial { accepted: false, answer: format!("the server answers status {status}: it discards uploads") }
        }
        Ok(Answer { judgement: Judgement::Retry(trouble), .. }) => Trial { accepted: false, answer: trouble.text },
        Err(trouble) => Trial { accepted: false, answer: trouble.text },
    }
}

fn exchange(plan: &SessionPlan, clock: &Clock) -> Result<Answer, Trouble> {
    let session = URL_SAFE.encode(rand::random::<[u8; 20]>());
    let mut request = Request::default();
    let head = Head::new(&plan.api_key, &session, &plan.server_attributes).with(plan.body_form, None);
    request.begin(&head);
    request.body_mut().close(clock.now());
    request.compress(&mut Compressor::new(plan.compression));
    let client = Client::new(plan, clock, &Threads::new()).map_err(|why| unanswered(&why, &plan.api_key))?;
    let reply = client.post(request.payload(), &user_agent()).map_err(|failure| unreached(&failure, &plan.api_key))?;
    Ok(judge(&reply, &plan.api_key))
}
