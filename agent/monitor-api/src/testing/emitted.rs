//! An emission of a metric, read from the line that it wrote.

use std::fmt;

use super::value::Value;
use crate::clock::Timestamp;
use crate::lines::{LineKind, MarkedLine};

/// One emission of a metric.
#[derive(Clone, Debug)]
pub struct Emitted {
    name: String,
    value: Value,
    fields: Vec<(String, Value)>,
    id: String,
    time: Timestamp,
    kind: LineKind,
    /// Which turn of the monitor it belongs to.
    turn: u64,
    text: String,
}

impl Emitted {
    /// Reads a line that a monitor called `short_name` wrote; `None` for a whole line of text, and the line itself when
    /// it cannot be read.
    pub(super) fn read(line: &MarkedLine<'_>, short_name: &str, turn: u64) -> Result<Option<Self>, String> {
        let body = line.body();
        if line.kind == LineKind::Text {
            return Ok(None);
        }
        Self::read_metric(line, short_name, turn).map(Some).ok_or_else(|| body.to_owned())
    }

    fn read_metric(line: &MarkedLine<'_>, short_name: &str, turn: u64) -> Option<Self> {
        let (time, name) = line.head().split_once(" [")?;
        let id = name.strip_prefix(short_name)?.strip_prefix('(')?.strip_suffix(")] ")?;
        let time = time.parse::<jiff::Timestamp>().ok()?;
        let (name, rest) = line.body().split_once(' ')?;
        let (value, mut rest) = Value::split(rest).filter(|(value, _)| value.is_scalar())?;
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let (field, written) = rest.strip_prefix(' ')?.split_once('=')?;
            let (value, behind) = Value::split(written).filter(|(value, _)| value.is_scalar())?;
            fields.push((field.to_owned(), value));
            rest = behind;
        }
        Some(Self {
            name: name.to_owned(),
            value,
            fields,
            id: id.to_owned(),
            time: Timestamp::from_millis(time.as_millisecond()),
            kind: line.kind,
            turn,
            text: line.body().to_owned(),
        })
    }

    /// The metric's name, as it stands in the metric log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value of an extra field.
    ///
    /// # Panics
    /// When it has no such field; the text lists those that there are.
    #[track_caller]
    pub fn field(&self, name: &str) -> &Value {
        let field = self.fields.iter().find(|(field, _)| field == name);
        let Some((_, value)) = field else { panic!("`{self}` has no extra field `{name}`") };
        value
    }

    /// All extra fields, in the order in which they are written: sorted by name.
    pub fn fields(&self) -> &[(String, Value)] {
        &self.fields
    }

    /// The monitor id that it was emitted under: the instance's own, or that of
    /// [`Sample::under_id`](crate::Sample::under_id).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its time, in whole milliseconds.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Whether its name was only known at run time.
    pub(super) fn is_dynamic(&self) -> bool {
        self.kind == LineKind::Dynamic
    }

    /// Whether the agent calculated it of another metric.
    pub(super) fn is_rate(&self) -> bool {
        self.kind == LineKind::Rate
    }

    /// What two emissions of one sample must not have in common.
    pub(super) fn series(&self) -> (u64, &str, Timestamp, &str, &[(String, Value)]) {
        (self.turn, &self.id, self.time, &self.name, &self.fields)
    }
}

/// The line without time and monitor: `uniform 0.25 count=1`.
impl fmt::Display for Emitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
