//! Injected redundancies are found, tampered certificates refused, and what is claimed holds.
