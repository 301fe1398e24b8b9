//! Properties in words: what is asked, in the prover's terms, and what it came to, in the user's.

use std::time::{Duration, Instant};

use glassnet::prove::exact::{self, Dyadic, Enclosure};
use glassnet::prove::{self, Case, Config, Constraint, Interval, Outcome, Property, Verdict};
use glassnet::{Error, Result};

use super::network::Subject;
use super::space::{Cell, Set, Space};
use super::statement::{self, Atom, Names, Symbol};
use super::told::{self, Watch};
use super::{Prove, SemanticsChoice, answer, monotone, radius, sets};
use crate::said::Said;
use crate::terminal::Terminal;

/// A question in words, ready to be asked.
pub(super) struct Question {
    pub(super) network: prove::Network,
    pub(super) space: Space,
    pub(super) sets: Vec<Set>,
    pub(super) row: Option<Vec<Cell>>,
    /// What a counterexample is: any of these, of which each is all of its atoms.
    pub(super) negated: Vec<Vec<Atom>>,
    /// What must hold.
    pub(super) statement: String,
    /// The outputs' names.
    pub(super) outputs: Vec<String>,
    /// Outputs that are the probabilities of all classes.
    pub(super) shares: Option<Shares>,
}

/// Outputs that add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    first: usize,
    count: usize,
    /// By how much their sum may differ from 1 in f32.
    slack: f64,
}

/// What a question came to.
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) outcome: Outcome,
    /// The counterexample's columns, where there is one.
    pub(super) told: Vec<Told>,
    /// What else is to be said.
    pub(super) remark: Option<String>,
}

/// A column of a counterexample.
pub(super) struct Told {
    pub(super) column: String,
    /// Its value, as text and as a number where it is one.
    pub(super) text: String,
    pub(super) number: Option<f64>,
    /// What the row has there, if it differs.
    pub(super) was: Option<String>,
}

/// Answers what the flags ask.
pub(super) fn said(args: &Prove, config: &Config, terminal: &Terminal) -> Result<Said> {
    let started = Instant::now();
    let until = started + args.limit();
    let model = args.model.as_ref().ok_or_else(|| Error::usage("a network is needed"))?;
    if args.proof.is_some() {
        return Err(Error::usage("proofs are written of properties in files")
            .at("--proof")
            .help("write the property as VNN-LIB, or leave --proof out"));
    }
    let subject = Subject::read(model, &args.weights, terminal)?;
    if let Some(feature) = &args.monotone {
        return monotone::said(args, feature, &subject, config, terminal);
    }
    let mut question = question(args, &subject, terminal)?;
    let interrupt = terminal.interrupt()?;
    let mut watch = Watch::new(terminal, &interrupt, until);
    let meant = told::semantics(&question.network, config);
    if args.class_stays && question.row.is_some() && !has_place(args) {
        let found = radius::largest(&mut question, config, until, &mut watch)?;
        watch.finish();
        return Ok(radius::said(&question, &found, meant, started.elapsed()));
    }
    let found = question.ask(config, &mut |at| watch.go_on(at))?;
    watch.finish();
    Ok(answer::said(&question, &found, meant, started.elapsed()).or_status(interrupt.status()))
}

/// The exit status of a verdict.
pub(super) fn status(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Holds => 0,
        Verdict::Violated(_) => 1,
        Verdict::Unknown => 6,
    }
}

fn has_place(args: &Prove) -> bool {
    args.within.is_some() || args.within_scaled.is_some() || !args.domain.is_empty()
}

/// The columns, the row and the sets that the flags name.
pub(super) fn place(
    args: &Prove,
    subject: &Subject,
    network: &prove::Network,
    terminal: &Terminal,
) -> Result<(Space, Option<Vec<Cell>>, Vec<Set>)> {
    let space = subject.space(network)?;
    let row = sets::row(args, subject, &space, terminal)?;
    let near = match (&args.within, &args.within_scaled, &row) {
        (None, None, _) => None,
        (Some(text), _, Some(row)) => Some(sets::within(text, false, &space, row)?),
        (None, Some(text), Some(row)) => Some(sets::within(text, true, &space, row)?),
        (within, _, None) => {
            let flag = if within.is_some() { "--within" } else { "--within-scaled" };
            return Err(Error::usage("a distance from which row?")
                .at(flag)
                .help("give --data TABLE --row N, or --input X,…"));
        }
    };
    for (column, cell) in sets::left_out(&space, row.as_deref(), near.as_deref()) {
        terminal.note(&format!(
            "the row has {cell:?} in column {column:?}, which is not among the values that are given: the row itself is not meant"
        ));
    }
    let domain = sets::domain(args, subject, &space, terminal)?;
    let sets = sets::together(&space, row.as_deref(), near, domain)?;
    Ok((space, row, sets))
}

fn question(args: &Prove, subject: &Subject, terminal: &Terminal) -> Result<Question> {
    let names = subject.output_names();
    if let Some(text) = &args.output {
        let plain = subject.network()?;
        let count = plain.outputs();
        let (space, row, sets) = place(args, subject, &plain, terminal)?;
        let inputs = space.columns.iter().map(|column| column.name.as_str()).collect();
        let classes = subject.has_classes();
        let read = statement::read(text, &Names { inputs, outputs: &names, count, classes })?;
        let network = match subject.output_scales() {
            Some(scales) => plain.rescaled(&scales)?,
            None => plain,
        };
        let mut question = Question {
            network,
            space,
            sets,
            row,
            negated: read.negated()?,
            statement: text.clone(),
            outputs: shown_outputs(&names, count),
            shares: None,
        };
        let slack = match args.semantics {
            SemanticsChoice::Real => 0.0,
            SemanticsChoice::F32AnyOrder => prove::softmax_error(count),
        };
        let shares = |first: usize| Some(Shares { first, count, slack });
        if subject.scores().is_ok_and(|(scores, ends)| ends && scores.outputs() == count) {
            question.shares = shares(0);
        }
        if let Some(first) = question.without_probabilities(subject)? {
            question.shares = shares(first);
        }
        return Ok(question);
    }
    let (network, _) = subject.scores()?;
    let count = network.outputs();
    let (space, row, sets) = place(args, subject, &network, terminal)?;
    if !args.class_stays {
        return Err(Error::usage("it isn't said what is to be proven")
            .at("--row")
            .help("add --class-stays, --output 'y0 <= 10', or --monotone COLUMN"));
    }
    let Some(row) = row else {
        return Err(Error::usage("the class of which row?")
            .at("--class-stays")
            .help("give --data TABLE --row N, or --input X,…"));
    };
    if count < 2 || !(subject.has_classes() || names.is_empty()) {
        return Err(Error::usage("the network has no scores of several classes")
            .at("--class-stays")
            .help("say what is to hold of its outputs: --output 'y0 >= 0'"));
    }
    let point: Vec<f64> =
        row.iter().flat_map(|cell| cell.features.iter().map(|&x| f64::from(x))).collect();
    let scores = exact::evaluate(&network, &point)?;
    let outputs = shown_outputs(&names, count);
    let best = (0..count)
        .find(|&at| (0..count).all(|other| other == at || scores[at].lo > scores[other].hi));
    let best = best.ok_or_else(|| {
        Error::usage(
            "two classes have the same greatest score in that row: there is no class to keep",
        )
        .at("--class-stays")
        .help("take another row")
    })?;
    let overtaken = |other: usize| {
        let terms = vec![(Symbol::Output(best), 1.0), (Symbol::Output(other), -1.0)];
        vec![Atom { terms, constant: 0.0, strict: false }]
    };
    let negated = (0..count).filter(|&other| other != best).map(overtaken).collect();
    let statement = match names.get(best) {
        Some(name) => format!("the class stays {name:?}"),
        None => format!("output {best} stays the greatest"),
    };
    let row = Some(row);
    Ok(Question { network, space, sets, row, negated, statement, outputs, shares: None })
}

/// `y[NAME]`, or `y0`, `y1`, ….
pub(super) fn shown_outputs(names: &[String], count: usize) -> Vec<String> {
    let name = |at: usize| match names.get(at) {
        Some(name) => format!("y[{name}]"),
        None => format!("y{at}"),
    };
    (0..count).map(name).collect()
}

impl Shares {
    /// Their factors among outputs, and the middle one of these.
    fn factors(&self, outputs: &[(usize, f64)]) -> (Vec<f64>, f64) {
        let mut factors = vec![0.0; self.count];
        for &(at, factor) in outputs {
            if let Some(known) = at.checked_sub(self.first).and_then(|at| factors.get_mut(at)) {
                *known += factor;
            }
        }
        let mut sorted = factors.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = sorted.get(self.count.saturating_sub(1) / 2).copied().unwrap_or(0.0);
        (factors, middle)
    }

    /// Uses that they add up to 1: all their factors become less by the middle one of them, the constant greater by it.
    fn taken_out(&self, constraint: &mut Constraint, slack: f64) {
        let is_share = |at: usize| (self.first..self.first + self.count).contains(&at);
        let (factors, middle) = self.factors(&constraint.outputs);
        // Differences that aren't exact would say something else.
        let exact = |factor: f64| {
            let difference = factor - middle;
            let part = difference - factor;
            (factor - (difference - part)) + (-middle - part) == 0.0
        };
        if middle == 0.0 || !factors.iter().all(|&factor| exact(factor)) {
            return;
        }
        constraint.outputs.retain(|(at, _)| !is_share(*at));
        let left =
            factors.iter().enumerate().map(|(at, factor)| (self.first + at, factor - middle));
        constraint.outputs.extend(left.filter(|(_, factor)| *factor != 0.0));
        let sum = constraint.constant + middle;
        let rounding = if sum - middle == constraint.constant { 0.0 } else { sum.abs() * 1e-15 };
        constraint.constant = sum - middle.abs() * slack - rounding;
    }
}

impl Question {
    /// Brings probabilities into outputs: of two classes compared they are their scores, else a softmax is added, whose first
    /// output's number is given back.
    fn without_probabilities(&mut self, subject: &Subject) -> Result<Option<usize>> {
        let is_probability = |(symbol, _): &(Symbol, f64)| matches!(symbol, Symbol::Probability(_));
        let atoms = || self.negated.iter().flatten();
        if !atoms().any(|atom| atom.terms.iter().any(is_probability)) {
            return Ok(None);
        }
        if subject.output_scales().is_some() {
            return Err(Error::usage("the outputs are numbers and have no probabilities")
                .at("--output")
                .help("write y instead of p"));
        }
        let compares = |atom: &Atom| {
            let all = atom.terms.iter().all(is_probability);
            let [(_, a), (_, b)] = atom.terms[..] else { return false };
            all && a == -b && atom.constant == 0.0
        };
        let (scores, _) = subject.scores()?;
        let count = scores.outputs();
        if atoms().all(|atom| compares(atom) || !atom.terms.iter().any(is_probability)) {
            // A score before the softmax is no output if the network ends with one.
            if atoms().all(compares) {
                self.network = scores;
                self.shares = None;
            }
            self.rename(Symbol::Output);
            return Ok(None);
        }
        self.network = scores.with_probabilities()?;
        let p = |name: &String| format!("p{}", &name[1..]);
        self.outputs.extend(self.outputs.iter().map(p).collect::<Vec<_>>());
        self.rename(|at| Symbol::Output(count + at));
        Ok(Some(count))
    }

    fn rename(&mut self, to: impl Fn(usize) -> Symbol) {
        for (symbol, _) in self.negated.iter_mut().flatten().flat_map(|atom| &mut atom.terms) {
            if let Symbol::Probability(at) = *symbol {
                *symbol = to(at);
            }
        }
    }

    /// The property whose cases are the boxes times what a counterexample may be; for each case which of these it is.
    pub(super) fn property(&self) -> Result<(Property, Vec<usize>)> {
        let boxes = self.space.boxes(&self.sets)?;
        let (mut cases, mut of) = (vec![], vec![]);
        for domain in &boxes {
            for (at, atoms) in self.negated.iter().enumerate() {
                let constraints = atoms
                    .iter()
                    .map(|atom| self.constraint(atom, domain, true))
                    .collect::<Result<_>>()?;
                cases.push(Case { domain: domain.clone(), constraints });
                of.push(at);
            }
        }
        Ok((Property { cases }, of))
    }

    /// What every counterexample in the box meets that meets `atom`; with `rounds` those of f32, too, in which probabilities
    /// don't add up to 1 exactly.
    ///
    /// # Numerics
    /// A column's number v is its feature x as `std·x + mean`, but for the roundings on the way from v to x, two of f64 and
    /// one of f32: 2⁻²³·std·max|x| and 2⁻⁵⁰·|mean| are more than these make. A factor that is rounded adds 2⁻⁵².
    fn constraint(&self, atom: &Atom, domain: &[Interval], rounds: bool) -> Result<Constraint> {
        let mut constraint = Constraint { constant: atom.constant, ..Constraint::default() };
        for &(symbol, factor) in &atom.terms {
            let at = match symbol {
                Symbol::Output(at) | Symbol::Probability(at) => {
                    constraint.outputs.push((at, factor));
                    continue;
                }
                Symbol::Input(at) => at,
            };
            let column = &self.space.columns[at];
            if !column.is_number()
                || matches!(self.sets[at], Set::Fixed(_)) && self.number(at).is_none()
            {
                return Err(Error::usage(format!(
                    "column {:?} has no number to compare with",
                    column.name
                ))
                .at("--output")
                .help("compare outputs with columns of numbers"));
            }
            let (std, mean) = column.scale();
            if std == 1.0 && mean == 0.0 {
                constraint.inputs.push((column.at, factor));
                continue;
            }
            let reach = domain[column.at].magnitude();
            if !reach.is_finite() {
                return Err(Error::usage(format!("column {:?} has no bounds", column.name))
                    .at("--domain")
                    .help("give its range: it stands in the statement"));
            }
            let slack = (std * reach * 1.2e-7 + mean.abs() * 1e-15) * factor.abs() + 1e-40;
            constraint.inputs.push((column.at, factor * std));
            constraint.constant += factor * mean;
            constraint.constant -= slack + constraint.constant.abs() * 1e-15;
        }
        if let Some(shares) = &self.shares {
            shares.taken_out(&mut constraint, if rounds { shares.slack } else { 0.0 });
        }
        Ok(constraint)
    }

    fn number(&self, at: usize) -> Option<f64> {
        self.row.as_ref().and_then(|row| row[at].number)
    }

    /// Asks the prover; what it finds is looked at again in the user's units.
    pub(super) fn ask(
        &self,
        config: &Config,
        go_on: &mut dyn FnMut(&prove::Progress) -> bool,
    ) -> Result<Found> {
        let (property, of) = self.property()?;
        let all = property.cases.len();
        let (open, left): (Vec<Case>, Vec<usize>) = property
            .cases
            .into_iter()
            .zip(of)
            .filter(|(case, at)| !self.is_excluded(case, &self.negated[*at], config))
            .unzip();
        let excluded = (all - open.len()) as u64;
        let property = Property { cases: open };
        let mut outcome = prove::prove(&self.network, &property, config, go_on)?;
        outcome.parts += excluded;
        let found = self.judge(outcome, &property, &left)?;
        if !matches!(found.verdict, Verdict::Unknown) || found.remark.is_none() {
            return Ok(found);
        }
        // What was found lies on the border itself, which is allowed: is there anything beyond it?
        let beyond = |(case, at): (&Case, &usize)| -> Result<Case> {
            let constraints = self.negated[*at].iter().map(|atom| {
                let mut constraint = self.constraint(atom, &case.domain, false)?;
                if atom.strict {
                    let least = constraint.constant.abs().max(f64::MIN_POSITIVE) * f64::EPSILON;
                    constraint.constant += least;
                }
                Ok(constraint)
            });
            let constraints = constraints.collect::<Result<_>>()?;
            Ok(Case { domain: case.domain.clone(), constraints })
        };
        let cases = property.cases.iter().zip(&left).map(beyond).collect::<Result<_>>()?;
        let beyond = Property { cases };
        let outcome = prove::prove(&self.network, &beyond, config, go_on)?;
        let second = self.judge(outcome, &beyond, &left)?;
        let uses = |shares: &Shares| {
            let of = |atom: &Atom| -> Vec<(usize, f64)> {
                let number = |&(symbol, factor): &(Symbol, f64)| match symbol {
                    Symbol::Output(at) | Symbol::Probability(at) => Some((at, factor)),
                    Symbol::Input(_) => None,
                };
                atom.terms.iter().filter_map(number).collect()
            };
            let atoms = self.negated.iter().flatten();
            shares.slack > 0.0 && atoms.into_iter().any(|atom| shares.factors(&of(atom)).1 != 0.0)
        };
        let rounds = self.shares.filter(uses);
        Ok(match (&second.verdict, rounds) {
            (Verdict::Violated(_), _) => second,
            (Verdict::Holds, Some(shares)) => Found {
                remark: Some(format!(
                    "it holds as long as the probabilities of all classes add up to 1, as they do in exact arithmetic; in f32 \
                     their sum may differ from 1 by {:.1e}: allow as much, or ask with --semantics real",
                    shares.slack
                )),
                ..found
            },
            (Verdict::Holds, None) | (Verdict::Unknown, _) => found,
        })
    }

    /// Whether intervals alone show that a case has no solution: also where a border is reached and may be.
    fn is_excluded(&self, case: &Case, atoms: &[Atom], config: &Config) -> bool {
        let Ok(bounds) = prove::bounds(&self.network, &case.domain, config.semantics) else {
            return false;
        };
        let outputs = &bounds[self.network.output()];
        case.constraints.iter().zip(atoms).any(|(constraint, atom)| {
            let terms = constraint.inputs.iter().map(|&(at, factor)| (case.domain[at], factor));
            let terms =
                terms.chain(constraint.outputs.iter().map(|&(at, factor)| (outputs[at], factor)));
            let start = Interval::point(constraint.constant);
            let sum =
                terms.fold(start, |sum, (x, factor)| sum.plus(x.times(Interval::point(factor))));
            sum.lo() > 0.0 || (atom.strict && sum.lo() >= 0.0)
        })
    }

    /// A counterexample of the prover is one of the statement if its features are those of numbers for which it is broken.
    fn judge(&self, outcome: Outcome, property: &Property, of: &[usize]) -> Result<Found> {
        let unknown = |outcome: Outcome, remark: String| Found {
            verdict: Verdict::Unknown,
            outcome,
            told: vec![],
            remark: Some(remark),
        };
        let Verdict::Violated(witness) = &outcome.verdict else {
            let verdict = outcome.verdict.clone();
            return Ok(Found { verdict, outcome, told: vec![], remark: None });
        };
        let mut witness = witness.clone();
        let case = &property.cases[witness.case];
        let (told, features) = self.in_words(&witness.input);
        if features != witness.input {
            witness.outputs = exact::evaluate(&self.network, &features)?;
            witness.input = features;
        }
        let inside = case.domain.iter().zip(&witness.input).all(|(range, &x)| range.contains(x));
        let broken = self.negated[of[witness.case]]
            .iter()
            .all(|atom| self.meets(atom, &told, &witness.outputs) == Some(true));
        if !(inside && broken) {
            let remark = "a counterexample is reached, or nearly: its outputs lie on the border itself, or between numbers that a \
                          column can have";
            return Ok(unknown(outcome, remark.to_owned()));
        }
        Ok(Found { verdict: Verdict::Violated(witness), outcome, told, remark: None })
    }

    /// Whether an atom is certainly met, exactly.
    fn meets(&self, atom: &Atom, told: &[Told], outputs: &[Enclosure]) -> Option<bool> {
        let constant = Dyadic::from_f64(atom.constant)?;
        let mut highest = constant;
        for &(symbol, factor) in &atom.terms {
            let factor = Dyadic::from_f64(factor)?;
            let product = match symbol {
                Symbol::Output(at) | Symbol::Probability(at) => {
                    let (a, b) = (factor.times(&outputs[at].lo), factor.times(&outputs[at].hi));
                    a.max(b)
                }
                Symbol::Input(at) => factor.times(&Dyadic::from_f64(told[at].number?)?),
            };
            highest = highest.plus(&product);
        }
        Some(highest.is_negative() || (!atom.strict && highest.is_zero()))
    }

    /// Features as the columns' values, and the features that these have.
    pub(super) fn in_words(&self, input: &[f64]) -> (Vec<Told>, Vec<f64>) {
        let mut told = vec![];
        let mut all = vec![];
        for (at, (column, set)) in self.space.columns.iter().zip(&self.sets).enumerate() {
            let features = &input[column.at..column.at + column.width];
            let cell = self.row.as_ref().map(|row| &row[at]);
            let (text, number, features) = match set {
                Set::Fixed(_) if cell.is_some() => {
                    let text = cell.map_or(String::new(), |cell| cell.text.clone());
                    (text, cell.and_then(|cell| cell.number), features.to_vec())
                }
                Set::Range(_) => {
                    let own = cell.and_then(|cell| cell.number);
                    let number = match own {
                        Some(own) if column.features_of(own) == features => Some(own),
                        Some(_) | None => column.number_of(features, set),
                    };
                    let features = number.map_or(features.to_vec(), |x| column.features_of(x));
                    (number.map_or("?".to_owned(), shown), number, features)
                }
                Set::Levels(_) => {
                    let name = column.level_of(features).unwrap_or("none").to_owned();
                    (name, None, features.to_vec())
                }
                Set::Fixed(_) | Set::Features(_) => {
                    let shown: Vec<String> = features.iter().map(|&x| shown(x)).collect();
                    (format!("features {}", shown.join(", ")), None, features.to_vec())
                }
            };
            let was = cell.map(|cell| cell.text.clone()).filter(|was| *was != text);
            told.push(Told { column: column.name.clone(), text, number, was });
            all.extend(features);
        }
        (told, all)
    }

    /// What of a column is meant, in words.
    pub(super) fn meant(&self, at: usize) -> String {
        let column = &self.space.columns[at];
        match &self.sets[at] {
            Set::Range(range) if range.is_point() => shown(range.lo()),
            Set::Range(range) => format!("{} to {}", short(range.lo()), short(range.hi())),
            Set::Levels(levels) => {
                let super::space::Kind::Levels { names, .. } = &column.kind else {
                    return String::new();
                };
                let names: Vec<&str> = levels.iter().map(|&at| names[at].as_str()).collect();
                names.join(" or ")
            }
            Set::Fixed(features) => match &self.row {
                Some(row) => row[at].text.clone(),
                None => features.iter().map(f32::to_string).collect::<Vec<_>>().join(", "),
            },
            Set::Features(ranges) => {
                ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ")
            }
        }
    }

    /// Whether a column has more than one value.
    pub(super) fn varies(&self, at: usize) -> bool {
        match &self.sets[at] {
            Set::Range(range) => !range.is_point(),
            Set::Levels(levels) => levels.len() > 1,
            Set::Fixed(_) => false,
            Set::Features(ranges) => ranges.iter().any(|range| !range.is_point()),
        }
    }
}

/// A number as it is told: an f32 with an f32's digits.
pub(super) fn shown(x: f64) -> String {
    let narrow = x as f32;
    if f64::from(narrow) == x && x.is_finite() {
        glassnet_data::shortest(narrow)
    } else {
        x.to_string()
    }
}

/// The end of a range without the last digits, where these are only what outward rounding made.
fn short(x: f64) -> String {
    let near: f64 = format!("{x:.11e}").parse().unwrap_or(x);
    if (near - x).abs() <= 1e-14 * x.abs() { near.to_string() } else { shown(x) }
}

/// Where a slice of the time ends.
pub(super) fn slice(until: Instant, share: f64) -> Instant {
    let left = until.saturating_duration_since(Instant::now());
    Instant::now() + Duration::from_secs_f64(left.as_secs_f64() * share)
}
