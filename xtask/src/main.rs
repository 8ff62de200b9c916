//! The chores of this repository: `cargo xtask COMMAND`, from the repository's root.

mod agent;
mod bench;
mod cargo;
mod check;
mod docs;
#[cfg(test)]
mod guide;
mod idle;
mod link;
mod manifest;
mod new_monitor;
mod package;
mod registered;
mod remove;
mod soak;
mod taken;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND [OPTION]

write a monitor
  cargo xtask new-monitor rain-gauge   makes the crate local-monitors/rain-gauge, with a test, and links it
  cargo xtask link                     repairs the linking after a folder was copied into local-monitors/ or removed
  cargo xtask link --check             changes nothing; exit 1 if `link` would
  cargo xtask link --list              each linked crate: folder, version, monitors, from here or from outside
  cargo xtask remove rain-gauge        unlinks the crate and deletes its folder, unless that holds uncommitted work
  cargo xtask remove rain-gauge --force  ... also then

monitors in a repository of their own
  cargo xtask new-monitor snow --in ../my-monitors  makes the crate there, in a workspace, and links it
  cargo xtask link --from ../snow      links the crate there, or each crate in that folder; changes no tracked file
  cargo agent --run-monitor snow -s 1  `cargo run --` with the crates from outside (short for `cargo xtask agent`);
                                       `--release` or `--profile NAME` go first
  cargo xtask build --release          `cargo build` with the crates from outside; takes the options of `cargo build`
  cargo xtask remove snow              unlinks it; a folder outside is left alone

install it elsewhere
  cargo xtask package --deb --rpm      packages of the agent with every monitor that is linked, in target/packages;
                                       `--tarball`, `--static`, `--glibc 2.17` and more: `cargo xtask package --help`

before a commit
  cargo xtask docs                     writes docs/ as the agent tells it: after a change of an option, a metric or a key
  cargo xtask docs --check             changes nothing; exit 1 if `docs` would
  cargo xtask test                     runs every check that CI runs
  cargo xtask test --quick             only formatting, linking, lints and unit tests
  cargo xtask soak --minutes 60        rotations, kills, stops and faults by chance, until a line is not explained;
                                       `--seed N` repeats one, `--story NAME` tells one of them, `--dev` builds quickly
  cargo xtask bench --runs 3           what it costs to upload a log, beside what the compressor costs alone and what other
                                       programs cost; `--only deflate,none` chooses, `--all` adds rare ones, `--mib N`,
                                       `--no-peers`, `--peer-mib N`; `--install-peers` fetches them into target/peers
  cargo xtask bench --syslog           what it costs to receive syslog messages, and what it costs others
  cargo xtask idle --minutes 10        what an agent costs that has nothing to do but its metrics: processor, memory, start;
                                       exit 1 if a target is missed; `--dev` builds quickly
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Request {
    Help,
    NewMonitor { name: String, folder: Option<String> },
    Link { write: bool },
    LinkFrom { folders: Vec<String> },
    LinkList,
    Remove { name: String, force: bool },
    Agent { options: Vec<String>, arguments: Vec<String> },
    Build { options: Vec<String> },
    Package { arguments: Vec<String> },
    Docs { write: bool },
    Test { quick: bool },
    Soak(soak::Soak),
    Bench(bench::Bench),
    Idle(idle::Idle),
}

/// How the rest of a command's line is understood.
type Understand = fn(&[String]) -> Result<Request, String>;

/// Each command. A new one has a line here, in [`USAGE`], [`Request`] and [`serve`], and a file of its own.
const COMMANDS: &[(&str, Understand)] = &[
    ("new-monitor", new_monitor_request),
    ("link", link_request),
    ("remove", remove_request),
    ("agent", agent_request),
    ("build", |options| Ok(Request::Build { options: options.to_vec() })),
    ("package", |arguments| Ok(Request::Package { arguments: arguments.to_vec() })),
    ("docs", |options| Ok(Request::Docs { write: !only_option("docs", "--check", options)? })),
    ("test", |options| Ok(Request::Test { quick: only_option("test", "--quick", options)? })),
    ("soak", |options| Ok(Request::Soak(soak::understand(options)?))),
    ("bench", |options| Ok(Request::Bench(bench::understand(options)?))),
    ("idle", |options| Ok(Request::Idle(idle::understand(options)?))),
    ("help", |_| Ok(Request::Help)),
    ("--help", |_| Ok(Request::Help)),
    ("-h", |_| Ok(Request::Help)),
];

/// Understands the arguments; the error says what was wrong and what there is instead.
fn parse(args: &[String]) -> Result<Request, String> {
    let Some((command, options)) = args.split_first() else {
        return Err(format!("no command given\n\n{USAGE}"));
    };
    match COMMANDS.iter().find(|(name, _)| name == command) {
        Some((_, understand)) => understand(options),
        None => {
            let names = COMMANDS.iter().map(|(name, _)| *name).filter(|name| !name.starts_with('-') && *name != "help");
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            Err(format!("there is no command `{command}`; there are {}\n\n{USAGE}", names.join(", ")))
        }
    }
}

fn new_monitor_request(options: &[String]) -> Result<Request, String> {
    match options {
        [name, option, folder] | [option, folder, name] if option == "--in" => {
            Ok(Request::NewMonitor { name: name.clone(), folder: Some(folder.clone()) })
        }
        [_, option] if option == "--in" => Err("`--in` takes a folder: --in ../my-monitors".to_owned()),
        [name] => Ok(Request::NewMonitor { name: name.clone(), folder: None }),
        _ => {
            Err("`new-monitor` takes one name, and a folder with `--in`: cargo xtask new-monitor rain-gauge".to_owned())
        }
    }
}

fn link_request(options: &[String]) -> Result<Request, String> {
    const KNOWN: &str = "all it takes is `--check`, `--list` or `--from DIR`";
    match options.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(Request::Link { write: true }),
        ["--check"] => Ok(Request::Link { write: false }),
        ["--list"] => Ok(Request::LinkList),
        [first, ..] if *first == "--from" || first.starts_with("--from=") => {
            Ok(Request::LinkFrom { folders: folders(options)? })
        }
        ["--check" | "--list", more, ..] => Err(format!("`link` takes one of its options, and `{more}` is one more")),
        [other, ..] => Err(format!("`link` knows no `{other}`; {KNOWN}")),
    }
}

/// The folders behind each `--from`.
fn folders(options: &[String]) -> Result<Vec<String>, String> {
    let mut folders = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match option.strip_prefix("--from=") {
            Some(folder) => folders.push(folder.to_owned()),
            None if option != "--from" => {
                return Err(format!(
                    "`link --from` takes a folder, and `{option}` is one more; repeat it: --from {option}"
                ));
            }
            None => folders.push(options.next().ok_or("`link --from` takes a folder: --from ../my-monitors")?.clone()),
        }
    }
    Ok(folders)
}

fn remove_request(options: &[String]) -> Result<Request, String> {
    let (force, names): (Vec<_>, Vec<_>) = options.iter().partition(|option| *option == "--force");
    if let Some(option) = names.iter().find(|name| name.starts_with('-')) {
        return Err(format!("`remove` knows no `{option}`; all it takes is a name and `--force`"));
    }
    match names.as_slice() {
        [name] => Ok(Request::Remove { name: (*name).clone(), force: !force.is_empty() }),
        _ => Err("`remove` takes one name: cargo xtask remove rain-gauge".to_owned()),
    }
}

/// Options of cargo first, then, behind `--` or from the first other word on, what the agent gets.
fn agent_request(words: &[String]) -> Result<Request, String> {
    let mut count = 0;
    while let Some(word) = words.get(count) {
        count += match word.as_str() {
            "--release" | "--locked" | "--offline" | "--frozen" => 1,
            "--profile" if words.get(count + 1).is_some() => 2,
            "--profile" => return Err("`--profile` takes a name: cargo agent --profile dist …".to_owned()),
            word if word.starts_with("--profile=") => 1,
            _ => break,
        };
    }
    let (options, arguments) = words.split_at(count);
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    Ok(Request::Agent { options: options.to_vec(), arguments: arguments.to_vec() })
}

/// Whether the one option of a command was given; anything else is an error.
fn only_option(command: &str, known: &str, given: &[String]) -> Result<bool, String> {
    match given.iter().find(|option| *option != known) {
        Some(other) => Err(format!("`{command}` knows no `{other}`; all it takes is `{known}`")),
        None => Ok(!given.is_empty()),
    }
}

/// The root of the repository: where this package's folder lies, also when the built program was moved.
fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = own.parent().map_or_else(|| own.clone(), Path::to_owned);
    root.canonicalize().unwrap_or(root)
}

/// Does it; true when it went well.
fn serve(request: &Request) -> bool {
    let root = root();
    match request {
        Request::Help => {
            print!("{USAGE}");
            true
        }
        Request::NewMonitor { name, folder } => new_monitor::run(&root, name, folder.as_deref()),
        Request::Link { write } => link::run(&root, *write),
        Request::LinkFrom { folders } => link::run_from(&root, folders),
        Request::LinkList => link::list(&root),
        Request::Remove { name, force } => remove::run(&root, name, *force),
        Request::Agent { options, arguments } => agent::run(&root, options, arguments),
        Request::Build { options } => agent::build(&root, options),
        Request::Package { arguments } => package::run(&root, arguments),
        Request::Docs { write } => docs::run(&root, *write),
        Request::Test { quick } => check::run(&root, *quick),
        Request::Soak(soak) => soak::run(&root, soak),
        Request::Bench(bench) => bench::run(&root, bench),
        Request::Idle(idle) => idle::run(&root, idle),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    match parse(&args) {
        Ok(request) if serve(&request) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("cargo xtask: {}", problem.trim_end());
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(&words(line))
    }

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn commands_and_their_options_are_understood() {
        assert_eq!(parsed("link"), Ok(Request::Link { write: true }));
        assert_eq!(parsed("link --check"), Ok(Request::Link { write: false }));
        assert_eq!(parsed("link --list"), Ok(Request::LinkList));
        assert_eq!(parsed("link --from ../a --from=b"), Ok(Request::LinkFrom { folders: words("../a b") }));
        let new = |folder: Option<&str>| {
            Ok(Request::NewMonitor { name: "rain".to_owned(), folder: folder.map(str::to_owned) })
        };
        assert_eq!(parsed("new-monitor rain"), new(None));
        assert_eq!(parsed("new-monitor rain --in ../my"), new(Some("../my")));
        assert_eq!(parsed("new-monitor --in ../my rain"), new(Some("../my")));
        assert_eq!(parsed("remove --force rain"), Ok(Request::Remove { name: "rain".to_owned(), force: true }));
        assert_eq!(parsed("build --release -v"), Ok(Request::Build { options: words("--release -v") }));
        assert_eq!(parsed("package --deb"), Ok(Request::Package { arguments: words("--deb") }));
        assert_eq!(parsed("docs --check"), Ok(Request::Docs { write: false }));
        assert_eq!(parsed("test"), Ok(Request::Test { quick: false }));
        assert_eq!(parsed("test --quick"), Ok(Request::Test { quick: true }));
        assert_eq!(parsed("--help"), Ok(Request::Help));
    }

    #[test]
    fn the_words_of_the_agent_are_told_from_those_of_cargo() {
        let agent = |options: &str, arguments: &str| {
            Ok(Request::Agent { options: words(options), arguments: words(arguments) })
        };
        assert_eq!(parsed("agent"), agent("", ""));
        assert_eq!(parsed("agent --run-monitor snow --release"), agent("", "--run-monitor snow --release"));
        assert_eq!(parsed("agent --profile dist --locked status -v"), agent("--profile dist --locked", "status -v"));
        assert_eq!(parsed("agent --release -- --release"), agent("--release", "--release"));
    }

    #[test]
    fn a_wrong_word_is_answered_with_what_there_is() {
        let unknown = parsed("pack --deb").unwrap_err();
        let there_are = "there is no command `pack`; there are `new-monitor`, `link`, `remove`, `agent`, `build`, `package`, `docs`, `test`, `soak`, `bench`, `idle`\n";
        assert!(unknown.starts_with(there_are), "{unknown}");
        for (line, told) in [
            ("link --chekc", "`link` knows no `--chekc`; all it takes is `--check`, `--list` or `--from DIR`"),
            ("link --list --check", "`link` takes one of its options, and `--check` is one more"),
            ("link --from", "`link --from` takes a folder: --from ../my-monitors"),
            ("link --from a b", "`link --from` takes a folder, and `b` is one more; repeat it: --from b"),
            (
                "new-monitor",
                "`new-monitor` takes one name, and a folder with `--in`: cargo xtask new-monitor rain-gauge",
            ),
            ("new-monitor snow --in", "`--in` takes a folder: --in ../my-monitors"),
            ("remove", "`remove` takes one name: cargo xtask remove rain-gauge"),
            ("remove snow --froce", "`remove` knows no `--froce`; all it takes is a name and `--force`"),
            ("remove --all", "`remove` knows no `--all`; all it takes is a name and `--force`"),
            ("agent --profile", "`--profile` takes a name: cargo agent --profile dist …"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), told);
        }
        let none = parsed("").unwrap_err();
        assert!(none.starts_with("no command given") && none.contains("cargo xtask COMMAND"), "{none}");
    }

    #[test]
    fn every_command_stands_in_the_usage_with_an_example() {
        for (name, _) in COMMANDS.iter().filter(|(name, _)| !name.contains("-h") && *name != "help" && *name != "agent")
        {
            assert!(USAGE.contains(&format!("  cargo xtask {name}")), "{name}");
        }
        assert!(USAGE.contains("  cargo agent "));
    }
}
