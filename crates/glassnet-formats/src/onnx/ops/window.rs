//! Convolutions and pools: what is computed at each place of a window that moves over the axes behind the channels.
//!
//! The elements under a window are gathered by slices, one for each place of the kernel; a convolution is then one affine
//! map with the file's own weights for all places, a pool a reduction. Nothing is unrolled into a larger weight.

use glassnet::graph::op::{Linear, Reduction};
use glassnet::graph::{Dim, Op, Shape};
use glassnet::{Error, Result};

use super::{length, shape_of};
use crate::onnx::constant::Constant;
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// The most places that a kernel has.
pub(super) const MOST_PLACES: usize = 4096;
/// The most groups of channels that are convolved one by one.
pub(super) const MOST_GROUPS: usize = 256;

/// A window along one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// How long the axis is.
    pub(super) length: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    pub(super) before: usize,
    pub(super) after: usize,
    /// How many places it takes.
    pub(super) count: usize,
}

impl Window {
    /// Sets what is padded and how many places there are.
    fn placed(mut self, node: &Node<'_>, pads: Option<[i64; 2]>) -> Result<Self> {
        let too_long = || Error::model("its window is too long");
        let extent = (self.kernel - 1)
            .checked_mul(self.dilation)
            .and_then(|last| last.checked_add(1))
            .ok_or_else(too_long)?;
        let [before, after] = match node.word("auto_pad", "NOTSET")? {
            "NOTSET" => {
                let pad = |pad: i64| {
                    usize::try_from(pad)
                        .map_err(|_| Error::model(format!("it pads an axis by {pad}")))
                };
                let [before, after] = pads.unwrap_or_default();
                [pad(before)?, pad(after)?]
            }
            "VALID" => [0, 0],
            same @ ("SAME_UPPER" | "SAME_LOWER") => {
                let last = self.length.div_ceil(self.stride).saturating_sub(1);
                let reached = last.saturating_mul(self.stride).saturating_add(extent);
                let both = reached.saturating_sub(self.length);
                let (less, more) = (both / 2, both - both / 2);
                if same == "SAME_UPPER" { [less, more] } else { [more, less] }
            }
            other => return Err(Error::model(format!("auto_pad is {other:?}"))),
        };
        (self.before, self.after) = (before, after);
        let padded = self.length.checked_add(before).and_then(|part| part.checked_add(after));
        let padded = padded.ok_or_else(too_long)?;
        let Some(room) = padded.checked_sub(extent) else {
            return Err(Error::model(format!(
                "a window of {extent} does not fit an axis of {padded}, padding included"
            )));
        };
        if node.flag("ceil_mode", false)? && !room.is_multiple_of(self.stride) {
            return Err(node.unsupported("its last window ends outside (ceil_mode 1)"));
        }
        self.count = room / self.stride + 1;
        Ok(self)
    }

    /// For each place of the window, how many of its elements are no padding.
    fn inside(&self) -> Vec<usize> {
        let is_inside = |place: usize, at: usize| {
            let index = place * self.stride + at * self.dilation;
            index >= self.before && index - self.before < self.length
        };
        (0..self.count)
            .map(|place| (0..self.kernel).filter(|&at| is_inside(place, at)).count())
            .collect()
    }

    fn is_padded(&self) -> bool {
        self.before > 0 || self.after > 0
    }
}

/// The windows of `kernel` over the axes of `x` behind its channels.
fn windows(emitter: &Emitter, node: &Node<'_>, x: &Value, kernel: &[usize]) -> Result<Vec<Window>> {
    let shape = emitter.shape(x);
    let axes = shape.rank().saturating_sub(2);
    if axes == 0 {
        return Err(Error::model(format!(
            "its operand has shape {shape}, expected rows, channels and one axis more at least"
        )));
    }
    if kernel.len() != axes {
        return Err(Error::model(format!("a kernel of {} axes over {axes}", kernel.len())));
    }
    if kernel.contains(&0) {
        return Err(Error::model("its kernel is empty"));
    }
    let places = kernel.iter().try_fold(1_usize, |places, one| places.checked_mul(*one));
    if places.is_none_or(|places| places > MOST_PLACES) {
        return Err(node.unsupported(&format!("its kernel has more than {MOST_PLACES} places")));
    }
    let steps = |name: &str| -> Result<Vec<usize>> {
        let Some(given) = node.ints(name)? else { return Ok(vec![1; axes]) };
        let steps: Option<Vec<usize>> =
            given.iter().map(|&step| usize::try_from(step).ok().filter(|&step| step > 0)).collect();
        steps
            .filter(|steps| steps.len() == axes)
            .ok_or_else(|| Error::model(format!("{name} {given:?} over {axes} axes")))
    };
    let (strides, dilations) = (steps("strides")?, steps("dilations")?);
    let pads = node.ints("pads")?;
    if let Some(pads) = pads.filter(|pads| pads.len() != 2 * axes) {
        return Err(Error::model(format!("{} paddings of {axes} axes", pads.len())));
    }
    (0..axes)
        .map(|at| {
            let window = Window {
                length: length(&shape, 2 + at, "a window")?,
                kernel: kernel[at],
                stride: strides[at],
                dilation: dilations[at],
                before: 0,
                after: 0,
                count: 0,
            };
            window.placed(node, pads.map(|pads| [pads[at], pads[axes + at]]))
        })
        .collect()
}

/// What lies under each place of the kernel, for all places of the window; the last axis of the kernel changes fastest. `x`
/// has its padding.
fn gathered(emitter: &mut Emitter, x: &Value, windows: &[Window]) -> Result<Vec<Value>> {
    let mut parts = vec![x.clone()];
    for (at, window) in windows.iter().enumerate() {
        let mut finer = Vec::with_capacity(parts.len() * window.kernel);
        for part in &parts {
            for place in 0..window.kernel {
                finer.push(strided(emitter, part, 2 + at, place * window.dilation, window)?);
            }
        }
        parts = finer;
    }
    Ok(parts)
}

/// Every `stride`-th element of an axis from `start` on, as many as there are places.
fn strided(
    emitter: &mut Emitter,
    x: &Value,
    axis: usize,
    start: usize,
    window: &Window,
) -> Result<Value> {
    let (count, stride) = (window.count, window.stride);
    if stride == 1 || count == 1 {
        return emitter.slice(x, axis, start, 1, count);
    }
    // A stretch of whole steps is a matrix, of which the first column is wanted.
    let x = emitter.slice(x, axis, start, 1, count * stride)?;
    let dims = emitter.shape(&x).dims().to_vec();
    let (before, after) = (&dims[..axis], &dims[axis + 1..]);
    let steps = shape_of(&[before, &[Dim::Fixed(count), Dim::Fixed(stride)], after]);
    let x = emitter.reshape(&x, steps)?;
    let x = emitter.slice(&x, axis + 1, 0, 1, 1)?;
    emitter.reshape(&x, shape_of(&[before, &[Dim::Fixed(count)], after]))
}

/// `x` with zeros where a window pads, and as many behind as [`strided`] cuts into whole steps.
fn padded(emitter: &mut Emitter, x: &Value, windows: &[Window]) -> Result<Value> {
    let mut x = x.clone();
    for (at, window) in windows.iter().enumerate() {
        let after = window.after.saturating_add(missing(window));
        if window.before > 0 || after > 0 {
            x = emitter.pad(&x, 2 + at, window.before, after)?;
        }
    }
    Ok(x)
}

/// How many elements the last whole step lacks, which nobody looks at.
fn missing(window: &Window) -> usize {
    if window.stride == 1 || window.count == 1 {
        return 0;
    }
    let wanted = ((window.kernel - 1) * window.dilation)
        .saturating_add(window.count.saturating_mul(window.stride));
    wanted.saturating_sub(window.length + window.before + window.after)
}

/// Padding for a maximum: an edge is repeated, which every window that reaches over it sees anyway.
fn repeated(
    emitter: &mut Emitter,
    node: &Node<'_>,
    x: &Value,
    windows: &[Window],
) -> Result<Value> {
    let mut x = x.clone();
    for (at, window) in windows.iter().enumerate().filter(|(_, window)| window.is_padded()) {
        let most = window.before.max(window.after);
        if window.dilation != 1 || most >= window.kernel || window.length == 0 {
            return Err(node.unsupported("a window may lie in the padding alone"));
        }
        let axis = 2 + at;
        let first = emitter.slice(&x, axis, 0, 1, 1)?;
        let last = emitter.slice(&x, axis, window.length - 1, 1, 1)?;
        let mut parts = vec![&first; window.before];
        parts.push(&x);
        parts.extend(vec![&last; window.after]);
        x = emitter.concat(&parts, axis)?;
    }
    Ok(x)
}

/// The lengths of the axes behind the channels, in the result.
fn counts(windows: &[Window]) -> Vec<Dim> {
    windows.iter().map(|window| Dim::Fixed(window.count)).collect()
}

/// A kernel's weights times what lies under it, at every place.
pub(super) fn conv(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (x, weight) = (operands.float(0)?, operands.float(1)?);
    let kernel = emitter.shape(weight);
    let kernel = kernel.dims().iter().enumerate();
    let kernel: Vec<usize> = kernel
        .map(|(at, dim)| match dim {
            Dim::Fixed(length) => Ok(*length),
            Dim::Batch => length(&emitter.shape(weight), at, "a kernel"),
        })
        .collect::<Result<_>>()?;
    let [outputs, per_group, places @ ..] = kernel.as_slice() else {
        return Err(Error::model(format!("its weight has shape {}", emitter.shape(weight))));
    };
    if let Some(given) = node.ints("kernel_shape")?
        && !given.iter().copied().eq(places.iter().map(|&place| place as i64))
    {
        return Err(Error::model(format!("kernel_shape {given:?} of a weight {kernel:?}")));
    }
    let windows = windows(emitter, node, x, places)?;
    let shape = emitter.shape(x);
    let channels = length(&shape, 1, "a convolution")?;
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0);
    if groups == 0
        || per_group.checked_mul(groups) != Some(channels)
        || !outputs.is_multiple_of(groups)
    {
        return Err(Error::model(format!(
            "a weight {kernel:?} of {groups} groups over {channels} channels"
        )));
    }
    if groups > MOST_GROUPS {
        return Err(node.unsupported(&format!("{groups} groups of channels")));
    }
    let bias = operands.get(2).map(|_| operands.float(2)).transpose()?;
    let x = padded(emitter, x, &windows)?;
    convolved(emitter, &x, (weight, bias), &windows, groups)
}

/// A kernel's weights, of shape (outputs, channels of a group, places …), times what lies under it. `x` has its padding.
pub(super) fn convolved(
    emitter: &mut Emitter,
    x: &Value,
    (weight, bias): (&Value, Option<&Value>),
    windows: &[Window],
    groups: usize,
) -> Result<Vec<Value>> {
    let shape = emitter.shape(x);
    let channels = length(&shape, 1, "a convolution")?;
    let kernel = emitter.shape(weight).at(1);
    let [outputs, per_group, places @ ..] = kernel.as_slice() else {
        return Err(Error::model(format!("its weight has shape {kernel:?}")));
    };
    let parts = gathered(emitter, x, windows)?;
    let moved: usize = windows.iter().map(|window| window.count).product();
    let under = places.iter().product::<usize>();
    let rows = shape.dims()[0];
    let flat = Shape::from(vec![rows, Dim::Fixed(channels), Dim::Fixed(1), Dim::Fixed(moved)]);
    let parts: Vec<Value> =
        parts.iter().map(|part| emitter.reshape(part, flat.clone())).collect::<Result<_>>()?;
    let all = emitter.concat(&parts.iter().collect::<Vec<_>>(), 2)?;
    let wide = per_group * under;
    let weight = emitter.reshape(weight, [*outputs, wide].into())?;
    let own = outputs / groups;
    let mut results = vec![];
    for group in 0..groups {
        let x = emitter.slice(&all, 1, group * per_group, 1, *per_group)?;
        let x =
            emitter.reshape(&x, Shape::from(vec![rows, Dim::Fixed(wide), Dim::Fixed(moved)]))?;
        let x = emitter.permute(&x, vec![0, 2, 1])?;
        let weight = part(emitter, &weight, group * own, own, groups)?;
        let bias = match bias {
            Some(bias) => Some(part(emitter, bias, group * own, own, groups)?),
            None => None,
        };
        let given: Vec<&Value> =
            [Some(&x), Some(&weight), bias.as_ref()].into_iter().flatten().collect();
        results.push(emitter.emit(Op::Linear(Linear::Affine), &given)?);
    }
    let y = emitter.concat(&results.iter().collect::<Vec<_>>(), 2)?;
    let y = emitter.permute(&y, vec![0, 2, 1])?;
    Ok(vec![emitter.reshape(&y, shape_of(&[&[rows, Dim::Fixed(*outputs)], &counts(windows)]))?])
}

/// The rows of one group; all of them where there is one group, which keeps the file's name for them.
fn part(
    emitter: &mut Emitter,
    x: &Value,
    start: usize,
    count: usize,
    groups: usize,
) -> Result<Value> {
    if groups == 1 { Ok(x.clone()) } else { emitter.slice(x, 0, start, 1, count) }
}

/// The windows of a pool.
fn pool(emitter: &Emitter, node: &Node<'_>, x: &Value) -> Result<Vec<Window>> {
    let given =
        node.ints("kernel_shape")?.ok_or_else(|| Error::model("kernel_shape is missing"))?;
    let kernel: Option<Vec<usize>> =
        given.iter().map(|&length| usize::try_from(length).ok()).collect();
    let kernel = kernel.ok_or_else(|| Error::model(format!("kernel_shape is {given:?}")))?;
    windows(emitter, node, x, &kernel)
}

/// What lies under the window, one behind the other along an axis behind the channels, reduced to one.
fn reduced(emitter: &mut Emitter, kind: Reduction, x: &Value, windows: &[Window]) -> Result<Value> {
    let parts = gathered(emitter, x, windows)?;
    let dims = emitter.shape(x).dims().to_vec();
    let shape = shape_of(&[&dims[..2], &[Dim::Fixed(1)], &counts(windows)]);
    let parts: Vec<Value> =
        parts.iter().map(|part| emitter.reshape(part, shape.clone())).collect::<Result<_>>()?;
    let all = emitter.concat(&parts.iter().collect::<Vec<_>>(), 2)?;
    emitter.reduce(kind, vec![2], false, &all)
}

/// The largest under the window.
pub(super) fn max_pool(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    if node.proto.output.get(1).is_some_and(|name| !name.is_empty()) {
        return Err(node.unsupported("the places of the largest are wanted too"));
    }
    let windows = pool(emitter, node, x)?;
    let mut x = repeated(emitter, node, x, &windows)?;
    for (at, window) in windows.iter().enumerate() {
        let after = missing(window);
        if after > 0 {
            x = emitter.pad(&x, 2 + at, 0, after)?;
        }
    }
    Ok(vec![reduced(emitter, Reduction::Max, &x, &windows)?])
}

/// The mean under the window, of what is no padding or of all.
pub(super) fn average_pool(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let windows = pool(emitter, node, x)?;
    let with_padding = node.flag("count_include_pad", false)?;
    let x = padded(emitter, x, &windows)?;
    if with_padding || !windows.iter().any(Window::is_padded) {
        return Ok(vec![reduced(emitter, Reduction::Mean, &x, &windows)?]);
    }
    let sum = reduced(emitter, Reduction::Sum, &x, &windows)?;
    let mut inside = vec![1.0];
    for window in &windows {
        let along = window.inside();
        emitter.spend(inside.len().saturating_mul(along.len()))?;
        inside = inside
            .iter()
            .flat_map(|before| along.iter().map(move |&count| before * count as f64))
            .collect();
    }
    if inside.contains(&0.0) {
        return Err(node.unsupported("a window may lie in the padding alone"));
    }
    let shape = windows.iter().map(|window| window.count).collect();
    let inside = emitter.known(Constant::floats(shape, inside), false);
    Ok(vec![emitter.div(&sum, &inside)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_not_counted() {
        let window =
            Window { length: 5, kernel: 3, stride: 2, dilation: 1, before: 1, after: 1, count: 3 };
        assert_eq!(window.inside(), [2, 3, 2]);
        // The last step begins at 4 + 2 and has two elements: 8 in all, of which 7 are there.
        assert_eq!(missing(&window), 1);
        assert_eq!(missing(&Window { stride: 1, count: 5, ..window }), 0);
    }
}
