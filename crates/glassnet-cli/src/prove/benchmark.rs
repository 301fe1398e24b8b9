//! A folder of the verification competition, instance by instance.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use glassnet::prove::{self, Config, Verdict};
use glassnet::{Error, Result};
use glassnet_formats::vnnlib;
use serde_json::json;

use super::network::Subject;
use super::{fits, proof, search, told};
use crate::args::Weights;
use crate::interrupt::Interrupt;
use crate::output;
use crate::terminal::Terminal;

/// A network and a property of it.
struct Instance {
    network: PathBuf,
    property: PathBuf,
    /// The verdict that others found.
    expected: Option<&'static str>,
    /// The seconds that its folder allows.
    limit: Option<f64>,
}

/// Proves every instance of `folder`; the status is 1 when a verdict contradicts the expected one or an instance is in error,
/// else 0.
///
/// # Errors
/// Kind `usage` for a folder that names no instance.
pub(super) fn run(
    folder: &Path,
    config: &Config,
    timeout: Duration,
    threads: usize,
    mut proofs: Option<&mut proof::Folder<'_>>,
    terminal: &mut Terminal,
) -> Result<u8> {
    let instances = instances(folder)?;
    if instances.is_empty() {
        return Err(Error::usage("the folder names no instance")
            .at(folder.display().to_string())
            .help("list network,property,timeout in its instances.csv, a line for each"));
    }
    let interrupt = Interrupt::watch()?;
    let mut rows = vec![];
    let (mut wrong, mut total, mut counts) = (0, 0.0, HashMap::new());
    if !terminal.json() {
        terminal.text("| network | property | verdict | expected | processor s | parts |\n|---|---|---|---|---|---|\n")?;
    }
    for instance in &instances {
        let begun = processor_seconds();
        let started = Instant::now();
        let limit =
            instance.limit.map_or(timeout, |limit| timeout.min(Duration::from_secs_f64(limit)));
        let go_on = &mut |_: &prove::Progress| {
            Instant::now() < started + limit && interrupt.status().is_none()
        };
        let proofs = proofs.as_deref_mut();
        let (word, parts) = match prove_one(instance, config, threads, go_on, proofs, terminal) {
            Ok((verdict, parts)) => (told::word(&verdict), parts),
            Err(error) => {
                terminal.note(&error.to_string());
                ("error", 0)
            }
        };
        let seconds = match (begun, processor_seconds()) {
            (Some(begun), Some(now)) => now - begun,
            _ => started.elapsed().as_secs_f64(), // not operations: a system that doesn't tell
        };
        total += seconds;
        *counts.entry(word).or_insert(0_usize) += 1;
        let contradicts = instance
            .expected
            .is_some_and(|expected| expected != word && word != "unknown" && word != "error");
        wrong += usize::from(contradicts);
        let expected = instance.expected.unwrap_or("");
        let (network, property) = (file_name(&instance.network), file_name(&instance.property));
        if terminal.json() {
            rows.push(json!({
                "network": network, "property": property, "verdict": word, "expected": instance.expected,
                "seconds": seconds, "parts": parts,
            }));
        } else {
            let mark = if contradicts { " (!)" } else { "" };
            terminal.text(&format!(
                "| {network} | {property} | {word}{mark} | {expected} | {seconds:.2} | {parts} |\n"
            ))?;
        }
        if let Some(status) = interrupt.status() {
            return Ok(status);
        }
    }
    if let Some(proofs) = proofs {
        proofs.tell(terminal);
    }
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    if terminal.json() {
        terminal.document(&json!({
            "schema": "glassnet.prove-benchmark/1", "instances": rows, "seconds": total,
            "contradictions": wrong, "semantics": config.semantics.name(),
        }))?;
    } else {
        terminal.text(&format!(
            "\n{} instances: {} hold, {} violated, {} unknown, {} errors; {wrong} against the expected verdict; {total:.1} s of processor time; semantics {}\n",
            instances.len(), count("holds"), count("violated"), count("unknown"), count("error"), config.semantics.name()
        ))?;
    }
    Ok(u8::from(wrong > 0 || count("error") > 0))
}

fn prove_one(
    instance: &Instance,
    config: &Config,
    threads: usize,
    go_on: &mut dyn FnMut(&prove::Progress) -> bool,
    proofs: Option<&mut proof::Folder<'_>>,
    terminal: &Terminal,
) -> Result<(Verdict, u64)> {
    let loaded =
        Subject::read(instance.network.as_os_str(), &Weights::default(), terminal)?.loaded()?;
    let shown = instance.property.display().to_string();
    let read = vnnlib::read(&output::read_unpacked(&instance.property)?, &shown)?;
    fits(&read, &loaded.network, &shown)?;
    let (outcome, recording) =
        search::run(&loaded.network, &read.property, config, threads, go_on)?;
    if let Some(proofs) = proofs
        && let Some(proof) = proof::of(&loaded, &read.property, config, &outcome, recording)?
    {
        let name = format!("{}-{}", file_name(&instance.network), file_name(&instance.property));
        proofs.add(&name, &proof, &loaded, &read.property, terminal)?;
    }
    Ok((outcome.verdict, outcome.parts))
}

/// The instances of a folder: `expected.csv` (set, network, property, verdict), or VNN-COMP's `instances.csv` (network,
/// property, seconds), with paths from the folder.
fn instances(folder: &Path) -> Result<Vec<Instance>> {
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
