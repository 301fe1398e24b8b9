//! The command `glassnet`: see the library of the same crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    tell_of_panics();
    ExitCode::from(glassnet_cli::main(std::env::args_os()))
}

/// A panic in a decoder of Parquet becomes an error, which tells more.
#[cfg(feature = "parquet")]
fn tell_of_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !glassnet_data::is_guarded() {
            tell(panic);
        }
    }));
}

#[cfg(not(feature = "parquet"))]
fn tell_of_panics() {}
