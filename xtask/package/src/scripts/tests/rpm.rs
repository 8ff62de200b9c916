//! Stories with the real rpm, whose scripts run inside of a small root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use super::root::{Root, Server, packaged};

const MONITORS: [&str; 4] = ["coin", "gauges", "linux_process_metrics", "linux_system_metrics"];
const CONFIG: &str = "etc/scalyr-agent-2/agent.json";

#[test]
fn it_comes_runs_changes_and_goes() {
    let (root, server) = (Root::new(), Server::new());
    root.program("usr/sbin/chkconfig", "echo \"$@\" >>/tmp/called");
    let said = root.upgrade_rpm(&packaged("1", &MONITORS)).well();
    assert!(said.contains("not started yet: it needs an api key"), "{said}");
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n");
    root.configure(&server.configuration(""));
    root.agent(&["start", "--no-check-remote-server"]).well();
    let old = root.pid();
    for below in ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2"] {
        chown(root.path(below), Some(777), None).unwrap();
    }
    root.upgrade_rpm(&packaged("2", &MONITORS)).well();
    assert!(root.pid().is_some() && root.pid() != old);
    for below in ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2"] {
        assert_eq!(fs::metadata(root.path(below)).unwrap().uid(), 777, "{below}");
    }
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n", "registered once");

    let (old, configured) = (root.pid(), root.read(CONFIG));
    root.configure(&server.configuration("monitors: [ { module: 'no_such_monitor' } ]"));
    let said = root.upgrade_rpm(&packaged("3", &MONITORS)).well();
    assert!(said.contains("the agent was not restarted") && root.pid() == old, "{said}");
    root.configure(&configured);

    root.rpm(&["--erase", "scalyr-agent-2-rs"]).well();
    assert!(root.processes().is_empty());
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n--del scalyr-agent-2\n");
    assert_eq!(root.read("etc/scalyr-agent-2/agent.json.rpmsave"), configured);
    assert!(!root.has("run/scalyr-agent-2.package"));
}

#[test]
fn an_upgrade_that_would_lose_a_monitor_is_refused() {
    let root = Root::new();
    root.upgrade_rpm(&packaged("1", &MONITORS)).well();
    root.configure("{ monitors: [ { module: 'coin' } ] }");
    let said = root.upgrade_rpm(&packaged("2", &["linux_process_metrics", "linux_system_metrics"])).failed();
    assert!(said.contains("lacks: coin") && said.contains("dnf versionlock add"), "{said}");
    let listed = root.rpm(&["--query", "scalyr-agent-2-rs"]).well();
    assert!(listed.contains("-0.1.0-1."), "{listed}");
}

#[test]
fn one_package_takes_the_place_of_another_and_runs_then() {
    let (root, server) = (Root::new(), Server::new());
    root.upgrade_rpm(&packaged("1", &MONITORS)).well();
    root.configure(&server.configuration(""));
    root.agent(&["start", "--no-check-remote-server"]).well();
    let (old, configured) = (root.pid(), root.read(CONFIG));
    let mut other = packaged("1", &MONITORS);
    other.name = "acme-agent".to_owned();
    let said = root.upgrade_rpm(&other).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    assert!(root.pid().is_some() && root.pid() != old);
    assert_eq!(root.read(CONFIG), configured);
    let listed = root.rpm(&["--query", "--all"]).well();
    assert!(listed.starts_with("acme-agent-") && listed.lines().count() == 1, "{listed}");
}
