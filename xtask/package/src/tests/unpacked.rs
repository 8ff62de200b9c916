//! The tarball, with tar.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Bench, assert_has, mode_of, said, sample};
use crate::tarball;
use crate::tree::{Kind, Tree};

fn unpacked(bench: &Bench, bytes: &[u8]) -> PathBuf {
    let path = bench.keep("a.tar.gz", bytes);
    said("tar", "tar", Command::new("tar").arg("-xzpf").arg(path).arg("-C").arg(bench.path(".")));
    bench.path("scalyr-agent-2-rs-0.1.0-1")
}

#[test]
fn it_has_one_folder_with_the_layout_of_the_python_agents_tarball() {
    let bench = Bench::new();
    let top = unpacked(&bench, &tarball::write(&sample()).unwrap());
    assert_eq!(mode_of(&top.join("bin/scalyr-agent-2")), 0o755);
    assert_eq!(mode_of(&top.join("config/agent.json")), 0o640);
    assert_eq!(mode_of(&top.join("config/agent.d")), 0o751);
    assert!(top.join("log").is_dir() && top.join("data").is_dir());
    assert!(top.join("bin/scalyr-agent-2-config").metadata().unwrap().is_file());
    assert!(top.join("share/doc/scalyr-agent-2-rs/README.md").is_file());
    let mut names: Vec<_> = fs::read_dir(&top).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["INSTALL", "VERSION", "bin", "config", "data", "log", "share"]);
    let text = fs::read_to_string(top.join("INSTALL")).unwrap();
    assert_has(&text, "tar -xzf scalyr-agent-2-rs-0.1.0-1.linux-x86_64.tar.gz --strip-components=1");
    assert!(!text.contains('@'), "{text}");
}

#[test]
fn a_link_that_would_lead_out_of_it_is_refused() {
    for target in ["/usr/sbin/scalyr-agent-2", "../../../../etc/passwd", "absent"] {
        let mut package = sample();
        package.tree.link("usr/sbin/other", target);
        let error = tarball::write(&package).unwrap_err().to_string();
        assert_has(&error, &format!("bin/other: the link to {target} leads to nothing that is in the tarball"));
    }
}

/// The development build: what the tests of the whole have built before, or `cargo build`.
fn agent() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let found = ["debug", "release", "dist"].iter().map(|profile| target.join(profile).join("agent"));
    let mut found = found.filter(|path| path.is_file());
    found.next().expect("there is no agent in target/: type `cargo build` first")
}

/// The agent's own configuration tool and the agent, as INSTALL says to type them.
#[test]
fn the_agent_runs_from_where_it_was_unpacked_and_goes_on_after_an_upgrade() {
    let mut package = sample();
    package.tree = with_program(&package.tree, fs::read(agent()).unwrap());
    let bytes = tarball::write(&package).unwrap();
    let bench = Bench::new();
    let top = unpacked(&bench, &bytes);
    let run = |arguments: &[&str]| {
        let mut command = Command::new("bin/scalyr-agent-2");
        said("the agent", "nothing", command.args(arguments).current_dir(&top))
    };
    let key = "0-an-example-key-that-no-server-takes";
    let mut command = Command::new("bin/scalyr-agent-2-config");
    said("the agent", "nothing", command.args(["-c", "config/agent.json", "--set-key", key]).current_dir(&top));
    // Nothing is sent anywhere: nobody listens there.
    fs::write(top.join("config/agent.d/server.json"), "{ \"scalyr_server\": \"http://127.0.0.1:9\" }\n").unwrap();
    let shown = run(&["check", "-c", "config/agent.json", "--print"]);
    assert_has(&shown, "config/agent.d/paths.json");

    run(&["start", "-c", "config/agent.json", "--no-check-remote-server"]);
    let running = Running { folder: top.clone() };
    let started = run(&["status", "-v", "-c", "config/agent.json"]);
    assert_has(&started, &top.join("config").canonicalize().unwrap().display().to_string());
    assert!(top.join("log/agent.log").is_file() && top.join("log/agent.pid").is_file());
    drop(running);
    assert!(top.join("data").read_dir().unwrap().next().is_some(), "no checkpoints were written");

    let newer = bench.path("a.tar.gz");
    let mut command = Command::new("tar");
    command.args(["--strip-components=1", "--exclude=*/config", "-xzf"]).arg(newer).arg("-C").arg(&top);
    said("tar", "tar", &mut command);
    assert_has(&fs::read_to_string(top.join("config/agent.json")).unwrap(), key);
    assert!(!top.join("config/config").exists());
    run(&["check", "-c", "config/agent.json"]);
}

/// A running agent, which ends with the test.
struct Running {
    folder: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut command = Command::new("bin/scalyr-agent-2");
        command.args(["stop", "-c", "config/agent.json"]).current_dir(&self.folder);
        let ended = command.status().is_ok_and(|status| status.success());
        if !std::thread::panicking() {
            assert!(ended, "the agent did not stop");
        }
    }
}

fn with_program(tree: &Tree, program: Vec<u8>) -> Tree {
    let mut other = Tree::default();
    for (path, entry) in tree.entries() {
        match &entry.kind {
            Kind::Folder => other.folder(path, entry.mode),
            Kind::File(_) if path == "usr/sbin/scalyr-agent-2" => {
                other.file(path, entry.mode, entry.role, program.as_slice());
            }
            Kind::File(content) => other.file(path, entry.mode, entry.role, content.as_slice()),
            Kind::Link(target) => other.link(path, target),
        }
    }
    other
}
