//! Scalar functions with stated bounds, and seeded random streams.

pub mod elementary;
pub mod random;
pub mod torch_random;
