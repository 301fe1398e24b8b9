//! What a network takes and gives, as far as its layers tell.

use super::layer::{BatchNorm1d, LayerNorm, Linear, Prelu};
use super::{Lowering, Mode, Module};
use crate::graph::{Builder, DType, Dim, Shape};

impl Module {
    /// i64 where an embedding comes first (identities and dropout aside), else f32.
    pub fn input_dtype(&self) -> DType {
        let layers = self.layers();
        let first = layers.iter().find(|(_, layer)| {
            !matches!(layer, Module::Identity | Module::Dropout(_) | Module::Flatten(_))
        });
        match first {
            Some((_, Module::Embedding(_))) => DType::I64,
            Some(_) | None => DType::F32,
        }
    }

    /// The width that the first layer with a width asks for: a Linear's `in_features`, a norm's features, a
    /// PReLU's slopes, less what columns with tables add before it. `None` where no layer tells, and for an embedding, which takes any number of indices.
    pub fn in_features(&self) -> Option<usize> {
        let mut widening = 0_usize;
        for (_, layer) in self.layers() {
            match layer {
                Module::Linear(Linear { in_features: width, .. })
                | Module::BatchNorm1d(BatchNorm1d { num_features: width, .. }) => {
                    return width.checked_sub(widening);
                }
                Module::LayerNorm(LayerNorm { normalized_shape, .. }) => {
                    return normalized_shape.last()?.checked_sub(widening);
                }
                Module::Prelu(Prelu { num_parameters, .. }) if *num_parameters > 1 => {
                    return num_parameters.checked_sub(widening);
                }
                Module::Embedding(_) => return None,
                Module::EmbedColumns(columns) => {
                    widening = widening.saturating_add(columns.widening());
                }
                Module::Prelu(_)
                | Module::Activation(_)
                | Module::Formula(_)
                | Module::Softmax { .. }
                | Module::LogSoftmax { .. }
                | Module::Identity
                | Module::Flatten(_)
                | Module::Dropout(_)
                | Module::Residual(_)
                | Module::Sequential(_) => {}
            }
        }
        None
    }

    /// The shape of an input that fits: `[B, in_features]`, or the normalised axes of a LayerNorm; for a leading
    /// embedding as many indices per row as the layers behind it need. `None` where the layers don't tell or don't
    /// fit each other.
    ///
    /// ```
    /// use glassnet::{graph::Shape, nn};
    /// let tokens = nn::parse("Sequential(Embedding(20, 4), Flatten(), Linear(12, 2))")?;
    /// assert_eq!(tokens.input_shape(), Some(Shape::batch([3])));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn input_shape(&self) -> Option<Shape> {
        self.input_candidates().into_iter().find(|shape| self.output_of(shape).is_some())
    }

    /// The output's shape for an input of [`Module::input_shape`].
    pub fn output_shape(&self) -> Option<Shape> {
        self.output_of(&self.input_shape()?)
    }

    /// The length of the output's last axis.
    pub fn out_features(&self) -> Option<usize> {
        match self.output_shape()?.last() {
            Some(Dim::Fixed(length)) => Some(length),
            Some(Dim::Batch) | None => None,
        }
    }

    pub(super) fn input_candidates(&self) -> Vec<Shape> {
        let layers: Vec<&Module> = self.layers().into_iter().map(|(_, layer)| layer).collect();
        let embedding = layers.iter().position(|layer| matches!(layer, Module::Embedding(_)));
        if self.input_dtype() == DType::I64
            && let Some(place) = embedding
            && let Module::Embedding(table) = layers[place]
        {
            let width = layers[place + 1..].iter().find_map(|layer| layer.in_features());
            let rows = width.map(|width| width / table.embedding_dim.max(1));
            return [Some(Shape::batch([])), rows.map(|rows| Shape::batch([rows]))]
                .into_iter()
                .flatten()
                .collect();
        }
        let whole = layers.iter().find_map(|layer| match layer {
            Module::LayerNorm(norm) => Some(Shape::batch(norm.normalized_shape.clone())),
            _ => None, // not operations: other layers
        });
        let width = self.in_features().map(|width| Shape::batch([width]));
        [width, whole].into_iter().flatten().collect()
    }

    fn output_of(&self, input: &Shape) -> Option<Shape> {
        let mut builder = Builder::new();
        let x = builder.input("x", self.input_dtype(), input.clone()).ok()?;
        let y = self.lower(&mut builder, x, &mut Lowering::new(Mode::Eval)).ok()?;
        Some(builder.shape(y).clone())
    }
}
