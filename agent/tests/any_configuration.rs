//! Whatever bytes a configuration consists of: nothing panics, each place that is told is one of the text, and what is
//! said stays of a bounded size. The targets run with `cargo test` over their corpora in `tests/__fuzz__/` and some chance;
//! CONTRIBUTING.md says how to run them for longer.

use {builtin_monitors as _, local_monitors as _};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use scalyr_agent::config::load::from_text;
use scalyr_agent::config::{Kind, Loaded, Position, Report, Request, Severity, Surroundings, draft, load};
use scalyr_monitor::registry::{Environment, Registry};

const STOCK: &str = include_str!("fixtures/stock-agent.json");
const EXAMPLES: [&str; 5] = [
    STOCK,
    include_str!("../../docs/examples/from-the-python-agent.json"),
    include_str!("../../docs/examples/minimal.json"),
    include_str!("../../docs/examples/monitors.json"),
    include_str!("../../docs/examples/web-host.json"),
];

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::linked().unwrap_or_else(|clashes| panic!("{clashes:?}")));

/// So many faults are told of a text, and that there are more.
const MAX_FAULTS: usize = 21;

/// What the files of the corpus import: a key, a number, a text with a variable in it, nothing.
static ENVIRONMENT: LazyLock<Arc<Environment>> = LazyLock::new(|| {
    let variables = [("TOKEN", "0-secret-key"), ("LEVEL", "2"), ("LOOP", "$LOOP$AT"), ("AT", "")];
    Arc::new(Environment::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))))
});

fn draft_of(loaded: &Loaded) -> Report {
    draft(loaded, &Surroundings { registry: &REGISTRY, environment: &ENVIRONMENT, host_name: "host" }).report
}

fn file() -> PathBuf {
    PathBuf::from("/etc/scalyr-agent-2/agent.json")
}

fn parsed(text: &str) -> Result<Loaded, Report> {
    from_text(text, file(), &Environment::default())
}

/// Whether a place is one of the text: a line that it has, and a column in that line or right behind it.
fn is_within(text: &str, Position { line, column }: Position) -> bool {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let length = text.split('\n').nth(line.wrapping_sub(1)).map(|line| line.chars().count());
    length.is_some_and(|length| (1..=length + 1).contains(&column))
}

fn check_report(report: &Report, text: &str, source: &Path) {
    let faults = report.problems().iter().filter(|problem| problem.kind == Kind::Syntax).count();
    assert!(faults <= MAX_FAULTS, "{faults} faults");
    for problem in report.problems().iter().filter(|problem| Path::new(&problem.place.source) == source) {
        if let Some(position) = problem.place.position {
            assert!(is_within(text, position), "{problem} is not within {text:?}");
        }
        assert!(!problem.message.starts_with("cannot be read, though"), "{problem}: {text:?}");
    }
}

/// The syntax alone.
fn check_syntax(text: &str) {
    match parsed(text) {
        Ok(loaded) => check_report(&loaded.report, text, &file()),
        Err(report) => {
            assert_eq!(report.worst(), Some(Severity::Fatal));
            check_report(&report, text, &file());
        }
    }
}

/// A main file and a fragment, read and made a plan of as `agent check` does.
fn check_files(folder: &Path, main: &[u8], fragment: &[u8]) -> Report {
    let (file, fragments) = (folder.join("agent.json"), folder.join("agent.d"));
    fs::create_dir_all(&fragments).expect("the folder can be written");
    fs::write(&file, main).expect("the folder can be written");
    fs::write(fragments.join("a.json"), fragment).expect("the folder can be written");
    let request = Request { file: &file, named_by: "-c", extra_directory: None, environment: &ENVIRONMENT };
    let report = draft_of(&load(&request));
    check_report(&report, &String::from_utf8_lossy(main), &file);
    check_report(&report, &String::from_utf8_lossy(fragment), &fragments.join("a.json"));
    assert!(!report.to_string().contains("0-secret-key"), "{report}");
    report
}

/// Main file and fragment: what stands behind a NUL is the fragment.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or(b"{}"))
}

#[test]
fn fuzz_syntax() {
    bolero::check!(name = "syntax").for_each(|bytes: &[u8]| check_syntax(&String::from_utf8_lossy(bytes)));
}

#[test]
fn fuzz_files() {
    let folder = tempfile::tempdir().unwrap();
    bolero::check!(name = "files").for_each(|bytes: &[u8]| {
        let (main, fragment) = halves(bytes);
        check_files(folder.path(), main, fragment);
    });
}

/// A problem's line with a `*` in place of its column.
fn without_column(line: &str) -> String {
    match line.split_once(".json:1:") {
        Some((file, rest)) => format!("{file}.json:1:*{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => line.to_owned(),
    }
}

/// The seeds of [`fuzz_files`] reach the merge of files, and the variables in them.
#[test]
fn the_pairs_of_the_corpus_are_merged_and_their_variables_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/__fuzz__/files/corpus");
    for (name, parts) in [
        ("import-vars-in-both", &["logs[0].path: the value of LOOP holds $AT"][..]),
        ("import-vars-of-wrong-types", &["agent.json:1:*  import_vars: must be", "a.json:1:*  import_vars[0]"]),
        ("import-vars-in-a-number", &["a.json:1:*  debug_level: is"]),
        ("key-in-both", &["a.json:1:*  api_key", "a.json:1:*  debug_level: is given twice"]),
        ("lists-of-wrong-types", &["agent.json:1:*  monitors", "a.json:1:*  logs", "a.json:1:*  monitors"]),
        ("main-of-wrong-types", &["agent.json:1:*  logs", "a.json:1:*  logs[1]"]),
        ("fragment-is-a-list", &["must be an object"]),
        ("fragment-is-empty", &["a.json: is empty"]),
        ("attributes-in-both", &["server_attributes.b: is given twice"]),
        ("workers-in-both", &["a.json:1:*  api_keys[0]"]),
        ("fault-in-import-vars", &["agent.json:1:*: expected a value, found `T`", "a.json:1:*: expected a value"]),
    ] {
        let bytes = fs::read(corpus.join(name)).unwrap();
        let (main, fragment) = halves(&bytes);
        let told = check_files(folder.path(), main, fragment).to_string();
        let told = told.lines().fold(String::new(), |told, line| told + &without_column(line) + "\n");
        for part in parts {
            assert!(told.contains(part), "{name}: {part}\n{told}");
        }
        assert!(
            name != "fault-in-import-vars" || !told.contains("gauss_mean") && !told.contains("debug_level"),
            "{told}"
        );
    }
}

/// What is said, apart from the monitor that runs without an entry and may not be part of this agent.
fn said(text: &str) -> String {
    let said = draft_of(&parsed(text).expect("its syntax is right")).to_string();
    said.lines().filter(|line| !line.contains("implicit_agent_process_metrics_monitor")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_stock_file_is_read_and_with_a_key_in_it_nothing_is_said() {
    let of_stock = said(STOCK);
    assert!(of_stock.starts_with("error: /etc/scalyr-agent-2/agent.json:4:12  api_key: is still the"), "{of_stock}");
    assert_eq!(of_stock.lines().count(), 1, "{of_stock}");
    assert_eq!(said(&STOCK.replacen("REPLACE_THIS", "0-a-key", 1)), "");
}

/// A text in pieces, such as a person would cut it into.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let sort = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        ' ' => 1,
        _ => 2,
    };
    for c in text.chars() {
        match pieces.last_mut() {
            Some(piece) if sort(c) < 2 && piece.ends_with(|last| sort(last) == sort(c)) => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Delete,
    Duplicate,
    Swap,
    Insert(&'static str),
}

#[rustfmt::skip]
const INSERTED: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "'", "\"\"\"", "\\", "#", "//", "/*", "*/", "+", "-", "\n", "\r", "null", "x", "1e9", "=",
    ";", "“", "\u{feff}",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Delete),
        Just(Change::Duplicate),
        Just(Change::Swap),
        prop::sample::select(INSERTED).prop_map(Change::Insert)
    ]
}

fn changed(text: &str, changes: &[(prop::sample::Index, Change)]) -> String {
    let mut pieces = pieces(text);
    for (at, change) in changes {
        if pieces.is_empty() {
            break;
        }
        let at = at.index(pieces.len());
        match change {
            Change::Delete => drop(pieces.remove(at)),
            Change::Duplicate => pieces.insert(at, pieces[at].clone()),
            Change::Swap => {
                let other = (at + 1) % pieces.len();
                pieces.swap(at, other);
            }
            Change::Insert(piece) => pieces.insert(at, (*piece).to_owned()),
        }
    }
    pieces.concat()
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, Change)>> {
    prop::collection::vec((any::<prop::sample::Index>(), change()), 1..6)
}

proptest! {
    #[test]
    fn a_configuration_in_which_a_few_things_are_changed_is_read_or_refused_with_places(
        main in prop::sample::select(&EXAMPLES[..]), of_main in changes(),
        fragment in prop::sample::select(&EXAMPLES[..]), of_fragment in changes()
    ) {
        let folder = tempfile::tempdir().unwrap();
        let main = changed(main, &of_main);
        check_syntax(&main);
        check_files(folder.path(), main.as_bytes(), changed(fragment, &of_fragment).as_bytes());
    }
}
