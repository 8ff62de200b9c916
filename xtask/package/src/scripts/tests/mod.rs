mod deb;
mod packaged;
mod root;
mod rpm;
mod server;

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::*;
use crate::package::{Architecture, Monitor, NAME, Needs, Version};
use crate::tree::Tree;

fn package(monitors: &[&str]) -> Package {
    let mut tree = Tree::default();
    tree.folder("etc/scalyr-agent-2/agent.d", 0o751);
    tree.file("etc/scalyr-agent-2/agent.json", 0o640, Role::Config, "{\n  // It's yours; `$HOME`\nEND\n}\n");
    tree.file("etc/scalyr-agent-2/agent.d/examples.json", 0o640, Role::Config, "{ /* don't */ }");
    tree.file("etc/init.d/scalyr-agent-2", 0o755, Role::Config, INIT);
    let monitor = |name: &&str| Monitor {
        name: (*name).to_owned(),
        krate: "builtin-monitors".to_owned(),
        version: "0.1.0".to_owned(),
        is_local: false,
        summary: String::new(),
    };
    Package {
        name: NAME.to_owned(),
        version: Version { upstream: "0.1.0".to_owned(), release: "1".to_owned() },
        architecture: Architecture::X86_64,
        monitors: monitors.iter().map(monitor).collect(),
        needs: Needs::default(),
        source_date: 0,
        tree,
        changes: Vec::new(),
    }
}

fn all(package: &Package) -> Vec<(&'static str, String)> {
    let (deb, rpm) = (for_deb(package), for_rpm(package));
    vec![
        ("preinst", deb.preinst),
        ("postinst", deb.postinst),
        ("prerm", deb.prerm),
        ("postrm", deb.postrm),
        ("pre", rpm.pre),
        ("post", rpm.post),
        ("preun", rpm.preun),
        ("postun", rpm.postun),
        ("posttrans", rpm.posttrans),
        ("init", INIT.to_owned()),
    ]
}

/// What a tool says about a script that it reads from its standard input; empty when all is well.
fn said(tool: &str, arguments: &[&str], script: &str) -> String {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{tool}: {error}; apt-get install dash shellcheck"));
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() || !said.is_empty(), "{tool}: {}", output.status);
    String::from_utf8(said).unwrap()
}

#[test]
fn the_scripts_are_posix_and_shellcheck_finds_nothing() {
    for (name, script) in all(&package(&["coin", "rain_gauge"])) {
        assert_eq!(said("dash", &["-n"], &script), "", "{name}");
        let arguments = ["--shell=sh", "--severity=style", "--format=gcc", "-"];
        // Parts are shared, and not every script needs all of one; texts name commands in back-quotes.
        let arguments = [&["--exclude=SC1091,SC2016,SC2034,SC2317"][..], &arguments].concat();
        assert_eq!(said("shellcheck", &arguments, &script), "", "{name}\n{script}");
    }
}

#[test]
fn nothing_is_left_unfilled() {
    for (name, script) in all(&package(&["coin"])) {
        for line in script.lines().filter(|line| line.contains('@')) {
            assert!(line.contains("\"$@\""), "{name}: {line}");
        }
    }
}

#[test]
fn what_a_name_or_a_text_holds_is_no_code() {
    let mut package = package(&["a'; echo run; '", "$(echo run)", "`echo run`"]);
    package.name = "x'`echo run`$(echo run)".to_owned();
    for (name, script) in all(&package) {
        assert_eq!(said("dash", &["-n"], &script), "", "{name}");
    }
    let preinst = for_deb(&package).preinst;
    let asked = preinst.replace("case ${1:-} in\n    install)", "printf '%s' \"$included\"; exit 0\ncase x in\n    x)");
    assert_ne!(asked, preinst);
    assert_eq!(said("dash", &["-s"], &asked), "\na'; echo run; '\n$(echo run)\n`echo run`\n");
}
