//! Whether systemd runs the agent: then an agent that the command line started anew would be outside of it, without its
//! limits and its watchdog, and one that the command line killed would come back.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

/// The unit, as packages and `config --systemd-managed` install it, and as systemd makes it of the init script.
const UNIT: &str = "scalyr-agent-2.service";

/// A service of systemd whose process an agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its control group: two managers may have a service of this name.
    group: String,
}

impl Service {
    /// The service that this process belongs to, unless the one that asks is part of it, too: a command that systemd runs
    /// to stop its service (`ExecStop`) must not ask systemd to do that.
    pub fn of(pid: u32) -> Option<Self> {
        let of = |process: &str| Self::in_groups(&fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?);
        of(&pid.to_string()).filter(|service| of("self").as_ref() != Some(service))
    }

    /// By `/proc/PID/cgroup`: `0::/system.slice/scalyr-agent-2.service`, or `1:name=systemd:...` before cgroup 2.
    fn in_groups(text: &str) -> Option<Self> {
        let paths = text.lines().filter_map(|line| match line.splitn(3, ':').collect::<Vec<_>>()[..] {
            ["0", "", path] | [_, "name=systemd", path] => Some(path),
            _ => None,
        });
        paths.filter_map(Self::in_path).next()
    }

    fn in_path(path: &str) -> Option<Self> {
        let begin = path.split('/').take_while(|name| *name != UNIT).map(|name| name.len() + 1).sum::<usize>();
        path.get(..begin + UNIT.len()).map(|group| Self { group: group.to_owned() })
    }

    /// What to do instead of `agent COMMAND`, as it is typed.
    pub fn advice(&self, command: &str) -> String {
        let as_whom = if self.is_of_user() { "systemctl --user" } else { "sudo systemctl" };
        format!("The agent is the systemd service scalyr-agent-2. Do this instead: {as_whom} {command} scalyr-agent-2")
    }

    /// Has systemd do it, and waits until it is done.
    ///
    /// # Errors
    /// When this user must not, or systemd could not; what to do.
    pub fn have(&self, command: &str, is_quiet: bool, out: &mut dyn Write) -> Result<(), String> {
        if self.is_of_user() || !rustix::process::geteuid().is_root() {
            return Err(self.advice(command));
        }
        let line = format!("systemctl {command} scalyr-agent-2");
        if !is_quiet {
            // Nobody has to read it.
            _ = writeln!(out, "The agent is the systemd service scalyr-agent-2: {line}").and_then(|()| out.flush());
        }
        let mut systemctl = Command::new("systemctl");
        systemctl.args([command, "scalyr-agent-2"]).stdin(Stdio::null());
        let status = systemctl.status().map_err(|error| format!("{line}: {error}"))?;
        if status.success() {
            return Ok(());
        }
        Err(format!("{line}: {status}; `systemctl status scalyr-agent-2` and `journalctl -u scalyr-agent-2` tell more"))
    }

    fn is_of_user(&self) -> bool {
        self.group.contains("/user@")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_own_service_is_meant_and_not_what_has_started_it() {
        let of = |text: &str| Service::in_groups(text).map(|service| service.group);
        let group = Some("/system.slice/scalyr-agent-2.service".to_owned());
        assert_eq!(of("0::/system.slice/scalyr-agent-2.service\n"), group);
        assert_eq!(of("0::/system.slice/scalyr-agent-2.service/agent\n"), group);
        let old = "4:memory:/x\n1:name=systemd:/system.slice/scalyr-agent-2.service\n0::/\n";
        assert_eq!(of(old), group);
        for other in [
            "0::/system.slice/cron.service\n",
            "0::/system.slice/other-scalyr-agent-2.service\n",
            "0::/user.slice/user-0.slice/session-1.scope\n",
            "4:memory:/system.slice/scalyr-agent-2.service\n",
            "0::/\n",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        let of_user = Service::in_groups("0::/user.slice/user@7.service/app.slice/scalyr-agent-2.service\n").unwrap();
        assert!(of_user.have("restart", true, &mut Vec::new()).unwrap_err().contains("systemctl --user restart"));
    }
}
