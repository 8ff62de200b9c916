//! The whole table, made by the agent of this checkout.

mod completed;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use expect_test::expect;
use flate2::read::GzDecoder;

use super::*;
use crate::tree::Kind;

/// The checkout that this crate is in.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).expect("it is in xtask/package")
}

/// The agent of this checkout, built if it is not yet.
pub(crate) fn agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["build", "--quiet", "--locked", "--package", "agent", "--message-format=json"]);
        command.current_dir(root()).stderr(Stdio::inherit());
        // What cargo set for this package would have build scripts run anew.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        let output = command.output().expect("cargo runs");
        assert!(output.status.success(), "the agent does not compile; see above");
        let messages = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
        let messages = messages.lines().map(|line| serde_json::from_str(line).expect("cargo prints JSON"));
        let mut paths =
            messages.filter_map(|message: serde_json::Value| message["executable"].as_str().map(PathBuf::from));
        paths.next_back().expect("the package `agent` has a program")
    })
}

/// The monitors of the agent of this checkout.
pub(crate) fn monitors() -> Vec<Monitor> {
    let said = Teller::new(agent()).says(&["monitors", "--format", "json"]).expect("told");
    let all: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let monitors = all.as_array().expect("a list").iter().map(|monitor| Monitor {
        name: text(&monitor["name"]),
        krate: text(&monitor["crate"]),
        version: text(&monitor["version"]),
        is_local: monitor["source"] == "local",
        is_example: false,
        summary: text(&monitor["description"]),
    });
    monitors.collect()
}

/// The version of this checkout.
pub(crate) fn version() -> Version {
    let said = Teller::new(agent()).says(&["--version"]).expect("told");
    let upstream = said.trim().rsplit(' ').next().unwrap_or_default().replace('-', "~");
    Version { upstream, release: "1".to_owned() }
}

/// Collects with these monitors and this agent.
fn collected(agent: &Path, monitors: &[Monitor], version: &Version) -> Result<(Tree, Vec<Change>), ContentsError> {
    collect(&Sources {
        root: root(),
        program: b"the program",
        agent,
        name: "scalyr-agent-2-rs",
        version,
        monitors,
        notices: "notices of libraries\n",
        init: "#!/bin/sh\n",
        source_date: 1_795_000_000,
    })
}

/// The table of this checkout, made once.
pub(crate) fn table() -> &'static (Tree, Vec<Change>) {
    static TABLE: OnceLock<(Tree, Vec<Change>)> = OnceLock::new();
    TABLE.get_or_init(|| collected(agent(), &monitors(), &version()).expect("collected"))
}

/// The text of an installed file, unpacked.
fn text(path: &str) -> String {
    let entry = table().0.get(path).unwrap_or_else(|| panic!("{path} is not installed"));
    let Kind::File(content) = &entry.kind else { panic!("{path} is no file") };
    let mut text = String::new();
    match path.ends_with(".gz") {
        true => GzDecoder::new(&content[..]).read_to_string(&mut text).map(|_| ()).expect("gzip of UTF-8"),
        false => text.push_str(std::str::from_utf8(content).expect("UTF-8")),
    }
    text
}

/// After a change of the table: `CARGO_WORKSPACE_DIR=$PWD/xtask UPDATE_EXPECT=1 cargo test …` writes the list anew.
#[test]
fn the_table_of_what_is_installed() {
    // Whoever has monitors of their own in the checkout has their pages besides.
    let local: Vec<_> = monitors().into_iter().filter(|monitor| monitor.is_local).collect();
    let is_local = |path: &str| local.iter().any(|monitor| path.contains(&format!("/monitors/{}.md", monitor.name)));
    let line = |(path, entry): (&str, &crate::tree::Entry)| match &entry.kind {
        Kind::Folder => format!("{:04o} {path}/\n", entry.mode),
        Kind::Link(target) => format!("link {path} -> {target}\n"),
        Kind::File(_) => format!("{:04o} {path} ({:?})\n", entry.mode, entry.role),
    };
    let lines: String = table().0.entries().filter(|(path, _)| !is_local(path)).map(line).collect();
    expect![[r#"
        0755 etc/init.d/scalyr-agent-2 (Config)
        0755 etc/scalyr-agent-2/
        0751 etc/scalyr-agent-2/agent.d/
        0640 etc/scalyr-agent-2/agent.d/examples.json (Config)
        0640 etc/scalyr-agent-2/agent.json (Config)
        0644 usr/lib/systemd/system/scalyr-agent-2.service (Plain)
        0755 usr/sbin/scalyr-agent-2 (Plain)
        link usr/sbin/scalyr-agent-2-config -> scalyr-agent-2
        0644 usr/share/bash-completion/completions/scalyr-agent-2 (Plain)
        0644 usr/share/bash-completion/completions/scalyr-agent-2-config (Plain)
        0755 usr/share/doc/scalyr-agent-2-rs/
        0644 usr/share/doc/scalyr-agent-2-rs/README.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/THIRD-PARTY-NOTICES (Licence)
        0644 usr/share/doc/scalyr-agent-2-rs/changelog.Debian.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/changelog.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/copyright (Licence)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/benchmarks.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/checking.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/compression.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/configuration.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/configuring.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/containers.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/copying-logs.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/fragments/agent.d/20-web.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/fragments/agent.d/30-shop.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/fragments/agent.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/fragments/key (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/fragments/shop.key (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/from-the-python-agent.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/minimal.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/monitors.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/examples/web-host.json (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/migration.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/README.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/graphite_monitor.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/journald_monitor.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/linux_process_metrics.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/linux_system_metrics.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/openmetrics_monitor.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/shell_monitor.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/symlink_file_monitor.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/syslog_monitor.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/test_monitor.md (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/monitors/url_monitor.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/operating.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/packaging.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/uploading.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/wire-format.md.gz (Documentation)
        0644 usr/share/doc/scalyr-agent-2-rs/docs/writing-a-monitor.md.gz (Documentation)
        0644 usr/share/fish/vendor_completions.d/scalyr-agent-2-config.fish (Plain)
        0644 usr/share/fish/vendor_completions.d/scalyr-agent-2.fish (Plain)
        0644 usr/share/licenses/scalyr-agent-2-rs/LICENSE (Licence)
        0644 usr/share/man/man1/scalyr-agent-2-config.1.gz (Documentation)
        0644 usr/share/man/man1/scalyr-agent-2.1.gz (Documentation)
        0755 usr/share/scalyr-agent-2/
        0644 usr/share/scalyr-agent-2/VERSION (Plain)
        0644 usr/share/scalyr-agent-2/agent.schema.json (Plain)
        0755 usr/share/scalyr-agent-2/bin/
        link usr/share/scalyr-agent-2/bin/scalyr-agent-2 -> ../../../sbin/scalyr-agent-2
        link usr/share/scalyr-agent-2/bin/scalyr-agent-2-config -> ../../../sbin/scalyr-agent-2-config
        link usr/share/zsh/site-functions/_scalyr-agent-2 -> ../vendor-completions/_scalyr-agent-2
        link usr/share/zsh/site-functions/_scalyr-agent-2-config -> ../vendor-completions/_scalyr-agent-2-config
        0644 usr/share/zsh/vendor-completions/_scalyr-agent-2 (Plain)
        0644 usr/share/zsh/vendor-completions/_scalyr-agent-2-config (Plain)
        0755 var/lib/scalyr-agent-2/
        0755 var/log/scalyr-agent-2/
    "#]]
    .assert_eq(&lines);
}

#[test]
fn the_same_checkout_and_agent_give_the_same_bytes() {
    let again = collected(agent(), &monitors(), &version()).expect("collected");
    assert!(again == *table(), "two tables of the same sources differ");
}

#[test]
fn nothing_packed_has_a_time_or_a_name_inside() {
    let mut packed = 0;
    for (path, entry) in table().0.entries().filter(|(path, _)| path.ends_with(".gz")) {
        let Kind::File(content) = &entry.kind else { panic!("{path} is no file") };
        // RFC 1952: the magic number, deflate, no flags, no time.
        assert_eq!(content[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0], "{path}");
        packed += 1;
    }
    assert!(packed > 10, "{packed}");
}

#[test]
fn every_link_leads_to_something_that_is_installed() {
    for (path, entry) in table().0.entries() {
        let Kind::Link(target) = &entry.kind else { continue };
        let mut at: Vec<&str> = path.split('/').collect();
        at.pop();
        for part in target.split('/') {
            match part {
                ".." => _ = at.pop(),
                part => at.push(part),
            }
        }
        assert!(table().0.get(&at.join("/")).is_some(), "{path} leads to {}", at.join("/"));
    }
}

#[test]
fn links_between_installed_documents_hold() {
    let folder = "usr/share/doc/scalyr-agent-2-rs";
    let mut looked_at = 0;
    for (path, _) in table().0.entries().filter(|(path, _)| path.starts_with(&format!("{folder}/docs/"))) {
        if !path.trim_end_matches(".gz").ends_with(".md") {
            continue;
        }
        let text = text(path);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
        for link in links.filter(|link| link.contains(".md") && !link.contains("://")) {
            let file = link.split('#').next().unwrap_or_default();
            let mut at: Vec<&str> = path.split('/').collect();
            at.pop();
            for part in file.split('/') {
                match part {
                    ".." => _ = at.pop(),
                    part => at.push(part),
                }
            }
            let found = at.join("/");
            // Those for who works on the agent itself, and its crates, are in the checkout only.
            let is_of_checkout = !found.starts_with(&format!("{folder}/docs/"));
            let is_there = |end: &str| table().0.get(&format!("{found}{end}")).is_some();
            assert!(is_of_checkout || is_there("") || is_there(".gz"), "{path}: {link}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "{looked_at}");
}

#[test]
fn no_text_calls_the_program_by_its_name_in_the_checkout() {
    for path in ["usr/share/man/man1/scalyr-agent-2.1.gz", "usr/share/man/man1/scalyr-agent-2-config.1.gz"] {
        let text = text(path).replace("\\-", "-").replace("\\(ga", "`");
        for mention in ["`agent ", "  agent ", "&& agent ", "(agent ", "/agent.1", "/_agent", "/agent.fish"] {
            assert!(!text.contains(mention), "{path}: {mention:?}");
        }
    }
    assert!(
        text("usr/share/man/man1/scalyr-agent-2-config.1.gz").contains("scalyr\\-agent\\-2\\-config \\-\\-set\\-user")
    );
}

#[test]
fn guides_that_speak_of_the_agent_tell_what_it_is_called_here() {
    for path in ["README.md.gz", "docs/operating.md.gz", "docs/monitors/README.md"] {
        let text = text(&format!("usr/share/doc/scalyr-agent-2-rs/{path}"));
        let note = text.lines().nth(2).unwrap_or_default();
        assert_eq!(note, "> What is called `agent` here was installed as `scalyr-agent-2`.", "{path}");
    }
}

#[test]
fn man_reads_both_pages_without_a_complaint() {
    for name in ["scalyr-agent-2", "scalyr-agent-2-config"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(format!("{name}.1"));
        fs::write(&file, text(&format!("usr/share/man/man1/{name}.1.gz"))).expect("written");
        let mut groff = Command::new("groff");
        groff.args(["-man", "-Tutf8", "-ww", "-P-cbou"]).arg(&file).stdin(Stdio::null());
        let output = groff.output().expect("groff is needed: apt-get install groff-base");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
        let page = String::from_utf8_lossy(&output.stdout);
        assert!(page.contains("FILES") && page.contains("/etc/scalyr-agent-2/agent.json"), "{page}");
    }
}

#[test]
fn each_monitor_has_its_page_and_the_schema_names_it() {
    let schema = text("usr/share/scalyr-agent-2/agent.schema.json");
    for monitor in monitors() {
        let page = format!("usr/share/doc/scalyr-agent-2-rs/docs/monitors/{}.md", monitor.name);
        let entries: BTreeSet<&str> = table().0.entries().map(|(path, _)| path).collect();
        assert!(entries.contains(page.as_str()) || entries.contains(format!("{page}.gz").as_str()), "{page}");
        assert!(schema.contains(&format!("\"{}\"", monitor.name)), "{}", monitor.name);
    }
}

#[test]
fn the_list_of_changes_begins_with_this_version() {
    let changes = &table().1;
    assert_eq!(changes[0].version, version().upstream);
    let debian = text("usr/share/doc/scalyr-agent-2-rs/changelog.Debian.gz");
    assert!(debian.starts_with(&format!("scalyr-agent-2-rs ({}) unstable; urgency=medium\n", version())), "{debian}");
}

#[test]
fn a_package_of_another_name_has_its_documents_under_that_name() {
    let sources = Sources {
        root: root(),
        program: b"",
        agent: agent(),
        name: "acme-agent",
        version: &version(),
        monitors: &monitors(),
        notices: "",
        init: "",
        source_date: 0,
    };
    let (tree, _) = collect(&sources).expect("collected");
    assert!(tree.get("usr/share/doc/acme-agent/copyright").is_some());
    assert!(tree.entries().all(|(path, _)| !path.contains("scalyr-agent-2-rs")));
    // A configuration that says so would be another one for each name, and dpkg ask about it.
    let same = "etc/scalyr-agent-2/agent.json";
    assert_eq!(tree.get(same), table().0.get(same));
}

#[test]
fn an_agent_that_cannot_run_here_is_an_error_that_tells_what_is_needed() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("agent");
    // The head of a program for aarch64, which no x86-64 machine starts; and of one for x86-64 on all others.
    let machine = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
    let mut head = vec![0_u8; 64];
    head[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    (head[16], head[18], head[20], head[52]) = (2, machine, 1, 64);
    fs::write(&foreign, head).expect("written");
    fs::set_permissions(&foreign, Permissions::from_mode(0o755)).expect("made executable");
    let error = collected(&foreign, &monitors(), &version()).expect_err("it cannot run").to_string();
    assert!(error.contains("cannot run") && error.contains("built for this machine"), "{error}");
}

#[test]
fn an_agent_other_than_the_packaged_one_is_refused_with_the_difference() {
    let newer = Version { upstream: "77.0.0".to_owned(), release: "1".to_owned() };
    let error = collected(agent(), &monitors(), &newer).expect_err("another version").to_string();
    assert!(error.contains(&format!("of version {:?}", version().upstream)) && error.contains("77.0.0"), "{error}");

    let mut others = monitors();
    let lacking = std::mem::replace(&mut others[0].name, "not_in_it".to_owned());
    let error = collected(agent(), &others, &version()).expect_err("other monitors").to_string();
    assert!(error.contains(&format!("does not have `not_in_it`, and has `{lacking}` besides")), "{error}");
}

#[test]
fn the_agent_tells_the_same_whatever_surrounds_whoever_builds() {
    // The agent is started with an empty environment: a user's own one may hold keys, or colours.
    let folder = tempfile::tempdir().expect("a folder");
    let fake = folder.path().join("agent");
    fs::write(&fake, "#!/bin/sh\n/usr/bin/env\n").expect("written");
    fs::set_permissions(&fake, Permissions::from_mode(0o755)).expect("made executable");
    let said = Teller::new(&fake).says(&[]).expect("told");
    // `sh` itself sets these.
    let own = |line: &&str| !["PWD=", "_=", "SHLVL=", "OLDPWD="].iter().any(|name| line.starts_with(name));
    assert_eq!(said.lines().filter(own).collect::<Vec<_>>(), Vec::<&str>::new());
}
