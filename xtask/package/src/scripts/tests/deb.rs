//! Stories with the real dpkg, whose scripts run inside of a small root.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use super::packaged::{CONFIG, bringing, lacking, named, packaged};
use super::root::Root;
use super::server::Server;

/// A root in which the agent is installed and runs.
fn running(server: &Server) -> Root {
    let root = Root::new();
    root.install(&packaged("1")).well();
    root.configure(&server.configuration(""));
    root.agent(&["start", "--no-check-remote-server"]).well();
    assert!(root.pid().is_some());
    root
}

#[test]
fn without_a_key_it_is_installed_and_not_started_and_with_one_it_ships() {
    let (root, server) = (Root::new(), Server::new());
    let said = root.install(&packaged("1")).well();
    assert!(said.contains("not started yet: it needs an api key") && said.contains("--set-key-from-stdin"), "{said}");
    assert!(said.contains("\n  scalyr-agent-2 start\n"), "{said}");
    assert_eq!(root.processes().len(), 0);
    assert_eq!((root.mode(CONFIG), root.mode("etc/scalyr-agent-2/agent.d")), (0o640, 0o751));
    assert_eq!(root.mode("etc/init.d/scalyr-agent-2"), 0o755);
    assert_eq!(root.dpkg(&["--verify", "scalyr-agent-2-rs"]).well(), "");

    let printed = root.agent(&["--run-monitor", "coin", "-s", "0.1", "--samples", "1"]).well();
    assert!(printed.contains("[coin()] uniform "), "{printed}");
    root.log("first line");
    root.configure(&server.configuration(""));
    let init = |word: &str| root.inside(&["/etc/init.d/scalyr-agent-2", word]);
    init("start").well();
    init("status").well();
    server.wait_for("first line");
    init("stop").well();
    assert_eq!(init("status").code, Some(4));
    assert_eq!(root.processes().len(), 0);
}

#[test]
fn an_upgrade_restarts_an_agent_that_runs_and_loses_nothing() {
    let server = Server::new();
    let root = running(&server);
    root.log("before");
    assert_eq!(server.wait_for("before"), 1);
    let old = root.pid();
    let configured = root.read(CONFIG);
    let said = root.install(&packaged("2")).well();
    assert!(!said.contains("Configuration file"), "{said}");
    assert!(root.pid().is_some() && root.pid() != old);
    assert_eq!(root.read(CONFIG), configured);
    root.log("after");
    assert_eq!((server.wait_for("after"), server.wait_for("before")), (1, 1));

    // One that was stopped stays so, also when the scripts run again.
    root.agent(&["stop"]).well();
    for _ in 0..2 {
        root.install(&packaged("3")).well();
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
    let said = root.install(&packaged("2")).well();
    assert!(said.contains("the agent was not restarted") && said.contains("no_such_monitor"), "{said}");
    assert!(said.contains("It could start all the same") && said.contains("scalyr-agent-2 restart"), "{said}");
    assert_eq!(root.pid(), old);

    root.configure("{ ");
    let said = root.install(&packaged("3")).well();
    assert!(said.contains("Until then it cannot start"), "{said}");
    assert_eq!(root.pid(), old);

    fs::remove_file(root.path(CONFIG)).unwrap();
    root.install(&packaged("2")).well();
    assert_eq!(root.pid(), old);
}

#[test]
fn an_edited_configuration_stays_when_the_package_brings_another() {
    let root = Root::new();
    root.install(&packaged("1")).well();
    root.configure("{ api_key: 'REPLACE_THIS', debug_level: 1 } // mine\n");
    let other = bringing("{ api_key: 'REPLACE_THIS' } // new\n", "2");
    root.install_with(&[], &["--force-confdef", "--force-confold", "--install"], &other).well();
    assert!(root.read(CONFIG).ends_with("// mine\n"));
    assert!(root.read(&format!("{CONFIG}.dpkg-dist")).ends_with("// new\n"));
    assert_eq!(root.mode(CONFIG), 0o640);
}

#[test]
fn an_upgrade_that_would_lose_a_monitor_is_refused_and_says_how_to_go_on() {
    let root = Root::new();
    root.install(&packaged("1")).well();
    root.configure("{ monitors: [ { module: 'coin' }, { module: 'nobody_has_it' } ] }");
    let poor = lacking("coin", "2");
    let said = root.install(&poor).failed();
    assert!(said.contains("lacks: coin \n") && !said.contains("nobody_has_it"), "{said}");
    for way in ["cargo xtask package", "apt-mark hold scalyr-agent-2-rs", "SCALYR_AGENT_ALLOW_LOST_MONITORS=1"] {
        assert!(said.contains(way), "{way}: {said}");
    }
    let status = root.dpkg(&["--status", "scalyr-agent-2-rs"]).well();
    let (installed, old) = ("Status: install ok installed", format!("Version: {}\n", packaged("1").version));
    assert!(status.contains(installed) && status.contains(&old), "{status}");

    let said = root.install_with(&[("SCALYR_AGENT_ALLOW_LOST_MONITORS", "1")], &["--install"], &poor).well();
    assert!(said.contains("although it lacks monitors") && said.contains("coin"), "{said}");
}

#[test]
fn a_package_of_another_name_takes_the_place_and_keeps_it() {
    let server = Server::new();
    let root = running(&server);
    root.configure(&server.configuration("monitors: [ { module: 'coin' } ]"));

    // For what takes its place dpkg stops it before it asks; refused, it runs again.
    let mut poor = lacking("coin", "1");
    poor.name = "acme-agent".to_owned();
    let said = root.install(&poor).failed();
    assert!(said.contains("acme-agent: is not installed") && said.contains("lacks: coin"), "{said}");
    assert!(root.pid().is_some());

    let configured = root.read(CONFIG);
    let said = root.install(&named("acme-agent", "1")).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    assert_eq!(root.read(CONFIG), configured, "dpkg asked nothing, and kept it");
    assert!(root.pid().is_some());
    let listed = root.agent(&["monitors"]).well();
    let (builtin, local) = listed.split_once("\nLocal\n").unwrap();
    assert!(
        builtin.contains("linux_system_metrics") && !builtin.contains("coin") && local.contains("coin"),
        "{listed}"
    );

    // What is left of the other may go, and cannot come back by an upgrade.
    root.dpkg(&["--purge", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.read(CONFIG), configured, "another package has it");
    let pid = root.pid();
    assert!(pid.is_some() && root.has("var/lib/scalyr-agent-2"));
    let said = root.install(&packaged("2")).failed();
    assert!(said.contains("conflicting packages"), "{said}");
    assert_eq!((root.pid(), root.read(CONFIG)), (pid, configured));
}

#[test]
fn the_configuration_of_before_is_kept_without_a_question() {
    let mine = "{ api_key: 'REPLACE_THIS', debug_level: 1 }\n";
    let configured = || {
        let root = Root::new();
        fs::create_dir_all(root.path("etc/scalyr-agent-2/agent.d")).unwrap();
        fs::write(root.path(CONFIG), mine).unwrap();
        chown(root.path(CONFIG), Some(777), Some(777)).unwrap();
        root
    };
    let root = configured();
    fs::write(root.path("etc/init.d/scalyr-agent-2"), "#!/bin/sh\necho old\n").unwrap();
    let said = root.install(&packaged("1")).well();
    assert!(!said.contains("Configuration file"), "{said}");
    assert_eq!(root.read(CONFIG), mine);
    assert_eq!(fs::metadata(root.path(CONFIG)).unwrap().uid(), 777);
    assert_eq!(root.read("etc/init.d/scalyr-agent-2"), super::INIT);
    assert_eq!(root.names("etc/scalyr-agent-2"), ["agent.d", "agent.json"]);
    assert_eq!(root.names("etc/scalyr-agent-2/agent.d"), ["examples.json"]);

    // Interrupted between the two scripts.
    let root = configured();
    root.install_with(&[], &["--unpack"], &packaged("1")).well();
    assert_ne!(root.read(CONFIG), mine);
    root.install_with(&[], &["--unpack"], &packaged("1")).well();
    root.dpkg(&["--configure", "--pending"]).well();
    assert_eq!(root.read(CONFIG), mine);
    assert_eq!(root.names("etc/scalyr-agent-2"), ["agent.d", "agent.json"]);
}

#[test]
fn removed_it_leaves_configuration_and_positions_and_purged_nothing() {
    let server = Server::new();
    let root = running(&server);
    root.log("of before");
    server.wait_for("of before");
    root.dpkg(&["--remove", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.processes().len(), 0);
    assert!(root.has(CONFIG) && root.has("var/lib/scalyr-agent-2") && root.has("var/log/scalyr-agent-2"));
    // The script of init is still there, for a program that is not.
    root.inside(&["/etc/init.d/scalyr-agent-2", "start"]).well();

    let said = root.install(&packaged("1")).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    assert!(root.pid().is_some());
    root.log("another");
    assert_eq!((server.wait_for("another"), server.wait_for("of before")), (1, 1));
    root.dpkg(&["--purge", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.processes().len(), 0);
    let left = ["etc/scalyr-agent-2", "var/lib/scalyr-agent-2", "var/log/scalyr-agent-2", "etc/init.d/scalyr-agent-2"];
    for gone in left.into_iter().chain(["run/scalyr-agent-2.package", "usr/share/scalyr-agent-2"]) {
        assert!(!root.has(gone), "{gone}");
    }
}

#[test]
fn what_starts_with_the_host_is_registered_unless_the_administrator_does_that() {
    let root = Root::new();
    root.program("usr/sbin/update-rc.d", "echo \"$@\" >>/tmp/called");
    root.program("usr/sbin/policy-rc.d", "exit 101");
    fs::create_dir_all(root.path("etc/scalyr-agent-2")).unwrap();
    root.configure("{ api_key: 'key', scalyr_server: 'http://127.0.0.1:9', allow_http: true }");
    let said = root.install(&packaged("1")).well();
    assert_eq!(root.read("tmp/called"), "scalyr-agent-2 defaults 98 02\n");
    assert!(said.contains("as /usr/sbin/policy-rc.d wants it") && root.processes().is_empty(), "{said}");

    fs::write(root.path("tmp/called"), "").unwrap();
    fs::write(root.path("etc/scalyr-agent-2/systemd_managed"), "").unwrap();
    root.install(&packaged("2")).well();
    assert_eq!(root.read("tmp/called"), "");
}

#[test]
fn with_systemd_the_unit_is_enabled_and_what_the_administrator_disabled_stays_so() {
    let root = Root::new();
    root.program("usr/bin/systemctl", "case $1 in is-enabled) cat /tmp/state ;; *) echo \"$@\" >>/tmp/called ;; esac");
    fs::write(root.path("tmp/state"), "disabled\n").unwrap();
    let said = root.install(&packaged("1")).well();
    assert_eq!(root.read("tmp/called"), "enable scalyr-agent-2.service\n");
    assert!(said.contains("not started yet"), "{said}");
    root.install(&packaged("2")).well();
    assert_eq!(root.read("tmp/called"), "enable scalyr-agent-2.service\n", "not again");
}

#[test]
fn modes_are_repaired_and_what_was_given_to_another_user_stays_that_users() {
    let root = Root::new();
    root.install(&packaged("1")).well();
    let own = "etc/scalyr-agent-2/agent.d/mine.json";
    fs::write(root.path(own), "{}").unwrap();
    for below in [CONFIG, "etc/scalyr-agent-2/agent.d", own] {
        fs::set_permissions(root.path(below), Permissions::from_mode(0o777)).unwrap();
    }
    let given = ["var/log/scalyr-agent-2", "var/lib/scalyr-agent-2", CONFIG];
    for below in given {
        chown(root.path(below), Some(777), None).unwrap();
    }
    root.install(&packaged("2")).well();
    assert_eq!(root.mode(CONFIG) & 0o007, 0);
    assert_eq!(root.mode("etc/scalyr-agent-2/agent.d"), 0o751);
    assert_eq!(root.mode(own) & 0o007, 0);
    for below in given {
        assert_eq!(fs::metadata(root.path(below)).unwrap().uid(), 777, "{below}");
    }
}

#[test]
fn one_that_was_only_unpacked_is_ended_before_its_positions_are_deleted() {
    let server = Server::new();
    let root = running(&server);
    let pid = root.pid().unwrap();
    // As an upgrade ends whose dependencies are not met.
    root.install_with(&[], &["--unpack"], &packaged("2")).well();
    assert_eq!(root.pid(), Some(pid));
    root.dpkg(&["--purge", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.processes().len(), 0);
    assert!(!root.has("var/lib/scalyr-agent-2"));
}

#[test]
fn one_that_was_only_unpacked_gives_the_configuration_back_when_it_is_removed() {
    let mine = "{ api_key: 'mine' }\n";
    let root = Root::new();
    fs::create_dir_all(root.path("etc/scalyr-agent-2")).unwrap();
    root.configure(mine);
    root.install_with(&[], &["--unpack"], &packaged("1")).well();
    assert_ne!(root.read(CONFIG), mine);
    root.dpkg(&["--remove", "scalyr-agent-2-rs"]).well();
    assert_eq!(root.read(CONFIG), mine);
    assert!(!root.has(&format!("{CONFIG}.kept-by-package")) && !root.has("run/scalyr-agent-2.package"));
}

#[test]
fn a_package_that_was_removed_takes_the_place_again_and_its_agent_runs() {
    let server = Server::new();
    let root = Root::new();
    root.install(&named("acme-agent", "1")).well();
    root.configure(&server.configuration(""));
    root.dpkg(&["--remove", "acme-agent"]).well();
    let said = root.install(&packaged("1")).well();
    assert!(said.contains("The Scalyr agent runs"), "{said}");
    let configured = root.read(CONFIG);
    let said = root.install(&named("acme-agent", "1")).well();
    assert!(said.contains("The Scalyr agent runs") && root.pid().is_some(), "{said}");
    assert_eq!(root.read(CONFIG), configured);
}

#[test]
fn a_file_that_was_changed_while_it_was_removed_raises_no_question() {
    let root = Root::new();
    root.install(&packaged("1")).well();
    root.dpkg(&["--remove", "scalyr-agent-2-rs"]).well();
    // As the Python agent's package does, which was installed meanwhile.
    let (config, init) = ("{ api_key: 'REPLACE_THIS' } // mine\n", "#!/bin/sh\necho of another\n");
    root.configure(config);
    fs::write(root.path("etc/init.d/scalyr-agent-2"), init).unwrap();
    let said = root.install(&bringing("{ api_key: 'REPLACE_THIS' } // new\n", "2")).well();
    assert!(!said.contains("Configuration file"), "{said}");
    assert_eq!(root.read(CONFIG), config);
    assert_eq!(root.read("etc/init.d/scalyr-agent-2"), super::INIT);
    assert_eq!(root.read("etc/init.d/scalyr-agent-2.dpkg-old"), init);
}

#[test]
fn a_link_that_the_owner_of_a_folder_put_there_leads_root_nowhere() {
    let root = Root::new();
    let (folder, elsewhere) = ("etc/scalyr-agent-2/agent.d", "tmp/elsewhere");
    for below in [folder, elsewhere] {
        fs::create_dir_all(root.path(below)).unwrap();
    }
    std::os::unix::fs::symlink("/tmp/elsewhere", root.path(&format!("{folder}/examples.json"))).unwrap();
    root.install(&packaged("1")).well();
    assert_eq!(root.names(elsewhere), [""; 0]);
    assert!(root.path(&format!("{folder}/examples.json")).is_symlink());
}
