//! A folder to run the command in, and what the command answered.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The command as it was built for these tests.
pub(crate) const GLASSNET: &str = env!("CARGO_BIN_EXE_glassnet");

/// One of the repository's tables.
pub(crate) fn table(name: &str) -> String {
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    tables.join(name).canonicalize().unwrap().display().to_string()
}

/// A folder that vanishes with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Folder::new();
        for (name, bytes) in files {
            folder.write(name, bytes);
        }
        folder
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Every file below the folder with its bytes; folders and links as what they are.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        gather(self.0.path(), &mut found);
        found
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        self.contents().keys().map(name).collect()
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, args: &[A]) -> Command {
        let mut command = Command::new(GLASSNET);
        command.args(args).current_dir(self.0.path()).env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Answer {
        Answer::of(self.command(args).output().unwrap())
    }

    pub(crate) fn run_with_stdin<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> Answer {
        let mut child = self.spawn(args, Stdio::piped());
        // A command that refuses its arguments does not read to the end.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        Answer::of(child.wait_with_output().unwrap())
    }

    /// Starts the command with both of its outputs piped.
    pub(crate) fn spawn<A: AsRef<OsStr>>(&self, args: &[A], stdin: Stdio) -> Child {
        let mut command = self.command(args);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a training that must succeed.
    pub(crate) fn train(&self, args: &str) -> Answer {
        self.run(&words(&format!("train {args}"))).success()
    }

    /// Runs what must be refused, without a trace in the folder, and gives the first line of the error.
    #[track_caller]
    pub(crate) fn refused<A: AsRef<OsStr>>(&self, args: &[A], status: i32, kind: &str) -> Answer {
        let before = self.contents();
        let answer = self.run(args);
        answer.check_error(status, kind);
        assert!(before == self.contents(), "the folder changed: {:?}\n{answer:?}", self.names());
        answer
    }
}

fn gather(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            gather(&path, found);
            found.insert(path, "folder".into());
        } else if metadata.is_file() {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, format!("{:?} {bytes:?}", metadata.permissions()));
        } else {
            let target = fs::read_link(&path).ok();
            found.insert(path, format!("{target:?} {:?}", metadata.file_type()));
        }
    }
}

/// A command line as words; none of these tests has a space in a word of such a line.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What a run answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The exit status, or 128 + the signal as a shell has it.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(output: Output) -> Self {
        let status = output.status;
        Answer {
            status: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// stdout as the one JSON document that it must be.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn first_line(&self) -> &str {
        self.stderr.lines().next().unwrap_or("")
    }

    /// Checks the form that every error has: a first line that says what and where, nothing on stdout, no panic.
    #[track_caller]
    pub(crate) fn check_error(&self, status: i32, kind: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let head = format!("error[{kind}]: ");
        assert!(self.first_line().starts_with(&head), "{self:?}");
        assert!(self.first_line().contains("; "), "what; where; how: {self:?}");
        assert_eq!(self.stdout, "");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// Checks that the error names all of `pieces`.
    #[track_caller]
    pub(crate) fn names(&self, pieces: &[&str]) -> &Self {
        for piece in pieces {
            assert!(self.stderr.contains(piece), "{piece:?} is not in {self:?}");
        }
        self
    }
}
