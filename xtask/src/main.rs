//! Habits of the repository.
fn main() {}
