//! Monitors: how an instance is built from its plan, and the thread that it lives on.

pub mod added;
pub mod back_off;
pub mod contribution;
pub mod guarded;
pub mod instance;
pub mod jitter;
pub mod last_values;
pub mod panic_place;
pub mod rehearsal;
pub mod repeats;
pub mod runner;
mod sampling;
pub mod slow_samples;
pub mod state;
