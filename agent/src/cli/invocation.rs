//! The name under which the program was called: links lead the names of the Python agent's programs to it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Under which name the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Invocation {
    /// `agent`, and any name that has no meaning here.
    #[value(help = "As cargo builds it")]
    Agent,
    /// `scalyr-agent-2`: the Python agent's program.
    #[value(name = "scalyr-agent-2", help = "As packages install it")]
    ScalyrAgent2,
    /// `scalyr-agent-2-config`: its configuration tool, which is `scalyr-agent-2 config`.
    #[value(name = "scalyr-agent-2-config", help = "The command `config` as a program of its own")]
    ScalyrAgent2Config,
}

impl Invocation {
    /// By the file name of the program's path, the first of the arguments.
    pub fn of(program: Option<&OsString>) -> Self {
        let name = program.and_then(|program| Path::new(program).file_name()).and_then(OsStr::to_str);
        match name {
            Some("scalyr-agent-2") => Self::ScalyrAgent2,
            Some("scalyr-agent-2-config") => Self::ScalyrAgent2Config,
            _ => Self::Agent,
        }
    }

    /// What usage, examples and `--version` call the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::ScalyrAgent2 | Self::ScalyrAgent2Config => "scalyr-agent-2",
        }
    }

    /// The arguments as they would stand behind [`Self::name`].
    pub fn arguments(self, mut arguments: Vec<OsString>) -> Vec<OsString> {
        if self == Self::ScalyrAgent2Config {
            arguments.insert(1, "config".into());
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_alone_decides_and_the_configuration_tool_is_a_command() {
        let of = |program: &str| Invocation::of(Some(&program.into()));
        assert_eq!(of("/usr/sbin/scalyr-agent-2"), Invocation::ScalyrAgent2);
        assert_eq!(of("scalyr-agent-2-config"), Invocation::ScalyrAgent2Config);
        for other in ["agent", "./target/debug/agent", "scalyr-agent-2.old", "/usr/share/scalyr-agent-2/agent", ""] {
            assert_eq!(of(other), Invocation::Agent, "{other}");
        }
        assert_eq!(Invocation::of(None), Invocation::Agent);
        let arguments = ["scalyr-agent-2-config", "--set-key", "status"].map(OsString::from).to_vec();
        let expected = ["scalyr-agent-2-config", "config", "--set-key", "status"].map(OsString::from).to_vec();
        assert_eq!(Invocation::ScalyrAgent2Config.arguments(arguments.clone()), expected);
        assert_eq!(Invocation::ScalyrAgent2.arguments(arguments.clone()), arguments);
    }
}
