//! VNN-LIB: properties of networks as the verification competitions write them.
//!
//! A file declares inputs `X_0, X_1, …` and outputs `Y_0, …` and asserts what a *counterexample* meets: `<=`, `>=` and `=`
//! between linear expressions, joined by `and` and `or`. Numbers stand for the nearest f64. An input without a bound is
//! unbounded on that side.
//!
//! # Source
//! The VNN-LIB standard (vnnlib.org), and SMT-LIB 2.6, of which it is a small part.

mod formula;
mod tree;

use std::rc::Rc;

use glassnet::prove::{Case, Constraint, Interval, Property};
use glassnet::{Error, ErrorKind, Result};

use self::formula::{Comparison, Reader, Variable};
use self::tree::{Place, Tree};

/// A property with the numbers of inputs and outputs that its file declares.
#[derive(Clone, Debug, PartialEq)]
pub struct VnnLib {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of outputs.
    pub outputs: usize,
    /// What a counterexample is.
    pub property: Property,
}

/// The greatest number of variables of one sort.
const MOST_VARIABLES: usize = 1 << 22;
/// The greatest number of numbers that all cases' boxes have together.
const MOST_NUMBERS: usize = 1 << 24;
/// The greatest number of constraints that all cases have together.
const MOST_CONSTRAINTS: usize = 1 << 20;
/// Reads a property; `name` stands in messages.
///
/// # Errors
/// [`ErrorKind::Model`] with line and column when the text isn't VNN-LIB, or a box has a lower bound above its
/// upper one; [`ErrorKind::Limit`] when it asks for more than a property needs.
///
/// ```
/// let text = "(declare-const X_0 Real) (declare-const Y_0 Real)
///     (assert (>= X_0 0.0)) (assert (<= X_0 1.0))
///     (assert (or (<= Y_0 -1.0) (>= Y_0 1.0)))";
/// let read = glassnet_formats::vnnlib::read(text.as_bytes(), "p.vnnlib")?;
/// assert_eq!((read.inputs, read.outputs, read.property.cases.len()), (1, 1, 2));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read(bytes: &[u8], name: &str) -> Result<VnnLib> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Error::model(format!("byte {} is no UTF-8", error.valid_up_to())).at(name.to_owned())
    })?;
    // Some editors begin a file with a byte order mark, which says nothing.
    let commands = tree::parse(text.strip_prefix('\u{feff}').unwrap_or(text), name)?;
    let (inputs, outputs) = declarations(&commands, name)?;
    let known = |variable| match variable {
        Variable::Input(at) => at < inputs,
        Variable::Output(at) => at < outputs,
    };
    let reader = Reader { name, known: &known };
    let mut cases = vec![vec![]];
    let mut asserted = false;
    for command in &commands {
        match command.call() {
            Some(("assert", [formula])) => {
                cases = reader.both(cases, reader.cases(formula)?, command.place())?;
                asserted = true;
            }
            Some(("assert", _)) => {
                return Err(command.place().error(name, "assert has one formula"));
            }
            Some(_) | None => {}
        }
    }
    if !asserted {
        return Err(Error::model("nothing is asserted: every input would be a counterexample")
            .at(name.to_owned()));
    }
    if cases.len().saturating_mul(inputs) > MOST_NUMBERS {
        return Err(Error::new(
            ErrorKind::Limit,
            "the boxes of all cases have more than 2^24 numbers",
        )
        .at(name.to_owned()));
    }
    let (mut boxes, mut empty, mut constraints) = (vec![], None, 0);
    for case in cases {
        match boxed(&case, inputs, name)? {
            Ok(case) => {
                constraints += case.constraints.len();
                if constraints > MOST_CONSTRAINTS {
                    let what = "all cases together have more than 2^20 constraints";
                    return Err(Error::new(ErrorKind::Limit, what)
                        .at(name.to_owned())
                        .help("divide the property: a file for each part of its disjunctions"));
                }
                boxes.push(case);
            }
            Err(why) => empty = empty.or(Some(why)),
        }
    }
    // A case that no input fits has no counterexample; where that is so of all, something is mistaken.
    let cases = match empty {
        Some(why) if boxes.is_empty() => return Err(why),
        Some(_) | None => boxes,
    };
    Ok(VnnLib { inputs, outputs, property: Property { cases } })
}

/// The numbers of inputs and outputs, each of which is declared once.
fn declarations(commands: &[Tree<'_>], name: &str) -> Result<(usize, usize)> {
    let (mut inputs, mut outputs) = (vec![], vec![]);
    for command in commands {
        let place = command.place();
        match command.call() {
            Some((
                "declare-const" | "declare-fun",
                [Tree::Word(word, at), .., Tree::Word("Real", _)],
            )) => {
                let (list, number) = match Variable::parse(word) {
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
            Some((
                "assert" | "set-logic" | "set-info" | "set-option" | "check-sat" | "get-model"
                | "exit",
                _,
            )) => {}
            Some((word, _)) => {
                return Err(place.error(name, format!("{word:?} is no command of VNN-LIB")));
            }
            None => return Err(place.error(name, "a command in brackets is missing here")),
        }
    }
    Ok((counted(inputs, "X", name)?, counted(outputs, "Y", name)?))
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

/// A conjunction as a box and the constraints that are none of its sides, or why no input fits it.
fn boxed(
    comparisons: &[Rc<Comparison>],
    inputs: usize,
    name: &str,
) -> Result<std::result::Result<Case, Error>> {
    let mut sides = vec![(f64::NEG_INFINITY, f64::INFINITY, None); inputs];
    let mut constraints = vec![];
    for comparison in comparisons {
        let Comparison { factors, constant, place } = comparison.as_ref();
        let (constant, place) = (*constant, *place);
        let mut only = factors.iter();
        match (only.next(), only.next()) {
            (Some((&Variable::Input(at), &factor)), None) if factor.abs() == 1.0 => {
                // ±x + c ≤ 0
                let (lo, hi, last) = &mut sides[at];
                if factor > 0.0 {
                    // Without the sign of a zero.
                    *hi = hi.min(0.0 - constant);
                } else {
                    *lo = lo.max(constant);
                }
                *last = Some(place);
                if *lo > *hi {
                    let what =
                        format!("the lower bound {lo} of X_{at} is above its upper bound {hi}");
                    return Ok(Err(place.error(name, what)));
                }
            }
            (first, _) => {
                if first.is_none() {
                    if constant <= 0.0 {
                        continue;
                    }
                    return Ok(Err(place.error(name, "the comparison is never true")));
                }
                if !constant.is_finite() {
                    return Err(place.error(name, "only a bound of an input may be infinite"));
                }
                constraints.push(constraint(factors, constant));
            }
        }
    }
    let domain = sides.iter().enumerate().map(|(at, &(lo, hi, place))| {
        Interval::new(lo, hi).map_err(|error| match place {
            Some(place) => place.error(name, format!("X_{at}: {}", error.what())),
            None => error.at(name.to_owned()),
        })
    });
    Ok(Ok(Case { domain: domain.collect::<Result<_>>()?, constraints }))
}

fn constraint(factors: &std::collections::BTreeMap<Variable, f64>, constant: f64) -> Constraint {
    let mut constraint = Constraint { constant, ..Constraint::default() };
    for (variable, factor) in factors {
        match variable {
            Variable::Input(at) => constraint.inputs.push((*at, *factor)),
            Variable::Output(at) => constraint.outputs.push((*at, *factor)),
        }
    }
    constraint
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n";

    fn property(assertions: &str) -> Result<Property> {
        read(format!("{DECLARED}{assertions}").as_bytes(), "p").map(|read| read.property)
    }

    #[test]
    fn sides_of_the_box_and_constraints_are_told_apart() {
        let text = "(assert (<= X_0 0.5)) (assert (>= X_0 -0.5)) (assert (<= 0 X_1)) (assert (<= Y_1 Y_0)) (assert (>= X_0 X_1))";
        let property = property(text).unwrap();
        let [case] = property.cases.as_slice() else { panic!("one case") };
        assert_eq!(case.domain[0], Interval::new(-0.5, 0.5).unwrap());
        assert_eq!(case.domain[1], Interval::new(0.0, f64::INFINITY).unwrap());
        assert_eq!(case.constraints[0].outputs, [(0, -1.0), (1, 1.0)]);
        assert_eq!(case.constraints[1].inputs, [(0, -1.0), (1, 1.0)]);
    }

    #[test]
    fn disjunctions_become_cases() {
        let text = "(assert (or (and (<= X_0 0) (>= Y_0 1)) (and (>= X_0 0) (>= Y_1 1)))) ; comment
            (assert (or (<= Y_0 0) (and (<= Y_1 0)) (= Y_0 (+ (* 2 Y_1) (- 3)))))";
        let property = property(text).unwrap();
        assert_eq!(property.cases.len(), 6);
        assert_eq!(property.cases[2].constraints.len(), 3);
        assert_eq!(property.cases[2].constraints[1].constant, 3.0);
    }

    #[test]
    fn line_ends_and_marks_of_other_systems_change_nothing() {
        let text = format!("{DECLARED}(assert (<= X_0 1)) ; a box\n(assert\n\t(>= Y_0 2))\n");
        let plain = read(text.as_bytes(), "p").unwrap();
        for other in
            [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), text.trim_end().to_owned()]
        {
            assert_eq!(read(other.as_bytes(), "p").unwrap(), plain);
        }
    }

    #[test]
    fn cases_that_no_input_fits_are_left_out() {
        let text = "(assert (<= X_0 0)) (assert (or (and (>= X_0 1) (>= Y_0 1)) (and (>= X_0 -1) (>= Y_1 1)) (and (>= 0 1) (>= Y_0 0))))";
        let property = property(text).unwrap();
        let [case] = property.cases.as_slice() else { panic!("one case") };
        assert_eq!(case.domain[0], Interval::new(-1.0, 0.0).unwrap());
        assert!(case.domain[0].hi().is_sign_positive());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, message) in [
            (
                "(assert (<= X_0 -1)) (assert (>= X_0 1))",
                "the lower bound 1 of X_0 is above its upper bound -1; p:5:30",
            ),
            ("(assert (<= X_0 NaN))", "a bound is NaN; p:5:17"),
            ("(assert (<= X_2 0))", "X_2 is not declared; p:5:13; add (declare-const X_2 Real)"),
            ("(assert (or))", "or has no parts; p:5:9"),
            ("(assert (or (<= Y_0 0) (and)))", "and has no parts; p:5:24"),
            ("(assert (< X_0 0))", "< is not read: bounds are closed; p:5:9; write <="),
            ("(assert (<= X_0 1e400))", "1e400 is too large for a float; p:5:17"),
            ("(assert (<= (* X_0 X_1) 1))", "a product of two variables is not linear; p:5:13"),
            ("(assert (<= X_0 1)", "a bracket is not closed; p:5:1"),
            ("(assert (<= X_0 1)))", "a bracket is closed that was not opened; p:5:20"),
            ("(prove X_0)", "\"prove\" is no command of VNN-LIB; p:5:1"),
            ("(declare-const X_3 Real)", "X_2 is not declared, X_3 is; p:5:16"),
            ("", "nothing is asserted: every input would be a counterexample; p"),
        ] {
            assert_eq!(property(text).unwrap_err().to_string(), message);
        }
        let deep = format!("{}{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(property(&deep).unwrap_err().kind(), ErrorKind::Limit);
        // Few bytes that become many constraints.
        let many = "(assert (<= Y_0 Y_1))".repeat(400);
        let wide = "(assert (or (<= Y_0 0) (<= Y_1 0)))".repeat(12);
        let error = property(&format!("{many}{wide}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        let wide = "(assert (or (<= Y_0 0) (<= Y_1 0)))".repeat(40);
        assert_eq!(property(&wide).unwrap_err().kind(), ErrorKind::Limit);
    }
}
