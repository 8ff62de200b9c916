//! What the agent is to its host: a process that is found by its pid file, that runs as the owner of its configuration,
//! and that goes on in the background (`cli-and-service.md` sections 4 to 6); and a service that systemd starts, watches
//! and stops (section 13).

pub mod account;
pub mod attendance;
pub mod background;
pub mod executable;
pub mod holder;
pub mod notify;
pub mod orphans;
pub mod pid_file;
pub mod plain_file;
pub mod systemd;
pub mod unit;
