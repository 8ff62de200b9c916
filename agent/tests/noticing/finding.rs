//! Files that come, wherever and however.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Stage, in_each_way};

#[test]
fn a_new_file_is_found_in_a_watched_directory_in_one_that_comes_later_and_deep_in_a_tree() {
    in_each_way(|noticing| {
        let stage = Stage::copying_so(noticing, &["*.log", "later/*.log", "fixed/in/a.log", "tree/**/*.txt"]);
        stage.append("new.log", "1\n");
        assert_eq!(stage.lines(1), ["1\n"]);
        fs::create_dir(stage.path("later")).unwrap();
        stage.append("later/new.log", "2\n");
        assert_eq!(stage.lines(1), ["2\n"]);
        fs::create_dir_all(stage.path("fixed/in")).unwrap();
        stage.append("fixed/in/a.log", "3\n");
        assert_eq!(stage.lines(1), ["3\n"]);
        fs::create_dir_all(stage.path("tree/a/b/c")).unwrap();
        stage.append("tree/a/b/c/deep.txt", "4\n");
        assert_eq!(stage.lines(1), ["4\n"]);
        fs::create_dir_all(stage.path("tree/a/b/d/e")).unwrap();
        stage.append("tree/a/b/d/e/deep.txt", "5\n");
        assert_eq!(stage.lines(1), ["5\n"]);
        stage.append("tree/a/b/c/deep.txt", "6\n");
        assert_eq!(stage.lines(1), ["6\n"]);
    });
}

#[test]
fn a_tree_that_is_renamed_into_place_is_found() {
    in_each_way(|noticing| {
        let stage = Stage::copying_so(noticing, &["pods/*/app/*.log", "plain.log"]);
        fs::create_dir_all(stage.path("stage/pod/app")).unwrap();
        stage.append("stage/pod/app/0.log", "1\n");
        stage.append("stage/made.log", "2\n");
        fs::rename(stage.path("stage/made.log"), stage.path("plain.log")).unwrap();
        assert_eq!(stage.lines(1), ["2\n"]);
        fs::rename(stage.path("stage"), stage.path("pods")).unwrap();
        assert_eq!(stage.lines(1), ["1\n"]);
        stage.append("pods/pod/app/0.log", "3\n");
        assert_eq!(stage.lines(1), ["3\n"]);
    });
}

#[test]
fn a_file_that_lives_for_a_moment_is_caught() {
    let stage = Stage::copying(&["*.log"]);
    for round in 0..5 {
        let name = format!("{round}.log");
        stage.append(&name, "short\n");
        assert_eq!(stage.lines(1), ["short\n"]);
        fs::remove_file(stage.path(&name)).unwrap();
    }
}

#[test]
fn what_a_link_leads_to_is_followed_also_when_the_link_is_swapped() {
    in_each_way(|noticing| {
        let mut stage = Stage::new(noticing);
        for version in ["v1", "v2"] {
            fs::create_dir(stage.path(version)).unwrap();
            stage.append(&format!("{version}/real.log"), "");
        }
        fs::create_dir(stage.path("links")).unwrap();
        symlink("../v1/real.log", stage.path("links/a.log")).unwrap();
        symlink("v1", stage.path("current")).unwrap();
        stage.append("v1/through.log", "");
        stage.start(&["links/a.log", "current/through.log"]);
        stage.append("v1/real.log", "1\n");
        assert_eq!(stage.lines(1), ["1\n"]);
        symlink("../v2/real.log", stage.path("links/next")).unwrap();
        fs::rename(stage.path("links/next"), stage.path("links/a.log")).unwrap();
        stage.append("v2/real.log", "2\n");
        assert_eq!(stage.lines(1), ["2\n"]);
        // A directory on the way is swapped.
        stage.append("v2/through.log", "3\n");
        symlink("v2", stage.path("next")).unwrap();
        fs::rename(stage.path("next"), stage.path("current")).unwrap();
        assert_eq!(stage.lines(1), ["3\n"]);
        stage.append("v2/through.log", "4\n");
        assert_eq!(stage.lines(1), ["4\n"]);
    });
}

#[test]
fn a_file_that_is_written_through_another_name_is_read() {
    in_each_way(|noticing| {
        let mut stage = Stage::new(noticing);
        fs::create_dir(stage.path("other")).unwrap();
        stage.append("a.log", "");
        fs::hard_link(stage.path("a.log"), stage.path("other/name")).unwrap();
        stage.start(&["a.log"]);
        stage.append("other/name", "1\n");
        assert_eq!(stage.lines(1), ["1\n"]);
        stage.append("other/name", "2\n");
        assert_eq!(stage.lines(1), ["2\n"]);
    });
}

#[test]
fn a_file_that_becomes_readable_is_read() {
    if rustix::process::geteuid().is_root() {
        // Root reads everything: the trouble is another one, a directory where the file should be.
        return in_each_way(|noticing| {
            let stage = Stage::copying_so(noticing, &["a.log"]);
            fs::create_dir(stage.path("a.log")).unwrap();
            stage.shows(|it| it.troubles.contains_key(&stage.path("a.log")));
            fs::remove_dir(stage.path("a.log")).unwrap();
            stage.append("a.log", "1\n");
            assert_eq!(stage.lines(1), ["1\n"]);
            stage.shows(|it| it.troubles.is_empty());
        });
    }
    in_each_way(|noticing| {
        let stage = Stage::copying_so(noticing, &["*.log"]);
        stage.append("staged", "1\n");
        fs::set_permissions(stage.path("staged"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::rename(stage.path("staged"), stage.path("a.log")).unwrap();
        stage.shows(|it| it.troubles.contains_key(&stage.path("a.log")));
        fs::set_permissions(stage.path("a.log"), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(stage.lines(1), ["1\n"]);
        stage.shows(|it| it.troubles.is_empty());
    });
}

#[test]
fn a_fifo_is_never_opened_and_keeps_nobody_from_being_found() {
    in_each_way(|noticing| {
        let stage = Stage::copying_so(noticing, &["*.log", "pipe"]);
        for name in ["a.log", "pipe"] {
            let path = stage.path(name);
            let mode = rustix::fs::Mode::from(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        stage.append("b.log", "1\n");
        assert_eq!(stage.lines(1), ["1\n"]);
        let troubles = stage.shows(|it| !it.troubles.is_empty()).troubles;
        assert!(troubles[&stage.path("pipe")].contains("not a regular file"), "{troubles:?}");
    });
}
