//! The optimiser's steps within the plan of a training step.

use super::Lowering;
use crate::engine::instruction::{Instruction, TableStep, Update};
use crate::engine::place::Slot;
use crate::error::{Error, Result};
use crate::graph::op::Source;

/// Floats hold the number of every row of a table below so many.
const MOST_ROWS: usize = 1 << 24;

/// Where a table's gradient comes from.
struct LookUp {
    dy: Slot,
    index: Slot,
    width: usize,
    padding_idx: Option<usize>,
    rows: usize,
}

impl Lowering<'_> {
    /// The optimiser's step for every parameter, each as soon as nothing reads it any more.
    pub(super) fn append_updates(&mut self, count: usize) -> Result<()> {
        let loss = *self.result_slots.get(count).ok_or_else(|| Error::network("no loss"))?;
        let parameters: Vec<(Slot, bool)> = self
            .graph
            .graph()
            .sources()
            .filter_map(|(id, source)| match source {
                Source::Parameter { name, .. } => {
                    Some((self.block.slot(name)?, self.graph.shape(id).rank() > 1))
                }
                Source::Buffer { .. }
                | Source::Input { .. }
                | Source::Constant(_)
                | Source::Count(_) => None,
            })
            .collect();
        let updates: Vec<Update> = parameters
            .into_iter()
            .zip(&self.result_slots[..count])
            .map(|((parameters, matrix), &gradient)| Update { parameters, gradient, matrix })
            .collect();
        let touched = |instruction: &Instruction, slot: Slot, writes_only: bool| {
            let accesses = instruction.accesses();
            let region = slot.into();
            accesses.writes.iter().any(|write| write.meets(&region))
                || (!writes_only && accesses.reads.iter().any(|read| read.meets(&region)))
        };
        let place = |of: &dyn Fn(&Instruction) -> bool| {
            self.instructions.iter().rposition(of).map_or(0, |last| last + 1)
        };
        let stop = place(&|instruction| touched(instruction, loss, true));
        let mut inserted: Vec<(usize, Instruction)> =
            vec![(stop, Instruction::StopUnlessFinite { loss })];
        let mut tables = vec![];
        for update in updates {
            let at = place(&|instruction| {
                touched(instruction, update.parameters, false)
                    || touched(instruction, update.gradient, false)
            });
            if at > stop
                && let Instruction::EmbeddingGrad { dy, index, out, width, padding_idx } =
                    self.instructions[at - 1]
                && let (true, rows @ ..MOST_ROWS) =
                    (out == update.gradient, out.len.checked_div(width).unwrap_or(0))
            {
                let look_up = LookUp { dy, index, width, padding_idx, rows };
                tables.push((at - 1, look_up, update));
                continue;
            }
            inserted.push((at.max(stop), Instruction::Update(update)));
        }
        for (at, LookUp { dy, index, width, padding_idx, rows }, update) in tables {
            let last = self.allocator.append(index.len);
            let visited = self.allocator.append(rows);
            let step = TableStep { dy, index, width, padding_idx, update, last, visited };
            self.instructions[at] = Instruction::TableStep(step);
        }
        // Stable: the check stays before the updates.
        inserted.sort_by_key(|(at, _)| *at);
        let mut rest = std::mem::take(&mut self.instructions).into_iter().enumerate();
        let mut inserted = inserted.into_iter().peekable();
        let mut at = 0;
        loop {
            while let Some((_, instruction)) = inserted.next_if(|(place, _)| *place == at) {
                self.instructions.push(instruction);
            }
            let Some((index, instruction)) = rest.next() else { break };
            self.instructions.push(instruction);
            at = index + 1;
        }
        Ok(())
    }
}
