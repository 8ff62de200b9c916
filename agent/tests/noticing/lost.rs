//! Directories whose watch ends, or does not tell, without a word.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scalyr_agent::logs::Noticing;

use super::Stage;

#[test]
fn a_path_whose_file_was_replaced_often_is_watched_no_more_once_no_entry_wants_it() {
    let mut stage = Stage::new(Noticing::default());
    fs::create_dir(stage.path("a")).unwrap();
    stage.start(&["a/x.log"]);
    for round in 0..5 {
        stage.append("a/next", &format!("{round}\n"));
        fs::rename(stage.path("a/next"), stage.path("a/x.log")).unwrap();
        assert_eq!(stage.lines(1), [format!("{round}\n")]);
    }
    stage.follow(&[]);
    stage.shows(|it| it.watched_paths == 0);
    stage.shows(|it| it.notices.watches == 0);
}

#[test]
fn a_directory_that_comes_and_goes_is_watched_also_when_all_notices_are_lost() {
    let stage = Stage::copying_so(Noticing { most_pending: 0, ..Noticing::default() }, &["sub/a.log"]);
    for round in 0..6 {
        fs::create_dir(stage.path("sub")).unwrap();
        stage.append("sub/a.log", "1\n");
        assert_eq!(stage.lines(1), ["1\n"], "round {round}");
        stage.append("sub/a.log", "2\n");
        assert_eq!(stage.lines(1), ["2\n"], "round {round}");
        fs::remove_dir_all(stage.path("sub")).unwrap();
    }
}

/// A file that was mounted over another one, as containers get single files, is not noticed by the directory that it
/// appears in.
#[test]
#[expect(clippy::print_stdout, reason = "says that it could not be run")]
fn a_file_that_is_mounted_from_another_directory_is_polled() {
    let mut stage = Stage::new(Noticing::default());
    fs::create_dir(stage.path("host")).unwrap();
    fs::create_dir(stage.path("inside")).unwrap();
    stage.append("host/a.log", "");
    stage.append("inside/a.log", "");
    let mounted = Mounted(stage.path("inside/a.log"));
    if !run("mount", &["--bind".as_ref(), &stage.path("host/a.log"), &mounted.0]) {
        println!("not run: mounting takes root");
        return;
    }
    stage.start(&["inside/*.log"]);
    stage.append("host/a.log", "1\n");
    assert_eq!(stage.lines(1), ["1\n"]);
}

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &[&self.0]);
    }
}

fn run(program: &str, arguments: &[&Path]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|ended| ended.status.success())
}
