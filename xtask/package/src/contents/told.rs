//! The texts that the agent tells about itself.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ContentsError;
use crate::package::{Monitor, Version};

/// The name under which the agent is installed, and so the one in its texts.
pub(super) const NAME: &str = "scalyr-agent-2";
/// The same for its configuration tool.
pub(super) const CONFIG_NAME: &str = "scalyr-agent-2-config";

/// An agent that is asked.
pub(super) struct Teller<'a> {
    agent: &'a Path,
}

impl<'a> Teller<'a> {
    pub(super) fn new(agent: &'a Path) -> Self {
        Self { agent }
    }

    /// What the agent prints when it is called `scalyr-agent-2`.
    pub(super) fn says(&self, arguments: &[&str]) -> Result<String, ContentsError> {
        let mut command = Command::new(self.agent);
        // Nothing of this user's surroundings gets into a package: no language, no width of a terminal, no `SCALYR_…`.
        command.arg0(NAME).args(arguments).env_clear().stdin(Stdio::null());
        let output =
            command.output().map_err(|error| ContentsError::NotStarted { agent: self.agent.to_owned(), error })?;
        let refused = |said: String| ContentsError::Refused {
            agent: self.agent.to_owned(),
            arguments: arguments.join(" "),
            said,
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(refused(format!("{}\n{said}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| refused("it printed no UTF-8".to_owned()))
    }

    /// Whether it is of this version and has these monitors, no others.
    pub(super) fn check(&self, version: &Version, monitors: &[Monitor]) -> Result<(), ContentsError> {
        let other = |difference: String| ContentsError::OtherAgent { agent: self.agent.to_owned(), difference };
        let said = self.says(&["--version"])?;
        let own = said.trim().rsplit(' ').next().unwrap_or_default();
        // A `~` of a package's version is a `-` of the program's.
        if own.replace('-', "~") != version.upstream {
            return Err(other(format!("it is of version {own:?}, the package of {:?}", version.upstream)));
        }
        let index = self.says(&["monitors", "--format", "markdown"])?;
        let has: BTreeSet<&str> = linked_names(&index).collect();
        let needs: BTreeSet<&str> = monitors.iter().map(|monitor| monitor.name.as_str()).collect();
        let quoted = |names: Vec<&&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let (lacks, extra) = (quoted(needs.difference(&has).collect()), quoted(has.difference(&needs).collect()));
        match (lacks.as_str(), extra.as_str()) {
            ("", "") => Ok(()),
            (lacks, "") => Err(other(format!("it does not have {lacks}"))),
            ("", extra) => Err(other(format!("it has {extra} besides"))),
            (lacks, extra) => Err(other(format!("it does not have {lacks}, and has {extra} besides"))),
        }
    }
}

/// The monitors that the index of the reference links to: `[coin](coin.md)`.
fn linked_names(index: &str) -> impl Iterator<Item = &str> {
    let links = index.split("](").skip(1).filter_map(|rest| rest.split_once(".md)"));
    links.map(|(name, _)| name).filter(|name| !name.contains(['/', '(', ' ']))
}
