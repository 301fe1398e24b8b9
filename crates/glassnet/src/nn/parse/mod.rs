//! Reading a network's notation.

mod build;
mod fault;
mod short;
mod syntax;
mod token;

#[cfg(test)]
mod tests;

use super::Module;
use crate::error::Result;

/// Longer texts are refused.
pub const MAX_BYTES: usize = 1 << 20;
/// Brackets nested deeper are refused.
pub const MAX_NESTING: usize = 200;

/// The network written in `text`: PyTorch's expression, or widths as in `6-32t-4`.
///
/// **An expression** is what builds the module in Python: `Sequential(Linear(6, 32), nn.ReLU(), torch.nn.Linear(32,
/// 4, bias=False))`, with PyTorch's argument names and defaults; over several lines, with trailing commas and
/// comments if you like. Names are given as `Sequential(OrderedDict([('hidden', Linear(6, 32)), …]))` or, shorter
/// and ours, as `Sequential(hidden=Linear(6, 32), …)`. `Residual(…)` is x + f(x), and `Formula('z*tanh(z)')`
/// (or `Activation(…)`) an activation by its formula.
///
/// **Widths**: `6-32t-4` has 6 inputs, a hidden layer of 32 with tanh, and 4 outputs. The letter behind a width
/// names its activation: `r` ReLU (also without a letter), `t` tanh, `s` sigmoid, `g` GELU, `l` none. The last layer
/// has none without a letter.
///
/// # Errors
/// Usage errors with line, column and carets: text that is no network, unknown layers and arguments (with the
/// nearest known one), missing or misplaced arguments, values that no layer may have, and texts beyond
/// [`MAX_BYTES`] or [`MAX_NESTING`]. Whether layers fit each other is [`Module::graph`]'s question.
///
/// ```
/// use glassnet::nn;
/// assert_eq!(
///     nn::parse("6-32t-4")?.notation(),
///     "Sequential(Linear(6, 32), Tanh(), Linear(32, 4))",
/// );
/// let error = nn::parse("Sequential(Linear(6, 32), Relu(), Linear(32, 4))").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "there is no layer Relu; column 27 of the network; did you mean ReLU?
///   Sequential(Linear(6, 32), Relu(), Linear(32, 4))
///                             ^^^^",
/// );
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn parse(text: &str) -> Result<Module> {
    let module = if short::is_short(text.trim()) {
        short::read(text)?
    } else {
        build::module(text, &syntax::read(text)?)?
    };
    // Every layer was checked where it stands; this is for their sum.
    module.validate()?;
    Ok(module)
}
