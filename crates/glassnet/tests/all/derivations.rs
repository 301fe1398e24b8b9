//! Right derivations stay right, and mutated lines and labels are found: by a rule, from fresh seeds, with the
//! mutants of equal value removed by values alone, not by the comparison that is tested.

use glassnet::derive::{
    Config, Judgement, LabelJudgement, Lines, MarkedLine, Reading, Role, Rule, check_lines, derive,
    read_lines,
};
use glassnet::formula::{Case, Expression, Function, Number, Sign, Term};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Every file of the corpus: its name and text.
fn corpus() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/derivations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let text = |path: &std::path::PathBuf| std::fs::read_to_string(path).expect("a text");
    files
        .iter()
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), text(path)))
        .collect()
}

fn read(name: &str, text: &str) -> Lines {
    let reading = Reading { name: name.into(), ..Reading::default() };
    read_lines(text, &reading).unwrap_or_else(|error| panic!("{error}"))
}

fn judged(lines: &Lines) -> Vec<MarkedLine> {
    check_lines(lines, None).unwrap_or_else(|error| panic!("{error}")).lines
}

#[test]
fn no_right_line_is_rejected() {
    let (mut lines, mut labels) = (0, 0);
    let mut complaints = vec![];
    for (name, text) in corpus() {
        for marked in judged(&read(&name, &text)) {
            lines += usize::from(marked.line.role == Role::Next);
            if marked.is_wrong() {
                let complaint = marked.complaint().map_or(String::new(), |text| text.to_string());
                complaints.push(format!("{name}: {} {complaint}", marked.line.text));
            }
            let label = marked.label.as_ref();
            labels += usize::from(label.is_some());
            if let Some(own) = label.filter(|own| !matches!(own.judgement, LabelJudgement::Fits(_)))
            {
                complaints.push(format!("{name}: '{}' {:?}", own.label.words, own.judgement));
            }
        }
    }
    println!("{lines} right lines with {labels} labels in {} files", corpus().len());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What `derive` writes, as a student would: a line per step with its label.
fn written(formula: &str) -> Option<String> {
    let formula = glassnet::formula::parse(formula).expect("a formula");
    let variable = if formula.contains("z") { "z" } else { "x" };
    let derivation = derive(&formula, variable, &Config::default()).expect("a derivation");
    let first = derivation.steps.first().filter(|_| derivation.pieces.is_empty())?;
    let mut text = format!("d/d{variable} ({})\n", first.from);
    for step in &derivation.steps {
        text += &format!(" = {}    {}\n", step.to, step.label);
    }
    Some(text)
}

const DERIVED: [&str; 20] = [
    "tanh(z)",
    "sigmoid(z)",
    "softplus(z)",
    "silu(z)",
    "gelu(z)",
    "mish(z)",
    "log(cosh(z))",
    "(exp(3z) - 1)/(exp(3z) + 1)",
    "b*tanh(c*z)",
    "x*tanh(x)",
    "sigmoid(z)*sigmoid(2z)",
    "z^3 - 2z^2 + 5",
    "(z^2 + 1)*(z - 3)",
    "exp(-z^2/2)",
    "sin(z)*cos(z)",
    "sqrt(1 + z^2)",
    "z/(1 + z^2)",
    "log(1 + z^2)",
    "1/(1 + exp(-2z))",
    "atan(z^2)",
];

#[test]
fn what_derive_writes_is_right_to_the_checker() {
    let (mut lines, mut labels, mut files) = (0, 0, 0);
    let mut complaints = vec![];
    for formula in DERIVED {
        let Some(text) = written(formula) else { continue };
        files += 1;
        for marked in judged(&read(formula, &text)) {
            lines += usize::from(marked.line.role == Role::Next);
            if let Some(own) = &marked.label {
                labels += 1;
                if !matches!(own.judgement, LabelJudgement::Fits(_)) {
                    complaints.push(format!("{text}'{}' {:?}", own.label.words, own.judgement));
                }
            }
            if marked.is_wrong() {
                complaints.push(format!("{text}{} {:?}", marked.line.text, marked.judgement));
            }
        }
    }
    println!("{lines} lines with {labels} labels of {files} formulas");
    assert!(files >= 18 && complaints.is_empty(), "{}", complaints.join("\n"));
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        (self.0.next_u64() % count.max(1) as u64) as usize
    }
}

/// A part of the tree, changed by a rule that is drawn; `None` if the rule does not apply there.
fn slipped(tree: &Expression, dice: &mut Dice) -> Option<Expression> {
    let number = |value: i64| Expression::integer(value);
    match tree {
        Expression::Number(own) => {
            let value = own.as_str().parse::<i64>().ok()?;
            Some(match dice.below(3) {
                0 => number(value + 1),
                1 if value > 0 => number(value - 1),
                _ => Expression::negative(tree.clone()),
            })
        }
        Expression::Variable(_) => Some(match dice.below(3) {
            0 => Expression::negative(tree.clone()),
            1 => Expression::Product(vec![number(2), tree.clone()]),
            _ => Expression::power(tree.clone(), number(2)),
        }),
        Expression::Negative(value) => Some(value.as_ref().clone()),
        Expression::Sum(terms) => {
            let at = dice.below(terms.len());
            let mut terms = terms.clone();
            match dice.below(3) {
                0 => terms[at].sign = terms[at].sign.flipped(),
                1 if terms.len() > 2 => drop(terms.remove(at)),
                1 => return Some(signed(terms.swap_remove(at))),
                // A product instead of the sum of the first two.
                _ => {
                    let rest = terms.split_off(2);
                    let product =
                        Expression::Product(terms.into_iter().map(|term| term.value).collect());
                    if rest.is_empty() {
                        return Some(product);
                    }
                    let mut all = vec![Term { sign: Sign::Plus, value: product }];
                    all.extend(rest);
                    terms = all;
                }
            }
            Some(Expression::Sum(terms))
        }
        Expression::Product(factors) => {
            let at = dice.below(factors.len());
            let mut factors = factors.clone();
            match dice.below(3) {
                0 if factors.len() > 2 => drop(factors.remove(at)),
                0 => return Some(factors.swap_remove(1 - at.min(1))),
                1 => factors[at] = Expression::power(factors[at].clone(), number(2)),
                // A bracket moved: a(b + c) becomes ab + c.
                _ => {
                    let Expression::Sum(terms) = factors.last()?.clone() else { return None };
                    factors.pop();
                    let mut terms = terms;
                    factors.push(terms[0].value.clone());
                    terms[0].value = Expression::Product(factors);
                    return Some(Expression::Sum(terms));
                }
            }
            Some(Expression::Product(factors))
        }
        Expression::Quotient(top, bottom) => Some(match dice.below(4) {
            0 => Expression::quotient(bottom.as_ref().clone(), top.as_ref().clone()),
            1 => Expression::Product(vec![top.as_ref().clone(), bottom.as_ref().clone()]),
            2 => top.as_ref().clone(),
            // A bracket moved: (a + b)/c becomes a + b/c.
            _ => {
                let Expression::Sum(mut terms) = top.as_ref().clone() else { return None };
                let last = terms.last_mut()?;
                last.value = Expression::quotient(last.value.clone(), bottom.as_ref().clone());
                Expression::Sum(terms)
            }
        }),
        Expression::Power(base, exponent) => {
            let (base, exponent) = (base.as_ref().clone(), exponent.as_ref().clone());
            let one = |sign| {
                vec![
                    Term { sign: Sign::Plus, value: exponent.clone() },
                    Term { sign, value: number(1) },
                ]
            };
            Some(match dice.below(4) {
                0 => Expression::power(base, Expression::Sum(one(Sign::Plus))),
                1 => Expression::power(base, Expression::Sum(one(Sign::Minus))),
                2 => base,
                // A bracket moved: (a + b)² becomes a + b².
                _ => {
                    let Expression::Sum(mut terms) = base else { return None };
                    let last = terms.last_mut()?;
                    last.value = Expression::power(last.value.clone(), exponent);
                    Expression::Sum(terms)
                }
            })
        }
        Expression::Call(function, argument) => {
            let argument = argument.as_ref().clone();
            let others = [
                Function::Tanh,
                Function::Sigmoid,
                Function::Exp,
                Function::Sin,
                Function::Cos,
                Function::Softplus,
                Function::Cosh,
                Function::Sinh,
            ];
            Some(match dice.below(4) {
                0 => Expression::call(*others.get(dice.below(8))?, argument),
                1 => Expression::call(*function, Expression::negative(argument)),
                2 => Expression::call(*function, Expression::Product(vec![number(2), argument])),
                _ => argument,
            })
        }
        Expression::Max(parts) => Some(Expression::Min(parts.clone())),
        Expression::Min(parts) => Some(Expression::Max(parts.clone())),
        Expression::Piecewise(cases, otherwise) => {
            let mut cases: Vec<Case> = cases.clone();
            let at = dice.below(cases.len());
            cases[at].value = Expression::negative(cases[at].value.clone());
            Some(Expression::Piecewise(cases, otherwise.clone()))
        }
        Expression::Constant(_) => Some(Expression::Number(Number::integer(2))),
    }
}

fn signed(term: Term) -> Expression {
    match term.sign {
        Sign::Plus => term.value,
        Sign::Minus => Expression::negative(term.value),
    }
}

/// The tree with its part number `at` (counted from the root) slipped.
fn mutated(tree: &Expression, at: usize, dice: &mut Dice) -> Option<Expression> {
    fn walk(tree: &Expression, left: &mut usize, dice: &mut Dice, done: &mut bool) -> Expression {
        if *left == 0 {
            *left = usize::MAX;
            let changed = slipped(tree, dice);
            *done = changed.is_some();
            return changed.unwrap_or(tree.clone());
        }
        *left = left.wrapping_sub(1);
        tree.map_children(|child| walk(child, left, dice, done))
    }
    let (mut left, mut done) = (at, false);
    let changed = walk(tree, &mut left, dice, &mut done);
    (done && changed != *tree).then_some(changed)
}

/// Whether two formulas have different values somewhere: by f64 at random places, with their rounding in mind.
/// `None` where the values leave it open.
fn differ(left: &Expression, right: &Expression, dice: &mut Dice) -> Option<bool> {
    let mut names = left.variables();
    names.extend(right.variables());
    let (mut most, mut compared) = (0.0f64, 0);
    for _ in 0..60 {
        let values: Vec<(&str, f64)> = names
            .iter()
            .map(|name| (name.as_str(), dice.below(6_000_000) as f64 / 1e6 - 3.0))
            .collect();
        let (Ok(a), Ok(b)) = (left.evaluate(&values), right.evaluate(&values)) else { continue };
        if a.is_finite() && b.is_finite() {
            compared += 1;
            most = most.max((a - b).abs() / (1.0 + a.abs().max(b.abs())));
        }
    }
    match most {
        _ if compared < 10 => None,
        most if most > 1e-6 => Some(true),
        most if most < 1e-11 => Some(false),
        _ => None,
    }
}

/// A right step of the corpus: the line above, the line.
struct Step {
    file: String,
    above: Expression,
    line: Expression,
}

fn steps() -> Vec<Step> {
    let mut found = vec![];
    let derived =
        DERIVED.iter().filter_map(|formula| Some((formula.to_string(), written(formula)?)));
    for (file, text) in corpus().into_iter().chain(derived) {
        let lines = judged(&read(&file, &text));
        for pair in lines.windows(2) {
            let known = |marked: &MarkedLine| !marked.line.value.to_string().contains('?');
            if pair[1].line.role == Role::Next && known(&pair[0]) && known(&pair[1]) {
                let (above, line) = (pair[0].line.value.clone(), pair[1].line.value.clone());
                found.push(Step { file: file.clone(), above, line });
            }
        }
    }
    found
}

#[test]
fn mutated_lines_are_found() {
    let steps = steps();
    for seed in [6, 20_261_126, 77] {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
        let (mut made, mut equal, mut open, mut rejected) = (0, 0, 0, 0);
        let mut missed = vec![];
        while made < 320 {
            let step = &steps[dice.below(steps.len())];
            let at = dice.below(step.line.nodes());
            let Some(mutant) = mutated(&step.line, at, &mut dice) else { continue };
            match differ(&step.line, &mutant, &mut dice) {
                Some(true) => {}
                Some(false) => {
                    equal += 1;
                    continue;
                }
                None => {
                    open += 1;
                    continue;
                }
            }
            made += 1;
            // As a student hands it in: text that is read.
            let lines = read("mutant", &format!("{}\n = {mutant}", step.above));
            match &judged(&lines)[1].judgement {
                Judgement::Wrong { at, expected, found } => {
                    rejected += 1;
                    let values: Vec<(&str, f64)> =
                        at.iter().map(|(name, value)| (name.as_str(), value.to_f64())).collect();
                    // The point that is shown is one where the two differ.
                    for (tree, value) in [(&step.above, expected), (&mutant, found)] {
                        let own = tree.evaluate(&values).unwrap_or_else(|error| {
                            panic!("{error}: {} and {mutant} at {values:?}", step.above)
                        });
                        let near = (own - value).abs() <= 1e-6 * (1.0 + value.abs());
                        assert!(
                            near || !own.is_finite(),
                            "{tree} at {values:?}: {own}, not {value}"
                        );
                    }
                }
                other => {
                    missed.push(format!("{}: {} -> {mutant}: {other:?}", step.file, step.line))
                }
            }
        }
        println!(
            "seed {seed}: {made} mutated lines, {rejected} rejected ({equal} of equal value and {open} unclear ones left out)"
        );
        assert!(rejected * 100 >= made * 99, "{}", missed.join("\n"));
    }
}

#[test]
fn mutated_labels_are_found() {
    let derived =
        DERIVED.iter().filter_map(|formula| Some((formula.to_string(), written(formula)?)));
    let files: Vec<(String, Lines)> = corpus()
        .into_iter()
        .chain(derived)
        .map(|(name, text)| (name.clone(), read(&name, &text)))
        .collect();
    let rules: Vec<Rule> = Rule::all().collect();
    let (mut all_made, mut all_rejected) = (0, 0);
    for seed in [6, 20_261_126, 77] {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
        let (mut made, mut rejected) = (0, 0);
        let mut missed = vec![];
        while made < 120 {
            let (name, lines) = &files[dice.below(files.len())];
            if lines.labels.is_empty() {
                continue;
            }
            let which = dice.below(lines.labels.len());
            let own = Rule::parse(&lines.labels[which].words);
            let other = rules[dice.below(rules.len())];
            // Left out: lists of names for several steps of one row, and 'simplify' in the place of another name,
            // which names truly whatever makes a line shorter.
            let list = lines.labels[which].words.contains(';');
            if list || own.is_none() || own == Some(other) || other == Rule::Simplify {
                continue;
            }
            made += 1;
            let mut mutant = lines.clone();
            mutant.labels[which].words = other.label().into();
            let wrong = judged(&mutant).iter().any(|line| {
                let label = line.label.as_ref();
                label
                    .is_some_and(|own| own.label.words == other.label() && own.judgement.is_wrong())
            });
            rejected += usize::from(wrong);
            if !wrong {
                missed.push(format!(
                    "{name}: '{}' as '{}'",
                    lines.labels[which].words,
                    other.label()
                ));
            }
        }
        missed.sort();
        missed.dedup();
        println!(
            "seed {seed}: {made} mutated labels, {rejected} rejected; accepted: {}",
            missed.join(", ")
        );
        all_made += made;
        all_rejected += rejected;
    }
    // Most of those accepted are true as well: sqrt's derivative by the power rule.
    assert!(all_rejected * 100 >= all_made * 95, "{all_rejected} of {all_made}");
}

/// A sign or digit of a file is changed as it stands, in plain text or LaTeX: the line that changed is the first
/// wrong one.
#[test]
fn changed_files_are_marked_at_the_line_that_changed() {
    let files = corpus();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(41));
    let (mut made, mut rejected, mut unread) = (0, 0, 0);
    let mut missed = vec![];
    for _ in 0..4000 {
        if made >= 150 {
            break;
        }
        let (name, text) = &files[dice.below(files.len())];
        let places: Vec<usize> = text
            .char_indices()
            .filter(|(_, c)| "+-1234·".contains(*c))
            .map(|(place, _)| place)
            .collect();
        let Some(&place) = places.get(dice.below(places.len())) else { continue };
        let old = text[place..].chars().next().expect("a letter");
        let new = match old {
            '+' => '-',
            '-' => '+',
            '1' => '2',
            '2' => '3',
            '3' => '4',
            '4' => '2',
            _ => '+',
        };
        let mut changed = text.clone();
        changed.replace_range(place..place + old.len_utf8(), &new.to_string());
        let before = read(name, text);
        let reading = Reading { name: name.clone(), ..Reading::default() };
        let Ok(after) = read_lines(&changed, &reading) else {
            unread += 1;
            continue;
        };
        if after.lines.len() != before.lines.len() {
            continue;
        }
        // The first line of another value; a changed left side or definition changes what all others mean.
        let mut pairs = before.lines.iter().zip(&after.lines);
        let first = pairs.position(|(a, b)| {
            a.value != b.value && differ(&a.value, &b.value, &mut dice) == Some(true)
        });
        let Some(first) = first.filter(|first| before.lines[*first].role == Role::Next) else {
            continue;
        };
        if before.lines[first].value.to_string().contains('?') {
            continue;
        }
        made += 1;
        let marked = check_lines(&after, None).unwrap_or_else(|error| panic!("{error}"));
        if marked.first_wrong == Some(first) {
            rejected += 1;
        } else {
            missed.push(format!("{name}: {} {:?}", after.lines[first].text, marked.first_wrong));
        }
    }
    println!(
        "{made} changed files, {rejected} marked at the line that changed ({unread} unreadable)"
    );
    assert!(made >= 150 && rejected * 100 >= made * 99, "{}", missed.join("\n"));
}
