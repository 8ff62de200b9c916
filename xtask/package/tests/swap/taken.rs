//! What else is to be taken over, with either package manager.

use crate::host::{CONFIG, FRAGMENT, Host, Kind, LOG};
use crate::root::wait_until;
use crate::{assert_asks_nothing, ours};

/// With the Python agent shipping, and twenty lines that it could not send.
fn half_shipped(kind: Kind, more: &str) -> Host {
    let mut host = Host::new(kind);
    host.has_old_agent(more);
    host.start();
    host.receiver.pause();
    (0..20).for_each(|_| host.write_line());
    host
}

/// Ours runs, and has sent each line once.
#[track_caller]
fn ships_the_rest(host: &mut Host) {
    host.receiver.resume();
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
}

fn an_agent_that_was_stopped(kind: Kind) {
    let mut host = half_shipped(kind, "");
    host.root.done("/etc/init.d/scalyr-agent-2 stop");
    host.write_line();
    host.installed("ours-1");
    ships_the_rest(&mut host);
}

fn a_log_that_rotates_meanwhile(kind: Kind) {
    let mut host = half_shipped(kind, "");
    std::thread::scope(|scope| {
        let swap = scope.spawn(|| host.install("ours-1"));
        // The old one has been stopped, and ours has not begun.
        wait_until("no agent runs", || host.running().is_none());
        host.write_line();
        host.root.done(&format!("mv {LOG} {LOG}.1"));
        host.write_line();
        let ran = swap.join().unwrap();
        assert_eq!(ran.code, Some(0), "{}", ran.said);
    });
    host.write_line();
    ships_the_rest(&mut host);
}

fn a_configuration_of_another_user(kind: Kind) {
    let mut host = Host::new(kind);
    host.has_old_agent("");
    if !host.root.has("/usr/bin/sudo") {
        // All that the Python agent asks of it.
        let sudo = "#!/bin/sh\n[ \"$1\" = -u ] || exit 1\nuser=$2\nshift 2\nexec runuser -u \"$user\" -- \"$@\"\n";
        host.root.write("/usr/bin/sudo", sudo);
        host.root.done("chmod 755 /usr/bin/sudo");
    }
    host.root.done("useradd --no-create-home shipper && scalyr-agent-2-config --set-user shipper");
    host.start();
    host.receiver.pause();
    (0..20).for_each(|_| host.write_line());
    let said = host.installed("ours-1");
    assert_asks_nothing(&said);
    ships_the_rest(&mut host);
    for path in [CONFIG, "/var/log/scalyr-agent-2", "/var/lib/scalyr-agent-2"] {
        assert!(host.root.mode(path).contains(" shipper:"), "{path}: {}", host.root.mode(path));
    }
    let user = host.root.done("stat -c %U /proc/$(cat /var/log/scalyr-agent-2/agent.pid)");
    assert_eq!(user, "shipper\n");
    assert!(host.root.mode(CONFIG).starts_with("640 "));
    host.has_next_release();
    host.installed("ours-2");
    host.assert_ours_runs();
    host.ships_the_next_line();
    assert!(host.root.mode(CONFIG).contains(" shipper:"));
    host.assert_each_line_once();
}

/// What `scalyr-agent-2-config --systemd-managed` of the Python agent leaves (`cli-and-service.md` section 13).
const OLD_UNIT: &str = "[Unit]\nDescription=The Python agent\n\n[Service]\nType=simple\n\
    ExecStart=/usr/share/scalyr-agent-2/bin/scalyr-agent-2 start --no-fork\n\
    ExecStop=/usr/share/scalyr-agent-2/bin/scalyr-agent-2 stop\n\n[Install]\nWantedBy=multi-user.target\n";

fn an_agent_that_the_administrators_unit_starts(kind: Kind) {
    const UNIT: &str = "/etc/systemd/system/scalyr-agent-2.service";
    let mut host = half_shipped(kind, "");
    host.root.write(UNIT, OLD_UNIT);
    host.root.done("update-rc.d -f scalyr-agent-2 remove && touch /etc/scalyr-agent-2/systemd_managed");
    // As `systemctl enable` does, which would enable the links of init too.
    host.root.done(&format!(
        "cd /etc/systemd/system && mkdir -p multi-user.target.wants && ln -s {UNIT} multi-user.target.wants/"
    ));
    host.installed("ours-1");
    ships_the_rest(&mut host);
    assert_eq!(host.root.read(UNIT), OLD_UNIT);
    assert!(host.root.has("/etc/scalyr-agent-2/systemd_managed"));
    assert!(!host.root.has("/etc/rc2.d/S*scalyr-agent-2"), "its unit starts it, and no link of init");
    let started = host.root.done("readlink -f /etc/systemd/system/multi-user.target.wants/scalyr-agent-2.service");
    assert_eq!(started.trim_end(), UNIT);
    // The program that the old unit names is ours.
    let version = host.root.done("/usr/share/scalyr-agent-2/bin/scalyr-agent-2 version");
    assert!(!version.contains("2.2.8"), "{version}");
}

fn a_monitor_that_we_have_not_built(kind: Kind) {
    let mut host = half_shipped(kind, "");
    let monitor = "{ monitors: [ { module: \"scalyr_agent.builtin_monitors.nginx_monitor\", id: \"hi\" } ] }\n";
    host.root.write("/etc/scalyr-agent-2/agent.d/unknown.json", monitor);
    let said = host.installed("ours-1");
    assert!(said.contains("the agent runs without what is wrong") && said.contains("nginx_monitor"), "{said}");
    ships_the_rest(&mut host);
}

fn what_is_installed_again_and_upgraded(kind: Kind) {
    let mut host = half_shipped(kind, "");
    let (config, fragment) = (host.root.read(CONFIG), host.root.read(FRAGMENT));
    assert_asks_nothing(&host.installed("ours-1"));
    host.write_line();
    match kind {
        Kind::Deb => assert_asks_nothing(&host.installed("ours-1")),
        Kind::Rpm => assert_asks_nothing(&host.root.done("rpm -U --replacepkgs /mnt/ours-1.rpm")),
    }
    host.write_line();
    host.has_next_release();
    assert_asks_nothing(&host.installed("ours-2"));
    ships_the_rest(&mut host);
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), (config, fragment));
}

fn the_package_with_an_interpreter_inside(kind: Kind) {
    let mut host = Host::new(kind);
    host.has_old_agent("");
    let config = host.root.read(CONFIG);
    host.removed("scalyr-agent-2");
    match kind {
        Kind::Deb => host.root.done("dpkg --force-confold -i /mnt/aio.deb"),
        Kind::Rpm => host.root.done(&format!("mv {CONFIG}.rpmsave {CONFIG} && rpm -i /mnt/aio.rpm")),
    };
    host.start();
    host.receiver.pause();
    (0..5).for_each(|_| host.write_line());
    host.installed("ours-1");
    ships_the_rest(&mut host);
    assert_eq!(host.root.read(CONFIG), config);
    let gone = host.root.run(match kind {
        Kind::Deb => "dpkg -s scalyr-agent-2-aio | grep '^Status: .* installed'",
        Kind::Rpm => "rpm -q scalyr-agent-2-aio",
    });
    assert_eq!(gone.code, Some(1), "{}", gone.said);
    host.removed(ours::NAME);
}

/// Each story of this file, for both.
macro_rules! for_both {
    ($($story:ident),* $(,)?) => {
        mod by_dpkg {
            use super::Kind;
            $(#[test]
            fn $story() {
                super::$story(Kind::Deb);
            })*
        }
        mod by_rpm {
            use super::Kind;
            $(#[test]
            #[ignore = "CI tells it with dpkg; `-- --ignored` tells it with rpm"]
            fn $story() {
                super::$story(Kind::Rpm);
            })*
        }
    };
}

for_both! {
    an_agent_that_was_stopped,
    a_log_that_rotates_meanwhile,
    a_configuration_of_another_user,
    an_agent_that_the_administrators_unit_starts,
    a_monitor_that_we_have_not_built,
    what_is_installed_again_and_upgraded,
    the_package_with_an_interpreter_inside,
}
