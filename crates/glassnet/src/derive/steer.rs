//! From the first line to a closed form: the goal is found by linear algebra, the way to it by named steps.

use super::chain::{Chain, is_one, plain};
use super::exact::{combination, constant, factored};
use super::first::sum;
use super::rule::Rule;
use super::shape::canonical;
use super::term::{Monomial, collected, neat, terms, write};
use crate::formula::{Expression, Function, Sign, Term};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// Longer lines are not shortened.
const MAX_SHORTENED: usize = 150;

/// Appends lines until nothing shorter is known. `shown` is how the function is called, if it has a name.
pub(super) fn steer(
    chain: &mut Chain<'_>,
    formula: &Expression,
    shown: Option<&Expression>,
    variable: &str,
) {
    if fraction_of_exponentials(chain, formula, shown, variable)
        || reciprocal_of_exponential(chain, formula, shown, variable)
    {
        return;
    }
    if let Some(first) = chain.last().cloned() {
        let tidied = neat(&first);
        if canonical(&tidied) != canonical(&first) {
            chain.append(&tidied);
        }
    }
    if chain.last().is_some_and(|line| line.nodes() <= MAX_SHORTENED) {
        shorten(chain, shown, variable);
    }
}

/// Whether a formula is short enough to be preferred: its nodes.
fn weight(tree: &Expression) -> usize {
    tree.nodes()
}

/// The shortest of: numerator multiplied out and collected, lowest terms, a combination of known functions.
fn shorten(chain: &mut Chain<'_>, shown: Option<&Expression>, variable: &str) {
    let Some(start) = chain.last().cloned() else { return };
    let (out, added) = multiplied(&start);
    let mut goals: Vec<Vec<Expression>> = vec![];
    let mut route = vec![];
    route.extend(out.clone());
    route.extend(added.clone());
    if let Some(lowest) = factored(&start) {
        let lowest = neat(&lowest);
        goals.push(route.iter().cloned().chain([lowest.clone()]).collect());
        let (opened, summed) = multiplied(&lowest);
        if let Some(summed) = summed {
            let way = [Some(lowest.clone()), opened, Some(summed.clone()), Some(neat(&summed))];
            goals.push(way.into_iter().flatten().collect());
        }
        goals.push(vec![lowest]);
    }
    if added.is_some() {
        goals.push(route.clone());
    }
    let named = named_goals(&start, shown, variable);
    for goal in named.iter().cloned() {
        goals.push(vec![goal.clone()]);
        goals.push(route.iter().cloned().chain([goal.clone()]).collect());
        if let Some(lowest) = factored(&start) {
            goals.push(vec![neat(&lowest), goal.clone()]);
            goals.push(route.iter().cloned().chain([neat(&lowest), goal]).collect());
        }
    }
    // Of equally short goals the one with fewer lines stands first: the sort is stable.
    let gained = |goal: &Vec<Expression>| {
        let Some(last) = goal.last() else { return 0 };
        // A form in known functions is worth a line by itself; another form of the same must be clearly shorter.
        let margin = if named.contains(last) { 0 } else { 2 };
        weight(&start).saturating_sub(weight(last) + margin)
    };
    goals.sort_by_key(|goal| (std::cmp::Reverse(gained(goal)), goal.len()));
    for goal in goals {
        if gained(&goal) == 0 {
            return;
        }
        if chain.reach(&goal) {
            return;
        }
    }
}

/// The line with its numerator multiplied out, and then with like terms added up.
fn multiplied(line: &Expression) -> (Option<Expression>, Option<Expression>) {
    let (top, bottom) = match line {
        Expression::Quotient(top, bottom) => (top.as_ref().clone(), Some(bottom)),
        Expression::Negative(value) => match value.as_ref() {
            Expression::Quotient(top, bottom) => {
                (Expression::negative(top.as_ref().clone()), Some(bottom))
            }
            _ => (line.clone(), None), // not operations: only a fraction's sign goes up
        },
        line => (line.clone(), None),
    };
    let whole = |top: Expression| match (bottom, top) {
        (Some(bottom), Expression::Negative(top)) => {
            Expression::negative(Expression::Quotient(top, bottom.clone()))
        }
        (Some(bottom), top) => Expression::Quotient(Box::new(top), bottom.clone()),
        (None, top) => top,
    };
    let Some(all) = terms(&top) else { return (None, None) };
    let all: Vec<Monomial> = all.into_iter().filter(|term| !term.coefficient.is_zero()).collect();
    let (out, added) = (whole(write(&all)), whole(write(&collected(&all))));
    (Some(out.clone()).filter(|out| out != line), Some(added).filter(|added| *added != out))
}

/// Exponents and arguments of functions in the formula that depend on the variable.
fn arguments(tree: &Expression, variable: &str, found: &mut Vec<Expression>) {
    let mut add = |argument: &Expression| {
        let argument = match argument {
            Expression::Negative(value) => value.as_ref(),
            other => other,
        };
        if argument.contains(variable) && !found.contains(argument) && found.len() < 6 {
            found.push(argument.clone());
        }
    };
    match tree {
        Expression::Call(_, argument) => add(argument),
        Expression::Power(_, exponent) if super::validate::is_power_of_e(tree) => add(exponent),
        _ => {}
    }
    tree.children().into_iter().for_each(|child| arguments(child, variable, found));
}

/// Half of an argument, neatly: z for 2z.
fn half(argument: &Expression) -> Expression {
    neat(&Expression::quotient(argument.clone(), Expression::integer(2)))
}

/// Combinations of the function itself and of known functions of the formula's arguments that equal the line.
fn named_goals(line: &Expression, shown: Option<&Expression>, variable: &str) -> Vec<Expression> {
    let mut found = vec![];
    let mut own = vec![];
    arguments(line, variable, &mut own);
    if combination(line, std::slice::from_ref(line)).is_none() {
        return found;
    }
    let one = Expression::integer(1);
    let square = |tree: &Expression| Expression::power(tree.clone(), Expression::integer(2));
    let pair = |a: &Expression, b: &Expression| Expression::Product(vec![a.clone(), b.clone()]);
    let mut names = vec![];
    for argument in &own {
        names.push(Expression::call(Function::Sigmoid, argument.clone()));
        names.push(Expression::call(
            Function::Sigmoid,
            neat(&Expression::negative(argument.clone())),
        ));
        names.push(Expression::call(Function::Tanh, argument.clone()));
        names.push(Expression::call(Function::Tanh, half(argument)));
    }
    let variable_itself = Expression::variable(variable);
    let mut bases = vec![];
    for name in &names {
        bases.push(vec![
            name.clone(),
            pair(&variable_itself, name),
            pair(&variable_itself, &square(name)),
        ]);
        bases.push(vec![one.clone(), name.clone(), square(name)]);
    }
    if let Some(shown) = shown {
        for name in &names {
            bases.push(vec![shown.clone(), name.clone(), one.clone(), pair(shown, name)]);
        }
        bases.push(vec![one.clone(), shown.clone(), square(shown)]);
    }
    for argument in &own {
        let call = |function| Expression::call(function, argument.clone());
        let (sin, cos, tan) = (call(Function::Sin), call(Function::Cos), call(Function::Tan));
        if !contains(line, &sin) && !contains(line, &cos) {
            continue;
        }
        let double = neat(&Expression::Product(vec![Expression::integer(2), argument.clone()]));
        let double = |function| Expression::call(function, double.clone());
        bases.push(vec![one.clone(), sin.clone(), cos.clone()]);
        bases.push(vec![double(Function::Sin), double(Function::Cos), one.clone()]);
        bases.push(vec![Expression::quotient(one.clone(), square(&cos))]);
        bases.push(vec![Expression::quotient(one.clone(), square(&sin))]);
        bases.push(vec![one.clone(), tan.clone(), square(&tan)]);
    }
    bases.extend(normal_bases(line, &own, variable));
    for basis in bases.into_iter().take(60) {
        let Some(solution) = combination(line, &basis) else { continue };
        found.push(combined(&solution, &basis));
    }
    found.sort_by_key(weight);
    found.dedup();
    found.truncate(4);
    found
}

/// Φ(z) = (1 + erf(z/√2))/2 and φ(z) = e^{−z²/2}/√(2π), if erf occurs.
fn normal_bases(line: &Expression, own: &[Expression], variable: &str) -> Vec<Vec<Expression>> {
    let mut bases = vec![];
    let square = |tree: &Expression| Expression::power(tree.clone(), Expression::integer(2));
    for argument in own {
        let erf = Expression::call(Function::Erf, argument.clone());
        if !contains(line, &erf) {
            continue;
        }
        let z = Expression::variable(variable);
        let Some(scale) = combination(&square(argument), &[square(&z)]) else { continue };
        let plus = |value| Term { sign: Sign::Plus, value };
        let phi = Expression::quotient(
            Expression::Sum(vec![plus(Expression::integer(1)), plus(erf)]),
            Expression::integer(2),
        );
        let exponent =
            neat(&Expression::negative(Expression::Product(vec![constant(&scale[0]), square(&z)])));
        let bell = Expression::call(Function::Exp, exponent);
        let root = Expression::call(
            Function::Sqrt,
            Expression::Product(vec![
                Expression::integer(2),
                Expression::Constant(crate::formula::Constant::Pi),
            ]),
        );
        let density = Expression::quotient(bell.clone(), root.clone());
        let weighted = Expression::quotient(Expression::Product(vec![z, bell]), root);
        bases.push(vec![phi, weighted, density]);
    }
    bases
}

fn contains(tree: &Expression, part: &Expression) -> bool {
    tree == part || tree.children().into_iter().any(|child| contains(child, part))
}

/// Σ cᵢ bᵢ, and (1 − f)·f for f − f².
fn combined(solution: &[BigRational], basis: &[Expression]) -> Expression {
    let mut terms: Vec<Term> = vec![];
    for (coefficient, base) in solution.iter().zip(basis) {
        if coefficient.is_zero() {
            continue;
        }
        let size = constant(&coefficient.abs());
        let value = neat_product(&coefficient.abs(), size, base);
        let sign = if coefficient.is_negative() { Sign::Minus } else { Sign::Plus };
        terms.push(Term { sign, value });
    }
    terms.sort_by_key(|term| term.sign as u8);
    sum(terms)
}

fn neat_product(coefficient: &BigRational, size: Expression, base: &Expression) -> Expression {
    if *base == Expression::integer(1) {
        return size;
    }
    if coefficient.is_one() {
        return base.clone();
    }
    neat(&Expression::Product(vec![size, base.clone()]))
}

/// f = p/q in u = e^{kz} with f' = a(1 − f²): the sheet's way to the square rule.
fn fraction_of_exponentials(
    chain: &mut Chain<'_>,
    formula: &Expression,
    shown: Option<&Expression>,
    variable: &str,
) -> bool {
    let (Expression::Quotient(top, bottom), Some(first)) = (formula, chain.last().cloned()) else {
        return false;
    };
    let (Expression::Sum(_), Expression::Sum(_), Expression::Quotient(numerator, square)) =
        (top.as_ref(), bottom.as_ref(), &first)
    else {
        return false;
    };
    let two = || Expression::integer(2);
    let f = Expression::quotient(top.as_ref().clone(), bottom.as_ref().clone());
    let basis = [Expression::integer(1), f.clone(), Expression::power(f.clone(), two())];
    let Some(solution) = combination(&first, &basis) else { return false };
    let scale = solution[0].clone();
    if scale.is_zero() || !solution[1].is_zero() || solution[2] != -&scale {
        return false;
    }
    let squared = |tree: &Expression| {
        let own = terms(&Expression::power(tree.clone(), two()))?;
        Some(collected(&own))
    };
    let (Some(out), Some(bottom_terms), Some(top_terms)) =
        (terms(numerator), squared(bottom), squared(top))
    else {
        return false;
    };
    let over = |top: Expression| Expression::Quotient(Box::new(top), square.clone());
    let scaled = |tree: Expression| match is_one(&scale) {
        true => tree,
        false => Expression::Product(vec![constant(&scale), tree]),
    };
    let negated = |mut all: Vec<Monomial>| {
        all.iter_mut().for_each(|term| term.coefficient = -term.coefficient.clone());
        all
    };
    let divided: Vec<Monomial> = out
        .iter()
        .cloned()
        .map(|mut term| {
            term.coefficient /= &scale;
            term
        })
        .collect();
    let expanded: Vec<Monomial> =
        bottom_terms.iter().cloned().chain(negated(top_terms.clone())).collect();
    let difference = |left: Expression, right: Expression| {
        Expression::Sum(vec![
            Term { sign: Sign::Plus, value: left },
            Term { sign: Sign::Minus, value: right },
        ])
    };
    let squares = difference(
        Expression::power(bottom.as_ref().clone(), two()),
        Expression::power(top.as_ref().clone(), two()),
    );
    let closed =
        |f: Expression| scaled(difference(Expression::integer(1), Expression::power(f, two())));
    let mut way = vec![(Rule::MultiplyOut, over(write(&out)))];
    if !is_one(&scale) {
        way.push((Rule::Factor, over(scaled(write(&divided)))));
    }
    way.push((Rule::Expand, over(scaled(write(&expanded)))));
    way.push((Rule::Separate, over(scaled(difference(write(&bottom_terms), write(&top_terms))))));
    way.push((Rule::Square, over(scaled(squares))));
    way.push((Rule::Divide, closed(f.clone())));
    let divided = [neat(&first), closed(f.clone())];
    if !chain.follow(&way) && !chain.reach(&divided) {
        return false;
    }
    let name = shown.cloned().or_else(|| named(&f, variable));
    if let Some(name) = name {
        // −tanh squared is tanh squared.
        let name = match name {
            Expression::Negative(value) => *value,
            name => name,
        };
        chain.append_by(Rule::Definition, None, &closed(name));
    }
    true
}

/// A known function that the fraction is: σ or tanh of one of its exponents.
fn named(f: &Expression, variable: &str) -> Option<Expression> {
    let mut own = vec![];
    arguments(f, variable, &mut own);
    for argument in own {
        let candidates = [
            Expression::call(Function::Sigmoid, argument.clone()),
            Expression::call(Function::Sigmoid, neat(&Expression::negative(argument.clone()))),
            Expression::call(Function::Tanh, half(&argument)),
            Expression::call(Function::Tanh, argument.clone()),
        ];
        for name in candidates {
            let Some(solution) = combination(f, std::slice::from_ref(&name)) else { continue };
            if solution[0].is_one() {
                return Some(name);
            }
            if (-&solution[0]).is_one() {
                return Some(Expression::negative(name));
            }
        }
    }
    None
}

/// f = m/(a + b e^{kz}): with q = m/f and e^{kz} = (m − a f)/(b f) put in, f' is a polynomial in f.
fn reciprocal_of_exponential(
    chain: &mut Chain<'_>,
    formula: &Expression,
    shown: Option<&Expression>,
    variable: &str,
) -> bool {
    let (Expression::Quotient(top, bottom), Some(first)) = (formula, chain.last().cloned()) else {
        return false;
    };
    let (Some(m), Some(all)) = (terms(top).filter(|all| all.len() == 1), terms(bottom)) else {
        return false;
    };
    let [left, right] = all.as_slice() else { return false };
    let is_number = |term: &Monomial| term.factors.is_empty() && term.exponent.is_empty();
    let (a, exponential) = match (is_number(left), is_number(right)) {
        (true, false) => (left, right),
        (false, true) => (right, left),
        (true, true) | (false, false) => return false,
    };
    if !is_number(&m[0]) || !exponential.factors.is_empty() || exponential.exponent.is_empty() {
        return false;
    }
    let Some(f) = shown.cloned().or_else(|| named(formula, variable)) else { return false };
    if matches!(f, Expression::Negative(_)) {
        return false;
    }
    let (m, b) = (m[0].coefficient.clone(), exponential.coefficient.clone());
    let a = a.coefficient.clone();
    // e^{kz} = (m − a f)/(b f), q = m/f
    let difference = sum(vec![
        Term {
            sign: if m.is_negative() { Sign::Minus } else { Sign::Plus },
            value: constant(&m.abs()),
        },
        Term {
            sign: if a.is_negative() { Sign::Plus } else { Sign::Minus },
            value: neat_product(&a.abs(), constant(&a.abs()), &f),
        },
    ]);
    let below = neat_product(&b, constant(&b), &f);
    let power = Expression::quotient(difference.clone(), below);
    let line = neat(&first);
    if !chain.append(&line) {
        return false;
    }
    let length = chain.steps.len();
    // f' = s·e^{kz}/q² = s·(m − a f)/(b f)·(f/m)²
    let Some(body) = exponential.body() else { return false };
    let over_square = Expression::quotient(
        body.clone(),
        Expression::power(bottom.as_ref().clone(), Expression::integer(2)),
    );
    let Some(scale) = combination(&line, &[over_square]) else { return false };
    let squared = Expression::power(f.clone(), Expression::integer(2));
    let number = &scale[0] / (&m * &m);
    let mut parts = vec![power.clone(), squared];
    if !is_one(&number) {
        parts.insert(0, constant(&number));
    }
    let whole = Expression::quotient(constant(&m), f.clone());
    let label =
        format!("{} = {}, {} = {}", plain(bottom), plain(&whole), plain(&body), plain(&power));
    let put_in = chain.append_by(Rule::Substitute, Some(label), &Expression::Product(parts));
    let factor = &number / &b;
    let mut parts = vec![difference, f];
    if !is_one(&factor) {
        parts.insert(0, constant(&factor));
    }
    let done = put_in && chain.append_by(Rule::Cancel, None, &neat_factors(parts));
    if !done {
        chain.steps.truncate(length);
    }
    done
}

fn neat_factors(parts: Vec<Expression>) -> Expression {
    neat(&Expression::Product(parts))
}
