//! Tables: CSV to typed columns to batches.
