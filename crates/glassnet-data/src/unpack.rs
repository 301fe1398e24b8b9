//! Compressed files: their bytes unpacked as they are read, with a limit on how much little may become.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use glassnet::{Error, ErrorKind};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::bytes::read_error;
use crate::content::Content;
use crate::words::shell;

/// So much may come of any file.
const FREE: u64 = 256 << 20;
/// Beyond that, so many bytes of each that was read. Tables as text are seldom packed to less than a fiftieth; deflate
/// cannot make more than 1032 of one, zstd can.
const MOST_RATIO: u64 = 300;

/// The bytes of `packed`, which is compressed as `content` says; those of any other file as they are.
pub(crate) fn unpacked<'a>(
    packed: impl Read + 'a,
    content: Content,
    name: &str,
) -> Box<dyn Read + 'a> {
    let taken = Rc::new(Cell::new(0));
    let failed = Rc::new(Cell::new(false));
    let counted = BufReader::with_capacity(
        1 << 16,
        Counted { inner: packed, taken: taken.clone(), failed: failed.clone() },
    );
    let (inner, test): (Box<dyn Read + 'a>, _) = match content {
        Content::Gzip => {
            (Box::new(Members { at: Member::Between(counted), decode: gzip }), "gunzip -t")
        }
        Content::Zstandard => {
            (Box::new(Members { at: Member::Between(counted), decode: zstd }), "zstd -t")
        }
        Content::Parquet | Content::Npy | Content::Zip | Content::Idx | Content::Text => {
            return Box::new(counted);
        }
    };
    let name = name.to_owned();
    Box::new(Limited { inner, taken, failed, given: 0, name, test })
}

/// The bytes of a file that may be compressed with gzip or zstd, which its content tells; any other file's as they are.
///
/// ```
/// let plain = b"(declare-const X_0 Real)".to_vec();
/// assert_eq!(glassnet_data::decompressed(plain.clone(), "p.vnnlib")?, plain);
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// Kind `data` for a damaged file, kind `limit` where much came of very little.
pub fn decompressed(bytes: Vec<u8>, name: &str) -> glassnet::Result<Vec<u8>> {
    let content = Content::of(&bytes);
    if !content.is_compressed() {
        return Ok(bytes);
    }
    let mut whole = vec![];
    let read = unpacked(bytes.as_slice(), content, name).read_to_end(&mut whole);
    read.map(|_| whole).map_err(|error| read_error(name, &error))
}

/// Counts what is read, and whether reading fails.
struct Counted<R> {
    inner: R,
    taken: Rc<Cell<u64>>,
    failed: Rc<Cell<bool>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        match &read {
            Ok(count) => self.taken.set(self.taken.get() + *count as u64),
            Err(error) => self.failed.set(error.kind() != io::ErrorKind::Interrupted),
        }
        read
    }
}

/// The members of a file one after the other, as `cat a.gz b.gz` leaves them.
struct Members<R, D> {
    at: Member<R, D>,
    decode: fn(R) -> io::Result<D>,
}

enum Member<R, D> {
    Between(R),
    Within(D),
    Ended,
}

/// A decoder of one member that gives its source back, once the member's checksum was found to be right.
trait Decoder<R>: Read {
    fn into_source(self) -> io::Result<R>;
}

impl<R: BufRead> Decoder<R> for GzDecoder<R> {
    fn into_source(self) -> io::Result<R> {
        // It compared the checksum itself.
        Ok(self.into_inner())
    }
}

impl<R: BufRead> Decoder<R> for StreamingDecoder<R, FrameDecoder> {
    fn into_source(self) -> io::Result<R> {
        let (told, found) =
            (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if told.is_some() && told != found {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong"));
        }
        Ok(self.into_inner())
    }
}

fn gzip<R: BufRead>(source: R) -> io::Result<GzDecoder<R>> {
    Ok(GzDecoder::new(source))
}

/// A frame of zstd; frames that programs may skip, such as a table of contents, are skipped.
fn zstd<R: BufRead>(source: R) -> io::Result<StreamingDecoder<R, FrameDecoder>> {
    StreamingDecoder::new(source).map_err(io::Error::other)
}

impl<R: BufRead, D: Decoder<R>> Read for Members<R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.at, Member::Ended) {
                Member::Ended => return Ok(0),
                Member::Between(mut source) => {
                    // Tapes and some downloads are filled up with zeros.
                    loop {
                        let rest = source.fill_buf()?;
                        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
                        if zeros == 0 {
                            break;
                        }
                        source.consume(zeros);
                    }
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    if skip_frame(&mut source)? {
                        self.at = Member::Between(source);
                    } else {
                        self.at = Member::Within((self.decode)(source)?);
                    }
                }
                Member::Within(mut decoder) => {
                    let count = decoder.read(buffer)?;
                    if count > 0 || buffer.is_empty() {
                        self.at = Member::Within(decoder);
                        return Ok(count);
                    }
                    self.at = Member::Between(decoder.into_source()?);
                }
            }
        }
    }
}

/// Skips a frame of zstd that holds no data: `0x184D2A5?`, a length, so many bytes.
fn skip_frame(source: &mut impl BufRead) -> io::Result<bool> {
    let begin = source.fill_buf()?;
    let skippable =
        begin.len() >= 4 && begin[0] & 0xF0 == 0x50 && begin[1..4] == [0x2A, 0x4D, 0x18];
    if !skippable {
        return Ok(false);
    }
    let mut head = [0; 8];
    source.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    io::copy(&mut source.take(u64::from(length)), &mut io::sink())?;
    Ok(true)
}

/// Stops where too much came of too little, and words what decoders say.
struct Limited<'a> {
    inner: Box<dyn Read + 'a>,
    taken: Rc<Cell<u64>>,
    failed: Rc<Cell<bool>>,
    given: u64,
    name: String,
    /// The command that tests such a file.
    test: &'static str,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.given += count as u64;
                if self.given > FREE && self.given / MOST_RATIO > self.taken.get() {
                    let error = Error::new(
                        ErrorKind::Limit,
                        format!(
                            "{} bytes came of {} compressed ones: more than {MOST_RATIO} of each",
                            self.given,
                            self.taken.get()
                        ),
                    );
                    return Err(io::Error::other(
                        error
                            .at(self.name.clone())
                            .help("unpack it first if it is what it should be"),
                    ));
                }
                Ok(count)
            }
            Err(error) if self.failed.get() || error.kind() == io::ErrorKind::Interrupted => {
                Err(error)
            }
            Err(error) => {
                let what = match error.kind() {
                    io::ErrorKind::UnexpectedEof => "the compressed file is cut short".to_owned(),
                    _ => format!("the compressed file is damaged: {error}"),
                };
                let help = format!("copy it again; {} {} tests it", self.test, shell(&self.name));
                Err(io::Error::other(Error::data(what).at(self.name.clone()).help(help)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::default());
        encoder.write_all(bytes).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    }

    fn zst(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    fn read(packed: &[u8], content: Content) -> glassnet::Result<Vec<u8>> {
        let mut bytes = vec![];
        match unpacked(packed, content, "t.csv").read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(read_error("t.csv", &error)),
        }
    }

    #[test]
    fn members_follow_each_other() -> glassnet::Result<()> {
        let text = "a,b\n1,2\n".repeat(50_000);
        let (first, second) = text.as_bytes().split_at(123_457);
        let packed = [gz(first), gz(b""), gz(second), vec![0; 100]].concat();
        assert!(read(&packed, Content::Gzip)? == text.as_bytes());
        let skipped = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        let packed = [skipped.clone(), zst(first), skipped, zst(second)].concat();
        assert!(read(&packed, Content::Zstandard)? == text.as_bytes());
        Ok(())
    }

    #[test]
    fn damage_is_no_data() {
        let noise: Vec<u8> =
            (0..20_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for (packed, content) in [(gz(&noise), Content::Gzip), (zst(&noise), Content::Zstandard)] {
            for length in [1, 5, 30, packed.len() / 2, packed.len() - 1] {
                let error =
                    read(&packed[..length], content).map(|bytes| bytes.len()).expect_err("cut");
                assert_eq!(error.kind(), ErrorKind::Data, "{length} {error}");
            }
            let mut damaged = packed.clone();
            let middle = damaged.len() / 2;
            damaged[middle] ^= 0x55;
            let error = read(&damaged, content).map(|bytes| bytes.len()).expect_err("damaged");
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            let error = read(&[packed, b"more".to_vec()].concat(), content)
                .map(|bytes| bytes.len())
                .expect_err("a tail");
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let zeros = gz(&vec![b' '; 1 << 22]);
        let bomb: Vec<u8> = zeros.repeat(100);
        let again = bomb.clone();
        let mut reader = unpacked(bomb.as_slice(), Content::Gzip, "t.csv");
        let error = io::copy(&mut reader, &mut io::sink()).expect_err("a bomb");
        assert_eq!(read_error("t.csv", &error).kind(), ErrorKind::Limit);
        let error = decompressed(again, "t.onnx").map(|bytes| bytes.len()).expect_err("a bomb");
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}
