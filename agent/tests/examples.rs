//! The examples of `docs/examples/` that are more than one file, checked as they lie there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use {builtin_monitors as _, local_monitors as _};

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use scalyr_agent::cli::check;
use scalyr_agent::cli::options::ConfigurationArgs;
use scalyr_monitor::Clock;
use scalyr_monitor::registry::Environment;
use serde_json::{Value, json};

/// Copies the files of a folder, and those of the folders in it, so that only their owner may read them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            fs::set_permissions(&to, Permissions::from_mode(0o600)).unwrap();
        }
    }
}

#[test]
fn the_example_with_fragments_is_well_and_each_fragment_has_its_effect() {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/fragments"), folder.path());
    let args = check::Args {
        configuration: ConfigurationArgs { config_file: folder.path().join("agent.json"), extra_config_dir: None },
        print: false,
        format: check::Format::Json,
        connect: false,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = check::run(&args, &Arc::new(Environment::default()), &Clock::system(), &mut out, &mut err);
    assert_eq!((code, String::from_utf8(err).unwrap().as_str()), (0, ""));
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains("log-write-access-key"), "{out}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(result["problems"], json!([]));
    let attributes = &result["options"]["server_attributes"]["value"];
    assert_eq!((&attributes["site"], &attributes["tier"]), (&json!("berlin"), &json!("frontend")));
    let logs = result["logs"].as_array().unwrap().iter();
    let logs: Vec<String> = logs.map(|log| format!("{} {}", log["path"], log["worker"])).collect();
    assert_eq!(
        logs,
        [
            "\"/var/log/syslog\" \"default\"",
            "\"/var/log/nginx/access.log\" \"default\"",
            "\"/srv/shop/log/*.log\" \"shop\"",
            "\"/var/log/scalyr-agent-2/agent.log\" \"default\"",
        ]
    );
}
