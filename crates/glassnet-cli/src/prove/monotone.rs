//! `--monotone`.
use super::Prove;
use super::network::Subject;
use crate::terminal::Terminal;
use glassnet::{Error, Result};
pub(super) fn run(
    _: &Prove,
    _: &str,
    _: &Subject,
    _: &glassnet::prove::Config,
    _: &mut Terminal,
) -> Result<u8> {
    Err(Error::usage("not yet"))
}
