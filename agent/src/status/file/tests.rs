use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::super::sample::{bad, good};
use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_format_that_was_asked_for_is_written_and_text_otherwise() {
    let folder = folder();
    let written = || {
        write(folder.path(), &good()).unwrap();
        fs::read_to_string(folder.path().join(NAME)).unwrap()
    };
    assert!(written().starts_with("Scalyr Agent status."), "nothing was asked for");
    for (asked, is_json) in [("json", true), ("json\n", true), ("text", false), ("xml", false), ("", false)] {
        fs::write(folder.path().join(FORMAT_NAME), asked).unwrap();
        assert_eq!(written().starts_with('{'), is_json, "{asked:?}");
    }
    fs::write(folder.path().join(FORMAT_NAME), [0xff; 5000]).unwrap();
    assert!(written().starts_with("Scalyr"));
    let mode = fs::metadata(folder.path().join(NAME)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert!(!folder.path().join(UNFINISHED).exists());
}

#[test]
fn no_link_that_was_planted_is_followed() {
    let folder = folder();
    let victim = folder.path().join("victim");
    fs::write(&victim, "json").unwrap();
    for name in [NAME, UNFINISHED, FORMAT_NAME] {
        symlink(&victim, folder.path().join(name)).unwrap();
    }
    write(folder.path(), &good()).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "json", "untouched");
    let report = folder.path().join(NAME);
    assert!(fs::symlink_metadata(&report).unwrap().is_file());
    assert!(fs::read_to_string(report).unwrap().starts_with("Scalyr"), "what a link leads to names no format");
}

#[test]
fn whoever_holds_the_report_before_keeps_it_whole() {
    let folder = folder();
    write(folder.path(), &good()).unwrap();
    let report = folder.path().join(NAME);
    let before = fs::metadata(&report).unwrap().ino();
    let mut open = fs::File::open(&report).unwrap();
    fs::write(folder.path().join(FORMAT_NAME), "json").unwrap();
    write(folder.path(), &bad()).unwrap();
    assert_ne!(fs::metadata(&report).unwrap().ino(), before, "renamed, not written over");
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("Scalyr") && text.ends_with('\n'));
}

#[test]
fn what_stands_in_the_way_is_told_and_does_no_harm() {
    let folder = folder();
    fs::create_dir(folder.path().join(NAME)).unwrap();
    assert!(write(folder.path(), &good()).is_err());
    assert!(write(&folder.path().join("absent"), &good()).is_err());
    assert!(folder.path().join(NAME).is_dir());
}
