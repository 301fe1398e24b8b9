//! Copies of networks that were rounded, pruned, retrained or reordered: the bound of their difference holds wherever it
//! is tried, is small, and a difference beyond the tolerance is shown.

use glassnet::graph::Shape;
use glassnet::math::random::Stream;
use glassnet::nn::{self, Mode, Network, StateDict};
use glassnet::prove::exact::{Dyadic, evaluate};
use glassnet::prove::{self, Interval, Semantics, Weight};
use glassnet::simplify::{self, Answer, Domain};
use glassnet::{Result, Tensor};

fn proved(network: &Network) -> Result<prove::Network> {
    let inputs = network.module().in_features().unwrap();
    let graph = network.module().graph(Shape::batch([inputs]), Mode::Eval)?;
    prove::lower(&graph, "x", "y", &|key| network.state_dict().floats(key).map(Weight::Fixed))
}

/// The network with every weight changed.
fn changed(network: &Network, change: &mut dyn FnMut(f32) -> f32) -> Network {
    let mut state = StateDict::new();
    for (key, _) in network.state_dict().iter() {
        let tensor = network.state_dict().floats(key).unwrap();
        let data = tensor.data().iter().map(|value| change(*value)).collect();
        state.insert(key, Tensor::new(tensor.shape().to_vec(), data).unwrap());
    }
    Network::with_state(network.module().clone(), &state).unwrap()
}

/// The nearest number with so many bits behind the first.
fn rounded(value: f32, bits: u32) -> f32 {
    let cut = 23 - bits;
    let half = (1 << (cut - 1)) - 1 + ((value.to_bits() >> cut) & 1);
    f32::from_bits((value.to_bits() + half) & !((1 << cut) - 1))
}

/// Whether exact differences at random points and corners of the box keep within the bounds.
fn keeps(a: &Network, b: &Network, ends: &[(f64, f64)], points: usize, stream: &mut Stream) -> f64 {
    let domain: Vec<Interval> =
        ends.iter().map(|(lo, hi)| Interval::new(*lo, *hi).unwrap()).collect();
    let (a, b) = (proved(a).unwrap(), proved(b).unwrap());
    let found = prove::difference(&a, &b, &domain).unwrap();
    for point in 0..points {
        let steps = if point % 2 == 0 { 1 } else { 1024 };
        let x: Vec<f64> = ends
            .iter()
            .map(|(lo, hi)| lo + (hi - lo) * (stream.below(steps + 1) as f64 / steps as f64))
            .collect();
        let (y, z) = (evaluate(&a, &x).unwrap(), evaluate(&b, &x).unwrap());
        for ((y, z), bound) in y.iter().zip(&z).zip(&found.outputs) {
            let (least, most) = (z.lo.minus(&y.hi), z.hi.minus(&y.lo));
            let (lo, hi) =
                (Dyadic::from_f64(bound.lo()).unwrap(), Dyadic::from_f64(bound.hi()).unwrap());
            assert!(most >= lo && least <= hi, "{least} … {most} outside {bound}");
            // Exact evaluation is a single number for networks of kinks.
            if y.exact().is_some() {
                assert!(least >= lo && most <= hi, "{least} outside {bound}");
            }
        }
    }
    found.bound()
}

#[test]
fn differences_lie_within_their_bounds() {
    let nets = [
        "3-8-8-2",
        "4-6t-6s-3",
        "Sequential(Linear(3, 6), LeakyReLU(0.1), Linear(6, 6), Hardtanh(), Linear(6, 2))",
        "Sequential(Linear(3, 6), GELU(), Linear(6, 6), SiLU(), Linear(6, 2))",
        "Sequential(Linear(3, 6), PReLU(6), Linear(6, 6), ReLU6(), Linear(6, 2))",
        "Sequential(Linear(3, 6), Softplus(), Linear(6, 6), ELU(), Linear(6, 2))",
        "Sequential(Linear(3, 3), Residual(Linear(3, 3), ReLU(), Linear(3, 3)), ReLU(), Linear(3, 2))",
    ];
    for (seed, net) in nets.iter().enumerate() {
        let stream = &mut Stream::new(seed as u64, 71);
        let a = Network::new(nn::parse(net).unwrap(), seed as u64).unwrap();
        let inputs = a.module().in_features().unwrap();
        let copies = [
            changed(&a, &mut |w| rounded(w, 10)),
            changed(&a, &mut |w| rounded(w, 3)),
            changed(&a, &mut |w| if w.abs() < 0.1 { 0.0 } else { w }),
            changed(&a, &mut |w| w + (stream.below(101) as f32 - 50.0) / 500.0),
            Network::new(nn::parse(net).unwrap(), 99).unwrap(),
        ];
        for copy in &copies {
            let stream = &mut Stream::new(seed as u64, 72);
            keeps(&a, copy, &vec![(-1.0, 1.0); inputs], 60, stream);
            keeps(&a, copy, &vec![(0.25, 0.75); inputs], 20, stream);
        }
    }
}

#[test]
fn the_bound_of_a_rounded_copy_is_far_below_that_of_both_side_by_side() {
    let a = Network::new(nn::parse("8-24-24-4").unwrap(), 5).unwrap();
    let b = changed(&a, &mut |w| rounded(w, 10));
    let ends = vec![(-1.0, 1.0); 8];
    let bound = keeps(&a, &b, &ends, 20, &mut Stream::new(5, 73));
    let product = prove::product(&proved(&a).unwrap(), &proved(&b).unwrap()).unwrap();
    let domain = vec![Interval::new(-1.0, 1.0).unwrap(); 8];
    let naive = prove::bounds(&product, &domain, Semantics::Real).unwrap();
    let naive = naive[product.output()].iter().map(|y| y.magnitude()).fold(0.0, f64::max);
    assert!(bound > 0.0 && bound * 100.0 < naive, "{bound} beside {naive}");
}

#[test]
fn cancellation_hides_no_difference() {
    // Weights of 2^20 whose products cancel: rounding in f64 is far above the difference of the copies.
    for seed in 0..40 {
        let stream = &mut Stream::new(seed, 74);
        let size = 6;
        let large = |stream: &mut Stream| -> f32 {
            (stream.below(1 << 20) as f32 - (1 << 19) as f32) * 1024.0
        };
        let rows: Vec<Vec<f32>> =
            (0..size).map(|_| (0..3).map(|_| large(stream)).collect()).collect();
        // Each unit twice with opposite outgoing weights: the output is 0 but for a small change.
        let twice: Vec<Vec<f32>> = rows.iter().chain(&rows).cloned().collect();
        let out: Vec<f32> = (0..size).map(|_| large(stream)).collect();
        let tiny = 2.0_f32.powi(-30);
        let last: Vec<f32> = out.iter().copied().chain(out.iter().map(|w| -w)).collect();
        let network = |bias: f32| {
            let state = StateDict::from_iter([
                ("0.weight", Tensor::from_rows(&twice).unwrap().into()),
                ("0.bias", Tensor::new([2 * size], vec![1.0_f32; 2 * size]).unwrap().into()),
                ("2.weight", Tensor::new([1, 2 * size], last.clone()).unwrap().into()),
                ("2.bias", Tensor::new([1], vec![bias]).unwrap().into()),
            ]);
            Network::with_state(nn::parse("3-12-1").unwrap(), &state).unwrap()
        };
        let (a, b) = (network(0.0), network(tiny));
        let bound = keeps(&a, &b, &[(-1.0, 1.0); 3], 10, stream);
        assert!(bound >= f64::from(tiny), "seed {seed}: {bound}");
        let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
        let found = simplify::equal(&a, &b, Some(&domain), f64::from(tiny) / 2.0).unwrap();
        assert_eq!(found.answer, Answer::Different, "seed {seed}");
    }
}

#[test]
fn copies_are_equal_within_a_tolerance_and_different_beyond_it() {
    let a = Network::new(nn::parse("4-12-12-3").unwrap(), 7).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 4]).unwrap();
    let mut largest = 0.0;
    for (bits, most) in [(10, 2e-3), (7, 2e-2), (4, 2e-1)] {
        let b = changed(&a, &mut |w| rounded(w, bits));
        let found = simplify::equal(&a, &b, Some(&domain), most).unwrap();
        assert_eq!(found.answer, Answer::Equal, "{bits} bits: {found:?}");
        let open = simplify::equal(&a, &b, Some(&domain), 0.0).unwrap();
        assert_eq!(open.answer, Answer::Different);
        let (bound, witness) = (open.bound.unwrap(), open.witness.unwrap());
        assert!(witness.difference <= bound.0 && bound.1 == 0.0 && bound.0 > largest);
        let beyond = simplify::equal(&a, &b, Some(&domain), witness.difference / 2.0).unwrap();
        assert_eq!(beyond.answer, Answer::Different, "{bits} bits: {beyond:?}");
        largest = witness.difference;
    }
}

#[test]
fn reordered_and_pruned_copies_are_matched_unit_by_unit() {
    let a = Network::new(nn::parse("4-10-8-2").unwrap(), 3).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 4]).unwrap();
    let rounded = changed(&a, &mut |w| rounded(w, 8));
    let floats = |key: &str| rounded.state_dict().floats(key).unwrap().clone();
    // Units in reverse, and unit 0 left out, whose outgoing weights are taken away first.
    let mut state = rounded.state_dict().clone();
    let mut reversed: Vec<f32> =
        floats("0.weight").data().chunks(4).rev().flatten().copied().collect();
    let biases: Vec<f32> = floats("0.bias").data().iter().rev().copied().collect();
    let outgoing: Vec<f32> = floats("2.weight")
        .data()
        .chunks(10)
        .flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>())
        .collect();
    state.insert("0.weight", Tensor::new([10, 4], reversed.clone()).unwrap());
    state.insert("0.bias", Tensor::new([10], biases.clone()).unwrap());
    state.insert("2.weight", Tensor::new([8, 10], outgoing.clone()).unwrap());
    let b = Network::with_state(a.module().clone(), &state).unwrap();
    let found = simplify::equal(&a, &b, Some(&domain), 2e-2).unwrap();
    assert_eq!(found.answer, Answer::Equal, "{found:?}");
    reversed.truncate(36);
    let fewer: Vec<f32> = outgoing.chunks(10).flat_map(|row| row[..9].to_vec()).collect();
    state.insert("0.weight", Tensor::new([9, 4], reversed).unwrap());
    state.insert("0.bias", Tensor::new([9], biases[..9].to_vec()).unwrap());
    state.insert("2.weight", Tensor::new([8, 9], fewer).unwrap());
    let b = Network::with_state(nn::parse("4-9-8-2").unwrap(), &state).unwrap();
    let found = simplify::equal(&a, &b, Some(&domain), 1.0).unwrap();
    assert_eq!(found.answer, Answer::Equal, "{found:?}");
}

#[test]
fn a_copy_that_simplify_merged_is_bounded_as_its_certificate_says() {
    let a = Network::new(nn::parse("3-8-8-2").unwrap(), 11).unwrap();
    let mut state = a.state_dict().clone();
    let mut rows = a.state_dict().floats("0.weight").unwrap().data().to_vec();
    let twin: Vec<f32> = rows[..3].iter().map(|w| w + 1e-5).collect();
    rows.splice(3..6, twin);
    let mut biases = a.state_dict().floats("0.bias").unwrap().data().to_vec();
    biases[1] = biases[0];
    state.insert("0.weight", Tensor::new([8, 3], rows).unwrap());
    state.insert("0.bias", Tensor::new([8], biases).unwrap());
    let a = Network::with_state(a.module().clone(), &state).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
    let config = simplify::Config { domain: Some(domain.clone()), tolerance: Some(1e-3) };
    let smaller = simplify::simplify(&a, &config).unwrap();
    assert!(smaller.parameters_after < smaller.parameters_before);
    let found = simplify::equal(&a, &smaller.network, Some(&domain), 1e-3).unwrap();
    assert_eq!(found.answer, Answer::Equal, "{found:?}");
    assert!(found.bound.unwrap().0 <= smaller.certificate.claim.bound * 1.000_001, "{found:?}");
}
