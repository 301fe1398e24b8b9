//! Softmax and loss, each number put in.

use super::explanation::{Explanation, omitted};
use super::forward::{View, largest, row_range, row_values, true_text};
use super::number::{full, number, number_f32, precise, related, shown, shown_f32};
use crate::document::{Block, Column, Document, Table, Text};
use crate::formula::{Math, Operator};
use crate::graph::op::{Loss, LossReduction, PairLoss, Softmax};
use crate::graph::{NodeId, Op};
use crate::nn::loss::{Criterion, KLDivReduction};
use crate::reference::{self, Array};
use crate::tensor::Tensor;
use crate::trace::{Precision, written};
use crate::train::Target;

/// Rows whose loss is shown in full.
const ROWS: usize = 4;
/// Classes or outputs that are shown each.
const UNITS: usize = 8;
/// Of more classes, so many and the true one.
const LARGEST: usize = 3;

pub(super) fn write(all: &Explanation, document: &mut Document) {
    let Some(criterion) = &all.config.criterion else { return };
    document.section(Text::from("Loss: ").code(criterion.to_string()));
    let Some(node) = loss_node(all) else { return };
    let widest = row_range(all, all.trace.output(), 0).len();
    let most = if widest > UNITS { 1 } else { ROWS };
    let op = all.trace.graph().graph().node(node).op().clone();
    if let Op::Loss(Loss::Pair(pair)) = op {
        document.formula(elementwise(pair));
    } else {
        document.formula(cross_entropy_formula(criterion));
    }
    let rows = all.trace.rows();
    for row in 0..rows.min(most) {
        if rows > 1 {
            document.push(Block::Heading(3, all.row_name(row).into()));
        }
        match op {
            Op::Loss(Loss::Pair(_)) => pair_row(all, node, row, document),
            _ => cross_entropy_row(all, criterion, row, document), // not operations: all other losses
        }
    }
    if rows > most {
        omitted(document, format!("the losses of {} more rows.", rows - most));
    }
    total(all, criterion, document);
}

/// The loss's own operation: before rows are averaged.
fn loss_node(all: &Explanation) -> Option<NodeId> {
    let graph = all.trace.graph().graph();
    graph.ids().find(|&id| all.trace.is_forward(id) && matches!(graph.node(id).op(), Op::Loss(_)))
}

fn name(letter: &str) -> Math {
    Math::name(letter)
}

/// What an elementwise loss computes of an estimate and a target.
fn elementwise(pair: PairLoss) -> Math {
    let (p, t) = (name("ŷ"), name("y"));
    let d = || Math::sum([p.clone(), t.clone().negative()]);
    let size = || Math::Fence(crate::formula::Fence::Bars, Box::new(d()));
    let half = || Math::fraction(Math::f64(1.0), Math::f64(2.0));
    let square = || d().fenced().power(Math::f64(2.0));
    let ln = |argument: Math| Math::apply("ln", argument);
    let one_minus = |math: Math| Math::sum([Math::f64(1.0), math.negative()]);
    let value = match pair {
        PairLoss::Mse => square(),
        PairLoss::L1 => size(),
        PairLoss::SmoothL1 { beta } => Math::Cases(vec![
            (
                Math::fraction(square(), Math::product([Math::f64(2.0), number(beta)])),
                Some(less(size(), number(beta))),
            ),
            (Math::sum([size(), number(beta / 2.0).negative()]), None),
        ]),
        PairLoss::Huber { delta } => Math::Cases(vec![
            (Math::product([half(), square()]), Some(at_most(size(), number(delta)))),
            (
                Math::product([
                    number(delta),
                    Math::sum([size(), number(delta / 2.0).negative()]).fenced(),
                ]),
                None,
            ),
        ]),
        PairLoss::Bce => Math::sum([
            Math::product([t.clone(), ln(p.clone())]).negative(),
            Math::product([one_minus(t.clone()).fenced(), ln(one_minus(p.clone()))]).negative(),
        ]),
        PairLoss::BceWithLogits => {
            let p = Math::apply("σ", name("z"));
            Math::sum([
                Math::product([t.clone(), ln(p.clone())]).negative(),
                Math::product([one_minus(t.clone()).fenced(), ln(one_minus(p))]).negative(),
            ])
        }
        PairLoss::KlDiv { log_target: false } => {
            Math::product([t.clone(), Math::sum([ln(t.clone()), name("z").negative()]).fenced()])
        }
        PairLoss::KlDiv { log_target: true } => Math::product([
            name("e").power(t.clone()),
            Math::sum([t.clone(), name("z").negative()]).fenced(),
        ]),
        PairLoss::PoissonNll { log_input: true, .. } => Math::sum([
            name("e").power(name("z")),
            Math::product([t.clone(), name("z")]).negative(),
        ]),
        PairLoss::PoissonNll { log_input: false, .. } => {
            Math::sum([name("z"), Math::product([t.clone(), ln(name("z"))]).negative()])
        }
        PairLoss::GaussianNll { .. } => Math::product([
            half(),
            Math::sum([ln(name("v")), Math::fraction(square(), name("v"))]).fenced(),
        ]),
    };
    name("ℓ").equals(value)
}

fn less(left: Math, right: Math) -> Math {
    Math::row([left, Math::Operator(Operator::Relation(crate::formula::Relation::Less)), right])
}

fn at_most(left: Math, right: Math) -> Math {
    Math::row([
        left,
        Math::Operator(Operator::Relation(crate::formula::Relation::LessEqual)),
        right,
    ])
}

/// A row's losses element by element.
fn pair_row(all: &Explanation, node: NodeId, row: usize, document: &mut Document) {
    let trace = &all.trace;
    let operands = trace.graph().graph().node(node).operands();
    let (p, t) = (row_values(all, operands[0], row), row_values(all, operands[1], row));
    let losses = row_values(all, node, row);
    let squared =
        matches!(trace.graph().graph().node(node).op(), Op::Loss(Loss::Pair(PairLoss::Mse)));
    if squared && losses.len() <= 4 {
        for at in 0..losses.len() {
            let difference = Math::sum([number_f32(p[at]), number_f32(t[at]).negative()]);
            let symbol = if losses.len() == 1 {
                name("ℓ")
            } else {
                name("ℓ").lowered(Math::number(&(at + 1).to_string()))
            };
            let square = symbol.equals(difference.fenced().power(Math::f64(2.0)));
            let exact = [p[at], t[at], losses[at]].iter().all(|&v| shown_f32(v).exact);
            document.formula(related(square, exact, number_f32(losses[at])));
        }
        return;
    }
    let mut table = Table::new([
        Column::words("output"),
        Column::numbers(all.symbols.get(trace.output()).map_or(name("ŷ"), |s| s.whole())),
        Column::numbers(name("y")),
        Column::numbers(name("ℓ")),
    ]);
    for unit in largest(&losses, UNITS) {
        table.row([
            all.symbols.get(trace.output()).map_or(name("ŷ"), |symbol| symbol.unit(unit)).into(),
            number_f32(p[unit]).into(),
            number_f32(t[unit]).into(),
            number_f32(losses[unit]).into(),
        ]);
    }
    document.push(Block::Table(table));
    if losses.len() > UNITS {
        omitted(
            document,
            format!("{} more outputs; shown are the largest losses.", losses.len() - UNITS),
        );
    }
}

fn cross_entropy_formula(criterion: &Criterion) -> Math {
    let z = || name("z").lowered(name("y"));
    match criterion {
        Criterion::NLLLoss(_) => name("J").equals(z().negative()),
        Criterion::CrossEntropyLoss(_)
        | Criterion::MSELoss(_)
        | Criterion::L1Loss(_)
        | Criterion::SmoothL1Loss(_)
        | Criterion::HuberLoss(_)
        | Criterion::BCELoss(_)
        | Criterion::BCEWithLogitsLoss(_)
        | Criterion::KLDivLoss(_)
        | Criterion::PoissonNLLLoss(_)
        | Criterion::GaussianNLLLoss(_) => {
            let p = || name("p").lowered(name("i"));
            let e = |index: &str| name("e").power(name("z").lowered(name(index)));
            let sum = Math::Big(crate::formula::BigOperator::Sum, Some(Box::new(name("j"))), None);
            let softmax = p().equals(Math::fraction(e("i"), Math::row([sum, e("j")])));
            let loss = name("J").equals(Math::apply("ln", name("p").lowered(name("y"))).negative());
            Math::row([softmax, Math::Operator(Operator::Space), loss])
        }
    }
}

/// Softmax of scores in f64.
fn softmax(scores: &[f32]) -> Vec<f64> {
    let z: Vec<f64> = scores.iter().map(|&score| written(score)).collect();
    let length = z.len();
    Tensor::new([length], z)
        .map(Array::from)
        .and_then(|z| {
            let op = Op::Softmax(Softmax::Probabilities { axis: 0 });
            reference::operation(&op, &[&z], vec![length])
        })
        .and_then(|p| Ok(p.floats()?.data().to_vec()))
        .unwrap_or_default()
}

/// The table of a softmax: scores, exponentials beside the largest, probabilities.
fn softmax_table(
    all: &Explanation,
    scores: &[f32],
    p: &[f64],
    also: Option<usize>,
) -> (Table, usize) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut units: Vec<usize> = (0..scores.len()).collect();
    if units.len() > UNITS {
        units.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        units.truncate(LARGEST);
        units.extend(also.filter(|class| !units.contains(class)));
    }
    let shifted = || Math::sum([name("z"), name("m").negative()]);
    let mut table = Table::new([
        Column::words("class"),
        Column::numbers(name("z")),
        Column::numbers(shifted()),
        Column::numbers(name("e").power(shifted())),
        Column::numbers(name("p")),
    ]);
    let count = units.len();
    for unit in units {
        let shift = written(scores[unit]) - written(most);
        table.row([
            all.class_name(unit).into(),
            number_f32(scores[unit]).into(),
            number(shift).into(),
            number(libm::exp(shift)).into(),
            number(p[unit]).into(),
        ]);
    }
    (table, count)
}

fn write_softmax_of(
    all: &Explanation,
    scores: &[f32],
    also: Option<usize>,
    document: &mut Document,
) {
    let p = softmax(scores);
    if p.len() != scores.len() || p.is_empty() {
        return;
    }
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|&z| libm::exp(written(z) - written(most))).sum();
    let (table, count) = softmax_table(all, scores, &p, also);
    let exponentials = Math::row([
        Math::Big(crate::formula::BigOperator::Sum, Some(Box::new(name("j"))), None),
        name("e").power(Math::sum([name("z").lowered(name("j")), name("m").negative()])),
    ]);
    document.say(
        Text::from("With the largest score ")
            .math(name("m").equals(number_f32(most)))
            .plain(" taken off, which changes no probability and keeps exponentials small, ")
            .math(related(exponentials, shown(sum).exact, number(sum)))
            .plain("."),
    );
    document.push(Block::Table(table));
    if scores.len() > count {
        let rest: f64 = {
            let mut sorted = p.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.iter().skip(LARGEST).sum()
        };
        omitted(
            document,
            Text::from(format!(
                "{} more classes; all but the {LARGEST} most probable have probability ",
                scores.len() - count
            ))
            .math(number(rest))
            .plain(" together."),
        );
    }
}

/// A softmax layer.
pub(super) fn write_softmax(view: &View<'_>, document: &mut Document) {
    let scores = view.input();
    write_softmax_of(view.all, &scores, None, document);
    super::forward::values_line(view, document);
}

fn cross_entropy_row(
    all: &Explanation,
    criterion: &Criterion,
    row: usize,
    document: &mut Document,
) {
    let scores = row_values(all, all.trace.output(), row);
    let logits = matches!(criterion, Criterion::CrossEntropyLoss(_));
    let class = match &all.target {
        Some(Target::Classes(classes)) => usize::try_from(classes[row]).ok(),
        Some(Target::Values(_)) | None => None,
    };
    if all.trace.shape(all.trace.output()).len() != 2 {
        return own_loss(all, row, document);
    }
    if logits {
        write_softmax_of(all, &scores, class, document);
    }
    let plain = match criterion {
        Criterion::CrossEntropyLoss(loss) => loss.label_smoothing == 0.0 && loss.weight.is_none(),
        Criterion::NLLLoss(loss) => loss.weight.is_none(),
        Criterion::MSELoss(_)
        | Criterion::L1Loss(_)
        | Criterion::SmoothL1Loss(_)
        | Criterion::HuberLoss(_)
        | Criterion::BCELoss(_)
        | Criterion::BCEWithLogitsLoss(_)
        | Criterion::KLDivLoss(_)
        | Criterion::PoissonNLLLoss(_)
        | Criterion::GaussianNLLLoss(_) => false,
    };
    let Some(class) = class.filter(|&class| class < scores.len()) else {
        return own_loss(all, row, document);
    };
    let predicted = largest(&scores, scores.len())
        .into_iter()
        .max_by(|&a, &b| scores[a].total_cmp(&scores[b]))
        .unwrap_or(0);
    let verdict = if predicted == class { "rightly" } else { "wrongly" };
    document.say(
        Text::from("The network predicts ")
            .strong(all.class_name(predicted))
            .plain(format!(", {verdict}: true is "))
            .strong(all.class_name(class))
            .plain("."),
    );
    if !plain {
        return own_loss(all, row, document);
    }
    let Some(result) = all.rows.get(row) else { return };
    let own = name("J").lowered(Math::number(&(row + 1).to_string()));
    if logits {
        let p = softmax(&scores)[class];
        // A probability that is shown as 1 says nothing of its logarithm: then the other classes do.
        let exact = shown(p).exact && shown(result.exact_loss).exact;
        let symbol = name("p").lowered(Math::text(all.class_name(class)));
        let line = own
            .equals(Math::apply("ln", symbol).negative())
            .approximately(Math::apply("ln", number(p)).negative());
        document.formula(related(line, exact, number(result.exact_loss)));
    } else {
        let line = own.equals(number_f32(scores[class]).fenced().negative());
        document.formula(line.equals(number_f32(result.loss)));
    }
}

/// The row's loss where its way is longer than a line.
fn own_loss(all: &Explanation, row: usize, document: &mut Document) {
    let Some(result) = all.rows.get(row) else { return };
    let own = name("J").lowered(Math::number(&(row + 1).to_string()));
    document.say(
        Text::from("True is ")
            .math(Math::text(true_text(all, row).to_string()))
            .plain("; with class weights and smoothing as given, ")
            .math(own.equals(number_f32(result.loss)))
            .plain("."),
    );
}

/// How rows and outputs become the one number, in f32 and f64.
fn total(all: &Explanation, criterion: &Criterion, document: &mut Document) {
    let (Some(loss), Some(exact)) = (all.trace.loss_value(), all.trace.exact_loss()) else {
        return;
    };
    let how = match reduction(criterion) {
        LossReduction::Mean => "mean",
        LossReduction::Sum => "sum",
        LossReduction::None => "value",
    };
    let rows = all.trace.rows();
    let outputs = row_range(all, all.trace.output(), 0).len();
    let weighted = criterion.buffers().iter().any(|(key, _)| *key == "loss.weight");
    let over = match loss_node(all).map(|id| all.trace.graph().graph().node(id).op()) {
        Some(Op::Loss(Loss::Pair(_))) if rows * outputs == 1 => None,
        Some(Op::Loss(Loss::Pair(_))) if outputs > 1 => {
            Some(format!("the {how} over {rows} rows of {outputs} outputs"))
        }
        _ if rows == 1 => None, // not operations: all other losses
        _ if weighted => Some(format!("the weighted {how} over {rows} rows")), // not operations: as above
        _ => Some(format!("the {how} over {rows} rows")), // not operations: as above
    };
    if let Some(sum) = sum_line(all, criterion) {
        document.formula(sum);
    }
    let words = over.map_or(String::new(), |over| format!(", {over},"));
    let precision = Precision::of(loss, exact, None);
    let mut text = Text::from("The loss")
        .plain(words)
        .plain(" is ")
        .math(full(loss))
        .plain(" in f32, as training computes it");
    if precision.ulps > 0.0 {
        text = text.plain("; in f64, from the decimals as given, ").math(precise(exact)).plain(
            format!(" ({} units of the last place away)", (precision.ulps * 10.0).round() / 10.0),
        );
    }
    document.say(text.plain("."));
}

fn reduction(criterion: &Criterion) -> LossReduction {
    match criterion {
        Criterion::CrossEntropyLoss(loss) => loss.reduction,
        Criterion::NLLLoss(loss) => loss.reduction,
        Criterion::MSELoss(loss) => loss.reduction,
        Criterion::L1Loss(loss) => loss.reduction,
        Criterion::SmoothL1Loss(loss) => loss.reduction,
        Criterion::HuberLoss(loss) => loss.reduction,
        Criterion::BCELoss(loss) => loss.reduction,
        Criterion::BCEWithLogitsLoss(loss) => loss.reduction,
        Criterion::PoissonNLLLoss(loss) => loss.reduction,
        Criterion::GaussianNLLLoss(loss) => loss.reduction,
        Criterion::KLDivLoss(loss) => match loss.reduction {
            KLDivReduction::Mean | KLDivReduction::BatchMean => LossReduction::Mean,
            KLDivReduction::Sum => LossReduction::Sum,
            KLDivReduction::None => LossReduction::None,
        },
    }
}

/// `J = (0 + 0.09 + 1)/3 = 0.363333`, for a few rows of equal weight.
fn sum_line(all: &Explanation, criterion: &Criterion) -> Option<Math> {
    let rows = all.trace.rows();
    if !(2..=6).contains(&rows) || all.rows.len() != rows || !criterion.buffers().is_empty() {
        return None;
    }
    let terms = Math::sum(all.rows.iter().map(|row| number(row.exact_loss)));
    let value = match reduction(criterion) {
        LossReduction::Mean => Math::fraction(terms, Math::f64(rows as f64)),
        LossReduction::Sum => terms,
        LossReduction::None => return None,
    };
    let loss = all.trace.exact_loss()?;
    let exact = shown(loss).exact && all.rows.iter().all(|row| shown(row.exact_loss).exact);
    Some(related(name("J").equals(value), exact, number(loss)))
}
