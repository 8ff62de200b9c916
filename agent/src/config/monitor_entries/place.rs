//! Where an entry of a monitor stands.

/// Where an entry stands: for the plan, and as the prefix of its problems' paths (empty for the text of `-c`).
pub(in crate::config) struct EntryPlace {
    pub(in crate::config) origin: String,
    pub(in crate::config) prefix: String,
}

impl EntryPlace {
    /// Of an entry that nobody wrote: what runs it is its path as well.
    pub(super) fn named(origin: &str) -> Self {
        Self { origin: origin.to_owned(), prefix: origin.to_owned() }
    }

    /// The path of a value in the entry; of the entry itself when `path` is empty.
    pub(super) fn of(&self, path: &str) -> String {
        match (self.prefix.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (_, true) => self.prefix.clone(),
            _ => format!("{}.{path}", self.prefix),
        }
    }
}
