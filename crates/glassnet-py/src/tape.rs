//! What was computed: calls that may need a gradient, each with its operands.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;

use crate::piece::{Drawn, Part};
use crate::tensor::{Tensor, is_grad_enabled};

/// A call that was recorded.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) part: Arc<Part>,
    /// `None` once the graph was freed.
    pub(crate) operands: Mutex<Option<Vec<Operand>>>,
    pub(crate) drawn: Drawn,
    /// Results whose gradients are kept, by weak references to their tensors.
    pub(crate) kept: Mutex<Vec<(usize, Py<PyWeakrefReference>)>>,
}

#[derive(Debug)]
pub(crate) enum Operand {
    Leaf { tensor: Py<Tensor>, version: u64 },
    Computed(Origin),
}

/// A result of a recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) call: Arc<Call>,
    pub(crate) output: usize,
}

impl Origin {
    pub(crate) fn new(call: &Arc<Call>, output: usize) -> Self {
        Origin { call: Arc::clone(call), output }
    }

    /// The name of what was called.
    pub(crate) fn name(&self) -> &str {
        &self.call.part.name
    }

    /// Lets `tensor` have the gradient of this result.
    pub(crate) fn keep_for(&self, tensor: &Bound<'_, Tensor>) -> PyResult<()> {
        let reference = PyWeakrefReference::new(tensor)?.unbind();
        let mut kept = self.call.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((self.output, reference));
        Ok(())
    }
}

impl Call {
    /// Frees the graph behind it.
    pub(crate) fn take_operands(&self) -> Vec<Operand> {
        let mut operands = self.operands.lock().unwrap_or_else(PoisonError::into_inner);
        operands.take().unwrap_or_default()
    }
}

impl Drop for Call {
    /// Without recursion: a sum that grew over a hundred thousand steps is as deep.
    fn drop(&mut self) {
        let mut waiting = self.take_operands();
        while let Some(operand) = waiting.pop() {
            if let Operand::Computed(origin) = operand
                && let Some(call) = Arc::into_inner(origin.call)
            {
                waiting.append(&mut call.take_operands());
            }
        }
    }
}

/// Records a call of `part`, if a gradient may be wanted.
pub(crate) fn record(
    part: &Arc<Part>,
    operands: &[Bound<'_, Tensor>],
    drawn: Drawn,
) -> PyResult<Option<Arc<Call>>> {
    let wanted =
        |(operand, used): (&Bound<'_, Tensor>, bool)| used && operand.borrow().needs_grad();
    let used = part.sources.iter().map(|source| source.used);
    if !is_grad_enabled() || !operands.iter().zip(used).any(wanted) {
        return Ok(None);
    }
    let operands = operands.iter().map(|tensor| {
        let known = tensor.borrow();
        match known.origin() {
            Some(origin) => Operand::Computed(origin.clone()),
            None => {
                Operand::Leaf { tensor: tensor.clone().unbind(), version: known.store().version() }
            }
        }
    });
    Ok(Some(Arc::new(Call {
        part: Arc::clone(part),
        operands: Mutex::new(Some(operands.collect())),
        drawn,
        kept: Mutex::default(),
    })))
}
