//! "I put the package in the place of the Python agent's. Does it go on at the line where that stopped? And when I go back?"
//!
//! A real Python agent 2.2.8 runs in these stories, installed by the real dpkg and the real rpm in a Debian of their own.
//! They need root, a Debian with the packages that `.ci/run` installs, and PyPI at the first time; see [`root`].

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod apt;
mod deb;
mod host;
mod ours;
mod python;
mod receiver;
mod root;
mod taken;

use host::{CONFIG, FRAGMENT, Host, Kind, OTHER_LOG};
use ours::NAME;

/// No package manager and no script asks a question, of which nobody would know.
#[track_caller]
fn assert_asks_nothing(said: &str) {
    for question in ["[default=", "Configuration file", "(Y/I/N", "Do you want", ".dpkg-dist", ".rpmsave"] {
        assert!(!said.contains(question), "{question}: {said}");
    }
}

/// The story of both: half of the log is shipped, the rest is written while nobody takes it; the swap; and the way back.
fn there_and_back(kind: Kind) {
    let mut host = Host::new(kind);
    host.has_old_agent("");
    host.start();
    host.assert_python_runs();
    (0..20).for_each(|_| host.write_line());
    host.ships_the_next_line();
    host.root.append(OTHER_LOG, "other\n");
    host.receiver.wait_for(OTHER_LOG, "other");
    // What the old agent reads, and cannot send any more.
    host.receiver.pause();
    (0..20).for_each(|_| host.write_line());
    let (config, fragment) = (host.root.read(CONFIG), host.root.read(FRAGMENT));
    let said = host.installed("ours-1");
    assert_asks_nothing(&said);
    host.write_line();
    host.receiver.resume();
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
    assert_eq!(host.receiver.lines(OTHER_LOG), ["other"]);
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), (config.clone(), fragment.clone()));
    assert_eq!(host.root.mode(CONFIG), "640 root:root");
    assert_eq!(host.root.mode(FRAGMENT), "640 root:root", "nobody else reads it");
    assert!(!host.root.has("/usr/share/scalyr-agent-2/py"), "nothing is left of the old program");
    assert!(starts_with_the_host(&host), "the old one's unregistering does not unregister ours");
    let log = host.root.read("/var/log/scalyr-agent-2/agent.log");
    assert!(log.contains("taken over from the Python agent") && log.contains("scalyr_agent"), "one log of both: {log}");

    // The way back, while the server is away again.
    host.receiver.pause();
    (0..5).for_each(|_| host.write_line());
    host.removed(NAME);
    assert_eq!(host.running(), None);
    host.write_line();
    go_back(&host);
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), (config.clone(), fragment.clone()));
    host.receiver.resume();
    host.start();
    host.assert_python_runs();
    assert!(starts_with_the_host(&host));
    host.assert_each_line_once();
    purge_ours(&host);
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), (config.clone(), fragment.clone()));
    host.assert_python_runs();
    assert!(starts_with_the_host(&host));
    host.ships_the_next_line();

    // And forth again.
    let said = host.installed("ours-1");
    assert_asks_nothing(&said);
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
    assert!(starts_with_the_host(&host));
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), (config, fragment));
}

/// Whether something starts the agent with the host: systemd, or the links of init, which systemd asks about where no unit is.
fn starts_with_the_host(host: &Host) -> bool {
    host.root.run("systemctl is-enabled scalyr-agent-2.service").code == Some(0)
}

/// Installs the old package where ours was removed, as docs/migration.md says.
fn go_back(host: &Host) {
    match host.kind {
        Kind::Deb => host.root.done("dpkg --force-confold -i /mnt/old-2.2.8.deb"),
        Kind::Rpm => host.root.done(
            "mv /etc/scalyr-agent-2/agent.json.rpmsave /etc/scalyr-agent-2/agent.json && rpm -i /mnt/old-2.2.8.rpm",
        ),
    };
}

/// What a removal has left of ours; rpm leaves nothing.
fn purge_ours(host: &Host) {
    if host.kind == Kind::Deb {
        host.root.done(&format!("dpkg -P {NAME}"));
    }
}

#[test]
fn dpkg_puts_ours_in_the_place_of_the_python_agent_and_back_without_a_line_twice_or_missing() {
    there_and_back(Kind::Deb);
}

#[test]
fn rpm_puts_ours_in_the_place_of_the_python_agent_and_back_without_a_line_twice_or_missing() {
    there_and_back(Kind::Rpm);
}
