//! Pieces against the network itself, evaluated exactly.

use num_rational::BigRational;

use super::*;
use crate::graph::Shape;
use crate::nn::{self, Mode};
use crate::prove::{Weight, exact, lower};
use crate::tensor::{Tensor, Value};

fn network(notation: &str, seed: u64) -> Network {
    let module = nn::parse(notation).expect("a network");
    let inputs = module.in_features().expect("inputs");
    let net = nn::Network::new(module, seed).expect("weights");
    let graph = net.module().graph(Shape::batch([inputs]), Mode::Eval).expect("a graph");
    lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed)).expect("a form")
}

fn exactly(network: &Network, point: &[f64]) -> Vec<BigRational> {
    let values = exact::evaluate(network, point).expect("values");
    values.iter().map(|value| form::rational(value.exact().expect("a number"))).collect()
}

fn fraction(value: f64) -> BigRational {
    BigRational::from_float(value).expect("a finite number")
}

#[test]
fn every_point_lies_in_a_piece_whose_function_is_the_networks() {
    for (notation, seed) in [
        ("2-8-8-1", 0),
        ("2-5-3", 1),
        ("Sequential(Linear(2, 6), LeakyReLU(0.25), Linear(6, 4), Hardtanh(), Linear(4, 2))", 2),
    ] {
        let network = network(notation, seed);
        let plane = plane(&network, [-2.0, -1.0], [1.5, 2.5], 10_000).expect("pieces");
        assert!(plane.regions.len() > 5, "{notation}");
        assert_eq!(plane.area(), fraction(3.5 * 3.5), "{notation}");
        for index in 0..200_u32 {
            let point = [
                f64::from(index * 37 % 113) / 113.0 * 3.5 - 2.0,
                f64::from(index) / 200.0 * 3.5 - 1.0,
            ];
            let wanted = exactly(&network, &point);
            let point = point.map(fraction);
            let here: Vec<&Region> =
                plane.regions.iter().filter(|region| region.polygon.contains(&point)).collect();
            assert!(!here.is_empty(), "{notation}: {point:?}");
            for region in here {
                let found: Vec<BigRational> =
                    region.outputs.iter().map(|form| form.at(&point)).collect();
                assert_eq!(found, wanted, "{notation}");
            }
        }
        // Corners are where floats cannot tell.
        for region in &plane.regions {
            assert!(region.polygon.corners().iter().all(|corner| region.polygon.contains(corner)));
        }
    }
}

#[test]
fn classes_share_the_rectangle_along_their_border() {
    let network = network("2-8-8-3", 4);
    let plane = plane(&network, [-3.0, -3.0], [3.0, 3.0], 10_000).expect("pieces");
    let cells = plane.cells();
    let area: BigRational = cells.iter().map(|cell| cell.polygon.area()).sum();
    assert_eq!(area, fraction(36.0));
    for cell in &cells {
        let corners = cell.polygon.corners_near();
        let count = corners.len() as f64;
        let middle =
            [0, 1].map(|axis| corners.iter().map(|corner| corner[axis]).sum::<f64>() / count);
        let outputs = exactly(&network, &middle);
        let best = outputs.iter().max().expect("outputs");
        if cell.polygon.contains(&middle.map(fraction)) {
            assert_eq!(&outputs[cell.class], best);
        }
    }
    let border = plane.level_set(|outputs| outputs[0].minus(&outputs[1]));
    assert!(border.polygons.is_empty());
    for segment in &border.segments {
        for point in segment {
            let region = plane.regions.iter().find(|region| region.polygon.contains(point));
            let region = region.expect("the point is on the rectangle");
            assert_eq!(region.outputs[0].at(point), region.outputs[1].at(point));
        }
    }
}

#[test]
fn the_absolute_value_is_two_pieces() {
    // |x| = relu(x) + relu(−x), and a unit that changes nothing.
    let module = nn::parse("1-3-1").expect("a network");
    let mut net = nn::Network::new(module, 0).expect("weights");
    let mut state = net.state_dict().clone();
    for (key, shape, values) in [
        ("0.weight", vec![3, 1], vec![1.0_f32, -1.0, 3.0]),
        ("0.bias", vec![3], vec![0.0, 0.0, 1.0]),
        ("2.weight", vec![1, 3], vec![1.0, 1.0, 0.0]),
        ("2.bias", vec![1], vec![0.0]),
    ] {
        state.insert(key, Value::from(Tensor::new(shape, values).expect("a tensor")));
    }
    net.load_state_dict(&state, true).expect("the same keys");
    let graph = net.module().graph(Shape::batch([1]), Mode::Eval).expect("a graph");
    let network = lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))
        .expect("a form");
    let line = line(&network, f64::NEG_INFINITY, f64::INFINITY, 100).expect("pieces");
    let slopes: Vec<f64> =
        line.pieces.iter().map(|piece| piece.outputs[0].slopes[0].to_f64()).collect();
    assert_eq!(slopes, [-1.0, 1.0]);
    assert_eq!(line.breakpoints().cloned().collect::<Vec<_>>(), [fraction(0.0)]);
}

#[test]
fn a_line_is_the_network_everywhere_and_meets_itself() {
    let network = network("1-16-16-2", 5);
    let line = line(&network, -50.0, f64::INFINITY, 10_000).expect("pieces");
    assert_eq!(line.pieces[0].from, Some(fraction(-50.0)));
    for pair in line.pieces.windows(2) {
        let border = pair[0].to.clone().expect("an end");
        assert_eq!(Some(&border), pair[1].from.as_ref());
        for (left, right) in pair[0].outputs.iter().zip(&pair[1].outputs) {
            let border = std::slice::from_ref(&border);
            assert_eq!(left.at(border), right.at(border));
        }
        assert_ne!(pair[0].outputs, pair[1].outputs);
    }
    for index in 0..300 {
        let x = f64::from(index) * 0.7 - 49.0;
        let wanted = exactly(&network, &[x]);
        let x = fraction(x);
        let piece = line.pieces.iter().find(|piece| piece.to.as_ref().is_none_or(|to| x <= *to));
        let piece = piece.expect("a piece");
        let found: Vec<BigRational> =
            piece.outputs.iter().map(|form| form.at(std::slice::from_ref(&x))).collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn what_has_no_such_pieces_is_refused() {
    let wide = network("3-4-1", 0);
    assert!(plane(&wide, [0.0; 2], [1.0; 2], 10).is_err());
    let smooth = network("2-4t-1", 0);
    assert!(plane(&smooth, [0.0; 2], [1.0; 2], 10).is_err());
    let net = network("2-16-16-1", 0);
    assert_eq!(plane(&net, [-5.0; 2], [5.0; 2], 10).unwrap_err().kind(), ErrorKind::Limit);
    assert!(plane(&net, [1.0; 2], [1.0; 2], 10).is_err());
    assert!(plane(&net, [f64::NEG_INFINITY; 2], [1.0; 2], 10).is_err());
    assert!(line(&network("1-2-1", 0), 1.0, 1.0, 10).is_err());
}
