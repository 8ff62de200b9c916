//! The configuration: files → values with their places → plan.

pub mod plan;
