//! Training: rows in, a network and its record out.
//!
//! [`Session`] is the loop: it compiles the step of a [`crate::nn::Network`] (network, loss, gradient) with the engine,
//! visits the rows of a [`Dataset`] in batches, and lets an [`Optimizer`](optimizer::Optimizer) sweep over parameters
//! and gradients. The weights of the lowest validation loss win. An [`Observer`] sees every step; a [`Checkpoint`]
//! taken between two epochs continues bit for bit. Seed, order and dropout masks are functions of the settings, so the
//! same settings and data give the same weights, bit for bit.

mod batch;
mod call;
pub mod clip;
mod config;
mod dataset;
mod diverged;
mod ensemble;
mod forward;
mod inference;
pub mod metrics;
mod objective;
mod observer;
pub mod optimizer;
pub mod penalty;
mod plans;
mod program;
mod record;
pub mod schedule;
mod score;
mod session;
mod source;
mod validation;

pub use config::{Config, Shuffle};
pub use dataset::{Dataset, Features, Target};
pub use ensemble::{Ensemble, EnsembleObserver, Member, mean_outputs, mean_probabilities};
pub use forward::Predictor;
pub use inference::{Inference, Workspace};
pub use objective::Objective;
pub use observer::{Control, Observer, StepEvent};
pub use record::{BestWeights, Checkpoint, EpochRecord, Record, Stopped};
pub use score::Scorer;
pub use session::Session;
pub use source::{FeaturesMut, Part, Source, Streaming, TargetMut};

// What the trace needs to compute a step as training does.
pub(crate) use forward::{features_fit, fill, load};
pub(crate) use program::{Forward, check_indices};
pub(crate) use score::fill_targets;
