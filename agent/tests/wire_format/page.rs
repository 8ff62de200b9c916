//! `docs/wire-format.md` quotes what is compared here.

use std::fs;
use std::path::Path;

use super::body::show;
use super::scene::Sent;

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire-format.md");
    fs::read_to_string(path).unwrap().replace("\r\n", "\n")
}

/// What stands in the block behind `<!-- ours: NAME -->`.
fn block(name: &str) -> String {
    let text = text();
    let behind = text.split_once(&format!("<!-- ours: {name} -->\n"));
    let (_, behind) = behind.unwrap_or_else(|| panic!("docs/wire-format.md has no place <!-- ours: {name} -->"));
    let (_, block) = behind.split_once("```text\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// The page quotes this.
#[track_caller]
pub(super) fn is_quoted(name: &str, text: &str) {
    let quoted = block(name);
    if quoted != text {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wire-format {name}.txt"));
        fs::write(&file, text).unwrap();
        let file = file.display();
        panic!("docs/wire-format.md must say behind <!-- ours: {name} --> what is in {file}:\n{text}");
    }
}

/// The page quotes these requests.
#[track_caller]
pub(super) fn quotes(name: &str, sent: &[Sent]) {
    let shown: Vec<String> = sent.iter().map(|sent| show(&sent.body) + "\n").collect();
    is_quoted(name, &shown.join("\n"));
}
