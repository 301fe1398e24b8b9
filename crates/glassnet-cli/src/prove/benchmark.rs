//! A folder of the verification competition, instance by instance.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use glassnet::document::{Align, Block, Column, Document, Table, Text};
use glassnet::prove::{self, Config, Verdict};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use super::network::{Loaded, Subject};
use super::{judged, proof, property_of, search, told};
use crate::args::Weights;
use crate::interrupt::Interrupt;
use crate::output;
use crate::said::Said;
use crate::terminal::Terminal;

/// Where neither the folder nor a flag says how long an instance may take.
const USUAL: Duration = Duration::from_secs(60);

/// A network and a property of it.
struct Instance {
    network: PathBuf,
    property: PathBuf,
    /// The verdict that others found.
    expected: Option<&'static str>,
    /// The seconds that its folder allows.
    limit: Option<f64>,
}

/// How an instance went.
struct Row {
    network: String,
    property: String,
    verdict: &'static str,
    /// The verdict in the competition's words.
    result: &'static str,
    witness: Option<Value>,
    expected: Option<&'static str>,
    /// Whether the verdict is another than the expected one.
    contradicts: bool,
    /// Processor time where the system tells it.
    seconds: f64,
    parts: u64,
}

/// How a folder's instances are proven.
pub(super) struct Settings<'a> {
    pub(super) config: &'a Config,
    /// The most time for each, where it is said.
    pub(super) timeout: Option<Duration>,
    pub(super) threads: usize,
}

/// What is shown above each instance's row.
const HEAD: [&str; 7] =
    ["network", "property", "verdict", "result", "expected", "processor s", "parts"];

/// Proves every instance of `folder` and prints each as it comes; the status is 1 when a verdict contradicts the expected one or an
/// instance is in error, else 0.
///
/// # Errors
/// Kind `usage` for a folder that names no instance.
pub(super) fn run(
    folder: &Path,
    settings: &Settings<'_>,
    mut proofs: Option<&mut proof::Folder<'_>>,
    terminal: &mut Terminal,
) -> Result<u8> {
    let instances = instances(folder)?;
    let interrupt = Interrupt::watch()?;
    let text = !terminal.json();
    if text {
        terminal.text(&format!("| {} |\n|{}\n", HEAD.join(" | "), "---|".repeat(HEAD.len())))?;
    }
    let mut rows = vec![];
    let mut memory = Memory::default();
    for instance in &instances {
        let proofs = proofs.as_deref_mut();
        let row = row(instance, settings, (&interrupt, &mut memory), proofs, terminal);
        if text {
            terminal.text(&format!("| {} |\n", row.cells().join(" | ")))?;
        }
        rows.push(row);
        if let Some(status) = interrupt.status() {
            return Ok(status);
        }
    }
    if let Some(proofs) = proofs {
        proofs.tell(terminal);
    }
    if text {
        terminal.text(&format!("\n{}\n", summary(&rows, settings)))?;
    } else {
        terminal.document(&json(&rows, settings))?;
    }
    Ok(status(&rows))
}

/// As [`run`], without a word until all are proven or it is interrupted.
pub(super) fn said(
    folder: &Path,
    settings: &Settings<'_>,
    mut proofs: Option<&mut proof::Folder<'_>>,
    terminal: &Terminal,
) -> Result<Said> {
    let instances = instances(folder)?;
    let interrupt = terminal.interrupt()?;
    let mut rows = vec![];
    let mut memory = Memory::default();
    for instance in &instances {
        let proofs = proofs.as_deref_mut();
        rows.push(row(instance, settings, (&interrupt, &mut memory), proofs, terminal));
        if interrupt.status().is_some() {
            break;
        }
    }
    let mut document = Document::new(format!("{} instances", rows.len()));
    document.say(summary(&rows, settings));
    let column = |at: usize| Column {
        head: HEAD[at].into(),
        align: if at < 5 { Align::Left } else { Align::Right },
    };
    document.push(Block::Table(Table {
        caption: Text::default(),
        columns: (0..HEAD.len()).map(column).collect(),
        rows: rows.iter().map(|row| row.cells().map(Text::from).to_vec()).collect(),
    }));
    Ok(Said::document(document, json(&rows, settings), status(&rows)))
}

/// Proves an instance. What is wrong with it is told, and its verdict is [`ERROR`].
fn row(
    instance: &Instance,
    settings: &Settings<'_>,
    (interrupt, memory): (&Interrupt, &mut Memory),
    proofs: Option<&mut proof::Folder<'_>>,
    terminal: &Terminal,
) -> Row {
    let begun = processor_seconds();
    let started = Instant::now();
    let own = instance.limit.map(Duration::from_secs_f64);
    let limit = own.into_iter().chain(settings.timeout).min().unwrap_or(USUAL);
    let mut is_late = false;
    let go_on = &mut |_: &prove::Progress| {
        is_late = Instant::now() >= started + limit;
        !is_late && interrupt.status().is_none()
    };
    let found = memory
        .networks
        .loaded(&instance.network, terminal)
        .and_then(|loaded| prove_one(instance, loaded, settings, go_on, proofs, terminal));
    let (verdict, parts) = match found {
        Ok((verdict, parts)) => (Some(verdict), parts),
        Err(error) => {
            // What is wrong with a network is said once.
            let text = error.to_string();
            if memory.told.insert(text.clone()) {
                terminal.note(&text);
            }
            (None, 0)
        }
    };
    let seconds = match (begun, processor_seconds()) {
        (Some(begun), Some(now)) => now - begun,
        _ => started.elapsed().as_secs_f64(), // not operations: a system that doesn't tell
    };
    let (word, expected) = (verdict.as_ref().map_or(ERROR, told::word), instance.expected);
    let is_decided = !matches!(&verdict, Some(Verdict::Unknown) | None);
    Row {
        network: file_name(&instance.network),
        property: file_name(&instance.property),
        verdict: word,
        result: match &verdict {
            Some(Verdict::Holds) => "unsat",
            Some(Verdict::Violated(_)) => "sat",
            Some(Verdict::Unknown) if is_late => "timeout",
            Some(Verdict::Unknown) => "unknown",
            None => ERROR,
        },
        witness: verdict.as_ref().map(told::witness),
        expected,
        contradicts: is_decided && expected.is_some_and(|expected| expected != word),
        seconds,
        parts,
    }
}

/// What is kept from one instance to the next: networks, and which errors were told.
#[derive(Default)]
struct Memory {
    networks: Networks,
    told: HashSet<String>,
}

/// The word for an instance that can't be read or proven.
const ERROR: &str = "error";

impl Row {
    fn cells(&self) -> [String; 7] {
        let mark = if self.contradicts { " (!)" } else { "" };
        [
            self.network.clone(),
            self.property.clone(),
            format!("{}{mark}", self.verdict),
            self.result.to_owned(),
            self.expected.unwrap_or("").to_owned(),
            format!("{:.2}", self.seconds),
            self.parts.to_string(),
        ]
    }
}

fn status(rows: &[Row]) -> u8 {
    u8::from(rows.iter().any(|row| row.contradicts || row.verdict == ERROR))
}

fn contradictions(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.contradicts).count()
}

fn seconds(rows: &[Row]) -> f64 {
    rows.iter().map(|row| row.seconds).sum()
}

fn summary(rows: &[Row], settings: &Settings<'_>) -> String {
    let count = |word: &str| rows.iter().filter(|row| row.verdict == word).count();
    format!(
        "{} instances: {} hold, {} violated, {} unknown, {} errors; {} against the expected verdict; {:.1} s of processor time; \
         semantics {}",
        rows.len(),
        count("holds"),
        count("violated"),
        count("unknown"),
        count(ERROR),
        contradictions(rows),
        seconds(rows),
        settings.config.semantics.name()
    )
}

fn json(rows: &[Row], settings: &Settings<'_>) -> Value {
    let each = |row: &Row| {
        json!({
            "network": row.network, "property": row.property, "verdict": row.verdict, "result": row.result,
            "expected": row.expected, "seconds": row.seconds, "parts": row.parts, "witness": row.witness,
        })
    };
    json!({
        "schema": "glassnet.prove-benchmark/1", "instances": rows.iter().map(each).collect::<Vec<_>>(),
        "seconds": seconds(rows), "contradictions": contradictions(rows), "semantics": settings.config.semantics.name(),
    })
}

/// Networks that were read, so that a folder's many properties of one read it once.
#[derive(Default)]
struct Networks {
    kept: Vec<(PathBuf, u64, Loaded)>,
}

impl Networks {
    /// The network of a file, read unless it is kept.
    ///
    /// # Errors
    /// When it can't be read, or can't be bounded.
    fn loaded(&mut self, path: &Path, terminal: &Terminal) -> Result<&Loaded> {
        /// The bytes of the files of all that are kept.
        const MOST: u64 = 1 << 28;
        if let Some(at) = self.kept.iter().position(|(known, ..)| known == path) {
            // The one that was asked for last goes last.
            let kept = self.kept.remove(at);
            self.kept.push(kept);
        } else {
            let subject = Subject::read(path.as_os_str(), &Weights::default(), terminal)?;
            let loaded = subject.loaded()?;
            let size = std::fs::metadata(path).map_or(MOST, |file| file.len());
            self.kept.push((path.to_owned(), size, loaded));
            while self.kept.len() > 1
                && self.kept.iter().map(|(_, size, _)| size).sum::<u64>() > MOST
            {
                self.kept.remove(0);
            }
        }
        let (.., loaded) = &self.kept[self.kept.len() - 1];
        Ok(loaded)
    }
}

fn prove_one(
    instance: &Instance,
    loaded: &Loaded,
    &Settings { config, threads, .. }: &Settings<'_>,
    go_on: &mut dyn FnMut(&prove::Progress) -> bool,
    proofs: Option<&mut proof::Folder<'_>>,
    terminal: &Terminal,
) -> Result<(Verdict, u64)> {
    let shown = instance.property.display().to_string();
    let read = property_of(loaded, &output::read_unpacked(&instance.property)?, &shown)?;
    let (outcome, recording) =
        search::run(&loaded.network, &read.property, config, threads, go_on)?;
    let outcome = judged(outcome, &read, terminal);
    if let Some(proofs) = proofs
        && let Some(proof) = proof::of(loaded, &read.property, config, &outcome, recording)?
    {
        let name = format!("{}-{}", file_name(&instance.network), file_name(&instance.property));
        proofs.add(&name, &proof, loaded, &read.property, terminal)?;
    }
    Ok((outcome.verdict, outcome.parts))
}

/// The instances of a folder: `expected.csv` (set, network, property, verdict), or VNN-COMP's `instances.csv` (network,
/// property, seconds), with paths from the folder.
fn instances(folder: &Path) -> Result<Vec<Instance>> {
    let found = listed(folder)?;
    if found.is_empty() {
        return Err(Error::usage("the folder names no instance")
            .at(folder.display().to_string())
            .help("list network,property,timeout in its instances.csv, a line for each"));
    }
    Ok(found)
}

fn listed(folder: &Path) -> Result<Vec<Instance>> {
    let (expected, plain) = (folder.join("expected.csv"), folder.join("instances.csv"));
    let text = |path: &Path| -> Result<String> {
        String::from_utf8(output::read(path)?).map_err(|_| {
            Error::data("the list of instances is no UTF-8").at(path.display().to_string())
        })
    };
    if expected.is_file() {
        return text(&expected)?
            .lines()
            .enumerate()
            .skip(1)
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(at, line)| {
                let fields: Vec<&str> = line.split(',').map(str::trim).collect();
                let [set, network, property, verdict] = fields.as_slice() else {
                    return Err(bad_line(&expected, at, "set,network,property,verdict"));
                };
                let verdict = match *verdict {
                    "unsat" | "holds" => Some("holds"),
                    "sat" | "violated" => Some("violated"),
                    _ => None, // not operations: other words are no verdicts
                };
                let set = folder.join(set);
                let (network, property) = (present(set.join(network)), present(set.join(property)));
                Ok(Instance { network, property, expected: verdict, limit: None })
            })
            .collect();
    }
    if !plain.is_file() {
        return Err(Error::data("the folder has no instances.csv and no expected.csv")
            .at(folder.display().to_string())
            .help("name a benchmark's folder of VNN-COMP"));
    }
    text(&plain)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let [network, property, rest @ ..] = fields.as_slice() else {
                return Err(bad_line(&plain, at, "network,property,seconds"));
            };
            let limit = rest.first().and_then(|seconds| seconds.parse::<f64>().ok());
            let limit = limit.filter(|limit| *limit > 0.0 && *limit <= 1e7);
            let (network, property) =
                (present(folder.join(network)), present(folder.join(property)));
            Ok(Instance { network, property, expected: None, limit })
        })
        .collect()
}

/// The file that an instance means: where it names one that is compressed, it may have been unpacked since.
fn present(path: PathBuf) -> PathBuf {
    let plain = path.with_extension("");
    let is_packed = path.extension().is_some_and(|ending| ending == "gz");
    if is_packed && !path.exists() && plain.is_file() { plain } else { path }
}

fn bad_line(file: &Path, at: usize, expected: &str) -> Error {
    Error::data(format!("the line is not {expected}")).at(format!("{}:{}", file.display(), at + 1))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The processor time that this process has used, where the system tells.
fn processor_seconds() -> Option<f64> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(target_os = "linux"))]
    None
}
