//! What counts as a change. The clock is set by hand; the times of files are those that the file system gave them.

use std::fs::{self, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use scalyr_monitor::Clock;
use tempfile::TempDir;

use super::*;

const LATER: i64 = 60 * 1_000_000_000;

/// What it is called, and how it is done.
type Change = (&'static str, fn(&Scene));

/// A main file and a folder of one fragment, which were read.
struct Scene {
    directory: TempDir,
    seen: Seen,
    now: i64,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = Clock::system().now().as_nanos();
        let mut scene = Self { directory, seen: Seen::default(), now };
        fs::create_dir(scene.path("agent.d")).unwrap();
        scene.write("agent.json", "{ a: 1 }");
        scene.write("agent.d/web.json", "{ b: 1 }");
        scene.seen = scene.look();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Reads everything anew.
    fn look(&self) -> Seen {
        let mut seen = Seen::default();
        _ = seen.read(&self.path("agent.json"));
        if let Ok(Some(entries)) = seen.list(&self.path("agent.d"), 10) {
            entries.iter().for_each(|entry| _ = seen.read(&entry.path));
        }
        seen.note(&self.path("key"));
        seen
    }

    fn is_current(&mut self) -> bool {
        self.seen.is_current(Timestamp::from_nanos(self.now))
    }

    /// So that from now on nothing is read.
    fn settle(&mut self) {
        self.now += LATER;
        assert!(self.is_current());
        assert!(self.seen.things.iter().all(|thing| thing.is_settled));
    }
}

#[test]
fn nothing_has_changed_until_something_does() {
    let mut scene = Scene::new();
    assert!(scene.is_current());
    scene.settle();
    assert!(scene.is_current());
    assert!(scene.look().has_same_texts(&scene.seen));
}

#[test]
fn whatever_happens_to_a_file_or_folder_is_noticed() {
    let cases: [Change; 9] = [
        ("written", |scene| scene.write("agent.d/web.json", "{ b: 22 }")),
        ("replaced", |scene| {
            scene.write("new", "{ a: 2 }");
            fs::rename(scene.path("new"), scene.path("agent.json")).unwrap();
        }),
        ("removed", |scene| fs::remove_file(scene.path("agent.json")).unwrap()),
        ("a fragment removed", |scene| fs::remove_file(scene.path("agent.d/web.json")).unwrap()),
        ("a fragment added", |scene| scene.write("agent.d/a.json", "{}")),
        ("the folder removed", |scene| fs::remove_dir_all(scene.path("agent.d")).unwrap()),
        ("renamed", |scene| fs::rename(scene.path("agent.d/web.json"), scene.path("agent.d/v.json")).unwrap()),
        ("a file added that was not there", |scene| scene.write("key", "k")),
        ("forbidden to read", |scene| {
            fs::set_permissions(scene.path("agent.json"), Permissions::from_mode(0o000)).unwrap();
        }),
    ];
    for (what, change) in cases {
        for is_settled in [true, false] {
            let mut scene = Scene::new();
            if is_settled {
                scene.settle();
            }
            change(&scene);
            assert!(!scene.is_current(), "{what}, settled: {is_settled}");
            assert!(!scene.look().has_same_texts(&scene.seen), "{what}");
        }
    }
}

#[test]
fn a_file_that_is_only_touched_or_written_anew_has_the_same_text() {
    let mut scene = Scene::new();
    scene.settle();
    let file = fs::File::options().append(true).open(scene.path("agent.json")).unwrap();
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))).unwrap();
    assert!(!scene.is_current());
    assert!(scene.look().has_same_texts(&scene.seen));
    scene.write("agent.d/other.txt", "in the folder, and no fragment");
    assert!(scene.look().has_same_texts(&scene.seen));
    fs::set_permissions(scene.path("agent.json"), Permissions::from_mode(0o600)).unwrap();
    assert!(!scene.look().has_same_texts(&scene.seen), "its problems may be others");
}

/// Gives a thing that was seen the times that it has now, as a file system does whose clock has not moved on.
fn forget_times(scene: &mut Scene, name: &str) {
    let path = scene.path(name);
    let stamp = Stamp::of(&path);
    scene.seen.things.iter_mut().filter(|thing| thing.path == path).for_each(|thing| thing.stamp = stamp);
}

#[test]
fn a_second_change_within_the_step_of_the_clock_is_noticed_at_the_next_look() {
    let changes: [Change; 2] = [
        ("agent.json", |scene| scene.write("agent.json", "{ a: 2 }")),
        ("agent.d", |scene| fs::rename(scene.path("agent.d/web.json"), scene.path("agent.d/wec.json")).unwrap()),
    ];
    for (name, change) in changes {
        let mut scene = Scene::new();
        change(&scene);
        forget_times(&mut scene, name);
        scene.now += LATER;
        assert!(!scene.is_current(), "{name}");
    }
}

#[test]
fn a_fresh_file_is_read_again_until_it_has_been_left_alone() {
    let mut scene = Scene::new();
    scene.now = Clock::system().now().as_nanos();
    assert!(scene.is_current());
    assert!(scene.seen.things.iter().any(|thing| !thing.is_settled), "written just now");
    scene.write("agent.json", "{ a: 3 }");
    forget_times(&mut scene, "agent.json");
    assert!(!scene.is_current());
}

#[test]
fn what_is_shown_of_it_are_names() {
    let scene = Scene::new();
    let shown = format!("{:?}", scene.seen);
    assert!(shown.contains("agent.json") && !shown.contains("content"), "{shown}");
}
