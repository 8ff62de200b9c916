//! What the protocol does not allow is refused, with a text that says what and where.

use scalyr_agent::receiver::Request;

/// A request with these events, as text.
pub(crate) fn with_events(events: &str) -> String {
    format!(
        r#"{{"token": "secret-key", "session": "s", "threads": [], "sessionInfo": {{"serverHost": "web-1"}}, events: [{events}], logs: [{{"id": "log_1", "attrs": {{"logfile": "/a", "parser": "p"}}}}], threads: [{{"id": "log_1", "name": "Lines for file /a"}}], client_time: 5 }}"#
    )
}

/// An event with this message and these fields behind `attrs`.
pub(crate) fn event(message: &str, fields: &str) -> String {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes().map(char::from);
    format!(r#"{{thread:"log_1", log:"log_1", attrs:{{message:`s{}{message}}},{fields}}}"#, String::from_iter(length))
}

const FIRST: &str = r#"ts:"1",si:"q",sn:3"#;

fn refusal(body: &str) -> String {
    let text = Request::parse(body.as_bytes()).expect_err(body).to_string();
    assert!(!text.contains("secret-key"), "{text}");
    text
}

fn refused_events(events: &[String]) -> String {
    refusal(&with_events(&events.join(",")))
}

#[test]
fn an_event_gets_its_place_in_the_sequence_from_the_one_before() {
    let body = with_events(
        &[
            event("a\n", FIRST),
            event("b\n", r#"sd:12,ts:"2""#),
            event("c\n", r#"ts:"3",sn:4"#),
            event("d\n", r#"sd:0,ts:"-4""#),
            event("e\n", r#"ts:"5",si:"r",sn:0"#),
            event("f\n", r#"ts:"6",sd:7"#),
        ]
        .join(","),
    );
    let request = Request::parse(body.as_bytes()).unwrap();
    let places: Vec<_> = request.events.iter().map(|event| (&*event.si, event.sn, event.ts)).collect();
    assert_eq!(places, [("q", 3, 1), ("q", 15, 2), ("q", 4, 3), ("q", 4, -4), ("r", 0, 5), ("r", 7, 6)]);
}

#[test]
fn sequence_fields_that_contradict_the_protocol_are_refused() {
    let says = |fields: &str| refused_events(&[event("a\n", fields)]);
    assert_eq!(says(r#"ts:"1",sd:3"#), "event 1: the first event of a request needs `si` and `sn`");
    assert_eq!(says(r#"ts:"1",sn:3"#), "event 1: the first event of a request needs `si` and `sn`");
    assert_eq!(says(r#"ts:"1",si:"q""#), "event 1: `si` without `sn`");
    assert_eq!(says(r#"ts:"1",si:"q",sd:3"#), "event 1: `si` without `sn`");
    assert_eq!(says(r#"ts:"1""#), "event 1: neither `sn` nor `sd` is given");
    assert_eq!(says(r#"ts:"1",si:"q",sn:-3"#), "event 1: `sn` is -3; it must not be negative");
    assert!(says(r#"ts:"1",si:"q",sn:3,sd:3"#).contains("`sn` and `sd` are both given"));
    assert!(says(r#"ts:"1",si:"",sn:3"#).contains("`si` must have 1 to 256 bytes"));
    assert!(says(r#"ts:"1",si:"q",sn:3.5"#).contains("a whole number"));
    let second = |fields: &str| refused_events(&[event("a\n", FIRST), event("b\n", fields)]);
    assert_eq!(second(r#"ts:"1",sd:-1"#), "event 2: `sd` is -1; it must not be negative");
}

#[test]
fn a_broken_sequence_is_told_once() {
    let events = [event("a\n", r#"ts:"1",sd:3"#), event("b\n", r#"ts:"1",sd:3"#), event("c\n", r#"ts:"1",sd:3"#)];
    assert_eq!(refused_events(&events), "event 1: the first event of a request needs `si` and `sn`");
}

#[test]
fn fields_of_events_are_checked_and_all_problems_told_at_once() {
    let says = |event: &str| refusal(&with_events(event));
    assert_eq!(
        says(r#"{thread:"log_9", log:"log_8", attrs:{}, ts:"1e9", si:"q", sn:1, "colour":"red"}"#),
        "event 1: unknown field `colour`; known are thread, log, attrs, ts, si, sn, sd; \
         event 1: `message` is missing in `attrs`; \
         event 1: `thread` is `log_9`, which `threads` does not have; \
         event 1: `log` is `log_8`, which `logs` does not have; \
         event 1: `ts` is not a decimal number of nanoseconds"
    );
    assert_eq!(
        says("{}"),
        "event 1: `attrs` is missing; event 1: `thread` is missing; \
         event 1: `log` is missing, although the request has `logs`; event 1: `ts` is missing; \
         event 1: neither `sn` nor `sd` is given"
    );
    assert!(says(&event("a", r#"ts:1,si:"q",sn:1"#)).contains("found `1`, but a string in quotes must stand here"));
    assert!(says(&event("a", r#"ts:"1",ts:"1",si:"q",sn:1"#)).contains("event 1: `ts` is given twice"));
    let many = vec!["{}"; 20].join(",");
    assert!(says(&many).ends_with("; and 90 further problems"), "{}", says(&many));
}

#[test]
fn a_record_may_bring_a_message_of_its_own() {
    let body = with_events(
        "{thread:\"log_1\", log:\"log_1\", attrs:{\"message\": {\"x\": 1}, \"parser\": \"mine\",message:`s\0\0\0\x01a},ts:\"1\",si:\"q\",sn:1}",
    );
    let request = Request::parse(body.as_bytes()).unwrap();
    let event = &request.events[0];
    assert_eq!(&*event.message, b"a");
    assert_eq!(super::captures::object(&event.attrs), serde_json::json!({"message": {"x": 1}, "parser": "mine"}));
    let inherited: Vec<_> = request.inherited(event).map(|attr| &*attr.name).collect();
    assert_eq!(inherited, ["logfile"]);
}

#[test]
fn messages_and_attributes_that_are_ambiguous_are_refused() {
    let says = |attrs: &str| {
        refusal(&with_events(&format!(r#"{{thread:"log_1", log:"log_1", attrs:{{{attrs}}}, ts:"1", si:"q", sn:1}}"#)))
    };
    assert_eq!(says("message:`s\0\0\0\x01a,message:`s\0\0\0\x01a"), "event 1: two length-prefixed messages");
    assert_eq!(says("\"message\":5"), "event 1: `message` is not a string");
    assert_eq!(says("\"a\":1,\"a\":2,message:`s\0\0\0\0"), "event 1: the attribute `a` is given twice");
    assert!(says("\"a\":`s\0\0\0\0").contains("a length-prefixed string is for `message` only"));
    assert!(says("\"a\":[`s\0\0\0\0]").contains("a length-prefixed string only as `message`"));
    assert!(says("colour:1").contains("a key in quotes (or, bare, one of message, sample_rate)"));
    let many: Vec<_> = (0..1001).map(|index| format!("\"a{index}\":1")).collect();
    assert!(says(&format!("{},message:`s\0\0\0\0", many.join(","))).contains("1001 attributes; at most 1000"));
}

#[test]
fn plain_json_with_the_same_names_is_understood() {
    let body = r#"{"token":"k","session":"s","threads":[{"id":"1","name":"n"}],"client_time":5,
        "events":[{"thread":"1","ts":"7","si":"q","sn":1,"attrs":{"message":"tab\there","sample_rate":0.5}}]}"#;
    let request = Request::parse(body.as_bytes()).unwrap();
    assert_eq!(&*request.events[0].message, b"tab\there");
    assert_eq!((request.logs.is_none(), request.events[0].log), (true, None));
    assert_eq!(request.logfile(&request.events[0]), "n");
}

#[test]
fn the_top_level_is_checked() {
    assert_eq!(
        refusal("{}"),
        "request: `token` is missing; request: `session` is missing; request: `events` is missing; \
         request: `threads` is missing; request: `client_time` is missing"
    );
    let good = with_events(&event("a", FIRST));
    assert!(Request::parse(good.as_bytes()).is_ok());
    let says = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        refusal(&good.replacen(from, to, 1))
    };
    assert!(says("client_time: 5 }", "client_time: 5 } x").contains("1 bytes follow after the end"));
    assert!(says("client_time: 5", "client_time: \"5\"").contains("found `\"`, but a digit must stand here"));
    assert!(says("\"secret-key\"", "\"\"").contains("`token` must have 1 to 256 bytes, not 0"));
    assert!(says("\"secret-key\"", "17").contains("found `1`, but a string in quotes"));
    assert!(says("\"session\": \"s\"", "\"session\": \"s\", \"session\": \"s\"").contains("`session` is given twice"));
    assert!(
        says("\"threads\": []", "\"threads\": [{\"id\":\"x\",\"name\":\"y\"}]").contains("`threads` is given twice")
    );
    assert!(
        says("\"sessionInfo\"", "\"sessioninfo\"").contains("unknown field `sessioninfo`; known are token, session")
    );
    assert!(says("\"sessionInfo\"", "sessionInfo").contains("a key in quotes (or, bare, one of events, logs"));
    assert!(
        says("[{\"id\": \"log_1\", \"attrs\"", "[{id: \"log_1\", \"attrs\"").contains("a key in quotes must stand")
    );
    assert!(says("\"id\": \"log_1\", \"attrs\"", "\"attrs\"").contains("logs, entry 1: `id` and `attrs` must both"));
    assert!(says("\"name\": \"Lines for file /a\"", "\"nam\": \"\"").contains("threads, entry 1: unknown field `nam`"));
    let double = "threads: [{\"id\": \"log_1\", \"name\": \"n\"}, ";
    assert!(
        says("threads: [{\"id\": \"log_1\"", &format!("{double}{{\"id\": \"log_1\""))
            .contains("`log_1` is given twice")
    );
}

#[test]
fn the_api_key_is_not_shown_by_debug() {
    let body = with_events(&event("a", FIRST));
    let request = Request::parse(body.as_bytes()).unwrap();
    assert!(!format!("{request:?}").contains("secret-key"));
    assert_eq!(request.token.reveal(), "secret-key");
}
