//! Elementary functions in f32.
