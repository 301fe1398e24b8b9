//! Columns of texts as features: one per category, or one number for all.

use super::nodes::{Nodes, float, floats, int, strings};
use super::table::ML;

/// A feature per category, 0 for other texts; where `missing` are the texts of gaps, one more for these.
pub(super) fn category(
    name: &str,
    levels: &[String],
    missing: Option<&Vec<String>>,
    nodes: &mut Nodes,
) -> Vec<String> {
    let mut parts = vec![];
    if !levels.is_empty() {
        let attributes = vec![strings("cats_strings", levels), int("zeros", 1)];
        let output = nodes.free(&format!("/{name}/OneHotEncoder_output"));
        nodes.push_named(name, "OneHotEncoder", ML, (&[name], &output), attributes);
        parts.push(nodes.push(name, "Flatten", &[&output], vec![int("axis", 1)]));
    }
    if let Some(missing) = missing {
        let gaps = gap_texts(missing);
        let numbers = vec![1.0; gaps.len()];
        parts.push(label(name, &gaps, &numbers, nodes));
    }
    parts
}

/// The number of each category from 1 on, of a gap the one behind them, of other texts 0.
pub(super) fn code(
    name: &str,
    levels: &[String],
    missing: Option<&Vec<String>>,
    nodes: &mut Nodes,
) -> String {
    let mut texts = levels.to_vec();
    let mut numbers: Vec<f32> = (1..=levels.len()).map(|number| number as f32).collect();
    if let Some(missing) = missing {
        texts.extend(gap_texts(missing));
        numbers.resize(texts.len(), (levels.len() + 1) as f32);
    }
    label(name, &texts, &numbers, nodes)
}

/// The texts that stand for a missing cell.
fn gap_texts(missing: &[String]) -> Vec<String> {
    let further = missing.iter().filter(|text| !text.is_empty()).cloned();
    std::iter::once(String::new()).chain(further).collect()
}

/// A number for each text, 0 for others.
fn label(name: &str, texts: &[String], numbers: &[f32], nodes: &mut Nodes) -> String {
    let attributes = vec![
        strings("keys_strings", texts),
        floats("values_floats", numbers),
        float("default_float", 0.0),
    ];
    let output = nodes.free(&format!("/{name}/LabelEncoder_output"));
    nodes.push_named(name, "LabelEncoder", ML, (&[name], &output), attributes);
    output
}
