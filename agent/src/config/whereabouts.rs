//! Where a running agent is to be looked for: of a configuration as little as that needs, so that nothing else that is
//! wrong with it stands in the way, and nothing is built for it.

use std::path::PathBuf;
use std::time::Duration;

use super::keys;
use super::load::Loaded;
use super::report::{Report, Severity};
use super::settings::{Scope, Settings};

/// Waiting for less is not waiting.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The folders of an agent, and how long to wait for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// `agent_log_path`: its pid file.
    pub log_path: PathBuf,
    /// `agent_data_path`: its status socket and its lock.
    pub data_path: PathBuf,
    /// `agent_status_timeout`.
    pub status_timeout: Duration,
    /// Whether nothing is wrong with the texts, so that what they do not say is certain to be the default.
    pub is_certain: bool,
}

impl Whereabouts {
    /// As far as the configuration could be read; the defaults for the rest. Beside it, what is wrong with the files.
    pub fn of(loaded: &Loaded) -> (Self, Report) {
        // What is wrong with values is told by whoever starts or checks the configuration.
        let mut of_values = loaded.blank_report();
        let settings = Settings::read(&loaded.values, keys::GLOBAL, "", Scope::Global, &mut of_values);
        let mut report = loaded.report.clone();
        report.drop_follow_ups();
        report.mask();
        (Self::of_settings(&settings, loaded), report)
    }

    pub(super) fn of_settings(settings: &Settings<'_>, loaded: &Loaded) -> Self {
        let directory = |key| loaded.directory().join(settings.text(key).unwrap_or_default());
        let wait = settings.integer("agent_status_timeout").and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            log_path: directory("agent_log_path"),
            data_path: directory("agent_data_path"),
            status_timeout: Duration::from_secs(wait.unwrap_or_default()).max(SHORTEST_WAIT),
            is_certain: !loaded.is_partial && loaded.report.worst() != Some(Severity::Fatal),
        }
    }

    /// Those of an agent of which no configuration is known.
    pub fn default_ones() -> Self {
        Self::of(&Loaded::nothing()).0
    }
}

#[cfg(test)]
mod tests {
    use scalyr_monitor::registry::Environment;

    use super::super::load::{Request, load};
    use super::*;

    fn of(text: Option<&str>) -> Whereabouts {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("agent.json");
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let environment = Environment::default();
        let request = Request { file: &file, named_by: "-c", extra_directory: None, environment: &environment };
        Whereabouts::of(&load(&request)).0
    }

    #[test]
    fn the_folders_are_found_whatever_else_is_wrong_with_the_configuration() {
        let found = of(Some(
            "{ agent_data_path: '/d', agent_log_path: '/l', agent_status_timeout: 3, monitors: [ { module: 'nonsense' } ] }",
        ));
        let expected = Whereabouts {
            log_path: "/l".into(),
            data_path: "/d".into(),
            status_timeout: Duration::from_secs(3),
            is_certain: true,
        };
        assert_eq!(found, expected, "neither a key nor a monitor is asked for");
        let broken = of(Some("{ agent_data_path: '/d', logs: [ ,, ], debug_level 3 }"));
        assert_eq!((broken.data_path, broken.is_certain), ("/d".into(), false));
        assert_eq!(of(None), Whereabouts { is_certain: false, ..Whereabouts::default_ones() });
        assert_eq!(of(Some("{ agent_status_timeout: 0 }")).status_timeout, SHORTEST_WAIT);
    }

    #[test]
    fn without_a_configuration_they_are_those_of_the_package() {
        let Whereabouts { log_path, data_path, status_timeout, .. } = Whereabouts::default_ones();
        assert_eq!(log_path, PathBuf::from("/var/log/scalyr-agent-2"));
        assert_eq!(data_path, PathBuf::from("/var/lib/scalyr-agent-2"));
        assert_eq!(status_timeout, Duration::from_secs(30));
    }
}
