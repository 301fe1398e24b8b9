//! STUB grad
