//! STUB reference
