//! What becomes of the lines of a log entry: how they are put together, taken apart, sampled and redacted
//! (`log-copying.md` sections 5 to 8). Everything is compiled and tested when the configuration is read.

use std::sync::Arc;

use scalyr_monitor::config::Pattern;

/// How many steps back one search in a line may take. Only expressions with look-around or back-references take any; so
/// many take them some ten milliseconds.
pub const SEARCH_STEPS: usize = 200_000;

/// The line rules of one entry. The default is raw lines, sent as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinePlan {
    /// `parse_format` and what belongs to it.
    pub format: LineFormat,
    /// `lineGroupers`, tried in order.
    pub groupers: Vec<GrouperPlan>,
    /// `sampling_rules`; the first one that matches decides.
    pub sampling: Vec<SamplingPlan>,
    /// `redaction_rules`, all of them in order, each on the result of the one before.
    pub redaction: Vec<RedactionPlan>,
}

impl LinePlan {
    /// Whether lines are sent as they stand in the file.
    pub fn is_raw(&self) -> bool {
        *self == Self::default()
    }
}

/// How lines are taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LineFormat {
    /// Not at all.
    #[default]
    Raw,
    /// Each line is a JSON object.
    Json {
        /// `json_message_field`.
        message_field: String,
        /// `json_timestamp_field`.
        timestamp_field: String,
    },
    /// The format of container runtimes: time, stream, tags, message.
    Cri,
}

/// One of `lineGroupers`. Patterns are searched anywhere in the line, its newline included.
#[derive(Clone, Debug, PartialEq)]
pub struct GrouperPlan {
    /// Matches the first line of an event.
    pub start: Pattern,
    /// Says where the event ends.
    pub end: GroupEnd,
}

/// Where a group ends.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupEnd {
    /// Before the first line that does not match.
    ContinueThrough(Pattern),
    /// After the first line, behind the start, that does not match; the start takes the next line in any case.
    ContinuePast(Pattern),
    /// Before the first line that matches.
    HaltBefore(Pattern),
    /// After the first line that matches.
    HaltWith(Pattern),
}

/// One of `sampling_rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingPlan {
    /// The lines that the rule is for.
    pub expression: Pattern,
    /// The share of them that is sent, 0 to 1.
    pub rate: f64,
}

/// One of `redaction_rules`.
#[derive(Clone, Debug, PartialEq)]
pub struct RedactionPlan {
    /// What is replaced.
    pub expression: Pattern,
    /// What takes its place.
    pub replacement: Replacement,
    /// Where the rule stands, for what is sent in place of a line that it fails at: `redaction_rules[0] of /var/log/*.log`.
    pub place: String,
}

/// What takes the place of a match, or of the real path.
#[derive(Clone, PartialEq, Eq)]
pub struct Replacement {
    /// In order.
    pub pieces: Vec<Piece>,
    /// `hash_salt`, appended to a group's text before it is hashed.
    pub salt: String,
}

/// Never the salt.
impl std::fmt::Debug for Replacement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replacement").field("pieces", &self.pieces).finish_non_exhaustive()
    }
}

/// A piece of a replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Itself.
    Literal(String),
    /// The text of a group, counted from 1; 0 is the whole match.
    Group(usize),
    /// Lower-case hex MD5 of the group's text followed by the salt.
    Hash(usize),
}

/// `rename_logfile`: the path that the server is told in place of the real one.
#[derive(Clone, Debug, PartialEq)]
pub struct Renaming {
    /// How the new path is made.
    pub how: RenamingPlan,
    /// Whether the real path is sent beside it, as `original_file`; `rename_no_original` says no.
    pub keeps_original: bool,
}

/// How a new path is made.
#[derive(Clone, Debug, PartialEq)]
pub enum RenamingPlan {
    /// A text with `$BASENAME`, `$BASENAME_NO_EXT`, `$PATH1` and so on.
    Template(Vec<NamePiece>),
    /// A substitution on the full path.
    Expression {
        /// What is replaced.
        expression: Pattern,
        /// What takes its place.
        replacement: Replacement,
    },
}

/// A piece of a new path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePiece {
    /// Itself.
    Literal(String),
    /// `$BASENAME`: the file's name without its folder.
    Basename,
    /// `$BASENAME_NO_EXT`: the same without its last extension.
    BasenameWithoutExtension,
    /// `$PATH1` and so on: a component of the real path, counted from 1 at the left.
    Component(usize),
}

/// Shared by the files of an entry.
pub type SharedLinePlan = Arc<LinePlan>;
