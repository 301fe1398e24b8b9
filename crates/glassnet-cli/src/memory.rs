//! Refusing what would not fit memory, before it is tried.

use std::path::Path;

use glassnet::nn::Summary;
use glassnet::{Error, ErrorKind, Result};

/// Refuses what would not fit memory: weights, gradient and the optimiser's state, the values of a batch, and `data`
/// numbers.
pub(crate) fn check(summary: &Summary, batch: usize, data: usize) -> Result<()> {
    check_many(summary, 1, batch, data)
}

/// As [`check`], of `networks` networks that are trained at once.
pub(crate) fn check_many(
    summary: &Summary,
    networks: usize,
    batch: usize,
    data: usize,
) -> Result<()> {
    // The network's weights, the clone of a training, its block, the predictor's block, gradient, two moments.
    let weights = summary.parameters.saturating_add(summary.buffers).saturating_mul(7);
    let outputs = outputs(summary);
    // Each value once forward, once backward, once for the prediction.
    let values = outputs.saturating_mul(3).saturating_mul(batch);
    let each = weights.saturating_add(values);
    let bytes = each.saturating_mul(networks).saturating_add(data).saturating_mul(4);
    refuse_beyond(bytes, "choose a smaller network or --batch-size")
}

/// Refuses a network whose trace over `rows` rows would not fit memory: every value and derivative in f32 and in f64.
pub(crate) fn check_trace(summary: &Summary, rows: usize) -> Result<()> {
    // In f32 the network's weights, the explanation's, the block's and the gradient; in f64 the weights given to the
    // evaluation, its own, and the gradient. Several rows are traced together, and each by itself.
    let each = 4 * 4 + 3 * 8;
    let traces = if rows > 1 { 2 } else { 1 };
    let weights = summary.parameters.saturating_add(summary.buffers).saturating_mul(each * traces);
    let values = outputs(summary).saturating_mul(rows).saturating_mul(4 * each);
    refuse_beyond(weights.saturating_add(values), "choose a smaller network or fewer rows")
}

/// How many numbers all layers return for a row.
fn outputs(summary: &Summary) -> usize {
    summary.rows.iter().filter_map(|row| row.output.as_ref()).fold(0_usize, |total, shape| {
        total
            .saturating_add(shape.iter().fold(1, |product, &length| product.saturating_mul(length)))
    })
}

fn refuse_beyond(bytes: usize, help: &str) -> Result<()> {
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
    .help(help))
}

/// The bytes that programs may still take, as Linux tells; elsewhere a bound that keeps mistakes from hurting.
pub(crate) fn available() -> usize {
    const UNKNOWN: usize = 16_000_000_000;
    let told = std::fs::read_to_string(Path::new("/proc/meminfo")).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    let free = kilobytes.map_or(UNKNOWN, |kilobytes: usize| kilobytes.saturating_mul(1024));
    free.min(allowed())
}

/// The most bytes that this program may take: the limit on its addresses, and that of its control group.
fn allowed() -> usize {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let limits = read("/proc/self/limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let addresses = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let group = read("/sys/fs/cgroup/memory.max").trim().parse().ok();
    addresses.unwrap_or(usize::MAX).min(group.unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_beyond_memory_is_refused() -> Result<()> {
        let summary = glassnet::nn::parse("100-100")?.summary(None)?;
        check_trace(&summary, 1)?;
        let error = check_trace(&summary, usize::MAX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.what().contains("GB are available"), "{error}");
        Ok(())
    }
}
