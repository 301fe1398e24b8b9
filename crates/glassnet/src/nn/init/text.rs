//! Initialisers as text: PyTorch's call, `kaiming_uniform_(a=0, mode='fan_in', nonlinearity='relu')`.

use std::fmt;
use std::str::FromStr;

use super::{FanMode, Init, Nonlinearity};
use crate::error::{Error, Result};

/// An initialiser's name, the names of its arguments in PyTorch's order, and how it is made of them.
struct Signature {
    name: &'static str,
    parameters: &'static [&'static str],
    build: fn(&Call<'_>) -> Result<Init>,
}

static SIGNATURES: [Signature; 12] = [
    Signature { name: "uniform_", parameters: &["a", "b"], build: uniform },
    Signature { name: "normal_", parameters: &["mean", "std"], build: normal },
    Signature {
        name: "trunc_normal_",
        parameters: &["mean", "std", "a", "b"],
        build: trunc_normal,
    },
    Signature { name: "constant_", parameters: &["val"], build: constant },
    Signature { name: "zeros_", parameters: &[], build: |_| Ok(Init::Zeros) },
    Signature { name: "ones_", parameters: &[], build: |_| Ok(Init::Ones) },
    Signature { name: "eye_", parameters: &[], build: |_| Ok(Init::Eye) },
    Signature { name: "kaiming_uniform_", parameters: KAIMING, build: kaiming_uniform },
    Signature { name: "kaiming_normal_", parameters: KAIMING, build: kaiming_normal },
    Signature { name: "xavier_uniform_", parameters: &["gain"], build: xavier_uniform },
    Signature { name: "xavier_normal_", parameters: &["gain"], build: xavier_normal },
    Signature { name: "orthogonal_", parameters: &["gain"], build: orthogonal },
];

const KAIMING: &[&str] = &["a", "mode", "nonlinearity"];

fn uniform(call: &Call<'_>) -> Result<Init> {
    Ok(Init::Uniform { a: call.number("a", 0.0)?, b: call.number("b", 1.0)? })
}

fn normal(call: &Call<'_>) -> Result<Init> {
    Ok(Init::Normal { mean: call.number("mean", 0.0)?, std: call.number("std", 1.0)? })
}

fn trunc_normal(call: &Call<'_>) -> Result<Init> {
    Ok(Init::TruncNormal {
        mean: call.number("mean", 0.0)?,
        std: call.number("std", 1.0)?,
        a: call.number("a", -2.0)?,
        b: call.number("b", 2.0)?,
    })
}

fn constant(call: &Call<'_>) -> Result<Init> {
    Ok(Init::Constant(call.required_number("val")?))
}

fn kaiming_uniform(call: &Call<'_>) -> Result<Init> {
    let (mode, nonlinearity) = (call.name("mode")?, call.name("nonlinearity")?);
    Ok(Init::KaimingUniform { a: call.number("a", 0.0)?, mode, nonlinearity })
}

fn kaiming_normal(call: &Call<'_>) -> Result<Init> {
    let (mode, nonlinearity) = (call.name("mode")?, call.name("nonlinearity")?);
    Ok(Init::KaimingNormal { a: call.number("a", 0.0)?, mode, nonlinearity })
}

fn xavier_uniform(call: &Call<'_>) -> Result<Init> {
    Ok(Init::XavierUniform { gain: call.number("gain", 1.0)? })
}

fn xavier_normal(call: &Call<'_>) -> Result<Init> {
    Ok(Init::XavierNormal { gain: call.number("gain", 1.0)? })
}

fn orthogonal(call: &Call<'_>) -> Result<Init> {
    Ok(Init::Orthogonal { gain: call.number("gain", 1.0)? })
}

const NONLINEARITIES: [(&str, Nonlinearity); 6] = [
    ("linear", Nonlinearity::Linear),
    ("sigmoid", Nonlinearity::Sigmoid),
    ("tanh", Nonlinearity::Tanh),
    ("relu", Nonlinearity::Relu),
    ("leaky_relu", Nonlinearity::LeakyRelu),
    ("selu", Nonlinearity::Selu),
];

const FAN_MODES: [(&str, FanMode); 2] = [("fan_in", FanMode::FanIn), ("fan_out", FanMode::FanOut)];

impl fmt::Display for FanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FanMode::FanIn => "fan_in",
            FanMode::FanOut => "fan_out",
        })
    }
}

impl FromStr for FanMode {
    type Err = Error;

    /// Reads `fan_in` or `fan_out`, in any case as PyTorch does.
    fn from_str(text: &str) -> Result<Self> {
        named(&FAN_MODES, &text.to_lowercase()).ok_or_else(|| {
            Error::usage(format!(
                "Mode {text} not supported, please use one of ['fan_in', 'fan_out']"
            ))
        })
    }
}

impl fmt::Display for Nonlinearity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Nonlinearity::Linear => "linear",
            Nonlinearity::Sigmoid => "sigmoid",
            Nonlinearity::Tanh => "tanh",
            Nonlinearity::Relu => "relu",
            Nonlinearity::LeakyRelu => "leaky_relu",
            Nonlinearity::Selu => "selu",
        })
    }
}

impl FromStr for Nonlinearity {
    type Err = Error;

    /// Reads the name in `torch.nn.functional`.
    fn from_str(text: &str) -> Result<Self> {
        named(&NONLINEARITIES, text).ok_or_else(|| {
            let known: Vec<&str> = NONLINEARITIES.iter().map(|(name, _)| *name).collect();
            Error::usage(format!("Unsupported nonlinearity {text}"))
                .help(format!("use one of {}", known.join(", ")))
        })
    }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Init::Uniform { a, b } => write!(f, "uniform_(a={}, b={})", Number(a), Number(b)),
            Init::Normal { mean, std } => {
                write!(f, "normal_(mean={}, std={})", Number(mean), Number(std))
            }
            Init::TruncNormal { mean, std, a, b } => write!(
                f,
                "trunc_normal_(mean={}, std={}, a={}, b={})",
                Number(mean),
                Number(std),
                Number(a),
                Number(b)
            ),
            Init::Constant(val) => write!(f, "constant_(val={})", Number(val)),
            Init::Zeros => f.write_str("zeros_()"),
            Init::Ones => f.write_str("ones_()"),
            Init::Eye => f.write_str("eye_()"),
            Init::KaimingUniform { a, mode, nonlinearity } => {
                let a = Number(a);
                write!(f, "kaiming_uniform_(a={a}, mode='{mode}', nonlinearity='{nonlinearity}')")
            }
            Init::KaimingNormal { a, mode, nonlinearity } => {
                let a = Number(a);
                write!(f, "kaiming_normal_(a={a}, mode='{mode}', nonlinearity='{nonlinearity}')")
            }
            Init::XavierUniform { gain } => write!(f, "xavier_uniform_(gain={})", Number(gain)),
            Init::XavierNormal { gain } => write!(f, "xavier_normal_(gain={})", Number(gain)),
            Init::Orthogonal { gain } => write!(f, "orthogonal_(gain={})", Number(gain)),
        }
    }
}

/// Shortest digits that read back, with an exponent where Python would print one.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-4..1e16).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

impl FromStr for Init {
    type Err = Error;

    /// Reads `name(argument, …)`; arguments are numbers or quoted names, in PyTorch's order or as `name=value`.
    /// A bare `name` stands for `name()`.
    fn from_str(text: &str) -> Result<Self> {
        let call = Call::parse(text)?;
        (call.signature.build)(&call)
    }
}

/// A call with its arguments sorted to their names.
struct Call<'a> {
    text: &'a str,
    signature: &'static Signature,
    arguments: Vec<(&'static str, &'a str)>,
}

impl<'a> Call<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let trimmed = text.trim();
        let (name, inside) = match trimmed.split_once('(') {
            None => (trimmed, ""),
            Some((name, rest)) => {
                let inside = rest.strip_suffix(')').ok_or_else(|| {
                    unreadable(text, "", "the call does not end with ')'").help("close the bracket")
                })?;
                (name.trim(), inside)
            }
        };
        let bare = name.strip_prefix("torch.").unwrap_or(name);
        let bare = bare.strip_prefix("nn.init.").or(bare.strip_prefix("init.")).unwrap_or(bare);
        let signature =
            SIGNATURES.iter().find(|signature| signature.name == bare).ok_or_else(|| {
                let known: Vec<&str> = SIGNATURES.iter().map(|signature| signature.name).collect();
                unreadable(text, name, format!("there is no initialiser \"{name}\""))
                    .help(format!("use one of {}", known.join(", ")))
            })?;
        let mut call = Call { text, signature, arguments: vec![] };
        call.read_arguments(inside)?;
        Ok(call)
    }

    fn read_arguments(&mut self, inside: &'a str) -> Result<()> {
        let parameters = self.signature.parameters;
        if inside.trim().is_empty() {
            return Ok(());
        }
        // As in Python, one comma may follow the last argument.
        let inside = inside.trim_end().strip_suffix(',').unwrap_or(inside);
        let mut keywords_began = false;
        for (place, argument) in inside.split(',').enumerate() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (Some(name.trim()), value.trim()),
                None => (None, argument.trim()),
            };
            keywords_began |= name.is_some();
            if name.is_none() && keywords_began {
                return Err(self.bad(argument, "positional argument follows keyword argument"));
            }
            let found = match name {
                Some(name) => parameters.iter().find(|known| **known == name),
                None => parameters.get(place),
            };
            let Some(&parameter) = found else {
                return Err(self.unexpected(argument, name));
            };
            if self.argument(parameter).is_some() {
                return Err(self.bad(argument, format!("\"{parameter}\" is given twice")));
            }
            self.arguments.push((parameter, value));
        }
        Ok(())
    }

    fn unexpected(&self, argument: &str, name: Option<&str>) -> Error {
        let Signature { name: function, parameters, .. } = self.signature;
        let what = match name {
            Some(name) => format!("{function} has no argument \"{name}\""),
            None => format!("{function} takes at most {} arguments", parameters.len()),
        };
        let help = if parameters.is_empty() {
            format!("write {function}()")
        } else {
            format!("its arguments are {}", parameters.join(", "))
        };
        self.bad(argument, what).help(help)
    }

    fn argument(&self, name: &str) -> Option<&'a str> {
        self.arguments.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn number(&self, name: &str, default: f64) -> Result<f64> {
        let Some(value) = self.argument(name) else {
            return Ok(default);
        };
        value.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| {
            self.bad(value, format!("{name} must be a finite number, it is {value}"))
                .help(format!("write for example {name}={}", Number(default)))
        })
    }

    fn required_number(&self, name: &str) -> Result<f64> {
        if self.argument(name).is_none() {
            return Err(self
                .bad("", format!("{} needs its argument {name}", self.signature.name))
                .help(format!("write for example {}({name}=0.1)", self.signature.name)));
        }
        self.number(name, 0.1)
    }

    fn name<T: FromStr<Err = Error> + Default>(&self, name: &str) -> Result<T> {
        let Some(value) = self.argument(name) else {
            return Ok(T::default());
        };
        let quoted = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        let Some(word) = quoted('\'').or_else(|| quoted('"')) else {
            return Err(self
                .bad(value, format!("{name} must be a name in quotes, it is {value}"))
                .help(format!("write {name}='{value}'")));
        };
        word.parse().map_err(|error: Error| with_caret(error, self.text, value))
    }

    fn bad(&self, part: &str, what: impl Into<String>) -> Error {
        unreadable(self.text, part.trim(), what)
    }
}

fn unreadable(text: &str, part: &str, what: impl Into<String>) -> Error {
    with_caret(Error::usage(what), text, part)
}

/// Adds the text and a line of carets below `part`, a slice of `text`; below its end if `part` is empty.
fn with_caret(error: Error, text: &str, part: &str) -> Error {
    let start = (part.as_ptr() as usize)
        .checked_sub(text.as_ptr() as usize)
        .filter(|start| !part.is_empty() && start + part.len() <= text.len());
    let (before, width) = match start {
        Some(start) => (&text[..start], part.chars().count()),
        None => (text, 1),
    };
    error.at("the initialiser").pointing(text, before.chars().count(), width)
}
