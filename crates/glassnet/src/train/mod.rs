//! STUB train

mod call;
pub mod clip;
pub mod optimizer;
pub mod penalty;
pub mod schedule;
