//! The key, the server, the name of this host, its attributes: changed where they stand, all together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{self, Change};
use super::{Args, Host, Terminal, added_problems, configuration, key_input, running};
use crate::config::edit::{self, Step};
use crate::config::load::Proposed;
use crate::config::target::{self, Target};
use crate::config::{Loaded, Severity};

const SERVER_HOST: &str = "serverHost";
/// The longest key that fits a file of its own.
const LONGEST_KEY: usize = 4000;

/// A value that is to be set.
struct Wanted {
    option: &'static str,
    /// What is set, for the line that says so.
    called: String,
    value: String,
    targets: Vec<Target>,
    /// Where it goes when nobody gives it: the fragment of this name, or the main file.
    fragment: Option<&'static str>,
    /// Its way from the top of a text.
    way: Vec<Step>,
    is_secret: bool,
}

/// Makes the changes that are asked for, if any.
///
/// # Errors
/// Why nothing was changed.
pub(super) fn make(args: &Args, host: &Host, terminal: &mut Terminal<'_>, said: &mut String) -> Result<(), String> {
    let is_asked = args.set_key.is_some() || args.set_key_from_stdin || args.set_scalyr_server.is_some();
    if !is_asked && args.set_server_host.is_none() && args.set_attribute.is_empty() {
        return Ok(());
    }
    let loaded = host.readable()?;
    let wanted = wanted(args, &loaded, terminal)?;
    let mut edits = Edits {
        loaded: &loaded,
        originals: BTreeMap::new(),
        proposed: Proposed::default(),
        key_files: Vec::new(),
        lines: Vec::new(),
    };
    for wanted in &wanted {
        edits.add(wanted)?;
    }
    let new = host.load(&edits.proposed);
    let (old_draft, new_draft) = (host.draft(&loaded), host.draft(&new));
    let refused = added_problems(&old_draft.report, &new_draft.report, Severity::Refused);
    if !refused.is_empty() {
        return Err(format!("{refused}The agent would refuse that; nothing was changed."));
    }
    edits.check(&wanted, &new)?;
    let Edits { mut originals, proposed, key_files, lines, .. } = edits;
    let changes = proposed.files().map(|(path, text)| Change {
        path: path.to_owned(),
        before: originals.remove(path).flatten(),
        text: text.map(<[u8]>::to_vec),
    });
    files::replace(changes.chain(key_files).collect(), &loaded.file)?;
    *said += &lines.concat();
    *said += &added_problems(&old_draft.report, &new_draft.report, Severity::Warning);
    if new_draft.report.worst() == Some(Severity::Fatal) {
        *said += "The configuration still has mistakes that keep an agent from starting: see `agent check`.\n";
    }
    *said += &running::notice(new_draft.plan());
    Ok(())
}

fn wanted(args: &Args, loaded: &Loaded, terminal: &mut Terminal<'_>) -> Result<Vec<Wanted>, String> {
    let member = |name: &str| Step::Member(name.to_owned());
    let mut wanted = Vec::new();
    let key = if args.set_key_from_stdin { Some(key_input::read(terminal)?) } else { args.set_key.clone() };
    if let Some(key) = key {
        let option = if args.set_key_from_stdin { "--set-key-from-stdin" } else { "--set-key" };
        let problems = target::problems_of_key(key.reveal(), option);
        if !problems.problems().is_empty() || key.reveal().len() > LONGEST_KEY {
            let text = configuration::text(&problems);
            return Err(format!("{text}{option}: this is no key; nothing was changed."));
        }
        wanted.push(Wanted {
            option,
            called: "The api key".to_owned(),
            value: key.reveal().to_owned(),
            targets: target::of_key(loaded)?,
            fragment: None,
            way: vec![member("api_key")],
            is_secret: true,
        });
    }
    if let Some(server) = &args.set_scalyr_server {
        wanted.push(Wanted {
            option: "--set-scalyr-server",
            called: "scalyr_server".to_owned(),
            value: server.trim().to_owned(),
            targets: vec![target::of_server(loaded)?],
            fragment: Some("scalyr_server.json"),
            way: vec![member("scalyr_server")],
            is_secret: false,
        });
    }
    let host = args.set_server_host.iter().map(|name| (SERVER_HOST, name.as_str(), "--set-server-host"));
    let attributes = args.set_attribute.iter().map(|(name, value)| (name.as_str(), value.as_str(), "--set-attribute"));
    for (name, value, option) in host.chain(attributes) {
        if option == "--set-server-host" && value.trim().is_empty() {
            return Err("--set-server-host: the name is empty; nothing was changed".to_owned());
        }
        if value.contains(char::is_control) || name.contains(char::is_control) {
            return Err(format!("{option}: holds a line break or another control character; nothing was changed"));
        }
        wanted.push(Wanted {
            option,
            called: format!("The attribute {name}"),
            value: value.to_owned(),
            targets: vec![target::of_attribute(loaded, name)?],
            fragment: Some(if name == SERVER_HOST { "server_host.json" } else { "server_attributes.json" }),
            way: vec![member("server_attributes"), member(name)],
            is_secret: false,
        });
    }
    Ok(wanted)
}

/// What is to be written.
struct Edits<'a> {
    loaded: &'a Loaded,
    /// What the files held when they were first looked at.
    originals: BTreeMap<PathBuf, Option<Vec<u8>>>,
    proposed: Proposed,
    key_files: Vec<Change>,
    lines: Vec<String>,
}

impl Edits<'_> {
    fn add(&mut self, wanted: &Wanted) -> Result<(), String> {
        for target in &wanted.targets {
            let file = match target {
                Target::Text { file, way } => self.set(file, way, wanted)?,
                Target::KeyFile(file) => self.set_key_file(file, wanted)?,
                Target::Absent => match wanted.fragment {
                    Some(name) => self.set_fragment(&self.loaded.folder.join(name), wanted)?,
                    None => self.set(&self.loaded.file.clone(), &wanted.way, wanted)?,
                },
            };
            let value = if wanted.is_secret { "set".to_owned() } else { format!("set to {}", shown(&wanted.value)) };
            self.lines.push(format!("{} was {value} in {}.\n", wanted.called, file.display()));
        }
        Ok(())
    }

    /// The text of a file with the edits so far; `None` when there is no such file.
    fn text(&mut self, file: &Path) -> Result<Option<String>, String> {
        if let Some((_, text)) = self.proposed.files().find(|(path, _)| *path == file) {
            return Ok(text.map(|text| String::from_utf8_lossy(text).into_owned()));
        }
        let bytes = read(file)?;
        self.originals.insert(file.to_owned(), bytes.clone());
        let text =
            bytes.map(|bytes| String::from_utf8(bytes).map_err(|_| format!("{}: is not UTF-8 text", file.display())));
        text.transpose()
    }

    fn set(&mut self, file: &Path, way: &[Step], wanted: &Wanted) -> Result<PathBuf, String> {
        let failed = |why: String| format!("{}: {why}; nothing was changed", file.display());
        let text = self.text(file)?.ok_or_else(|| failed("there is no such file".to_owned()))?;
        let changed = edit::set_text(&text, way, &wanted.value).map_err(|error| failed(error.to_string()))?;
        self.proposed.put(file.to_owned(), changed.into_bytes());
        Ok(file.to_owned())
    }

    /// A fragment of our own is made, or the value is added to one that is there.
    fn set_fragment(&mut self, file: &Path, wanted: &Wanted) -> Result<PathBuf, String> {
        if !self.loaded.folder.is_dir() {
            return Err(format!(
                "{}: there is no such folder. {} would go there; make it (mode 0751, owned as the main file)",
                self.loaded.folder.display(),
                wanted.called
            ));
        }
        let Some(text) = self.text(file)? else {
            let inner = |value: &str| serde_json::Value::from(value).to_string();
            let (comment, object) = match wanted.way.as_slice() {
                [Step::Member(key), Step::Member(name)] => {
                    let what = if name == SERVER_HOST { "the name of this host." } else { "attributes of this host." };
                    (
                        what,
                        format!("{{\n  {}: {{\n    {}: {}\n  }}\n}}\n", inner(key), inner(name), inner(&wanted.value)),
                    )
                }
                _ => {
                    let key = match wanted.way.first() {
                        Some(Step::Member(key)) => inner(key),
                        _ => String::new(),
                    };
                    ("the server that the agent sends to.", format!("{{\n  {key}: {}\n}}\n", inner(&wanted.value)))
                }
            };
            self.proposed.put(file.to_owned(), format!("// Sets {comment}\n{object}").into_bytes());
            return Ok(file.to_owned());
        };
        let has_parent = match wanted.way.split_last() {
            Some((_, parents)) => edit::written(&text, parents).is_some_and(|parent| parent.is_object()),
            None => false,
        };
        if has_parent {
            return self.set(file, &wanted.way, wanted);
        }
        Err(format!(
            "{}: is there already, without an object that {} could stand in; add it there by hand, or rename the file",
            file.display(),
            wanted.called
        ))
    }

    fn set_key_file(&mut self, file: &Path, wanted: &Wanted) -> Result<PathBuf, String> {
        target::refuse_other_than_key(file)?;
        let before = read(file)?;
        let text = Some(format!("{}\n", wanted.value).into_bytes());
        self.key_files.push(Change { path: file.to_owned(), before, text });
        Ok(file.to_owned())
    }

    /// Whether the new values act: a variable could be put into one, or another place win.
    fn check(&self, wanted: &[Wanted], new: &Loaded) -> Result<(), String> {
        for Wanted { option, called, value, way, targets, .. } in wanted {
            if targets.iter().any(|target| matches!(target, Target::KeyFile(_))) {
                continue;
            }
            let acts = match way.as_slice() {
                [Step::Member(key)] if key == "api_key" => {
                    target::of_key(new).is_ok_and(|targets| !targets.contains(&Target::Absent))
                }
                [Step::Member(key)] => new.values.get(key).is_some_and(|given| given == value.as_str()),
                [Step::Member(key), Step::Member(name)] => {
                    new.values.get(key).and_then(|it| it.get(name)).is_some_and(|given| given == value.as_str())
                }
                _ => false,
            };
            if !acts {
                return Err(format!(
                    "{option}: {called} would not be what was asked for, since import_vars of that file replaces what follows \
                     a $ in it; write it by hand, with $$ for $. Nothing was changed"
                ));
            }
        }
        Ok(())
    }
}

/// A short value as it is; quotes show where it ends.
fn shown(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    files::read(path).map_err(|error| format!("{}: cannot be read: {error}; nothing was changed", path.display()))
}
