//! What the receiver is told to do wrong: a script that says how the next requests are answered.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest pause that a script may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// The grammar, for `--help` and for errors.
pub const GRAMMAR: &str = "\
A script is a comma-separated list; each item says how to treat the next addEvents requests:
  N*ACTION      the next N requests
  ACTION        every request from here on, until the script is changed (only as the last item)
When the script has run out, requests are answered normally. ACTION is one of
  ok                  accept and answer as usual
  status:TEXT         do not accept; HTTP 200 with this status, such as error/server/backoff
  http:CODE[:BODY]    do not accept; this HTTP code; BODY is error (default: a status of error/server),
                      success (a lucky body), html, empty or half (JSON that is cut off)
  delay:TIME          wait before the request is handled as usual; TIME is 500ms, 2s or 1m
  late:TIME           accept at once, answer success after TIME
  drip:TIME           accept; send the answer byte by byte, TIME between two bytes
  stall               do not accept, never answer
  cut                 do not accept; cut the connection after the request was read
  cut:head            the same after the head of the request, before its body is read
  cut:accepted        accept, then cut the connection without an answer (a client must send again)
  cut:answer          accept, then cut the connection in the middle of the answer
  close               accept, answer with `Connection: close`
  hangup              accept, answer as usual, then close the connection without saying so
  key                 do not accept; the status with which the service answers a wrong key
  huge                do not accept; success, in an answer of a megabyte
`delay:TIME`, `retry-after:SECONDS` (adds that header), `too-large:BYTES` (answers 413 to larger bodies, counted before
compression) and `poison:TEXT` (answers 400 to requests with an event that holds the text) go before any action with a
plus sign, or stand alone, as in `2*delay:1s+http:503,3*status:error/server/backoff,too-large:20000+poison:bad`.";

/// What is sent with an HTTP code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON with a status of `error/server`.
    Error,
    /// JSON with a status of `success`, which the code belies.
    Success,
    /// A page, as from a load balancer.
    Html,
    /// Nothing.
    Empty,
    /// JSON that is cut off.
    Half,
}

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Accept and answer as usual.
    Normal,
    /// Do not accept; answer 200 with this status.
    Status(String),
    /// Do not accept; answer with this code.
    Http(u16, Body),
    /// Accept at once, answer success after this time.
    Late(Duration),
    /// Accept; send the answer byte by byte with this pause.
    Drip(Duration),
    /// Do not accept, never answer.
    Stall,
    /// Do not accept; cut the connection after the request was read.
    Cut,
    /// Do not accept; cut the connection before the body is read.
    CutHead,
    /// Accept, then cut the connection without an answer.
    CutAccepted,
    /// Accept, then cut the connection in the middle of the answer.
    CutAnswer,
    /// Accept, answer with `Connection: close`.
    Close,
    /// Accept, answer as usual, then close the connection without saying so.
    Hangup,
    /// Do not accept; answer as the service answers a wrong key.
    Key,
    /// Do not accept; answer success with very much behind it.
    Huge,
}

/// How one request is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Waited after the request was read, before anything else.
    pub delay: Option<Duration>,
    /// Value of a `Retry-After` header in the answer, in seconds.
    pub retry_after: Option<u64>,
    /// Larger bodies, in bytes before compression, are answered with 413.
    pub too_large: Option<u64>,
    /// Requests with an event that holds this text are answered with 400.
    pub poison: Option<String>,
    /// What is done then.
    pub action: Action,
}

impl Fault {
    /// No fault at all.
    pub const NONE: Self =
        Self { delay: None, retry_after: None, too_large: None, poison: None, action: Action::Normal };
}

impl From<Action> for Fault {
    fn from(action: Action) -> Self {
        Self { action, ..Self::NONE }
    }
}

/// How the next requests are treated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// So many requests each, in order.
    steps: VecDeque<(u64, Fault)>,
    /// Every request after these.
    rest: Option<Fault>,
}

impl Script {
    fn take(&mut self) -> Fault {
        let Some((left, fault)) = self.steps.front_mut() else { return self.rest.clone().unwrap_or(Fault::NONE) };
        let fault = fault.clone();
        *left -= 1;
        if *left == 0 {
            self.steps.pop_front();
        }
        fault
    }
}

/// A script that cannot be understood; the text says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScriptError(String);

/// Reads the [grammar](GRAMMAR); an empty text is the script without faults.
impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for item in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            if script.rest.is_some() {
                return Err(ScriptError(format!(
                    "fault `{item}` is never reached, because the one before has no count; write 1*... for a single request"
                )));
            }
            match item.split_once('*') {
                None => script.rest = Some(item.parse()?),
                Some((count, fault)) => match count.trim().parse() {
                    Ok(count @ 1..) => script.steps.push_back((count, fault.parse()?)),
                    _ => {
                        return Err(ScriptError(format!(
                            "fault `{item}`: `{count}` before the `*` must be a number of requests, at least 1"
                        )));
                    }
                },
            }
        }
        Ok(script)
    }
}

impl FromStr for Fault {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut fault = Self::NONE;
        let mut parts = text.trim().split('+').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            match part.trim().split_once(':') {
                Some(("delay", time)) => fault.delay = Some(pause(part, time)?),
                Some(("retry-after", seconds)) => {
                    let read = seconds.parse();
                    let problem = || ScriptError(format!("fault `{part}`: `{seconds}` must be whole seconds"));
                    fault.retry_after = Some(read.map_err(|_| problem())?);
                }
                Some(("too-large", bytes)) => {
                    let problem = |_| ScriptError(format!("fault `{part}`: `{bytes}` must be a number of bytes"));
                    fault.too_large = Some(bytes.parse().map_err(problem)?);
                }
                Some(("poison", text)) => fault.poison = Some(word(part, "a poison", text)?),
                _ if last => fault.action = part.trim().parse()?,
                _ => {
                    return Err(ScriptError(format!(
                        "fault `{text}`: only delay:TIME, retry-after:SECONDS, too-large:BYTES and poison:TEXT may stand \
                         before a `+`, not `{part}`"
                    )));
                }
            }
        }
        Ok(fault)
    }
}

impl FromStr for Action {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        Ok(match text.split_once(':').unwrap_or((text, "")) {
            ("ok", "") => Self::Normal,
            ("status", status) => Self::Status(word(text, "a status", status)?),
            ("http", code) => http(text, code)?,
            ("late", time) => Self::Late(pause(text, time)?),
            ("drip", time) => Self::Drip(pause(text, time)?),
            ("stall", "") => Self::Stall,
            ("cut", "") => Self::Cut,
            ("cut", "head") => Self::CutHead,
            ("cut", "accepted") => Self::CutAccepted,
            ("cut", "answer") => Self::CutAnswer,
            ("close", "") => Self::Close,
            ("hangup", "") => Self::Hangup,
            ("key", "") => Self::Key,
            ("huge", "") => Self::Huge,
            _ => return Err(unknown(text)),
        })
    }
}

fn unknown(text: &str) -> ScriptError {
    const KNOWN: [&str; 20] = [
        "ok",
        "status:TEXT",
        "http:CODE",
        "delay:TIME",
        "late:TIME",
        "drip:TIME",
        "stall",
        "cut",
        "cut:head",
        "cut:accepted",
        "cut:answer",
        "close",
        "hangup",
        "key",
        "huge",
        "too-large:BYTES",
        "poison:TEXT",
        "http:CODE:html",
        "http:CODE:success",
        "retry-after:SECONDS",
    ];
    let name = |known: &str| known.split(':').next().unwrap_or(known).to_owned();
    let given = name(text);
    // A third of a name may be wrong: of short ones a single letter.
    let is_near = |known: &str, distance| distance <= (given.chars().count().max(known.len()) / 3).max(1);
    let near = KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&given, &name(known)), known))
        .filter(|(distance, known)| is_near(&name(known), *distance))
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, near)) => ScriptError(format!("unknown fault `{text}`; did you mean `{near}`?")),
        _ => ScriptError(format!("unknown fault `{text}`; known are {}", KNOWN.join(", "))),
    }
}

/// A text that needs no quoting in a script.
fn word(item: &str, what: &str, text: &str) -> Result<String, ScriptError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(ScriptError(format!(
            "fault `{item}`: {what} is made of letters, digits and / _ - . as in error/server/backoff"
        )));
    }
    Ok(text.to_owned())
}

fn http(item: &str, text: &str) -> Result<Action, ScriptError> {
    let (code, body) = text.split_once(':').unwrap_or((text, "error"));
    let body = match body {
        "error" => Body::Error,
        "success" => Body::Success,
        "html" => Body::Html,
        "empty" => Body::Empty,
        "half" => Body::Half,
        _ => {
            return Err(ScriptError(format!(
                "fault `{item}`: the body `{body}` is unknown; known are error, success, html, empty, half"
            )));
        }
    };
    match code.parse() {
        // 1xx, 204 and 304 have no body, so the answer would be out of step.
        Ok(code @ (200..=203 | 205..=303 | 305..=599)) => Ok(Action::Http(code, body)),
        _ => Err(ScriptError(format!("fault `{item}`: `{code}` must be an HTTP code from 200 to 599, not 204 or 304"))),
    }
}

fn pause(item: &str, time: &str) -> Result<Duration, ScriptError> {
    let digits = time.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &time[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let millis = digits.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    match millis.map(Duration::from_millis) {
        Some(time) if time <= MAX_PAUSE => Ok(time),
        _ => Err(ScriptError(format!(
            "fault `{item}`: `{time}` must be a time such as 500ms, 2s or 1m, at most {} hours",
            MAX_PAUSE.as_secs() / 3600
        ))),
    }
}

/// The script in force. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Script>>);

impl Faults {
    /// Starts with a script.
    pub fn new(script: Script) -> Self {
        Self(Arc::new(Mutex::new(script)))
    }

    /// Replaces the script.
    pub fn set(&self, script: Script) {
        *self.lock() = script;
    }

    /// Answers normally from now on.
    pub fn clear(&self) {
        self.set(Script::default());
    }

    /// Treats the next `count` requests so, before what the script had in mind.
    pub fn next(&self, count: u64, fault: impl Into<Fault>) {
        if count > 0 {
            self.lock().steps.push_front((count, fault.into()));
        }
    }

    /// Treats every request so until told otherwise.
    pub fn always(&self, fault: impl Into<Fault>) {
        self.set(Script { steps: VecDeque::new(), rest: Some(fault.into()) });
    }

    /// How the request that has just come is to be treated.
    pub(super) fn take(&self) -> Fault {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(delay) = self.delay {
            write!(f, "delay:{}ms+", delay.as_millis())?;
        }
        if let Some(seconds) = self.retry_after {
            write!(f, "retry-after:{seconds}+")?;
        }
        if let Some(bytes) = self.too_large {
            write!(f, "too-large:{bytes}+")?;
        }
        if let Some(text) = &self.poison {
            write!(f, "poison:{text}+")?;
        }
        self.action.fmt(f)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("ok"),
            Self::Status(status) => write!(f, "status:{status}"),
            Self::Http(code, body) => write!(f, "http:{code}:{}", format!("{body:?}").to_lowercase()),
            Self::Late(time) => write!(f, "late:{}ms", time.as_millis()),
            Self::Drip(time) => write!(f, "drip:{}ms", time.as_millis()),
            Self::Stall => f.write_str("stall"),
            Self::Cut => f.write_str("cut"),
            Self::CutHead => f.write_str("cut:head"),
            Self::CutAccepted => f.write_str("cut:accepted"),
            Self::CutAnswer => f.write_str("cut:answer"),
            Self::Close => f.write_str("close"),
            Self::Hangup => f.write_str("hangup"),
            Self::Key => f.write_str("key"),
            Self::Huge => f.write_str("huge"),
        }
    }
}

/// In the [grammar](GRAMMAR) that it is read from.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|(count, fault)| format!("{count}*{fault}"));
        let items: Vec<String> = steps.chain(self.rest.iter().map(Fault::to_string)).collect();
        f.write_str(&items.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next_ones(text: &str, count: usize) -> Vec<String> {
        let faults = Faults::new(text.parse().unwrap());
        (0..count).map(|_| faults.take().to_string()).collect()
    }

    #[test]
    fn a_script_is_followed_step_by_step() {
        assert_eq!(
            next_ones("2*status:error/server/backoff, 1*delay:1s+retry-after:7+http:503:html,stall", 5),
            [
                "status:error/server/backoff",
                "status:error/server/backoff",
                "delay:1000ms+retry-after:7+http:503:html",
                "stall",
                "stall"
            ]
        );
        assert_eq!(next_ones("1*cut", 2), ["cut", "ok"]);
        assert_eq!(next_ones("", 1), ["ok"]);
    }

    #[test]
    fn a_delay_alone_is_an_action() {
        let fault: Fault = "delay:1m".parse().unwrap();
        assert_eq!(fault, Fault { delay: Some(Duration::from_secs(60)), ..Fault::NONE });
    }

    #[test]
    fn faults_are_changed_while_they_are_in_force() {
        let faults = Faults::default();
        faults.always(Action::Stall);
        faults.next(1, Action::Cut);
        assert_eq!([faults.take(), faults.take()].map(|fault| fault.action), [Action::Cut, Action::Stall]);
        faults.clear();
        assert_eq!(faults.take(), Fault::NONE);
    }

    #[test]
    fn a_mistake_in_a_script_is_told_with_what_is_allowed() {
        let says = |text: &str| text.parse::<Script>().unwrap_err().to_string();
        assert_eq!(says("stal"), "unknown fault `stal`; did you mean `stall`?");
        assert_eq!(says("hagnup"), "unknown fault `hagnup`; did you mean `hangup`?");
        for far in ["foo", "xx", "k8", "no"] {
            assert!(says(far).starts_with(&format!("unknown fault `{far}`; known are ok, status:TEXT")), "{far}");
        }
        assert!(says("banana").contains("known are ok, status:TEXT"), "{}", says("banana"));
        assert!(says("stall,cut").contains("`cut` is never reached"));
        assert!(says("0*cut").contains("at least 1"));
        assert!(says("x*cut").contains("`x` before the `*`"));
        assert!(says("status:a\"b").contains("made of letters"));
        assert!(says("http:99").contains("`99` must be an HTTP code"));
        assert!(says("http:500:xml").contains("known are error, success"));
        assert!(says("delay:5").contains("`5` must be a time such as 500ms"));
        assert!(says("delay:99999999999999999999s").contains("must be a time"));
        assert!(says("too-large:much").contains("`much` must be a number of bytes"));
        assert!(says("poison:").contains("a poison is made of letters"));
        assert!(says("cut+stall").contains("not `cut`"));
        assert!(says("1*cut,").contains("unknown fault ``"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_a_read_script_is_shown_as_one_that_reads_the_same(
            text in r"(([0-9]{0,2}\*)?(delay:[0-9]{1,3}(ms|s)\+)?(too-large:[0-9]{1,3}\+)?(poison:a\+)?(ok|key|stall|cut:answer|http:50[0-9]|late:9s|\PC{0,5}),?){0,4}"
        ) {
            if let Ok(script) = text.parse::<Script>() {
                prop_assert_eq!(script.to_string().parse::<Script>(), Ok(script));
            }
        }
    }
}
