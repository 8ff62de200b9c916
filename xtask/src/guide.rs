//! `docs/writing-a-monitor.md`: its commands of `cargo xtask` are understood, and its manifests can be read.

use crate::manifest::Manifest;
use crate::{Request, parse};

const GUIDE: &str = include_str!("../../docs/writing-a-monitor.md");

/// The texts of its code blocks in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    // Before the first mark there is prose, behind it a block, and so on.
    let blocks = GUIDE.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

#[test]
fn its_commands_are_understood() {
    let lines = blocks("sh").into_iter().flat_map(str::lines).flat_map(|line| line.split("&& "));
    let mut seen = 0;
    for line in lines {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let arguments = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["cargo", "xtask", ..] => words.get(2..),
            ["cargo", "agent", ..] => words.get(1..),
            _ => continue,
        };
        let request = parse(arguments.unwrap_or_default());
        assert!(request.as_ref().is_ok_and(|request| *request != Request::Help), "{line}: {request:?}");
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} commands were found");
}

#[test]
fn its_manifests_can_be_read() {
    let manifests = blocks("toml");
    assert!(manifests.len() >= 3, "{manifests:?}");
    let folder = std::env::temp_dir().join(format!("xtask-guide-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for manifest in manifests {
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let read = Manifest::read(&folder);
        assert!(read.is_ok(), "{manifest}\n{}", read.err().unwrap_or_default());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
