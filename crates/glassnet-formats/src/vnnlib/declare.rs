//! What is declared: `X_0`, `Y_0`, … of version 1, or the tensors of version 2's one network.

use std::collections::HashMap;

use glassnet::{Error, ErrorKind, Result};

use super::formula::Variable;
use super::tree::{Place, Tree};

/// The greatest number of variables of one sort.
const MOST_VARIABLES: usize = 1 << 22;

/// A tensor that version 2 declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What the property calls it.
    pub name: String,
    /// What the network's file calls it, where the property says so.
    pub file_name: Option<String>,
    /// Its shape; of a scalar empty.
    pub shape: Vec<usize>,
    /// Whether it is an input.
    pub is_input: bool,
    /// Its first element's number among all inputs, or outputs.
    first: usize,
}

impl Tensor {
    /// The number of elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The variables of a property.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) tensors: Vec<Tensor>,
    places: HashMap<String, usize>,
}

impl Declared {
    /// What the commands declare, each variable once.
    pub(super) fn read(commands: &[Tree<'_>], name: &str) -> Result<Self> {
        let (mut inputs, mut outputs, mut networks) = (vec![], vec![], vec![]);
        for command in commands {
            let place = command.place();
            match command.call() {
                Some((
                    "declare-const" | "declare-fun",
                    [Tree::Word(word, at), .., Tree::Word("Real", _)],
                )) => {
                    let (list, number) = match plain(word) {
                        Some(Variable::Input(number)) => (&mut inputs, number),
                        Some(Variable::Output(number)) => (&mut outputs, number),
                        None => {
                            return Err(at.error(
                                name,
                                format!("{word:?} is no variable X_0, X_1, … or Y_0, Y_1, …"),
                            ));
                        }
                    };
                    list.push((number, *at));
                }
                Some(("declare-const" | "declare-fun", _)) => {
                    return Err(place
                        .error(name, "the declaration is not one of a real variable")
                        .help("write (declare-const X_0 Real)"));
                }
                Some(("declare-network", parts)) => networks.push((place, parts)),
                Some((
                    "assert" | "set-logic" | "set-info" | "set-option" | "check-sat" | "get-model"
                    | "exit",
                    _,
                )) => {}
                Some(("vnnlib-version", parts)) => version(parts, place, name)?,
                Some((word, _)) => {
                    return Err(place.error(name, format!("{word:?} is no command of VNN-LIB")));
                }
                None => return Err(place.error(name, "a command in brackets is missing here")),
            }
        }
        match &networks[..] {
            [] => Ok(Declared {
                inputs: counted(inputs, "X", name)?,
                outputs: counted(outputs, "Y", name)?,
                ..Declared::default()
            }),
            [(place, parts)] if inputs.is_empty() && outputs.is_empty() => {
                network(parts, *place, name)
            }
            [(place, _)] => {
                Err(place.error(name, "variables are declared both by themselves and of a network"))
            }
            [_, (place, _), ..] => Err(Error::unsupported(
                "a property of several networks",
                "the prover",
                "one network is given",
            )
            .at(format!("{name}:{}:{}", place.line, place.column))
            .help("'glassnet equal A B' compares two networks")),
        }
    }

    /// The variable that a word names; `None` for what is no name, as a number.
    pub(super) fn variable(
        &self,
        word: &str,
        place: Place,
        name: &str,
    ) -> Result<Option<Variable>> {
        if self.tensors.is_empty() {
            let Some(variable) = plain(word) else { return Ok(None) };
            let known = match variable {
                Variable::Input(at) => at < self.inputs,
                Variable::Output(at) => at < self.outputs,
            };
            return match known {
                true => Ok(Some(variable)),
                false => Err(place
                    .error(name, format!("{word} is not declared"))
                    .help(format!("add (declare-const {word} Real)"))),
            };
        }
        let (tensor, index) = word.split_once('[').unwrap_or((word, "]"));
        let (tensor, index) = (tensor.trim_end(), index.strip_suffix(']').unwrap_or("?"));
        let Some(&at) = self.places.get(tensor) else {
            let is_name = tensor.starts_with(|c: char| c.is_ascii_alphabetic())
                && !matches!(tensor.to_ascii_lowercase().as_str(), "inf" | "infinity" | "nan");
            return match is_name {
                true => Err(place
                    .error(name, format!("{tensor} is not declared"))
                    .help("declare it as an input or output of the network")),
                false => Ok(None),
            };
        };
        let tensor = &self.tensors[at];
        let outside = || {
            place.error(name, format!("{word} is outside of the declared shape {:?}", tensor.shape))
        };
        let given: Vec<&str> =
            index.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
        if given.len() != tensor.shape.len() {
            let what = format!(
                "{} has {} axes, and {} indices are given",
                tensor.name,
                tensor.shape.len(),
                given.len()
            );
            return Err(place.error(name, what));
        }
        let mut number = 0;
        for (one, &length) in given.iter().zip(&tensor.shape) {
            let one = one.parse::<usize>().ok().filter(|&one| one < length);
            number = number * length + one.ok_or_else(outside)?;
        }
        let number = tensor.first + number;
        Ok(Some(if tensor.is_input { Variable::Input(number) } else { Variable::Output(number) }))
    }

    /// Examples of names, for messages.
    pub(super) fn such_as(&self) -> String {
        match self.tensors.first() {
            None => "X_0, … or Y_0, …".to_owned(),
            Some(tensor) => {
                let zeros = vec!["0"; tensor.shape.len()].join(",");
                format!("such as {}[{zeros}]", tensor.name)
            }
        }
    }
}

/// The variable that `X_3` or `Y_0` names.
fn plain(word: &str) -> Option<Variable> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    };
    if let Some(digits) = word.strip_prefix("X_") {
        number(digits).map(Variable::Input)
    } else {
        number(word.strip_prefix("Y_")?).map(Variable::Output)
    }
}

fn version(parts: &[Tree<'_>], place: Place, name: &str) -> Result<()> {
    let [Tree::Word(word, _)] = parts else {
        return Err(place.error(name, "vnnlib-version has one version, such as <2.0>"));
    };
    let major = word.trim_matches(['<', '>']).split('.').next();
    if matches!(major, Some("1" | "2")) {
        Ok(())
    } else {
        Err(Error::unsupported(
            &format!("version {word} of VNN-LIB"),
            "the prover",
            "1 and 2 are read",
        )
        .at(format!("{name}:{}:{}", place.line, place.column)))
    }
}

/// The tensors of `(declare-network NAME …)`.
fn network(parts: &[Tree<'_>], place: Place, name: &str) -> Result<Declared> {
    let mut declared = Declared::default();
    let Some((Tree::Word(..), parts)) = parts.split_first() else {
        return Err(place.error(name, "the network has no name"));
    };
    for part in parts {
        let at = part.place();
        let unsupported = |what: &str, why: &str| {
            Err(Error::unsupported(what, "the prover", why)
                .at(format!("{name}:{}:{}", at.line, at.column)))
        };
        let (word, rest) = part.call().unwrap_or(("", &[]));
        let is_input = match word {
            "declare-input" => true,
            "declare-output" => false,
            "declare-hidden" => {
                return unsupported(
                    "a hidden value in a property",
                    "inputs and outputs are; make it an output of the network",
                );
            }
            "equal-to" | "isomorphic-to" => {
                return unsupported(&format!("{word:?}"), "one network is given");
            }
            other => {
                let what = format!("{other:?} is no declare-input or declare-output");
                return Err(at.error(name, what));
            }
        };
        let (Some(tensor), kind) = tensor(rest, is_input) else {
            return Err(at
                .error(name, format!("{word} has a name, a type and a shape"))
                .help(format!("write such as ({word} X Real [1,5])")));
        };
        if !matches!(kind, "Real" | "real" | "float16" | "float32" | "float64" | "bfloat16") {
            return unsupported(&format!("a tensor of {kind}"), "properties are about reals");
        }
        let sum = if is_input { &mut declared.inputs } else { &mut declared.outputs };
        let tensor = Tensor { first: *sum, ..tensor };
        *sum = sum.saturating_add(tensor.size());
        if *sum > MOST_VARIABLES {
            return Err(too_many(if is_input { "inputs" } else { "outputs" }, name));
        }
        let number = declared.tensors.len();
        if declared.places.insert(tensor.name.clone(), number).is_some() {
            return Err(at.error(name, format!("{} is declared twice", tensor.name)));
        }
        declared.tensors.push(tensor);
    }
    if declared.inputs == 0 || declared.outputs == 0 {
        return Err(place.error(name, "the network has no inputs or no outputs"));
    }
    Ok(declared)
}

/// A tensor of what stands in its declaration, and its type.
fn tensor<'a>(parts: &[Tree<'a>], is_input: bool) -> (Option<Tensor>, &'a str) {
    let words: Option<Vec<&'a str>> = parts
        .iter()
        .map(|part| match part {
            Tree::Word(word, _) => Some(*word),
            Tree::List(..) => None,
        })
        .collect();
    let words = words.unwrap_or_default();
    let [name, kind, shape, rest @ ..] = words.as_slice() else { return (None, "") };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let inside = shape.strip_prefix('[').and_then(|shape| shape.strip_suffix(']'));
    let lengths: Option<Vec<usize>> = inside.and_then(|inside| {
        let given = inside.split([',', ' ']).map(str::trim).filter(|one| !one.is_empty());
        given.map(|one| one.parse().ok().filter(|&one| one <= MOST_VARIABLES)).collect()
    });
    let size = lengths.as_ref().map(|it| it.iter().try_fold(1_usize, |a, &b| a.checked_mul(b)));
    let (true, Some(shape), Some(Some(_))) = (is_name, lengths, size) else { return (None, kind) };
    let file_name = match rest {
        [] => None,
        [quoted] => Some(quoted.trim_matches('"').to_owned()),
        _ => return (None, kind), // not operations: more than a declaration has
    };
    (Some(Tensor { name: (*name).to_owned(), file_name, shape, is_input, first: 0 }), kind)
}

fn too_many(what: &str, name: &str) -> Error {
    Error::new(ErrorKind::Limit, format!("more than 2^22 {what}")).at(name.to_owned())
}

/// How many variables were declared, when they are numbered from 0 without a gap.
fn counted(mut declared: Vec<(usize, Place)>, letter: &str, name: &str) -> Result<usize> {
    if declared.len() > MOST_VARIABLES {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("more than 2^22 variables {letter}_0, …"),
        )
        .at(name.to_owned()));
    }
    declared.sort_by_key(|(number, _)| *number);
    for (expected, (number, place)) in declared.iter().enumerate() {
        if *number < expected {
            return Err(place.error(name, format!("{letter}_{number} is declared twice")));
        }
        if *number > expected {
            return Err(place.error(
                name,
                format!("{letter}_{expected} is not declared, {letter}_{number} is"),
            ));
        }
    }
    if declared.is_empty() {
        let what = format!("no variable {letter}_0 is declared");
        return Err(Error::model(what).at(name.to_owned()));
    }
    Ok(declared.len())
}
