//! `agent check` as an operator uses it: the real program, and a real server where one is asked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use story::{API_KEY, ReceiverProcess, Scratch, write_config};

/// A configuration that only its owner may read, as it should be.
fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

/// `agent check -c FILE` with more arguments, in an empty environment.
fn check(file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().args(["check", "-c"]).arg(file).args(more).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What `--connect` says of `server`, as an exit code and the object of the worker `default`.
fn connected(server: &str, extra: Value) -> (Option<i32>, Value) {
    let scratch = Scratch::new();
    let file = write_config(&scratch, server, json!([]), extra);
    let output = check(&file, &["--connect", "--format", "json"]);
    let (text, problems) = (stdout(&output), stderr(&output));
    assert!(!text.contains(API_KEY) && !problems.contains(API_KEY), "{text}{problems}");
    let object: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["connect"].as_array().unwrap().len(), 1, "{object:#}");
    let asked = object["connect"][0].clone();
    assert_eq!((&asked["worker"], &asked["server"]), (&json!("default"), &json!(server)));
    assert_eq!(object["ok"], asked["ok"]);
    (output.status.code(), asked)
}

#[test]
fn a_configuration_is_checked_without_touching_its_directories() {
    let scratch = Scratch::new();
    let (file, data) = (scratch.path("agent.json"), scratch.path("data"));
    let config = json!({
        "api_key": API_KEY,
        "agent_data_path": data,
        "agent_log_path": "log",
        "implicit_agent_process_metrics_monitor": false,
        "monitors": [{ "module": "coin" }],
    });
    write(&file, &config.to_string());
    let output = check(&file, &[]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    let well =
        "is well: it copies what 1 entry of logs names and runs 2 monitors, and sends to https://agent.scalyr.com.";
    assert_eq!(stdout(&output), format!("{} {well}\n", file.display()));
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1, "a check writes nothing");

    let printed = stdout(&check(&file, &["--print"]));
    assert!(printed.contains("coin()") && !printed.contains(API_KEY), "{printed}");
    assert!(!printed.contains('\u{1b}'), "colours are for terminals: {printed:?}");
}

#[test]
fn the_exit_code_is_1_for_problems_and_2_for_a_wrong_command_line() {
    let scratch = Scratch::new();
    let file = scratch.path("agent.json");
    write(&file, "{ api_key: 'k',\n  debug_levle: 1,\n  logs: [ {} ] }");
    let output = check(&file, &[]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""));
    let problems = stderr(&output);
    let name = file.display();
    assert!(problems.contains(&format!("error: {name}:2:3  debug_levle: ")), "{problems}");
    assert!(problems.contains(&format!("error: {name}:3:11  logs[0].path: ")), "{problems}");

    let json = check(&file, &["--format", "json"]);
    assert_eq!((json.status.code(), stderr(&json).as_str()), (Some(1), ""));
    let object: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(object["ok"], false);

    let missing = check(&scratch.path("nowhere.json"), &[]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(check(&file, &["--format", "yaml"]).status.code(), Some(2));
    assert_eq!(check(&file, &["--conect"]).status.code(), Some(2));
}

#[test]
fn the_daemon_and_status_refuse_in_the_words_of_the_same_problems() {
    let scratch = Scratch::new();
    let file = scratch.path("agent.json");
    write(&file, "{ api_key: 'hunter2hunter2' scalyr_server: 5 }");
    for command in [["start", "--no-fork"], ["status", "-v"]] {
        let mut agent = Command::new(env!("CARGO_BIN_EXE_agent"));
        let output = agent.env_clear().args(command).arg("-c").arg(&file).output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&format!("error: {}:1:29: expected ", file.display())), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_server_that_takes_uploads_is_told_from_one_that_does_not_know_the_key() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let (code, asked) = connected(&receiver.url(), json!({}));
    assert_eq!((code, &asked["ok"], &asked["answer"]), (Some(0), &json!(true), &json!("accepted")));
    assert_eq!(receiver.events().len(), 0, "an upload of a check has no events");

    let file = write_config(&scratch, &receiver.url(), json!([]), json!({}));
    let told = stdout(&check(&file, &["--connect"]));
    assert!(told.starts_with(&format!("{} accepts uploads with the api key\n", receiver.url())), "{told}");

    receiver.restart(&scratch, &["--fault", "status:error/client/badParam"]);
    let (code, asked) = connected(&receiver.url(), json!({}));
    assert_eq!((code, &asked["ok"]), (Some(1), &json!(false)));
    let answer = asked["answer"].as_str().unwrap();
    assert!(answer.contains("most likely api_key is wrong"), "{answer}");

    receiver.restart(&scratch, &["--fault", "http:503"]);
    let (code, asked) = connected(&receiver.url(), json!({}));
    assert_eq!(code, Some(1));
    assert!(asked["answer"].as_str().unwrap().contains("HTTP 503"), "{asked}");
    let output = check(&write_config(&scratch, &receiver.url(), json!([]), json!({})), &["--connect"]);
    let (told, verdict) = (stdout(&output), stderr(&output));
    assert!(told.starts_with(&format!("{} takes no uploads with the api key: ", receiver.url())), "{told}");
    let end = format!(" has no errors, but nothing can be uploaded to {} now.\n", receiver.url());
    assert!(verdict.ends_with(&end) && !told.contains("is well"), "{told}{verdict}");
}

#[test]
fn why_a_server_cannot_be_reached_is_told() {
    let scratch = Scratch::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let says = |server: &str, extra: Value| {
        let (code, asked) = connected(server, extra);
        assert_eq!((code, &asked["ok"]), (Some(1), &json!(false)), "{asked}");
        asked["answer"].as_str().unwrap().to_owned()
    };
    let refused = says(&format!("http://{free}"), json!({}));
    assert!(refused.contains("refused"), "{refused}");

    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "stall"]);
    let late = says(&receiver.url(), json!({ "request_deadline": 1 }));
    assert_eq!(late, format!("the server {} gave no answer within 1 s", receiver.url().replace("http://", "")));

    let no_tls = says(&receiver.url().replace("http:", "https:"), json!({}));
    assert!(no_tls.contains("does not speak TLS"), "{no_tls}");

    // A label may have 63 letters, so nobody has to be asked.
    let no_name = says(&format!("http://{}.invalid", "a".repeat(64)), json!({}));
    assert!(no_name.contains("address"), "{no_name}");
}

/// A folder with files; each is written for its owner alone.
fn write_all(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        write(&file, text);
    }
}

#[test]
fn print_tells_of_each_value_whether_it_is_from_a_file_a_fragment_the_environment_or_the_default() {
    let scratch = Scratch::new();
    write_all(
        scratch.folder(),
        &[
            (
                "agent.json",
                "{\n  api_key: 'hunter2',\n  debug_level: 1,\n  server_attributes: { tier: 'web' },\n\
                            implicit_metric_monitor: false,\n  implicit_agent_process_metrics_monitor: false,\n\
                            logs: [\n    { path: '/var/log/main.log' } ] }",
            ),
            (
                "agent.d/app.json",
                "{\n  logs: [\n    { path: '/srv/app.log' } ],\n  max_line_size: 5000,\n  server_attributes: { rack: 5 } }",
            ),
            ("agent.d/coin.json", "{ monitors: [\n  { module: 'coin',\n    gauss_mean: 2 } ] }"),
        ],
    );
    let variables = [
        ("SCALYR_DEBUG_LEVEL", "3"),
        ("SCALYR_COMPRESSION_LEVEL", "9"),
        ("SCALYR_HTTPS_PROXY", "http://me:hunter2@proxy:3128"),
    ];
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.env_clear().envs(variables).arg("check").arg("-c").arg(scratch.path("agent.json")).args(more);
        let output = command.output().unwrap();
        assert!(!stdout(&output).contains("hunter2") && !stderr(&output).contains("hunter2"), "{output:?}");
        output
    };
    let output = run(&["--format", "json"]);
    let object: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let origin = |name: &str| object["options"][name]["origin"].as_str().unwrap().to_owned();
    let in_file = |name: &str| scratch.path(name).display().to_string();
    assert_eq!(origin("api_key"), format!("{}:2", in_file("agent.json")));
    // A file wins over the environment, which is told of.
    assert_eq!(origin("debug_level"), format!("{}:3", in_file("agent.json")));
    assert_eq!(object["options"]["debug_level"]["value"], 1);
    assert_eq!(origin("max_line_size"), format!("{}:4", in_file("agent.d/app.json")));
    assert_eq!(origin("compression_level"), "env:SCALYR_COMPRESSION_LEVEL");
    assert_eq!(origin("https_proxy"), "env:SCALYR_HTTPS_PROXY");
    assert_eq!(origin("read_page_size"), "default");
    assert_eq!(object["logs"][1]["origin"], format!("{}:3", in_file("agent.d/app.json")));
    let coin = &object["monitors"][0];
    assert_eq!(coin["origin"], format!("{}:2", in_file("agent.d/coin.json")));
    assert_eq!(coin["options"]["gauss_mean"]["origin"], format!("{}:3", in_file("agent.d/coin.json")));

    let printed = stdout(&run(&["--print"]));
    let given = &printed[..printed.find("Defaults\n").unwrap()];
    let host = object["options"]["server_attributes"]["value"]["serverHost"].to_string();
    let given: Vec<String> = given
        .replace(&format!("{}/", scratch.folder().display()), "")
        .replace(&host, "HOST")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "Options",
        "api_key \"********** MASKED **********\" agent.json:2",
        "server_attributes 3 members agent.json:4, agent.d/app.json:5",
        "tier \"web\" agent.json:4",
        "rack 5 agent.d/app.json:5",
        "serverHost HOST default",
        "logs 2 entries agent.json:7, agent.d/app.json:3",
        "monitors 1 entry agent.d/coin.json:1",
        "https_proxy \"http://me:********** MASKED **********@proxy:3128\" env:SCALYR_HTTPS_PROXY",
        "compression_level 9 env:SCALYR_COMPRESSION_LEVEL",
        "max_line_size 5000 agent.d/app.json:4",
        "implicit_metric_monitor false agent.json:5",
        "implicit_agent_process_metrics_monitor false agent.json:6",
        "debug_level 1 agent.json:3",
    ];
    let given: Vec<&str> = given.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    assert_eq!(given, expected, "{printed}");
    let members = &object["options"]["server_attributes"]["members"];
    assert_eq!(members["rack"], format!("{}:5", in_file("agent.d/app.json")));
    assert_eq!(members["serverHost"], "default");
    assert_eq!(object["options"]["logs"]["elements"][1], format!("{}:3", in_file("agent.d/app.json")));
}

/// Each of these secrets begins alike, so that they are found in any output.
const SECRET: &str = "S3CRET";

/// Secrets in every place where a person may put one, most of them wrong.
const FULL_OF_SECRETS: &str = r#"{
  import_vars: [ { var: "PLAIN", default: "S3CRET01xx" }, { var: "MYKEY", default: "S3CRET02xx" } ],
  api_key: "S3CRET04" + "S3CRET05xx", debug_level: 11,
  apikey: "S3CRET07xx", "api-key": "S3CRET08xx", "API_KEY": "S3CRET09xx", scalyr_api_key: "S3CRET10xx", key: 5,
  http_proxy: "http://me:S3CRET12xx@proxy:3128", https_proxy: "me:S3CRET13xx@proxy:1",
  scalyr_server: "https://u:S3CRET15xx@host:99999",
  server_attributes: { password: """S3CRET16xx
   S3CRET17xx""", token: ["S3CRET18xx"], auth: { secret: "S3CRET19xx" } },
  workers: [ { id: "a b", api_key: "S3CRET20xx" }, { id: "x", api_key: ["S3CRET21xx"] }, { id: "y", apikey: "S3CRET22xx",
    server_url: "ftp://u:S3CRET23xx@h" }, { id: "default", api_key: "S3CRET24xx" } ],
  logs: [ { path: "/a", attributes: { token: "S3CRET26xx", password: {a: "S3CRET27xx"} }, api_key: "S3CRET28xx" },
    { path: "/b", redaction_rules: [ { match_expression: "(", replacement: "x", hash_salt: "S3CRET30xx" } ] } ],
  monitors: [ { module: "coin", password: "S3CRET31xx", api_key: "S3CRET32xx", gauss_mean: 99 },
     { module: "http_monitor", request_headers: { Authorization: "Bearer S3CRET34xx" }, url: "https://u:S3CRET35xx@h/?token=S3CRET36xx" },
     { module: "postgresql_monitor", database_password: "S3CRET37xx", databse_pasword: "S3CRET38xx" } ],
  // api_key: "S3CRET40xx"
  max_line_size: "lots", snmp: { community: "S3CRET44xx" }
}
"#;

#[test]
fn no_secret_is_in_any_output_with_or_without_faults_of_the_syntax() {
    let scratch = Scratch::new();
    let file = scratch.path("agent.json");
    let commands: [&[&str]; 6] = [
        &["check"],
        &["check", "--print"],
        &["check", "--format", "json"],
        &["check", "--connect"],
        &["start", "--no-fork"],
        &["status", "-v"],
    ];
    let fragments = ["{ api_key: \"S3CRET50xx\", workers: { api_key: \"S3CRET52xx\" } }", "{ api_key S3CRET53xx }"];
    for fragment in fragments {
        write_all(scratch.folder(), &[("agent.json", FULL_OF_SECRETS), ("agent.d/b.json", fragment)]);
        for command in commands {
            let mut agent = Command::new(env!("CARGO_BIN_EXE_agent"));
            agent.env_clear().env("SCALYR_API_KEY", "S3CRET60xx").env("SCALYR_HTTP_PROXY", "http://me:S3CRET61xx@h");
            let output = agent.args(command).arg("-c").arg(&file).output().unwrap();
            let all = stdout(&output) + &stderr(&output);
            assert!(all.len() > 100 && !output.status.success(), "{command:?}: {all}");
            let found: Vec<&str> = all.lines().filter(|line| line.contains(SECRET)).collect();
            assert_eq!(found, Vec::<&str>::new(), "{command:?} with {fragment}");
        }
    }
}

#[test]
fn the_agent_refuses_to_start_with_all_problems_at_once() {
    let scratch = Scratch::new();
    let file = scratch.path("agent.json");
    write(&file, "{ api_key: 'hunter2hunter2',\n debug_level: 11,\n logs: [ {} ],\n colour: 1,\n b 5 }");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_agent"));
    let output = agent.env_clear().args(["start", "--no-fork", "-c"]).arg(&file).output().unwrap();
    let text = stderr(&output);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), ""), "{text}");
    let at = |place: &str| format!("{}:{place}", file.display());
    for problem in [
        format!("refused: {}", at("2:15  debug_level: ")),
        format!("refused: {}", at("3:10  logs[0].path: ")),
        format!("warning: {}", at("4:2  colour: ")),
        format!("error: {}", at("5:")),
    ] {
        assert!(text.contains(&problem), "{problem}: {text}");
    }
    assert!(text.ends_with("The agent does not run.\n"), "{text}");
}

#[test]
fn a_file_whose_name_holds_commands_of_a_terminal_is_told_of_on_one_line() {
    let scratch = Scratch::new();
    let file = scratch.path("a b\n\u{1b}]0;t\u{7}\u{202e}.json");
    write(&file, "{ api_key: 'k', colour: 1, implicit_agent_process_metrics_monitor: false }");
    let output = check(&file, &["--print"]);
    let all = stdout(&output) + &stderr(&output);
    assert!(!all.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !all.contains("a b\n"), "{all:?}");
    assert_eq!(stderr(&output).lines().count(), 2, "{all}");
}

#[test]
fn whatever_a_server_does_wrong_is_told_within_the_deadline() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    for (fault, told) in [
        ("status:error/server/backoff", "the server answers status error/server/backoff"),
        ("status:discardBuffer", "the server answers status discardBuffer: it discards uploads"),
        ("http:401:empty", "most likely api_key is wrong"),
        ("http:404:html", "the server answers HTTP 404"),
        ("http:200:half", "the server answers HTTP 200 without a status that can be read"),
        ("drip:300ms", "did not finish its answer within 1 s"),
        ("cut:head", "closed the connection without an answer"),
        ("cut:answer", "closed the connection in the middle of its answer"),
    ] {
        receiver.restart(&scratch, &["--fault", fault]);
        // A short one only where it is to pass: a busy machine needs its time for the others.
        let deadline = if fault.starts_with("drip") { 1 } else { 10 };
        let (code, asked) = connected(&receiver.url(), json!({ "request_deadline": deadline }));
        assert_eq!((code, &asked["ok"]), (Some(1), &json!(false)), "{fault}: {asked}");
        assert!(asked["answer"].as_str().unwrap().contains(told), "{fault}: {asked}");
    }
}
