//! What is written is judged by the tools that will install it: dpkg, lintian, rpm, tar.

mod debian;
mod description;
mod readback;
mod red_hat;
mod repeated;
mod unpacked;
mod unsound;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::{Compression, GzBuilder};

use crate::package::{Architecture, Change, Monitor, Needs, Package, Version};
use crate::tree::{Role, Tree};
use crate::{deb, rpm, tarball};

/// 2026-01-02 03:04:05 UTC.
const TIME: u32 = 1_767_323_045;

/// A package like the real one, with a small program in the place of the agent, and made-up texts.
fn sample() -> Package {
    Package {
        name: crate::package::NAME.to_owned(),
        version: version("0.1.0", "1"),
        architecture: Architecture::X86_64,
        monitors: vec![monitor("linux_process_metrics", "builtin-monitors", false, "Metrics of a process.")],
        needs: Needs {
            glibc: Some((2, 34)),
            libraries: vec![
                ("libc.so.6".to_owned(), vec!["GLIBC_2.2.5".to_owned(), "GLIBC_2.34".to_owned()]),
                ("libgcc_s.so.1".to_owned(), vec!["GCC_3.0".to_owned()]),
            ],
        },
        source_date: TIME,
        tree: sample_tree(crate::package::NAME),
        changes: vec![
            change("0.1.0", TIME, &["First packages", "Another change, of 100 %"]),
            change("0.0.9", TIME - 86_400, &["Before"]),
        ],
    }
}

/// The same without anything that a host must have, so that it installs into an empty root.
fn sample_for_any_host() -> Package {
    Package { needs: Needs::default(), ..sample() }
}

fn version(upstream: &str, release: &str) -> Version {
    Version { upstream: upstream.to_owned(), release: release.to_owned() }
}

fn monitor(name: &str, krate: &str, is_local: bool, summary: &str) -> Monitor {
    Monitor {
        name: name.to_owned(),
        krate: krate.to_owned(),
        version: "0.1.0".to_owned(),
        is_local,
        summary: summary.to_owned(),
    }
}

fn change(version: &str, time: u32, lines: &[&str]) -> Change {
    Change { version: version.to_owned(), time, lines: lines.iter().map(|&line| line.to_owned()).collect() }
}

fn sample_tree(name: &str) -> Tree {
    let program = fs::read("/bin/true").unwrap();
    let page = |name: &str| {
        packed(&format!(
            ".TH {name} 1\n.SH NAME\n{name} \\- ships logs and metrics\n.SH DESCRIPTION\nIt ships logs and metrics.\n"
        ))
    };
    let changelog = format!(
        "{name} (0.1.0-1) unstable; urgency=medium\n\n  * First packages.\n\n -- {}  Fri, 02 Jan 2026 03:04:05 +0000\n",
        crate::package::MAINTAINER,
    );
    let copyright = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: \
                     2026 the authors\nLicense: Apache-2.0\n On Debian systems the text is in\n \
                     /usr/share/common-licenses/Apache-2.0.\n";
    let mut tree = Tree::default();
    tree.file("usr/sbin/scalyr-agent-2", 0o755, Role::Plain, program);
    tree.link("usr/sbin/scalyr-agent-2-config", "scalyr-agent-2");
    tree.link("usr/share/scalyr-agent-2/bin/scalyr-agent-2", "../../../sbin/scalyr-agent-2");
    tree.file("usr/share/scalyr-agent-2/VERSION", 0o644, Role::Plain, "0.1.0\n");
    tree.folder("etc/scalyr-agent-2", 0o755);
    tree.file("etc/scalyr-agent-2/agent.json", 0o640, Role::Config, "{ api_key: \"REPLACE_THIS\" }\n");
    tree.folder("etc/scalyr-agent-2/agent.d", 0o751);
    tree.file("etc/scalyr-agent-2/agent.d/examples.json", 0o640, Role::Config, "{}\n");
    tree.folder("var/log/scalyr-agent-2", 0o755);
    tree.folder("var/lib/scalyr-agent-2", 0o755);
    tree.file("usr/share/man/man1/scalyr-agent-2.1.gz", 0o644, Role::Documentation, page("scalyr-agent-2"));
    tree.file(
        "usr/share/man/man1/scalyr-agent-2-config.1.gz",
        0o644,
        Role::Documentation,
        page("scalyr-agent-2-config"),
    );
    tree.file(&format!("usr/share/doc/{name}/README.md"), 0o644, Role::Documentation, "# The agent\n");
    tree.file(&format!("usr/share/doc/{name}/copyright"), 0o644, Role::Licence, copyright);
    tree.file(&format!("usr/share/doc/{name}/changelog.Debian.gz"), 0o644, Role::Documentation, packed(&changelog));
    tree
}

fn packed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

/// The same table with another content of one file.
fn with_content(tree: &Tree, changed: &str, content: &str) -> Tree {
    use crate::tree::Kind;
    let mut other = Tree::default();
    for (path, entry) in tree.entries() {
        match &entry.kind {
            Kind::Folder => other.folder(path, entry.mode),
            Kind::File(_) if path == changed => other.file(path, entry.mode, entry.role, content),
            Kind::File(content) => other.file(path, entry.mode, entry.role, content.as_slice()),
            Kind::Link(target) => other.link(path, target),
        }
    }
    other
}

/// A folder of one test, with what it writes into it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// What a tool says; it must be content.
fn said(tool: &str, apt_package: &str, command: &mut Command) -> String {
    let output = ended(tool, apt_package, command);
    let text = text_of(&output);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// What a tool says; it must refuse.
fn refused(tool: &str, apt_package: &str, command: &mut Command) -> String {
    let output = ended(tool, apt_package, command);
    let text = text_of(&output);
    assert!(!output.status.success(), "{command:?} went well, and should have been refused\n{text}");
    text
}

fn ended(tool: &str, apt_package: &str, command: &mut Command) -> Output {
    let output = command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output();
    output.unwrap_or_else(|error| panic!("{tool} cannot be run: {error}. Type: apt-get install {apt_package}"))
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "not found: {part}\nin:\n{text}");
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The package in each format, with scripts in those that have them.
fn all_formats(package: &Package) -> [Vec<u8>; 3] {
    let (for_deb, for_rpm) = (debian::scripts(), red_hat::scripts());
    [deb::write(package, &for_deb).unwrap(), rpm::write(package, &for_rpm).unwrap(), tarball::write(package).unwrap()]
}
