//! The command `glassnet` as a library: files, terminal and signals around the crates that compute.
//!
//! The binary is [`main`]; the Python package calls it too, and asks [`answer`] for what a command says.

mod answer;
mod args;
mod bench;
mod convert;
mod derive;
mod domain;
mod equal;
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
mod prove;
mod reading;
mod said;
mod scores;
mod scratch;
mod shown;
mod simplify;
mod summary;
mod table;
mod terminal;
mod threads;
mod train;
mod units;
mod usage;
mod version;
mod worked;

use std::ffi::OsString;

use clap::{CommandFactory, Parser};
use glassnet::Result;
use glassnet::document::Document;
use glassnet::lesson::Command;

use args::{Cli, Verb};
pub use interrupt::Interrupt;
use terminal::Terminal;

/// Does what a command line says, its first word being the program's name, and returns the process's exit status: 0 done, 1 the
/// answer is no, 2 usage, 3 data, 4 model file, 5 input or output, 6 a limit, 7 numeric, 130 or 143 interrupted.
///
/// Results go to stdout, all else to stderr.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return usage::tell(&error),
    };
    let mut terminal = Terminal::new(&cli.common);
    let outcome = run(cli, &mut terminal).and_then(|status| terminal.finish().map(|()| status));
    match outcome {
        Ok(status) => status,
        Err(error) => terminal.fail(&error),
    }
}

/// What a command that explains or proves says (`derive`, `explain`, `worked`, `summary --explain`, `lesson`, `exercise`,
/// `prove`, `units`, `simplify`, `equal`, `widen`, `deepen`, `verify-certificate`, `--version`), as a document and as the JSON that it prints with `--json`; nothing is
/// printed. Signals stay the caller's: [`answer_until`] can be stopped.
///
/// # Errors
/// When the command line is wrong or its verb fails, and for the other verbs.
///
/// ```
/// let (_, json) = glassnet_cli::answer(&["derive", "tanh(z)"])?;
/// assert_eq!(json["derivative"], "1 - tanh(z)^2");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn answer(words: &[&str]) -> Result<(Document, serde_json::Value)> {
    answer_until(words, &Interrupt::default())
}

/// As [`answer`]; when `interrupt` is stopped, from another thread, `prove` and `equal` end as unknown, and no verb writes a file any
/// more.
///
/// # Errors
/// As [`answer`].
///
/// ```
/// let interrupt = glassnet_cli::Interrupt::default();
/// interrupt.stop();
/// let words = ["prove", "2-8-1", "--output", "y0 <= 1", "--domain", "-1..1"];
/// let (_, json) = glassnet_cli::answer_until(&words, &interrupt)?;
/// assert_eq!(json["schema"], "glassnet.prove/1");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn answer_until(
    words: &[&str],
    interrupt: &Interrupt,
) -> Result<(Document, serde_json::Value)> {
    let terminal = Terminal::silent_until(interrupt.clone());
    let command = Command::of(words);
    let cli = Cli::try_parse_from(&command.words).map_err(|error| usage::mistake(&error))?;
    let answer = match cli.verb {
        Some(Verb::Lesson(args)) => lesson::answer(&args, &terminal)?,
        Some(Verb::Exercise(args)) => exercise::answer(&args, &terminal)?,
        Some(_) | None => answer::answer(&command, &terminal)?,
    };
    Ok((answer.document, answer.json))
}

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
        Some(Verb::Units(args)) => units::run(&args, terminal),
        Some(Verb::Simplify(args)) => simplify::run(&args, terminal),
        Some(Verb::Equal(args)) => equal::run(&args, terminal),
        Some(Verb::Widen(args)) => simplify::widen(&args, terminal)?.tell(terminal),
        Some(Verb::Deepen(args)) => simplify::deepen(&args, terminal)?.tell(terminal),
        Some(Verb::VerifyCertificate(args)) => simplify::verify(&args, terminal)?.tell(terminal),
        Some(Verb::Prove(args)) => prove::run(&args, threads, terminal),
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
