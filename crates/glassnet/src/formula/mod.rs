//! STUB formula
