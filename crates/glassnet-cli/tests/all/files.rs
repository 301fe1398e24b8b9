//! Where a table's bytes come from: compressed files, stdin, several files, patterns.

use std::io::Write;

use crate::folder::{Folder, words};

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Rows `from..to` of a table with a number, a category of which some begin with numbers, and a target.
fn rows(from: usize, to: usize) -> String {
    let row = |at: usize| {
        let size = if at % 11 == 3 { String::new() } else { format!("{}.5", at * 37 % 50) };
        let room = ["101", "102", "lobby", "cellar"][(at / 30).min(3)];
        format!("{size},{room},{}\n", ["no", "yes"][(at / 3) % 2])
    };
    "size,room,y\n".to_owned() + &(from..to).map(row).collect::<String>()
}

/// The model that training on `data` gives.
fn model(folder: &Folder, data: &str) -> Vec<u8> {
    folder.train(&format!("{data} --target y --epochs 2 --output model --force -q"));
    folder.read("model")
}

/// Without the fingerprint of the data, which tells tables apart.
#[test]
fn the_same_rows_give_the_same_model_wherever_they_come_from() {
    let whole = rows(0, 200);
    let (first, second) = (rows(0, 77), rows(77, 200));
    let turned: String = second
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{}\n", cells[2], cells[0], cells[1])
        })
        .collect();
    let members = [gz(&whole.as_bytes()[..1000]), gz(&whole.as_bytes()[1000..])].concat();
    let folder = Folder::with(&[
        ("whole.csv", whole.as_bytes()),
        ("whole.csv.gz", &members),
        ("part-1.csv", first.as_bytes()),
        ("part-2.csv", second.as_bytes()),
        ("turned.csv", turned.as_bytes()),
        ("second.csv.gz", &gz(second.as_bytes())),
        ("star*.csv", whole.as_bytes()),
    ]);
    let expected = model(&folder, "whole.csv");
    for data in [
        "whole.csv.gz",
        "part-1.csv part-2.csv",
        "part-*.csv",
        "part-[12].csv",
        "part-1.csv turned.csv",
        "part-1.csv second.csv.gz",
        "star*.csv",
    ] {
        assert!(model(&folder, data) == expected, "{data}");
    }
    let predicted = folder.run(&["predict", "model", "whole.csv"]).success().stdout;
    for data in ["whole.csv.gz", "part-?.csv"] {
        assert_eq!(folder.run(&["predict", "model", data]).success().stdout, predicted);
    }
    for bytes in [whole.as_bytes(), &members] {
        let piped = folder.run_with_stdin(&["predict", "model", "-"], bytes).success();
        assert_eq!(piped.stdout, predicted);
    }
    let explained = ["explain", "model", "--data", "part-*.csv", "--row", "80"];
    let told = folder.run(&explained).success().stdout;
    assert!(told.contains("line 4 of \"part-2.csv\""), "{told}");
}

#[test]
fn zstd_is_unpacked_as_it_is_read() {
    let whole = rows(0, 200);
    let folder = Folder::with(&[("t.csv", whole.as_bytes()), ("t.zst", RAW_FRAME)]);
    folder.refused(&words("train t.zst --target y"), 3, "data").names(&["\"y\"", "\"a\", \"b\""]);
    let packed = ruzstd::encoding::compress_to_vec(
        whole.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    folder.write("t.csv.zst", packed);
    assert!(model(&folder, "t.csv") == model(&folder, "t.csv.zst"));
}

/// `a,b\n1,2\n3,4\n` as the command `zstd` writes it.
const RAW_FRAME: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x61\x00\x00a,b\n1,2\n3,4\n\xe1\xb3\xcb\x2e";

#[test]
fn messages_name_the_file_of_several() {
    let folder = Folder::with(&[
        ("a.csv", rows(0, 50).as_bytes()),
        ("b.csv", (rows(50, 90) + "oops,lobby,yes\n").as_bytes()),
        ("long.csv", (rows(50, 90) + "1,lobby,yes,4\n").as_bytes()),
        ("other.csv", b"size,place,y\n1,x,no\n"),
        ("empty.csv", b""),
    ]);
    let check = |data: &str, status: i32, kind: &str, named: &[&str]| {
        folder.refused(&words(&format!("train {data} --target y")), status, kind).names(named);
    };
    check("a.csv b.csv", 3, "data", &["b.csv:42", "\"oops\"", "\"size\""]);
    check("a.csv long.csv", 3, "data", &["long.csv:42", "4 fields"]);
    check("a.csv other.csv", 3, "data", &["other.csv:1", "\"a.csv\"", "\"room\"", "\"place\""]);
    check("a.csv empty.csv", 3, "data", &["empty.csv", "empty"]);
    check("a.csv none.csv", 5, "io", &["none.csv"]);
    check("none-*.csv", 5, "io", &["none-*.csv", "pattern"]);
    check("a.csv [", 2, "usage", &["pattern"]);
    check("a.csv -", 2, "usage", &["stdin"]);
    check("a.csv --validation none-*.csv", 5, "io", &["none-*.csv"]);
    // A pattern's files are inputs: none of them may be written to.
    let line = "train a.csv *.csv --target y --output b.csv --force";
    folder.refused(&words(line), 2, "usage").names(&["b.csv", "input"]);
}

#[test]
fn damaged_and_unknown_compression_is_refused() {
    let packed = gz(rows(0, 200).as_bytes());
    let mut damaged = packed.clone();
    damaged[packed.len() / 2] ^= 0x10;
    let folder = Folder::with(&[
        ("cut.csv.gz", &packed[..packed.len() / 2]),
        ("damaged.csv.gz", &damaged),
        ("tail.csv.gz", &[packed.clone(), b"a,b,c, more".to_vec()].concat()),
        ("twice.csv.gz", &gz(&packed)),
        ("t.bz2", b"BZh91AY&SY"),
        ("t.xz", b"\xfd7zXZ\0\0"),
    ]);
    for (file, named) in [
        ("cut.csv.gz", "cut short"),
        ("damaged.csv.gz", "damaged"),
        ("tail.csv.gz", "damaged"),
        ("twice.csv.gz", "compressed twice"),
        ("t.bz2", "bzip2"),
        ("t.xz", "xz"),
    ] {
        let answer = folder.refused(&["train", file, "--target", "y"], 3, "data");
        answer.names(&[file, named]);
    }
}

#[test]
fn content_goes_before_the_name() {
    let text = rows(0, 60);
    let folder = Folder::with(&[("t.csv", &gz(text.as_bytes())), ("t.csv.gz", text.as_bytes())]);
    let told = folder.train("t.csv --target y --epochs 1");
    told.names(&["\"t.csv\" is compressed with gzip"]);
    let told = folder.train("t.csv.gz --target y --epochs 1");
    told.names(&["\"t.csv.gz\" is text"]);
}

#[test]
fn a_bomb_is_stopped_before_it_fills_memory() {
    let spaces = gz(&vec![b'1'; 1 << 22]);
    let folder = Folder::with(&[("t.csv.gz", &[gz(b"a,y\n"), spaces.repeat(100)].concat())]);
    folder.refused(&words("train t.csv.gz --target y"), 6, "limit").names(&["t.csv.gz"]);
}

/// A Parquet file of the tests of the crate that reads them, or the CSV of the same table.
#[cfg(feature = "parquet")]
fn committed(name: &str) -> Vec<u8> {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../glassnet-data/tests");
    std::fs::read(tests.join("parquet").join(name)).unwrap()
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_gives_the_model_and_the_answers_of_its_csv() {
    let folder = Folder::with(&[
        ("t.csv", &committed("types.csv")),
        ("t.parquet", &committed("zstd.parquet")),
        ("part-1.parquet", &committed("part-1.parquet")),
        ("part-2.parquet", &committed("part-2.parquet")),
    ]);
    let weights = |data: &str| {
        folder.train(&format!("{data} --target y --epochs 3 --output model --force -q"));
        let tensors = folder.run(&["convert", "model", "w.npz", "--force"]).success();
        assert!(tensors.stdout.contains("tensors"), "{tensors:?}");
        (folder.read("w.npz"), folder.run(&["predict", "model", "t.csv"]).success().stdout)
    };
    let expected = weights("t.csv");
    for data in ["t.parquet", "part-*.parquet"] {
        assert!(weights(data) == expected, "{data}");
    }
    for verb in ["predict", "evaluate"] {
        let answer = |data: &str| folder.run(&[verb, "model", data, "--json"]).success().stdout;
        assert_eq!(answer("t.parquet"), answer("t.csv"), "{verb}");
    }
    let explained = ["explain", "model", "--data", "part-*.parquet", "--row", "40"];
    let told = folder.run(&explained).success().stdout;
    assert!(told.contains("row 9 of \"part-2.parquet\""), "{told}");
    folder.write("packed.gz", gz(&committed("zstd.parquet")));
    let packed = folder.run(&["predict", "model", "packed.gz"]).success().stdout;
    assert_eq!(packed, expected.1);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_that_lies_is_refused() {
    let whole = committed("version-2.parquet");
    let mut damaged = committed("int96.parquet");
    damaged[300] ^= 0xFF;
    let folder = Folder::with(&[
        ("rows.parquet", &committed("claims-rows.parquet")),
        ("page.parquet", &committed("claims-page.parquet")),
        ("dictionary.parquet", &committed("claims-dictionary.parquet")),
        ("cut.parquet", &whole[..whole.len() / 2]),
        ("encrypted.parquet", &committed("encrypted-column.parquet")),
        ("nested.parquet", &committed("nested.parquet")),
        ("zeros.parquet", &committed("three-zeros.parquet")),
        ("mixed.parquet", &committed("nested.parquet")),
    ]);
    let check = |file: &str, named: &[&str]| {
        folder.refused(&["train", file, "--target", "y"], 3, "data").names(named);
    };
    check("rows.parquet", &["rows.parquet", "1000000000 rows"]);
    check("page.parquet", &["page.parquet", "\"a\"", "2147483647"]);
    check("dictionary.parquet", &["dictionary.parquet", "\"a\""]);
    check("cut.parquet", &["cut.parquet", "cut short"]);
    check("encrypted.parquet", &["encrypted.parquet", "\"wide\"", "encrypted"]);
    check("nested.parquet", &["nested.parquet", "\"tags\"", "--drop tags"]);
    let line = "train nested.parquet --target y --drop tags,place --epochs 1 --output model";
    folder.run(&words(line)).success();
    let bare = folder.run(&words("predict 1-2 zeros.parquet")).success().stdout;
    assert_eq!(bare.lines().count(), 4, "{bare}");
    // Bytes that its decoder believes: an error, and no word of a panic.
    for at in 4..damaged.len() {
        if at % 23 == 0 {
            let mut bytes = committed("int96.parquet");
            bytes[at] ^= 0xFF;
            folder.write("damaged.parquet", &bytes);
            let answer = folder.run(&["predict", "1-2", "damaged.parquet"]);
            assert!(!answer.stderr.contains("panicked"), "{at} {answer:?}");
            assert!(answer.status == 3, "{at} {answer:?}");
        }
    }
}

/// A file of the tests of the crate that reads arrays.
fn array(name: &str) -> Vec<u8> {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../glassnet-data/tests");
    std::fs::read(tests.join("arrays").join(name)).unwrap()
}

#[test]
fn arrays_are_tables() {
    let folder = Folder::new();
    for name in [
        "plain.npy",
        "named.npz",
        "cube.npz",
        "labels.npy",
        "images-idx3-ubyte.gz",
        "labels-idx1-ubyte",
    ] {
        folder.write(name, array(name));
    }
    folder.train("plain.npy --target 2 --epochs 2 --output model -q");
    let told = folder.run(&words("evaluate model plain.npy --json")).success().json();
    assert_eq!(told["confusion"]["classes"], serde_json::json!(["0", "1"]));
    folder.train("plain.npy --target x2 --features x0 --epochs 2 --output one -q");
    folder.train("plain.npy --target 2 --features x0 --epochs 2 --output two -q");
    let predicted = |model| folder.run(&["predict", model, "plain.npy"]).success().stdout;
    assert_eq!(predicted("one"), predicted("two"));

    let mnist = "images-idx3-ubyte.gz --labels labels-idx1-ubyte";
    folder.train(&format!("{mnist} --task classification --epochs 2 --output digits -q"));
    let from_files = folder.run(&words(&format!("evaluate digits {mnist} --json"))).success();
    let npz = "cube.npz --arrays x=x_train,label=y_train";
    let from_npz = folder.run(&words(&format!("evaluate digits {npz} --json"))).success();
    assert_eq!(from_files.json(), from_npz.json());
    let both = format!(
        "{mnist} --task classification --epochs 2 --output tested --json --test images-idx3-ubyte.gz \
         --test-labels labels-idx1-ubyte --validation images-idx3-ubyte.gz \
         --validation-labels labels-idx1-ubyte"
    );
    let told = folder.train(&both).json();
    assert_eq!(told["test"], told["validation"]);
    assert_eq!(told["test"], told["train"]);
    let predicted = folder.run(&["predict", "digits", "images-idx3-ubyte.gz"]).success().stdout;
    assert!(predicted.starts_with("prediction,p(0),p(1),p(2)\n"), "{predicted}");
    folder.train("named.npz --target y --epochs 2 --output species -q");
    let bare = folder.run(&words("predict 3-2 plain.npy")).success().stdout;
    assert_eq!(bare.lines().count(), 25);

    let check = |line: &str, status: i32, kind: &str, named: &[&str]| {
        folder.refused(&words(line), status, kind).names(named);
    };
    check("train cube.npz --target y_train", 3, "data", &["x_test", "--arrays"]);
    check("train plain.npy --target 3", 3, "data", &["\"3\"", "x0"]);
    check("train plain.npy --target x0 --arrays X", 2, "usage", &["--arrays"]);
    check("train plain.npy", 2, "usage", &["--target"]);
    check("train plain.npy --labels labels.npy labels.npy", 2, "usage", &["labels"]);
    let line =
        "train plain.npy --labels labels.npy --validation-labels labels.npy --validation 0.2";
    check(line, 2, "usage", &["--validation-labels"]);
    let line = "train plain.npy --labels labels.npy --test-labels labels.npy";
    check(line, 2, "usage", &["--test"]);
    check("evaluate 3-2 plain.npy --labels labels.npy", 2, "usage", &["--labels"]);
    folder.write("t.csv", "a,y\n1,2\n");
    check("train t.csv --labels labels.npy", 2, "usage", &["--labels", "--target"]);
}

#[test]
fn other_encodings_are_read_where_they_are_named() {
    let text = "größe,y\n".to_owned() + &"1,süß\n2,salzig\n".repeat(20);
    let latin1: Vec<u8> = text.chars().map(|c| c as u32 as u8).collect();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let folder = Folder::with(&[
        ("utf8.csv", text.as_bytes()),
        ("latin1.csv", &latin1),
        ("utf16.csv", &utf16),
        ("latin1.csv.gz", &gz(&latin1)),
    ]);
    let expected = model(&folder, "utf8.csv");
    for flags in [
        "latin1.csv --encoding latin1",
        "utf16.csv --encoding utf-16",
        "latin1.csv.gz --encoding ISO-8859-1",
    ] {
        assert!(model(&folder, flags) == expected, "{flags}");
    }
    let refused = |line: &str, status: i32, kind: &str, named: &[&str]| {
        folder.refused(&words(line), status, kind).names(named);
    };
    refused("train latin1.csv --target y", 3, "data", &["0xF6", "--encoding latin1"]);
    refused("train utf16.csv --target y", 3, "data", &["UTF-16LE", "--encoding utf-16le"]);
    refused("train latin1.csv --target y --encoding utf-8", 3, "data", &["UTF-8", "byte 2"]);
    refused("train latin1.csv --target y --encoding latin-one", 2, "usage", &["--encoding"]);
}
