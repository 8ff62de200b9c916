//! Where the reading of the journal stands, over restarts: `journald-checkpoints.json` in the agent's data path, an
//! object of names, each with a cursor, as the Python agent has it.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use scalyr_monitor::{About as _, Error, Result};
use serde_json::{Map, Value};

use super::cursor::is_cursor;

/// The file in the data path.
pub(super) const FILE_NAME: &str = "journald-checkpoints.json";

/// The name in the file of an instance without an id.
pub(super) const DEFAULT_NAME: &str = "scalyr_agent.builtin_monitors.journald_monitor";

/// More than any number of instances needs.
const MAX_BYTES: u64 = 1 << 20;

/// All instances share the file.
static WRITING: Mutex<()> = Mutex::new(());

/// A place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before its first entry: there was none. In the file it is an empty cursor.
    Beginning,
    /// Behind the entry with this cursor.
    Behind(String),
}

impl Place {
    /// The cursor, if there is one.
    pub(super) fn cursor(&self) -> Option<&str> {
        match self {
            Self::Beginning => None,
            Self::Behind(cursor) => Some(cursor),
        }
    }
}

/// The place of one instance.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    name: String,
}

impl Checkpoint {
    /// Of the instance with this id, which may be empty.
    pub(super) fn new(data_path: &Path, id: &str) -> Self {
        let name = if id.is_empty() { DEFAULT_NAME } else { id };
        Self { path: data_path.join(FILE_NAME), name: name.to_owned() }
    }

    /// The place that was saved last; none when there was none.
    ///
    /// # Errors
    /// When the file or the cursor cannot be read.
    pub(super) fn load(&self) -> Result<Option<Place>> {
        let all = read(&self.path)?;
        let Some(cursor) = all.get(&self.name).filter(|cursor| !cursor.is_null()) else { return Ok(None) };
        match cursor.as_str() {
            Some("") => Ok(Some(Place::Beginning)),
            Some(cursor) if is_cursor(cursor) => Ok(Some(Place::Behind(cursor.to_owned()))),
            _ => Err(Error::new(format!("{}: what it holds for {:?} is no cursor", self.path.display(), self.name))),
        }
    }

    /// Saves the place beside those of others.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self, place: &Place) -> Result<()> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = match read(&self.path) {
            Ok(all) => all,
            Err(_) => {
                // Somebody may want to look at what cannot be read.
                fs::rename(&self.path, self.path.with_extension("json.damaged")).about(self.path.display())?;
                Map::new()
            }
        };
        all.insert(self.name.clone(), place.cursor().unwrap_or_default().into());
        let new = self.path.with_extension("json~");
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).about(new.display())?;
        file.write_all(Value::Object(all).to_string().as_bytes()).about(new.display())?;
        file.sync_all().about(new.display())?;
        fs::rename(&new, &self.path).about(self.path.display())
    }
}

/// What the file holds; nothing when it is not there.
fn read(path: &Path) -> Result<Map<String, Value>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Map::new()),
        opened => opened.about(path.display())?,
    };
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text).about(path.display())?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(all)) => Ok(all),
        Ok(_) => Err(Error::new(format!("{}: it is no object of names and cursors", path.display()))),
        Err(error) => Err(Error::new(format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(cursor: &str) -> Place {
        Place::Behind(cursor.to_owned())
    }

    #[test]
    fn each_instance_has_its_place_in_the_file_and_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Checkpoint::new(folder.path(), ""), Checkpoint::new(folder.path(), "b"));
        assert_eq!(one.load().unwrap(), None);
        one.save(&Place::Beginning).unwrap();
        assert_eq!(one.load().unwrap(), Some(Place::Beginning));
        other.save(&behind("s=1;i=2")).unwrap();
        one.save(&behind("s=1;i=3")).unwrap();
        assert_eq!((one.load().unwrap(), other.load().unwrap()), (Some(behind("s=1;i=3")), Some(behind("s=1;i=2"))));
        let text = fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(text, r#"{"scalyr_agent.builtin_monitors.journald_monitor":"s=1;i=3","b":"s=1;i=2"}"#);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_of_and_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (path, checkpoint) = (folder.path().join(FILE_NAME), Checkpoint::new(folder.path(), "a"));
        for text in ["{ \"a\": 5 }", "{ \"a\": \"--help\" }", "{ \"a\": ", "[]"] {
            fs::write(&path, text).unwrap();
            let error = checkpoint.load().unwrap_err().to_string();
            assert!(error.starts_with(path.to_str().unwrap()), "{error}");
            checkpoint.save(&behind("s=1")).unwrap();
            assert_eq!(checkpoint.load().unwrap(), Some(behind("s=1")));
        }
        assert_eq!(fs::read_to_string(folder.path().join("journald-checkpoints.json.damaged")).unwrap(), "[]");
    }
}
