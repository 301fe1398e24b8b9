//! Files with a few bytes changed: read or refused, never a panic, and never read where the format's crate refuses.

use glassnet::ErrorKind;
use glassnet_formats::{ModelFile, ReadOptions, read_checkpoint, safetensors};

use crate::support::Numbers;

const MUTATIONS: usize = 4000;

/// Bytes that mean something in a header, so that changes often leave it well-formed.
const TELLING: &[u8] = b"0123456789{}[],:\"\\-.eFI \0\xff";

fn mutate(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = numbers.below(bytes.len());
        match numbers.below(7) {
            0 => bytes[at] = numbers.next() as u8,
            1 => bytes[at] = TELLING[numbers.below(TELLING.len())],
            2 => bytes[at] ^= 1 << numbers.below(8),
            3 => bytes.truncate(at),
            4 => bytes.insert(at, TELLING[numbers.below(TELLING.len())]),
            5 => drop(bytes.remove(at)),
            _ => {
                let end = (at + numbers.below(20)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Changes `bytes` in many ways and looks at what reading makes of each; how many were still read.
fn survivors(bytes: &[u8], mut read: impl FnMut(&[u8]) -> glassnet::Result<()>) -> usize {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut count = 0;
    for _ in 0..MUTATIONS {
        let mutated = mutate(bytes, &mut numbers);
        match read(&mutated) {
            Ok(()) => {
                count += 1;
                let judged = ::safetensors::SafeTensors::deserialize(&mutated);
                assert!(judged.is_ok(), "{:?}", String::from_utf8_lossy(&mutated));
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Model, "{error}"),
        }
    }
    count
}

#[test]
fn changed_model_files() {
    let torch = include_bytes!("../goldens/torch.safetensors");
    let read = |bytes: &[u8]| ModelFile::read(bytes, "a.safetensors").map(drop);
    let count = survivors(torch, read);
    assert!((100..MUTATIONS / 2).contains(&count), "{count} of {MUTATIONS} were read");
    let read = |bytes: &[u8]| safetensors::read(bytes, "a.safetensors").map(drop);
    assert!(survivors(torch, read) >= count);
}

#[test]
fn changed_checkpoints() {
    let bytes = crate::checkpoint::bytes();
    let count = survivors(&bytes, |bytes| read_checkpoint(bytes, "a.ckpt").map(drop));
    assert!((20..MUTATIONS / 2).contains(&count), "{count} of {MUTATIONS} were read");
}

#[test]
fn every_shortened_file_is_refused() {
    for bytes in [&include_bytes!("../goldens/torch.safetensors")[..], &crate::checkpoint::bytes()]
    {
        for end in 0..bytes.len() {
            assert!(safetensors::read(&bytes[..end], "a.safetensors").is_err(), "{end}");
        }
    }
}

/// The files of PyTorch and NumPy, and a model of each of their other forms.
fn foreign() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/torch");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.extension().is_some_and(|ending| ending == "json" || ending == "py"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 40, "{}", files.len());
    files
}

fn open(bytes: &[u8], name: &str) -> bool {
    match glassnet_formats::open(bytes, name, ReadOptions::default()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Model, "{name}: {error}");
            assert!(error.place().is_some() && error.help_text().is_some(), "{name}: {error}");
            assert!(error.to_string().len() < 5000, "{name}: {} bytes", error.to_string().len());
            false
        }
    }
}

#[test]
fn every_shortened_file_of_pytorch_and_numpy_is_refused() {
    for (name, bytes) in foreign() {
        for end in 0..bytes.len() {
            assert!(!open(&bytes[..end], &name), "{name}, {end} bytes");
        }
    }
}

#[test]
fn changed_files_of_pytorch_and_numpy() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut read = 0;
    for (name, bytes) in foreign() {
        for _ in 0..400 {
            read += usize::from(open(&mutate(&bytes, &mut numbers), &name));
        }
    }
    assert!((500..12_000).contains(&read), "{read} were read");
}

/// Changes within the pickle alone, which no checksum finds.
#[test]
fn changed_pickles() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut read = 0;
    for name in [
        "checkpoint.pt",
        "lightning.ckpt",
        "types.pt",
        "parameters.pt",
        "views.pt",
        "protocol_4.pt",
    ] {
        let bytes = crate::torch::golden(name);
        let file = crate::archive::unzip(&bytes);
        let at = file.iter().position(|(name, _)| name.ends_with("data.pkl")).unwrap();
        for _ in 0..1500 {
            let mut changed = file.clone();
            changed[at].1 = mutate(&changed[at].1, &mut numbers);
            let members: Vec<_> = changed
                .iter()
                .map(|(name, content)| crate::archive::stored(name, content))
                .collect();
            read += usize::from(open(&crate::archive::zip(&members), name));
        }
    }
    assert!((200..8000).contains(&read), "{read} were read");
}
