//! 1.1: linear layers collapse.

use super::*;

const NETWORK: &str = "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))";
const WEIGHTS: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;
const XOR: &str = "0 0:0,0 1:1,1 0:1,1 1:0";

#[test]
fn the_network_of_task_2_5_without_its_relu() {
    let args = ["worked", "collapse", NETWORK, "--weights", WEIGHTS, "--data", XOR];
    let answer = json(&args);
    let collapsed = &answer["without_activations"]["collapsed"];
    for (row, digits) in rows(&collapsed["weight"]).iter().zip(["-0.6177", "-0.5532"]) {
        all_print(row, &[digits, digits]);
    }
    all_print(&numbers(&collapsed["bias"]), &["-3.4623", "4.9732"]);
    let score = &answer["score"];
    assert_eq!(score["collapsed"]["predicted"], serde_json::json!([1, 1, 1, 1]));
    assert_eq!(score["collapsed"]["right"], 2);
    assert_eq!(score["with_activations"]["right"], 4);
    let text = text(&args);
    for printed in ["0.6177", "0.5532", "3.4623", "4.9732"] {
        assert!(text.contains(printed), "{printed}: {text}");
    }
    // The sheet's lines: the first layer put into the second, then multiplied out.
    for name in ["W⁽²⁾", "W⁽¹⁾", "b⁽¹⁾", "b⁽²⁾", "W′", "b′"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn other_stacks_against_a_product_in_f64() {
    for round in 0..3 {
        let stream = &mut stream(11, round);
        let layers = 2 + round as usize;
        let widths: Vec<usize> = (0..=layers).map(|_| 1 + stream.below(4) as usize).collect();
        let mut notation = vec![];
        let mut weights = serde_json::Map::new();
        // The layers so far as one: a matrix and a vector.
        let mut matrix: Vec<Vec<f64>> = (0..widths[0])
            .map(|i| (0..widths[0]).map(|j| f64::from(u8::from(i == j))).collect())
            .collect();
        let mut vector = vec![0.0; widths[0]];
        for (at, pair) in widths.windows(2).enumerate() {
            let w: Vec<Vec<f64>> = (0..pair[1])
                .map(|_| (0..pair[0]).map(|_| hundredths(stream, 3)).collect())
                .collect();
            let b: Vec<f64> = (0..pair[1]).map(|_| hundredths(stream, 3)).collect();
            notation.push(format!("Linear({}, {})", pair[0], pair[1]));
            weights.insert(format!("{at}.weight"), serde_json::json!(w));
            weights.insert(format!("{at}.bias"), serde_json::json!(b));
            let dot = |row: &[f64], column: &dyn Fn(usize) -> f64| -> f64 {
                row.iter().enumerate().map(|(k, w)| w * column(k)).sum()
            };
            vector = w.iter().zip(&b).map(|(row, b)| b + dot(row, &|k| vector[k])).collect();
            matrix = w
                .iter()
                .map(|row| (0..widths[0]).map(|j| dot(row, &|k| matrix[k][j])).collect())
                .collect();
        }
        let network = format!("Sequential({})", notation.join(", "));
        let weights = Value::Object(weights).to_string();
        let answer = json(&["worked", "collapse", &network, "--weights", &weights]);
        assert_eq!(answer["runs"].as_array().unwrap().len(), 1);
        let collapsed = &answer["runs"][0]["collapsed"];
        all_close(&rows(&collapsed["weight"]).concat(), &matrix.concat(), 1e-12);
        all_close(&numbers(&collapsed["bias"]), &vector, 1e-12);
    }
}
