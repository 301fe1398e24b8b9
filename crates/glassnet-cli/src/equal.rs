//! `glassnet equal`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use glassnet::Result;
use glassnet::simplify::{self, Answer, Equality};
use serde_json::json;

use crate::args::{Reading, Weights, number};
use crate::domain;
use crate::output::{Output, Replace};
use crate::said::Said;
use crate::shown;
use crate::simplify::{inputs, note_compared, one_of_two, parts};
use crate::terminal::Terminal;

/// `glassnet equal`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet equal model.safetensors smaller.safetensors\n  \
    glassnet equal model.onnx rounded.onnx --domain 0..1 --tolerance 1e-3\n\n\
    Status: 0 equal, 1 different, 6 unknown.")]
pub(crate) struct Equal {
    /// The first network: a PyTorch expression, the short form, or a model file.
    pub(crate) a: OsString,
    /// The second network.
    pub(crate) b: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// The inputs that are asked about: lo..hi for all, one for each with commas between, or a table for the box of its
    /// rows. Without it: all inputs.
    #[arg(long, allow_hyphen_values = true, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// How much wider the box of a table is taken, on each side, as a share of its width.
    #[arg(long, default_value_t = 0.0, value_parser = number, allow_negative_numbers = true)]
    pub(crate) margin: f64,
    /// Outputs that differ by no more than this count as equal.
    #[arg(long, default_value_t = 0.0, value_parser = number, allow_negative_numbers = true)]
    pub(crate) tolerance: f64,
    /// After so many seconds of splitting the domain the answer is the tightest bound that was reached. Without --tolerance
    /// it ends before, when the bound is within 2 % of a difference that an input shows, or half as many boxes again gain
    /// less than 10 %.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = number, allow_negative_numbers = true)]
    pub(crate) timeout: f64,
    /// Where the certificate of equality is written.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// Replace a certificate that exists.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

pub(crate) fn run(args: &Equal, terminal: &mut Terminal) -> Result<u8> {
    said(args, terminal)?.tell(terminal)
}

/// Whether the two networks that the flags name are equal; writes the certificate where one is asked for.
pub(crate) fn said(args: &Equal, terminal: &Terminal) -> Result<Said> {
    let replace = if args.force { Replace::Always } else { Replace::Never };
    let output = args
        .certificate
        .as_deref()
        .map(|path| {
            Output::prepare(path, "--certificate", replace, &[args.a.as_ref(), args.b.as_ref()])
        })
        .transpose()?;
    let a = one_of_two(&args.a, &args.weights, terminal)?;
    let b = one_of_two(&args.b, &args.weights, terminal)?;
    note_compared([&a, &b], terminal);
    let (left, right) = (parts(&a).0, parts(&b).0);
    let domain = args
        .domain
        .as_deref()
        .map(|text| domain::read(text, inputs(left)?, &a, args.margin, &args.reading, terminal))
        .transpose()?;
    if args.timeout.is_nan() || args.timeout < 0.0 {
        return Err(glassnet::Error::usage("the time is no number of at least 0")
            .at("--timeout")
            .help("give seconds, such as 60"));
    }
    let started = Instant::now();
    let found = simplify::equal_while(left, right, domain.as_ref(), args.tolerance, &mut |_| {
        started.elapsed().as_secs_f64() < args.timeout && !terminal.is_stopped()
    })?;
    let seconds = started.elapsed().as_secs_f64();
    if let (Some(output), Some(certificate)) = (&output, &found.certificate) {
        output.write(certificate.to_json().as_bytes())?;
    }
    let (word, status) = match found.answer {
        Answer::Equal => ("equal", 0),
        Answer::Different => ("different", 1),
        Answer::Unknown => ("unknown", 6),
    };
    let written = output.filter(|_| found.certificate.is_some());
    let json = json!({
        "schema": "glassnet.equal/1",
        "verdict": word,
        "why": found.why,
        "witness": found.witness.as_ref().map(|witness| json!({
            "input": witness.input,
            "output": witness.output,
            "a": witness.a,
            "b": witness.b,
            "difference": witness.difference,
        })),
        "bound": found.bound.map(|bound| bound.0),
        "bound_per_input": found.bound.map(|bound| bound.1),
        "least": found.least,
        "tolerance": args.tolerance,
        "seconds": seconds,
        "semantics": "real",
        "certificate": written.map(|output| output.path().display().to_string()),
    });
    let mut lines = vec![word.to_owned()];
    say(&found, args, &mut lines);
    Ok(Said::lines(lines, json, status))
}

fn say(found: &Equality, args: &Equal, lines: &mut Vec<String>) {
    let place = if args.domain.is_some() { "on the domain" } else { "for every input" };
    match (&found.answer, &found.witness) {
        (Answer::Equal, _) => lines.push(format!("{}; {place}", found.why)),
        (Answer::Different, Some(witness)) => {
            let input: Vec<String> = witness.input.iter().map(f32::to_string).collect();
            lines.push(format!("at input {}", input.join(", ")));
            lines.push(format!(
                "output {} is {} in the first and {} in the second, a difference of {:e} (evaluated exactly)",
                witness.output, witness.a, witness.b, witness.difference
            ));
        }
        (Answer::Different | Answer::Unknown, _) => lines.push(found.why.clone()),
    }
    if let Some((bound, per_input)) = found.bound.filter(|bound| bound.0 > 0.0 || bound.1 > 0.0) {
        let growth = if per_input > 0.0 {
            format!(" + {}·max|x|", shown::above(per_input))
        } else {
            String::new()
        };
        lines.push(format!("proven bound of the difference: {}{growth}", shown::above(bound)));
    }
    if found.least > 0.0 && found.witness.is_none() {
        lines.push(format!(
            "the greatest difference that an input shows: {:.3e} (evaluated exactly)",
            found.least
        ));
    }
}
