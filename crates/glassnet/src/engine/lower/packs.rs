//! Weights that stay as they are, packed once for the products that read them.

use super::Lowering;
use crate::engine::Pack;
use crate::engine::instruction::Instruction;
use crate::engine::kernels::{self, Epilogue};
use crate::engine::place::{ALIGNMENT, Slot, Space};
use crate::error::{Error, ErrorKind, Result};

impl Lowering<'_> {
    /// Has products read the block's weights packed, those that several products read once for each.
    pub(super) fn pack_weights(&mut self) -> Result<Vec<Pack>> {
        let mut packs: Vec<Pack> = vec![];
        let mut end = 0_usize;
        for instruction in &mut self.instructions {
            let Instruction::Product(product) = instruction else { continue };
            if product.b.space != Space::State || product.k == 0 || product.n == 0 {
                continue;
            }
            let len = product.shape.panels_len(self.config.level);
            let to = Slot { space: Space::Packed, offset: end, len };
            end = end
                .checked_add(len.next_multiple_of(ALIGNMENT))
                .ok_or_else(|| Error::new(ErrorKind::Limit, "the weights do not fit memory"))?;
            // Independent of the batch, so that plans of all batch sizes have the same packs.
            let shape = kernels::Product { m: 1, epilogue: Epilogue::None, ..product.shape };
            packs.push(Pack { from: product.b, to, shape });
            product.b = to;
            product.shape = product.shape.with_panels();
        }
        Ok(packs)
    }
}
