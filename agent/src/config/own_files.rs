//! The agent's own files, which no monitor may write its metrics into.

use std::path::{Component, Path, PathBuf};

use crate::checkpoint;
use crate::data_lock;
use crate::own_logs::agent_log;
use crate::service::pid_file;
use crate::status::socket;

/// Where the agent keeps its own files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFiles {
    log_path: PathBuf,
    data_path: PathBuf,
}

impl OwnFiles {
    /// The files in `agent_log_path` and `agent_data_path`.
    pub fn new(log_path: &Path, data_path: &Path) -> Self {
        Self { log_path: normalised(log_path), data_path: normalised(data_path) }
    }

    /// Why a metric log must not be at this path; a relative one lies below `agent_log_path`. None when it may.
    pub fn refusal(&self, path: &Path) -> Option<String> {
        let taken = self.taken(path)?;
        Some(format!("the metric log would be {taken}; name another file with `log_path`"))
    }

    /// The path and what it is of the agent: `/l/agent.log, which is the agent's own log`. None when it is free.
    pub fn taken(&self, path: &Path) -> Option<String> {
        let path = normalised(&self.log_path.join(path));
        let what = if self.is_agent_log(&path) {
            "the agent's own log".to_owned()
        } else if path == self.log_path.join(pid_file::FILE_NAME) {
            "the agent's pid file".to_owned()
        } else if self.is_data(&path) {
            format!("among the agent's own data in {}", self.data_path.display())
        } else {
            return None;
        };
        Some(format!("{}, which is {what}", path.display()))
    }

    /// `agent.log`, `agent_debug.log` and what is left of them after a rotation.
    fn is_agent_log(&self, path: &Path) -> bool {
        let is_of = |log: &str, name: &str| {
            name.strip_prefix(log).is_some_and(|rest| {
                let number = rest.strip_prefix('.').unwrap_or("0");
                (rest.is_empty() || rest.starts_with('.')) && number.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        path.parent() == Some(&*self.log_path)
            && [agent_log::FILE_NAME, agent_log::DEBUG_FILE_NAME].iter().any(|log| is_of(log, name_of(path)))
    }

    /// Anything below `agent_data_path`. When `agent_log_path` lies there too, only the data themselves: they are
    /// written under their name with something behind it, and then renamed.
    fn is_data(&self, path: &Path) -> bool {
        let is_log = self.log_path.starts_with(&self.data_path) && path.starts_with(&self.log_path);
        let data = [checkpoint::FILE_PREFIX, data_lock::FILE_NAME, socket::NAME];
        let is_named =
            path.parent() == Some(&*self.data_path) && data.iter().any(|file| name_of(path).starts_with(file));
        path.starts_with(&self.data_path) && (!is_log || is_named)
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The path without `.` and `..`, by its text alone: links are not looked at.
pub fn normalised(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(short.components().next_back(), Some(Component::Normal(_))) => {
                short.pop();
            }
            Component::ParentDir if short.has_root() => {}
            _ => short.push(component),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shortened_by_its_text() {
        for (path, expected) in [
            ("/a/b/../c.log", "/a/c.log"),
            ("/a/./b//c.log", "/a/b/c.log"),
            ("/../../a", "/a"),
            ("../a/../../b", "../../b"),
            ("a/..", ""),
        ] {
            assert_eq!(normalised(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn the_agents_own_files_are_refused_however_they_are_spelled() {
        let own = OwnFiles::new(Path::new("/var/log/agent"), Path::new("/var/lib/x/../agent"));
        for path in [
            "agent.log",
            "./a/../agent.log",
            "agent.log.1",
            "agent.log.12",
            "agent_debug.log",
            "agent_debug.log.3",
            "agent.pid",
            "/var/log/agent/agent.log",
            "../../lib/agent/positions.7.journal",
            "/var/lib/agent/anything/deeper.log",
            "/var/lib/agent",
        ] {
            assert!(own.refusal(Path::new(path)).is_some(), "{path}");
        }
        for path in ["coin.log", "agent.log.old", "agent.logs", "agents.log", "sub/agent.log", "/var/lib/agent2/a.log"]
        {
            assert_eq!(own.refusal(Path::new(path)), None, "{path}");
        }
        assert_eq!(
            own.refusal(Path::new("a/../agent.log")).unwrap(),
            "the metric log would be /var/log/agent/agent.log, which is the agent's own log; name another file with \
             `log_path`"
        );
    }

    #[test]
    fn logs_below_the_data_are_taken_and_the_data_themselves_are_not() {
        for log_path in ["/var/agent", "/var/agent/log"] {
            let own = OwnFiles::new(Path::new(log_path), Path::new("/var/agent"));
            assert_eq!(own.refusal(Path::new("coin.log")), None, "{log_path}");
            for path in
                ["agent.log", "/var/agent/positions.7.journal", "/var/agent/agent.lock", "/var/agent/status.sock"]
            {
                assert!(own.refusal(Path::new(path)).is_some(), "{log_path} {path}");
            }
        }
    }
}
