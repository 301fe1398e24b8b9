//! `glassnet prove`.

mod benchmark;
mod network;
mod search;
mod told;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use glassnet::prove::{self, Config, Semantics, Verdict};
use glassnet::{Error, Result};
use glassnet_formats::vnnlib;

use crate::args::{self, Weights};
use crate::interrupt::Interrupt;
use crate::output;
use crate::terminal::Terminal;
use told::Watch;

/// `glassnet prove`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet prove acasxu.onnx prop_3.vnnlib\n  \
    glassnet prove model.safetensors safe.vnnlib --timeout 600 --json\n  \
    glassnet prove --benchmark vnncomp2022_benchmarks/benchmarks/acasxu\n\n\
    Prints holds, violated with an input that shows it, or unknown; the exit status is 0, 1 or 6.")]
pub(crate) struct Prove {
    /// The network: a model file, or a bare network.
    #[arg(required_unless_present = "benchmark")]
    pub(crate) model: Option<OsString>,
    /// The property, as VNN-LIB: what it asserts describes the counterexamples.
    #[arg(required_unless_present = "benchmark")]
    pub(crate) property: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// After so many seconds the answer is unknown.
    #[arg(long, default_value = "60", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) timeout: Duration,
    /// Which execution is meant: exact arithmetic alone, or also every execution in f32.
    #[arg(long, value_enum, default_value = "f32-any-order")]
    pub(crate) semantics: SemanticsChoice,
    /// Prove every instance of this folder, which has VNN-COMP's instances.csv or a table of expected verdicts, and print how
    /// each went.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["model", "property"])]
    pub(crate) benchmark: Option<PathBuf>,
}

/// Which execution a proof is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SemanticsChoice {
    /// Exact arithmetic on the stored weights.
    Real,
    /// Also every execution in f32, in any order of its sums, with or without fused multiply-adds.
    F32AnyOrder,
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
    let config = Config {
        semantics: match args.semantics {
            SemanticsChoice::Real => Semantics::Real,
            SemanticsChoice::F32AnyOrder => Semantics::F32AnyOrder,
        },
        ..Config::default()
    };
    if let Some(folder) = &args.benchmark {
        return benchmark::run(folder, &config, args.timeout, threads.count(), terminal);
    }
    let (Some(model), Some(property)) = (&args.model, &args.property) else {
        return Err(Error::usage("a network and a property are needed"));
    };
    let started = Instant::now();
    let network = network::read(model, &args.weights, terminal)?;
    let shown = property.display().to_string();
    let read = vnnlib::read(&output::read(property)?, &shown)?;
    let interrupt = Interrupt::watch()?;
    let mut watch = Watch::new(terminal, &interrupt, started + args.timeout);
    fits(&read, &network, &shown)?;
    let go_on = &mut |at: &prove::Progress| watch.go_on(at);
    let outcome = search::run(&network, &read.property, &config, threads.count(), go_on)?;
    watch.finish();
    let meant = told::semantics(&network, &config);
    if let Some(status) = interrupt.status() {
        told::tell(&outcome, meant, started.elapsed(), terminal)?;
        return Ok(status);
    }
    told::tell(&outcome, meant, started.elapsed(), terminal)?;
    Ok(match outcome.verdict {
        Verdict::Holds => 0,
        Verdict::Violated(_) => 1,
        Verdict::Unknown => 6,
    })
}

/// Checks that a property is about as many inputs and outputs as the network has.
fn fits(read: &vnnlib::VnnLib, network: &prove::Network, property: &str) -> Result<()> {
    for (what, declared, found) in
        [("inputs", read.inputs, network.inputs()), ("outputs", read.outputs, network.outputs())]
    {
        if declared != found {
            return Err(Error::model(format!(
                "the property declares {declared} {what}, the network has {found}"
            ))
            .at(property.to_owned())
            .help("use the property that was written for this network"));
        }
    }
    Ok(())
}
