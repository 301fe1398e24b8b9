//! How fast a CSV file is read and encoded: `cargo run --release -p glassnet-data --example read_speed -- FILE TARGET`.
//!
//! Not run by ci: it measures a file that the caller names.

use std::time::Instant;

use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, Preprocessing, SplitOptions, Target, Task,
    read_csv_file, split,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_speed FILE TARGET".into());
    };
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    let start = Instant::now();
    let table = read_csv_file(std::fs::File::open(&path)?, &path, &CsvOptions::default())?;
    let read = start.elapsed().as_secs_f64();
    let target = Target::choose(&table, &target, Task::Auto)?;
    let parts = split(&table, &target, &SplitOptions::default())?;
    let (preprocessing, _) =
        Preprocessing::fit(&table, &target, &parts.training, &FitOptions::default())?;
    let encoded = preprocessing.encode(&table, &parts.training, &EncodeOptions::default())?;
    let all = start.elapsed().as_secs_f64();
    let speed = megabytes / read;
    let [rows, width] = encoded.features.shape() else { return Err("two axes expected".into()) };
    #[expect(clippy::print_stdout, reason = "an example prints its result")]
    {
        println!("read {megabytes:.0} MB in {read:.2} s ({speed:.0} MB/s)");
        println!("split, fit and encode {rows} × {width}: {:.2} s", all - read);
    }
    Ok(())
}
