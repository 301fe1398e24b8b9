//! Changes of files, addressed by a seed: the same number gives the same bytes on every machine.

use glassnet::math::random::Stream;

use crate::Target;
use crate::seeds::Seed;

/// The longest file that is made.
pub const LONGEST: usize = 1 << 16;

/// Numbers at which readers go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    (1 << 53) + 1,
    u64::MAX >> 1,
    u64::MAX,
];

/// The input number `execution` of a target under `seed`: one of its files with a few changes.
pub fn input(target: &Target, files: &[Seed], seed: u64, execution: u64) -> Vec<u8> {
    let mut draw = Draw(Stream::at(seed, 0, execution));
    let mut bytes = match files.get(draw.below(files.len().max(1))) {
        Some(file) => file.bytes.clone(),
        None => vec![],
    };
    // One change gets furthest; many go where nobody has been.
    let changes = match draw.below(8) {
        0..4 => 1,
        4..7 => 1 + draw.below(4),
        _ => 1 + draw.below(24), // not operations: numbers of changes
    };
    for _ in 0..changes {
        change(&mut bytes, target, files, &mut draw);
        bytes.truncate(LONGEST);
    }
    bytes
}

/// Small random numbers.
struct Draw(Stream);

impl Draw {
    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        self.0.below(end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.0.next_u32() as u8
    }

    fn number(&mut self) -> u64 {
        match self.below(3) {
            0 => self.0.next_u64() >> self.below(64),
            _ => NUMBERS[self.below(NUMBERS.len())], // not operations: the more useful numbers
        }
    }

    /// A range of `bytes`, mostly short.
    fn range(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let most = [4, 16, 256, bytes.len()][self.below(4)];
        let start = self.below(bytes.len() + 1);
        let length = self.below(most + 1).min(bytes.len() - start);
        start..start + length
    }
}

fn change(bytes: &mut Vec<u8>, target: &Target, files: &[Seed], draw: &mut Draw) {
    let at = draw.below(bytes.len() + 1);
    let inside = at.min(bytes.len().saturating_sub(1));
    match draw.below(13) {
        0 if !bytes.is_empty() => bytes[inside] ^= 1 << draw.below(8),
        1 if !bytes.is_empty() => bytes[inside] = draw.byte(),
        2 if !bytes.is_empty() => bytes[inside] = [0, 1, 0x7f, 0x80, 0xff][draw.below(5)],
        3 => drop(bytes.drain(draw.range(bytes))),
        4 => {
            let piece = bytes[draw.range(bytes)].to_vec();
            insert(bytes, at, &piece);
        }
        5 => {
            // The same piece again and again.
            let piece = bytes[draw.range(bytes)].to_vec();
            let times = 1 + draw.below(64);
            insert(bytes, at, &piece.repeat(times.min(LONGEST / piece.len().max(1))));
        }
        6 if !target.words.is_empty() => {
            let word = target.words[draw.below(target.words.len())];
            insert(bytes, at, word);
        }
        7 if !target.words.is_empty() => {
            let word = target.words[draw.below(target.words.len())];
            let end = (at + word.len()).min(bytes.len());
            bytes.splice(at..end, word.iter().copied());
        }
        8 if !files.is_empty() => {
            // A piece of another file.
            let other = &files[draw.below(files.len())].bytes;
            let piece = other[draw.range(other)].to_vec();
            insert(bytes, at, &piece);
        }
        9 => {
            // A number of two, four or eight bytes.
            let number = draw.number().to_le_bytes();
            let width = [2, 4, 8][draw.below(3)];
            let end = (at + width).min(bytes.len());
            bytes.splice(at..end, number[..width].iter().copied());
        }
        10 => digits(bytes, draw),
        11 => {
            let piece: Vec<u8> = (0..1 + draw.below(8)).map(|_| draw.byte()).collect();
            insert(bytes, at, &piece);
        }
        _ => bytes.truncate(at), // not operations: the last of the changes
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let room = LONGEST.saturating_sub(bytes.len());
    bytes.splice(at..at, piece[..piece.len().min(room)].iter().copied());
}

/// Another number in the place of one that is written in digits.
fn digits(bytes: &mut Vec<u8>, draw: &mut Draw) {
    let from = draw.below(bytes.len() + 1);
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|at| from + at) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = draw.number().to_string();
    bytes.splice(start..start + length, number.bytes());
}
