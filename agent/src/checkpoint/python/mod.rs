//! The checkpoint files of the Python agent (`log-copying.md` section 10): read once when this agent takes over from it,
//! and written at a clean stop, for the way back.

mod form;
mod pieces;
mod sources;
mod swap;
mod take;
mod write;

pub use self::take::{Taken, read};
pub use self::write::write;

/// The merged file in `agent_data_path`.
pub const FILE_NAME: &str = "checkpoints.json";
/// A key that only this agent writes: the old one, which rewrites the file every few seconds, leaves it out.
const MARK: &str = "written_by";
