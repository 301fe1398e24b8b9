//! How much memory a file may ask for.

/// How many bytes arrays may take beyond what the file's size allows.
const FREE: usize = 64 << 20;

/// How many times the file's own size they may take, beside [`FREE`]: bytes become integers of eight.
const RATIO: usize = 16;

/// What is left of the memory for the arrays of one file. A view can repeat one number for ever, and zeros that are
/// compressed take next to nothing in the file.
pub(crate) struct Budget(usize);

impl Budget {
    /// For a file of so many bytes.
    pub(crate) fn of(file: usize) -> Self {
        Budget(FREE.saturating_add(RATIO.saturating_mul(file)))
    }

    /// Takes the memory of an array of `shape` with elements of `size` bytes, if there is so much.
    ///
    /// # Errors
    /// What is wrong, for a message.
    pub(crate) fn take(&mut self, shape: &[usize], size: usize) -> Result<(), String> {
        let needed = shape.iter().try_fold(size, |all, &length| all.checked_mul(length));
        match needed.and_then(|needed| self.0.checked_sub(needed)) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(format!(
                "its shape {shape:?} needs more memory than {RATIO} times the file and {} MB",
                FREE >> 20
            )),
        }
    }
}
