//! The command `glassnet`: see the library of the same crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(glassnet_cli::main(std::env::args_os()))
}
