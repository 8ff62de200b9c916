//! A `.deb`, with dpkg and lintian.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Bench, assert_has, mode_of, refused, said, sample, sample_for_any_host, version, with_content};
use crate::deb;
use crate::package::{Needs, Package};
use crate::scripts::DebScripts;

/// Scripts that tell what they are called with; they run outside of the root.
pub(super) fn scripts() -> DebScripts {
    let script = |name: &str| format!("#!/bin/sh\nset -e\necho \"{name} $*\" >> \"$DPKG_ROOT/told\"\n");
    DebScripts {
        preinst: script("preinst"),
        postinst: script("postinst"),
        prerm: script("prerm"),
        postrm: script("postrm"),
    }
}

fn dpkg_deb(arguments: &[&str], package: &Path) -> String {
    said("dpkg-deb", "dpkg", Command::new("dpkg-deb").args(arguments).arg(package))
}

/// A root of its own for dpkg.
fn root(bench: &Bench) -> std::path::PathBuf {
    let root = bench.path("root");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg/updates")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    root
}

fn dpkg(root: &Path) -> Command {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display())).args(["--force-script-chrootless", "--force-not-root"]);
    command
}

fn status(root: &Path, name: &str) -> String {
    let admin = format!("--admindir={}", root.join("var/lib/dpkg").display());
    let mut command = Command::new("dpkg-query");
    let output = command.arg(admin).args(["-W", "-f=${db:Status-Status}", name]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A package of somebody else, by Debian's own tool.
fn foreign(bench: &Bench, name: &str, version: &str, fields: &str, files: &[&str]) -> std::path::PathBuf {
    let folder = bench.path(&format!("{name}-{version}"));
    fs::create_dir_all(folder.join("DEBIAN")).unwrap();
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: made up\n{fields}"
    );
    fs::write(folder.join("DEBIAN/control"), control).unwrap();
    for file in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "of the Python agent\n").unwrap();
    }
    let package = bench.path(&format!("{name}_{version}.deb"));
    said(
        "dpkg-deb",
        "dpkg",
        Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(folder).arg(&package),
    );
    package
}

#[test]
fn dpkg_reads_what_the_package_says_of_itself() {
    let bench = Bench::new();
    let path = bench.keep("a.deb", &deb::write(&sample(), &scripts()).unwrap());
    let told = dpkg_deb(&["-I"], &path);
    for line in [
        " Package: scalyr-agent-2-rs\n",
        " Version: 0.1.0-1\n",
        " Architecture: amd64\n",
        " Pre-Depends: libc6 (>= 2.34), libgcc-s1 | libgcc1\n",
        " Conflicts: scalyr-agent-2 (<< 3), scalyr-agent-2-aio (<< 3)\n",
        " Replaces: scalyr-agent-2, scalyr-agent-2-aio\n",
        " Provides: scalyr-agent-2, scalyr-agent-2-aio\n",
        " Section: admin\n",
        " Priority: optional\n",
    ] {
        assert_has(&told, line);
    }
    let conffiles = said("dpkg-deb", "dpkg", Command::new("dpkg-deb").arg("-I").arg(&path).arg("conffiles"));
    assert_eq!(conffiles, "/etc/scalyr-agent-2/agent.d/examples.json\n/etc/scalyr-agent-2/agent.json\n");
    let sums = said("dpkg-deb", "dpkg", Command::new("dpkg-deb").arg("-I").arg(&path).arg("md5sums"));
    assert!(!sums.contains("etc/"), "{sums}");
    assert_has(&sums, "  usr/sbin/scalyr-agent-2\n");
    assert_has(&said("dpkg-deb", "dpkg", Command::new("dpkg-deb").arg("-I").arg(&path).arg("postrm")), "postrm $*");
}

#[test]
fn everything_in_it_belongs_to_root_with_its_mode_and_its_time() {
    let bench = Bench::new();
    let path = bench.keep("a.deb", &deb::write(&sample(), &scripts()).unwrap());
    let list = dpkg_deb(&["-c"], &path);
    assert!(list.lines().all(|line| line.contains(" root/root ") && line.contains(" 2026-01-02 03:04 ")), "{list}");
    let has = |begin: &str, end: &str| {
        assert!(list.lines().any(|line| line.starts_with(begin) && line.ends_with(end)), "{begin} … {end}\n{list}");
    };
    has("drwxr-xr-x", " ./");
    has("drwxr-xr-x", " ./usr/");
    has("-rwxr-xr-x", " ./usr/sbin/scalyr-agent-2");
    has("-rw-r-----", " ./etc/scalyr-agent-2/agent.json");
    has("drwxr-x--x", " ./etc/scalyr-agent-2/agent.d/");
    has("lrwxrwxrwx", " ./usr/sbin/scalyr-agent-2-config -> scalyr-agent-2");
}

#[test]
fn a_static_program_needs_nothing() {
    let bench = Bench::new();
    let path = bench.keep("a.deb", &deb::write(&sample_for_any_host(), &DebScripts::default()).unwrap());
    let told = dpkg_deb(&["-I"], &path);
    assert!(!told.contains("Depends"), "{told}");
    assert!(!told.contains("postinst"), "{told}");
}

#[test]
fn a_library_that_nobody_knows_is_refused() {
    let needs = Needs { glibc: Some((2, 17)), libraries: vec![("libcurl.so.4".to_owned(), Vec::new())] };
    let error = deb::write(&Package { needs, ..sample() }, &scripts()).unwrap_err().to_string();
    assert_has(&error, "the program needs libcurl.so.4");
}

#[test]
fn dpkg_installs_upgrades_removes_and_purges_it() {
    let bench = Bench::new();
    let root = root(&bench);
    let first = sample_for_any_host();
    let config = "etc/scalyr-agent-2/agent.json";
    let second = Package {
        version: version("0.2.0", "1"),
        tree: with_content(&first.tree, config, "{ api_key: \"ANOTHER\" }\n"),
        ..first.clone()
    };
    let [first, second] = [("1.deb", first), ("2.deb", second)]
        .map(|(name, package)| bench.keep(name, &deb::write(&package, &scripts()).unwrap()));

    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&first));
    assert_eq!(status(&root, "scalyr-agent-2-rs"), "installed");
    assert_eq!(mode_of(&root.join("etc/scalyr-agent-2/agent.d")), 0o751);
    assert_eq!(mode_of(&root.join(config)), 0o640);
    assert_eq!(fs::read_link(root.join("usr/sbin/scalyr-agent-2-config")).unwrap(), Path::new("scalyr-agent-2"));
    assert_eq!(said("dpkg", "dpkg", dpkg(&root).args(["--verify", "scalyr-agent-2-rs"])), "");

    fs::write(root.join(config), "{ api_key: \"mine\" }\n").unwrap();
    said("dpkg", "dpkg", dpkg(&root).args(["--force-confdef", "--force-confold", "-i"]).arg(&second));
    assert_eq!(fs::read_to_string(root.join(config)).unwrap(), "{ api_key: \"mine\" }\n");
    assert_has(&fs::read_to_string(root.join(format!("{config}.dpkg-dist"))).unwrap(), "ANOTHER");

    said("dpkg", "dpkg", dpkg(&root).args(["--remove", "scalyr-agent-2-rs"]));
    assert_eq!(status(&root, "scalyr-agent-2-rs"), "config-files");
    assert!(!root.join("usr/sbin/scalyr-agent-2").exists());
    assert!(root.join(config).exists());
    said("dpkg", "dpkg", dpkg(&root).args(["--purge", "scalyr-agent-2-rs"]));
    assert!(!root.join("etc/scalyr-agent-2").exists());

    let told = fs::read_to_string(root.join("told")).unwrap();
    let calls = ["preinst install", "postinst configure", "preinst upgrade 0.1.0-1", "prerm remove", "postrm purge"];
    for call in calls {
        assert_has(&told, call);
    }
}

#[test]
fn it_takes_the_place_of_the_python_agent_and_gives_it_back() {
    let bench = Bench::new();
    let root = root(&bench);
    // As the real one says: it provides itself.
    let fields = "Provides: scalyr-agent-2\nConflicts: scalyr-agent-2-aio\n";
    let python = foreign(&bench, "scalyr-agent-2", "2.2.25", fields, &["usr/sbin/scalyr-agent-2"]);
    let dependent = foreign(&bench, "our-host", "1", "Depends: scalyr-agent-2\n", &["etc/our-host"]);
    let ours = bench.keep("ours.deb", &deb::write(&sample_for_any_host(), &DebScripts::default()).unwrap());

    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&python).arg(&dependent));
    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&ours));
    assert_eq!(status(&root, "scalyr-agent-2-rs"), "installed");
    assert_ne!(status(&root, "scalyr-agent-2"), "installed");
    assert_eq!(status(&root, "our-host"), "installed");
    assert_eq!(said("dpkg", "dpkg", dpkg(&root).arg("--audit")), "");

    assert_has(&refused("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&python)), "conflicting packages");
    said("dpkg", "dpkg", dpkg(&root).args(["--force-depends", "--remove", "scalyr-agent-2-rs"]));
    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&python));
    assert_eq!(status(&root, "scalyr-agent-2"), "installed");
    assert_eq!(said("dpkg", "dpkg", dpkg(&root).arg("--audit")), "");
}

#[test]
fn a_package_of_another_name_takes_the_place_of_ours() {
    let bench = Bench::new();
    let root = root(&bench);
    let named = |name: &str| Package { name: name.to_owned(), tree: super::sample_tree(name), ..sample_for_any_host() };
    let all =
        [("ours.deb", sample_for_any_host()), ("named.deb", named("acme-agent")), ("other.deb", named("our-agent"))];
    let [ours, named, other] =
        all.map(|(name, package)| bench.keep(name, &deb::write(&package, &DebScripts::default()).unwrap()));
    assert_has(
        &dpkg_deb(&["-I"], &named),
        "Provides: scalyr-agent-2, scalyr-agent-2-aio, scalyr-agent-2-rs (= 0.1.0-1)",
    );
    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&ours));
    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&named));
    assert_eq!(status(&root, "acme-agent"), "installed");
    assert_ne!(status(&root, "scalyr-agent-2-rs"), "installed");
    assert!(root.join("usr/sbin/scalyr-agent-2").exists());
    // And over itself, which it provides and conflicts with.
    said("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&named));
    assert_eq!(status(&root, "acme-agent"), "installed");
    // No two of them can be there; apt removes one for the other, and dpkg does so only where a package is named.
    assert_has(&refused("dpkg", "dpkg", dpkg(&root).arg("-i").arg(&other)), "conflicting packages");
    assert_eq!(status(&root, "acme-agent"), "installed");
}

#[test]
fn lintian_finds_no_error() {
    let bench = Bench::new();
    let package = bench.keep("scalyr-agent-2-rs_0.1.0-1_amd64.deb", &deb::write(&sample(), &scripts()).unwrap());
    let mut command = Command::new("lintian");
    command.args(["--no-cfg", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0"]).arg(package);
    let told = said("lintian", "lintian", &mut command);
    assert!(!told.lines().any(|line| line.starts_with("E:")), "{told}");
}
