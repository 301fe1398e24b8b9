//! 2.2: the number of weights.

use super::*;

#[test]
fn the_sheet_s_network() {
    let answer = json(&["summary", "6-32-32-32-4", "--explain", "--examples", "80"]);
    assert_eq!(answer["parameters"], 2468);
    assert_eq!((&answer["multiplicative"], &answer["biases"]), (&2368.into(), &100.into()));
    let text = text(&["summary", "6-32-32-32-4", "--explain", "--examples", "80"]);
    for line in ["6·32 + 32 = 224", "32·32 + 32 = 1056", "32·4 + 4 = 132", "2468", "2368", "100"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("80"), "the examples are named: {text}");
}

#[test]
fn other_networks_against_a_count() {
    for round in 0..3 {
        let stream = &mut stream(22, round);
        let layers = 2 + stream.below(4);
        let widths: Vec<u64> = (0..=layers).map(|_| 1 + stream.below(60)).collect();
        let network = widths.iter().map(u64::to_string).collect::<Vec<_>>().join("-");
        let answer = json(&["summary", &network, "--explain"]);
        let products: u64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let biases: u64 = widths[1..].iter().sum();
        assert_eq!(answer["parameters"], products + biases);
        assert_eq!(
            (&answer["multiplicative"], &answer["biases"]),
            (&products.into(), &biases.into())
        );
        let linear: Vec<&Value> = answer["layers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|layer| layer["kind"] == "Linear")
            .collect();
        assert_eq!(linear.len(), widths.len() - 1);
        for (layer, pair) in linear.iter().zip(widths.windows(2)) {
            assert_eq!(layer["formula"], format!("{}*{}+{}", pair[0], pair[1], pair[1]));
            assert_eq!(layer["parameters"], pair[0] * pair[1] + pair[1]);
        }
    }
}
