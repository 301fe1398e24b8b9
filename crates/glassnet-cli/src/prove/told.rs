//! How a search goes, on stderr, and what it came to, on stdout.

use std::time::{Duration, Instant};

use glassnet::prove::exact::Enclosure;
use glassnet::prove::{Config, Network, Outcome, Progress, Semantics, Verdict};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::words::status;
use crate::interrupt::Interrupt;
use crate::said::Said;
use crate::terminal::Terminal;

/// Draws progress, and says when the time is over.
pub(super) struct Watch<'a> {
    bar: ProgressBar,
    interrupt: &'a Interrupt,
    until: Instant,
    drawn: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(terminal: &Terminal, interrupt: &'a Interrupt, until: Instant) -> Self {
        let target = if terminal.shows_progress() {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        Watch { bar, interrupt, until, drawn: None }
    }

    /// Whether the search is to go on.
    pub(super) fn go_on(&mut self, at: &Progress) -> bool {
        let now = Instant::now();
        if self.drawn.is_none_or(|drawn| now - drawn > Duration::from_millis(200)) {
            let share = at.proven * 100.0;
            let message = format!("{share:.1} % proven, {} parts open, {} done", at.open, at.parts);
            self.bar.set_message(message);
            self.drawn = Some(now);
        }
        now < self.until && self.interrupt.status().is_none()
    }

    /// Whether there is time for another question.
    pub(super) fn has_time(&self) -> bool {
        Instant::now() < self.until && self.interrupt.status().is_none()
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The word of a verdict.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated(_) => "violated",
        Verdict::Unknown => "unknown",
    }
}

/// What a search came to.
pub(super) fn said(outcome: &Outcome, semantics: &str, took: Duration) -> Said {
    let json = json!({
        "schema": "glassnet.prove/1",
        "verdict": word(&outcome.verdict),
        "witness": witness(&outcome.verdict),
        "bound": outcome.bound.is_finite().then_some(outcome.bound),
        "proven": outcome.bound.is_finite().then_some(outcome.proven),
        "parts": outcome.parts,
        "seconds": took.as_secs_f64(),
        "semantics": semantics,
    });
    let mut text = format!("{}\n", word(&outcome.verdict));
    match &outcome.verdict {
        Verdict::Holds => {
            text += &format!(
                "for every input of the box, {}; {} parts, {:.2} s\n",
                meaning(semantics),
                outcome.parts,
                took.as_secs_f64()
            );
        }
        Verdict::Violated(witness) => {
            let kind = if witness.is_f32 { "f32" } else { "f64: the box holds no f32 there" };
            text += &format!("this input of the box ({kind}) is a counterexample:\n");
            for (at, x) in witness.input.iter().enumerate() {
                let shown = if witness.is_f32 { (*x as f32).to_string() } else { x.to_string() };
                text += &format!("  X_{at} = {shown}\n");
            }
            text += "its outputs, evaluated exactly:\n";
            for (at, y) in witness.outputs.iter().enumerate() {
                text += &format!("  Y_{at} {}\n", exactly(y));
            }
        }
        // Of a box without end no share can be told.
        Verdict::Unknown if !outcome.bound.is_finite() => {
            text += &format!(
                "{} parts were examined; on some of them nothing bounds the outputs, as an input that the property doesn't bound \
                 does\n",
                outcome.parts
            );
        }
        Verdict::Unknown => {
            text += &format!(
                "{:.3} % of the box is proven, {} parts were examined; the constraints of a counterexample are missed by at \
                 least {:.6} on the rest\n",
                outcome.proven * 100.0,
                outcome.parts,
                outcome.bound
            );
        }
    }
    let lines = text.lines().map(str::to_owned).collect();
    Said::lines(lines, json, status(&outcome.verdict))
}

/// The name of what a verdict is about: in f32 a function that isn't piecewise linear is the engine's.
pub(super) fn semantics(network: &Network, config: &Config) -> &'static str {
    match config.semantics {
        Semantics::F32AnyOrder if !network.is_piecewise_linear() => "f32-engine",
        Semantics::F32AnyOrder | Semantics::Real => config.semantics.name(),
    }
}

pub(super) fn meaning(semantics: &str) -> &'static str {
    match semantics {
        "real" => "in exact arithmetic",
        "f32-engine" => "in exact arithmetic and in glassnet's f32",
        _ => "in exact arithmetic and in f32 in any order of its sums", // not operations: the default
    }
}

/// A value with its digits: all of them while they are few.
pub(super) fn exactly(value: &Enclosure) -> String {
    match value.exact() {
        Some(exact) => {
            let digits = exact.to_string();
            if digits.len() <= 40 {
                return format!("= {digits}");
            }
            let near = exact.to_f64();
            format!("= {near:e} to 16 digits (exact, {} digits)", digits.len())
        }
        None => format!("in [{:e}, {:e}]", value.lo.floor_f64(), value.hi.ceil_f64()),
    }
}

pub(super) fn witness(verdict: &Verdict) -> Value {
    let Verdict::Violated(witness) = verdict else { return Value::Null };
    let outputs =
        |end: fn(&Enclosure) -> f64| -> Vec<f64> { witness.outputs.iter().map(end).collect() };
    json!({
        "input": witness.input,
        "is_f32": witness.is_f32,
        "output": outputs(|y| y.lo.to_f64()),
        "output_exact": witness.outputs.iter().map(|y| y.exact().map(ToString::to_string)).collect::<Vec<_>>(),
        "case": witness.case,
    })
}
