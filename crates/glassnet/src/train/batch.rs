//! Batches of one size: their plan, its memory, and where their rows go.

use std::ops::Range;
use std::sync::Arc;

use super::dataset::{Dataset, Features, Target, gather};
use crate::engine::rule::Rule;
use crate::engine::{Feeds, InputPlace, Memory, Plan, Rows, ValuePlace};

/// A step compiled for one number of rows, ready to be run.
pub(super) struct Batch {
    pub(super) plan: Arc<Plan>,
    pub(super) memory: Memory,
    features: Place,
    target: Place,
    weight: Place,
    /// Where the loss lies among the results.
    loss: usize,
}

/// Where an input goes: found once, by name.
#[derive(Clone, Copy)]
enum Place {
    /// The step doesn't need it.
    Nowhere,
    /// Floats, which the plan reads or copies itself.
    Fed(InputPlace),
    /// Floats that are copied to the plan's memory.
    Floats(ValuePlace),
    /// Integers that are copied to the plan's memory.
    Indices(ValuePlace),
}

impl Place {
    fn of(plan: &Plan, name: &str, floats: bool) -> Place {
        match (floats, plan.feed(name), plan.input(name)) {
            (true, Some(place), _) => Place::Fed(place),
            (true, None, Some(place)) => Place::Floats(place),
            (false, _, Some(place)) => Place::Indices(place),
            (_, _, None) => Place::Nowhere,
        }
    }
}

impl Batch {
    /// Batches of `plan`'s size of rows of `data`; the loss is result number `loss_index`.
    pub(super) fn new(plan: Arc<Plan>, data: &Dataset, loss_index: usize) -> Self {
        let floats = matches!(data.features(), Features::Floats(_));
        let values = matches!(data.target(), Target::Values(_));
        Batch {
            memory: plan.memory(),
            features: Place::of(&plan, "x", floats),
            target: Place::of(&plan, "y", values),
            weight: Place::of(&plan, "weight", true),
            loss: plan.result_range(loss_index).start,
            plan,
        }
    }

    /// Whether the plan takes features from whoever keeps them.
    pub(super) fn takes_kept(&self) -> bool {
        matches!(self.features, Place::Fed(_))
    }

    /// Prepares the step on `rows` of `data`, whose features are those of `keeper` where there is one; `in_order` says that
    /// each row is the one after the row before it.
    #[inline]
    pub(super) fn feed<'a>(
        &mut self,
        keeper: Option<&'a dyn Rows>,
        data: &'a Dataset,
        rows: &'a [usize],
        in_order: bool,
    ) -> Feeds<'a> {
        let mut feeds = Feeds::default();
        let range = rows.first().filter(|_| in_order).map(|&first| first..first + rows.len());
        match (keeper, self.features, data.features()) {
            (Some(keeper), Place::Fed(place), _) => feeds.set_kept(place, keeper, rows),
            (_, place, Features::Floats(x)) => {
                self.floats(place, &mut feeds, x.data(), rows, &range);
            }
            (_, place, Features::Indices(x)) => self.indices(place, x.data(), rows),
        }
        match data.target() {
            Target::Values(y) => self.floats(self.target, &mut feeds, y.data(), rows, &range),
            Target::Classes(y) => self.indices(self.target, y, rows),
        }
        if let Some(weights) = data.weights() {
            self.floats(self.weight, &mut feeds, weights, rows, &range);
        }
        feeds
    }

    #[inline]
    fn floats<'a>(
        &mut self,
        place: Place,
        feeds: &mut Feeds<'a>,
        table: &'a [f32],
        rows: &'a [usize],
        range: &Option<Range<usize>>,
    ) {
        match (place, range) {
            (Place::Fed(place), Some(range)) => {
                let width = place.width();
                feeds.set_in_place(place, &table[range.start * width..range.end * width]);
            }
            (Place::Fed(place), None) => feeds.set(place, table, rows),
            (Place::Floats(place), _) => {
                let to = self.memory.floats_mut(place);
                gather(table, to.len() / rows.len().max(1), rows, to);
            }
            (Place::Nowhere | Place::Indices(_), _) => {}
        }
    }

    #[inline]
    fn indices(&mut self, place: Place, table: &[i64], rows: &[usize]) {
        if let Place::Indices(place) = place {
            let to = self.memory.indices_mut(place);
            gather(table, to.len() / rows.len().max(1), rows, to);
        }
    }

    /// The table's rows and classes, where the plan can do many steps by `rule` on batches of them at once.
    pub(super) fn resident<'a>(
        &self,
        data: &'a Dataset,
        rule: &Rule,
    ) -> Option<(&'a [f32], &'a [i64])> {
        match (self.features, self.target, data.features(), data.target()) {
            (
                Place::Fed(x),
                Place::Indices(y),
                Features::Floats(table),
                Target::Classes(classes),
            ) if self.plan.is_resident(x, y, rule) => Some((table.data(), classes)),
            _ => None, // not operations: inputs of another kind
        }
    }

    /// The loss of the last step.
    pub(super) fn loss(&self) -> f32 {
        self.plan.results(&self.memory)[self.loss]
    }
}
