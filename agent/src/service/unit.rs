//! The systemd unit, and what `config --systemd-managed` does (`cli-and-service.md` section 13).

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::order;

/// The unit as packages install it, with the agent at [`EXECUTABLE`].
pub const UNIT: &str = include_str!("scalyr-agent-2.service");
/// Where the unit's text says that the agent is.
pub const EXECUTABLE: &str = "/usr/sbin/scalyr-agent-2";

/// Below the root: where units of the administrator are, which win over those of packages.
const UNIT_FILE: &str = "etc/systemd/system/scalyr-agent-2.service";
/// Tells the scripts of packages to leave the init links alone.
const MARKER: &str = "etc/scalyr-agent-2/systemd_managed";
/// What an init link is called behind `S98` or `K02`.
const SERVICE: &str = "scalyr-agent-2";

/// Has systemd manage the agent at `executable`: writes the unit, removes the links of init, leaves the marker, and has
/// systemd read its units again when it runs. Enables and starts nothing; `out` is told what was done and what to do next.
/// `root` is `/` but in tests, which have neither rights nor a systemd.
///
/// # Errors
/// What could not be done, for the person who asked for it; what had been done before stays, and doing it again does no
/// harm.
pub fn install(root: &Path, executable: &Path, out: &mut dyn Write) -> Result<(), String> {
    let is_host = root == Path::new("/");
    if is_host && !rustix::process::geteuid().is_root() {
        return Err("--systemd-managed writes below /etc: only root may do it".to_owned());
    }
    let unit = unit_for(executable)?;
    let mut done = Done { out, problem: None };
    let file = root.join(UNIT_FILE);
    refuse_masked(&file)?;
    write_unit(&file, &unit, &mut done)?;
    remove_links(&root.join("etc"), &mut done)?;
    let marker = root.join(MARKER);
    make_parent(&marker).and_then(|()| make_marker(&marker)).map_err(failed(&marker))?;
    done.tell(format_args!("made {}, so that packages leave init alone", marker.display()));
    if is_host {
        reload_units(&mut done)?;
    }
    done.tell(format_args!(
        "
Nothing was enabled or started. An agent that was started in another way is to be stopped first:

  {executable} stop
  systemctl enable --now {SERVICE}      starts the agent, now and whenever the host starts
  systemctl status {SERVICE}            how it is; {executable} status -v tells everything
  systemctl reload {SERVICE}            reads the configuration again
  systemctl edit {SERVICE}              other settings of the unit, which says which there are
  journalctl -u {SERVICE}               what it printed",
        executable = executable.display()
    ));
    done.problem.map_or(Ok(()), Err)
}

/// Tells what was done.
struct Done<'o> {
    out: &'o mut dyn Write,
    problem: Option<String>,
}

impl Done<'_> {
    fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        // The work is done all the same.
        if let Err(error) = writeln!(self.out, "{what}") {
            self.problem.get_or_insert(format!("it is done, but cannot be told of: {error}"));
        }
    }
}

/// The unit of an agent that is there.
///
/// # Errors
/// When systemd could not name it.
fn unit_for(executable: &Path) -> Result<String, String> {
    let Some(name) = executable.to_str().filter(|name| name.starts_with('/') && !name.contains(char::is_control))
    else {
        return Err(format!("{executable:?} cannot stand in a unit: it must be a UTF-8 path from the root"));
    };
    // As `systemd.service(5)` quotes: `%` begins a specifier, `\` an escape.
    let quoted = match name.contains(|c: char| !(c.is_ascii_alphanumeric() || "/._-+@:".contains(c))) {
        true => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%")),
        false => name.to_owned(),
    };
    Ok(UNIT.replacen(&format!("\nExecStart={EXECUTABLE} "), &format!("\nExecStart={quoted} "), 1))
}

/// `systemctl mask` leaves a link to /dev/null, and whoever did it meant it.
fn refuse_masked(file: &Path) -> Result<(), String> {
    match fs::read_link(file) {
        Ok(target) if target == Path::new("/dev/null") => Err(format!(
            "{} is masked, so that nobody starts the agent; to allow it: systemctl unmask {SERVICE}",
            file.display()
        )),
        _ => Ok(()),
    }
}

fn write_unit(file: &Path, unit: &str, done: &mut Done<'_>) -> Result<(), String> {
    make_parent(file).map_err(failed(file))?;
    match fs::read(file) {
        Ok(old) if old == unit.as_bytes() => {}
        Ok(old) => {
            let kept = file.with_extension("service.replaced");
            fs::write(&kept, old).map_err(failed(&kept))?;
            done.tell(format_args!("kept the unit that was there as {}", kept.display()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(file)(error)),
    }
    let new = file.with_extension("service.new");
    let write = || {
        fs::write(&new, unit)?;
        fs::set_permissions(&new, Permissions::from_mode(0o644))?;
        fs::rename(&new, file)
    };
    write().map_err(|error| {
        // What is half written must not stay; that it could not be removed changes nothing.
        _ = fs::remove_file(&new);
        failed(file)(error)
    })?;
    done.tell(format_args!("wrote {}", file.display()));
    Ok(())
}

/// Removes `rc?.d/[SK]??scalyr-agent-2`.
fn remove_links(etc: &Path, done: &mut Done<'_>) -> Result<(), String> {
    let mut links = Vec::new();
    for folder in entries(etc)?.into_iter().filter(|folder| is_run_level(folder)) {
        links.extend(entries(&folder)?.into_iter().filter(|link| is_init_link(link)));
    }
    for link in links {
        if link.is_symlink() {
            fs::remove_file(&link).map_err(failed(&link))?;
            done.tell(format_args!("removed {}", link.display()));
        } else {
            done.tell(format_args!("left {} as it is: it is no link", link.display()));
        }
    }
    Ok(())
}

fn is_run_level(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let level = name.strip_prefix("rc").and_then(|rest| rest.strip_suffix(".d"));
    level.is_some_and(|level| level.chars().count() == 1) && folder.is_dir()
}

fn is_init_link(link: &Path) -> bool {
    let name = link.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let order = name.strip_suffix(SERVICE).and_then(|begin| begin.strip_prefix(['S', 'K']));
    order.is_some_and(|order| order.chars().count() == 2)
}

/// What is in a folder, in the order of the names; nothing when it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    match read() {
        Ok(mut entries) => {
            order::by(&mut entries, Ord::cmp);
            Ok(entries)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(folder)(error)),
    }
}

fn reload_units(done: &mut Done<'_>) -> Result<(), String> {
    // As sd_booted(3) looks whether systemd runs.
    if !Path::new("/run/systemd/system").is_dir() {
        done.tell(format_args!("systemd does not run here: it reads the unit when it does"));
        return Ok(());
    }
    let command = "systemctl daemon-reload";
    let output =
        Command::new("systemctl").arg("daemon-reload").output().map_err(|error| format!("{command}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command}: {}: {}", output.status, said.trim()));
    }
    done.tell(format_args!("had systemd read its units again"));
    Ok(())
}

/// Whatever is there already stays as it is, also a link: the folder may belong to another user, who must not choose a file
/// that root empties.
fn make_marker(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn make_parent(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> String + use<> {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn installed(root: &Path, executable: &str) -> Result<String, String> {
        let mut out = Vec::new();
        install(root, Path::new(executable), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_host_of_init_becomes_one_of_systemd() {
        let root = tempfile::tempdir().unwrap();
        let at = |below: &str| root.path().join(below);
        for (folder, link) in
            [("rc2.d", "S98scalyr-agent-2"), ("rc0.d", "K02scalyr-agent-2"), ("rcS.d", "S98scalyr-agent-2")]
        {
            fs::create_dir_all(at("etc").join(folder)).unwrap();
            symlink("../init.d/scalyr-agent-2", at("etc").join(folder).join(link)).unwrap();
        }
        let others = ["etc/rc2.d/S98scalyr-agent-22", "etc/rc2.d/S5scalyr-agent-2", "etc/rc2.d/S01ssh"];
        others.iter().for_each(|other| symlink("../init.d/other", at(other)).unwrap());
        fs::create_dir_all(at("etc/rc.local.d")).unwrap();
        symlink("../init.d/other", at("etc/rc.local.d/S98scalyr-agent-2")).unwrap();
        fs::write(at("etc/rc2.d/S97scalyr-agent-2"), "#!/bin/sh").unwrap();

        let said = installed(root.path(), EXECUTABLE).unwrap();
        let unit = at("etc/systemd/system/scalyr-agent-2.service");
        assert_eq!(fs::read_to_string(&unit).unwrap(), UNIT);
        assert_eq!(fs::metadata(&unit).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(fs::read(at("etc/scalyr-agent-2/systemd_managed")).unwrap(), b"");
        assert!(others.iter().all(|other| at(other).is_symlink()), "links of others stay");
        assert!(at("etc/rc.local.d/S98scalyr-agent-2").is_symlink() && at("etc/rc2.d/S97scalyr-agent-2").is_file());
        assert!(said.contains("S97scalyr-agent-2 as it is: it is no link"), "{said}");
        for gone in ["etc/rc0.d/K02scalyr-agent-2", "etc/rc2.d/S98scalyr-agent-2", "etc/rcS.d/S98scalyr-agent-2"] {
            assert!(!at(gone).is_symlink(), "{gone}");
            assert!(said.contains(&format!("removed {}\n", at(gone).display())), "{said}");
        }
        assert!(
            said.contains("Nothing was enabled or started") && said.contains("systemctl enable --now scalyr-agent-2")
        );
        assert!(said.contains("/usr/sbin/scalyr-agent-2 stop\n"), "{said}");

        let again = installed(root.path(), EXECUTABLE).unwrap();
        assert!(!again.contains("kept") && !again.contains("removed"), "{again}");
        assert_eq!(fs::read_dir(unit.parent().unwrap()).unwrap().count(), 1, "no half-written file stays");
    }

    #[test]
    fn a_unit_that_is_there_is_kept_beside_and_one_that_is_masked_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let unit = root.path().join(UNIT_FILE);
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        fs::write(&unit, "[Service]\nType=simple\n").unwrap();
        let said = installed(root.path(), EXECUTABLE).unwrap();
        let kept = root.path().join("etc/systemd/system/scalyr-agent-2.service.replaced");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "[Service]\nType=simple\n");
        assert!(said.contains(&kept.display().to_string()), "{said}");

        fs::remove_file(&unit).unwrap();
        symlink("/dev/null", &unit).unwrap();
        let refused = installed(root.path(), EXECUTABLE).unwrap_err();
        assert!(refused.contains("is masked") && refused.contains("systemctl unmask scalyr-agent-2"), "{refused}");
        assert!(unit.is_symlink());
    }

    #[test]
    fn the_unit_starts_the_agent_that_was_asked() {
        let line = |executable: &str| {
            let unit = unit_for(Path::new(executable)).unwrap();
            let line = unit.lines().find(|line| line.starts_with("ExecStart=")).unwrap().to_owned();
            assert_eq!(unit.lines().count(), UNIT.lines().count());
            line
        };
        assert_eq!(line(EXECUTABLE), "ExecStart=/usr/sbin/scalyr-agent-2 start --no-fork");
        assert_eq!(line("/opt/agent/bin/agent"), "ExecStart=/opt/agent/bin/agent start --no-fork");
        assert_eq!(line("/srv/my agent/50%"), "ExecStart=\"/srv/my agent/50%%\" start --no-fork");
        assert_eq!(line("/a\\b\"c"), "ExecStart=\"/a\\\\b\\\"c\" start --no-fork");
        for wrong in ["agent", "/a\nUser=mallory"] {
            assert!(unit_for(Path::new(wrong)).unwrap_err().contains("cannot stand in a unit"), "{wrong}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_marker_leads_to_no_file_that_is_emptied() {
        let root = tempfile::tempdir().unwrap();
        let (marker, victim) = (root.path().join(MARKER), root.path().join("victim"));
        fs::create_dir_all(marker.parent().unwrap()).unwrap();
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &marker).unwrap();
        installed(root.path(), EXECUTABLE).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(marker.exists());
    }

    // cli-and-service.md, sharp edge 22
    #[test]
    fn the_unit_stops_the_agent_with_a_signal_and_starts_it_again_however_it_failed() {
        let has = |line: &str| UNIT.lines().any(|there| there == line);
        assert!(!UNIT.lines().any(|line| line.starts_with("ExecStop")), "no second agent to send a signal");
        for line in
            ["Type=notify", "NotifyAccess=main", "KillMode=mixed", "Restart=on-failure", "StartLimitIntervalSec=0"]
        {
            assert!(has(line), "{line}");
        }
        assert!(has("ConditionPathExists=/etc/scalyr-agent-2/agent.json") && has("ExecReload=/bin/kill -HUP $MAINPID"));
    }
}
