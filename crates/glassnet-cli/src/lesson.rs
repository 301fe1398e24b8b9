//! `glassnet lesson`.

use clap::Args;
use glassnet::document::Document;
use glassnet::lesson::{self, LESSONS};
use glassnet::report::{self, Config, Format};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::terminal::Terminal;

/// `glassnet lesson`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet lesson\n  \
    glassnet lesson 2.3\n  \
    glassnet lesson all --format html > lessons.html")]
pub(crate) struct Lesson {
    /// Which one: 1.1 to 2.5, or all; without it they are listed.
    pub(crate) name: Option<String>,
}

pub(crate) fn run(args: &Lesson, terminal: &mut Terminal) -> Result<u8> {
    match &args.name {
        None => terminal.present(&lesson::list(), Some(&contents()))?,
        Some(name) => terminal.present(&document(name, terminal)?, None)?,
    }
    Ok(0)
}

/// A lesson, or the list of them, as an answer; a lesson's JSON is its document as data.
pub(crate) fn answer(args: &Lesson, terminal: &Terminal) -> Result<Answer> {
    let Some(name) = &args.name else {
        return Ok(Answer { document: lesson::list(), json: contents() });
    };
    let document = document(name, terminal)?;
    let json = report::render(&document, Format::Json, &Config::default());
    let json = serde_json::from_str(&json)
        .map_err(|error| Error::usage(format!("the lesson is no JSON: {error}")))?;
    Ok(Answer { document, json })
}

/// A lesson, or all of them, made live.
fn document(name: &str, terminal: &Terminal) -> Result<Document> {
    let mut run = |command: &lesson::Command| Ok(answer::answer(command, terminal)?.document);
    match name.trim() {
        "all" => lesson::all(&mut run),
        name => lesson::find(name)?.document(&mut run),
    }
}

/// The list of lessons as JSON.
fn contents() -> Value {
    let lessons: Vec<Value> = LESSONS
        .iter()
        .map(|lesson| {
            json!({"number": lesson.number, "title": lesson.title(), "shows": lesson.shows()})
        })
        .collect();
    json!({"schema": "glassnet.lessons/1", "lessons": lessons})
}
