//! Compiles every mistake in `tests/ui` and compares what is said about it, and what is underlined.
//!
//! A case notes its errors itself: `//~ ERROR(token): message` behind the line that is underlined, or below it with
//! one `^` for each line up (`//~^^ ERROR(…): …`). `token` is the underlined text; a message that ends in `…` may go
//! on. A cure that stands beside the underlined text, or below the error, is noted in the lines behind it:
//! `//~| LABEL: …`, `//~| NOTE: …`, `//~| HELP: …`; others than the noted ones may be there. Full output of the compiler is not compared, since it differs between compilers.
#![expect(clippy::unwrap_used, reason = "a test that cannot run its compiler fails")]

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// An error, as noted in a case or as told by the compiler.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Error {
    line: usize,
    token: String,
    message: String,
    /// What is said beside it, and below it: `LABEL: …`, `NOTE: …`, `HELP: …`.
    beside: Vec<String>,
}

impl Error {
    fn matches(&self, told: &Self) -> bool {
        same(&self.message, &told.message)
            && (self.line, &self.token) == (told.line, &told.token)
            && self.beside.iter().all(|noted| told.beside.iter().any(|told| same(noted, told)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ERROR({}): {}", self.line, self.token, self.message)?;
        self.beside.iter().try_for_each(|beside| write!(f, "\n      | {beside}"))
    }
}

/// Whether a text is the noted one, of which `…` leaves the end open.
fn same(noted: &str, told: &str) -> bool {
    noted.strip_suffix('…').map_or(told == noted, |start| told.starts_with(start))
}

#[test]
fn each_mistake_is_explained_where_it_was_made() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "no cases in {}", folder.display());

    let compiler = Compiler::new();
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |cores| cores.get().min(8)) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = compare(case, &compiler) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// What differs between the noted errors and those told; `None` when nothing does.
fn compare(case: &Path, compiler: &Compiler) -> Option<String> {
    let noted = noted(&fs::read_to_string(case).unwrap());
    let mut told = compiler.errors(case);
    let mut report = String::new();
    for expected in noted {
        match told.iter().position(|error| expected.matches(error)) {
            Some(at) => drop(told.remove(at)),
            None => writeln!(report, "  missing    {expected}").unwrap(),
        }
    }
    for error in told {
        writeln!(report, "  unexpected {error}").unwrap();
    }
    (!report.is_empty()).then(|| format!("{}\n{report}", case.display()))
}

/// The errors that a case notes.
fn noted(text: &str) -> Vec<Error> {
    let mut noted: Vec<Error> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((_, note)) = line.split_once("//~") else { continue };
        if let Some(beside) = note.strip_prefix('|') {
            let beside = beside.trim();
            let known = ["LABEL: ", "NOTE: ", "HELP: "].iter().any(|kind| beside.starts_with(kind));
            assert!(known, "cannot read the note {note:?}");
            noted.last_mut().expect("an error before what stands beside it").beside.push(beside.to_owned());
            continue;
        }
        let up = note.len() - note.trim_start_matches('^').len();
        let note = note[up..].trim();
        let error = note.strip_prefix("ERROR(").and_then(|note| note.split_once("): "));
        let (token, message) = error.unwrap_or_else(|| panic!("cannot read the note {note:?}"));
        let (token, message) = (token.to_owned(), message.to_owned());
        noted.push(Error { line: at + 1 - up, token, message, beside: Vec::new() });
    }
    assert!(!noted.is_empty(), "a case without a note:\n{text}");
    noted
}

/// rustc, and where the library is that the cases use.
struct Compiler {
    rustc: PathBuf,
    library: PathBuf,
    dependencies: PathBuf,
    out: PathBuf,
}

impl Compiler {
    /// Asks cargo where the library is; it was just built for this very test.
    fn new() -> Self {
        let cargo = Path::new(env!("CARGO"));
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
        fs::create_dir_all(&out).unwrap();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let build = Command::new(cargo)
            .args(["build", "--quiet", "--offline", "--message-format=json", "-p", "scalyr-monitor", "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
        let library = String::from_utf8_lossy(&build.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "scalyr_monitor")
            .find_map(|message| {
                let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str).map(PathBuf::from);
                files.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "rlib"))
            })
            .expect("cargo names the library that it built");
        let dependencies = library.with_file_name("deps");
        Self { rustc: cargo.with_file_name("rustc"), library, dependencies, out }
    }

    /// The errors of one case.
    fn errors(&self, case: &Path) -> Vec<Error> {
        let output = Command::new(&self.rustc)
            .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"])
            .arg("--extern")
            .arg(format!("scalyr_monitor={}", self.library.display()))
            .arg("-L")
            .arg(format!("dependency={}", self.dependencies.display()))
            .arg("--out-dir")
            .arg(&self.out)
            .arg(case)
            .env("CARGO_PKG_NAME", "ui")
            .env("CARGO_PKG_VERSION", "0.0.0")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stderr)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("rustc said: {line}")))
            .filter(|message| message["level"] == "error")
            .filter_map(|message| told(&message))
            .collect()
    }
}

/// An error with a place; the closing words of the compiler have none.
fn told(message: &Value) -> Option<Error> {
    let span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let text = &span["text"][0];
    let column = |key: &str| usize::try_from(text[key].as_u64().unwrap_or(1)).unwrap() - 1;
    let line = text["text"].as_str().unwrap_or_default().chars();
    let (start, end) = (column("highlight_start"), column("highlight_end"));
    let label = span["label"].as_str().map(|label| format!("LABEL: {label}"));
    let below = message["children"].as_array().into_iter().flatten().filter_map(|child| {
        Some(format!("{}: {}", child["level"].as_str()?.to_uppercase(), child["message"].as_str()?))
    });
    Some(Error {
        line: usize::try_from(span["line_start"].as_u64()?).unwrap(),
        token: line.skip(start).take(end - start).collect(),
        message: message["message"].as_str()?.to_owned(),
        beside: label.into_iter().chain(below).collect(),
    })
}
