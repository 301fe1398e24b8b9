//! Schedules as text, and which options are allowed.

use std::fmt;

use super::{Anneal, Mode, OneCycle, Plateau, Schedule, ThresholdMode};
use crate::error::Result;
use crate::train::call::{self, Arguments, Call, Fault, Literal, Signature};

/// PyTorch's parameters in its order, all of which may be given without a name.
const SIGNATURES: [Signature; 11] = [
    signature("StepLR", &["step_size", "gamma"]),
    signature("MultiStepLR", &["milestones", "gamma"]),
    signature("ConstantLR", &["factor", "total_iters"]),
    signature("LinearLR", &["start_factor", "end_factor", "total_iters"]),
    signature("ExponentialLR", &["gamma"]),
    signature("PolynomialLR", &["total_iters", "power"]),
    signature("CosineAnnealingLR", &["T_max", "eta_min"]),
    signature("CosineAnnealingWarmRestarts", &["T_0", "T_mult", "eta_min"]),
    signature(
        "OneCycleLR",
        &[
            "max_lr",
            "total_steps",
            "epochs",
            "steps_per_epoch",
            "pct_start",
            "anneal_strategy",
            "cycle_momentum",
            "base_momentum",
            "max_momentum",
            "div_factor",
            "final_div_factor",
            "three_phase",
        ],
    ),
    signature(
        "ReduceLROnPlateau",
        &["mode", "factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps"],
    ),
    signature("SequentialLR", &["schedulers", "milestones"]),
];

const fn signature(name: &'static str, parameters: &'static [&'static str]) -> Signature {
    Signature { name, parameters, positional: parameters.len() }
}

impl Schedule {
    /// Reads a schedule in PyTorch's notation, with or without the optimiser as first argument:
    /// `StepLR(step_size=10)`, `CosineAnnealingLR(60)`,
    /// `SequentialLR([LinearLR(total_iters=5), CosineAnnealingLR(55)], milestones=[5])`. The name may be written in
    /// any case.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), with a caret below the part that is wrong, as
    /// [`Optimizer::parse`](crate::train::optimizer::Optimizer::parse).
    pub fn parse(text: &str) -> Result<Schedule> {
        Schedule::read(text, call::parse(text)?)
    }

    fn read(text: &str, mut call: Call) -> Result<Schedule> {
        let known = SIGNATURES.iter().find(|known| known.name.eq_ignore_ascii_case(&call.name));
        let Some(&signature) = known else {
            let names = SIGNATURES.map(|known| known.name);
            let help = match call::nearest(&call.name, names) {
                Some(name) => format!("did you mean '{name}'?"),
                None => format!("known: {}", names.join(", ")),
            };
            let what = format!("unknown schedule '{}'", call.name);
            return Err(call::complain(text, call.span, what).help(help));
        };
        call.drop_first("optimizer");
        let arguments = call.bind(text, signature)?;
        let schedule = read_options(signature.name, &arguments)?;
        match schedule.fault() {
            None => Ok(schedule),
            Some(fault) => Err(arguments.error(fault)),
        }
    }

    /// Whether the options can be used: the rules of PyTorch's constructors, and every number must be finite.
    ///
    /// # Errors
    /// The first option that cannot be used, in PyTorch's words where it has some.
    pub fn validate(&self) -> Result<()> {
        if let Schedule::Sequential { schedules, .. } = self {
            // Checked first, so that the error names the part and not the whole.
            schedules.iter().filter(|part| part.may_be_part()).try_for_each(Schedule::validate)?;
        }
        self.fault().map_or(Ok(()), |fault| Err(fault.into_error(self.name())))
    }

    /// Parts of a sequence are of one kind: rates by epoch, known beforehand.
    fn may_be_part(&self) -> bool {
        match self {
            Schedule::OneCycleLr(_) | Schedule::ReduceLrOnPlateau(_) => false,
            // Nothing is gained by nesting, and an unbounded depth would be a danger.
            Schedule::Sequential { .. } => false,
            Schedule::StepLr { .. }
            | Schedule::MultiStepLr { .. }
            | Schedule::ConstantLr { .. }
            | Schedule::LinearLr { .. }
            | Schedule::ExponentialLr { .. }
            | Schedule::PolynomialLr { .. }
            | Schedule::CosineAnnealingLr { .. }
            | Schedule::CosineAnnealingWarmRestarts { .. } => true,
        }
    }

    fn fault(&self) -> Option<Fault> {
        match self {
            Schedule::StepLr { step_size, gamma } => {
                positive("step_size", *step_size).or_else(|| factor("gamma", *gamma))
            }
            Schedule::MultiStepLr { gamma, .. } | Schedule::ExponentialLr { gamma } => {
                factor("gamma", *gamma)
            }
            Schedule::ConstantLr { factor, total_iters } => within(
                "factor",
                (0.0..=1.0).contains(factor),
                "Constant multiplicative factor expected to be between 0 and 1.",
                *factor,
            )
            .or_else(|| positive("total_iters", *total_iters)),
            Schedule::LinearLr { start_factor, end_factor, total_iters } => within(
                "start_factor",
                *start_factor > 0.0 && *start_factor <= 1.0,
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.",
                *start_factor,
            )
            .or_else(|| {
                within(
                    "end_factor",
                    (0.0..=1.0).contains(end_factor),
                    "Ending multiplicative factor expected to be between 0 and 1.",
                    *end_factor,
                )
            })
            .or_else(|| positive("total_iters", *total_iters)),
            Schedule::PolynomialLr { total_iters, power } => {
                positive("total_iters", *total_iters).or_else(|| factor("power", *power))
            }
            Schedule::CosineAnnealingLr { t_max, eta_min } => {
                positive("T_max", *t_max).or_else(|| factor("eta_min", *eta_min))
            }
            Schedule::CosineAnnealingWarmRestarts { t_0, t_mult, eta_min } => {
                positive("T_0", *t_0)
                    .or_else(|| positive("T_mult", *t_mult))
                    .or_else(|| factor("eta_min", *eta_min))
            }
            Schedule::OneCycleLr(options) => options.fault(),
            Schedule::ReduceLrOnPlateau(options) => options.fault(),
            Schedule::Sequential { schedules, milestones } => sequence_fault(schedules, milestones),
        }
    }
}

impl OneCycle {
    fn fault(&self) -> Option<Fault> {
        let pct = self.pct_start;
        positive("total_steps", self.total_steps)
            .or_else(|| factor("max_lr", self.max_lr))
            .or_else(|| {
                let what = format!("Expected float between 0 and 1 pct_start, but got {pct:?}");
                within("pct_start", (0.0..=1.0).contains(&pct), &what, pct)
            })
            .or_else(|| momentum("base_momentum", self.base_momentum))
            .or_else(|| momentum("max_momentum", self.max_momentum))
            .or_else(|| divisor("div_factor", self.div_factor))
            .or_else(|| divisor("final_div_factor", self.final_div_factor))
    }
}

impl Plateau {
    fn fault(&self) -> Option<Fault> {
        within("factor", self.factor < 1.0, "Factor should be < 1.0.", self.factor)
            .or_else(|| factor("factor", self.factor))
            .or_else(|| factor("threshold", self.threshold))
            .or_else(|| factor("min_lr", self.min_lr))
            .or_else(|| factor("eps", self.eps))
    }
}

fn sequence_fault(schedules: &[Schedule], milestones: &[u64]) -> Option<Fault> {
    if schedules.is_empty() {
        let what = "SequentialLR expects at least one scheduler, but got no scheduler.";
        return Some(Fault::new("schedulers", what, "put schedules into the list"));
    }
    if let Some(part) = schedules.iter().find(|part| !part.may_be_part()) {
        let what = format!("SequentialLR does not support `{}` scheduler", part.name());
        let help = "use schedules that depend on the epoch alone";
        return Some(Fault::new("schedulers", what, help));
    }
    if milestones.len() + 1 != schedules.len() {
        let what = format!(
            "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone \
             points, but got number of schedulers {} and the number of milestones to be equal to {}",
            schedules.len(),
            milestones.len()
        );
        let help = format!("give {} milestones", schedules.len() - 1);
        return Some(Fault::new("milestones", what, help));
    }
    if !milestones.is_sorted() {
        return Some(Fault::new("milestones", "milestones must rise", "sort them"));
    }
    None
}

fn within(option: &'static str, allowed: bool, what: &str, value: f64) -> Option<Fault> {
    let what = what.trim_end_matches('.');
    (!allowed).then(|| Fault::new(option, what, format!("{option} is {}", Literal::Float(value))))
}

fn positive(option: &'static str, value: u64) -> Option<Fault> {
    let what = || format!("Expected positive integer {option}, but got {value}");
    (value == 0).then(|| Fault::new(option, what(), "set it to 1 or more"))
}

fn factor(option: &'static str, value: f64) -> Option<Fault> {
    let usable = value >= 0.0 && value.is_finite();
    let what = || format!("Invalid {option} value: {}", Literal::Float(value));
    (!usable).then(|| Fault::new(option, what(), format!("{option} must be finite and at least 0")))
}

fn momentum(option: &'static str, value: f64) -> Option<Fault> {
    let usable = (0.0..1.0).contains(&value);
    let what = || format!("Invalid {option} value: {}", Literal::Float(value));
    (!usable).then(|| Fault::new(option, what(), format!("{option} must be in [0, 1)")))
}

fn divisor(option: &'static str, value: f64) -> Option<Fault> {
    let usable = value > 0.0 && value.is_finite();
    let what = || format!("Invalid {option} value: {}", Literal::Float(value));
    (!usable).then(|| Fault::new(option, what(), format!("{option} must be finite and above 0")))
}

fn read_options(name: &str, arguments: &Arguments<'_>) -> Result<Schedule> {
    Ok(match name {
        "StepLR" => Schedule::StepLr {
            step_size: arguments.require("step_size")?,
            gamma: arguments.get("gamma", 0.1)?,
        },
        "MultiStepLR" => Schedule::MultiStepLr {
            milestones: arguments.require("milestones")?,
            gamma: arguments.get("gamma", 0.1)?,
        },
        "ConstantLR" => Schedule::ConstantLr {
            factor: arguments.get("factor", 1.0 / 3.0)?,
            total_iters: arguments.get("total_iters", 5)?,
        },
        "LinearLR" => Schedule::LinearLr {
            start_factor: arguments.get("start_factor", 1.0 / 3.0)?,
            end_factor: arguments.get("end_factor", 1.0)?,
            total_iters: arguments.get("total_iters", 5)?,
        },
        "ExponentialLR" => Schedule::ExponentialLr { gamma: arguments.require("gamma")? },
        "PolynomialLR" => Schedule::PolynomialLr {
            total_iters: arguments.get("total_iters", 5)?,
            power: arguments.get("power", 1.0)?,
        },
        "CosineAnnealingLR" => Schedule::CosineAnnealingLr {
            t_max: arguments.require("T_max")?,
            eta_min: arguments.get("eta_min", 0.0)?,
        },
        "CosineAnnealingWarmRestarts" => Schedule::CosineAnnealingWarmRestarts {
            t_0: arguments.require("T_0")?,
            t_mult: arguments.get("T_mult", 1)?,
            eta_min: arguments.get("eta_min", 0.0)?,
        },
        "OneCycleLR" => Schedule::OneCycleLr(read_one_cycle(arguments)?),
        "ReduceLROnPlateau" => Schedule::ReduceLrOnPlateau(read_plateau(arguments)?),
        _ => {
            let parts: Vec<Call> = arguments.require("schedulers")?;
            let parts = parts.into_iter().map(|part| Schedule::read(arguments.source, part));
            Schedule::Sequential {
                schedules: parts.collect::<Result<_>>()?,
                milestones: arguments.require("milestones")?,
            }
        }
    })
}

fn read_one_cycle(arguments: &Arguments<'_>) -> Result<OneCycle> {
    let epochs: Option<u64> = arguments.optional("epochs")?;
    let steps_per_epoch: Option<u64> = arguments.optional("steps_per_epoch")?;
    let total_steps = match (arguments.optional("total_steps")?, epochs, steps_per_epoch) {
        (Some(total_steps), _, _) => total_steps,
        (None, Some(epochs), Some(steps)) => epochs.saturating_mul(steps),
        (None, _, _) => {
            let what = "You must define either total_steps OR (epochs AND steps_per_epoch)";
            return Err(arguments.error(Fault::new("total_steps", what, "set total_steps")));
        }
    };
    let default = OneCycle::new(arguments.require("max_lr")?, total_steps);
    let strategies = [("cos", Anneal::Cos), ("linear", Anneal::Linear)];
    Ok(OneCycle {
        pct_start: arguments.get("pct_start", default.pct_start)?,
        anneal_strategy: choose(arguments, "anneal_strategy", &strategies)?,
        cycle_momentum: arguments.get("cycle_momentum", default.cycle_momentum)?,
        base_momentum: arguments.get("base_momentum", default.base_momentum)?,
        max_momentum: arguments.get("max_momentum", default.max_momentum)?,
        div_factor: arguments.get("div_factor", default.div_factor)?,
        final_div_factor: arguments.get("final_div_factor", default.final_div_factor)?,
        three_phase: arguments.get("three_phase", default.three_phase)?,
        ..default
    })
}

fn read_plateau(arguments: &Arguments<'_>) -> Result<Plateau> {
    let default = Plateau::default();
    let modes = [("min", Mode::Min), ("max", Mode::Max)];
    let threshold_modes = [("rel", ThresholdMode::Rel), ("abs", ThresholdMode::Abs)];
    Ok(Plateau {
        mode: choose(arguments, "mode", &modes)?,
        factor: arguments.get("factor", default.factor)?,
        patience: arguments.get("patience", default.patience)?,
        threshold: arguments.get("threshold", default.threshold)?,
        threshold_mode: choose(arguments, "threshold_mode", &threshold_modes)?,
        cooldown: arguments.get("cooldown", default.cooldown)?,
        min_lr: arguments.get("min_lr", default.min_lr)?,
        eps: arguments.get("eps", default.eps)?,
    })
}

/// The choice that a text names; the first one is the default.
fn choose<T: Copy>(
    arguments: &Arguments<'_>,
    option: &'static str,
    choices: &[(&str, T); 2],
) -> Result<T> {
    let Some(given) = arguments.optional::<String>(option)? else { return Ok(choices[0].1) };
    let found = choices.iter().find(|(name, _)| *name == given);
    found.map(|&(_, choice)| choice).ok_or_else(|| {
        let [(first, _), (second, _)] = choices;
        let what =
            format!("{option} must be one of '{first}' or '{second}', instead got '{given}'");
        arguments.error(Fault::new(option, what, format!("write '{first}' or '{second}'")))
    })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = Options::default();
        match self {
            Schedule::StepLr { step_size, gamma } => {
                options.always("step_size", step_size).unless("gamma", *gamma, 0.1)
            }
            Schedule::MultiStepLr { milestones, gamma } => options
                .always("milestones", &format!("{milestones:?}"))
                .unless("gamma", *gamma, 0.1),
            Schedule::ConstantLr { factor, total_iters } => {
                options.unless("factor", *factor, 1.0 / 3.0).unless("total_iters", *total_iters, 5)
            }
            Schedule::LinearLr { start_factor, end_factor, total_iters } => options
                .unless("start_factor", *start_factor, 1.0 / 3.0)
                .unless("end_factor", *end_factor, 1.0)
                .unless("total_iters", *total_iters, 5),
            Schedule::ExponentialLr { gamma } => options.always("gamma", &format!("{gamma:?}")),
            Schedule::PolynomialLr { total_iters, power } => {
                options.unless("total_iters", *total_iters, 5).unless("power", *power, 1.0)
            }
            Schedule::CosineAnnealingLr { t_max, eta_min } => {
                options.always("T_max", t_max).unless("eta_min", *eta_min, 0.0)
            }
            Schedule::CosineAnnealingWarmRestarts { t_0, t_mult, eta_min } => options
                .always("T_0", t_0)
                .unless("T_mult", *t_mult, 1)
                .unless("eta_min", *eta_min, 0.0),
            Schedule::OneCycleLr(cycle) => options.one_cycle(cycle),
            Schedule::ReduceLrOnPlateau(plateau) => options.plateau(plateau),
            Schedule::Sequential { schedules, milestones } => {
                let parts: Vec<String> = schedules.iter().map(Schedule::to_string).collect();
                options.0.push(format!("[{}]", parts.join(", ")));
                options.always("milestones", &format!("{milestones:?}"))
            }
        };
        write!(f, "{}({})", self.name(), options.0.join(", "))
    }
}

/// The options that are printed.
#[derive(Default)]
struct Options(Vec<String>);

impl Options {
    fn always(&mut self, name: &str, value: &dyn fmt::Display) -> &mut Self {
        self.0.push(format!("{name}={value}"));
        self
    }

    fn unless<T: Copy + PartialEq + fmt::Debug>(
        &mut self,
        name: &str,
        value: T,
        default: T,
    ) -> &mut Self {
        if value != default {
            self.0.push(format!("{name}={value:?}"));
        }
        self
    }

    fn unless_bool(&mut self, name: &str, value: bool, default: bool) -> &mut Self {
        if value == default { self } else { self.always(name, &Literal::Bool(value)) }
    }

    fn one_cycle(&mut self, cycle: &OneCycle) -> &mut Self {
        let default = OneCycle::new(cycle.max_lr, cycle.total_steps);
        self.always("max_lr", &format!("{:?}", cycle.max_lr))
            .always("total_steps", &cycle.total_steps)
            .unless("pct_start", cycle.pct_start, default.pct_start);
        if cycle.anneal_strategy == Anneal::Linear {
            self.always("anneal_strategy", &"'linear'");
        }
        self.unless_bool("cycle_momentum", cycle.cycle_momentum, default.cycle_momentum)
            .unless("base_momentum", cycle.base_momentum, default.base_momentum)
            .unless("max_momentum", cycle.max_momentum, default.max_momentum)
            .unless("div_factor", cycle.div_factor, default.div_factor)
            .unless("final_div_factor", cycle.final_div_factor, default.final_div_factor)
            .unless_bool("three_phase", cycle.three_phase, default.three_phase)
    }

    fn plateau(&mut self, plateau: &Plateau) -> &mut Self {
        let default = Plateau::default();
        if plateau.mode == Mode::Max {
            self.always("mode", &"'max'");
        }
        self.unless("factor", plateau.factor, default.factor)
            .unless("patience", plateau.patience, default.patience)
            .unless("threshold", plateau.threshold, default.threshold);
        if plateau.threshold_mode == ThresholdMode::Abs {
            self.always("threshold_mode", &"'abs'");
        }
        self.unless("cooldown", plateau.cooldown, default.cooldown)
            .unless("min_lr", plateau.min_lr, default.min_lr)
            .unless("eps", plateau.eps, default.eps)
    }
}
