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
fn copies_that_are_scaled_and_then_rounded_are_rescaled_first() {
    let a = Network::new(nn::parse("4-10-8-2").unwrap(), 11).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 4]).unwrap();
    let mut state = a.state_dict().clone();
    for (layer, next, units) in [("0", "2", 10), ("2", "4", 8)] {
        let floats = |key: String, state: &StateDict| state.floats(&key).unwrap().data().to_vec();
        let mut rows = floats(format!("{layer}.weight"), &state);
        let mut biases = floats(format!("{layer}.bias"), &state);
        let mut outgoing = floats(format!("{next}.weight"), &state);
        let (inputs, outputs) = (rows.len() / units, outgoing.len() / units);
        for unit in 0..units {
            let scale = [0.11, 3.7, 1.0, 23.0][unit % 4];
            rows[unit * inputs..(unit + 1) * inputs].iter_mut().for_each(|w| *w *= scale);
            biases[unit] *= scale;
            (0..outputs).for_each(|row| outgoing[row * units + unit] /= scale);
        }
        state.insert(format!("{layer}.weight"), Tensor::new([units, inputs], rows).unwrap());
        state.insert(format!("{layer}.bias"), Tensor::new([units], biases).unwrap());
        state.insert(format!("{next}.weight"), Tensor::new([outputs, units], outgoing).unwrap());
    }
    let scaled = Network::with_state(a.module().clone(), &state).unwrap();
    let b = changed(&scaled, &mut |w| rounded(w, 10));
    let found = simplify::equal(&a, &b, Some(&domain), 4e-3).unwrap();
    assert_eq!(found.answer, Answer::Equal, "{found:?}");
    let open = simplify::equal(&a, &b, Some(&domain), 0.0).unwrap();
    assert_eq!(open.answer, Answer::Different);
    assert!(open.witness.unwrap().difference <= open.bound.unwrap().0);
}

#[test]
fn a_comparison_that_gains_nothing_ends() {
    let a = Network::new(nn::parse("3-8-8-2").unwrap(), 1).unwrap();
    let b = Network::new(nn::parse("3-8-8-2").unwrap(), 2).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
    let mut parts = 0;
    let go_on = &mut |found: u64| {
        parts = found;
        found < 20_000
    };
    let found = simplify::equal_while(&a, &b, Some(&domain), 0.0, go_on).unwrap();
    assert_eq!(found.answer, Answer::Different);
    assert!(parts < 5_000, "{parts}");
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

#[test]
fn networks_that_are_no_chains_are_compared_on_a_box() {
    let net = "Sequential(Linear(3, 4), Residual(Linear(4, 4), ReLU(), Formula('z/2'), Linear(4, 4)), ReLU(), Linear(4, 2))";
    let a = Network::new(nn::parse(net).unwrap(), 2).unwrap();
    let b = changed(&a, &mut |w| rounded(w, 10));
    let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
    assert_eq!(simplify::equal(&a, &a, None, 0.0).unwrap().answer, Answer::Equal);
    assert!(simplify::equal(&a, &b, None, 0.0).is_err());
    let found = simplify::equal(&a, &b, Some(&domain), 1e-2).unwrap();
    assert_eq!(found.answer, Answer::Equal, "{found:?}");
    assert!(found.least > 0.0 && found.least <= found.bound.unwrap().0);
    let other = Network::new(nn::parse(net).unwrap(), 3).unwrap();
    let found = simplify::equal(&a, &other, Some(&domain), 1e-2).unwrap();
    assert_eq!(found.answer, Answer::Different);
}

#[test]
fn a_normalised_network_equals_itself_exactly() {
    let net = "Sequential(Linear(3, 6), BatchNorm1d(6), ReLU(), Linear(6, 2))";
    let a = Network::new(nn::parse(net).unwrap(), 2).unwrap();
    let found = simplify::equal(&a, &a.clone(), None, 0.0).unwrap();
    assert_eq!((found.answer, found.bound), (Answer::Equal, Some((0.0, 0.0))));
}

/// Weights and biases of two layers.
type OneLayer = (Vec<Vec<f32>>, Vec<f32>, Vec<Vec<f32>>, Vec<f32>);

/// A network with one hidden layer on few dyadic weights.
fn one_layer(stream: &mut Stream) -> OneLayer {
    let (inputs, hidden, outputs) =
        (1 + stream.below(3) as usize, 1 + stream.below(6) as usize, 1 + stream.below(2) as usize);
    let mut draw = |count: usize| -> Vec<f32> {
        (0..count).map(|_| (stream.below(17) as f32 - 8.0) / 4.0).collect()
    };
    let rows = (0..hidden).map(|_| draw(inputs)).collect();
    let biases = draw(hidden);
    let outgoing = (0..outputs).map(|_| draw(hidden)).collect();
    (rows, biases, outgoing, draw(outputs))
}

fn of_layers((rows, biases, outgoing, last): &OneLayer) -> Network {
    let net = format!("{}-{}-{}", rows[0].len(), rows.len(), outgoing.len());
    let state = StateDict::from_iter([
        ("0.weight", Tensor::from_rows(rows).unwrap().into()),
        ("0.bias", Tensor::new([biases.len()], biases.clone()).unwrap().into()),
        ("2.weight", Tensor::from_rows(outgoing).unwrap().into()),
        ("2.bias", Tensor::new([last.len()], last.clone()).unwrap().into()),
    ]);
    Network::with_state(nn::parse(&net).unwrap(), &state).unwrap()
}

/// Two hundred pairs with one hidden layer, on all inputs: rewritten ones are equal, changed ones different, none unknown.
#[test]
fn one_hidden_layer_is_decided_for_every_pair() {
    let mut counts = [0; 2];
    for seed in 0..200 {
        let stream = &mut Stream::new(seed, 75);
        let a = one_layer(stream);
        let mut b = a.clone();
        // Rewritten: a unit turned over (relu(t) = t + relu(−t), the line as two units), scaled, swapped.
        let unit = stream.below(b.0.len() as u64) as usize;
        let turned: Vec<f32> = b.0[unit].iter().map(|w| -w).collect();
        let (row, bias) = (b.0[unit].clone(), b.1[unit]);
        b.0[unit] = turned.clone();
        b.1[unit] = -bias;
        // v·relu(t) = v·relu(−t) + v·t, and t = relu(t + 64) − relu(−t − 64) − 64 with any shift.
        b.0.push(row);
        b.1.push(bias + 64.0);
        b.0.push(turned);
        b.1.push(-bias - 64.0);
        for (out, last) in b.2.iter_mut().zip(&mut b.3) {
            let v = out[unit];
            out.extend([v, -v]);
            *last -= 64.0 * v;
        }
        let scaled = stream.below(b.0.len() as u64) as usize;
        b.0[scaled].iter_mut().for_each(|w| *w *= 4.0);
        b.1[scaled] *= 4.0;
        b.2.iter_mut().for_each(|out| out[scaled] /= 4.0);
        let equal = seed % 2 == 0;
        if !equal {
            // A new kink that no other has.
            let inputs = b.0[0].len();
            b.0.push((0..inputs).map(|at| 1.0 + at as f32 / 16.0).collect());
            b.1.push(3.0 + seed as f32 / 64.0);
            b.2.iter_mut().for_each(|out| out.push(0.25));
        }
        let found = simplify::equal(&of_layers(&a), &of_layers(&b), None, 0.0).unwrap();
        let expected = if equal { Answer::Equal } else { Answer::Different };
        assert_eq!(found.answer, expected, "seed {seed}: {}", found.why);
        counts[usize::from(equal)] += 1;
    }
    assert_eq!(counts, [100, 100]);
}

#[test]
fn simplify_on_a_box_removes_what_only_substituting_backwards_shows() {
    // z = relu(x + y) + relu(x − y) − 2.25 with |x|, |y| ≤ 1: intervals say z ≤ 1.75, but it is at most 2 − 2.25.
    let state = StateDict::from_iter([
        ("0.weight", Tensor::from_rows(&[[1.0_f32, 1.0], [1.0, -1.0]]).unwrap().into()),
        ("0.bias", Tensor::new([2], vec![0.0_f32, 0.0]).unwrap().into()),
        ("2.weight", Tensor::from_rows(&[[1.0_f32, 1.0], [1.0, 0.5]]).unwrap().into()),
        ("2.bias", Tensor::new([2], vec![-3.25_f32, 0.25]).unwrap().into()),
        ("4.weight", Tensor::from_rows(&[[1.0_f32, 2.0]]).unwrap().into()),
        ("4.bias", Tensor::new([1], vec![0.5_f32]).unwrap().into()),
    ]);
    let a = Network::with_state(nn::parse("2-2-2-1").unwrap(), &state).unwrap();
    let domain = Domain::of(vec![(-1.0, 1.0); 2]).unwrap();
    let units = simplify::units(&a, &domain, &simplify::Free::default(), None).unwrap();
    assert_eq!(units[1].units[0].state, simplify::State::Dead);
    assert!(units[1].units[0].proof.contains("substituting backwards"));
    let config = simplify::Config { domain: Some(domain), tolerance: None };
    let smaller = simplify::simplify(&a, &config).unwrap();
    assert!(smaller.removals.iter().any(|r| r.kind == "dead" && r.layer == "2"));
    // On a wider box the same steps show nothing.
    let mut wider = smaller.certificate.clone();
    wider.domain = Some(vec![(Some(-2.0), Some(2.0)); 2]);
    let verdict = simplify::verify(&a, &smaller.network, &wider).unwrap();
    assert!(matches!(verdict, glassnet::checker::Verdict::Invalid(_)));
}

#[test]
fn rows_say_what_their_box_leaves_open() {
    // On the rows x + y = 1, in their box it is anything from 0 to 2.
    let state = StateDict::from_iter([
        ("0.weight", Tensor::from_rows(&[[1.0_f32, 1.0], [1.0, 1.0], [1.0, -1.0]]).unwrap().into()),
        ("0.bias", Tensor::new([3], vec![-1.5_f32, -1.0, 0.0]).unwrap().into()),
        ("2.weight", Tensor::from_rows(&[[1.0_f32, 1.0, 1.0]]).unwrap().into()),
        ("2.bias", Tensor::new([1], vec![0.0_f32]).unwrap().into()),
    ]);
    let a = Network::with_state(nn::parse("2-3-1").unwrap(), &state).unwrap();
    let rows = Tensor::from_rows(&[[0.0_f32, 1.0], [0.25, 0.75], [1.0, 0.0]]).unwrap();
    let domain = Domain::of(vec![(0.0, 1.0); 2]).unwrap();
    let free = simplify::Free::default();
    let units = &simplify::units(&a, &domain, &free, Some(&rows)).unwrap()[0].units;
    let states: Vec<_> = units.iter().map(|unit| (unit.state, unit.scope.words())).collect();
    assert_eq!(states[0], (simplify::State::Dead, "on these rows"));
    assert_eq!(states[1], (simplify::State::Kink, "on these rows"));
    assert_eq!(states[2].0, simplify::State::Open);
    let seen = units[2].rows.unwrap();
    assert_eq!((seen.positive, seen.zero, seen.negative, seen.undecided), (1, 0, 2, 0));
    assert!(units[2].both);
}
