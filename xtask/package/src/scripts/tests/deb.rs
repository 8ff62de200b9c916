//! Stories with the real dpkg, whose scripts run inside of a small root.

use std::fs;
use std::os::unix::fs::chown;

use super::root::{Root, Server, packaged, wait};

const MONITORS: [&str; 4] = ["coin", "gauges", "linux_process_metrics", "linux_system_metrics"];
const CONFIG: &str = "etc/scalyr-agent-2/agent.json";

/// One line more in the log that is copied.
fn log(root: &Root, line: &str) {
    let old = fs::read_to_string(root.path("tmp/app.log")).unwrap_or_default();
    fs::write(root.path("tmp/app.log"), format!("{old}{line}\n")).unwrap();
}

/// A root in which the agent is installed and runs.
fn running(server: &Server) -> Root {
    let root = Root::new();
    root.install(&packaged("1", &MONITORS)).well();
    root.configure(&server.configuration(""));
    root.agent(&["start", "--no-check-remote-server"]).well();
    assert!(root.pid().is_some());
    root
}

#[test]
fn without_a_key_it_is_installed_and_not_started_and_with_one_it_ships() {
    let (root, server) = (Root::new(), Server::new());
    let said = root.install(&packaged("1", &MONITORS)).well();
    assert!(said.contains("not started yet: it needs an api key") && said.contains("--set-key-from-stdin"), "{said}");
    assert!(said.contains("  scalyr-agent-2 start\n"), "{said}");
    assert_eq!(root.processes().len(), 0);
    assert_eq!((root.mode(CONFIG), root.mode("etc/scalyr-agent-2/agent.d")), (0o640, 0o751));
    assert_eq!(root.mode("etc/init.d/scalyr-agent-2"), 0o755);

    let tried = root.agent(&["--run-monitor", "coin", "-s", "1"]);
    assert!(tried.said.is_empty() || tried.code.is_some(), "{tried:?}");
    log(&root, "first line");
    root.configure(&server.configuration(""));
    root.inside(&["/etc/init.d/scalyr-agent-2", "start"]).well();
    root.inside(&["/etc/init.d/scalyr-agent-2", "status"]).well();
    server.wait_for("first line");
    root.inside(&["/etc/init.d/scalyr-agent-2", "stop"]).well();
    assert_eq!(root.inside(&["/etc/init.d/scalyr-agent-2", "status"]).code, Some(4));
    assert_eq!(root.processes().len(), 0);
}

#[test]
fn an_upgrade_restarts_an_agent_that_runs_and_loses_nothing() {
    let server = Server::new();
    let root = running(&server);
    log(&root, "before");
    assert_eq!(server.wait_for("before"), 1);
    let old = root.pid();
    let configured = root.read(CONFIG);
    root.install(&packaged("2", &MONITORS)).well();
    assert!(root.pid().is_some() && root.pid() != old);
    assert_eq!(root.read(CONFIG), configured);
    log(&root, "after");
    assert_eq!((server.wait_for("after"), server.wait_for("before")), (1, 1));

    // One that was stopped stays so, also when the scripts run again and again.
    root.agent(&["stop"]).well();
    for release in ["3", "3", "4"] {
        root.install(&packaged(release, &MONITORS)).well();
        root.dpkg(&["--configure", "--pending"]).well();
        assert_eq!(root.processes().len(), 0);
    }
}

#[test]
fn a_configuration_that_the_new_agent_refuses_leaves_the_old_one_running() {
    let server = Server::new();
    let root = running(&server);
    let old = root.pid();
    root.configure(&server.configuration("monitors: [ { module: 'no_such_monitor' } ]"));
    let said = root.install(&packaged("2", &MONITORS)).well();
    assert!(said.contains("the agent was not restarted") && said.contains("no_such_monitor"), "{said}");
    assert!(said.contains("It could start all the same") && said.contains("scalyr-agent-2 restart"), "{said}");
    assert_eq!(root.pid(), old);
    root.configure("{ ");
    let said = root.install(&packaged("3", &MONITORS)).well();
    assert!(said.contains("Until then it cannot start"), "{said}");
    assert_eq!(root.pid(), old);
    fs::remove_file(root.path(CONFIG)).unwrap();
    root.install(&packaged("4", &MONITORS)).well();
    assert_eq!(root.pid(), old);
}

#[test]
fn an_upgrade_that_would_lose_a_monitor_is_refused_and_says_how_to_go_on() {
    let root = Root::new();
    root.install(&packaged("1", &MONITORS)).well();
    root.configure("{ monitors: [ { module: 'coin' }, { module: 'nobody_has_it' } ] }");
    let poor = packaged("2", &["linux_process_metrics", "linux_system_metrics"]);
    let said = root.install(&poor).failed();
    assert!(said.contains("lacks: coin \n") && !said.contains("nobody_has_it"), "{said}");
    for way in ["cargo xtask package", "apt-mark hold scalyr-agent-2-rs", "SCALYR_AGENT_ALLOW_LOST_MONITORS=1"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    let status = root.dpkg(&["--status", "scalyr-agent-2-rs"]).well();
    assert!(status.contains("Status: install ok installed") && status.contains("Version: 0.1.0-1\n"), "{status}");
    let said = root.install_with(&[("SCALYR_AGENT_ALLOW_LOST_MONITORS", "1")], &[], &poor).well();
    assert!(said.contains("although it lacks monitors") && said.contains("coin"), "{said}");
}

#[test]
fn one_package_takes_the_place_of_another_and_what_was_stopped_for_a_refusal_runs_again() {
    let server = Server::new();
    let root = running(&server);
    root.configure(&server.configuration("monitors: [ { module: 'coin' } ]"));
    let mut other = packaged("1", &["linux_process_metrics", "linux_system_metrics"]);
    other.name = "acme-agent".to_owned();
    let said = root.install(&other).failed();
    assert!(said.contains("acme-agent: is not installed") || said.contains("lacks: coin"), "{said}");
    wait("the agent runs again", || root.pid().is_some());

    let configured = root.read(CONFIG);
    let mut other = packaged("1", &MONITORS);
    other.name = "acme-agent".to_owned();
    let said = root.install(&other).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    assert_eq!(root.read(CONFIG), configured, "dpkg asked nothing, and kept it");
    assert!(root.pid().is_some());
    root.dpkg(&["--purge", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.read(CONFIG), configured, "another package has it");
    assert!(root.pid().is_some() && root.has("var/lib/scalyr-agent-2"));
}

#[test]
fn the_configuration_of_before_is_kept_without_a_question() {
    let root = Root::new();
    let mine = "{ api_key: 'REPLACE_THIS', debug_level: 1 }\n";
    fs::create_dir_all(root.path("etc/scalyr-agent-2/agent.d")).unwrap();
    fs::create_dir_all(root.path("etc/init.d")).unwrap();
    fs::write(root.path(CONFIG), mine).unwrap();
    chown(root.path(CONFIG), Some(777), Some(777)).unwrap();
    fs::write(root.path("etc/init.d/scalyr-agent-2"), "#!/bin/sh\necho old\n").unwrap();
    let said = root.install(&packaged("1", &MONITORS)).well();
    assert!(!said.contains("Configuration file"), "{said}");
    assert_eq!(root.read(CONFIG), mine);
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(fs::metadata(root.path(CONFIG)).unwrap().uid(), 777);
    assert!(root.read("etc/init.d/scalyr-agent-2").contains("LSB") || root.read("etc/init.d/scalyr-agent-2").contains("INIT INFO"));
    let left: Vec<_> = fs::read_dir(root.path("etc/scalyr-agent-2")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    // Interrupted between the two scripts.
    let other = Root::new();
    fs::create_dir_all(other.path("etc/scalyr-agent-2")).unwrap();
    fs::write(other.path(CONFIG), mine).unwrap();
    let package = packaged("1", &MONITORS);
    let file = other.path("a.deb");
    fs::write(&file, crate::deb::write(&package, &super::for_deb(&package)).unwrap()).unwrap();
    other.dpkg(&["--unpack", file.to_str().unwrap()]).well();
    assert_ne!(other.read(CONFIG), mine);
    other.dpkg(&["--unpack", file.to_str().unwrap()]).well();
    other.dpkg(&["--configure", "--pending"]).well();
    assert_eq!(other.read(CONFIG), mine);
}

#[test]
fn removed_it_leaves_configuration_and_positions_and_purged_nothing() {
    let server = Server::new();
    let root = running(&server);
    log(&root, "line");
    server.wait_for("line");
    root.dpkg(&["--remove", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.processes().len(), 0);
    assert!(root.has(CONFIG) && root.has("var/lib/scalyr-agent-2") && root.has("var/log/scalyr-agent-2"));
    root.inside(&["/etc/init.d/scalyr-agent-2", "start"]).well();
    let said = root.install(&packaged("1", &MONITORS)).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    assert!(root.pid().is_some());
    root.dpkg(&["--purge", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.processes().len(), 0);
    for gone in ["etc/scalyr-agent-2", "var/lib/scalyr-agent-2", "var/log/scalyr-agent-2", "etc/init.d/scalyr-agent-2", "run/scalyr-agent-2.package"] {
        assert!(!root.has(gone), "{gone}");
    }
}

#[test]
fn what_starts_with_the_host_is_registered_unless_the_administrator_does_that() {
    let root = Root::new();
    root.program("usr/sbin/update-rc.d", "echo \"$@\" >>/tmp/called");
    root.program("usr/sbin/policy-rc.d", "exit 101");
    fs::create_dir_all(root.path("etc/scalyr-agent-2")).unwrap();
    fs::write(root.path(CONFIG), "{ api_key: 'key', scalyr_server: 'http://127.0.0.1:9', allow_http: true }").unwrap();
    let said = root.install(&packaged("1", &MONITORS)).well();
    assert_eq!(root.read("tmp/called"), "scalyr-agent-2 defaults 98 02\n");
    assert!(said.contains("as /usr/sbin/policy-rc.d wants it") && root.processes().is_empty(), "{said}");

    fs::write(root.path("tmp/called"), "").unwrap();
    fs::write(root.path("etc/scalyr-agent-2/systemd_managed"), "").unwrap();
    root.install(&packaged("2", &MONITORS)).well();
    assert_eq!(root.read("tmp/called"), "");
}

#[test]
fn modes_are_repaired_and_what_was_given_to_another_user_stays_that_users() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let root = Root::new();
    root.install(&packaged("1", &MONITORS)).well();
    let open = |below: &str| fs::set_permissions(root.path(below), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(root.path("etc/scalyr-agent-2/agent.d/mine.json"), "{}").unwrap();
    for below in [CONFIG, "etc/scalyr-agent-2/agent.d", "etc/scalyr-agent-2/agent.d/mine.json"] {
        open(below);
    }
    for below in ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2", CONFIG] {
        chown(root.path(below), Some(777), None).unwrap();
    }
    root.install(&packaged("2", &MONITORS)).well();
    assert_eq!(root.mode(CONFIG) & 0o007, 0);
    assert_eq!(root.mode("etc/scalyr-agent-2/agent.d"), 0o751);
    assert_eq!(root.mode("etc/scalyr-agent-2/agent.d/mine.json") & 0o007, 0);
    for below in ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2", CONFIG] {
        assert_eq!(fs::metadata(root.path(below)).unwrap().uid(), 777, "{below}");
    }
}
