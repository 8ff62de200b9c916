//! The user as which the agent runs: the owner of its main configuration file (`cli-and-service.md` section 6).

use std::ffi::{CString, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Gid, Uid, User, initgroups, setgid, setgroups, setuid};

use super::executable;

/// The option that keeps the agent with the user who started it; also what a process is given that has changed already.
pub const STAY: &str = "--no-change-user";

/// A user of this host, as far as the host knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    uid: Uid,
    gid: Gid,
    /// The number where there is no name.
    name: String,
    home: Option<OsString>,
    is_known: bool,
}

impl Account {
    /// The user of this number; `gid` is the group of one that the host does not know.
    fn of(uid: Uid, gid: Gid) -> io::Result<Self> {
        let known = User::from_uid(uid)?;
        Ok(known.map_or(Self { uid, gid, name: uid.to_string(), home: None, is_known: false }, |user| Self {
            uid,
            gid: user.gid,
            name: user.name,
            home: Some(user.dir.into_os_string()),
            is_known: true,
        }))
    }

    /// Makes this process one of this user, with the groups that they are in. There is no way back.
    fn become_it(&self) -> io::Result<()> {
        if self.is_known {
            let name = CString::new(self.name.as_str()).map_err(io::Error::other)?;
            initgroups(&name, self.gid)?;
        } else {
            setgroups(&[self.gid])?;
        }
        setgid(self.gid)?;
        setuid(self.uid)?;
        Ok(())
    }
}

/// Sees to it that this process runs as the owner of `config_file`: root starts this executable anew as that user, with
/// the same `command_line` (the program's own name first) and [`STAY`], after `Running as OWNER` on `err`; then it does
/// not return. To be called before any other thread exists. A file that is not there has no owner, and whoever reads it
/// will say so.
///
/// # Errors
/// When this user is another one and not root, or the change fails; the text says what to do.
pub fn run_as_owner(config_file: &Path, command_line: &[OsString], err: &mut dyn Write) -> Result<(), String> {
    let Ok(metadata) = fs::metadata(config_file) else { return Ok(()) };
    let (now, owner) = (Uid::effective(), Uid::from_raw(metadata.uid()));
    if now == owner {
        return Ok(());
    }
    let unknown = |uid: Uid| move |error: io::Error| format!("the user {uid} cannot be looked up: {error}");
    let owner = Account::of(owner, Gid::from_raw(metadata.gid())).map_err(unknown(owner))?;
    if !now.is_root() {
        let now = Account::of(now, Gid::effective()).map_err(unknown(now))?;
        return Err(refusal(config_file, &now.name, &owner.name));
    }
    // Nowhere is left to tell it when this fails.
    _ = writeln!(err, "Running as {}", owner.name);
    Err(change(&owner, command_line))
}

fn refusal(config_file: &Path, now: &str, owner: &str) -> String {
    let file = config_file.display();
    format!(
        "error: this is the user {now}, and {file} belongs to {owner}: the agent runs as the owner of its configuration. \
         Do this as {owner} or as root (sudo); or make the file yours (sudo chown {now} '{file}') together with what is in \
         the folders agent_log_path and agent_data_path; or say {STAY} to go on as {now}"
    )
}

/// Why that failed; otherwise it does not return.
fn change(owner: &Account, command_line: &[OsString]) -> String {
    let name = &owner.name;
    let program = match executable::own() {
        Ok(program) => program,
        Err(error) => return format!("error: the agent's executable is not to be found: {error}"),
    };
    if let Err(error) = owner.become_it() {
        return format!("error: this process cannot become one of the user {name}: {error}");
    }
    let mut command = Command::new(&program);
    if let Some((own_name, arguments)) = command_line.split_first() {
        // Before all others: behind `--` it would be no option.
        command.arg0(own_name).arg(STAY).args(arguments);
    }
    command.env("USER", name).env("LOGNAME", name);
    if let Some(home) = &owner.home {
        command.env("HOME", home);
    }
    let error = command.exec();
    format!("error: {} cannot be run as the user {name}, to whom the configuration belongs: {error}", program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_the_configuration_goes_on_and_so_does_whoever_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.json");
        let mut err = Vec::new();
        run_as_owner(&file, &[], &mut err).unwrap();
        fs::write(&file, "{}").unwrap();
        run_as_owner(&file, &[], &mut err).unwrap();
        assert_eq!(err, b"");
    }

    #[test]
    fn a_refusal_names_both_users_and_what_to_do() {
        let text = refusal(Path::new("/etc/agent.json"), "bob", "root");
        for says in ["the user bob", "/etc/agent.json belongs to root", "sudo chown bob", STAY] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }

    #[test]
    fn a_user_whom_the_host_does_not_know_goes_by_the_number() {
        let account = Account::of(Uid::from_raw(3_999_999_999), Gid::from_raw(7)).unwrap();
        assert_eq!((account.name.as_str(), account.is_known), ("3999999999", false));
        assert_eq!(account.gid, Gid::from_raw(7));
        assert_eq!(Account::of(Uid::from_raw(0), Gid::from_raw(7)).unwrap().name, "root");
    }
}
