//! One topic worked out with the user's numbers: softmax, counting weights, linear layers that collapse, activations
//! compared, basis functions, logistic regression, a gradient by hand.
//!
//! Each topic is a function from the user's numbers to a typed result whose `document` is what people read. The
//! numbers are those of the graph, evaluated by the oracle ([`crate::reference`]) or the engine: no formula is
//! computed a second time to be shown.
//!
//! ```
//! use glassnet::worked;
//! let labels = ["A", "B", "C"].map(String::from);
//! let softmax = worked::softmax(&labels, &[7.0, 1.0, 2.2], Some("A"))?;
//! assert_eq!(softmax.predicted, 0);
//! assert!((softmax.probabilities[0] - 0.989405).abs() < 1e-6);
//! assert!(softmax.document().plain().contains("predicts A"));
//! # Ok::<(), glassnet::Error>(())
//! ```

mod activations;
mod basis;
mod collapse;
mod counting;
mod digits;
mod least_squares;
mod logistic;
mod manual;
mod softmax;

pub use activations::{
    Activation, Activations, ActivationsConfig, Compared, Cost, Depth, Shape, ShapeKnown, Side,
    Values, activations,
};
pub use basis::{Basis, BasisConfig, BasisFunction, BasisKind, FittedBasis, Learning, basis};
pub use collapse::{Affine, Collapse, Comparison, Layer, Run, Score, collapse};
pub use counting::{Count, CountedLayer, Counting, Role, counting};
pub use logistic::{Logistic, LogisticConfig, Optimum, Separation, TwoWays, logistic};
pub use manual::{BySign, Chain, Link, Manual, ManualConfig, ManualRow, Try, UnitState, manual};
pub use softmax::{ByHand, Softmax, Truth, softmax};
