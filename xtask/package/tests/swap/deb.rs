//! What only dpkg does.

use crate::assert_asks_nothing;
use crate::host::{CONFIG, FRAGMENT, Host, Kind};
use crate::root::wait_until;

/// Both files of the user, as they are.
fn written(host: &Host) -> (String, String) {
    (host.root.read(CONFIG), host.root.read(FRAGMENT))
}

#[test]
#[ignore = "CI leaves it out for its time; `-- --ignored` tells it"]
fn a_purge_of_what_the_old_package_left_takes_nothing_of_ours() {
    let host = Host::new(Kind::Deb);
    host.has_old_agent("");
    host.start();
    let before = written(&host);
    host.installed("ours-1");
    host.assert_ours_runs();
    // Nothing may be left to purge, which is well, too.
    let purged = host.root.run("dpkg -P scalyr-agent-2");
    assert_eq!(written(&host), before, "{}", purged.said);
    assert!(host.root.has("/etc/init.d/scalyr-agent-2"));
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
}

#[test]
fn whoever_has_only_unpacked_it_finds_the_configuration_after_it_is_configured() {
    let host = Host::new(Kind::Deb);
    host.has_old_agent("");
    host.start();
    let before = written(&host);
    // Where a machine that loses its power may stop.
    host.root.done("dpkg --auto-deconfigure -B --unpack /mnt/ours-1.deb");
    assert_eq!(host.running(), None);
    host.write_line();
    let said = host.root.done("dpkg --configure -a");
    assert_asks_nothing(&said);
    assert_eq!(written(&host), before);
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
}

#[test]
fn a_dpkg_that_is_killed_while_it_unpacks_loses_no_configuration() {
    let host = Host::new(Kind::Deb);
    host.has_old_agent("");
    host.start();
    let before = written(&host);
    let mut dpkg = host.root.command("dpkg -i /mnt/ours-1.deb").spawn().unwrap();
    wait_until("preinst has run", || host.root.has(&format!("{CONFIG}.kept-by-package")));
    host.root.done("pkill -KILL -x dpkg; pkill -KILL -x dpkg-deb; true");
    dpkg.wait().unwrap();
    host.write_line();
    // It is told to be installed once more, which is what a person does next.
    let again = host.root.run("dpkg --configure -a");
    let said = host.installed("ours-1");
    assert_asks_nothing(&(again.said + &said));
    assert_eq!(written(&host), before);
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
}

#[test]
#[ignore = "CI leaves it out for its time; `-- --ignored` tells it"]
fn with_debconf_told_to_ask_nothing_it_is_the_same() {
    let host = Host::new(Kind::Deb);
    host.has_old_agent("");
    host.start();
    let before = written(&host);
    assert_asks_nothing(&host.root.done("DEBIAN_FRONTEND=noninteractive dpkg -i /mnt/ours-1.deb"));
    assert_eq!(written(&host), before);
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
}
