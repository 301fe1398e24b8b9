//! Refusing what would not fit memory, before it is tried.

use std::path::Path;

use glassnet::nn::Summary;
use glassnet::{Error, ErrorKind, Result};

/// Refuses what would not fit memory: weights, gradient and the optimiser's state, the values of a batch, and `data`
/// numbers.
pub(crate) fn check(summary: &Summary, batch: usize, data: usize) -> Result<()> {
    // The network's weights, the clone of a training, its block, the predictor's block, gradient, two moments.
    let weights = summary.parameters.saturating_add(summary.buffers).saturating_mul(7);
    let outputs =
        summary.rows.iter().filter_map(|row| row.output.as_ref()).fold(0_usize, |total, shape| {
            total.saturating_add(
                shape.iter().fold(1, |product, &length| product.saturating_mul(length)),
            )
        });
    // Each value once forward, once backward, once for the prediction.
    let values = outputs.saturating_mul(3).saturating_mul(batch);
    let bytes = weights.saturating_add(values).saturating_add(data).saturating_mul(4);
    let available = available();
    if bytes <= available {
        return Ok(());
    }
    let gigabytes = |bytes: usize| bytes as f64 / 1e9;
    Err(Error::new(
        ErrorKind::Limit,
        format!(
            "this needs about {:.1} GB, {:.1} GB are available",
            gigabytes(bytes),
            gigabytes(available)
        ),
    )
    .help("choose a smaller network or --batch-size"))
}

/// The bytes that programs may still take, as Linux tells; elsewhere a bound that keeps mistakes from hurting.
fn available() -> usize {
    const UNKNOWN: usize = 16_000_000_000;
    let told = std::fs::read_to_string(Path::new("/proc/meminfo")).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.map_or(UNKNOWN, |kilobytes: usize| kilobytes.saturating_mul(1024))
}
