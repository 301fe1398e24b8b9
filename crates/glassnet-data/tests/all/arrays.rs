//! Arrays as tables: NumPy's and IDX files.

use std::io::Cursor;

use glassnet::{Error, ErrorKind, Result};
use glassnet_data::{CsvOptions, Input, Table, read_numbers, read_table};

use crate::file;

fn input(name: &str) -> Input<'static> {
    Input::new(name, Cursor::new(file(&format!("tests/arrays/{name}"))))
}

fn read(name: &str) -> Result<Table> {
    read_table(vec![input(name)], &CsvOptions::default())
}

fn numbers(table: &Table, column: &str) -> Vec<f64> {
    table.require(column).expect(column).numbers().expect("numbers").to_vec()
}

fn chosen(arrays: &[(&str, &str)]) -> CsvOptions {
    let arrays = arrays.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
    CsvOptions { arrays: arrays.collect(), ..CsvOptions::default() }
}

fn check_refused(read: Result<Table>, pieces: &[&str]) {
    let error: Error = read.expect_err("a bad file");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let text = format!("{error} {:?}", error.details());
    for piece in pieces {
        assert!(text.contains(piece), "{piece:?} is not in {text}");
    }
}

#[test]
fn every_order_of_bytes_and_axes_is_read_as_it_is_meant() {
    for name in ["plain.npy", "fortran.npy", "big-endian.npy", "floats.idx"] {
        let table = read(name).expect(name);
        assert_eq!(
            (table.header(), table.rows()),
            (&["x0", "x1", "x2"].map(str::to_owned)[..], 24)
        );
        let halves: Vec<f64> = (0..24).map(|row| f64::from(row) * 0.5 - 3.0).collect();
        assert_eq!(numbers(&table, "x0"), halves, "{name}");
        let residues: Vec<f64> = (0..24).map(|row| f64::from(row * 7 % 5)).collect();
        assert_eq!(numbers(&table, "x1"), residues, "{name}");
        assert_eq!(table.origin(3), "row 4");
        assert_eq!(table.place(3, "x1"), format!("{name}, row 4, column \"x1\""));
    }
    assert_eq!(numbers(&read("signed.npy").expect("a table"), "x0"), [-128.0, -1.0]);
    let cube = read("cube-fortran.npy").expect("a table");
    let options = chosen(&[("x", "x_train")]);
    let same = read_table(vec![input("cube.npz")], &options).expect("a table");
    for at in 0..6 {
        let column = format!("x{at}");
        let wanted: Vec<f64> = (0..24).map(|row| f64::from((row * 6 + at) % 251)).collect();
        assert_eq!(numbers(&cube, &column), wanted, "{column}");
        assert_eq!(numbers(&same, &column), wanted, "{column}");
    }
    let matrix = read_numbers(vec![input("plain.npy")], &CsvOptions::default()).expect("numbers");
    assert_eq!(
        (matrix.values.shape(), matrix.values.row(1)),
        (&[24, 3][..], &[-2.5, 2.0, 1.0][..])
    );
}

#[test]
fn archives_name_their_columns() {
    let table = read("named.npz").expect("a table");
    assert_eq!(table.header(), ["X0", "X1", "X2", "y", "b"]);
    let species = table.require("y").expect("y");
    let species = species.texts().expect("texts");
    assert_eq!((species.get(0), species.get(1)), (Some("setosa"), Some("größer")));
    let truth = table.require("b").expect("b");
    assert_eq!(truth.booleans().expect("truth values")[..2], [Some(true), Some(false)]);
    assert_eq!(numbers(&table, "X0")[1], -2.5);

    check_refused(
        read("cube.npz"),
        &["different numbers of rows", "x_test", "[4, 2, 3]", "--arrays"],
    );
    let options = chosen(&[("x", "x_train"), ("label", "y_train")]);
    let table = read_table(vec![input("cube.npz")], &options).expect("a table");
    assert_eq!(table.header()[4..], ["x4", "x5", "label"].map(str::to_owned));
    let options = chosen(&[("x", "x_training"), ("y", "y_train")]);
    let none = read_table(vec![input("cube.npz")], &options);
    check_refused(none, &["\"x_training\"", "cube.npz"]);
    let options = chosen(&[("x", "x_train"), ("x4", "y_train")]);
    check_refused(read_table(vec![input("cube.npz")], &options), &["\"x4\"", "two columns"]);
}

#[test]
fn mnist_comes_in_two_files() {
    let labels = || Input::new("labels", Cursor::new(file("tests/arrays/labels-idx1-ubyte")));
    let images = || input("images-idx3-ubyte.gz").with_labels("digit", labels());
    let table = read_table(vec![images(), images()], &CsvOptions::default()).expect("a table");
    assert_eq!((table.rows(), table.header().len()), (48, 7));
    assert_eq!(numbers(&table, "digit")[24..27], [0.0, 1.0, 2.0]);
    assert_eq!(table.origin(24), "row 1 of \"images-idx3-ubyte.gz\"");
    let named = input("plain.npy").with_labels("y", input("labels.npy"));
    let table = read_table(vec![named], &CsvOptions::default()).expect("a table");
    assert_eq!(table.require("y").expect("y").texts().expect("texts").get(2), Some("x"));

    let few = input("signed.npy").with_labels("y", labels());
    let found = read_table(vec![few], &CsvOptions::default());
    check_refused(found, &["different numbers of rows", "\"y\": [24]"]);
    let wide = input("plain.npy").with_labels("y", input("plain.npy"));
    check_refused(read_table(vec![wide], &CsvOptions::default()), &["more than one number"]);
    let csv = Input::new("t.csv", Cursor::new("a,b\n1,2\n")).with_labels("y", labels());
    let error = read_table(vec![csv], &CsvOptions::default()).expect_err("columns have names");
    assert_eq!((error.kind(), error.place()), (ErrorKind::Usage, Some("--labels")));
}

#[test]
fn pixels_stay_in_their_bytes() {
    let (rows, width) = (4000_usize, 300_usize);
    let mut bytes = vec![0, 0, 8, 2];
    bytes.extend((rows as u32).to_be_bytes());
    bytes.extend((width as u32).to_be_bytes());
    bytes.extend((0..rows * width).map(|at| (at * 31 % 256) as u8));
    let read = || {
        let input = Input::new("pixels", Cursor::new(bytes.clone()));
        read_table(vec![input], &CsvOptions::default()).expect("a table")
    };
    let (table, _, now) = crate::counting::measure(read);
    assert_eq!(table.rows(), rows);
    assert!(now < rows * width * 5 / 4, "{now} bytes for {} pixels", rows * width);
}

/// A temporary file.
#[cfg(unix)]
struct File(std::fs::File);

#[cfg(unix)]
impl glassnet_data::Scratch for File {
    fn write_at(&self, bytes: &[u8], at: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.0, bytes, at)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }
}

#[cfg(unix)]
#[test]
fn rows_that_follow_each_other_are_never_all_in_memory() {
    use glassnet_data::{Loaded, Scratch, Spill, read_table_within};

    let (rows, width) = (60_000, 200);
    let pixels = (0..rows * width).map(|at| (at * 31 % 251) as u8);
    let mut idx = vec![0, 0, 8, 2];
    idx.extend((rows as u32).to_be_bytes());
    idx.extend((width as u32).to_be_bytes());
    idx.extend(pixels.clone());
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    let mut npy = b"\x93NUMPY\x01\0".to_vec();
    npy.extend((text.len() as u16).to_le_bytes());
    npy.extend(text.bytes());
    npy.extend(pixels);
    for bytes in [idx, npy] {
        let table =
            read_table(vec![Input::new("t", Cursor::new(bytes.clone()))], &CsvOptions::default());
        let open = || Ok(Box::new(File(tempfile::tempfile().expect("a file"))) as Box<dyn Scratch>);
        let mut spill = Spill { memory: 1_000_000, threads: 2, open: Box::new(open) };
        let input = vec![Input::new("t", Cursor::new(bytes))];
        let read = || read_table_within(input, &CsvOptions::default(), &mut spill);
        let (found, most, _) = crate::counting::measure(read);
        let Loaded::Long(found) = found.expect("a table") else { panic!("it is in memory") };
        assert_eq!(found.fingerprint(), table.expect("a table").fingerprint());
        // What waits to be packed, eight bytes for each cell; the file has 12 million.
        assert!(most < 9_000_000, "{most} bytes");
    }
}

#[test]
fn arrays_that_lie_or_hold_other_things_are_refused() {
    check_refused(read("objects.npz"), &["objects.npz", "\"y\"", "Python objects"]);
    let images = file("tests/arrays/labels-idx1-ubyte");
    for length in 4..images.len() {
        let input = Input::new("t", Cursor::new(images[..length].to_vec()));
        check_refused(read_table(vec![input], &CsvOptions::default()), &["IDX", "t"]);
    }
    let header = |shape: &str| {
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\0".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        Input::new("t.npy", Cursor::new(bytes))
    };
    for (shape, piece) in [
        ("(1000000000, 1000000000)", "does not fit"),
        ("(0, 100000000000)", "more than 100000 columns"),
        ("(0, 3)", "no rows"),
        ("()", "does not fit"),
    ] {
        let (read, most, _) =
            crate::counting::measure(|| read_table(vec![header(shape)], &CsvOptions::default()));
        check_refused(read, &["t.npy", piece]);
        assert!(most < 1 << 22, "{shape} took {most} bytes");
    }
}
