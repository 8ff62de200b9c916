//! What a followed file, its place and its events' numbers are called.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a file, in source bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The place `bytes` further on.
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// How many bytes lie between `earlier` and here; 0 when `earlier` is behind.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One followed file (one generation of a path) within this process; `log_<n>` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FileId(pub u64);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log_{}", self.0)
    }
}

/// The worker (api key and server) that a file is sent to: `default`, or an entry of `workers`.
///
/// A clone is the same text: each file has it in many places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct WorkerId(pub Arc<str>);

impl From<String> for WorkerId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl Serialize for WorkerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a file is recognised by, whatever its name: device, inode and the hash of its first bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// When it was created, in nanoseconds since the epoch, where the file system tells: an inode number that was given
    /// to another file came with another time of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<i64>,
    /// How many of the first bytes are hashed; grows with a young file up to a fixed length.
    pub head_length: u64,
    /// SHA-256 of these bytes, the first 16 hex digits.
    pub head_hash: String,
}

/// The sequence that a file's events are numbered in: `si` on the wire, and the place where its `sn` counts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// A UUID, kept over restarts.
    pub id: String,
    /// Where copying of this file began; the `sn` of an event is the distance from here to its end. A sequence that the
    /// Python agent began in an older file counts from before this one's first byte: see [`going_on`](Self::going_on).
    pub begin: Offset,
}

impl Sequence {
    /// A sequence that has come to `number` at `offset`. When it is longer than the file, `begin` lies below 0, which
    /// stands as its two's complement.
    pub fn going_on(id: String, offset: Offset, number: u64) -> Self {
        Self { id, begin: Offset(offset.0.wrapping_sub(number)) }
    }

    /// The number at `offset`; that of a place before the begin is 0.
    pub fn number(&self, offset: Offset) -> u64 {
        let distance = offset.0.wrapping_sub(self.begin.0);
        if distance > u64::MAX / 2 { 0 } else { distance }
    }

    /// The place that has this number.
    pub fn offset(&self, number: u64) -> Offset {
        Offset(self.begin.0.wrapping_add(number))
    }
}
