//! "I typed `agent start`. Does it run, and if not, why?" Starting in the background, as an operator does it.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod story;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use story::{API_KEY, Background, ReceiverProcess, Scratch, agent, run, wait_until, write_config};

const PATIENCE: Duration = Duration::from_secs(60);
/// The owner of a configuration who is not root; each Debian has them.
const NOBODY: &str = "nobody";
const NOT_RESTARTED: &str = "The agent does not run, so it is not restarted.\n";

#[test]
fn start_says_that_it_runs_status_sees_it_and_stop_ends_it() {
    let scratch = Scratch::new();
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let log = scratch.path("app.log");
    fs::write(&log, "one\n").unwrap();
    let entries = json!([{ "path": log, "copy_from_start": true }]);
    let config = write_config(&scratch, &receiver.url(), entries, json!({}));
    let started = run(agent(&["start"], &config));
    let background = Background::of(&scratch);
    assert_eq!((started.code, started.err.as_str()), (Some(0), ""), "{started:?}");
    let pid = background.pid().unwrap();
    let log = scratch.path("log/agent.log");
    assert_eq!(
        started.out,
        format!(
            "Configuration verified.\nThe agent runs in the background (process {pid}); its log is {}\n",
            log.display()
        ),
        "no server was asked, so none is named"
    );
    let status = run(agent(&["status"], &config));
    assert!(status.code == Some(0) && status.out.contains(&format!("process {pid}")), "{status:?}");
    wait_until("the line has arrived", PATIENCE, || receiver.events().len() == 1);

    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    assert_eq!(fields[3], pid.to_string(), "a session of its own: {stat}");
    assert_eq!(fields[4], "0", "no terminal: {stat}");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), Path::new("/"));
    for descriptor in 0..3 {
        wait_until("the terminal is let go", PATIENCE, || {
            fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap() == Path::new("/dev/null")
        });
    }

    let again = run(agent(&["start"], &config));
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "{again:?}");
    assert_eq!(again.err, format!("The agent is already running (process {pid}).\n"));
    assert_eq!(background.pid(), Some(pid));

    let stopped = run(agent(&["stop"], &config));
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(0), ""), "{stopped:?}");
    assert_eq!(stopped.out, "Sending signal to terminate agent.\nAgent has stopped.\n");
    assert!(!scratch.path("log/agent.pid").exists());
    assert_eq!(background.all(), BTreeSet::new());
    let status = run(agent(&["status"], &config));
    assert_eq!(status.code, Some(4), "{status:?}");
    let stopped = run(agent(&["stop"], &config));
    assert_eq!((stopped.code, stopped.out.as_str()), (Some(0), ""), "{stopped:?}");
    assert!(stopped.err.starts_with("The agent does not appear to be running"), "{stopped:?}");
}

#[test]
fn a_broken_configuration_prints_every_problem_exits_with_1_and_leaves_no_process() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "not a server", json!([]), json!({ "api_key": "", "max_line_size": -1 }));
    let started = run(agent(&["start"], &config));
    assert_eq!((started.code, started.out.as_str()), (Some(1), ""), "{started:?}");
    for says in ["api_key", "scalyr_server", "max_line_size", "The agent does not run."] {
        assert!(started.err.contains(says), "{says}: {started:?}");
    }
    assert_eq!(Background::of(&scratch).all(), BTreeSet::new());
    assert!(!scratch.path("log/agent.pid").exists());
}

#[test]
fn a_placeholder_key_is_refused() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({ "api_key": "REPLACE_THIS" }));
    let started = run(agent(&["start"], &config));
    assert_eq!(started.code, Some(1));
    assert!(started.err.contains("placeholder REPLACE_THIS"), "{started:?}");
    assert_eq!(Background::of(&scratch).all(), BTreeSet::new());
}

#[test]
fn a_refused_key_ends_the_start_and_a_verified_connection_is_claimed_only_when_there_was_one() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start_with(&scratch, "receiver", &["--fault", "key"]);
    let config = write_config(&scratch, &receiver.url(), json!([]), json!({ "check_remote_if_no_tty": true }));
    let background = Background::of(&scratch);
    let started = run(agent(&["start"], &config));
    assert_eq!((started.code, started.out.as_str()), (Some(1), ""), "{started:?}");
    assert!(started.err.contains("refuses the api key") && !started.err.contains(API_KEY), "{started:?}");
    assert_eq!(background.all(), BTreeSet::new());

    receiver.set_faults("http:503");
    let started = run(agent(&["start"], &config));
    assert_eq!(started.code, Some(0));
    assert!(started.out.starts_with("Configuration verified.\n"), "{started:?}");
    assert!(started.err.contains("warning: ") && started.err.contains("takes no uploads"), "{started:?}");

    receiver.set_faults("");
    let again = run(agent(&["restart"], &config));
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""), "{again:?}");
    let (stopped, started) = again.out.split_once("Agent has stopped.\n").unwrap();
    assert_eq!(stopped, "Sending signal to terminate agent.\n");
    assert!(started.starts_with("Configuration and server connection verified.\nThe agent runs"), "{again:?}");
    assert_eq!(run(agent(&["stop", "--quiet"], &config)).words(), (Some(0), "", ""));
    assert_eq!(run(agent(&["start", "-q"], &config)).words(), (Some(0), "", ""));
    assert!(background.pid().is_some());
}

#[test]
fn whoever_starts_an_agent_is_told_what_it_leaves_out() {
    let scratch = Scratch::new();
    let monitors = json!([{ "module": "coin", "gauss_mean": 11 }]);
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({ "monitors": monitors }));
    let background = Background::of(&scratch);
    for command in ["start", "restart"] {
        let started = run(agent(&[command], &config));
        assert_eq!(started.code, Some(0), "{started:?}");
        assert!(started.err.contains("11 is above the maximum 10; coin() does not run"), "{started:?}");
        assert_eq!(started.err.lines().count(), 1, "{started:?}");
        assert!(background.pid().is_some());
    }
}

#[test]
fn what_fails_only_in_the_child_reaches_the_terminal_and_the_exit_code() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    fs::create_dir(scratch.path("log/agent.log")).unwrap();
    let started = run(agent(&["start"], &config));
    assert_eq!((started.code, started.out.as_str()), (Some(1), ""), "{started:?}");
    assert!(started.err.contains("log/agent.log") && started.err.contains("The agent does not run."), "{started:?}");
    assert_eq!(Background::of(&scratch).all(), BTreeSet::new());
}

#[test]
fn of_eight_starts_at_once_one_wins_and_the_others_say_so() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let background = Background::of(&scratch);
    let racers: Vec<_> = (0..8).map(|_| agent(&["start"], &config).spawn().unwrap()).collect();
    let results: Vec<_> = racers.into_iter().map(|racer| racer.wait_with_output().unwrap()).collect();
    let pid = background.pid().unwrap();
    assert_eq!(background.all(), BTreeSet::from([pid]), "exactly one process");
    let texts = |of: fn(&std::process::Output) -> &Vec<u8>| -> Vec<String> {
        results.iter().map(|result| String::from_utf8_lossy(of(result)).into_owned()).collect()
    };
    let (out, err) = (texts(|result| &result.stdout), texts(|result| &result.stderr));
    assert!(results.iter().all(|result| result.status.code() == Some(0)), "{results:?}");
    assert_eq!(out.iter().filter(|text| text.contains(&format!("(process {pid})"))).count(), 1, "{out:?}");
    assert_eq!(err.iter().filter(|text| text.starts_with("The agent is already running")).count(), 7, "{err:?}");
}

#[test]
fn restart_leaves_the_running_agent_alone_when_the_configuration_is_broken_and_condrestart_starts_nothing() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let background = Background::of(&scratch);
    assert_eq!(run(agent(&["condrestart"], &config)).words(), (Some(0), "", NOT_RESTARTED));
    assert_eq!(background.all(), BTreeSet::new());
    assert_eq!(run(agent(&["restart", "-q"], &config)).words(), (Some(0), "", ""));
    let first = background.pid().unwrap();
    assert_eq!(run(agent(&["condrestart", "--quiet"], &config)).words(), (Some(0), "", ""));
    let second = background.pid().unwrap();
    assert_ne!(first, second);

    write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({ "api_key": "" }));
    for command in ["restart", "condrestart"] {
        let refused = run(agent(&[command], &config));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("api_key") && refused.err.contains("Nothing was stopped"), "{refused:?}");
        assert_eq!(background.all(), BTreeSet::from([second]));
    }
    // It is found, though its configuration has become useless meanwhile.
    let stopped = run(agent(&["stop"], &config));
    assert_eq!(stopped.code, Some(0));
    assert!(stopped.out.ends_with("Agent has stopped.\n"), "{stopped:?}");
    assert_eq!(stopped.err, "", "no key is needed to stop an agent");
    assert_eq!(run(agent(&["condrestart"], &config)).code, Some(0), "an upgrade does not fail for it");
}

#[test]
fn stop_finds_the_agent_by_the_pid_file_that_it_is_told_when_the_configuration_is_gone() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    let background = Background::of(&scratch);
    assert_eq!(run(agent(&["start"], &config)).code, Some(0));
    fs::remove_file(&config).unwrap();
    let pid_file = scratch.path("log/agent.pid");
    let mut command = agent(&["stop"], &config);
    command.arg("--pid-file").arg(&pid_file);
    let stopped = run(command);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(stopped.err.contains(&format!("the pid file {} (as --pid-file says)", pid_file.display())), "{stopped:?}");
    assert!(stopped.out.ends_with("Agent has stopped.\n"), "{stopped:?}");
    assert_eq!(background.all(), BTreeSet::new());
}

#[track_caller]
fn give_to(user: &str, paths: &[&Path]) {
    let chown = Command::new("chown").arg("-R").arg(user).args(paths).status().unwrap();
    assert!(chown.success(), "this test gives files to the user {user}: run it as root, as CI does");
}

#[test]
fn root_starts_the_agent_as_the_owner_of_the_configuration_who_alone_may_stop_it() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    fs::set_permissions(scratch.folder(), Permissions::from_mode(0o755)).unwrap();
    give_to(NOBODY, &[scratch.folder()]);
    let uid = fs::metadata(&config).unwrap().uid();
    let background = Background::of(&scratch);
    let started = run(agent(&["start"], &config));
    assert_eq!((started.code, started.err.as_str()), (Some(0), "Running as nobody\n"), "{started:?}");
    let pid = background.pid().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ids = |name: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(|id| id.parse().unwrap()).collect()
    };
    assert_eq!(ids("Uid:"), [uid; 4]);
    assert!(!ids("Groups:").contains(&0) && !ids("Gid:").contains(&0), "no group of root is left: {status}");
    assert_eq!(fs::metadata(scratch.path("log/agent.pid")).unwrap().uid(), uid);
    let stopped = run(agent(&["stop"], &config));
    assert_eq!((stopped.code, stopped.err.as_str()), (Some(0), "Running as nobody\n"), "{stopped:?}");
    assert_eq!(background.all(), BTreeSet::new());

    // With that, root stays root.
    assert_eq!(run(agent(&["start", "--no-change-user", "-q"], &config)).words(), (Some(0), "", ""));
    let pid = background.pid().unwrap();
    assert_eq!(fs::metadata(format!("/proc/{pid}")).unwrap().uid(), 0);
    let stopped = run(agent(&["stop"], &config));
    assert_eq!(stopped.code, Some(1), "nobody may not end a process of root");
    assert!(stopped.err.contains("or as root with --no-change-user"), "{stopped:?}");
    assert_eq!(run(agent(&["stop", "--no-change-user", "-q"], &config)).words(), (Some(0), "", ""));
}

#[test]
fn who_is_neither_root_nor_the_owner_is_refused_and_told_what_to_do() {
    let scratch = Scratch::new();
    let config = write_config(&scratch, "http://127.0.0.1:9", json!([]), json!({}));
    fs::set_permissions(scratch.folder(), Permissions::from_mode(0o755)).unwrap();
    for command in ["start", "stop", "restart", "condrestart"] {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid", NOBODY, "--regid", "nogroup", "--clear-groups"]);
        setpriv.arg(env!("CARGO_BIN_EXE_agent")).args([command, "-c"]).arg(&config).env_clear();
        setpriv.stdin(std::process::Stdio::null());
        let refused = run(setpriv);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let owner = format!("this is the user nobody, and {} belongs to root", config.display());
        assert!(refused.err.contains(&owner) && refused.err.contains("--no-change-user"), "{refused:?}");
    }
    assert_eq!(Background::of(&scratch).all(), BTreeSet::new());
}
