//! Pickles as data: a stack machine that builds what a state dict is made of and refuses everything else.
//!
//! A pickle is a program. Python's own reader imports and calls whatever it names; this one knows the names in
//! `globals.rs`, all of which stand for data (an ordered dict, a tensor's shape over a storage, a number type), and
//! calls nothing. There is no flag that makes it do more.
//!
//! Values lie in one list and refer to each other by place, so that a value deep within another, within itself, or
//! under a thousand names costs what its opcodes cost. What goes through them must limit its own depth and steps.
//!
//! # Source
//! `pickletools.py` and PEP 307, 3154, 574; `torch/_weights_only_unpickler.py` for what checkpoints hold.

mod build;
mod globals;
mod machine;
mod object;

pub(crate) use machine::read;
pub(crate) use object::{Element, Id, Object, Objects, Source, TensorRecord};
