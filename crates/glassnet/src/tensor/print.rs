//! Arrays as NumPy 2 prints them.
