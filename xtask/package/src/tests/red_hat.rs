//! A `.rpm`, with rpm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, assert_has, mode_of, refused, said, sample, sample_for_any_host, version, with_content};
use crate::package::Package;
use crate::rpm;
use crate::scripts::RpmScripts;

/// Scripts that tell what they are called with.
pub(super) fn scripts() -> RpmScripts {
    let script = |name: &str| format!("echo \"{name} $1\"\n");
    RpmScripts {
        pre: script("before installing"),
        post: script("after installing"),
        preun: script("before removing"),
        postun: script("after removing"),
        posttrans: script("after all"),
    }
}

fn query(arguments: &[&str], package: &Path) -> String {
    said("rpm", "rpm", Command::new("rpm").args(arguments).arg(package))
}

/// A root of its own for rpm.
fn root(bench: &Bench) -> PathBuf {
    let root = bench.path("root");
    fs::create_dir_all(&root).unwrap();
    said("rpm", "rpm", rpm_in(&root).arg("--initdb"));
    root
}

fn rpm_in(root: &Path) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(root);
    command
}

fn is_installed(root: &Path, name: &str) -> bool {
    rpm_in(root).args(["-q", name]).output().unwrap().status.success()
}

/// A package of somebody else.
fn foreign(bench: &Bench, name: &str, version: &str, requires: &[&str], file: &str) -> PathBuf {
    let mut builder = ::rpm::PackageBuilder::new(name, version, "Apache-2.0", "noarch", "made up");
    builder.using_config(::rpm::BuildConfig::v4().compression(::rpm::CompressionWithLevel::None));
    for requirement in requires {
        builder.requires(::rpm::Dependency::greater_eq(*requirement, "2.1"));
    }
    builder.with_file_contents("of the Python agent\n", ::rpm::FileOptions::new(file).permissions(0o755)).unwrap();
    let path = bench.path(&format!("{name}-{version}.rpm"));
    builder.build().unwrap().write_file(&path).unwrap();
    path
}

fn named() -> Package {
    Package { name: "acme-agent".to_owned(), tree: super::sample_tree("acme-agent"), ..sample_for_any_host() }
}

#[test]
fn rpm_reads_what_the_package_says_of_itself() {
    let bench = Bench::new();
    let path = bench.keep("a.rpm", &rpm::write(&sample(), &scripts()).unwrap());
    assert_has(&query(&["-K", "-v"], &path), "Payload SHA256 digest: OK");

    let told = query(&["-qpi"], &path);
    for line in [
        "Name        : scalyr-agent-2-rs\n",
        "Version     : 0.1.0\n",
        "Release     : 1\n",
        "Architecture: x86_64\n",
        "License     : Apache-2.0\n",
        "Build Host  : localhost\n",
        "Vendor      : Scalyr\n",
        "Build Date  : Fri Jan  2 03:04:05 2026\n",
    ] {
        assert_has(&told, line);
    }
    let changes = query(&["-qp", "--changelog"], &path);
    assert_has(&changes, "0.1.0-1\n- First packages\n- Another change, of 100 %\n");
    assert_has(&changes, "0.0.9-1\n- Before\n");
    let told = query(&["-qp", "--scripts"], &path);
    for head in ["preinstall", "postinstall", "preuninstall", "postuninstall", "posttrans"] {
        assert_has(&told, &format!("{head} scriptlet (using /bin/sh):"));
    }
    assert_eq!(query(&["-qp", "--qf", "%{PAYLOADCOMPRESSOR}"], &path), "xz");
}

#[test]
fn what_it_requires_is_read_from_the_program() {
    let bench = Bench::new();
    let path = bench.keep("a.rpm", &rpm::write(&sample(), &scripts()).unwrap());
    let required = query(&["-qp", "--requires"], &path);
    for requirement in [
        "/bin/sh",
        "libc.so.6()(64bit)",
        "libc.so.6(GLIBC_2.2.5)(64bit)",
        "libc.so.6(GLIBC_2.34)(64bit)",
        "libgcc_s.so.1()(64bit)",
        "libgcc_s.so.1(GCC_3.0)(64bit)",
        "rtld(GNU_HASH)",
    ] {
        assert!(required.lines().any(|line| line.trim() == requirement), "{requirement}\n{required}");
    }
    let bare = bench.keep("b.rpm", &rpm::write(&sample_for_any_host(), &RpmScripts::default()).unwrap());
    let required = query(&["-qp", "--requires"], &bare);
    assert!(required.lines().all(|line| line.starts_with("rpmlib(") || line.starts_with("config(")), "{required}");
}

#[test]
fn its_relations_are_those_of_the_table() {
    let bench = Bench::new();
    let path = bench.keep("a.rpm", &rpm::write(&sample(), &scripts()).unwrap());
    let lines = |what: &str, path: &Path| -> Vec<String> {
        query(&["-qp", what], path).lines().map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(lines("--conflicts", &path), ["scalyr-agent-2", "scalyr-agent-2-aio"]);
    assert_eq!(lines("--obsoletes", &path), ["scalyr-agent-2 < 3", "scalyr-agent-2-aio < 3"]);
    let provided = lines("--provides", &path);
    for name in ["scalyr-agent-2", "scalyr-agent-2-aio", "scalyr-agent-2-rs = 0.1.0-1"] {
        assert!(provided.iter().any(|line| line == name), "{name}: {provided:?}");
    }
    let path = bench.keep("named.rpm", &rpm::write(&named(), &scripts()).unwrap());
    assert_eq!(lines("--obsoletes", &path), ["scalyr-agent-2 < 3", "scalyr-agent-2-aio < 3", "scalyr-agent-2-rs"]);
    assert!(lines("--provides", &path).iter().any(|line| line == "scalyr-agent-2-rs = 0.1.0-1"));
}

#[test]
fn the_files_have_their_modes_and_roles() {
    let bench = Bench::new();
    let path = bench.keep("a.rpm", &rpm::write(&sample(), &scripts()).unwrap());
    let list = query(
        &[
            "-qp",
            "--qf",
            "[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILEMTIMES} %{FILENAMES}\n]",
        ],
        &path,
    );
    for line in [
        "-rwxr-xr-x root:root  1767323045 /usr/sbin/scalyr-agent-2\n",
        "-rw-r----- root:root cn 1767323045 /etc/scalyr-agent-2/agent.json\n",
        "drwxr-x--x root:root  1767323045 /etc/scalyr-agent-2/agent.d\n",
        "-rw-r--r-- root:root d 1767323045 /usr/share/doc/scalyr-agent-2-rs/README.md\n",
        "-rw-r--r-- root:root l 1767323045 /usr/share/doc/scalyr-agent-2-rs/copyright\n",
        "lrwxrwxrwx root:root  1767323045 /usr/sbin/scalyr-agent-2-config\n",
        // Folders that nobody named, and nobody else has.
        "drwxr-xr-x root:root  1767323045 /usr/share/doc/scalyr-agent-2-rs\n",
        "drwxr-xr-x root:root  1767323045 /usr/share/scalyr-agent-2/bin\n",
    ] {
        assert_has(&list, line);
    }
    assert!(
        !list.contains(" /usr\n") && !list.contains(" /etc\n") && !list.contains(" /usr/share/man/man1\n"),
        "{list}"
    );
    assert_has(&query(&["-qpl", "-v"], &path), "/usr/sbin/scalyr-agent-2-config -> scalyr-agent-2\n");
    assert_eq!(query(&["-qpc"], &path), "/etc/scalyr-agent-2/agent.d/examples.json\n/etc/scalyr-agent-2/agent.json\n");
}

#[test]
fn rpm_installs_upgrades_and_erases_it() {
    let bench = Bench::new();
    let root = root(&bench);
    let first = sample_for_any_host();
    let config = "etc/scalyr-agent-2/agent.json";
    let second = Package {
        version: version("0.1.0", "1.local1"),
        tree: with_content(&first.tree, config, "{ api_key: \"ANOTHER\" }\n"),
        ..first.clone()
    };
    let [first, second] = [("1.rpm", first), ("2.rpm", second)]
        .map(|(name, package)| bench.keep(name, &rpm::write(&package, &RpmScripts::default()).unwrap()));

    said("rpm", "rpm", rpm_in(&root).arg("-i").arg(&first));
    assert_eq!(said("rpm", "rpm", rpm_in(&root).args(["-V", "scalyr-agent-2-rs"])), "");
    assert_eq!(mode_of(&root.join("etc/scalyr-agent-2/agent.d")), 0o751);
    assert_eq!(mode_of(&root.join(config)), 0o640);

    fs::write(root.join(config), "{ api_key: \"mine\" }\n").unwrap();
    said("rpm", "rpm", rpm_in(&root).arg("-U").arg(&second));
    assert_eq!(fs::read_to_string(root.join(config)).unwrap(), "{ api_key: \"mine\" }\n");
    assert_has(&fs::read_to_string(root.join(format!("{config}.rpmnew"))).unwrap(), "ANOTHER");
    // What is older does not come back by itself.
    assert_has(&refused("rpm", "rpm", rpm_in(&root).arg("-U").arg(&first)), "newer than");

    fs::write(root.join("var/log/scalyr-agent-2/agent.log"), "a line\n").unwrap();
    said("rpm", "rpm", rpm_in(&root).args(["-e", "scalyr-agent-2-rs"]));
    assert!(!root.join("usr/sbin/scalyr-agent-2").exists());
    assert!(!root.join("usr/share/doc/scalyr-agent-2-rs").exists());
    assert!(!root.join("usr/share/scalyr-agent-2").exists());
    assert_has(&fs::read_to_string(root.join(format!("{config}.rpmsave"))).unwrap(), "mine");
    assert!(root.join("var/log/scalyr-agent-2/agent.log").exists());
}

#[test]
fn it_takes_the_place_of_the_python_agent_and_gives_it_back() {
    let bench = Bench::new();
    let root = root(&bench);
    let python = foreign(&bench, "scalyr-agent-2", "2.2.25", &[], "/usr/sbin/scalyr-agent-2");
    let dependent = foreign(&bench, "our-host", "1", &["scalyr-agent-2"], "/etc/our-host");
    let ours = bench.keep("ours.rpm", &rpm::write(&sample_for_any_host(), &RpmScripts::default()).unwrap());

    said("rpm", "rpm", rpm_in(&root).arg("-i").arg(&python).arg(&dependent));
    refused("rpm", "rpm", rpm_in(&root).arg("-i").arg(&ours));
    said("rpm", "rpm", rpm_in(&root).arg("-U").arg(&ours));
    assert!(is_installed(&root, "scalyr-agent-2-rs") && !is_installed(&root, "scalyr-agent-2"));
    assert!(is_installed(&root, "our-host"));
    assert_eq!(said("rpm", "rpm", rpm_in(&root).args(["-V", "scalyr-agent-2-rs", "our-host"])), "");
    // Again: it provides a name that it conflicts with.
    said("rpm", "rpm", rpm_in(&root).args(["-U", "--replacepkgs"]).arg(&ours));

    // The old one does not push ours out by itself; without ours it installs as on a new host.
    refused("rpm", "rpm", rpm_in(&root).arg("-U").arg(&python));
    assert!(is_installed(&root, "scalyr-agent-2-rs"));
    said("rpm", "rpm", rpm_in(&root).args(["-e", "--nodeps", "scalyr-agent-2-rs"]));
    said("rpm", "rpm", rpm_in(&root).arg("-i").arg(&python));
    assert_eq!(said("rpm", "rpm", rpm_in(&root).args(["-V", "scalyr-agent-2", "our-host"])), "");
}

#[test]
fn a_package_of_another_name_takes_the_place_of_ours() {
    let bench = Bench::new();
    let root = root(&bench);
    let other = Package { name: "beta-agent".to_owned(), tree: super::sample_tree("beta-agent"), ..named() };
    let [ours, named, other] = [("ours.rpm", sample_for_any_host()), ("named.rpm", named()), ("other.rpm", other)]
        .map(|(name, package)| bench.keep(name, &rpm::write(&package, &RpmScripts::default()).unwrap()));
    said("rpm", "rpm", rpm_in(&root).arg("-i").arg(&ours));
    assert_has(&refused("rpm", "rpm", rpm_in(&root).arg("-i").arg(&named)), "conflicts with");
    said("rpm", "rpm", rpm_in(&root).arg("-U").arg(&named));
    assert!(is_installed(&root, "acme-agent") && !is_installed(&root, "scalyr-agent-2-rs"));
    assert!(root.join("usr/sbin/scalyr-agent-2").exists());
    // That of the vendor, or a third one, does not push it out.
    for package in [&ours, &other] {
        assert_has(&refused("rpm", "rpm", rpm_in(&root).arg("-U").arg(package)), "acme-agent");
    }
    assert!(is_installed(&root, "acme-agent"));
}

#[test]
fn a_time_in_the_future_is_refused() {
    let error = rpm::write(&Package { source_date: u32::MAX, ..sample() }, &scripts()).unwrap_err().to_string();
    assert_has(&error, "lies in the future");
    assert_has(&error, "SOURCE_DATE_EPOCH");
}
