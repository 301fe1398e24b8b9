//! The exercise as a document made live, and fresh variants of its tasks.
//!
//! A lesson is Markdown in the folder `book`, a file per task. Where it holds a command
//! (a fenced block with the word `glassnet`), the command's answer stands in the document: the prose is a
//! teacher's, every number is computed while the lesson is printed. The library runs no commands itself: whoever
//! prints a lesson passes a function that answers a [`Command`] with a [`Document`].
//!
//! [`exercise`] makes variants of the tasks from a seed; their solutions are lessons, too.

mod book;
mod command;
pub mod exercise;
mod markdown;
#[cfg(test)]
mod tests;

use crate::document::Document;
use crate::error::Result;

pub use book::{LESSONS, Lesson, all, find, list};
pub use command::Command;
pub use markdown::read;

/// What answers a lesson's commands.
pub type Run<'a> = dyn FnMut(&Command) -> Result<Document> + 'a;
