//! Reading the goldens that `tests/goldens/init/make_init.py` writes, for the tests of every module that makes
//! weights. It knows slices only, since `math` stands below `tensor`.

use serde::Deserialize;

/// A network with its default weights in PyTorch.
#[derive(Debug, Deserialize)]
pub(crate) struct Architecture {
    pub(crate) name: String,
    /// The constructor in PyTorch's notation.
    pub(crate) expression: String,
    /// What `torch.manual_seed` was given before.
    pub(crate) seed: u64,
    /// The state dict in order.
    pub(crate) tensors: Vec<GoldenTensor>,
    /// The next `torch.empty(1).uniform_()` after construction.
    pub(crate) next_uniform: f32,
}

/// One initialiser applied to one tensor.
#[derive(Debug, Deserialize)]
pub(crate) struct Initialised {
    pub(crate) expression: String,
    pub(crate) seed: u64,
    #[serde(flatten)]
    pub(crate) tensor: GoldenTensor,
    pub(crate) next_uniform: f32,
}

/// One call of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Draw {
    pub(crate) call: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) count: usize,
    #[serde(flatten)]
    pub(crate) tensor: GoldenTensor,
}

/// A tensor of PyTorch: all values or a sample of them, and a hash of all bits.
#[derive(Debug, Deserialize)]
pub(crate) struct GoldenTensor {
    /// The key in the state dict; empty where there is none.
    #[serde(default)]
    pub(crate) key: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: String,
    pub(crate) hash: String,
    pub(crate) first: Option<f64>,
    pub(crate) last: Option<f64>,
    values: Option<Vec<f64>>,
    #[serde(default)]
    sample: Vec<(usize, f64)>,
}

impl GoldenTensor {
    /// The known elements with their places.
    pub(crate) fn known(&self) -> Vec<(usize, f64)> {
        let ends = self.first.map(|first| (0, first)).into_iter();
        let all = self.values.iter().flatten().copied().enumerate();
        ends.chain(all).chain(self.sample.iter().copied()).collect()
    }

    /// Asserts that every bit of an array is PyTorch's.
    #[track_caller]
    pub(crate) fn assert_same_bits(&self, shape: &[usize], data: &[f32], context: &str) {
        assert_eq!(shape, self.shape, "{context}");
        for (index, expected) in self.known() {
            assert_eq!(data[index], expected as f32, "{context}: element {index}");
        }
        assert_eq!(data.last().copied(), self.last.map(|last| last as f32), "{context}");
        assert_eq!(hash_f32(data), self.hash, "{context}: some element differs");
    }

    /// Asserts that the known elements of an array are PyTorch's within `tolerance`.
    #[track_caller]
    pub(crate) fn assert_close(
        &self,
        shape: &[usize],
        data: &[f32],
        tolerance: f64,
        context: &str,
    ) {
        assert_eq!(shape, self.shape, "{context}");
        for (index, expected) in self.known() {
            let found = f64::from(data[index]);
            let error = (found - expected).abs();
            assert!(error <= tolerance, "{context}: element {index}: {found}, PyTorch {expected}");
        }
    }
}

/// FNV-1a-64 of the elements' little-endian bytes, in hexadecimal.
fn hash_f32(values: &[f32]) -> String {
    fnv1a(values.iter().flat_map(|value| value.to_le_bytes()))
}

/// FNV-1a-64 of the elements' little-endian bytes, in hexadecimal.
pub(crate) fn hash_i64(values: &[i64]) -> String {
    fnv1a(values.iter().flat_map(|value| value.to_le_bytes()))
}

fn fnv1a(bytes: impl Iterator<Item = u8>) -> String {
    let step = |state: u64, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, step))
}

/// Twelve networks at four seeds.
pub(crate) fn architectures() -> Vec<Architecture> {
    read(include_str!("../../../tests/goldens/init/architectures.json"), "architectures")
}

/// Every initialiser at several shapes.
pub(crate) fn initialisers() -> Vec<Initialised> {
    read(include_str!("../../../tests/goldens/init/initialisers.json"), "initialisers")
}

/// The list `key` of a golden file.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(text: &str, key: &str) -> Vec<T> {
    let file: serde_json::Value = serde_json::from_str(text).expect("goldens are JSON");
    serde_json::from_value(file[key].clone()).expect("the reader follows make_init.py")
}
