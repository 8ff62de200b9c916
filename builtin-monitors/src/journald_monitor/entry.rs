//! What is kept of an entry of the journal.

/// So much of a value is kept. A line of `journald` itself has at most 48 KiB.
pub(super) const MAX_KEPT_BYTES: usize = 256 * 1024;

/// What a value that was long leaves allocated.
const KEPT_CAPACITY: usize = 4 * 1024;

/// Where an entry stands in the journal; journalctl puts it before the fields.
pub(super) const CURSOR: &str = "__CURSOR";
/// What was logged.
pub(super) const MESSAGE: &str = "MESSAGE";
/// When the journal received the entry.
pub(super) const RECEIVED: &str = "__REALTIME_TIMESTAMP";
/// When the entry was made, as the sender says; not every entry has it.
pub(super) const SENT: &str = "_SOURCE_REALTIME_TIMESTAMP";

/// The number of a field among those that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldNumber(usize);

/// The names of the fields that are kept.
#[derive(Clone, Debug)]
pub(super) struct WantedFields(Vec<String>);

impl WantedFields {
    /// These, and what each entry needs.
    pub(super) fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut all: Vec<String> = [CURSOR, MESSAGE, RECEIVED].into_iter().chain(names).map(str::to_owned).collect();
        all.sort();
        all.dedup();
        Self(all)
    }

    fn number(&self, name: &[u8]) -> Option<FieldNumber> {
        self.0.binary_search_by(|wanted| wanted.as_bytes().cmp(name)).ok().map(FieldNumber)
    }
}

/// An entry, as far as its fields are wanted.
#[derive(Debug)]
pub(super) struct Entry {
    wanted: WantedFields,
    /// A value for each wanted field that was found.
    values: Vec<Option<Vec<u8>>>,
}

impl Entry {
    pub(super) fn new(wanted: WantedFields) -> Self {
        let values = vec![None; wanted.0.len()];
        Self { wanted, values }
    }

    /// The value of a field: the bytes as they are.
    pub(super) fn value(&self, name: &str) -> Option<&[u8]> {
        let FieldNumber(number) = self.wanted.number(name.as_bytes())?;
        self.values.get(number)?.as_deref()
    }

    /// The value as text, with replacement characters for what is none.
    pub(super) fn text(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        self.value(name).map(String::from_utf8_lossy)
    }

    /// A field is found; one that is not wanted has no number. A further value of a field is put behind the first.
    pub(super) fn begin(&mut self, name: &[u8]) -> Option<FieldNumber> {
        let number = self.wanted.number(name)?;
        match self.values.get_mut(number.0)? {
            Some(value) => value.extend_from_slice(b", "),
            none => *none = Some(Vec::new()),
        }
        Some(number)
    }

    /// Takes a part of its value; true when this is the part that is too long.
    pub(super) fn keep(&mut self, FieldNumber(number): FieldNumber, part: &[u8]) -> bool {
        let Some(Some(value)) = self.values.get_mut(number) else { return false };
        let room = MAX_KEPT_BYTES.saturating_sub(value.len());
        value.extend_from_slice(&part[..part.len().min(room)]);
        // Only once for each value: a full one stays full.
        room > 0 && part.len() > room
    }

    pub(super) fn clear(&mut self) {
        for value in &mut self.values {
            if value.as_ref().is_some_and(|value| value.capacity() > KEPT_CAPACITY) {
                *value = None;
            }
            *value = None;
        }
    }
}
