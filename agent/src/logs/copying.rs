//! How one file is copied: what its entry says, made ready for it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scalyr_monitor::config::Pattern;
use serde_json::Value;

use super::batch::LogDescription;
use super::lines::substitute;
use crate::config::line_plan::{NamePiece, RenamingPlan, Replacement, SharedLinePlan};
use crate::config::plan::LogPlan;

/// No new name has more bytes.
const MOST_NAME: usize = 64 << 10;

/// How one file is copied.
#[derive(Clone, Debug, PartialEq)]
pub struct Copying {
    /// Where the entry stands, for messages.
    pub origin: Arc<str>,
    /// What its events have in common.
    pub log: Arc<LogDescription>,
    /// What becomes of its lines.
    pub lines: SharedLinePlan,
    /// A file that was last changed longer ago is not copied.
    pub stale_after: Option<Duration>,
    /// The least time between two looks at it.
    pub scan_interval: Option<Duration>,
}

impl Copying {
    /// As `plan` says for the file at `path`.
    pub fn of(path: &Path, plan: &LogPlan) -> Self {
        Self {
            origin: plan.origin.as_str().into(),
            log: Arc::new(describe(path, plan)),
            lines: Arc::clone(&plan.lines),
            stale_after: plan.stale_after,
            scan_interval: plan.scan_interval,
        }
    }
}

/// The attributes of a file on the wire: the entry's, and `logfile` unless the user gave one. A file with another name is
/// `logfile` by that one, and has the real path beside it.
fn describe(path: &Path, plan: &LogPlan) -> LogDescription {
    let path = path.to_string_lossy().into_owned();
    let mut attributes = plan.attributes.clone();
    match plan.renaming.as_ref().and_then(|renaming| Some((renaming, rename(&path, &renaming.how)?))) {
        Some((renaming, name)) => {
            attributes.insert("logfile".to_owned(), name.into());
            if renaming.keeps_original {
                attributes.entry("original_file").or_insert_with(|| path.clone().into());
            }
        }
        None if attributes.contains_key("logfile") || attributes.contains_key("filename") => {}
        None => _ = attributes.insert("logfile".to_owned(), Value::String(path.clone())),
    }
    LogDescription { attributes: Value::Object(attributes).to_string(), path }
}

/// The new name of a file; `None` when it is the real one, or cannot be made.
fn rename(path: &str, how: &RenamingPlan) -> Option<String> {
    let name = match how {
        RenamingPlan::Template(pieces) => fill(path, pieces)?,
        RenamingPlan::Expression { expression, replacement } => replace(path, expression, replacement)?,
    };
    (!name.is_empty() && name != path).then_some(name)
}

fn fill(path: &str, pieces: &[NamePiece]) -> Option<String> {
    let basename = path.rsplit('/').next().unwrap_or(path);
    pieces
        .iter()
        .map(|piece| match piece {
            NamePiece::Literal(text) => Some(text.as_str()),
            NamePiece::Basename => Some(basename),
            // A dot at the beginning is no extension.
            NamePiece::BasenameWithoutExtension => Some(
                basename.rsplit_once('.').map_or(basename, |(name, _)| if name.is_empty() { basename } else { name }),
            ),
            NamePiece::Component(number) => path.split('/').filter(|name| !name.is_empty()).nth(number.checked_sub(1)?),
        })
        .collect()
}

fn replace(path: &str, expression: &Pattern, replacement: &Replacement) -> Option<String> {
    substitute(expression, replacement, path.as_bytes(), MOST_NAME)
        .ok()
        .flatten()
        .and_then(|name| String::from_utf8(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::line_plan::{Piece, Renaming};
    use crate::ledger::WorkerId;

    fn described(path: &str, how: RenamingPlan, keeps_original: bool) -> String {
        let mut plan = LogPlan::new("logs[0]", path, WorkerId("default".into()));
        plan.renaming = Some(Renaming { how, keeps_original });
        let copying = Copying::of(Path::new(path), &plan);
        assert_eq!(copying.log.path, path, "the thread has the real name");
        copying.log.attributes.clone()
    }

    fn template(pieces: Vec<NamePiece>) -> RenamingPlan {
        RenamingPlan::Template(pieces)
    }

    #[test]
    fn a_file_has_its_new_name_and_its_old_one_beside_it() {
        let pieces = vec![
            NamePiece::Literal("/x/".into()),
            NamePiece::Component(2),
            NamePiece::Literal("/".into()),
            NamePiece::BasenameWithoutExtension,
        ];
        assert_eq!(
            described("/var/app/a.b.log", template(pieces.clone()), true),
            r#"{"logfile":"/x/app/a.b","original_file":"/var/app/a.b.log"}"#
        );
        assert_eq!(described("/var/app/a.b.log", template(pieces), false), r#"{"logfile":"/x/app/a.b"}"#);
        let missing = template(vec![NamePiece::Component(9)]);
        assert_eq!(described("/var/a.log", missing, true), r#"{"logfile":"/var/a.log"}"#);
    }

    #[test]
    fn an_expression_renames_what_it_finds_and_nothing_else() {
        let how = || RenamingPlan::Expression {
            expression: Pattern::new("^/var/([a-z]+)/").unwrap(),
            replacement: Replacement {
                pieces: vec![Piece::Literal("/".into()), Piece::Group(1), Piece::Literal("/".into())],
                salt: String::new(),
            },
        };
        let renamed = r#"{"logfile":"/app/a.log","original_file":"/var/app/a.log"}"#;
        assert_eq!(described("/var/app/a.log", how(), true), renamed);
        assert_eq!(described("/srv/a.log", how(), true), r#"{"logfile":"/srv/a.log"}"#);
    }
}
