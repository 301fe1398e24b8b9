//! STUB train
