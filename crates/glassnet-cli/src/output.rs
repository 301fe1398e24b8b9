//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use glassnet::{Error, Result};

/// Where a result will go: checked before any work is done.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    /// What names it in messages.
    flag: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A regular file (or none yet): staged beside it and renamed over it.
    File,
    /// A device or pipe: written to, never replaced.
    Device,
}

/// What may stand at the path already.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Replace {
    /// Nothing.
    Never,
    /// Anything (`--force`).
    Always,
    /// A file whose first bytes satisfy the test.
    If(fn(&[u8]) -> bool),
}

impl Output {
    /// Checks that `path` can be written: its folder exists and takes files, it is none of `taken` (inputs and other
    /// outputs), and what stands there
    /// may be replaced. `flag` names it in messages.
    pub(crate) fn prepare(
        path: &Path,
        flag: &str,
        replace: Replace,
        taken: &[&Path],
    ) -> Result<Output> {
        let path = follow_links(path);
        let shown = path.display().to_string();
        if taken.iter().any(|other| same_file(&path, other)) {
            return Err(Error::usage(format!("{shown} is an input or another output as well"))
                .at(flag.to_owned())
                .help("name another file"));
        }
        let place = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Error::io(format!("{shown} is a directory"))
                    .at(flag.to_owned())
                    .help("name a file in it"));
            }
            Ok(metadata) if !metadata.is_file() => Place::Device,
            Ok(_) => {
                may_replace(&path, flag, replace)?;
                Place::File
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Place::File,
            Err(error) => return Err(cannot_write(&path, flag, &error)),
        };
        let output = Output { path, flag: flag.to_owned(), place };
        if matches!(output.place, Place::File) {
            // A trial, so that an unwritable folder is found before the work rather than after it.
            output.stage().map_err(|error| cannot_write(&output.path, flag, &error))?;
        }
        Ok(output)
    }

    /// The path with links followed.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `bytes`. A file that stood there keeps its bytes until the new ones are safely on the disk.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        self.copy(&mut &*bytes)
    }

    /// As [`Output::write`], of all bytes that `from` gives.
    pub(crate) fn copy(&self, from: &mut impl Read) -> Result<()> {
        let failed = |error: &std::io::Error| cannot_write(&self.path, &self.flag, error);
        match self.place {
            Place::Device => {
                let mut file =
                    File::options().write(true).open(&self.path).map_err(|error| failed(&error))?;
                let copied = std::io::copy(from, &mut file).and_then(|_| file.flush());
                copied.map_err(|error| failed(&error))
            }
            Place::File => self.replace(from).map_err(|error| failed(&error)),
        }
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        }
    }

    fn stage(&self) -> std::io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".glassnet-");
        // New files get the rights that the user's umask leaves, replaced ones keep theirs.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(self.folder())?;
        if let Ok(metadata) = fs::metadata(&self.path) {
            fs::set_permissions(file.path(), metadata.permissions())?;
        }
        Ok(file)
    }

    fn replace(&self, from: &mut impl Read) -> std::io::Result<()> {
        let mut file = self.stage()?;
        std::io::copy(from, &mut file)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        // The rename itself must reach the disk; not every system lets a folder be opened for that.
        if let Ok(folder) = File::open(self.folder()) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Where a chain of links leads, also when nothing stands there yet.
fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // As many links as the system itself follows.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => {
                path = path.parent().map_or(target.clone(), |folder| folder.join(&target))
            }
            Err(_) => break,
        }
    }
    path
}

fn same_file(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| {
        let path = follow_links(path);
        let name = path.file_name().map(ToOwned::to_owned);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // A file that does not exist yet is known by its folder and name.
        fs::canonicalize(&path)
            .ok()
            .or_else(|| Some(fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?.join(name?)))
    };
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a == b,
        (Some(_) | None, _) => false,
    }
}

fn may_replace(path: &Path, flag: &str, replace: Replace) -> Result<()> {
    let exists = |why: &str| {
        Err(Error::usage(format!("{} exists{why}", path.display()))
            .at(flag.to_owned())
            .help("add --force to replace it, or name another file"))
    };
    match replace {
        Replace::Always => Ok(()),
        Replace::Never => exists(""),
        Replace::If(ours) => {
            let mut head = vec![];
            let read = File::open(path).and_then(|file| file.take(1 << 20).read_to_end(&mut head));
            if read.is_ok() && ours(&head) {
                Ok(())
            } else {
                exists(" and was not written by glassnet")
            }
        }
    }
}

fn cannot_write(path: &Path, flag: &str, error: &std::io::Error) -> Error {
    let (why, help) = match error.kind() {
        ErrorKind::NotFound => ("its folder does not exist".to_owned(), "make its folder first"),
        ErrorKind::StorageFull => {
            ("the disk is full".to_owned(), "free some space, or write to another place")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ("its folder takes no files".to_owned(), "write to another place")
        }
        ErrorKind::NotADirectory => ("its folder is a file".to_owned(), "write to another place"),
        _ => (error.to_string(), "write to another place"),
    };
    Error::io(format!("{} cannot be written: {why}", path.display())).at(flag.to_owned()).help(help)
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display().to_string();
    let mut bytes = vec![];
    if path == Path::new("-") {
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        return read.map(|_| bytes).map_err(|error| {
            Error::io(format!("the data cannot be read: {error}"))
                .at("stdin")
                .help("pipe a table into it, or name a file")
        });
    }
    let mut file = open(path)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len() as usize);
    bytes.reserve_exact(length);
    file.read_to_end(&mut bytes).map(|_| bytes).map_err(|error| cannot_read(&shown, &error))
}

/// As [`read`], of a file that may be compressed; where there is none, of one with `.gz` behind its name.
pub(crate) fn read_unpacked(path: &Path) -> Result<Vec<u8>> {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    let packed = Path::new(&packed);
    let path = if !path.exists() && packed.is_file() { packed } else { path };
    glassnet_data::decompressed(read(path)?, &path.display().to_string())
}

/// Opens a file to read it.
pub(crate) fn open(path: &Path) -> Result<File> {
    let shown = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| cannot_read(&shown, &error))?;
    if metadata.is_dir() {
        return Err(Error::io("this is a directory, not a file")
            .at(shown)
            .help("name a file in it"));
    }
    if !metadata.is_file() && !is_pipe(&metadata) {
        return Err(Error::io("this is a device, not a file")
            .at(shown)
            .help("name a regular file, or - for stdin"));
    }
    if is_pipe(&metadata) {
        return Err(Error::io("this is a pipe (FIFO), not a file")
            .at(shown)
            .help("name a regular file, or - for stdin"));
    }
    File::open(path).map_err(|error| cannot_read(&shown, &error))
}

#[cfg(unix)]
fn is_pipe(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}

fn cannot_read(shown: &str, error: &std::io::Error) -> Error {
    let (what, help) = match error.kind() {
        ErrorKind::NotFound => ("there is no such file".to_owned(), "check the path"),
        ErrorKind::PermissionDenied => {
            ("the file may not be read".to_owned(), "ask for the right to read it")
        }
        _ => (format!("the file cannot be read: {error}"), "try another file"),
    };
    Error::io(what).at(shown.to_owned()).help(help)
}
