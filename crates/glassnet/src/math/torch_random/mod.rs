//! The random stream of `torch.manual_seed`: PyTorch's CPU generator, draw for draw.
//!
//! PyTorch's initial weights and `randperm` orders follow from this stream, so a network made here with seed 0
//! starts where `torch.manual_seed(0)` starts. For everything that need not follow PyTorch (dropout, our own
//! shuffling) use [`Stream`](super::random::Stream), which can be resumed at any step without replaying.

#[cfg(test)]
pub(crate) mod goldens;
mod normal;
#[cfg(test)]
mod tests;

use rand_mt::Mt;

use crate::error::{Error, ErrorKind, Result};

/// The most draws that [`TorchGenerator::from_state`] replays: about half a minute of work.
const MAX_REPLAYED_DRAWS: u64 = 1 << 33;

/// Below this length `randperm` takes 32 bits per step, from it on 64.
const RANDPERM_WIDE_FROM: u64 = u32::MAX as u64 / 20;

/// Below this range `randint` takes 32 bits per value, from it on 64.
const RANDINT_WIDE_FROM: u64 = 1 << 28;

/// PyTorch's CPU generator: the Mersenne Twister MT19937 and one cached normal deviate.
///
/// # Numerics
/// [`uniform_`](Self::uniform_), [`randperm`](Self::randperm) and [`randint`](Self::randint) give the bits of
/// PyTorch's AVX2 and AVX-512 builds, which contract `x * (to - from) + from` to one fused multiply-add.
/// [`normal_`](Self::normal_) consumes the same draws and agrees to about 1e-6 of the standard deviation;
/// PyTorch's own normals differ by tens of ulp from one instruction set to another.
///
/// # Source
/// PyTorch, <https://pytorch.org/docs/stable/generated/torch.Generator.html>; M. Matsumoto and T. Nishimura,
/// *Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator*, ACM TOMACS 8
/// (1998).
///
/// # Example
/// ```
/// use glassnet::math::torch_random::TorchGenerator;
/// let mut generator = TorchGenerator::new(0);
/// let mut x = [0.0_f32; 2];
/// generator.uniform_(&mut x, 0.0, 1.0)?;
/// assert_eq!(x, [0.49625659, 0.76822180]); // torch.manual_seed(0); torch.rand(2)
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TorchGenerator {
    engine: Mt,
    seed: u64,
    draws: u64,
    next_normal: Option<f64>,
}

/// Where a [`TorchGenerator`] stands: enough to continue it in another process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TorchGeneratorState {
    /// The seed given to [`TorchGenerator::manual_seed`].
    pub seed: u64,
    /// How many 32-bit words were drawn since.
    pub draws: u64,
    /// The second deviate of the last Box–Muller pair, if it was not used yet.
    pub next_normal: Option<f64>,
}

impl TorchGenerator {
    /// A generator as after `torch.manual_seed(seed)`. As in PyTorch, seeds that agree in their low 32 bits give
    /// the same stream.
    pub fn new(seed: u64) -> Self {
        TorchGenerator { engine: Mt::new(seed as u32), seed, draws: 0, next_normal: None }
    }

    /// Starts again from `seed`.
    pub fn manual_seed(&mut self, seed: u64) {
        *self = TorchGenerator::new(seed);
    }

    /// The seed that the stream started from.
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    /// Where the stream stands.
    pub fn state(&self) -> TorchGeneratorState {
        TorchGeneratorState { seed: self.seed, draws: self.draws, next_normal: self.next_normal }
    }

    /// The generator that stands at `state`, reached by replaying its draws (some 10⁸ a second).
    ///
    /// # Errors
    /// When the state counts more than 2³³ draws, which only a damaged file does.
    pub fn from_state(state: &TorchGeneratorState) -> Result<Self> {
        if state.draws > MAX_REPLAYED_DRAWS {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("the generator's state counts {} draws", state.draws),
            )
            .help(format!("at most {MAX_REPLAYED_DRAWS} can be replayed")));
        }
        let mut generator = TorchGenerator::new(state.seed);
        for _ in 0..state.draws {
            generator.random();
        }
        generator.next_normal = state.next_normal;
        Ok(generator)
    }

    /// The next 32 bits.
    pub fn random(&mut self) -> u32 {
        self.draws += 1;
        self.engine.next_u32()
    }

    /// The next 64 bits: the first draw is the high half.
    pub fn random64(&mut self) -> u64 {
        let high = u64::from(self.random());
        high << 32 | u64::from(self.random())
    }

    /// `torch.empty((), dtype=torch.int64).random_()`: uniform over `0..2^63`. PyTorch's `DataLoader` draws its
    /// seeds so.
    pub fn random_i64(&mut self) -> i64 {
        (self.random64() & i64::MAX as u64) as i64
    }

    /// Fills `out` with deviates uniform over `[from, to)`: `tensor.uniform_(from, to)`.
    ///
    /// With 24 random bits `r` each element is `fma(r·2⁻²⁴, to − from, from)` in f32, and `from` where that
    /// rounds up to `to`.
    ///
    /// # Errors
    /// When a bound does not fit f32, `from > to`, or their distance does not fit f32; `out` is unchanged then.
    ///
    /// # Source
    /// <https://pytorch.org/docs/stable/generated/torch.Tensor.uniform_.html>
    pub fn uniform_(&mut self, out: &mut [f32], from: f64, to: f64) -> Result<()> {
        check_uniform_bounds(from, to)?;
        let (from, to) = (from as f32, to as f32);
        let range = to - from;
        for value in out {
            let drawn = self.unit_f32().mul_add(range, from);
            *value = if drawn == to { from } else { drawn };
        }
        Ok(())
    }

    /// Fills `out` with integers uniform over `low..high`, up to the small bias of `%`: `torch.randint`.
    ///
    /// # Errors
    /// When `low >= high`.
    ///
    /// # Source
    /// <https://pytorch.org/docs/stable/generated/torch.randint.html>
    pub fn randint(&mut self, out: &mut [i64], low: i64, high: i64) -> Result<()> {
        if low >= high {
            return Err(Error::usage(format!(
                "random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
            )));
        }
        let range = high.wrapping_sub(low) as u64;
        for value in out {
            let offset = self.remainder(range, range >= RANDINT_WIDE_FROM);
            *value = low.wrapping_add(offset as i64);
        }
        Ok(())
    }

    /// A permutation of `0..n`: `torch.randperm(n)`.
    ///
    /// # Source
    /// <https://pytorch.org/docs/stable/generated/torch.randperm.html>
    pub fn randperm(&mut self, n: usize) -> Vec<usize> {
        if (n as u64) < RANDPERM_WIDE_FROM {
            self.randperm_narrow(n)
        } else {
            self.randperm_wide(n)
        }
    }

    fn randperm_narrow(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for place in 0..n.saturating_sub(1) {
            let offset = self.remainder((n - place) as u64, false);
            order.swap(place, place + offset as usize);
        }
        order
    }

    /// The inside-out shuffle that PyTorch uses for lengths where 32 bits would show a bias.
    fn randperm_wide(&mut self, n: usize) -> Vec<usize> {
        let mut order = Vec::with_capacity(n);
        for place in 0..n {
            let other = self.remainder(place as u64 + 1, true) as usize;
            order.push(place);
            order.swap(place, other);
        }
        order
    }

    fn remainder(&mut self, range: u64, wide: bool) -> u64 {
        if wide { self.random64() % range } else { u64::from(self.random()) % range }
    }

    /// Uniform over [0, 1) with 24 bits.
    fn unit_f32(&mut self) -> f32 {
        (self.random() & 0x00FF_FFFF) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform over [0, 1) with 53 bits.
    fn unit_f64(&mut self) -> f64 {
        const MASK: u64 = (1 << 53) - 1;
        (self.random64() & MASK) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}

fn check_uniform_bounds(from: f64, to: f64) -> Result<()> {
    let fits = -f64::from(f32::MAX)..=f64::from(f32::MAX);
    for (name, bound) in [("from", from), ("to", to)] {
        if !fits.contains(&bound) {
            return Err(Error::usage(format!("{name} is out of bounds for float, it is {bound}"))
                .help("use finite bounds within f32"));
        }
    }
    if from > to {
        return Err(Error::usage(format!(
            "uniform_ expects to return a [from, to) range, but found from={from} > to={to}"
        ))
        .help("swap the bounds"));
    }
    if to - from > f64::from(f32::MAX) {
        return Err(Error::usage(format!(
            "uniform_ expects to-from to fit into a float, but found to={to} and from={from}"
        ))
        .help("use a narrower range"));
    }
    Ok(())
}
