//! `xtask/container`: the image and the manifests do what docs/containers.md says, without an engine or a cluster. The root
//! file system is the one that the Dockerfile makes, mounts, user, powers, environment and files are those of the manifests,
//! and the kernel does the rest as it does for an engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "container/manifest.rs"]
mod manifest;
#[path = "container/names.rs"]
mod names;
#[path = "container/pod.rs"]
mod pod;
mod story;

use {builtin_monitors as _, local_monitors as _};

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use manifest::{Manifest, Variant, folder, read, texts};
use names::NameServer;
use pod::{ConfigVolume, PROGRAM, Pod, make_root, run};
use story::{API_KEY, ReceiverProcess, Scratch, agent_command, now, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);
const NODE: &str = "node-7";
/// Of the container `app` of the pod `web-1` in the namespace `shop`.
const LINK: &str = "var/log/containers/web-1_shop_app-0123456789abcdef.log";
const LOG: &str = "var/log/pods/shop_web-1_4711/app/0.log";

/// The program of the tests.
fn built() -> PathBuf {
    env!("CARGO_BIN_EXE_agent").into()
}

/// The static one, which these tests do not build.
fn static_agent() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let path = root.join("target/static/x86_64-unknown-linux-gnu/dist/agent");
    assert!(
        path.is_file(),
        "{} is not there; build it: RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build --package agent --profile dist \
         --target x86_64-unknown-linux-gnu --target-dir target/static",
        path.display()
    );
    path
}

#[test]
fn the_configuration_of_the_manifest_is_good_and_each_variable_of_it_is_read() {
    for variant in [Variant::Root, Variant::NonRoot] {
        let manifest = Manifest::of(variant);
        let scratch = Scratch::new();
        _ = ConfigVolume::new(scratch.path("config"), &manifest.files());
        let environment = manifest.environment(API_KEY, NODE);
        let mut check = agent_command();
        check.args(["check", "--print", "-c"]).arg(scratch.path("config/agent.json")).envs(&environment);
        let output = run(&mut check);
        let told = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        // The probes of the kubelet do not come over the loopback.
        let is_problem = |line: &&str| ["warning: ", "error: "].iter().any(|word| line.starts_with(word));
        let problems: Vec<&str> = told.lines().filter(is_problem).collect();
        assert!(matches!(problems[..], [one] if one.contains("0.0.0.0:8126 can be reached by other hosts")), "{told}");
        let files = manifest.files().into_values().collect::<String>();
        for name in environment.keys() {
            // `--print` names where each value comes from.
            let gives_a_key = told.lines().any(|line| line.contains(name.as_str()) && !line.starts_with("warning"));
            assert!(gives_a_key || files.contains(&format!("\"${name}\"")), "nobody reads {name}: {told}");
        }
        assert!(told.contains(NODE) && !told.contains(API_KEY), "{told}");
    }
}

#[test]
fn dockerfile_manifests_and_root_file_system_agree() {
    let dockerfile = fs::read_to_string(folder().join("Dockerfile")).unwrap();
    let words = |instruction: &str| {
        let lines: Vec<&str> = dockerfile.lines().map(str::trim).filter(|line| line.starts_with(instruction)).collect();
        assert!(!lines.is_empty(), "{instruction}");
        lines.iter().map(|line| line[instruction.len()..].trim().to_owned()).collect::<Vec<_>>()
    };
    let toolchain = fs::read_to_string(folder().join("../../rust-toolchain.toml")).unwrap();
    let version = words("ARG RUST_VERSION=").remove(0);
    assert!(toolchain.contains(&format!("channel = \"{version}\"")), "{version}: {toolchain}");
    assert_eq!(words("ARG VERSION="), [env!("CARGO_PKG_VERSION")]);
    let list = |instruction: &str| -> Vec<String> { serde_json::from_str(&words(instruction).pop().unwrap()).unwrap() };
    assert_eq!(list("ENTRYPOINT"), [PROGRAM]);
    let container = Manifest::of(Variant::Root);
    assert_eq!(list("CMD"), container.arguments());
    assert_eq!(container.container()["image"], format!("scalyr-agent-2:{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(read("kubernetes/kustomization.yaml")["images"][0]["newTag"], env!("CARGO_PKG_VERSION"));
    assert!(dockerfile.contains(&format!("CMD [\"{PROGRAM}\", \"status\", \"-H\"]")));
    // What the other manifests change is the user of the image.
    let (user, group, added) = Manifest::of(Variant::NonRoot).powers();
    assert_eq!((words("USER"), added), (vec![format!("{user}:{group}")], vec![]));
    assert_eq!(Manifest::of(Variant::Root).powers(), (0, 0, vec!["DAC_READ_SEARCH".to_owned()]));
    // All manifests are applied but the example of the secret, and all are of one namespace.
    let resources = texts(&read("kubernetes/kustomization.yaml")["resources"]);
    for entry in fs::read_dir(folder().join("kubernetes")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let is_applied = !["kustomization.yaml", "api-key.example.yaml"].contains(&name.as_str());
        assert_eq!(resources.contains(&name), is_applied, "{name}");
        if name != "kustomization.yaml" {
            let metadata = read(&format!("kubernetes/{name}"))["metadata"].take();
            assert!(metadata["namespace"] == "scalyr" || metadata["name"] == "scalyr", "{name}");
        }
    }

    let scratch = Scratch::new();
    let root = make_root(&scratch, &built());
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    assert!(passwd.contains(&format!("scalyr:x:{user}:{group}:")), "{passwd}");
    for place in list("VOLUME") {
        let mode = fs::metadata(root.join(&place[1..])).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o775, "{place}: the group root writes it, whoever the user is");
    }
}

#[test]
fn a_container_of_the_image_without_a_key_says_what_is_missing_and_root_becomes_its_user_by_name() {
    image_story(&built());
}

#[test]
#[ignore = "needs the static program, which takes minutes to build"]
fn the_static_program_does_the_same_in_the_image() {
    image_story(&static_agent());
}

/// The configuration of the image, and root, who becomes the user of the image.
fn image_story(agent: &Path) {
    let scratch = Scratch::new();
    let root = make_root(&scratch, agent);
    for path in ["etc/scalyr-agent-2/agent.json", "var/lib/scalyr-agent-2", "var/log/scalyr-agent-2"] {
        chown(root.join(path), Some(10001), Some(0)).unwrap();
    }
    let contained = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = Command::new("capsh");
        command
            .args([&format!("--chroot={}", root.display()), "--shell=/usr/sbin/scalyr-agent-2", "--"])
            .args(arguments);
        command.env_clear().env("PATH", "/usr/sbin").envs(environment.iter().copied());
        command.stdin(Stdio::null()).output().unwrap()
    };
    let said = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let without = contained(&["start", "--no-fork", "--no-change-user"], &[]);
    assert_eq!(without.status.code(), Some(1));
    assert!(said(&without).contains("api_key: is missing"), "{without:?}");
    // The name of the user is looked up with what the C library has inside, and so are the groups.
    let by_name = contained(&["start", "--no-fork"], &[]);
    assert!(said(&by_name).starts_with("Running as scalyr\n"), "{by_name:?}");
    let checked = contained(&["check"], &[("SCALYR_API_KEY", API_KEY)]);
    assert!(checked.status.success() && said(&checked).is_empty(), "{checked:?}");
}

#[test]
fn a_pod_ships_the_logs_of_containers_with_one_power_of_root() {
    pod_story(Variant::Root, &built());
}

#[test]
fn a_pod_without_any_power_ships_the_logs_that_the_group_of_root_may_read() {
    pod_story(Variant::NonRoot, &built());
}

#[test]
#[ignore = "needs the static program, which takes minutes to build"]
fn the_static_program_does_the_same_in_a_pod() {
    pod_story(Variant::Root, &static_agent());
    pod_story(Variant::NonRoot, &static_agent());
}

/// What is on a node before the agent comes.
struct Node {
    folder: PathBuf,
}

impl Node {
    fn new(scratch: &Scratch, variant: Variant) -> Self {
        let node = Self { folder: scratch.path("node") };
        let folders = ["var/lib/scalyr-agent-2-kubernetes", "var/log/scalyr-agent-2-kubernetes"];
        for file in [LOG, LINK] {
            fs::create_dir_all(node.folder.join(file).parent().unwrap()).unwrap();
        }
        // The kubelet links to the path on the node, which is the path in the pod.
        symlink(format!("/{LOG}"), node.folder.join(LINK)).unwrap();
        // The agent's own container.
        let own = "var/log/containers/scalyr-agent-2-x1_scalyr_scalyr-agent-fedcba9876543210.log";
        fs::write(node.folder.join(own), "2026-11-23T12:00:00.000000000Z stdout F must not be shipped\n").unwrap();
        if variant == Variant::NonRoot {
            // What the operator does on each node; for root the kubelet makes them.
            for folder in folders.map(|folder| node.folder.join(folder)) {
                fs::create_dir_all(&folder).unwrap();
                fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
            }
        }
        node
    }

    /// Appends a line as the runtimes of containers do; only root and its group may read it.
    fn write(&self, number: u32) {
        let path = self.folder.join(LOG);
        let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // In two parts, the first one without its end.
        let time = "2026-11-23T12:00:00.123456789Z stdout";
        write!(file, "{time} P line \n{time} F {number}\n").unwrap();
    }

    /// As the kubelet rotates.
    fn rotate(&self, time: &str) {
        let log = self.folder.join(LOG);
        fs::rename(&log, log.with_extension(format!("log.{time}"))).unwrap();
    }
}

#[track_caller]
fn wait_for(receiver: &mut ReceiverProcess, count: u32) {
    let expected: Vec<String> = (0..count).map(|number| format!("line {number}")).collect();
    let shipped = |receiver: &mut ReceiverProcess| {
        let events = receiver.events().iter().filter(|event| event.logfile == format!("/{LINK}"));
        events.map(|event| event.text().into_owned()).collect::<Vec<_>>()
    };
    wait_until("the lines of the container have come", PATIENCE, || shipped(receiver).len() >= expected.len());
    assert_eq!(shipped(receiver), expected);
}

fn pod_story(variant: Variant, agent: &Path) {
    let scratch = Scratch::new();
    let manifest = Manifest::of(variant);
    let root = make_root(&scratch, agent);
    let node = Node::new(&scratch, variant);
    let mut receiver = ReceiverProcess::start(&scratch, "receiver");
    let port = receiver.url().rsplit(':').next().unwrap().to_owned();
    let names = NameServer::start("agent.story.example");
    fs::write(root.join("etc/resolv.conf"), names.resolv_conf()).unwrap();

    // All of the manifest, but for the server, and a port that is free on this machine.
    let mut environment = manifest.environment(API_KEY, NODE);
    environment.insert("SCALYR_SERVER".to_owned(), format!("http://agent.story.example:{port}"));
    environment.insert("SCALYR_ALLOW_HTTP".to_owned(), "true".to_owned());
    environment.insert("SCALYR_CONFIG_CHANGE_CHECK_INTERVAL".to_owned(), "0.2".to_owned());
    environment.insert("SCALYR_STDOUT_SEVERITY".to_owned(), "INFO".to_owned());
    let mut files = manifest.files();
    let main = files.get_mut("agent.json").unwrap();
    assert_eq!(manifest.container()["ports"][0]["containerPort"], 8126);
    *main = main.replace("0.0.0.0:8126", "0.0.0.0:0");
    let mut config = ConfigVolume::new(scratch.path("config"), &files);

    node.write(0);
    let mut pod = Pod::start(&scratch, &root, &manifest, &node.folder, &environment);
    wait_for(&mut receiver, 1);
    let capabilities = if variant == Variant::Root { "0000000000000004" } else { "0000000000000000" };
    assert_eq!((pod.fact("CapEff:"), pod.fact("CapBnd:")), (capabilities.to_owned(), capabilities.to_owned()));
    assert_eq!(pod.fact("NoNewPrivs:"), "1");
    assert!(pod.fact("NSpid:").ends_with("\t1") && pod.fact("NSsid:").ends_with("\t1"), "the first, and a leader");

    // What the kubelet and the engine ask.
    let address = address(&pod);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let answer = get(address, manifest.probe(probe));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{probe}: {answer}");
    }
    let health = pod.exec(&["status", "-H"]);
    assert!(health.status.success() && health.stdout == b"Health check: Good\n", "{health:?}");
    receiver.set_faults("9999*http:503");
    node.write(1);
    // The server is away: no reason to start the agent anew.
    assert!(get(address, manifest.probe("livenessProbe")).starts_with("HTTP/1.1 200 "));
    receiver.set_faults("");
    wait_for(&mut receiver, 2);

    // A process that a monitor left behind becomes the agent's own.
    let orphan = pod.leave_an_orphan();
    kill_process(orphan, Signal::KILL).unwrap();
    wait_until("no zombie is left", PATIENCE, || pod.children().is_empty());

    node.rotate("20261123-120001");
    node.write(2);
    wait_for(&mut receiver, 3);
    wait_until("metrics of the node are shipped", PATIENCE, || {
        receiver
            .events()
            .iter()
            .any(|event| event.text().contains("proc.stat.cpu") && event.logfile.ends_with("/linux_system_metrics.log"))
    });

    // The ConfigMap changes.
    let main = files.get_mut("agent.json").unwrap();
    *main = main.replace("implicit_metric_monitor: false", "implicit_metric_monitor: false, max_line_size: 5000");
    config.exchange(&files);
    wait_until("the other files are used", PATIENCE, || pod.printed().contains("Configuration reloaded"));

    let begin = now();
    assert_eq!(pod.stop(PATIENCE), Some(0), "{}", pod.printed());
    assert!(begin.elapsed() < Duration::from_secs(6), "SIGTERM ends the first process, too");
    // The next pod goes on where this one was.
    node.write(3);
    node.rotate("20261123-120002");
    node.write(4);
    let mut pod = Pod::start(&scratch, &root, &manifest, &node.folder, &environment);
    wait_for(&mut receiver, 5);
    assert_eq!(pod.stop(PATIENCE), Some(0));
    let everything: Vec<String> = receiver.events().iter().map(|event| event.text().into_owned()).collect();
    assert!(!everything.iter().any(|text| text.contains("must not be shipped")));
    let printed = pod.printed();
    let is_fine = |line: &str| line.contains("can be reached by other hosts") || line.contains("SERVER_AWAY");
    let worse = printed
        .lines()
        .filter(|line| line.contains(" ERROR ") || line.contains(" WARNING "))
        .filter(|line| !is_fine(line));
    assert_eq!(worse.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(!printed.contains(API_KEY));
}

/// Where the agent listens, as it says.
fn address(pod: &Pod) -> SocketAddr {
    let mut found = None;
    wait_until("it listens", PATIENCE, || {
        let printed = pod.printed();
        let told = printed.lines().rev().find_map(|line| line.split_once("is served over HTTP: http://"));
        found = told.and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        found.is_some()
    });
    found.expect("wait_until saw it")
}

/// As the kubelet asks.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: kube-probe/1.30\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
