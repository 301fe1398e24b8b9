//! The committed files that changes begin with: those of the formats' tests, and small ones of `fuzz/seeds`.

use std::fs;
use std::path::{Path, PathBuf};

use glassnet::nn::{self, Network};
use glassnet_formats::{
    Card, ModelFile, OnnxAnswer, OnnxColumn, OnnxEncoding, OnnxExport, OnnxTable, write_onnx_table,
};

use crate::targets::properties;

#[allow(dead_code, unreachable_pub, reason = "shared with the formats' tests")]
#[path = "../../glassnet-formats/tests/all/archive.rs"]
mod archive;

pub(crate) use archive::{stored, zip};

/// The longest file that is taken.
const LONGEST: usize = 16 << 10;

/// A file to begin with.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Where it comes from.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files in `folder` and below with one of these endings, by name.
fn files(folder: &str, endings: &[&str]) -> Vec<Seed> {
    let mut found = vec![];
    gather(&root().join(folder), endings, &mut found);
    found.sort_by(|a: &Seed, b: &Seed| a.name.cmp(&b.name));
    found
}

fn gather(folder: &Path, endings: &[&str], found: &mut Vec<Seed>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, endings, found);
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        let Ok(bytes) = fs::read(&path) else { continue };
        if endings.contains(&ending) && bytes.len() <= LONGEST {
            found.push(Seed { name: path.display().to_string(), bytes });
        }
    }
}

const GOLDENS: &str = "crates/glassnet-formats/tests/goldens";

pub(crate) fn safetensors() -> Vec<Seed> {
    let mut seeds = files(GOLDENS, &["safetensors"]);
    if let Ok(network) = Network::new(nn::Module::from(nn::Linear::new(3, 2)), 0) {
        let card = Card { classes: Some(vec!["a".to_owned(), "b".to_owned()]), ..card(&network) };
        let whole = ModelFile { state: network.state_dict().clone(), card: Some(card) };
        let members = [network.state_dict().clone(), network.state_dict().clone()];
        let both = ModelFile::ensemble(&members, self::card(&network));
        for (name, model) in [("a model", whole), ("an ensemble", both)] {
            let bytes = model.write().unwrap_or_default();
            seeds.push(Seed { name: name.to_owned(), bytes });
        }
    }
    seeds
}

fn card(network: &Network) -> Card {
    Card::new(network.module().notation())
}

pub(crate) fn torch() -> Vec<Seed> {
    files(GOLDENS, &["pt", "pth", "ckpt"])
}

/// The programs of PyTorch's files, behind the number and the lengths of their storages.
pub(crate) fn pickle() -> Vec<Seed> {
    let programs = torch().into_iter().filter(|seed| seed.bytes.starts_with(b"PK"));
    let programs = programs.filter_map(|Seed { name, bytes }| {
        // Damaged ones are no archives to take apart.
        let members = std::panic::catch_unwind(|| archive::unzip(&bytes)).ok()?;
        let (path, program) = members.iter().find(|(member, _)| member.ends_with("data.pkl"))?;
        let folder = path.trim_end_matches("data.pkl");
        let storage = |at: usize| {
            let wanted = format!("{folder}data/{at}");
            let (_, numbers) = members.iter().find(|(member, _)| *member == wanted)?;
            u16::try_from(numbers.len()).ok()
        };
        let lengths: Vec<u16> = (0..usize::from(u8::MAX)).map_while(storage).collect();
        let mut bytes = vec![lengths.len() as u8];
        bytes.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
        bytes.extend(program);
        Some(Seed { name, bytes })
    });
    programs.collect()
}

pub(crate) fn npz() -> Vec<Seed> {
    files(GOLDENS, &["npz", "npy"])
}

pub(crate) fn onnx() -> Vec<Seed> {
    let mut seeds = files(GOLDENS, &["onnx"]);
    seeds.extend(files("crates/glassnet-formats/tests/onnx", &["onnx"]));
    seeds.extend(of_columns());
    seeds
}

/// A file of ours with its preprocessing.
fn of_columns() -> Option<Seed> {
    let network = Network::new(nn::parse("4-3-2").ok()?, 0).ok()?;
    let number = OnnxEncoding::Number { mean: 1.0, std: 2.0, median: 1.5, gaps: true };
    let levels = vec!["a".to_owned()];
    let category = OnnxEncoding::Category { levels, missing: vec![], gaps: true };
    let column = |name: &str, encoding| OnnxColumn { name: name.to_owned(), encoding };
    let table = OnnxTable {
        columns: vec![column("x", number), column("y", category)],
        answer: OnnxAnswer::Classes(vec!["k".to_owned(), "l".to_owned()]),
    };
    let export = OnnxExport { card: Some(card(&network)), ..OnnxExport::default() };
    let bytes = write_onnx_table(&[network], &table, &export).ok()?;
    Some(Seed { name: "a model of columns".to_owned(), bytes })
}

/// The Parquet files, arrays and compressed files of the tests.
pub(crate) fn tables() -> Vec<Seed> {
    let mut seeds = files("crates/glassnet-data/tests/parquet", &["parquet"]);
    seeds.extend(files("crates/glassnet-data/tests/arrays", &["npy", "npz", "idx", "gz"]));
    seeds
}

/// Tables behind a byte that says how they are read: the beginnings of the repository's, and small ones.
pub(crate) fn csv() -> Vec<Seed> {
    const BEGINNING: usize = 2000;
    let mut seeds = files("fuzz/seeds/csv", &["csv"]);
    for name in ["seattle-weather.csv", "penguins.csv", "autompg.csv"] {
        let bytes = fs::read(root().join("data").join(name)).unwrap_or_default();
        let end = bytes.len().min(BEGINNING);
        let end = bytes[..end].iter().rposition(|&byte| byte == b'\n').map_or(end, |at| at + 1);
        seeds.push(Seed { name: name.to_owned(), bytes: bytes[..end].to_vec() });
    }
    for seed in &mut seeds {
        let how = u8::from(seed.bytes.contains(&b';')) * 3;
        seed.bytes.insert(0, how);
    }
    seeds
}

/// A notation per line.
pub(crate) fn notation() -> Vec<Seed> {
    let all = files("fuzz/seeds/notation", &["txt"]);
    let lines = all.iter().flat_map(|seed| {
        let text = String::from_utf8_lossy(&seed.bytes).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.map(|line| Seed { name: line.clone(), bytes: line.into_bytes() }).collect()
}

/// Properties of `fuzz/seeds`, and the one that proofs are about.
pub(crate) fn vnnlib() -> Vec<Seed> {
    let mut seeds = files("fuzz/seeds/vnnlib", &["vnnlib"]);
    let bytes = properties::TRUE.as_bytes().to_vec();
    seeds.push(Seed { name: "a property that holds".to_owned(), bytes });
    seeds
}

/// Certificates of networks that were made wider.
pub(crate) fn certificate() -> Vec<Seed> {
    let made = (5..10).filter_map(|units| {
        let (_, _, certificate) = properties::certified(units).ok()?;
        let bytes = certificate.to_json().into_bytes();
        Some(Seed { name: format!("a network of {units} units"), bytes })
    });
    made.collect()
}

/// Proofs and counterexamples.
pub(crate) fn proof() -> Vec<Seed> {
    let made = [0.1, 0.5, 0.7, 0.9, 1.5].into_iter().filter_map(|threshold| {
        let proof = properties::shown(threshold).ok()??;
        Some(Seed { name: format!("above {threshold}"), bytes: proof.to_json().into_bytes() })
    });
    made.collect()
}
