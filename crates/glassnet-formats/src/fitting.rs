//! State dicts for a network whose keys they nearly have.

use glassnet::Result;
use glassnet::nn::{Module, StateDict};

use crate::chain;
use crate::note::Note;
use crate::prefix::{unwrapped, without_first_name};

/// The most names that are left out one after the other.
const MOST_NAMES: usize = 8;

/// `state` under the keys of `module`: as it is, without what every key begins with, or layer by layer in their
/// order; and what was done.
///
/// # Errors
/// When none of these fits: the missing, unexpected and misshapen keys, as
/// [`Module::check_state_dict`] words them.
///
/// ```
/// use glassnet::{Tensor, nn::{self, StateDict}};
/// use glassnet_formats::fitted;
/// let state = StateDict::from_iter([
///     ("fc1.weight", Tensor::full([3, 2], 0.5_f32).into()),
///     ("fc1.bias", Tensor::full([3], 0.5_f32).into()),
///     ("out.weight", Tensor::full([1, 3], 0.5_f32).into()),
///     ("out.bias", Tensor::full([1], 0.5_f32).into()),
/// ]);
/// let (own, notes) = fitted(&state, &nn::parse("2-3t-1")?)?;
/// assert!(own.keys().eq(["0.weight", "0.bias", "2.weight", "2.bias"]));
/// assert_eq!(notes[0].to_string(), "the layers were taken in their order: \"fc1\" → \"0\", \"out\" → \"2\"");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn fitted(state: &StateDict, module: &Module) -> Result<(StateDict, Vec<Note>)> {
    let fits = |state: &StateDict| module.check_state_dict(state, true).is_ok();
    if fits(state) {
        return Ok((state.clone(), vec![]));
    }
    let (mut plain, mut notes) = unwrapped(state).unwrap_or_else(|| (state.clone(), vec![]));
    let fault = match module.check_state_dict(&plain, true) {
        Ok(_) => return Ok((plain, notes)),
        Err(error) => error,
    };
    for _ in 0..MOST_NAMES {
        if let Some((renamed, note)) =
            chain::infer(&plain).ok().and_then(|chain| chain.renamed(&plain, module))
            && fits(&renamed)
        {
            notes.push(note);
            return Ok((renamed, notes));
        }
        let Some((shorter, note)) = without_first_name(&plain) else { break };
        plain = shorter;
        notes.push(note);
        if fits(&plain) {
            return Ok((plain, notes));
        }
    }
    Err(fault)
}
