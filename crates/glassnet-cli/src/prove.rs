//! `glassnet prove`.

mod answer;
mod benchmark;
mod monotone;
pub(crate) mod network;
pub(crate) mod proof;
mod radius;
mod search;
mod sets;
mod space;
mod statement;
mod told;
mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use glassnet::prove::{self, Config, Semantics};
use glassnet::{Error, Result};
use glassnet_formats::vnnlib;

use crate::args::{self, Reading, Weights};
use crate::output::{self, Output, Replace};
use crate::said::Said;
use crate::terminal::Terminal;
use network::{Loaded, Subject};
use told::Watch;

/// `glassnet prove`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet prove acasxu.onnx prop_3.vnnlib\n  \
    glassnet prove model.safetensors safe.vnnlib --timeout 600 --json\n  \
    glassnet prove model.safetensors --data flowers.csv --row 17 --within 0.03 --class-stays\n  \
    glassnet prove model.safetensors --data flowers.csv --row 17 --class-stays\n  \
    glassnet prove 2-8-1 --output 'y0 <= 10' --domain -1..1\n  \
    glassnet prove model.safetensors --data houses.csv --output 'price >= 0' --domain area=40..90\n  \
    glassnet prove model.safetensors --data houses.csv --monotone area\n  \
    glassnet prove acasxu.onnx prop_3.vnnlib --proof prop_3.proof.json\n  \
    glassnet prove --benchmark vnncomp2022_benchmarks/benchmarks/acasxu\n\n\
    Prints holds, violated with an input that shows it, or unknown; the exit status is 0, 1 or 6.")]
pub(crate) struct Prove {
    /// The network: a model file, or a bare network.
    #[arg(required_unless_present = "benchmark")]
    pub(crate) model: Option<OsString>,
    /// The property, as VNN-LIB: what it asserts describes the counterexamples.
    #[arg(required_unless_present_any = ["benchmark", "class_stays", "output", "monotone"])]
    pub(crate) property: Option<PathBuf>,
    /// Prove that the class stays the one that the network gives to the row, on all inputs near it; without --within and
    /// --domain: how far that holds.
    #[arg(long, conflicts_with_all = ["property", "benchmark", "output", "monotone"], help_heading = "In words")]
    pub(crate) class_stays: bool,
    /// Prove that this holds of the outputs: 'y0 <= 10', 'y[A] - y[B] > 0.5 and y0 >= 0', with targets in their units.
    // Not from the comment, in which brackets are links.
    #[arg(
        long,
        value_name = "STATEMENT",
        allow_hyphen_values = true,
        conflicts_with_all = ["property", "benchmark", "monotone"],
        help_heading = "In words",
        help = "Prove that this holds of the outputs: 'y0 <= 10', 'y[A] - y[B] > 0.5 and y0 >= 0', 'p[A] >= 0.5'; targets are in their own units"
    )]
    pub(crate) output: Option<String>,
    /// Prove that an output never falls where this column grows and all others stay; with a minus before it (-age): never
    /// rises.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true, conflicts_with_all = ["property", "benchmark"], help_heading = "In words")]
    pub(crate) monotone: Option<String>,
    /// With --monotone: of which output, by its class or its number from 0.
    #[arg(long, value_name = "OUTPUT", requires = "monotone", help_heading = "In words")]
    pub(crate) of: Option<String>,
    /// A table: for --row, or else for the box of its rows.
    #[arg(long, value_name = "FILE", help_heading = "For which inputs")]
    pub(crate) data: Vec<PathBuf>,
    /// A row of the table, counted from 1 without the header.
    #[arg(long, value_name = "N", value_parser = crate::args::whole::<usize>, allow_negative_numbers = true, help_heading = "For which inputs")]
    pub(crate) row: Option<usize>,
    /// A bare network's row: its numbers.
    #[arg(long, value_name = "X,…", allow_hyphen_values = true, conflicts_with_all = ["row", "data"], help_heading = "For which inputs")]
    pub(crate) input: Option<String>,
    /// How far each number may be from the row's, in its own unit: 0.03, or COLUMN=0.5,…; COLUMN=a|b lets a category vary.
    #[arg(
        long,
        value_name = "DISTANCE",
        allow_hyphen_values = true,
        help_heading = "For which inputs"
    )]
    pub(crate) within: Option<String>,
    /// As --within, in standard deviations of the training rows.
    #[arg(
        long,
        value_name = "DISTANCE",
        allow_hyphen_values = true,
        conflicts_with = "within",
        help_heading = "For which inputs"
    )]
    pub(crate) within_scaled: Option<String>,
    /// The inputs that are meant: lo..hi for all (of a model with columns in standard deviations from the mean), one for each
    /// with commas between, COLUMN=lo..hi or COLUMN=a|b for some, or a table for the box of its rows. May be repeated.
    #[arg(
        long,
        value_name = "DOMAIN",
        allow_hyphen_values = true,
        help_heading = "For which inputs"
    )]
    pub(crate) domain: Vec<String>,
    /// How much wider the box of a table is taken, on each side, as a share of its width.
    #[arg(long, default_value_t = 0.0, value_parser = crate::args::number, allow_negative_numbers = true, help_heading = "For which inputs")]
    pub(crate) margin: f64,
    /// With a bare network and --data: a column of the table that is no input.
    #[arg(long, value_name = "COLUMN", requires = "data", help_heading = "For which inputs")]
    pub(crate) target: Option<String>,
    /// The table of a bare network has no header.
    #[arg(long, requires = "data", help_heading = "For which inputs")]
    pub(crate) no_header: bool,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// After so many seconds the answer is unknown: 60 unless given; with --benchmark what the folder says of each instance.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Option<Duration>,
    /// Which execution is meant: exact arithmetic alone, or also every execution in f32.
    #[arg(long, value_enum, default_value = "f32-any-order")]
    pub(crate) semantics: SemanticsChoice,
    /// Prove every instance of this folder, which has VNN-COMP's instances.csv or a table of expected verdicts, and print how
    /// each went.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["model", "property"])]
    pub(crate) benchmark: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Write what shows the verdict, for verify-certificate MODEL PROPERTY FILE: of piecewise-linear networks and boxes with
    /// finite ends.
    #[arg(long, value_name = "FILE", conflicts_with = "benchmark")]
    pub(crate) proof: Option<PathBuf>,
    /// With --benchmark: write each instance's proof into this folder, which exists, and check it.
    #[arg(long, value_name = "FOLDER", requires = "benchmark")]
    pub(crate) proofs: Option<PathBuf>,
    /// Replace a proof that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which execution a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SemanticsChoice {
    /// Exact arithmetic on the stored weights.
    Real,
    /// Also every execution in f32, in any order of its sums, with or without fused multiply-adds.
    F32AnyOrder,
}

impl Prove {
    /// How long one question may take.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(60))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let help = "give a number of seconds above 0, such as 60";
    let number: f64 = text.parse().map_err(|_| help.to_owned())?;
    if !(number > 0.0 && number <= 1e7) {
        return Err(help.into());
    }
    Ok(Duration::from_secs_f64(number))
}

pub(crate) fn run(args: &Prove, threads: args::Threads, terminal: &mut Terminal) -> Result<u8> {
    if let Some(folder) = &args.benchmark {
        let mut proofs = args.proofs.as_deref().map(|to| proof::Folder::new(to, args.force));
        let (config, timeout, threads) = (&config(args), args.timeout, threads.count());
        let settings = benchmark::Settings { config, timeout, threads };
        return benchmark::run(folder, &settings, proofs.as_mut(), terminal);
    }
    said(args, threads, terminal)?.tell(terminal)
}

fn config(args: &Prove) -> Config {
    Config {
        semantics: match args.semantics {
            SemanticsChoice::Real => Semantics::Real,
            SemanticsChoice::F32AnyOrder => Semantics::F32AnyOrder,
        },
        records: args.proof.is_some() || args.proofs.is_some(),
        ..Config::default()
    }
}

/// What a property comes to; writes the proof where one is asked for.
pub(crate) fn said(args: &Prove, threads: args::Threads, terminal: &Terminal) -> Result<Said> {
    if let Some(folder) = &args.benchmark {
        let mut proofs = args.proofs.as_deref().map(|to| proof::Folder::new(to, args.force));
        let (config, timeout, threads) = (&config(args), args.timeout, threads.count());
        let settings = benchmark::Settings { config, timeout, threads };
        return benchmark::said(folder, &settings, proofs.as_mut(), terminal);
    }
    let config = config(args);
    let (Some(model), Some(property)) = (&args.model, &args.property) else {
        return words::said(args, &config, terminal);
    };
    without_words(args)?;
    let started = Instant::now();
    let output = match &args.proof {
        Some(path) => {
            let replace = if args.force { Replace::Always } else { Replace::Never };
            Some(Output::prepare(path, "--proof", replace, &[Path::new(model), property])?)
        }
        None => None,
    };
    let subject = Subject::read(model, &args.weights, terminal)?;
    if subject.preprocessing().is_some() {
        terminal.note("the property's inputs are the encoded columns, as the network gets them");
    }
    let loaded = subject.loaded()?;
    let network = &loaded.network;
    let shown = property.display().to_string();
    let read = property_of(&loaded, &output::read_unpacked(property)?, &shown)?;
    let interrupt = terminal.interrupt()?;
    let mut watch = Watch::new(terminal, &interrupt, started + args.limit());
    if config.records {
        proof::can_be_written(&loaded, &read)?;
    }
    let go_on = &mut |at: &prove::Progress| watch.go_on(at);
    let (outcome, recording) =
        search::run(network, &read.property, &config, threads.count(), go_on)?;
    watch.finish();
    let outcome = judged(outcome, &read, terminal);
    let meant = told::semantics(network, &config);
    if let Some(status) = interrupt.status() {
        return Ok(told::said(&outcome, meant, started.elapsed()).or_status(Some(status)));
    }
    let took = started.elapsed();
    let made = proof::of(&loaded, &read.property, &config, &outcome, recording)?;
    let proof = match made {
        Some(made) => proof::checked(made, &loaded, &read.property, terminal)?,
        None => None,
    };
    if let (Some(proof), Some(output)) = (&proof, &output) {
        output.write(proof.to_json().as_bytes())?;
    }
    match (&proof, &args.proof) {
        (Some(_), Some(path)) => terminal.note(&format!("the proof is {}", path.display())),
        (None, Some(_)) if outcome.verdict == prove::Verdict::Unknown => {
            terminal.note("nothing was shown, so no proof is written");
        }
        (None, Some(_)) => {} // not operations: said already
        (_, None) => {}       // not operations: none was asked for
    }
    Ok(told::said(&outcome, meant, took))
}

/// A property from a file has its box.
fn without_words(args: &Prove) -> Result<()> {
    let flags = [
        ("--data", !args.data.is_empty()),
        ("--row", args.row.is_some()),
        ("--input", args.input.is_some()),
        ("--within", args.within.is_some()),
        ("--within-scaled", args.within_scaled.is_some()),
        ("--domain", !args.domain.is_empty()),
    ];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Error::usage("a property from a file says its inputs itself")
            .at(flag)
            .help("leave the flag out, or say the property in words: --class-stays, --output, --monotone")),
        None => Ok(()),
    }
}

/// The property that a file's bytes are, which is about the inputs and outputs of this network.
///
/// # Errors
/// When it is none, or is about another number of them.
pub(crate) fn property_of(loaded: &Loaded, bytes: &[u8], name: &str) -> Result<vnnlib::VnnLib> {
    let read = vnnlib::read(bytes, name)?;
    let (inputs, outputs) = loaded.tensors();
    let read = read.in_order_of(&inputs, &outputs, name)?;
    let network = &loaded.network;
    for (what, declared, found) in
        [("inputs", read.inputs, network.inputs()), ("outputs", read.outputs, network.outputs())]
    {
        if declared != found {
            return Err(Error::model(format!(
                "the property declares {declared} {what}, the network has {found}"
            ))
            .at(name.to_owned())
            .help("use the property that was written for this network"));
        }
    }
    Ok(read)
}

/// The outcome, with a counterexample only where it also meets what must be less than a bound.
fn judged(
    mut outcome: prove::Outcome,
    read: &vnnlib::VnnLib,
    terminal: &Terminal,
) -> prove::Outcome {
    if let prove::Verdict::Violated(witness) = &outcome.verdict
        && !read.is_met_strictly(witness)
    {
        terminal.note("the input that was found lies on a bound that the property excludes with <");
        outcome.verdict = prove::Verdict::Unknown;
    }
    outcome
}
