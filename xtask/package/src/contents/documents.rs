//! README, guides, and the reference of exactly the monitors that are in this agent.

use std::fs;
use std::path::Path;

use super::told::{NAME, Teller};
use super::{ContentsError, Sources, document, gz};
use crate::tree::{Role, Tree};

/// Pages of `docs/` that the agent tells anew, since its monitors may be others than those of the checkout.
const TOLD: &str = "configuration.md";

/// Adds them below `/usr/share/doc/NAME`, in the folders that they have in the checkout, so that links between them hold.
pub(super) fn install(tree: &mut Tree, sources: &Sources<'_>, teller: &Teller<'_>) -> Result<(), ContentsError> {
    let folder = format!("usr/share/doc/{}", sources.name);
    tree.folder(&folder, 0o755);
    text(tree, &format!("{folder}/README.md"), &document(sources.root, "README.md")?);
    for name in files(&sources.root.join("docs"))? {
        if name.ends_with(".md") && name != TOLD {
            text(tree, &format!("{folder}/docs/{name}"), &document(sources.root, &format!("docs/{name}"))?);
        }
    }
    text(tree, &format!("{folder}/docs/{TOLD}"), &teller.says(&["schema", "--format", "markdown"])?);
    text(tree, &format!("{folder}/docs/monitors/README.md"), &teller.says(&["monitors", "--format", "markdown"])?);
    for monitor in sources.monitors {
        let page = teller.says(&["monitors", &monitor.name, "--format", "markdown"])?;
        text(tree, &format!("{folder}/docs/monitors/{}.md", monitor.name), &page);
    }
    examples(tree, sources.root, "docs/examples", &folder)
}

/// The examples as they are: they are there to be copied, so none is packed.
fn examples(tree: &mut Tree, root: &Path, from: &str, folder: &str) -> Result<(), ContentsError> {
    for name in files(&root.join(from))? {
        let path = format!("{from}/{name}");
        if root.join(&path).is_dir() {
            examples(tree, root, &path, folder)?;
        } else {
            tree.file(&format!("{folder}/{path}"), 0o644, Role::Documentation, document(root, &path)?);
        }
    }
    Ok(())
}

/// A document, packed if it is long.
fn text(tree: &mut Tree, path: &str, text: &str) {
    let text = with_note(text);
    if gz::is_long(&text) {
        tree.file(&format!("{path}.gz"), 0o644, Role::Documentation, gz::packed(&text));
    } else {
        tree.file(path, 0o644, Role::Documentation, text);
    }
}

/// The document with a word about the program's name below its title, if it speaks of commands.
fn with_note(text: &str) -> String {
    match text.split_once('\n') {
        Some((title, rest)) if title.starts_with("# ") && text.contains("agent ") => {
            format!("{title}\n\n> What is called `agent` here was installed as `{NAME}`.\n{rest}")
        }
        _ => text.to_owned(),
    }
}

/// The names in a folder, sorted, without hidden ones and what editors leave behind.
fn files(folder: &Path) -> Result<Vec<String>, ContentsError> {
    let unreadable = |error| ContentsError::Unreadable { path: folder.to_owned(), error };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !name.ends_with('~') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
