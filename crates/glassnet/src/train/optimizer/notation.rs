//! Optimisers as text, and which options are allowed.

use std::fmt;

use super::{Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RmsProp, Sgd};
use crate::error::Result;
use crate::train::call::{self, Arguments, Fault, Literal, Signature, Spanned};

/// PyTorch's parameters in its order; those after `positional` must be named. The last ones only choose between
/// implementations of the same rule there, and are read and ignored.
const SIGNATURES: [Signature; 8] = [
    Signature {
        name: "SGD",
        parameters: &[
            "lr",
            "momentum",
            "dampening",
            "weight_decay",
            "nesterov",
            "maximize",
            "foreach",
            "fused",
        ],
        positional: 5,
    },
    Signature {
        name: "Adam",
        parameters: &[
            "lr",
            "betas",
            "eps",
            "weight_decay",
            "amsgrad",
            "maximize",
            "decoupled_weight_decay",
            "foreach",
            "fused",
        ],
        positional: 5,
    },
    Signature {
        name: "AdamW",
        parameters: &[
            "lr",
            "betas",
            "eps",
            "weight_decay",
            "amsgrad",
            "maximize",
            "foreach",
            "fused",
        ],
        positional: 5,
    },
    Signature {
        name: "NAdam",
        parameters: &[
            "lr",
            "betas",
            "eps",
            "weight_decay",
            "momentum_decay",
            "decoupled_weight_decay",
            "maximize",
            "foreach",
        ],
        positional: 6,
    },
    Signature {
        name: "RAdam",
        parameters: &[
            "lr",
            "betas",
            "eps",
            "weight_decay",
            "decoupled_weight_decay",
            "maximize",
            "foreach",
        ],
        positional: 5,
    },
    Signature {
        name: "RMSprop",
        parameters: &[
            "lr",
            "alpha",
            "eps",
            "weight_decay",
            "momentum",
            "centered",
            "maximize",
            "foreach",
        ],
        positional: 6,
    },
    Signature {
        name: "Adagrad",
        parameters: &[
            "lr",
            "lr_decay",
            "weight_decay",
            "initial_accumulator_value",
            "eps",
            "maximize",
            "foreach",
            "fused",
        ],
        positional: 5,
    },
    Signature {
        name: "Adadelta",
        parameters: &["lr", "rho", "eps", "weight_decay", "maximize", "foreach"],
        positional: 4,
    },
];

impl Optimizer {
    /// Reads an optimiser in PyTorch's notation: `SGD(lr=0.1, momentum=0.9)`, `torch.optim.Adam(0.01)`, or a bare
    /// name such as `adam`. The name may be written in any case.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), with a caret below the part that is wrong: an unknown name or
    /// argument (with the nearest known one), a value of another type, or one that PyTorch refuses too (a negative
    /// or infinite learning rate, a beta outside [0, 1), Nesterov without momentum …).
    ///
    /// ```
    /// use glassnet::train::optimizer::Optimizer;
    /// let error = Optimizer::parse("SGD(lr=0.1, momentun=0.9)").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "SGD() got an unexpected keyword argument 'momentun'; did you mean 'momentum'?\n\
    ///      \x20 SGD(lr=0.1, momentun=0.9)\n\
    ///      \x20             ^^^^^^^^",
    /// );
    /// ```
    pub fn parse(text: &str) -> Result<Optimizer> {
        let call = call::parse(text)?;
        let known = SIGNATURES.iter().find(|known| known.name.eq_ignore_ascii_case(&call.name));
        let Some(&signature) = known else {
            let names = SIGNATURES.map(|known| known.name);
            let help = match call::nearest(&call.name, names) {
                Some(name) => format!("did you mean '{name}'?"),
                None => format!("known: {}", names.join(", ")),
            };
            let what = format!("unknown optimizer '{}'", call.name);
            return Err(call::complain(text, call.span, what).help(help));
        };
        let arguments = call.bind(text, signature)?;
        for ignored in ["foreach", "fused"] {
            arguments.optional::<bool>(ignored)?;
        }
        let optimizer = Optimizer::read(signature.name, &arguments)?;
        match optimizer.fault() {
            None => Ok(optimizer),
            Some(fault) => Err(arguments.error(fault)),
        }
    }

    fn read(name: &str, arguments: &Arguments<'_>) -> Result<Optimizer> {
        Ok(match name {
            "SGD" => Optimizer::Sgd(read_sgd(arguments)?),
            "Adam" => Optimizer::Adam(read_adam(arguments)?),
            "AdamW" => Optimizer::AdamW(read_adamw(arguments)?),
            "NAdam" => Optimizer::NAdam(read_nadam(arguments)?),
            "RAdam" => Optimizer::RAdam(read_radam(arguments)?),
            "RMSprop" => Optimizer::RmsProp(read_rmsprop(arguments)?),
            "Adagrad" => Optimizer::Adagrad(read_adagrad(arguments)?),
            _ => Optimizer::Adadelta(read_adadelta(arguments)?),
        })
    }

    /// Whether the options can be used: the rules of PyTorch's constructors, and every number must fit in f32.
    ///
    /// # Errors
    /// The first option that cannot be used, in PyTorch's words.
    pub fn validate(&self) -> Result<()> {
        self.fault().map_or(Ok(()), |fault| Err(fault.into_error(self.name())))
    }

    fn fault(&self) -> Option<Fault> {
        let of_values = self.options().into_iter().find_map(|(name, value)| match value {
            Literal::Float(value) => number_fault(name, name, value),
            Literal::List(pair) => betas_fault(&pair),
            _ => None,
        });
        of_values.or_else(|| match self {
            Optimizer::Sgd(Sgd { nesterov: true, momentum, dampening, .. })
                if *momentum <= 0.0 || *dampening != 0.0 =>
            {
                Some(Fault::new(
                    "nesterov",
                    "Nesterov momentum requires a momentum and zero dampening",
                    "set momentum=0.9 and leave dampening out",
                ))
            }
            _ => None,
        })
    }

    /// Every option with its value, in PyTorch's order.
    fn options(&self) -> Vec<(&'static str, Literal)> {
        use Literal::{Bool, Float};
        match *self {
            Optimizer::Sgd(o) => vec![
                ("lr", Float(o.lr)),
                ("momentum", Float(o.momentum)),
                ("dampening", Float(o.dampening)),
                ("weight_decay", Float(o.weight_decay)),
                ("nesterov", Bool(o.nesterov)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::Adam(o) => vec![
                ("lr", Float(o.lr)),
                ("betas", pair(o.betas)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("amsgrad", Bool(o.amsgrad)),
                ("maximize", Bool(o.maximize)),
                ("decoupled_weight_decay", Bool(o.decoupled_weight_decay)),
            ],
            Optimizer::AdamW(o) => vec![
                ("lr", Float(o.lr)),
                ("betas", pair(o.betas)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("amsgrad", Bool(o.amsgrad)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::NAdam(o) => vec![
                ("lr", Float(o.lr)),
                ("betas", pair(o.betas)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("momentum_decay", Float(o.momentum_decay)),
                ("decoupled_weight_decay", Bool(o.decoupled_weight_decay)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::RAdam(o) => vec![
                ("lr", Float(o.lr)),
                ("betas", pair(o.betas)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("decoupled_weight_decay", Bool(o.decoupled_weight_decay)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::RmsProp(o) => vec![
                ("lr", Float(o.lr)),
                ("alpha", Float(o.alpha)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("momentum", Float(o.momentum)),
                ("centered", Bool(o.centered)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::Adagrad(o) => vec![
                ("lr", Float(o.lr)),
                ("lr_decay", Float(o.lr_decay)),
                ("weight_decay", Float(o.weight_decay)),
                ("initial_accumulator_value", Float(o.initial_accumulator_value)),
                ("eps", Float(o.eps)),
                ("maximize", Bool(o.maximize)),
            ],
            Optimizer::Adadelta(o) => vec![
                ("lr", Float(o.lr)),
                ("rho", Float(o.rho)),
                ("eps", Float(o.eps)),
                ("weight_decay", Float(o.weight_decay)),
                ("maximize", Bool(o.maximize)),
            ],
        }
    }

    /// The same optimiser with every option at its default.
    pub(super) fn plain(&self) -> Optimizer {
        match self {
            Optimizer::Sgd(_) => Optimizer::Sgd(Sgd::default()),
            Optimizer::Adam(_) => Optimizer::Adam(Adam::default()),
            Optimizer::AdamW(_) => Optimizer::AdamW(AdamW::default()),
            Optimizer::NAdam(_) => Optimizer::NAdam(NAdam::default()),
            Optimizer::RAdam(_) => Optimizer::RAdam(RAdam::default()),
            Optimizer::RmsProp(_) => Optimizer::RmsProp(RmsProp::default()),
            Optimizer::Adagrad(_) => Optimizer::Adagrad(Adagrad::default()),
            Optimizer::Adadelta(_) => Optimizer::Adadelta(Adadelta::default()),
        }
    }
}

impl fmt::Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changed: Vec<String> = self
            .options()
            .into_iter()
            .zip(self.plain().options())
            .filter(|(option, default)| option != default)
            .map(|((name, value), _)| match value {
                Literal::List(pair) => {
                    let texts: Vec<_> = pair.iter().map(|beta| beta.literal.to_string()).collect();
                    format!("{name}=({})", texts.join(", "))
                }
                value => format!("{name}={value}"),
            })
            .collect();
        write!(f, "{}({})", self.name(), changed.join(", "))
    }
}

fn pair(betas: (f64, f64)) -> Literal {
    let item = |value| Spanned { literal: Literal::Float(value), span: 0..0 };
    Literal::List(vec![item(betas.0), item(betas.1)])
}

/// What is wrong with a number, in PyTorch's words. Steps are computed in f32, so it must fit there.
fn number_fault(option: &'static str, kind: &str, value: f64) -> Option<Fault> {
    let fits = (value as f32).is_finite();
    let (allowed, range) = match kind {
        "rho" => ((0.0..=1.0).contains(&value), "in [0, 1]"),
        "betas" => ((0.0..1.0).contains(&value), "in [0, 1)"),
        "dampening" => (true, "finite"),
        _ => (value >= 0.0, "finite and at least 0"),
    };
    if fits && allowed {
        return None;
    }
    let literal = Literal::Float(value);
    let what = match kind {
        "lr" => format!("Invalid learning rate: {literal}"),
        "eps" => format!("Invalid epsilon value: {literal}"),
        _ => format!("Invalid {kind} value: {literal}"),
    };
    let help = match value.is_finite() && !fits {
        true => format!("{option} must fit in f32, at most 3.4e38 in size"),
        false => format!("{option} must be {range}"),
    };
    Some(Fault::new(option, what, help))
}

fn betas_fault(pair: &[Spanned]) -> Option<Fault> {
    pair.iter().enumerate().find_map(|(index, beta)| match beta.literal {
        Literal::Float(value) => number_fault("betas", "betas", value).map(|fault| Fault {
            what: format!("Invalid beta parameter at index {index}: {}", beta.literal),
            help: "both betas must be in [0, 1)".to_owned(),
            ..fault
        }),
        _ => None,
    })
}

fn read_sgd(arguments: &Arguments<'_>) -> Result<Sgd> {
    let default = Sgd::default();
    Ok(Sgd {
        lr: arguments.get("lr", default.lr)?,
        momentum: arguments.get("momentum", default.momentum)?,
        dampening: arguments.get("dampening", default.dampening)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        nesterov: arguments.get("nesterov", default.nesterov)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_adam(arguments: &Arguments<'_>) -> Result<Adam> {
    let default = Adam::default();
    Ok(Adam {
        lr: arguments.get("lr", default.lr)?,
        betas: arguments.get("betas", default.betas)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        amsgrad: arguments.get("amsgrad", default.amsgrad)?,
        maximize: arguments.get("maximize", default.maximize)?,
        decoupled_weight_decay: arguments
            .get("decoupled_weight_decay", default.decoupled_weight_decay)?,
    })
}

fn read_adamw(arguments: &Arguments<'_>) -> Result<AdamW> {
    let default = AdamW::default();
    Ok(AdamW {
        lr: arguments.get("lr", default.lr)?,
        betas: arguments.get("betas", default.betas)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        amsgrad: arguments.get("amsgrad", default.amsgrad)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_nadam(arguments: &Arguments<'_>) -> Result<NAdam> {
    let default = NAdam::default();
    Ok(NAdam {
        lr: arguments.get("lr", default.lr)?,
        betas: arguments.get("betas", default.betas)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        momentum_decay: arguments.get("momentum_decay", default.momentum_decay)?,
        decoupled_weight_decay: arguments
            .get("decoupled_weight_decay", default.decoupled_weight_decay)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_radam(arguments: &Arguments<'_>) -> Result<RAdam> {
    let default = RAdam::default();
    Ok(RAdam {
        lr: arguments.get("lr", default.lr)?,
        betas: arguments.get("betas", default.betas)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        decoupled_weight_decay: arguments
            .get("decoupled_weight_decay", default.decoupled_weight_decay)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_rmsprop(arguments: &Arguments<'_>) -> Result<RmsProp> {
    let default = RmsProp::default();
    Ok(RmsProp {
        lr: arguments.get("lr", default.lr)?,
        alpha: arguments.get("alpha", default.alpha)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        momentum: arguments.get("momentum", default.momentum)?,
        centered: arguments.get("centered", default.centered)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_adagrad(arguments: &Arguments<'_>) -> Result<Adagrad> {
    let default = Adagrad::default();
    Ok(Adagrad {
        lr: arguments.get("lr", default.lr)?,
        lr_decay: arguments.get("lr_decay", default.lr_decay)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        initial_accumulator_value: arguments
            .get("initial_accumulator_value", default.initial_accumulator_value)?,
        eps: arguments.get("eps", default.eps)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}

fn read_adadelta(arguments: &Arguments<'_>) -> Result<Adadelta> {
    let default = Adadelta::default();
    Ok(Adadelta {
        lr: arguments.get("lr", default.lr)?,
        rho: arguments.get("rho", default.rho)?,
        eps: arguments.get("eps", default.eps)?,
        weight_decay: arguments.get("weight_decay", default.weight_decay)?,
        maximize: arguments.get("maximize", default.maximize)?,
    })
}
