//! The files of a configuration: those that cannot be read, and those that are not read yet.

use std::fs;
use std::path::Path;

use expect_test::expect;
use scalyr_agent::config::{Request, Severity, load};
use scalyr_monitor::registry::Environment;

use super::environment;

fn request<'a>(file: &'a Path, environment: &'a Environment) -> Request<'a> {
    Request { file, named_by: "-c", extra_directory: None, environment }
}

#[test]
fn fragments_and_variables_are_named_because_they_are_not_read_yet() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))
            .and_then(|()| fs::write(&path, text))
            .unwrap_or_else(|error| panic!("{error}"));
        path
    };
    let file = write("agent.json", "{ api_key: 'k' }");
    for name in ["agent.d/b.json", "agent.d/.a.json", "agent.d/c.JSON", "agent.d/d.json/e.json"] {
        write(name, "{}");
    }
    let environment = environment(&[
        ("SCALYR_API_KEY", "from outside"),
        ("scalyr_debug_level", "5"),
        ("SCALYR_SERVER", "x"),
        ("SCALYR_SCALYR_SERVER", "x"),
        ("SCALYR_EXTRA_CONFIG_DIR", "x"),
        ("SCALYR_LOGS", "x"),
    ]);
    let loaded = load(&request(&file, &environment));
    let shown = loaded.report.to_string().replace(&directory.path().display().to_string(), "DIR");
    expect![[r#"
        warning: environment  SCALYR_API_KEY: is not honoured yet; write `api_key` into the configuration file
        warning: environment  SCALYR_SERVER: is not honoured yet; write `scalyr_server` into the configuration file
        warning: environment  scalyr_debug_level: is not honoured yet; write `debug_level` into the configuration file
        warning: environment  SCALYR_EXTRA_CONFIG_DIR: is not honoured yet: its files are not read
        warning: DIR/agent.json: DIR/agent.d/.a.json is not read yet; move its content into the main file
        warning: DIR/agent.json: DIR/agent.d/b.json is not read yet; move its content into the main file
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let bad = directory.path().join("bad.json");
    fs::write(&bad, b"{\n a: \"\xff\" }").unwrap_or_else(|error| panic!("{error}"));
    let large = directory.path().join("large.json");
    fs::write(&large, vec![b' '; 17 << 20]).unwrap_or_else(|error| panic!("{error}"));
    let failure = |file: &Path| {
        let report = load(&request(file, &Environment::default())).report;
        assert_eq!(report.worst(), Some(Severity::Fatal), "{report}");
        report.to_string().replace(&directory.path().display().to_string(), "DIR")
    };
    let all: String = [&directory.path().join("missing.json"), directory.path(), &bad, &large].map(failure).concat();
    expect![[r#"
        error: DIR/missing.json: there is no such file; name the configuration with -c FILE
        error: DIR: is a directory; name the file in it with -c FILE
        error: DIR/bad.json:2:6: is not UTF-8 text from here on; save the file as UTF-8
        error: DIR/large.json: is larger than 16 MiB; is this the right file?
    "#]]
    .assert_eq(&all);
}
