//! Names and values that broke the bodies of the Python agent, which were made of text templates, or that are odd in
//! some other way.

use serde_json::{Value, json};

use scalyr_agent::receiver::Request;

use super::scene::Scene;

/// `TIMESTAMP` and `THREADS` were places in the template of the Python agent: a file `THREADS.log` stopped its session.
#[test]
fn sharp_edge_7_words_of_the_protocol_in_paths_attributes_and_lines_break_nothing() {
    let words = "TIMESTAMP THREADS `s\"}], logs: [";
    let names = [
        "THREADS.log",
        "TIMESTAMP.log",
        "a `s b.log",
        "quote\" and \\ back.log",
        "\u{e9}\u{1f600}.log",
        "line\nend.log",
    ];
    for form in
        [json!({}), json!({ "repeat_log_attributes": true }), json!({ "disable_logfile_addevents_format": true })]
    {
        let mut extra = form.clone();
        extra["server_attributes"] = json!({ "serverHost": words, "THREADS": "TIMESTAMP" });
        let attributes = json!({ "TIMESTAMP": words, "log": "THREADS", "`s": 1, "client_time": true });
        let entries = json!([{ "path": "/logs/*.log", "attributes": attributes }]);
        let mut scene = Scene::new(entries, extra);
        for name in names {
            let path = format!("/logs/{name}");
            let sent = scene.request(&[(&path, format!("{words}\n").as_bytes())]);
            let request = Request::parse(&sent.body).unwrap();
            assert_eq!(request.events.len(), 1, "{name}");
            let event = &request.events[0];
            assert_eq!(*event.message, *format!("{words}\n").as_bytes());
            assert_eq!(request.threads[event.thread].name, format!("Lines for file {path}"));
            assert_eq!(request.logfile(event), path);
        }
        scene.stop();
    }
}

/// Each value comes out with the type and the digits that it has in the configuration or in the line.
#[test]
fn values_keep_their_type_and_their_digits() {
    let attributes = json!({
        "text": "5", "whole": 5, "fraction": 0.1, "large": 18_446_744_073_709_551_615_u64, "least": i64::MIN,
        "huge": 1e300, "yes": true, "empty": "", "controls": "\u{0}\u{1}\u{1b}\u{7f}\u{85}\u{2028}", "nonascii": "é😀",
        "filename": "/of/the/user",
    });
    let entries = json!([{ "path": "/logs/j.log", "attributes": attributes, "parse_format": "json" }]);
    for form in [json!({}), json!({ "disable_logfile_addevents_format": true })] {
        let mut scene = Scene::new(entries.clone(), form);
        let line = concat!(
            r#"{"log":"m\n","message":"mine","whole":1.50e+3,"more":123456789012345678901234567890,"nil":null,"#,
            r#""deep":{"a":[1,{}]},"esc":"\u0000\u001b\ud83d\ude00","text":7}"#,
            "\n",
        );
        // Half of a surrogate pair, no number that a double can hold, no JSON at all: such lines are sent whole.
        let whole = ["{\"log\":\"\\ud800\"}\n", "{\"log\":\"m\",\"n\":1e999}\n", "{\"log\":\"m\",\"n\":NaN}\n"];
        let sent = scene.request(&[("/logs/j.log", (line.to_owned() + &whole.concat()).as_bytes())]);
        let request = Request::parse(&sent.body).unwrap();
        assert_eq!(request.events.len(), 4);
        let event = &request.events[0];
        let own = |name: &str| event.attrs.iter().rev().find(|attr| attr.name == name).map(|attr| attr.value.text());
        assert_eq!(*event.message, *b"m\n");
        assert_eq!(own("message"), Some("\"mine\""), "beside the message itself");
        assert_eq!(own("whole"), Some("1.50e+3"), "the line's own value wins, as it is written");
        assert_eq!(own("more"), Some("123456789012345678901234567890"));
        assert_eq!((own("nil"), own("deep")), (Some("null"), Some("{\"a\":[1,{}]}")));
        assert_eq!(own("esc"), Some(r#""\u0000\u001b\ud83d\ude00""#));
        for (event, line) in request.events[1..].iter().zip(whole) {
            assert_eq!(*event.message, *line.as_bytes());
        }
        let attrs = request.logs.as_ref().map_or(&request.events[1].attrs, |logs| &logs[0].attrs);
        let sent: Value = attrs.iter().map(|attr| (attr.name.to_string(), attr.value.value().unwrap())).collect();
        assert_eq!(sent, attributes, "`filename` takes the place of `logfile`");
        scene.stop();
    }
}
