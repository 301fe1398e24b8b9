//! Tests of the room: one file per topic, over one generator of trees.

mod differentiating;
mod errors;
mod evaluating;
mod printing;
mod trees;
