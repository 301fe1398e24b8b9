//! What the command line parser has to say, in the house's form.

use std::io;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use glassnet::Error;

use crate::terminal;

/// How many characters of an argument a message repeats.
const LONGEST: usize = 200;

/// Prints help on stdout and mistakes on stderr, and gives the exit status.
pub(crate) fn tell(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp => match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                terminal::print_error(&terminal::stdout_failed(&error), "", "")
            }
            Ok(()) | Err(_) => 0,
        },
        _ => terminal::print_error(&mistake(error), "", ""),
    }
}

/// What is wrong, where, and how to mend it.
pub(crate) fn mistake(error: &clap::Error) -> Error {
    let usage = shown(error, ContextKind::Usage);
    let command = command(&usage);
    let argument = shown(error, ContextKind::InvalidArg);
    let flag = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    let value = shown(error, ContextKind::InvalidValue);
    let see = format!("see {command} --help");
    let found = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let help = guess(error, ContextKind::SuggestedArg).unwrap_or(see);
            Error::usage(format!("there is no flag {flag}")).at(command).help(help)
        }
        ErrorKind::UnknownArgument => {
            Error::usage(format!("{argument:?} is one argument too many")).at(command).help(see)
        }
        ErrorKind::InvalidSubcommand => {
            let verb = shown(error, ContextKind::InvalidSubcommand);
            let guessed = guess(error, ContextKind::SuggestedSubcommand);
            let help = guessed.or_else(|| topics(&command)).unwrap_or(see);
            let what = if command == "glassnet" { "verb" } else { "topic" };
            Error::usage(format!("there is no {what} {verb:?}")).at(command).help(help)
        }
        ErrorKind::MissingSubcommand => {
            let all = shown(error, ContextKind::ValidSubcommand).replace('\n', ", ");
            Error::usage("a topic is missing").at(command).help(format!("choose one of {all}"))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = argument.replace('\n', ", ");
            Error::usage(format!("{missing} is missing")).at(command).help(see)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            Error::usage("a value is missing").at(flag).help(choices(error).unwrap_or(see))
        }
        ErrorKind::InvalidValue => {
            let help =
                guess(error, ContextKind::SuggestedValue).or_else(|| choices(error)).unwrap_or(see);
            let found = Error::usage(format!("{value:?} is not among the choices"));
            let found = found.at(flag).help(help);
            match choices(error) {
                Some(choices) => found.detail(choices),
                None => found,
            }
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or(see);
            Error::usage(format!("{value:?} cannot be used")).at(flag).help(why)
        }
        ErrorKind::ArgumentConflict => {
            let other = shown(error, ContextKind::PriorArg).replace('\n', ", ");
            let what = if other.is_empty() || other == argument {
                format!("{flag} is given twice")
            } else {
                format!("{flag} does not go with {other}")
            };
            Error::usage(what).at(command).help("leave one of them out")
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or("the command line cannot be understood");
            let first = first.strip_prefix("error: ").unwrap_or(first);
            Error::usage(first.to_owned()).at(command).help(see)
        }
    };
    if usage.is_empty() { found } else { found.detail(usage) }
}

/// What may stand behind a verb that has topics.
fn topics(command: &str) -> Option<String> {
    let (_, verb) = command.split_once(' ')?;
    let whole = crate::args::Cli::command();
    let names: Vec<&str> =
        whole.find_subcommand(verb)?.get_subcommands().map(|topic| topic.get_name()).collect();
    (!names.is_empty()).then(|| format!("choose one of {}", names.join(", ")))
}

/// The error with the flag whose value it is about, before any place inside that value.
pub(crate) fn at_flag(error: Error, flag: &str) -> Error {
    let place = match error.place() {
        Some(place) if place.contains("--") => return error,
        Some(place) => format!("{flag}, {place}"),
        None => flag.to_owned(),
    };
    error.at(place)
}

/// A part of what the parser found, as text.
fn shown(error: &clap::Error, kind: ContextKind) -> String {
    let text = error.get(kind).map_or(String::new(), |value| match value {
        ContextValue::Strings(all) => all.join("\n"),
        ContextValue::StyledStrs(all) => {
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    });
    let text = text.replace(|c: char| c.is_control() && c != '\n', "�");
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn guess(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let all = shown(error, kind);
    all.lines().next().map(|first| format!("did you mean {first}?"))
}

fn choices(error: &clap::Error) -> Option<String> {
    let all = shown(error, ContextKind::ValidValue);
    (!all.is_empty()).then(|| format!("choose one of {}", all.replace('\n', ", ")))
}

/// `glassnet train` of `Usage: glassnet train [OPTIONS] …`.
fn command(usage: &str) -> String {
    let words = usage.trim_start_matches("Usage:").split_whitespace();
    let names: Vec<&str> =
        words.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    if names.is_empty() { "glassnet".into() } else { names.join(" ") }
}
