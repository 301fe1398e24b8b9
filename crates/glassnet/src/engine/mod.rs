//! STUB engine
