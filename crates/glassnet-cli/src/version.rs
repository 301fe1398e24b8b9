//! TEMP
use crate::terminal::Terminal;
pub(crate) fn run(_: bool, terminal: &mut Terminal) -> glassnet::Result<u8> {
    terminal.line(concat!("glassnet ", env!("CARGO_PKG_VERSION")))?;
    Ok(0)
}
