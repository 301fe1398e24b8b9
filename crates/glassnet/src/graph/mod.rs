//! STUB graph
