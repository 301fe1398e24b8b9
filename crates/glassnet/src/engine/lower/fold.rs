//! Fusion: which nodes share a kernel.

use super::Lowering;
use crate::engine::instruction::After;
use crate::graph::op::{Linear, Loss, Source};
use crate::graph::{NodeId, Op};

impl Lowering<'_> {
    /// Marks products whose only user is an activation, or its derivative, that does not need them again: one kernel
    /// does both.
    pub(super) fn fold_products(&mut self) {
        if !self.config.fuse {
            return;
        }
        let mut users = vec![0_usize; self.needed.len()];
        for id in self.graph.graph().ids().filter(|id| self.needed[id.index()]) {
            for operand in self.graph.graph().node(id).operands() {
                users[operand.index()] += 1;
            }
        }
        for id in self.graph.graph().ids().filter(|id| self.needed[id.index()]) {
            let node = self.graph.graph().node(id);
            let Some(&operand) = node.operands().first() else { continue };
            let product = self.graph.graph().node(operand).op();
            let fits = match node.op() {
                Op::Activation(_) => matches!(product, Op::Linear(Linear::Affine)),
                Op::ActivationGrad(_) => {
                    matches!(product, Op::Linear(Linear::MatMul { .. }))
                        && node.operands()[1] != operand
                }
                _ => false, // not operations: a question about two of them
            };
            if fits && users[operand.index()] == 1 && !self.is_kept(operand) {
                self.folded[operand.index()] = true;
            }
        }
    }

    /// Finds cross-entropies whose derivative is wanted too: both come from one pass over the scores.
    pub(super) fn pair_losses(&mut self) {
        if !self.config.fuse {
            return;
        }
        let graph = self.graph.graph();
        let wanted: Vec<NodeId> = graph.ids().filter(|id| self.needed[id.index()]).collect();
        for &id in &wanted {
            let Op::Loss(Loss::CrossEntropyGrad(loss)) = graph.node(id).op() else { continue };
            let (above, operands) = (graph.node(id).operands()[0], &graph.node(id).operands()[1..]);
            // What comes from above must be there before the loss is.
            if !matches!(graph.node(above).op(), Op::Source(Source::Constant(_))) {
                continue;
            }
            let value = wanted.iter().copied().find(|&value| {
                graph.node(value).op() == &Op::Loss(Loss::CrossEntropy(*loss))
                    && graph.node(value).operands() == operands
                    && self.partners[value.index()].is_none()
                    && value.index() < id.index()
            });
            if let Some(value) = value {
                self.partners[value.index()] = Some(id);
                self.partners[id.index()] = Some(value);
            }
        }
    }

    /// The product that was folded into a node, and what the node does with it.
    pub(super) fn folded_product(&self, id: NodeId) -> Option<(NodeId, After)> {
        let node = self.graph.graph().node(id);
        let &operand = node.operands().first()?;
        if !self.folded[operand.index()] {
            return None;
        }
        match node.op() {
            Op::Activation(activation) => Some((operand, After::Activate(*activation))),
            Op::ActivationGrad(grad) => {
                Some((operand, After::Derive(grad.0, self.slots[node.operands()[1]])))
            }
            _ => None, // not operations: a question about two of them
        }
    }
}
