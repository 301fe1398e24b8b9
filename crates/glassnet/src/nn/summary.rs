//! A network's layers in a table: shapes, parameters, arithmetic.

use super::layer::Linear;
use super::{Lowering, Mode, Module};
use crate::error::Result;
use crate::graph::{Builder, Dim, Shape};
use std::collections::HashMap;

/// What [`Module::summary`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// One row per layer, in order.
    pub rows: Vec<SummaryRow>,
    /// The trainable numbers of all layers.
    pub parameters: usize,
    /// The other numbers of the state dict.
    pub buffers: usize,
    /// The products of all `Linear` layers for one sample.
    pub macs_per_sample: usize,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// The state-dict prefix: `0`, `encoder.2`, empty for a lone layer.
    pub name: String,
    /// PyTorch's class name.
    pub kind: &'static str,
    /// The shape of its output without the batch; `None` where the layers don't tell the input's.
    pub output: Option<Vec<usize>>,
    /// The number of trainable numbers.
    pub parameters: usize,
    /// The number of other numbers in the state dict.
    pub buffers: usize,
    /// How `parameters` comes about: `6*32+32`; `None` where there are none.
    pub formula: Option<String>,
    /// Products for one sample; 0 for all but `Linear`.
    pub macs_per_sample: usize,
}

impl Module {
    /// The layers with their shapes and sizes, for an input of shape `input`, or of [`Module::input_shape`].
    ///
    /// # Errors
    /// When an argument is refused ([`Module::validate`]), or the layers do not fit the input or each other.
    ///
    /// ```
    /// use glassnet::nn;
    /// let summary = nn::parse("6-32-32-32-4")?.summary(None)?;
    /// let parameters: Vec<usize> = summary.rows.iter().map(|row| row.parameters).collect();
    /// assert_eq!(parameters, [224, 0, 1056, 0, 1056, 0, 132]);
    /// assert_eq!((summary.parameters, summary.macs_per_sample), (2468, 2368));
    /// assert_eq!(summary.rows[0].formula.as_deref(), Some("6*32+32"));
    /// assert_eq!(summary.rows[0].output, Some(vec![32]));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn summary(&self, input: Option<Shape>) -> Result<Summary> {
        self.validate()?;
        let shapes = match input.or_else(|| self.input_shape()) {
            Some(input) => self.output_shapes(input)?,
            None => {
                self.explain_misfit()?;
                HashMap::new()
            }
        };
        let rows: Vec<SummaryRow> =
            self.layers().into_iter().map(|(name, layer)| row(name, layer, &shapes)).collect();
        Ok(Summary {
            parameters: rows.iter().map(|row| row.parameters).sum(),
            buffers: rows.iter().map(|row| row.buffers).sum(),
            macs_per_sample: rows.iter().map(|row| row.macs_per_sample).sum(),
            rows,
        })
    }

    /// The reason why no guess of the input fits. A `Flatten` leaves open how many axes the input has, so that
    /// guesses fail without anybody's mistake.
    fn explain_misfit(&self) -> Result<()> {
        let open = self.layers().iter().any(|(_, layer)| matches!(layer, Module::Flatten(_)));
        match self.input_candidates().into_iter().next() {
            Some(guess) if !open => self.output_shapes(guess).map(|_| ()),
            Some(_) | None => Ok(()),
        }
    }

    /// The output's shape by layer.
    fn output_shapes(&self, input: Shape) -> Result<HashMap<String, Shape>> {
        let mut builder = Builder::new();
        let mut context = Lowering::new(Mode::Eval);
        let x = builder.input("x", self.input_dtype(), input)?;
        self.lower(&mut builder, x, &mut context)?;
        let layers = context.layers.into_iter();
        Ok(layers.map(|layer| (layer.name, builder.shape(layer.output).clone())).collect())
    }
}

fn row(name: String, layer: &Module, shapes: &HashMap<String, Shape>) -> SummaryRow {
    let count = |trainable: bool| {
        let arrays = layer.own_arrays().into_iter().filter(|array| array.trainable == trainable);
        arrays.map(|array| array.shape.iter().product::<usize>()).sum()
    };
    let output: Option<Vec<usize>> = shapes.get(&name).map(|shape| {
        let fixed = |dim: &Dim| match dim {
            Dim::Fixed(length) => Some(*length),
            Dim::Batch => None,
        };
        shape.dims().iter().filter_map(fixed).collect()
    });
    let macs_per_sample = match layer {
        Module::Linear(Linear { in_features, out_features, .. }) => {
            let outputs = output.as_ref().map_or(*out_features, |lengths| lengths.iter().product());
            in_features.saturating_mul(outputs)
        }
        _ => 0, // not operations: other layers have no products
    };
    SummaryRow {
        kind: layer.kind(),
        parameters: count(true),
        buffers: count(false),
        formula: formula(layer),
        name,
        output,
        macs_per_sample,
    }
}

/// `6*32+32`; arrays of one shape are counted: `2*64`.
fn formula(layer: &Module) -> Option<String> {
    let product =
        |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<String>>().join("*");
    if let Module::Linear(Linear { in_features, out_features, bias }) = layer {
        let plus = if *bias { format!("+{out_features}") } else { String::new() };
        return Some(format!("{in_features}*{out_features}{plus}"));
    }
    let arrays: Vec<Vec<usize>> = layer
        .own_arrays()
        .into_iter()
        .filter(|array| array.trainable)
        .map(|array| array.shape)
        .collect();
    if let Module::EmbedColumns(_) = layer {
        let tables: Vec<String> = arrays.iter().map(|shape| product(shape)).collect();
        return (!tables.is_empty()).then(|| tables.join("+"));
    }
    match arrays.as_slice() {
        [] => None,
        [only] => Some(product(only)),
        [first, ..] => Some(format!("{}*{}", arrays.len(), product(first))),
    }
}
