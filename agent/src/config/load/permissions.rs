//! Who else may read or change a file of the configuration (`configuration.md` section 11).

use std::path::Path;

use super::super::report::{Kind, Report};

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// Warns of a file, whose type and permissions are `mode`, that others may read or write, or that its group may write.
pub(super) fn check(mode: u32, file: &Path, report: &mut Report) {
    if mode & TYPE != REGULAR {
        return;
    }
    let others = match (mode & OTHERS_READ != 0, mode & OTHERS_WRITE != 0) {
        (true, true) => Some("every user may read and change it"),
        (true, false) => Some("every user may read it"),
        (false, true) => Some("every user may change it"),
        (false, false) => None,
    };
    let group = (mode & GROUP_WRITES != 0).then_some("its group may change it");
    let found: Vec<&str> = others.into_iter().chain(group).collect();
    if found.is_empty() {
        return;
    }
    let message = format!("this file has the permissions {:03o}: {}", mode & 0o777, found.join(", and "));
    // What the owner may do with it stays.
    let better = mode & 0o777 & !(OTHERS_READ | OTHERS_WRITE | GROUP_WRITES | 0o001);
    report.warn("", message).kind(Kind::Permissions).hint(format!("chmod {better:03o} {}", quoted(file)));
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@%".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    // configuration.md, sharp edge 20
    #[test]
    fn what_others_may_do_with_a_file_is_told_with_its_mode_and_the_cure() {
        let shown = [0o600, 0o640, 0o644, 0o602, 0o660, 0o666, 0o664, 0o755, 0o444].map(|mode| {
            let mut report = Report::new("f");
            check(REGULAR | mode, Path::new("/etc/my agent.json"), &mut report);
            report.to_string()
        });
        expect![[r#"
            warning: f: this file has the permissions 644: every user may read it; chmod 640 '/etc/my agent.json'
            warning: f: this file has the permissions 602: every user may change it; chmod 600 '/etc/my agent.json'
            warning: f: this file has the permissions 660: its group may change it; chmod 640 '/etc/my agent.json'
            warning: f: this file has the permissions 666: every user may read and change it, and its group may change it; chmod 640 '/etc/my agent.json'
            warning: f: this file has the permissions 664: every user may read it, and its group may change it; chmod 640 '/etc/my agent.json'
            warning: f: this file has the permissions 755: every user may read it; chmod 750 '/etc/my agent.json'
            warning: f: this file has the permissions 444: every user may read it; chmod 440 '/etc/my agent.json'
        "#]]
        .assert_eq(&shown.concat());
    }

    #[test]
    fn a_pipe_has_no_permissions_worth_a_word() {
        let mut report = Report::new("f");
        check(0o010_666, Path::new("/dev/fd/63"), &mut report);
        assert!(report.problems().is_empty());
    }
}
