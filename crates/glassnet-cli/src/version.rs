//! `glassnet --version`.

use glassnet::Result;
use glassnet::engine::{Level, SelfTest, self_test};
use serde_json::{Value, json};

use crate::answer::{Answer, printed};
use crate::table::Table;
use crate::terminal::Terminal;
use crate::threads;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version; with `verbose` also what this processor has and whether the kernels are right on it: exit status
/// 1 if one is not.
pub(crate) fn run(verbose: bool, terminal: &mut Terminal) -> Result<u8> {
    let tests = tests(verbose);
    if terminal.json() {
        terminal.document(&document(verbose, &tests))?;
    } else {
        terminal.text(&text(verbose, &tests))?;
    }
    Ok(u8::from(!tests.iter().all(SelfTest::passed)))
}

/// The same as an answer within a lesson.
pub(crate) fn answer(verbose: bool) -> Result<Answer> {
    let tests = tests(verbose);
    Ok(Answer { document: printed(&text(verbose, &tests)), json: document(verbose, &tests) })
}

fn tests(verbose: bool) -> Vec<SelfTest> {
    if verbose { self_test() } else { vec![] }
}

fn text(verbose: bool, tests: &[SelfTest]) -> String {
    let version = format!("glassnet {VERSION}\n");
    if verbose { version + &processor() + &table(tests) } else { version }
}

/// The instruction sets that matter to the kernels, and whether the processor has them.
fn features() -> Vec<(&'static str, bool)> {
    #[cfg(target_arch = "x86_64")]
    {
        vec![
            ("avx512", std::arch::is_x86_feature_detected!("avx512f")),
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
        ]
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        vec![]
    }
}

fn document(verbose: bool, tests: &[SelfTest]) -> Value {
    let mut document = json!({ "schema": "glassnet.version/1", "version": VERSION });
    if verbose {
        let features: Vec<&str> =
            features().into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect();
        let tests: Vec<Value> = tests
            .iter()
            .map(|test| {
                json!({
                    "name": test.name,
                    "error": test.error,
                    "bound": test.bound,
                    "unit": test.unit,
                    "same_bits": test.same_bits,
                    "passed": test.passed(),
                })
            })
            .collect();
        let levels: Vec<&str> = Level::supported().map(Level::name).collect();
        document["features"] = json!(features);
        document["kernels"] = json!(Level::detect().name());
        document["levels"] = json!(levels);
        document["threads"] = json!(threads::available());
        document["self_test"] = json!(tests);
    }
    document
}

fn processor() -> String {
    let found: Vec<String> = features()
        .into_iter()
        .map(|(name, present)| if present { name.to_owned() } else { format!("no {name}") })
        .collect();
    let found = if found.is_empty() { "none known".to_owned() } else { found.join(", ") };
    format!(
        "processor features: {found}\nkernels: {}\nthreads available: {}\n\n",
        Level::detect(),
        threads::available()
    )
}

fn table(tests: &[SelfTest]) -> String {
    let levels: Vec<&str> = Level::supported().map(Level::name).collect();
    let mut table = Table::new(&["self-test", "largest error", "bound", "", "same bits", ""]);
    for test in tests {
        let number = |value: f64| match test.unit {
            "ulp" => format!("{value:.2}"),
            _ => format!("{value:.1e}"),
        };
        table.row(vec![
            test.name.clone(),
            number(test.error),
            number(test.bound),
            test.unit.to_owned(),
            if test.same_bits { "yes" } else { "no" }.to_owned(),
            if test.passed() { "ok" } else { "FAILED" }.to_owned(),
        ]);
    }
    let failed = tests.iter().filter(|test| !test.passed()).count();
    let verdict = match failed {
        0 => format!("all {} kernels agree with f64 on {}", tests.len(), levels.join(", ")),
        failed => format!("{failed} of {} kernels FAILED", tests.len()),
    };
    format!("{}\n{verdict}\n", table.render(&[1, 2]))
}
