//! Stories with the real rpm, whose scripts run inside of a small root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

use ::rpm::{BuildConfig, CompressionWithLevel, Dependency, PackageBuilder};

use super::packaged::{CONFIG, bringing, lacking, named, packaged};
use super::root::Root;
use super::server::Server;

/// A root that has a shell by what rpm knows.
fn new_root() -> Root {
    let root = Root::new();
    let mut shell = PackageBuilder::new("dash", "1", "BSD-3-Clause", "noarch", "made up");
    shell.using_config(BuildConfig::v4().compression(CompressionWithLevel::None)).provides(Dependency::any("/bin/sh"));
    let file = root.path("tmp/dash.rpm");
    shell.build().unwrap().write_file(&file).unwrap();
    root.rpm(&["--upgrade", "--nosignature", file.to_str().unwrap()]).well();
    root
}

/// A root in which the agent is installed and runs.
fn running(server: &Server) -> Root {
    let root = new_root();
    root.program("usr/sbin/chkconfig", "echo \"$@\" >>/tmp/called");
    let said = root.upgrade_rpm(&packaged("1")).well();
    assert!(said.contains("not started yet: it needs an api key"), "{said}");
    assert!(root.processes().is_empty());
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n");
    root.configure(&server.configuration(""));
    root.agent(&["start", "--no-check-remote-server"]).well();
    assert!(root.pid().is_some());
    root
}

#[test]
fn it_comes_runs_and_goes_and_the_configuration_stays() {
    let server = Server::new();
    let root = running(&server);
    assert_eq!((root.mode(CONFIG), root.mode("etc/scalyr-agent-2/agent.d")), (0o640, 0o751));
    let printed = root.agent(&["--run-monitor", "coin", "-s", "0.1", "--samples", "1"]).well();
    assert!(printed.contains("[coin()] uniform "), "{printed}");
    root.log("first line");
    server.wait_for("first line");

    let configured = root.read(CONFIG);
    root.rpm(&["--erase", "scalyr-agent-2-rs"]).well();
    assert!(root.processes().is_empty());
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n--del scalyr-agent-2\n");
    assert_eq!(root.read(&format!("{CONFIG}.rpmsave")), configured);
    assert!(root.has("var/lib/scalyr-agent-2") && !root.has("run/scalyr-agent-2.package"));
}

#[test]
fn an_upgrade_restarts_it_and_an_edited_configuration_stays() {
    let server = Server::new();
    let root = running(&server);
    root.log("before");
    assert_eq!(server.wait_for("before"), 1);
    let given = ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2"];
    for below in given {
        chown(root.path(below), Some(777), None).unwrap();
    }
    let (old, configured) = (root.pid(), root.read(CONFIG));
    root.upgrade_rpm(&bringing("{ api_key: 'REPLACE_THIS' } // new\n", "2")).well();
    assert!(root.pid().is_some() && root.pid() != old);
    assert_eq!(root.read(CONFIG), configured);
    assert!(root.read(&format!("{CONFIG}.rpmnew")).ends_with("// new\n"));
    assert_eq!(root.read("tmp/called"), "--add scalyr-agent-2\n", "registered once");
    // rpm gives them to root; `restore_owners` gives them back.
    for below in given {
        assert_eq!(fs::metadata(root.path(below)).unwrap().uid(), 777, "{below}");
    }
    root.log("after");
    assert_eq!((server.wait_for("after"), server.wait_for("before")), (1, 1));

    let old = root.pid();
    root.configure(&server.configuration("monitors: [ { module: 'no_such_monitor' } ]"));
    let said = root.upgrade_rpm(&packaged("3")).well();
    assert!(said.contains("the agent was not restarted") && said.contains("no_such_monitor"), "{said}");
    assert_eq!(root.pid(), old);

    root.agent(&["stop"]).well();
    root.configure(&configured);
    root.rpm(&["--upgrade", "--replacepkgs", "--nosignature", root.path("tmp/package.rpm").to_str().unwrap()]).well();
    assert!(root.processes().is_empty(), "one that was stopped stays so");
}

#[test]
fn an_upgrade_that_would_lose_a_monitor_is_refused() {
    let root = new_root();
    root.upgrade_rpm(&packaged("1")).well();
    root.configure("{ monitors: [ { module: 'coin' } ] }");
    let poor = lacking("coin", "2");
    let said = root.upgrade_rpm(&poor).failed();
    assert!(said.contains("lacks: coin") && said.contains("dnf versionlock add"), "{said}");
    let installed = || root.rpm(&["--query", "--queryformat", "%{RELEASE}", "scalyr-agent-2-rs"]).well();
    assert_eq!(installed(), "1");
    let said = root.upgrade_rpm_with(&[("SCALYR_AGENT_ALLOW_LOST_MONITORS", "1")], &poor).well();
    assert!(said.contains("although it lacks monitors") && said.contains("coin"), "{said}");
    assert_eq!(installed(), "2");
}

#[test]
fn a_package_of_another_name_takes_the_place_and_keeps_it() {
    let server = Server::new();
    let root = running(&server);
    let (old, configured) = (root.pid(), root.read(CONFIG));
    let said = root.upgrade_rpm(&named("acme-agent", "1")).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    let new = root.pid();
    assert!(new.is_some() && new != old);
    assert_eq!(root.read(CONFIG), configured);
    // It was registered, the other took that away with it, and it is registered for the new one.
    assert!(root.read("tmp/called").ends_with("--add scalyr-agent-2\n"), "{}", root.read("tmp/called"));

    let said = root.upgrade_rpm(&packaged("2")).failed();
    assert!(said.contains("acme-agent"), "{said}");
    assert_eq!((root.pid(), root.read(CONFIG)), (new, configured));
    let listed = root.rpm(&["--query", "--all", "--queryformat", "%{NAME}\n"]).well();
    assert!(listed.contains("acme-agent\n") && !listed.contains("scalyr-agent-2-rs"), "{listed}");
}

#[test]
fn in_an_image_nothing_is_started_of_the_host_that_makes_it() {
    let (root, server) = (new_root(), Server::new());
    fs::create_dir_all(root.path("etc/scalyr-agent-2")).unwrap();
    root.configure(&server.configuration(""));
    let said = root.upgrade_rpm_with(&[("SYSTEMD_IGNORE_CHROOT", "0")], &packaged("1")).well();
    assert!(said.contains("a root inside of another system, so the agent is not started"), "{said}");
    assert!(root.processes().is_empty());
}

#[test]
fn a_log_folder_that_lies_elsewhere_stays_with_the_user_of_the_agent() {
    let root = new_root();
    root.upgrade_rpm(&packaged("1")).well();
    let logs = root.path("var/log/scalyr-agent-2");
    fs::remove_dir_all(&logs).unwrap();
    fs::create_dir_all(root.path("srv/logs")).unwrap();
    symlink("/srv/logs", &logs).unwrap();
    chown(root.path("srv/logs"), Some(777), None).unwrap();
    root.upgrade_rpm(&packaged("2")).well();
    assert_eq!(fs::metadata(root.path("srv/logs")).unwrap().uid(), 777);

    // Who may move the folder elsewhere could have anything given to them.
    fs::set_permissions(root.path("srv"), Permissions::from_mode(0o777)).unwrap();
    let said = root.upgrade_rpm(&packaged("3")).well();
    assert!(said.contains("leads to /srv/logs, which belonged to 777:0; to give it back: chown 777:0 "), "{said}");
    assert_eq!(fs::metadata(root.path("srv/logs")).unwrap().uid(), 0);
}
