//! The talk with `run.py`: a request per line, an answer per line.
//!
//! | request | answer |
//! |---|---|
//! | `{"do": "hello"}` | the contestant's name and versions |
//! | `{"do": "case", …}` | `{"ok": true}` when the case is loaded |
//! | `{"do": "measure", "seconds": s}` | `{"min": µs, "median": µs, "samples": n}` |
//! | `{"do": "losses", "steps": n}` | `{"losses": […]}`, from the initial weights |
//! | `{"do": "outputs", "rows": n}` | `{"outputs": […]}` of the first rows |
//! | `{"do": "memory"}` | `{"peak_mb": MB}` resident so far |
//! | `{"do": "drop"}` | the case is forgotten |
//! | `{"do": "quit"}` | none: the process ends, as at the end of its input |
//!
//! What can't be done is answered with `{"error": "why"}`.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

use crate::case::{Case, Description};
use crate::{Result, Times, said};

/// One framework.
pub trait Contestant {
    /// Its name and versions, as they are to be printed.
    fn hello(&self) -> Value;

    /// Everything that a user would do once before training or predicting.
    fn load(&self, case: Case) -> Result<Box<dyn Loaded>>;
}

/// A case that is ready to be measured.
pub trait Loaded {
    /// Times steps, or forward passes, for so many seconds.
    fn measure(&mut self, seconds: f64) -> Result<Times>;

    /// The losses of the first steps.
    fn losses(&mut self, steps: usize) -> Result<Vec<f32>>;

    /// The network's outputs for the first rows, with its initial weights.
    fn outputs(&mut self, rows: usize) -> Result<Vec<f32>>;
}

/// Answers until there are no more requests.
pub fn serve(contestant: &dyn Contestant) -> io::Result<()> {
    let mut loaded = None;
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Value = match serde_json::from_str(&line?) {
            Ok(request) => request,
            Err(error) => json!({ "do": format!("unreadable: {error}") }),
        };
        if request["do"] == "quit" {
            break;
        }
        let answer = answer(contestant, &mut loaded, request)
            .unwrap_or_else(|error| json!({ "error": error }));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(
    contestant: &dyn Contestant,
    loaded: &mut Option<Box<dyn Loaded>>,
    request: Value,
) -> Result<Value> {
    match request["do"].as_str().unwrap_or_default() {
        "hello" => Ok(contestant.hello()),
        "case" => {
            // The old one first, so that there is room.
            *loaded = None;
            let description: Description = serde_json::from_value(request).map_err(said)?;
            *loaded = Some(contestant.load(Case::read(description)?)?);
            Ok(json!({ "ok": true }))
        }
        "measure" => {
            let case = ready(loaded)?;
            let times = case.measure(request["seconds"].as_f64().unwrap_or(0.1))?;
            serde_json::to_value(times).map_err(said)
        }
        "losses" => {
            let case = ready(loaded)?;
            Ok(json!({ "losses": case.losses(whole(&request["steps"]))? }))
        }
        "outputs" => {
            let case = ready(loaded)?;
            Ok(json!({ "outputs": case.outputs(whole(&request["rows"]))? }))
        }
        "memory" => Ok(json!({ "peak_mb": peak_mb()? })),
        "drop" => {
            *loaded = None;
            Ok(json!({ "ok": true }))
        }
        other => Err(format!("what is `{other}`?")),
    }
}

fn ready(loaded: &mut Option<Box<dyn Loaded>>) -> Result<&mut Box<dyn Loaded>> {
    loaded.as_mut().ok_or_else(|| "no case is loaded".to_owned())
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap_or(0) as usize
}

/// The most memory that was resident, in 10⁶ bytes, as Linux tells.
fn peak_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(said)?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok())
        .ok_or("the system doesn't tell the peak of memory")?;
    Ok(kib * 1024.0 / 1e6)
}
