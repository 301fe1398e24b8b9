//! Counts of the exercise and of every kind of layer.

use super::*;
use crate::nn;

fn counted(notation: &str) -> Counting {
    counting(&nn::parse(notation).unwrap(), None).unwrap()
}

#[test]
fn the_sheets_count() {
    let counting = counting(&nn::parse("6-32-32-32-4").unwrap(), Some(80)).unwrap();
    let parts: Vec<usize> = counting.layers.iter().map(CountedLayer::parameters).collect();
    assert_eq!(parts, [224, 0, 1056, 0, 1056, 0, 132]);
    assert_eq!(
        (counting.parameters(), counting.multiplicative, counting.biases),
        (2468, 2368, 100)
    );
    let shown = counting.document().plain();
    for piece in [
        "6·32 + 32 = 224",
        "32·32 + 32 = 1056",
        "32·4 + 4 = 132",
        "224 + 1056 + 1056 + 132",
        "2468",
        "2368 multiplicative",
        "100 biases",
        "examples (80) does not matter",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

/// Any network of linear layers against the formula, summed by hand.
#[test]
fn other_widths_count_right() {
    for widths in [vec![1, 1], vec![784, 128, 64, 10], vec![3, 17, 5, 2, 9]] {
        let notation: Vec<String> = widths.iter().map(usize::to_string).collect();
        let counting = counted(&notation.join("-"));
        let products: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let biases: usize = widths[1..].iter().sum();
        assert_eq!((counting.multiplicative, counting.biases), (products, biases));
        assert_eq!(counting.buffers, 0);
    }
}

#[test]
fn every_kind_of_layer_has_its_place() {
    let counting = counted(
        "Sequential(Embedding(10, 4), LayerNorm(4), Linear(4, 6, bias=False), BatchNorm1d(6), PReLU(6), \
         Dropout(0.5), Linear(6, 2), LayerNorm(2, bias=False), PReLU())",
    );
    let roles: Vec<[usize; 3]> = counting
        .layers
        .iter()
        .map(|layer| {
            [Role::Multiplicative, Role::Bias, Role::Buffer].map(|role| layer.numbers(role))
        })
        .collect();
    assert_eq!(
        roles,
        [
            [40, 0, 0],
            [4, 4, 0],
            [24, 0, 0],
            [6, 6, 13],
            [6, 0, 0],
            [0, 0, 0],
            [12, 2, 0],
            [2, 0, 0],
            [1, 0, 0]
        ]
    );
    let module = nn::parse("Sequential(Residual(Linear(4, 4), Tanh()), Linear(4, 1))").unwrap();
    let residual = super::counting(&module, None).unwrap();
    assert_eq!(residual.parameters(), module.parameter_count());
    let shown = counting.document().plain();
    for piece in [
        "13 numbers that no gradient changes",
        "one-hot",
        "PReLU's slope",
        "Dropout adds no weights",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

#[test]
fn no_examples_are_refused() {
    assert!(counting(&nn::parse("2-2").unwrap(), Some(0)).is_err());
}
