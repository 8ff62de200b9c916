//! The configuration: files → values with their places → plan.
//!
//! [`load`](fn@load::load) reads the files, [`build`](fn@build::build) makes the [`Plan`](plan::Plan) of them; every
//! problem on the way lands in one [`Report`].

pub mod build;
pub mod compression;
pub mod edit;
pub mod effective;
pub mod keys;
pub mod line_plan;
pub mod load;
pub(crate) mod masking;
pub mod monitor_logs;
pub mod origin;
pub mod own_files;
pub mod plan;
pub mod report;
pub mod target;

mod added_entries;
mod debug_names;
mod environment;
mod hidden;
mod listen;
mod log_entries;
mod metric_rules;
mod module_names;
mod monitor_entries;
mod monitor_ids;
mod patterns;
mod proxy;
mod rehearsed;
mod secrets;
mod send_rate;
mod server;
mod session;
mod settings;
mod single_run;
mod sources;
mod syntax;
mod value;
mod whereabouts;
mod workers;

pub use added_entries::AddedEntries;
pub use build::{Draft, Surroundings, build, configured_monitors, draft};
pub use load::{Loaded, Request, load};
pub(crate) use module_names::why_not_built;
pub use report::{Kind, Place, Position, Problem, RefusedMonitor, Report, Severity};
pub use single_run::{NO_OPTIONS, RunPlan, RunRequest, monitor_plan_for_run};
pub use whereabouts::Whereabouts;
pub use workers::Workers;
