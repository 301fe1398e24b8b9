//! The command `glassnet`: files, terminal and signals around the library.

mod answer;
mod args;
mod bench;
mod convert;
mod derive;
mod evaluate;
mod exercise;
mod explain;
mod interrupt;
mod lesson;
mod measured;
mod memory;
mod model;
mod output;
mod predict;
mod progress;
mod reading;
mod scores;
mod summary;
mod table;
mod terminal;
mod threads;
mod train;
mod usage;
mod version;
mod worked;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use glassnet::Result;

use args::{Cli, Verb};
use terminal::Terminal;

fn main() -> ExitCode {
    tell_of_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::tell(&error),
    };
    let mut terminal = Terminal::new(&cli.common);
    let outcome = run(cli, &mut terminal).and_then(|status| terminal.finish().map(|()| status));
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(error) => terminal.fail(&error),
    }
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

/// Does what the command line says and returns the exit status.
fn run(cli: Cli, terminal: &mut Terminal) -> Result<u8> {
    if cli.version {
        return version::run(cli.verbose, terminal);
    }
    let threads = cli.common.threads;
    match cli.verb {
        Some(Verb::Train(args)) => train::run(&args, threads, terminal),
        Some(Verb::Predict(args)) => predict::run(&args, threads, terminal),
        Some(Verb::Evaluate(args)) => evaluate::run(&args, threads, terminal),
        Some(Verb::Summary(args)) => summary::run(&args, terminal),
        Some(Verb::Explain(args)) => explain::run(&args, terminal),
        Some(Verb::Derive(args)) => derive::run(&args, terminal),
        Some(Verb::Worked(args)) => worked::run(&args, terminal),
        Some(Verb::Lesson(args)) => lesson::run(&args, terminal),
        Some(Verb::Exercise(args)) => exercise::run(&args, terminal),
        Some(Verb::Convert(args)) => convert::run(&args, terminal),
        Some(Verb::Bench(args)) => bench::run(&args, threads, terminal),
        Some(Verb::Completions { shell }) => {
            let mut script = vec![];
            clap_complete::generate(shell, &mut Cli::command(), "glassnet", &mut script);
            terminal.text(&String::from_utf8_lossy(&script))?;
            Ok(0)
        }
        None => {
            terminal.text(&Cli::command().render_long_help().to_string())?;
            Ok(2)
        }
    }
}
