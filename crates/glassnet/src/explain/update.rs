//! The first step of an optimiser, with the numbers of one weight.

use super::explanation::Explanation;
use super::number::{full, number, number_f32, precise, shown};
use crate::document::{Document, NoteKind, Text};
use crate::formula::{Math, Operator};
use crate::graph::Op;
use crate::trace::{Update, of_activation, written};
use crate::train::optimizer::{Adam, Optimizer};

/// A line of the calculation: what is computed, how, with numbers, and what comes out.
pub(super) struct Line {
    left: Math,
    symbols: Math,
    numbers: Math,
    pub(super) value: f64,
}

fn line(left: Math, symbols: Math, numbers: Math, value: f64) -> Line {
    Line { left, symbols, numbers, value }
}

pub(super) fn write(all: &Explanation, update: &Update, document: &mut Document) {
    document.section(Text::from("One step of ").code(update.optimizer.to_string()));
    let Some((key, place, name)) = chosen(all, update) else { return };
    let Some(range) = update.range(&key) else { return };
    let at = range.start + place;
    let (before, gradient, after) = (update.before[at], update.gradients[at], update.after[at]);
    document.say(
        Text::from("For ")
            .code(name)
            .plain(", with ")
            .math(Math::name("w").equals(number_f32(before)))
            .plain(", ")
            .math(Math::name("g").equals(number_f32(gradient)))
            .plain(" and the learning rate ")
            .math(Math::name("η").equals(number(update.optimizer.lr())))
            .plain(", from a fresh state:"),
    );
    for line in lines(&update.optimizer, written(before), written(gradient)) {
        document.formula(Math::row([
            line.left,
            Math::Operator(Operator::Equals),
            line.symbols,
            Math::Operator(Operator::Equals),
            line.numbers,
            Math::Operator(super::number::relation(shown(line.value).exact)),
            number(line.value),
        ]));
    }
    document.say(Text::from("The engine's step gives ").math(full(after)).plain("."));
    if after == before {
        document.note(NoteKind::Remark, "the step leaves this weight as it is.");
    }
    let moved = update.before.iter().zip(&update.after).filter(|(a, b)| a != b).count();
    let loss = all.trace.exact_loss().unwrap_or(f64::NAN);
    document.say(
        Text::from(format!(
            "All weights are moved at once ({moved} of {} change), and the loss of these rows goes from ",
            update.before.len()
        ))
        .math(precise(loss))
        .plain(" to ")
        .math(precise(update.loss))
        .plain(match update.loss.partial_cmp(&loss) {
            Some(std::cmp::Ordering::Less) => ".",
            Some(std::cmp::Ordering::Equal) => ": it stays.",
            Some(std::cmp::Ordering::Greater) if on_kinks(all) => {
                ": it grows. Units lie on a kink, where the gradient by convention need not point downhill."
            }
            Some(std::cmp::Ordering::Greater) => ": it grows, so the step is too long for these rows.",
            None => ".",
        }),
    );
}

/// Whether any unit of the network lies exactly on a kink.
fn on_kinks(all: &Explanation) -> bool {
    let trace = &all.trace;
    let graph = trace.graph().graph();
    graph.ids().filter(|&id| trace.is_forward(id)).any(|id| {
        let node = graph.node(id);
        let Op::Activation(activation) = node.op() else { return false };
        let values = trace.floats(node.operands()[0]).unwrap_or_default();
        values.iter().any(|&z| of_activation(*activation, z).is_some())
    })
}

/// The weight that was asked for, else the one of the largest gradient: key, place and name.
fn chosen(all: &Explanation, update: &Update) -> Option<(String, usize, String)> {
    if let Some(weight) = &all.weight {
        return Some((weight.index.key.clone(), weight.place, weight.index.to_string()));
    }
    let largest = (0..update.gradients.len())
        .max_by(|&a, &b| update.gradients[a].abs().total_cmp(&update.gradients[b].abs()))?;
    for parameter in all.trace.parameters() {
        let range = update.range(&parameter.key)?;
        if range.contains(&largest) {
            let place = largest - range.start;
            let index = super::setting::Weight {
                key: parameter.key.clone(),
                index: all.trace.coordinates(parameter.node, place),
            };
            return Some((parameter.key.clone(), place, index.to_string()));
        }
    }
    None
}

fn name(letter: &str) -> Math {
    Math::name(letter)
}

fn square(math: Math) -> Math {
    math.power(Math::f64(2.0))
}

fn root(math: Math) -> Math {
    Math::Root(Box::new(math))
}

fn one_minus(math: Math) -> Math {
    Math::sum([Math::f64(1.0), math.negative()])
}

/// The calculation of a first step in f64, line by line; the last line is the new weight.
pub(super) fn lines(optimizer: &Optimizer, w: f64, g: f64) -> Vec<Line> {
    let mut found = vec![];
    match optimizer {
        Optimizer::Sgd(options) => {
            let g = enter(&mut found, options.maximize, options.weight_decay, w, g);
            let direction = if options.momentum == 0.0 {
                (name("g"), g)
            } else {
                found.push(line(name("b"), name("g"), number(g), g));
                if options.nesterov {
                    let value = g + options.momentum * g;
                    found.push(line(
                        name("d"),
                        Math::sum([name("g"), Math::product([name("μ"), name("b")])]),
                        Math::sum([
                            number(g),
                            Math::product([number(options.momentum), number(g)]),
                        ]),
                        value,
                    ));
                    (name("d"), value)
                } else {
                    (name("b"), g)
                }
            };
            found.push(descend(w, options.lr, direction));
        }
        Optimizer::Adam(options) => adam(&mut found, options, w, g),
        Optimizer::AdamW(options) => adam(&mut found, &options.into(), w, g),
        Optimizer::NAdam(o) => {
            let (w, g) =
                decay(&mut found, o.decoupled_weight_decay, o.maximize, o.weight_decay, o.lr, w, g);
            let (m, v) = moments(&mut found, o.betas, g);
            let momentum =
                |step: f64| o.betas.0 * (1.0 - 0.5 * libm::pow(0.96, step * o.momentum_decay));
            let (mu, next) = (momentum(1.0), momentum(2.0));
            for (at, value) in [("μ_1", mu), ("μ_2", next)] {
                let step = if at == "μ_1" { 1.0 } else { 2.0 };
                let symbols = |half: Math, psi: Math| {
                    let power = Math::number("0.96").power(Math::product([Math::f64(step), psi]));
                    Math::product([
                        half,
                        one_minus(Math::product([Math::f64(0.5), power])).fenced(),
                    ])
                };
                found.push(line(
                    name(at),
                    symbols(name("β_1"), name("ψ")),
                    symbols(number(o.betas.0), number(o.momentum_decay)),
                    value,
                ));
            }
            let d = denominator(&mut found, v, o.betas.1, o.eps);
            let (of_g, of_m) = (o.lr * (1.0 - mu) / (1.0 - mu), o.lr * next / (1.0 - mu * next));
            let value = w - of_g * g / d - of_m * m / d;
            let second = |eta: Math, next: Math, both: Math| {
                Math::fraction(Math::product([eta, next]), one_minus(both))
            };
            found.push(line(
                new_weight(),
                Math::sum([
                    name("w"),
                    Math::product([name("η"), Math::fraction(name("g"), name("d"))]).negative(),
                    Math::product([
                        second(name("η"), name("μ_2"), Math::product([name("μ_1"), name("μ_2")])),
                        Math::fraction(name("m"), name("d")),
                    ])
                    .negative(),
                ]),
                Math::sum([
                    number(w),
                    Math::product([number(o.lr), Math::fraction(number(g), number(d))]).negative(),
                    Math::product([
                        second(
                            number(o.lr),
                            number(next),
                            Math::product([number(mu), number(next)]),
                        ),
                        Math::fraction(number(m), number(d)),
                    ])
                    .negative(),
                ]),
                value,
            ));
        }
        Optimizer::RAdam(o) => {
            let (w, g) =
                decay(&mut found, o.decoupled_weight_decay, o.maximize, o.weight_decay, o.lr, w, g);
            let (m, _) = moments(&mut found, o.betas, g);
            // At the first step the second moment is too uncertain to divide by, whatever the betas.
            let mean = hat(&mut found, "m", m, o.betas.0, "β_1");
            found.push(descend(w, o.lr, (hatted("m"), mean)));
        }
        Optimizer::RmsProp(o) => {
            let g = enter(&mut found, o.maximize, o.weight_decay, w, g);
            let v = second_moment(&mut found, "α", o.alpha, g);
            let mut inside = (name("v"), number(v), v);
            if o.centered {
                let a = (1.0 - o.alpha) * g;
                found.push(line(
                    name("a"),
                    Math::product([one_minus(name("α")).fenced(), name("g")]),
                    Math::product([one_minus(number(o.alpha)).fenced(), number(g)]),
                    a,
                ));
                inside = (
                    Math::sum([name("v"), square(name("a")).negative()]),
                    Math::sum([number(v), square(number(a)).negative()]),
                    v - a * a,
                );
            }
            let d = inside.2.sqrt() + o.eps;
            found.push(line(
                name("d"),
                Math::sum([root(inside.0), name("ε")]),
                Math::sum([root(inside.1), number(o.eps)]),
                d,
            ));
            found.push(line(
                name("b"),
                Math::fraction(name("g"), name("d")),
                Math::fraction(number(g), number(d)),
                g / d,
            ));
            found.push(descend(w, o.lr, (name("b"), g / d)));
        }
        Optimizer::Adagrad(o) => {
            let g = enter(&mut found, o.maximize, o.weight_decay, w, g);
            let s = o.initial_accumulator_value + g * g;
            found.push(line(
                name("s"),
                Math::sum([name("s_0"), square(name("g"))]),
                Math::sum([number(o.initial_accumulator_value), square(number(g))]),
                s,
            ));
            let value = g / (s.sqrt() + o.eps);
            found.push(line(
                name("d"),
                Math::fraction(name("g"), Math::sum([root(name("s")), name("ε")])),
                Math::fraction(number(g), Math::sum([root(number(s)), number(o.eps)])),
                value,
            ));
            found.push(descend(w, o.lr, (name("d"), value)));
        }
        Optimizer::Adadelta(o) => {
            let g = enter(&mut found, o.maximize, o.weight_decay, w, g);
            let v = second_moment(&mut found, "ρ", o.rho, g);
            let value = o.eps.sqrt() / (v + o.eps).sqrt() * g;
            let symbols = |u: Math, v: Math, eps: Math, g: Math| {
                let top = root(Math::sum([u, eps.clone()]));
                Math::product([Math::fraction(top, root(Math::sum([v, eps]))), g])
            };
            found.push(line(
                name("δ"),
                symbols(name("u"), name("v"), name("ε"), name("g")),
                symbols(number(0.0), number(v), number(o.eps), number(g)),
                value,
            ));
            found.push(descend(w, o.lr, (name("δ"), value)));
        }
    }
    found
}

fn new_weight() -> Math {
    name("w").lowered(Math::text("new"))
}

fn hatted(letter: &str) -> Math {
    match letter {
        "m" => name("m̂"),
        _ => name("v̂"),
    }
}

/// `w_new = w − η·d`.
fn descend(w: f64, lr: f64, (symbol, value): (Math, f64)) -> Line {
    line(
        new_weight(),
        Math::sum([name("w"), Math::product([name("η"), symbol]).negative()]),
        Math::sum([number(w), Math::product([number(lr), number(value)]).negative()]),
        w - lr * value,
    )
}

/// The gradient as it enters: turned round to climb, with the penalty's.
fn enter(found: &mut Vec<Line>, maximize: bool, decay: f64, w: f64, g: f64) -> f64 {
    let mut value = g;
    if maximize {
        value = -g;
        found.push(line(name("g"), name("g").negative(), number(g).negative(), value));
    }
    if decay != 0.0 {
        let sum = value + decay * w;
        found.push(line(
            name("g"),
            Math::sum([name("g"), Math::product([name("λ"), name("w")])]),
            Math::sum([number(value), Math::product([number(decay), number(w)])]),
            sum,
        ));
        value = sum;
    }
    value
}

/// Weight decay within the gradient, or apart from it.
fn decay(
    found: &mut Vec<Line>,
    decoupled: bool,
    maximize: bool,
    decay: f64,
    lr: f64,
    w: f64,
    g: f64,
) -> (f64, f64) {
    if !decoupled {
        return (w, enter(found, maximize, decay, w, g));
    }
    let g = enter(found, maximize, 0.0, w, g);
    let value = (1.0 - lr * decay) * w;
    found.push(line(
        name("w"),
        Math::product([one_minus(Math::product([name("η"), name("λ")])).fenced(), name("w")]),
        Math::product([one_minus(Math::product([number(lr), number(decay)])).fenced(), number(w)]),
        value,
    ));
    (value, g)
}

/// `(1 − β)·g²`.
fn second_moment(found: &mut Vec<Line>, letter: &str, beta: f64, g: f64) -> f64 {
    let v = (1.0 - beta) * g * g;
    found.push(line(
        name("v"),
        Math::product([one_minus(name(letter)).fenced(), square(name("g"))]),
        Math::product([one_minus(number(beta)).fenced(), square(number(g))]),
        v,
    ));
    v
}

fn moments(found: &mut Vec<Line>, betas: (f64, f64), g: f64) -> (f64, f64) {
    let m = (1.0 - betas.0) * g;
    found.push(line(
        name("m"),
        Math::product([one_minus(name("β_1")).fenced(), name("g")]),
        Math::product([one_minus(number(betas.0)).fenced(), number(g)]),
        m,
    ));
    (m, second_moment(found, "β_2", betas.1, g))
}

/// A moment without the bias of its start at 0.
fn hat(found: &mut Vec<Line>, letter: &str, value: f64, beta: f64, of: &str) -> f64 {
    let corrected = value / (1.0 - beta);
    found.push(line(
        hatted(letter),
        Math::fraction(name(letter), one_minus(name(of))),
        Math::fraction(number(value), one_minus(number(beta))),
        corrected,
    ));
    corrected
}

/// `√v̂ + ε`.
fn denominator(found: &mut Vec<Line>, v: f64, beta: f64, eps: f64) -> f64 {
    let corrected = hat(found, "v", v, beta, "β_2");
    let d = corrected.sqrt() + eps;
    found.push(line(
        name("d"),
        Math::sum([root(hatted("v")), name("ε")]),
        Math::sum([root(number(corrected)), number(eps)]),
        d,
    ));
    d
}

fn adam(found: &mut Vec<Line>, o: &Adam, w: f64, g: f64) {
    let (w, g) = decay(found, o.decoupled_weight_decay, o.maximize, o.weight_decay, o.lr, w, g);
    let (m, v) = moments(found, o.betas, g);
    let mean = hat(found, "m", m, o.betas.0, "β_1");
    let d = denominator(found, v, o.betas.1, o.eps);
    found.push(line(
        new_weight(),
        Math::sum([
            name("w"),
            Math::product([name("η"), Math::fraction(hatted("m"), name("d"))]).negative(),
        ]),
        Math::sum([
            number(w),
            Math::product([number(o.lr), Math::fraction(number(mean), number(d))]).negative(),
        ]),
        w - o.lr * mean / d,
    ));
}
