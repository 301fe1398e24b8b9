//! Files with a few bytes changed: read or refused, never a panic, and never read where the format's crate refuses.

use glassnet::ErrorKind;
use glassnet_formats::{ModelFile, read_checkpoint, safetensors};

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
