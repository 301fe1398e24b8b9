//! Temporary files for tables that are larger than memory.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use glassnet::{Error, Result};
use glassnet_data::{Scratch, Spill};

use crate::memory;
use crate::reading;

/// What a table that is larger than memory may take of it, unless the user says more.
const LONG: usize = 512_000_000;

/// When and where the cells of a table in `files` leave memory: `--memory`, or else half of what is there.
///
/// # Errors
/// When a file can't be found.
pub(crate) fn spill(given: Option<usize>, files: &[PathBuf], threads: usize) -> Result<Spill> {
    let memory = match given {
        Some(memory) => memory,
        None => {
            let half = memory::available() / 2;
            // A table that will not fit is best not gathered in memory first.
            if size(files)? > half { half.min(LONG) } else { half }
        }
    };
    Ok(Spill { memory, threads, open: Box::new(|| Ok(Box::new(Temporary(temporary()?)))) })
}

/// About how much memory a table of these files takes: as packed cells, and as what a network reads.
fn size(files: &[PathBuf]) -> Result<usize> {
    let mut all = 0_usize;
    for path in reading::files(files)? {
        let length = path.metadata().map_or(0, |found| found.len() as usize);
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let packed = ["gz", "zst", "parquet", "npz"].contains(&ending.to_lowercase().as_str());
        all = all.saturating_add(length.saturating_mul(if packed { 8 } else { 2 }));
    }
    Ok(all)
}

/// A file that nobody else sees, and that is gone when it is closed.
///
/// # Errors
/// Kind `io` where none can be made.
pub(crate) fn temporary() -> Result<File> {
    let folder = folder();
    tempfile::tempfile_in(&folder).map_err(|error| {
        Error::io(format!("no temporary file can be made: {error}"))
            .at(folder.display().to_string())
            .help("set TMPDIR to a folder that can be written to")
    })
}

/// Where temporary files go: TMPDIR; else /var/tmp, which lies on a disk where /tmp may be memory.
pub(crate) fn folder() -> PathBuf {
    let lasting = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && lasting.is_dir() {
        return lasting.to_owned();
    }
    std::env::temp_dir()
}

/// A temporary file as a scratch.
struct Temporary(File);

#[cfg(unix)]
impl Scratch for Temporary {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, at)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }

    /// The system fetches from the disk what is not in memory yet, while others compute.
    #[cfg(target_os = "linux")]
    fn announce(&self, at: u64, length: u64) {
        let length = std::num::NonZeroU64::new(length);
        // It is advice: a system that does not take it is as right.
        rustix::fs::fadvise(&self.0, at, length, rustix::fs::Advice::WillNeed).ok();
    }
}

#[cfg(windows)]
impl Scratch for Temporary {
    fn write_at(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(&self.0, bytes, at)?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            (bytes, at) = (&bytes[count..], at + count as u64);
        }
        Ok(())
    }

    fn read_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(&self.0, bytes, at)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (bytes, at) = (&mut bytes[count..], at + count as u64);
        }
        Ok(())
    }
}

/// A size as people write it: 512MB, 4GB, 2GiB, or a number of bytes.
pub(crate) fn parse_size(text: &str) -> std::result::Result<usize, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        _ => return Err("write a size such as 512MB or 4GB".to_owned()), // not operations: units
    };
    let bytes = number.parse::<f64>().map(|number| number * factor);
    match bytes {
        Ok(bytes) if (1e6..1e18).contains(&bytes) => Ok(bytes as usize),
        Ok(_) => Err("give at least 1MB".to_owned()),
        Err(_) => Err("write a size such as 512MB or 4GB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("512MB", 512_000_000),
            ("4 gb", 4_000_000_000),
            ("1.5GiB", 1_610_612_736),
            ("2000000", 2_000_000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MB", "-1GB", "1", "4 lots", "1e9", "99999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_temporary_file_is_read_where_it_was_written() {
        let file = Temporary(temporary().expect("a file"));
        file.write_at(b"there", 10).expect("written");
        let mut bytes = [0; 4];
        file.read_at(&mut bytes, 11).expect("read");
        assert_eq!(&bytes, b"here");
        assert!(file.read_at(&mut bytes, 12).is_err());
    }
}
