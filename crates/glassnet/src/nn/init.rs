//! Initialisers of `torch.nn.init`.
