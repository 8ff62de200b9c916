//! `agent config` as an operator uses it: the real program, real files with modes and owners, and archives that mean harm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use story::{AgentProcess, ReceiverProcess, Scratch, SmallDisk, wait_until, write_config};

const OLD: &str = "old-key-that-must-never-be-shown";
const NEW: &str = "new-key-that-must-never-be-shown";

/// The configuration of a person with opinions: comments, tabs, CRLF, single quotes, the key in a comment, too.
const MAIN: &str = "// mine: old-key-that-must-never-be-shown\r\n{\r\n\t'api_key' : 'old-key-that-must-never-be-shown', // here\r\n\
    \timplicit_metric_monitor: false\r\n\timplicit_agent_process_metrics_monitor: false\r\n\tserver_attributes: { tier: \"a\" }\r\n}\r\n";

/// A folder with `agent.json`, 0640, and `agent.d`.
struct Place {
    scratch: Scratch,
    file: PathBuf,
}

impl Place {
    fn new(main: &str) -> Self {
        let scratch = Scratch::new();
        let file = scratch.path("agent.json");
        for folder in ["agent.d", "log", "data"] {
            fs::create_dir(scratch.path(folder)).unwrap();
        }
        let place = Self { scratch, file };
        place.write("agent.json", main);
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.scratch.path(name), text).unwrap();
        fs::set_permissions(self.scratch.path(name), Permissions::from_mode(0o640)).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path(name)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.env_clear().args(["config", "-c"]).arg(&self.file).args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().unwrap())
    }

    /// With this on standard input.
    fn run_with(&self, arguments: &[&str], input: &[u8]) -> Done {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Who refuses what comes may have closed its end.
        _ = child.stdin.take().unwrap().write_all(input);
        Done::of(child.wait_with_output().unwrap())
    }

    /// Every file below the folder, with its text, mode and owner.
    fn all(&self) -> Vec<(PathBuf, Vec<u8>, u32, u32)> {
        let mut all = Vec::new();
        for folder in [self.scratch.folder().to_owned(), self.scratch.path("agent.d")] {
            for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
                let metadata = entry.metadata().unwrap();
                all.push((entry.path(), fs::read(entry.path()).unwrap(), metadata.mode() & 0o7777, metadata.uid()));
            }
        }
        all.sort();
        all
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.scratch.path(name)).unwrap().mode() & 0o7777
    }
}

struct Done {
    code: Option<i32>,
    out: Vec<u8>,
    said: String,
}

impl Done {
    fn of(output: Output) -> Self {
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("must-never-be-shown"), "a key was shown: {said}");
        Self { code: output.status.code(), out: output.stdout, said }
    }

    #[track_caller]
    fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }

    #[track_caller]
    fn refused(self, why: &str) {
        assert_eq!(self.code, Some(1), "{}", self.said);
        assert!(self.said.contains(why), "{why:?} is not in: {}", self.said);
    }
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one_and_no_other_byte_mode_or_owner_changes() {
    let place = Place::new(MAIN);
    chown(&place.file, Some(65534), Some(12)).unwrap();
    let said = place.run(&["--set-key", NEW]).well().said;
    assert_eq!(said, format!("The api key was set in {}.\n", place.file.display()));
    assert_eq!(place.text("agent.json"), MAIN.replace(&format!("'{OLD}'"), &format!("\"{NEW}\"")));
    let metadata = fs::metadata(&place.file).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()), (0o640, 65534, 12));
    assert_eq!(place.all().len(), 1, "nothing is left beside it");
}

#[test]
fn a_key_that_is_piped_in_is_set_and_too_much_of_it_is_refused() {
    let place = Place::new(MAIN);
    place.run_with(&["--set-key-from-stdin"], format!("{NEW}\n").as_bytes()).well();
    assert!(place.text("agent.json").contains(&format!("\"{NEW}\", // here")));
    let before = place.all();
    place.run_with(&["--set-key-from-stdin"], &vec![b'k'; 1 << 20]).refused("more than 4096 bytes");
    place.run_with(&["--set-key-from-stdin"], b"\n").refused("is empty");
    place.run_with(&["--set-key-from-stdin"], b"two\nlines\n").refused("line break");
    place.run_with(&["--set-key-from-stdin"], b"\xff\xfe").refused("not UTF-8");
    assert_eq!(place.all(), before);
}

#[test]
fn the_key_is_changed_wherever_it_stands() {
    let quiet = "implicit_metric_monitor: false, implicit_agent_process_metrics_monitor: false";
    // In a fragment.
    let place = Place::new(&format!("{{ {quiet} }}"));
    place.write("agent.d/key.json", &format!("{{ api_key: \"{OLD}\" }}"));
    place.run(&["--set-key", NEW]).well();
    assert_eq!(place.text("agent.d/key.json"), format!("{{ api_key: \"{NEW}\" }}"));
    // In a file of its own.
    let place = Place::new(&format!("{{ api_key_file: 'the.key', {quiet} }}"));
    place.write("the.key", &format!("{OLD}\n"));
    let main = place.text("agent.json");
    place.run(&["--set-key", NEW]).well();
    assert_eq!((place.text("the.key"), place.text("agent.json")), (format!("{NEW}\n"), main.clone()));
    // That file is not there yet.
    fs::remove_file(place.scratch.path("the.key")).unwrap();
    place.run(&["--set-key", NEW]).well();
    assert_eq!((place.text("the.key"), place.mode("the.key")), (format!("{NEW}\n"), 0o640));
    // In the entry of the default worker, and at the top, which must say the same.
    let place =
        Place::new(&format!("{{ api_key: '{OLD}', workers: [{{ id: 'default', api_key: '{OLD}' }}], {quiet} }}"));
    place.run(&["--set-key", NEW]).well();
    assert!(!place.text("agent.json").contains(OLD));
    // Nowhere.
    let place = Place::new(&format!("{{\n    // quiet\n    {quiet}\n}}\n"));
    place.run(&["--set-key", NEW]).well();
    assert_eq!(place.text("agent.json"), format!("{{\n    \"api_key\": \"{NEW}\",\n    // quiet\n    {quiet}\n}}\n"));
    // Through a link.
    let place = Place::new(MAIN);
    fs::rename(&place.file, place.scratch.path("real.conf")).unwrap();
    symlink("real.conf", &place.file).unwrap();
    place.run(&["--set-key", NEW]).well();
    assert!(place.file.is_symlink());
    assert!(place.text("real.conf").contains(NEW));
}

#[test]
fn a_key_that_no_file_gives_is_refused_with_the_place_that_does() {
    let place = Place::new("{ import_vars: ['MY_KEY'], api_key: '$MY_KEY' }");
    let before = place.all();
    let mut command = place.command(&["--set-key", NEW]);
    Done::of(command.env("MY_KEY", OLD).output().unwrap()).refused("import_vars (MY_KEY)");
    assert_eq!(place.all(), before);
    let place = Place::new("{ }");
    let before = place.all();
    let mut command = place.command(&["--set-key", NEW]);
    Done::of(command.env("SCALYR_API_KEY", OLD).output().unwrap()).refused("the environment variable SCALYR_API_KEY");
    assert_eq!(place.all(), before);
    let place = Place::new("{ api_key: 'a', api_key: 'b' }");
    place.run(&["--set-key", NEW]).refused("api_key is given twice, at 1:3 and at 1:17");
    let place = Place::new("{ api_key: 'a' ");
    place.run(&["--set-key", NEW]).refused("is never closed");
}

#[test]
fn what_the_agent_would_refuse_is_refused_in_its_words_before_anything_is_written() {
    let place = Place::new(MAIN);
    let before = place.all();
    for (option, value, why) in [
        ("--set-key", "", "is empty"),
        ("--set-key", "REPLACE_THIS", "is still the placeholder REPLACE_THIS"),
        ("--set-key", "a\u{7}b", "control character"),
        ("--set-scalyr-server", "ftp://a", "must begin with https://"),
        ("--set-scalyr-server", "https://a/path", "without a path"),
        ("--set-server-host", " ", "is empty"),
        ("--set-server-host", "a\nb", "line break"),
        ("--set-attribute", "a=\u{1b}[2J", "control character"),
    ] {
        place.run(&[option, value]).refused(why);
        // Not even what would have been right.
        place.run(&[option, value, "--set-attribute", "fine=yes"]).refused(why);
        assert_eq!(place.all(), before, "{option} {value:?}");
    }
    assert_eq!(place.run(&["--set-attribute", "novalue"]).code, Some(2));
    assert_eq!(place.run(&["--set-colour", "red"]).code, Some(2));
}

#[test]
fn a_server_is_changed_where_it_stands_and_else_gets_a_fragment() {
    let place =
        Place::new(&MAIN.replace("{\r\n\t'api", "{\r\n\tscalyr_server: 'https://old' // the old one\r\n\t'api"));
    place.run(&["--set-scalyr-server", "https://eu.scalyr.com"]).well();
    assert!(place.text("agent.json").contains("\tscalyr_server: \"https://eu.scalyr.com\" // the old one\r\n"));
    assert_eq!(place.all().len(), 1);

    let place = Place::new(MAIN);
    chown(&place.file, Some(65534), Some(12)).unwrap();
    let options =
        ["--set-scalyr-server", "https://eu.scalyr.com", "--set-server-host", "web-1", "--set-attribute", "tier=b"];
    place.run(&[&options[..], &["--set-attribute", "zone=x"]].concat()).well();
    let fragment =
        "// Sets the server that the agent sends to.\n{\n  \"scalyr_server\": \"https://eu.scalyr.com\"\n}\n";
    assert_eq!(place.text("agent.d/scalyr_server.json"), fragment);
    let metadata = fs::metadata(place.scratch.path("agent.d/scalyr_server.json")).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()), (0o640, 65534, 12));
    assert!(place.text("agent.d/server_host.json").contains("\"serverHost\": \"web-1\""));
    assert!(place.text("agent.d/server_attributes.json").contains("\"zone\": \"x\""));
    assert_eq!(place.text("agent.json"), MAIN.replace("tier: \"a\"", "tier: \"b\""));
    place.run(&["--set-scalyr-server", "https://us.scalyr.com", "--set-attribute", "rack=7"]).well();
    assert_eq!(place.text("agent.d/scalyr_server.json"), fragment.replace("//eu", "//us"));
    assert!(place.text("agent.d/server_attributes.json").contains("\"rack\": \"7\",\n"));
}

#[test]
fn a_running_agent_is_named_and_notices_the_change() {
    let scratch = Scratch::new();
    let receiver = ReceiverProcess::start(&scratch, "receiver");
    let extra = json!({ "config_change_check_interval": 1 });
    let file = write_config(&scratch, &receiver.url(), json!([]), extra);
    fs::create_dir(scratch.path("agent.d")).unwrap();
    let mut agent = AgentProcess::start(&scratch, &file);
    wait_until("the agent runs", Duration::from_secs(60), || agent.status().is_some());
    let place = Place { scratch, file };
    let said = place.run(&["--set-attribute", "tier=b"]).well().said;
    let notice = format!("The agent that runs (process {}) notices it within 1 s", agent.process().id());
    assert!(said.contains(&notice), "{said}");
    assert!(agent.process().ended().is_none());
}

#[test]
fn an_export_is_imported_on_another_host_and_what_it_has_not_goes() {
    let from = Place::new(MAIN);
    from.write("agent.d/web.json", "{ logs: [ { path: '/var/log/web.log' } ] }");
    from.write("agent.d/notes.txt", "not a fragment");
    let said = from.run(&["--export-config", from.scratch.path("out.tar.gz").to_str().unwrap()]).well().said;
    assert!(said.contains("notes.txt is left out"), "{said}");
    assert_eq!(from.mode("out.tar.gz"), 0o600);
    let packed = from.run(&["--export-config", "-"]).well().out;

    let to = Place::new("{ api_key: 'x' }");
    chown(&to.file, Some(65534), Some(12)).unwrap();
    to.write("agent.d/old.json", "{ logs: [] }");
    to.write("agent.d/notes.txt", "stays");
    let said = to.run_with(&["--import-config", "-"], &packed).well().said;
    assert!(said.contains("old.json was deleted"), "{said}");
    assert_eq!(to.text("agent.json"), MAIN);
    assert_eq!(to.text("agent.d/web.json"), from.text("agent.d/web.json"));
    assert_eq!(to.text("agent.d/notes.txt"), "stays");
    assert!(!to.scratch.path("agent.d/old.json").exists());
    let owners: Vec<u32> = ["agent.json", "agent.d/web.json"]
        .iter()
        .map(|name| fs::metadata(to.scratch.path(name)).unwrap().uid())
        .collect();
    assert_eq!(owners, [65534, 65534]);
    assert_eq!((to.mode("agent.json"), to.mode("agent.d/web.json")), (0o640, 0o640));
    // A configuration that is broken is no hindrance.
    to.write("agent.json", "{ broken");
    to.run(&["--import-config", from.scratch.path("out.tar.gz").to_str().unwrap()]).well();
    assert_eq!(to.text("agent.json"), MAIN);
}

/// A gzipped tar file: paths as they are, types, texts.
fn archive(members: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, kind, bytes) in members {
        let mut header = tar::Header::new_gnu();
        // Not by its own setter, which refuses what is refused here, too.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn an_archive_that_means_harm_changes_nothing() {
    use tar::EntryType as Is;
    let good: (&str, Is, &[u8]) = ("agent.json", Is::Regular, MAIN.as_bytes());
    let bomb = vec![b' '; 100 << 20];
    let place = Place::new("{ api_key: 'x' }");
    place.write("agent.d/old.json", "{}");
    let before = place.all();
    for (members, why) in [
        (vec![good, ("../evil.json", Is::Regular, b"{}")], "leads out of the folder"),
        (vec![good, ("agent.d/../../evil.json", Is::Regular, b"{}")], "leads out of the folder"),
        (vec![good, ("/etc/evil.json", Is::Regular, b"{}")], "leads out of the folder"),
        (vec![good, ("agent.d/a\nb.json", Is::Regular, b"{}")], "leads out of the folder"),
        (vec![good, ("agent.d/a.json", Is::Symlink, b"")], "is a link"),
        (vec![good, ("agent.d/a.json", Is::Link, b"")], "is a link"),
        (vec![good, ("agent.d/a.json", Is::Char, b"")], "is no file"),
        (vec![good, ("agent.d/a.json", Is::Fifo, b"")], "is no file"),
        (vec![good, good], "holds agent.json twice"),
        (vec![good, ("./agent.json", Is::Regular, b"{}")], "twice"),
        (vec![good, ("other.json", Is::Regular, b"{}")], "only one main file"),
        (vec![good, ("fragments/a.json", Is::Regular, b"{}")], "has its fragments in"),
        (vec![good, ("agent.d/a.json", Is::Regular, b"{ broken")], "No agent could run"),
        (vec![good, ("agent.d/a.json", Is::Regular, b"{ api_key: 'y' }")], "only one file may give it"),
        (vec![("agent.json", Is::Regular, b"{ api_key: 'REPLACE_THIS' }")], "is still the placeholder"),
        (vec![("agent.d/a.json", Is::Regular, b"{}")], "holds no main file"),
        (vec![good, ("big.json", Is::Regular, &bomb)], "MiB; is this the right archive?"),
    ] {
        place.run_with(&["--import-config", "-"], &archive(&members)).refused(why);
        assert_eq!(place.all(), before, "{why}");
    }
    place.run_with(&["--import-config", "-"], b"no archive").refused("cannot be read as a gzipped tar file");
    let whole = archive(&[good]);
    place
        .run_with(&["--import-config", "-"], &whole[..whole.len() / 2])
        .refused("cannot be read as a gzipped tar file");
    assert_eq!(place.all(), before);
}

#[test]
fn another_user_is_told_who_may_do_it_and_nothing_changes() {
    let place = Place::new(MAIN);
    fs::set_permissions(place.scratch.folder(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&place.file, Permissions::from_mode(0o644)).unwrap();
    // Where everybody may reach it.
    let program = place.scratch.path("agent");
    fs::copy(env!("CARGO_BIN_EXE_agent"), &program).unwrap();
    let before = fs::read(&place.file).unwrap();
    for (arguments, why) in
        [(["--set-key", NEW], "do this as the owner of the configuration"), (["--set-user", "root"], "only root may")]
    {
        let mut command = Command::new(&program);
        command.env_clear().args(["config", "-c"]).arg(&place.file).args(arguments).stdin(Stdio::null());
        Done::of(command.uid(65534).gid(65534).output().unwrap()).refused(why);
        assert_eq!(fs::read(&place.file).unwrap(), before);
    }
}

#[test]
fn the_agent_is_given_to_a_user_with_all_that_is_its_own_and_nothing_else() {
    let place =
        Place::new(&MAIN.replace("{\r\n\t'api", "{\r\n\tagent_log_path: 'log', agent_data_path: 'data'\r\n\t'api"));
    place.write("agent.d/a.json", "{}");
    place.write("other.txt", "");
    fs::create_dir(place.scratch.path("log/sub")).unwrap();
    place.write("log/sub/x.log", "");
    place.write("data/positions", "");
    symlink(place.scratch.path("other.txt"), place.scratch.path("log/link")).unwrap();
    chown(&place.file, Some(0), Some(12)).unwrap();
    // As the script of the old package spells it.
    place.run(&["--set_user", "nobody"]).well();
    let owner = |name: &str| fs::symlink_metadata(place.scratch.path(name)).unwrap().uid();
    for name in
        ["agent.json", "agent.d", "agent.d/a.json", "log", "log/sub", "log/sub/x.log", "log/link", "data/positions"]
    {
        assert_eq!(owner(name), 65534, "{name}");
    }
    assert_eq!((owner("other.txt"), owner("")), (0, 0));
    assert_eq!(fs::metadata(&place.file).unwrap().gid(), 12);
    place.run(&["--set-user", "nobody-at-all"]).refused("there is no such user");
    let place = Place::new(&MAIN.replace("{\r\n\t'api", "{\r\n\tagent_log_path: '/var/log'\r\n\t'api"));
    place.run(&["--set-user", "nobody"]).refused("/var/log is a folder of the system");
    assert_eq!(fs::metadata("/var/log").unwrap().uid(), 0);
}

#[test]
fn a_full_disk_leaves_every_file_as_it_was() {
    let scratch = Scratch::new();
    let Some(disk) = SmallDisk::mount(&scratch.path("etc")) else { return };
    fs::create_dir(scratch.path("etc/agent.d")).unwrap();
    let file = scratch.path("etc/agent.json");
    fs::write(&file, MAIN).unwrap();
    disk.fill();
    let place = Place { scratch, file };
    let before = fs::read(&place.file).unwrap();
    place.run(&["--set-key", NEW, "--set-scalyr-server", "https://eu.scalyr.com"]).refused("make room");
    assert_eq!(fs::read(&place.file).unwrap(), before);
    assert_eq!(fs::read_dir(place.scratch.path("etc/agent.d")).unwrap().count(), 0);
    disk.free();
    place.run(&["--set-key", NEW]).well();
}

#[test]
fn what_only_python_had_is_answered_or_refused_with_what_to_do() {
    let place = Place::new("{ broken");
    let said = place.run(&["--set-python", "python3", "--report-python-version"]).well().said;
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("Rust "), "{said}");
    place.run(&["--upgrade-tarball", "x.tar.gz", "--preserve-old-install"]).refused("this agent is one program");
    place.run(&["--docker-create-custom-dockerfile", "-"]).refused("--export-config");
    place.run(&["--k8s-create-custom-dockerfile", "x"]).refused("--export-config");
    assert_eq!(Done::of(Command::new(env!("CARGO_BIN_EXE_agent")).arg("config").output().unwrap()).code, Some(2));
}

#[test]
fn the_fragment_folder_of_a_link_is_a_folder_like_any_other() {
    let place = Place::new(MAIN);
    fs::rename(place.scratch.path("agent.d"), place.scratch.path("real.d")).unwrap();
    symlink("real.d", place.scratch.path("agent.d")).unwrap();
    place.run(&["--set-scalyr-server", "https://eu.scalyr.com"]).well();
    assert!(Path::new(&place.scratch.path("real.d/scalyr_server.json")).exists());
}

/// A place whose configuration belongs to `nobody`, in a folder of root.
fn of_nobody(main: &str) -> Place {
    let place = Place::new(main);
    chown(&place.file, Some(65534), Some(12)).unwrap();
    place
}

#[test]
fn the_owner_of_a_configuration_reaches_no_file_of_the_system_through_root() {
    let elsewhere = Scratch::new();
    for (text, why) in [
        (Some("several\nlines\n"), "holds several lines"),
        (Some("one-line-of-root"), "belongs to another user"),
        (None, "belongs to another user"),
    ] {
        let file = elsewhere.path("profile.sh");
        match text {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let place = of_nobody(&format!("{{ api_key_file: '{}' }}", file.display()));
        place.run(&["--set-key", NEW]).refused(why);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), text);
    }
    // A fragment that is a link, and a folder of fragments elsewhere.
    let victim = elsewhere.path("victim.json");
    fs::write(&victim, "{ server_attributes: { a: 'b' } }").unwrap();
    let place = of_nobody(MAIN);
    symlink(&victim, place.scratch.path("agent.d/server_attributes.json")).unwrap();
    place.run(&["--set-attribute", "a=c"]).refused("belongs to another user");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "{ server_attributes: { a: 'b' } }");
    let main = format!("{{ api_key: '{OLD}', config_directory: '{}' }}", elsewhere.folder().display());
    let place = of_nobody(&main);
    place.run(&["--set-scalyr-server", "https://eu.scalyr.com"]).refused("belongs to another user");
    assert!(!elsewhere.path("scalyr_server.json").exists());
    // The main file itself: a link of one user to the file of another one.
    let place = of_nobody(MAIN);
    fs::remove_file(&place.file).unwrap();
    fs::write(elsewhere.path("root.json"), "{}").unwrap();
    symlink(elsewhere.path("root.json"), &place.file).unwrap();
    std::os::unix::fs::lchown(&place.file, Some(65534), Some(12)).unwrap();
    place.run(&["--set-key", NEW]).refused("is a link of one user to a file of another one");
    assert_eq!(fs::read_to_string(elsewhere.path("root.json")).unwrap(), "{}");
}

#[test]
fn a_file_of_the_key_that_is_a_pipe_or_has_no_end_is_not_waited_for() {
    let scratch = Scratch::new();
    let pipe = scratch.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in [pipe.as_path(), Path::new("/dev/zero"), Path::new("/")] {
        let place = Place::new(&format!("{{ api_key_file: '{}' }}", file.display()));
        place.run(&["--set-key", NEW]).refused("is no regular file");
    }
}

#[test]
fn an_import_deletes_fragments_of_this_configuration_and_nothing_else() {
    let place = Place::new("{ api_key: 'x' }");
    let shared = Scratch::new();
    fs::write(shared.path("shared.json"), "{}").unwrap();
    symlink(shared.path("shared.json"), place.scratch.path("agent.d/shared.json")).unwrap();
    let archive_of = |main: String| archive(&[("agent.json", tar::EntryType::Regular, main.as_bytes())]);
    place.run_with(&["--import-config", "-"], &archive_of(MAIN.to_owned())).well();
    assert!(!place.scratch.path("agent.d/shared.json").is_symlink(), "the link goes");
    assert!(shared.path("shared.json").exists(), "what it led to stays");
    let before = place.all();
    let main = format!("{{ api_key: 'x', config_directory: '{}' }}", shared.folder().display());
    place.run_with(&["--import-config", "-"], &archive_of(main)).refused("shared.json that the archive does not have");
    assert!(shared.path("shared.json").exists());
    assert_eq!(place.all(), before);
}

#[test]
fn an_export_is_not_written_into_a_pipe_of_somebody_else() {
    let place = Place::new(MAIN);
    let pipe = place.scratch.path("out.tar.gz");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    chown(&pipe, Some(65534), None).unwrap();
    place.run(&["--export-config", pipe.to_str().unwrap()]).refused("a pipe or a device of another user");
}

#[test]
fn what_a_killed_call_left_behind_goes_with_the_next_change() {
    let place = Place::new(MAIN);
    place.write(".agent-config-old-abc", MAIN);
    place.write(".agent-config-xyz", MAIN);
    place.write(".agent-other", "");
    place.run(&["--set-key", NEW]).well();
    let names: Vec<_> = place.all().into_iter().map(|(path, ..)| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, [".agent-other", "agent.json"]);
}

#[test]
fn a_user_is_given_no_folder_of_somebody_else_that_the_configuration_names() {
    let system = Scratch::new();
    fs::write(system.path("sshd_config"), "").unwrap();
    let main =
        format!("{{ api_key: '{OLD}', agent_log_path: '{}', agent_data_path: 'data' }}", system.folder().display());
    let place = of_nobody(&main);
    for folder in ["agent.d", "data"] {
        chown(place.scratch.path(folder), Some(65534), None).unwrap();
    }
    place.run(&["--set-user", "nobody"]).refused("does not belong to the owner of the configuration");
    let owner = |path: PathBuf| fs::metadata(path).unwrap().uid();
    assert_eq!((owner(system.folder().to_owned()), owner(system.path("sshd_config"))), (0, 0));
    // A second name for a file of somebody else.
    let place = Place::new(&format!("{{ api_key: '{OLD}', agent_log_path: 'log', agent_data_path: 'data' }}"));
    fs::hard_link(system.path("sshd_config"), place.scratch.path("log/x.log")).unwrap();
    let said = place.run(&["--set-user", "nobody"]).well().said;
    assert!(said.contains("x.log was left as it is: it has other names elsewhere"), "{said}");
    assert_eq!(owner(system.path("sshd_config")), 0);
}

#[test]
fn the_beginning_of_an_option_is_enough() {
    let place = Place::new(MAIN);
    place.run(&["--set-serv", "web-1"]).well();
    assert!(place.text("agent.d/server_host.json").contains("web-1"));
    assert_eq!(place.run(&["--set-s", "web-1"]).code, Some(2), "it could be several");
}

#[test]
fn of_changes_that_are_made_at_once_none_is_lost_in_silence() {
    let place = Place::new(MAIN);
    for round in 0..5 {
        let names: Vec<String> = (0..4).map(|number| format!("n{round}_{number}")).collect();
        let start = |name: &String| {
            let mut command = place.command(&["--set-attribute", &format!("{name}=x")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = names.iter().map(start).collect();
        for (name, child) in names.iter().zip(children) {
            let done = Done::of(child.wait_with_output().unwrap());
            let is_there = place.text("agent.d/server_attributes.json").contains(&format!("\"{name}\""));
            match done.code {
                Some(0) => assert!(is_there, "{name} was lost: {}", done.said),
                _ => done.refused("was changed by somebody else meanwhile"),
            }
        }
    }
}
