//! Bad files of PyTorch and NumPy, by their numbers in the list of bad input.

use std::time::{Duration, Instant};

use glassnet_formats::{ReadOptions, numpy, open, torch};

use crate::archive::{Member, crc, deflated, int, stored, tensor_pickle, torch_file, zip};
use crate::support::check_error;
use crate::torch::golden;

const NAME: &str = "bad.safetensors.pt";

/// Reading `bytes` ends in an error with all `words`, at once.
fn check(bytes: &[u8], words: &[&str]) {
    let start = Instant::now();
    let error = torch::read(bytes, NAME).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    check_error(&error, words);
}

fn check_pickle(pickle: &[u8], words: &[&str]) {
    check(&torch_file(pickle), words);
}

#[test]
fn a_file_made_by_hand_is_read() {
    let read = torch::read(&torch_file(&tensor_pickle(4, 0, &[2, 2], &[2, 1])), NAME).unwrap();
    let tensor = read.tensors[0].1.as_f32().unwrap();
    assert_eq!((tensor.shape(), tensor.data()), (&[2, 2][..], &[1.0, 2.0, 3.0, 4.0][..]));
}

#[test]
fn case_27_nan_and_infinite_weights() {
    for (number, word) in [(f32::NAN, "w[1, 0] is NaN"), (f32::NEG_INFINITY, "w[1, 0] is -inf")] {
        let numbers: Vec<u8> =
            [1.0, 2.0, number, 4.0].iter().flat_map(|number: &f32| number.to_le_bytes()).collect();
        let pickle = tensor_pickle(4, 0, &[2, 2], &[2, 1]);
        let bytes = zip(&[stored("a/data.pkl", &pickle), stored("a/data/0", &numbers)]);
        let error = open(&bytes, NAME, ReadOptions::default()).unwrap_err();
        check_error(&error, &[word, "allow"]);
        let opened = open(&bytes, NAME, ReadOptions { allow_non_finite: true }).unwrap();
        let read = opened.model.state.floats("w").unwrap().data()[2];
        assert_eq!(read.to_bits(), number.to_bits());
    }
}

#[test]
fn case_29_globals_outside_the_tensor_rebuilders() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("__builtin__", "exec"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch.nn.modules.linear", "Linear"),
        ("numpy", "load"),
        ("collections", "namedtuple"),
        ("collections", "UserDict"),
        ("argparse", "ArgumentParser"),
        ("pathlib", "os"),
        ("omegaconf.omegaconf", "OmegaConf"),
        ("lightning.fabric.utilities.data", "os"),
        ("collections.OrderedDict", "x"),
        ("", ""),
        ("torch.storage", "_load_from_bytes"),
        ("__main__", "Net"),
        ("sklearn.linear_model", "LinearRegression"),
    ] {
        let named = format!("\"{module}.{name}\"");
        let words = [named.as_str(), "no part of a state dict", "data.pkl, byte"];
        let old = format!("\u{80}\u{2}}}X\u{1}\0\0\0xc{module}\n{name}\n)Rs.");
        let old: Vec<u8> = old.chars().map(|c| c as u8).collect();
        check_pickle(&old, &words);
        let short = |text: &str| [&[0x8c, text.len() as u8][..], text.as_bytes()].concat();
        let new =
            [&b"\x80\x04}"[..], &short("x"), &short(module), &short(name), b"\x93)Rs."].concat();
        check_pickle(&new, &words);
        // Named alone, without a call, it is refused as well.
        check_pickle(
            &[&b"\x80\x04"[..], &short(module), &short(name), b"\x93."].concat(),
            &words[..2],
        );
    }
}

#[test]
fn case_29_other_ways_to_call() {
    check_pickle(b"\x80\x02(ios\nsystem\n.", &["opcode 'i'"]);
    check_pickle(b"\x80\x02(cos\nsystem\no.", &["os.system"]);
    check_pickle(b"\x80\x02)o.", &["opcode 'o'"]);
    check_pickle(b"\x80\x02\x82\x01.", &["opcode '\\x82'"]);
    check_pickle(b"\x80\x02Pname\n.", &["opcode 'P'"]);
    check_pickle(b"\x80\x05\x97.", &["opcode '\\x97'"]);
    // What is no name is not called, and what stands for a type alone neither.
    check_pickle(b"\x80\x02X\x02\0\0\0os)R.", &["calls something that is no name"]);
    check_pickle(b"\x80\x02ctorch\nFloatStorage\n)R.", &["stands for a type alone"]);
    check_pickle(b"\x80\x02ctorch\nFloatStorage\n)\x81.", &["stands for a type alone"]);
    check_pickle(b"\x80\x02ctorch\nfloat32\n)R.", &["stands for a type alone"]);
    check_pickle(b"\x80\x02cbuiltins\nset\n]b.", &["state for what has none"]);
    // A rebuilder of rebuilders takes the tensor rebuilders alone.
    check_pickle(
        b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n)}tR.",
        &["rebuilt by none of the rebuilders"],
    );
}

#[test]
fn case_30_memo_bombs_and_nesting_200_000_deep() {
    let started = Instant::now();
    let within = |inside: &[u8]| [&b"\x80\x02}X\x01\0\0\0x"[..], inside, b"s."].concat();
    // Pairs of pairs of pairs: 2^100000 values in 300 KB. They are no tensors, and are not looked into.
    let doubling = [&b"N"[..], &b"2\x86".repeat(100_000)].concat();
    check_pickle(&within(&doubling), &["no state dict"]);
    let dicts: Vec<u8> =
        (0..1000).flat_map(|_| b"q\x01}h\x01sX\x01\0\0\0ah\x01s".to_vec()).collect();
    check_pickle(&[&b"\x80\x02}"[..], &dicts, b"."].concat(), &[]);
    // Each dict holds the one before it twice.
    let mut twice = b"\x80\x02}".to_vec();
    for _ in 0..60 {
        twice.extend(b"q\x00}q\x01X\x01\0\0\0ah\0sX\x01\0\0\0bh\0s");
    }
    twice.push(b'.');
    check_pickle(&twice, &["deeper than 16 levels"]);
    // Lists, tuples and dicts within each other, without and with an end.
    check_pickle(
        &within(&[b"]".repeat(200_000), b"a".repeat(199_999)].concat()),
        &["no state dict"],
    );
    check_pickle(&within(&[&b")"[..], &b"\x85".repeat(200_000)].concat()), &["no state dict"]);
    let deep = [b"}X\x01\0\0\0a".repeat(200_000), b"}".to_vec(), b"s".repeat(200_000)].concat();
    check_pickle(&[&b"\x80\x02"[..], &deep, b"."].concat(), &["deeper than 16 levels"]);
    check_pickle(&[&b"\x80\x02"[..], &b"(".repeat(200_000), b"."].concat(), &["value is missing"]);
    // A dict that holds itself.
    check_pickle(b"\x80\x02}q\0X\x01\0\0\0ah\0s.", &["deeper than 16 levels", "hold each other"]);
    check_pickle(b"\x80\x02}q\0X\x05\0\0\0modelh\0sX\x01\0\0\0w(tb.", &["pickle cannot be used"]);
    // A long list that is copied again and again.
    let list = [&b"\x80\x02]q\0("[..], &b"N".repeat(100_000), b"e0"].concat();
    let copies = b"ctorch\nSize\n(h\0tR0".repeat(20_000);
    check_pickle(&[&list[..], &copies, b"N."].concat(), &["copies its lists more often"]);
    // One long text that is the key of many values, and of a storage that many tensors share.
    let long = [&b"X"[..], &1_000_000_u32.to_le_bytes(), &b"k".repeat(1_000_000)].concat();
    let many = [&b"\x80\x02}"[..], &long, b"q\x000(", &b"h\0N".repeat(1_000_000), b"u."].concat();
    check_pickle(&many, &["more than any state dict"]);
    let many =
        [&b"\x80\x02}"[..], &long, b"q\x000X\x05\0\0\0modelN(", &b"h\0}".repeat(100_000), b"d."]
            .concat();
    check_pickle(&many, &[]);
    let storage = [
        &b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\n"[..],
        &long,
        b"X\x03\0\0\0cpuK\x04tQ.",
    ];
    check_pickle(&storage.concat(), &["storage's key has 1000000 bytes"]);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[test]
fn case_30_too_many_opcodes() {
    check_pickle(&[&b"\x80\x02"[..], &b"N".repeat(4_100_000), b"."].concat(), &["opcodes"]);
}

#[test]
fn pickles_that_are_damaged() {
    for (pickle, word) in [
        (&b""[..], "ends in the middle"),
        (b"\x80", "ends in the middle"),
        (b"\x80\x09.", "protocol is 9"),
        (b"\x80\x02", "ends in the middle"),
        (b"\x80\x02.", "value is missing"),
        (b"\x80\x02h\x07.", "value 7, which it never made"),
        (b"\x80\x02X\xff\xff\xff\xffabc.", "ends in the middle"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "ends in the middle"),
        (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
        (b"\x80\x02}Ns.", "value is missing"),
        (b"\x80\x02}(Nu.", "key without a value"),
        (b"\x80\x02NNNs.", "no dict"),
        (b"\x80\x02NNa.", "no list"),
        (b"\x80\x02t.", "mark is missing"),
        (b"\x80\x02NQ.", "not named by five things"),
        (b"\x80\x02ctorch", "ends in the middle"),
        (b"\x80\x02c\xff\n\n.", "not UTF-8"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "too few arguments"),
        (b"\x80\x02ctorch._utils\n_rebuild_parameter\n(NtR.", "no tensor"),
        (b"\x80\x02c_codecs\nencode\n(X\x01\0\0\0aX\x04\0\0\0utf8tR.", "latin1"),
    ] {
        check_pickle(pickle, &["pickle cannot be used", word, "data.pkl, byte"]);
    }
}

#[test]
fn case_31_deflate_bombs() {
    let zeros = vec![0; 20_000_000];
    let honest = deflated("a/data.pkl", &zeros);
    assert!(honest.packed.len() < 200_000);
    // More than it claims, fewer than it claims, more than the file can honestly hold.
    check(&zip(&[Member { length: 1000, ..honest.clone() }]), &["more than the 1000 bytes"]);
    check(&zip(&[Member { length: 30_000_000, ..honest.clone() }]), &["fewer than the 30000000"]);
    check(
        &zip(&[Member { length: 4_000_000_000, ..honest.clone() }]),
        &["claims to become 4000000000 bytes", "without compression"],
    );
    // Each within the limit, all together beyond it.
    let names = ["a.npy", "b.npy", "c.npy", "d.npy", "e.npy"];
    let header = numpy::write_npy(&glassnet::Value::from(
        glassnet::Tensor::new([0], vec![] as Vec<f32>).unwrap(),
    ));
    let header = String::from_utf8_lossy(&header[10..]).replace("(0,)", "(4999968,)");
    let mut array = b"\x93NUMPY\x01\0".to_vec();
    array.extend((header.len() as u16).to_le_bytes());
    array.extend(header.as_bytes());
    array.resize(array.len() + 4 * 4_999_968, 0);
    let members: Vec<Member> = names.iter().map(|name| deflated(name, &array)).collect();
    let started = Instant::now();
    let error = numpy::read(&zip(&members), NAME).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    check_error(&error, &["\"d.npy\"", "times the file"]);
    assert!(numpy::read(&zip(&members[..2]), NAME).is_ok());
    // Booleans, which become eight times as large.
    let text = header.replace("<f4", "|b1").replace("(4999968,)", "(19999872,)");
    let mut booleans = b"\x93NUMPY\x01\0".to_vec();
    booleans.extend((text.len() as u16).to_le_bytes());
    booleans.extend(text.as_bytes());
    booleans.resize(booleans.len() + 19_999_872, 0);
    let error = numpy::read(&zip(&[deflated("b.npy", &booleans)]), NAME).unwrap_err();
    check_error(&error, &["\"b\"", "more memory"]);
    let mut damaged = honest;
    damaged.packed[10] ^= 0xff;
    check(&zip(&[damaged]), &[]);
}

#[test]
fn case_32_storages_and_views_that_do_not_fit() {
    let big = 1 << 40;
    for (length, offset, shape, strides, words) in [
        (5, 0, &[4][..], &[1][..], &["storage \"0\" claims 5 numbers of 4 bytes and has 16"][..]),
        (3, 0, &[3], &[1], &["claims 3 numbers"]),
        (1 << 62, 0, &[1], &[1], &["claims 4611686018427387904"]),
        (4, 1, &[4], &[1], &["offset 1, shape [4]", "beyond the 4 numbers"]),
        (4, big, &[1], &[1], &["beyond the 4 numbers"]),
        (4, 0, &[2, 2], &[3, 1], &["strides [3, 1]", "beyond"]),
        (4, 0, &[2, 2], &[u64::MAX >> 1, 1], &["beyond"]),
        (4, 0, &[big, big], &[0, 0], &["more memory", "tensor.clone()"]),
        (4, 0, &[big, big, 0], &[0, 0, 0], &["more memory"]),
        (4, 0, &[20_000_000], &[0], &["more memory"]),
        (4, 0, &[2, 2], &[1], &["another number of strides"]),
        (4, 0, &[u64::MAX], &[1], &["no whole numbers"]),
        (4, u64::MAX, &[1], &[1], &["offset is no whole number"]),
        (4, 0, &[1; 65], &[1; 65], &["more than 64 axes"]),
    ] {
        check_pickle(&tensor_pickle(length, offset, shape, strides), words);
    }
    let expanded = torch_file(&tensor_pickle(4, 3, &[1000, 1000], &[0, 0]));
    assert!(torch::read(&expanded, NAME).unwrap().tensors[0].1.as_f32().unwrap().data()[7] == 4.0);
    let without = zip(&[stored("a/data.pkl", &tensor_pickle(4, 0, &[4], &[1]))]);
    check(&without, &["no member \"a/data/0\"", "tensor \"w\""]);
    check_pickle(
        &[&b"\x80\x02}X\x01\0\0\0w((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"[..], &int(1 << 63), b"tQtRs."]
            .concat(),
        &["length is no whole number"],
    );
}

#[test]
fn case_33_zips_that_contradict_themselves() {
    let pickle = tensor_pickle(4, 0, &[4], &[1]);
    let [program, numbers] = [stored("a/data.pkl", &pickle), stored("a/data/0", &[0; 16])];
    let with = |change: &dyn Fn(&mut Member)| {
        let mut members = [program.clone(), numbers.clone()];
        change(&mut members[1]);
        zip(&members)
    };
    assert!(torch::read(&with(&|_| {}), NAME).is_ok());
    check(
        &with(&|member| member.name = "a/data.pkl".to_owned()),
        &["two members", "one name", "data.pkl"],
    );
    check(&with(&|member| member.crc ^= 1), &["checksum", "a/data/0"]);
    check(&with(&|member| member.packed[3] = 7), &["checksum"]);
    check(
        &with(&|member| member.own_name = Some("a/data/1".to_owned())),
        &["name", "differs", "a/data/0"],
    );
    check(&with(&|member| member.own_length = Some(15)), &["length", "differs"]);
    check(&with(&|member| member.own_crc = Some(15)), &["checksum", "differs"]);
    check(&with(&|member| member.own_method = Some(8)), &["compression", "differs"]);
    check(&with(&|member| member.length = 1000), &["not compressed, yet claims 1000"]);
    check(&with(&|member| member.method = 14), &["method 14"]);
    check(&with(&|member| member.flags = 1), &["encrypted"]);
    check(&with(&|member| member.offset = Some(0)), &["name", "differs"]);
    check(&with(&|member| member.offset = Some(5)), &["no member begins at byte 5"]);
    check(&with(&|member| member.offset = Some(u32::MAX - 1)), &["no member begins"]);
    // A member within another one.
    let inner = zip(&[stored("a/data/0", &[0; 16])]);
    let outer = stored("a/data.pkl", &[&inner[..], b"data.pkl"].concat());
    let at = 30 + "a/data.pkl".len() as u32;
    let within = Member { offset: Some(at), ..stored("a/data/0", &[0; 16]) };
    check(&zip(&[outer, within]), &["share bytes"]);
    let whole = with(&|_| {});
    let end = whole.len() - 22;
    for (at, byte, word) in [
        (8, 3, "one of several parts"),
        (4, 1, "one of several parts"),
        (12, 0xff, "end of the zip's table is damaged"),
        (16, 0xff, "damaged"),
        (20, 1, "cut short"),
    ] {
        let mut changed = whole.clone();
        changed[end + at] = byte;
        check(&changed, &[word]);
    }
    let mut fewer = whole.clone();
    (fewer[end + 8], fewer[end + 10]) = (1, 1);
    check(&fewer, &["table ends at byte"]);
    (fewer[end + 8], fewer[end + 10]) = (9, 9);
    check(&fewer, &["table is damaged"]);
    let comment = [&whole[..end + 20], &[5, 0], b"hello"].concat();
    assert!(torch::read(&comment, NAME).is_ok());
    let member = stored("x/notes.txt", b"data.pkl");
    check(&zip(&[member]), &["no data.pkl"]);
    assert_eq!(crc(b"123456789"), 0xcbf4_3926);
}

/// The archive with its end in 64 bits, as archives of more than 65535 members or 4 GB have it.
fn in_64(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len() - 22;
    let wide = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let count = u64::from(u16::from_le_bytes([bytes[end + 10], bytes[end + 11]]));
    let mut made = bytes[..end].to_vec();
    made.extend(b"PK\x06\x06");
    made.extend(44_u64.to_le_bytes());
    made.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [count, count, wide(end + 12), wide(end + 16)] {
        made.extend(number.to_le_bytes());
    }
    made.extend(b"PK\x06\x07\0\0\0\0");
    made.extend((end as u64).to_le_bytes());
    made.extend(1_u32.to_le_bytes());
    made.extend(b"PK\x05\x06\0\0\0\0");
    made.extend([0xff; 12]);
    made.extend([0, 0]);
    made
}

#[test]
fn archives_with_an_end_in_64_bits() {
    let small = torch_file(&tensor_pickle(4, 0, &[4], &[1]));
    let bytes = in_64(&small);
    assert_eq!(torch::read(&bytes, NAME).unwrap(), torch::read(&small, NAME).unwrap());
    let end = small.len() - 22;
    for (at, word) in
        [(end, "table is damaged"), (end + 32, "table"), (end + 40, "table"), (end + 48, "table")]
    {
        for byte in [0xff, 0] {
            let mut changed = bytes.clone();
            changed[at..at + 4].fill(byte);
            check(&changed, &[word]);
        }
    }
    let mut elsewhere = bytes.clone();
    let locator = end + 56 + 8;
    elsewhere[locator..locator + 8].fill(0xff);
    check(&elsewhere, &["damaged"]);
}

#[test]
fn case_34_what_is_no_pytorch_zip() {
    let refused = |bytes: &[u8], words: &[&str]| {
        let error = open(bytes, NAME, ReadOptions::default()).unwrap_err();
        check_error(&error, words);
        check(bytes, &["not a PyTorch zip"]);
    };
    refused(b"epoch,loss\n1,0.5\n", &["not a PyTorch zip", "text", "content decides"]);
    refused(b"", &["not a PyTorch zip", "empty"]);
    refused(&[0; 100], &["not a PyTorch zip", "zero bytes"]);
    refused(b"\x1f\x8b\x08\0\0\0\0\0", &["not a PyTorch zip", "gzip", "gunzip"]);
    refused(b"\xff\xd8\xff\xe0\0\x10JFIF", &["not a PyTorch zip"]);
    refused(&zip(&[stored("readme.txt", b"x")]), &["not a PyTorch zip", "zip archive"]);
}

/// Each number of a zip's headers, one after the other, at its extremes.
#[test]
fn every_byte_of_a_small_file_at_its_extremes() {
    for name in ["same.pt", "deflated.pt", "same.npz", "matrix.npy"] {
        let bytes = golden(name);
        for at in 0..bytes.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
                let mut changed = bytes.clone();
                changed[at] = byte;
                if let Err(error) = open(&changed, NAME, ReadOptions::default()) {
                    assert_eq!(
                        error.kind(),
                        glassnet::ErrorKind::Model,
                        "{name}, byte {at}: {error}"
                    );
                    assert!(error.place().is_some() && error.help_text().is_some(), "{error}");
                }
            }
        }
    }
}
