//! Log files on their way into batches: match → tail → lines.
//!
//! One thread follows all files: [`tail`] looks at those of the [watched paths](watched) that [notices] tell of, or whose
//! time has come, each a chain of
//! [file generations](follower), and hands their [lines] on as [batches](batch), one bounded channel per session. A full
//! channel parks the files of that session only.

pub mod batch;
mod begin;
mod copying;
mod entries;
mod followed;
mod follower;
mod handle;
mod identity;
mod lines;
mod matcher;
mod metric_logs;
mod notices;
mod position;
mod registered;
mod rotated_name;
mod search;
mod tail;
pub(crate) mod unseen;
mod watched;

pub use follower::Rewound;
pub(crate) use follower::open_identified;
pub use handle::{Port, TailHandle, TailSnapshot, Withdrawal};
pub(crate) use lines::MOST_GROWTH;
pub use lines::{Lines, RuleCounts, Taken, Window};
pub use matcher::is_glob;
pub use metric_logs::{MetricLogCopies, MetricLogPlan};
pub use notices::{FileSystems, NoticesSnapshot, Noticing};
pub use position::Position;
pub use registered::{RegisteredLogs, Registrations};
pub use tail::{Tail, TailParts};
