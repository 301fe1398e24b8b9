//! The random stream of `torch.manual_seed`.
