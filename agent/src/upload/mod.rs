//! Batches on their way to an acknowledged request: pack (encode, compress) → send → acknowledge.

mod accepted;
mod answer;
mod client;
mod compress;
mod connection;
mod encoder;
mod event_times;
mod heads;
mod http_date;
mod losses;
mod marks;
mod memory;
mod outage;
mod pace;
mod pack;
mod repeated;
mod request;
mod save;
mod send;
mod server_attributes;
mod session;
mod snapshot;
mod throughput;
mod trial;
mod unverified;
mod user_agent;
mod wire;

pub use accepted::Accepted;
pub use compress::{CompressError, Compressor, content_encoding, most_packed, working_memory};
pub use encoder::Encoder;
pub use event_times::EventTimes;
pub use memory::{FILE_MEMORY, MemoryBound};
pub use save::Save;
pub use server_attributes::{HostAttributes, ServerAttributes};
pub use session::{CHANNEL_BATCHES, Finished, Life, Session, SessionParts};
pub use snapshot::{Blocked, SessionSnapshot, SessionState};
pub use trial::{Trial, Verdict, try_upload};
pub use user_agent::{UserAgent, user_agent};

#[cfg(test)]
mod tests;
