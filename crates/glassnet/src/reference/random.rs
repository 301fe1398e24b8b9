//! Random masks, which are fed: the oracle draws nothing.

use super::{Feeds, source};
use crate::error::{ErrorKind, Result};
use crate::graph::DType;
use crate::graph::op::Random;
use crate::tensor::Tensor;

pub(super) fn evaluate(op: &Random, shape: Vec<usize>, feeds: &Feeds) -> Result<Tensor<f64>> {
    match op {
        Random::DropoutMask { stream, .. } => {
            let what = format!("dropout mask of stream {stream}");
            let mask = feeds.get_mask(*stream);
            source::fed(ErrorKind::Usage, &what, mask, DType::F32, &shape)?.floats().cloned()
        }
    }
}
