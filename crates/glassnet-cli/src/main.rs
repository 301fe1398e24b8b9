//! The glassnet command.
fn main() {}
