//! The files of a configuration: those that cannot be read, and who else may read them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::expect;
use scalyr_agent::config::{Kind, Loaded, Report, Request, Severity, Surroundings, draft, load};
use scalyr_monitor::registry::Environment;
use tempfile::TempDir;

use super::{environment, registry};

/// A folder with a configuration in it, for the owner alone.
pub(super) struct Files {
    directory: TempDir,
    pub(super) extra: Option<PathBuf>,
    pub(super) environment: Arc<Environment>,
}

impl Files {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let this = Self { directory, extra: None, environment: environment(&[]) };
        for (name, text) in files {
            this.write(name, text.as_bytes());
        }
        this
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))
            .and_then(|()| fs::write(&path, text))
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o640)))
            .unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) fn load_file(&self, name: &str) -> Loaded {
        let file = self.path(name);
        let extra_directory = self.extra.as_deref();
        load(&Request { file: &file, named_by: "-c", extra_directory, environment: &self.environment })
    }

    pub(super) fn load(&self) -> Loaded {
        self.load_file("agent.json")
    }

    /// All that is said of the files, and of what is in them, with `ALL` for the names of all monitors.
    pub(super) fn told(&self) -> String {
        let registry = registry();
        let surroundings = Surroundings { registry: &registry, environment: &self.environment, host_name: "web1" };
        let all: Vec<_> = registry.iter().map(|registration| format!("`{}`", registration.name)).collect();
        self.shown(&draft(&self.load(), &surroundings).report).replace(&all.join(", "), "ALL")
    }

    pub(super) fn shown(&self, report: &Report) -> String {
        self.relative(&report.to_string())
    }

    /// Without the name of the folder.
    pub(super) fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
            .replace(&self.directory.path().display().to_string(), "DIR")
    }
}

// configuration.md, sharp edge 3
#[test]
fn a_file_that_cannot_be_read_says_why() {
    let files =
        Files::new(&[("empty.json", ""), ("blank.json", "\u{feff}\n\t "), ("list.json", "[1]"), ("text.json", "'x'")]);
    files.write("bad.json", b"{\n a: \"\xff\" }");
    files.write("large.json", &vec![b' '; 17 << 20]);
    let names = ["missing.json", "", "bad.json", "large.json", "empty.json", "blank.json", "list.json", "text.json"];
    let all = names.map(|name| {
        let report = files.load_file(name).report;
        assert_eq!(report.worst(), Some(Severity::Fatal), "{report}");
        files.shown(&report)
    });
    expect![[r#"
        error: missing.json: there is no such file; name the configuration with -c FILE
        error: : is a directory; name the file in it with -c FILE
        error: bad.json:2:6: is not UTF-8 text from here on; save the file as UTF-8
        error: large.json: is larger than 16 MiB; is this the right file?
        error: empty.json: is empty; it must hold an object, { ... }
        error: blank.json: is empty; it must hold an object, { ... }
        error: list.json: must be an object, { ... }, but is a list
        error: text.json: must be an object, { ... }, but is a text
    "#]]
    .assert_eq(&all.concat());
}

// configuration.md, sharp edge 20
#[test]
fn a_main_file_that_others_may_read_or_change_is_told_with_its_mode_and_the_cure() {
    let files =
        Files::new(&[("agent.json", "{}"), ("agent.d/a.json", "{}"), ("agent.d/b.json", "{}"), ("agent.d/c", "{}")]);
    for (name, mode) in [("agent.json", 0o644), ("agent.d/a.json", 0o660), ("agent.d/c", 0o666)] {
        fs::set_permissions(files.path(name), Permissions::from_mode(mode)).unwrap_or_else(|error| panic!("{error}"));
    }
    let report = files.load().report;
    assert!(report.problems().iter().all(|problem| problem.kind == Kind::Permissions));
    expect![[r#"
        warning: agent.json: this file has the permissions 644: every user may read it; chmod 640 agent.json
        warning: agent.d/a.json: this file has the permissions 660: its group may change it; chmod 640 agent.d/a.json
    "#]]
    .assert_eq(&files.shown(&report));
}
