//! Log files on their way into batches: match → tail → lines.

pub mod batch;
