//! `glassnet worked activations`.

use std::time::Instant;

use clap::Args;
use glassnet::worked::{self, Activation, ActivationsConfig, Compared, ShapeKnown, Side};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use super::Work;

/// `glassnet worked activations`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet worked activations relu sigmoid tanh\n  \
    glassnet worked activations relu 'LeakyReLU(0.1)' gelu 'z*tanh(z)' --depth 50\n  \
    glassnet worked activations tanh sigmoid --at 0,2 --no-cost --json")]
pub(crate) struct Activations {
    /// Layers of torch.nn by name or expression, or formulas in z.
    #[arg(required = true, value_name = "ACTIVATION")]
    pub(crate) activations: Vec<String>,
    /// The places z whose derivatives are multiplied over a depth.
    #[arg(long, value_delimiter = ',', default_value = "1,3", value_name = "Z,…", allow_hyphen_values = true, value_parser = crate::args::number)]
    pub(crate) at: Vec<f64>,
    /// Layers of the product and of the random network.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) depth: usize,
    /// Units per layer of the random network.
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) width: usize,
    /// The seed of the random network.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = crate::args::whole::<u64>)]
    pub(crate) seed: u64,
    /// How long the cost is measured.
    #[arg(long, default_value_t = 0.5, value_name = "SECONDS", value_parser = crate::args::number, allow_negative_numbers = true)]
    pub(crate) seconds: f64,
    /// Leave the cost out: everything else is the same on every machine.
    #[arg(long)]
    pub(crate) no_cost: bool,
}

pub(super) fn work(args: &Activations) -> Result<Work> {
    if !(args.seconds.is_finite() && (0.0..=60.0).contains(&args.seconds)) {
        return Err(Error::usage(format!("{} seconds are not measured", args.seconds))
            .at("--seconds")
            .help("give 0 to 60"));
    }
    let list: Vec<Activation> =
        args.activations.iter().map(|text| text.parse()).collect::<Result<_>>()?;
    let config = ActivationsConfig {
        places: args.at.clone(),
        depth: args.depth,
        width: args.width,
        seed: args.seed,
        cost_seconds: args.seconds,
        ..ActivationsConfig::default()
    };
    let started = Instant::now();
    let mut clock = || started.elapsed().as_secs_f64();
    let clock: Option<&mut dyn FnMut() -> f64> = if args.no_cost { None } else { Some(&mut clock) };
    let found =
        worked::activations(&list, &config, clock).map_err(|error| match error.place() {
            Some("the places") => error.at("--at"),
            Some("the sizes") => error.at("--depth, --width"),
            Some(_) | None => error,
        })?;
    let json = json!({
        "schema": "glassnet.worked/1",
        "topic": "activations",
        "activations": found.compared.iter().map(|one| compared(one, &args.at)).collect::<Vec<_>>(),
    });
    Ok(Work { document: found.document(), json })
}

fn compared(one: &Compared, places: &[f64]) -> Value {
    let shape = &one.shape;
    let side = |side: &Side| if *side == Side::Left { "left" } else { "right" };
    json!({
        "name": one.activation.name,
        "max_slope": shape.steepest.1,
        "max_slope_at": shape.steepest.0,
        "slope_5": one.tail[0].slope,
        "slope_10": one.tail[1].slope,
        "slope_5_f32": one.tail[0].slope_f32,
        "slope_10_f32": one.tail[1].slope_f32,
        "range": [shape.range.0, shape.range.1],
        "mean_output": shape.mean,
        "zero_centred": shape.zero_centred,
        "can_die": ShapeKnown::is_settled(shape.known.course).then(|| shape.can_die()),
        "dead": shape.dead.iter().map(|(end, from)| json!({"side": side(end), "from": from})).collect::<Vec<_>>(),
        "saturates": shape.saturates.iter().map(side).collect::<Vec<_>>(),
        "kinks": shape.kinks,
        "exact": shape.exact,
        "known": {
            "range": shape.known.range.word(),
            "max_slope": shape.known.steepest.word(),
            "dead": shape.known.course.word(),
            "saturates": shape.known.ends.word(),
            "kinks": shape.known.kinks.word(),
        },
        "cost": one.cost.map(|cost| json!({
            "forward_ns": cost.forward,
            "forward_relative": cost.forward_relative,
            "both_ns": cost.both,
            "both_relative": cost.both_relative,
        })),
        "slopes": places.iter().zip(&one.slopes).map(|(z, slope)| json!({"z": z, "slope": slope})).collect::<Vec<_>>(),
        "gradients": one.depths.iter().map(|depth| json!({
            "weight_variance_times_n": depth.scale,
            "norms": depth.norms,
            "ratio": depth.ratio(),
        })).collect::<Vec<_>>(),
        "sides": one.sides().iter().map(|(good, text)| json!({"good": good, "why": text})).collect::<Vec<_>>(),
    })
}
