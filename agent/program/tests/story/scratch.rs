//! The folder of a story, and the configuration in it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The api key of every story: no log and no error may ever contain it.
pub(crate) const API_KEY: &str = "story-key-that-must-never-be-shown";

/// A temporary folder. A failed test keeps it and prints where it is.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("agent-story-").tempdir().unwrap())
    }

    /// A path below the folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Makes files until one gets an inode that has become free, and gives that one, empty, the path. False, and loudly
    /// so, where the file system does not give inodes out again.
    pub(crate) fn gives_the_inode(&self, inode: u64, path: &Path) -> bool {
        for number in 0..5_000 {
            let file = self.path(&format!("inode-{number}"));
            fs::write(&file, "").unwrap();
            if fs::metadata(&file).unwrap().ino() == inode {
                fs::rename(&file, path).unwrap();
                return true;
            }
        }
        eprintln!("NOT TOLD, A STORY IS MISSING HERE: this file system does not give a free inode out again");
        false
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.disable_cleanup(true);
            eprintln!("what the story left behind is kept in {}", self.0.path().display());
        }
    }
}

/// Writes `agent.json` for an agent that sends `logs` (entries as in the configuration) to `server`, such as
/// [`url`](super::ReceiverProcess::url). Its own log and its implicit monitors are not sent. The keys of `extra` are
/// added, and win.
pub(crate) fn write_config(scratch: &Scratch, server: &str, logs: Value, extra: Value) -> PathBuf {
    let (log_path, data_path) = (scratch.path("log"), scratch.path("data"));
    for folder in [&log_path, &data_path] {
        fs::create_dir_all(folder).unwrap();
    }
    let mut config = json!({
        "api_key": API_KEY,
        "scalyr_server": server,
        "allow_http": true,
        "agent_log_path": log_path,
        "agent_data_path": data_path,
        "server_attributes": { "serverHost": "story" },
        "implicit_agent_log_collection": false,
        "implicit_metric_monitor": false,
        "implicit_agent_process_metrics_monitor": false,
        "logs": logs,
    });
    let extra: Map<String, Value> = serde_json::from_value(extra).expect("`extra` is an object");
    config.as_object_mut().unwrap().extend(extra);
    let path = scratch.path("agent.json");
    // Whole at once: an agent that runs may look at any time.
    let new = scratch.path("agent.json.new");
    fs::write(&new, serde_json::to_vec_pretty(&config).unwrap()).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, &path).unwrap();
    path
}
