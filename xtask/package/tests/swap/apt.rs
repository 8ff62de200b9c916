//! The same by apt, with the vendor's repository, which has a greater version of the old package.

use crate::assert_asks_nothing;
use crate::host::{CONFIG, FRAGMENT, Host, Kind};
use crate::ours::NAME;

/// Puts a package of /mnt into a repository of files, and has apt read it.
fn publish(host: &Host, name: &str) {
    host.root.done(&format!(
        "mkdir -p /srv/repository && cd /srv/repository && cp /mnt/{name}.deb . &&
         dpkg-deb -f {name}.deb >>Packages &&
         printf 'Filename: ./{name}.deb\\nSize: %s\\nSHA256: %s\\n\\n' \\
             $(stat -c %s {name}.deb) $(sha256sum {name}.deb | cut -d' ' -f1) >>Packages &&
         echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list &&
         apt-get -q update"
    ));
}

/// The version of an installed package; empty for none.
fn version(host: &Host, package: &str) -> String {
    host.root
        .run(&format!(
            "dpkg-query -W -f '${{db:Status-Abbrev}} ${{Version}}' {package} 2>/dev/null | sed -n 's/^ii  *//p'"
        ))
        .said
}

#[test]
#[ignore = "CI leaves it out for its time; `-- --ignored` tells it"]
fn apt_swaps_them_and_the_vendors_next_version_does_not_push_ours_out() {
    let mut host = Host::new(Kind::Deb);
    host.has_old_agent("");
    host.start();
    host.receiver.pause();
    (0..20).for_each(|_| host.write_line());
    let before = (host.root.read(CONFIG), host.root.read(FRAGMENT));
    publish(&host, "old-2.2.9");
    let said = host.root.done("cd /mnt && apt-get -y install ./ours-1.deb");
    assert_asks_nothing(&said);
    assert!(!said.contains("DOWNGRADED"), "{said}");
    assert!(said.contains("will be REMOVED:\n  scalyr-agent-2\n"), "{said}");
    host.receiver.resume();
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), before);

    for upgrade in ["upgrade", "dist-upgrade", "full-upgrade"] {
        host.root.done(&format!("apt-get -y {upgrade}"));
        assert_eq!(version(&host, "scalyr-agent-2"), "", "{upgrade}");
        assert!(version(&host, NAME).contains("-1."), "{upgrade}: {}", version(&host, NAME));
    }
    host.assert_ours_runs();

    host.has_next_release();
    publish(&host, "ours-2");
    let said = host.root.done("apt-get -y upgrade");
    assert_asks_nothing(&said);
    assert!(version(&host, NAME).contains("-2."), "{said}");
    host.assert_ours_runs();
    host.ships_the_next_line();
    host.assert_each_line_once();

    // The way back, as docs/migration.md says.
    let said = host.root.done("apt-get -y -o Dpkg::Options::=--force-confold install scalyr-agent-2");
    assert_eq!(version(&host, "scalyr-agent-2"), "2.2.9", "{said}");
    assert_eq!((host.root.read(CONFIG), host.root.read(FRAGMENT)), before);
    host.start();
    host.assert_python_runs();
    host.assert_each_line_once();
}
