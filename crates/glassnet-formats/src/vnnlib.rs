//! VNN-LIB: properties of networks as the verification competitions write them.
//!
//! A file declares inputs `X_0, X_1, …` and outputs `Y_0, …` and asserts what a *counterexample* meets: `<=`, `>=` and `=`
//! between linear expressions, joined by `and` and `or`. Numbers stand for the nearest f64. An input without a bound is
//! unbounded on that side.
//!
//! Version 2 declares a network's tensors, `(declare-network f (declare-input X Real [1,5]) …)`, and names their elements
//! `X[0,3]`; they are numbered tensor by tensor, as version 1 numbers variables. Of several networks, and of hidden values,
//! nothing is read.
//!
//! # Source
//! The VNN-LIB standard (vnnlib.org), and SMT-LIB 2.6, of which version 1 is a small part.

mod declare;
mod formula;
mod tree;

use std::rc::Rc;

use glassnet::prove::{Case, Constraint, Interval, Property, Witness};
use glassnet::{Error, ErrorKind, Result};

use self::declare::Declared;
pub use self::declare::Tensor;
use self::formula::{Comparison, Reader, Variable};

/// A property with the numbers of inputs and outputs that its file declares.
#[derive(Clone, Debug, PartialEq)]
pub struct VnnLib {
    /// The number of inputs.
    pub inputs: usize,
    /// The number of outputs.
    pub outputs: usize,
    /// What a counterexample is; where something must be less than a bound, with the bound itself.
    pub property: Property,
    /// For each case what must be less than 0 in a counterexample, not only at most.
    pub strict: Vec<Vec<Constraint>>,
    /// The tensors that version 2 declares, inputs before outputs; version 1 has none.
    pub tensors: Vec<Tensor>,
}

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
    let declared = Declared::read(&commands, name)?;
    let (inputs, outputs) = (declared.inputs, declared.outputs);
    let reader = Reader { name, declared: &declared };
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
    let (mut boxes, mut strict, mut empty, mut constraints) = (vec![], vec![], None, 0);
    for case in cases {
        let less = case.iter().filter(|it| it.strict);
        let less = less.map(|it| constraint(&it.factors, it.constant)).collect();
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
                strict.push(less);
            }
            Err(why) => empty = empty.or(Some(why)),
        }
    }
    // A case that no input fits has no counterexample; where that is so of all, something is mistaken.
    let cases = match empty {
        Some(why) if boxes.is_empty() => return Err(why),
        Some(_) | None => boxes,
    };
    Ok(VnnLib { inputs, outputs, property: Property { cases }, strict, tensors: declared.tensors })
}

impl VnnLib {
    /// The property with its tensors in the order in which the network's file has them: names and sizes of its inputs and
    /// outputs. Tensors without a file's name are in its order already.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] when a name isn't one of the file's, or the sizes differ.
    pub fn in_order_of(
        mut self,
        inputs: &[(&str, usize)],
        outputs: &[(&str, usize)],
        name: &str,
    ) -> Result<VnnLib> {
        let sort = |is_input: bool| self.tensors.iter().filter(move |it| it.is_input == is_input);
        let to_inputs = order(&sort(true).collect::<Vec<_>>(), inputs, name)?;
        let to_outputs = order(&sort(false).collect::<Vec<_>>(), outputs, name)?;
        let moved = |to: &Option<Vec<usize>>, list: &mut Vec<(usize, f64)>| {
            if let Some(to) = to {
                list.iter_mut().for_each(|(at, _)| *at = to[*at]);
                list.sort_unstable_by_key(|(at, _)| *at);
            }
        };
        let constraints = self.property.cases.iter_mut().flat_map(|case| &mut case.constraints);
        for constraint in constraints.chain(self.strict.iter_mut().flatten()) {
            moved(&to_inputs, &mut constraint.inputs);
            moved(&to_outputs, &mut constraint.outputs);
        }
        if let Some(to) = to_inputs {
            for case in &mut self.property.cases {
                let before = case.domain.clone();
                before.into_iter().zip(&to).for_each(|(range, &at)| case.domain[at] = range);
            }
        }
        Ok(self)
    }

    /// Whether a counterexample of the property meets what must be less than a bound, too.
    pub fn is_met_strictly(&self, witness: &Witness) -> bool {
        let strict = self.strict.get(witness.case);
        strict.is_none_or(|strict| strict.iter().all(|it| it.is_strict_at(witness)))
    }
}

/// Where each element stands in the file's order; `None` where it is this order.
fn order(declared: &[&Tensor], file: &[(&str, usize)], name: &str) -> Result<Option<Vec<usize>>> {
    if declared.len() < 2 || declared.iter().any(|tensor| tensor.file_name.is_none()) {
        return Ok(None);
    }
    let mut to = vec![];
    let mut seen = vec![];
    for tensor in declared {
        let wanted = tensor.file_name.as_deref().unwrap_or_default();
        let Some(at) = file.iter().position(|(known, _)| *known == wanted) else {
            let known: Vec<&str> = file.iter().map(|(known, _)| *known).collect();
            let what = format!("the network's file has no {wanted:?} to be {}", tensor.name);
            return Err(Error::model(what)
                .at(name.to_owned())
                .detail(format!("it has {}", known.join(", "))));
        };
        if file[at].1 != tensor.size() || seen.contains(&at) {
            let what = format!(
                "{} has {} elements, {wanted:?} of the network's file {}, and each is declared once",
                tensor.name,
                tensor.size(),
                file[at].1
            );
            return Err(Error::model(what).at(name.to_owned()));
        }
        seen.push(at);
        let first: usize = file[..at].iter().map(|(_, size)| size).sum();
        to.extend(first..first + tensor.size());
    }
    let all: usize = file.iter().map(|(_, size)| size).sum();
    if to.len() != all {
        return Err(
            Error::model("a tensor of the network's file is not declared").at(name.to_owned())
        );
    }
    Ok(Some(to))
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
        let Comparison { factors, constant, strict, place } = comparison.as_ref();
        let (constant, strict, place) = (*constant, *strict, *place);
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
                if *lo > *hi || (strict && *lo == *hi) {
                    let what =
                        format!("the lower bound {lo} of X_{at} is above its upper bound {hi}");
                    return Ok(Err(place.error(name, what)));
                }
            }
            (first, _) => {
                if first.is_none() {
                    if constant < 0.0 || (constant == 0.0 && !strict) {
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
    fn the_second_version_names_elements_of_tensors() {
        let second = "(vnnlib-version <2.0>)
            (declare-network f (declare-input in0 Real [1,2] \"a b\") (declare-input s float32 [])
                (declare-output Y Real [1, 2]))
            (assert (<= in0[0,1] 1.0)) (assert (< s 2)) (assert (== s (* 2.0 in0 [0, 0])))
            (assert (!= Y[0,0] Y [0,1]))";
        let read_second = read(second.as_bytes(), "p").unwrap();
        assert_eq!((read_second.inputs, read_second.outputs), (3, 2));
        assert_eq!(read_second.tensors[0].file_name.as_deref(), Some("a b"));
        assert_eq!(read_second.tensors[2].shape, [1, 2]);
        let first = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const X_2 Real)
            (declare-const Y_0 Real) (declare-const Y_1 Real)
            (assert (<= X_1 1.0)) (assert (< X_2 2)) (assert (= X_2 (* 2.0 X_0)))
            (assert (or (< Y_0 Y_1) (> Y_0 Y_1)))";
        let read_first = read(first.as_bytes(), "p").unwrap();
        assert_eq!(read_first.property, read_second.property);
        assert_eq!(read_first.strict, read_second.strict);
        assert_eq!(read_first.strict[1].len(), 2);
        for (text, message) in [
            (
                "(assert (<= in0[0,2] 1))",
                "in0[0,2] is outside of the declared shape [1, 2]; p:4:13",
            ),
            ("(assert (<= in0 1))", "in0 has 2 axes, and 0 indices are given; p:4:13"),
            (
                "(assert (<= Z[0] 1))",
                "Z is not declared; p:4:13; declare it as an input or output of the network",
            ),
        ] {
            let declared = &second[..second.find("(assert").unwrap_or(0)];
            let text = format!("{}{text}", declared.trim_end_matches(' '));
            assert_eq!(read(text.as_bytes(), "p").unwrap_err().to_string(), message);
        }
        let named = "(declare-network f (declare-input a Real [1] \"one\") (declare-input b Real [2] \"two\") (declare-output y Real []))
            (assert (<= a[0] 1)) (assert (>= b[1] 3)) (assert (<= (+ a[0] y) b[0]))";
        let ordered = read(named.as_bytes(), "p").unwrap();
        let ordered = ordered.in_order_of(&[("two", 2), ("one", 1)], &[("out", 1)], "p").unwrap();
        let [case] = ordered.property.cases.as_slice() else { panic!("one case") };
        assert_eq!((case.domain[2].hi(), case.domain[1].lo()), (1.0, 3.0));
        assert_eq!(case.constraints[0].inputs, [(0, -1.0), (2, 1.0)]);
        let other = read(named.as_bytes(), "p").unwrap();
        assert!(other.in_order_of(&[("two", 2), ("three", 1)], &[("out", 1)], "p").is_err());
        let two = second.replace(
            "(assert (<=",
            "(declare-network g (declare-input A Real []) (declare-output B Real [])) (assert (<=",
        );
        assert_eq!(read(two.as_bytes(), "p").unwrap_err().kind(), ErrorKind::Unsupported);
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
