//! Whatever a server answers: nothing panics, what is said about it is bounded, fit for a log line and without the key,
//! and nothing but HTTP 200 with the status `success` counts as success.

use std::time::Duration;

use scalyr_monitor::Timestamp;
use serde_json::Value;

use crate::config::plan::{ApiKey, Hidden};
use crate::upload::answer::{Answer, Judgement, Sent, judge};
use crate::upload::client::Reply;
use crate::upload::http_date::RetryAfter;

const KEY: &str = "api-key-\"that\\must-not-be-seen";
/// A thousand characters, each of them escaped, and what stands around them.
const MOST_SHOWN: usize = 12_000;

/// Two bytes are the status (most often a common one), one says what else there is; the rest is the body, in which the
/// byte 0xfe stands for the key, and 0xff for the key as JSON has it.
fn read(bytes: &[u8]) -> Option<Reply> {
    let (&[high, low, how], rest) = bytes.split_first_chunk()?;
    let common = [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503];
    let status = if high < 128 { common[usize::from(low & 15)] } else { u16::from_be_bytes([high & 3, low]) };
    let mut body = Vec::new();
    for byte in rest {
        match byte {
            0xfe => body.extend_from_slice(KEY.as_bytes()),
            0xff => body.extend_from_slice(serde_json::to_string(KEY).unwrap().trim_matches('"').as_bytes()),
            byte => body.push(*byte),
        }
    }
    let retry_after = (how & 2 != 0).then(|| RetryAfter::For(Duration::from_secs(u64::from(how) * 1_000_000)));
    let date = (how & 4 != 0).then(|| Timestamp::from_millis(i64::from(how) * 10_000_000_000));
    Some(Reply { status, retry_after, date, body, cut: how & 1 != 0, ..Reply::default() })
}

fn is_success(reply: &Reply) -> bool {
    let json = serde_json::from_slice::<Value>(&reply.body).ok();
    let status = json.as_ref().and_then(|json| json.as_object()?.get("status")?.as_str());
    reply.status == 200 && !reply.cut && status == Some("success")
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn check(bytes: &[u8]) -> Option<Answer> {
    check_sent(bytes, Sent::Probe)?;
    check_sent(bytes, Sent::Events)
}

fn check_sent(bytes: &[u8], sent: Sent) -> Option<Answer> {
    let reply = read(bytes)?;
    let hidden = Hidden::default();
    hidden.hide_key(&ApiKey::new(KEY));
    let answer = judge(&reply, &hidden, sent, NOW);
    assert_eq!(answer.judgement == Judgement::Success, is_success(&reply), "{reply:?}");
    let mut shown = vec![answer.status.as_str(), answer.text.as_str()];
    match &answer.judgement {
        Judgement::Success | Judgement::Discard => {}
        Judgement::TooLarge(trouble)
        | Judgement::Refused(trouble)
        | Judgement::KeyRefused(trouble)
        | Judgement::Skewed(trouble)
        | Judgement::Retry(trouble) => shown.extend([trouble.kind.as_str(), trouble.text.as_str()]),
    }
    for text in shown {
        assert!(text.len() <= MOST_SHOWN && !text.chars().any(char::is_control), "{} bytes: {text:?}", text.len());
        assert!(!text.contains(KEY) && !text.contains("must-not-be-seen"), "{text:?}");
    }
    Some(answer)
}

#[test]
fn fuzz_answer() {
    bolero::check!(name = "answer").for_each(|bytes: &[u8]| {
        check(bytes);
    });
}

/// The seeds reach what they are there for.
#[test]
fn the_corpus_of_answers_holds_every_kind_of_judgement() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/upload/tests/__fuzz__/answer/corpus");
    let (mut successes, mut others, mut masked) = (0, 0, 0);
    for seed in std::fs::read_dir(corpus).unwrap() {
        let answer = check(&std::fs::read(seed.unwrap().path()).unwrap()).expect("a seed has three bytes");
        successes += usize::from(answer.judgement == Judgement::Success);
        others += usize::from(answer.judgement != Judgement::Success);
        masked += usize::from(format!("{answer:?}").contains("MASKED"));
    }
    assert!(successes >= 2 && others >= 15 && masked >= 3, "{successes} successes, {others} others, {masked} masked");
}
