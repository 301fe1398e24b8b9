//! Optimisers against PyTorch, step by step.

use serde_json::Value as Json;

use super::*;
use crate::Result;
use crate::engine::Level;
use crate::train::clip::Clip;

const GOLDENS: &str = include_str!("../../../tests/goldens/optimizers.json");
/// The block of the goldens' network: 0.weight (5, 3), 0.bias (5), 2.weight (2, 5), 2.bias (2).
const TENSORS: [(&str, std::ops::Range<usize>); 4] =
    [("0.weight", 0..15), ("0.bias", 15..20), ("2.weight", 20..30), ("2.bias", 30..32)];

fn goldens() -> Json {
    serde_json::from_str(GOLDENS).expect("the goldens are JSON")
}

/// Numbers of an array, in which infinite ones are texts.
fn numbers(array: &Json) -> Vec<f64> {
    let number = |value: &Json| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    array
        .as_array()
        .expect("an array")
        .iter()
        .map(|value| number(value).expect("a number"))
        .collect()
}

fn block(named: &Json) -> Vec<f64> {
    TENSORS.iter().flat_map(|(name, _)| numbers(&named[name]["data"])).collect()
}

/// Loss and gradient of `Sequential(Linear(3, 5), Tanh(), Linear(5, 2))` under MSELoss on four rows.
fn slope(parameters: &[f32], x: &[f64], y: &[f64]) -> (f64, Vec<f32>) {
    let w = |index: usize| f64::from(parameters[index]);
    let mut gradient = vec![0.0; 32];
    let mut loss = 0.0;
    for (x, y) in x.chunks(3).zip(y.chunks(2)) {
        let hidden: Vec<f64> = (0..5)
            .map(|j| libm::tanh((0..3).map(|i| w(3 * j + i) * x[i]).sum::<f64>() + w(15 + j)))
            .collect();
        let mut of_hidden = [0.0; 5];
        for k in 0..2 {
            let output = (0..5).map(|j| w(20 + 5 * k + j) * hidden[j]).sum::<f64>() + w(30 + k);
            let error = output - y[k];
            loss += error * error / 8.0;
            let delta = error / 4.0;
            gradient[30 + k] += delta;
            for j in 0..5 {
                gradient[20 + 5 * k + j] += delta * hidden[j];
                of_hidden[j] += delta * w(20 + 5 * k + j);
            }
        }
        for j in 0..5 {
            let delta = of_hidden[j] * (1.0 - hidden[j] * hidden[j]);
            gradient[15 + j] += delta;
            for i in 0..3 {
                gradient[3 * j + i] += delta * x[i];
            }
        }
    }
    (loss, gradient.into_iter().map(|value| value as f32).collect())
}

/// Within max(1e-5, 10·|f32 − f64|) of PyTorch's f64 number, relative; and the same from its f32 number.
#[track_caller]
fn check_close(given: f64, f32_golden: f64, f64_golden: f64, what: &str) {
    let allowed = (1e-5 * f64_golden.abs()).max(10.0 * (f32_golden - f64_golden).abs());
    for golden in [f32_golden, f64_golden] {
        let distance = (given - golden).abs();
        assert!(distance <= allowed, "{what}: {given} differs from {golden} by {distance}");
    }
}

#[test]
fn fifty_steps_follow_pytorch() -> Result<()> {
    let goldens = goldens();
    let (x, y) = (numbers(&goldens["x"]["data"]), numbers(&goldens["y"]["data"]));
    let initial: Vec<f32> = block(&goldens["initial"]).into_iter().map(|w| w as f32).collect();
    let ranges = TENSORS.map(|(_, range)| range);
    let cases = goldens["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 47);
    for case in cases {
        let expression = case["expression"].as_str().expect("an expression");
        let optimizer = Optimizer::parse(expression)?;
        let clip = case["clip_expression"].as_str().map(Clip::parse).transpose()?;
        let mut parameters = initial.clone();
        let mut state = optimizer.state(32)?;
        let (mut losses, mut norms) = (vec![], vec![]);
        for step in 0..50 {
            let rows = if step % 2 == 0 { 0..4 } else { 4..8 };
            let (x, y) = (&x[3 * rows.start..3 * rows.end], &y[2 * rows.start..2 * rows.end]);
            let (loss, mut gradients) = slope(&parameters, x, y);
            losses.push(loss);
            norms.extend(clip.and_then(|clip| clip.apply(&mut gradients, &ranges)).map(f64::from));
            optimizer.step(
                Level::detect(),
                optimizer.lr(),
                &mut parameters,
                &gradients,
                &mut state,
            );
        }
        let (single, double) = (&case["f32"], &case["f64"]);
        let what = format!("{expression} {clip:?}");
        for (name, ours) in [("losses", &losses), ("norms", &norms)] {
            let (single, double) = (numbers(&single[name]), numbers(&double[name]));
            assert_eq!(ours.len(), double.len(), "{what} {name}");
            for (step, &given) in ours.iter().enumerate() {
                check_close(given, single[step], double[step], &format!("{what} {name}[{step}]"));
            }
        }
        let (single, double) = (block(&single["weights"]), block(&double["weights"]));
        for (index, &given) in parameters.iter().enumerate() {
            let place = format!("{what} parameter {index}");
            check_close(f64::from(given), single[index], double[index], &place);
        }
    }
    Ok(())
}

#[test]
fn a_restored_state_continues_with_the_same_bits() -> Result<()> {
    for case in goldens()["cases"].as_array().expect("cases") {
        let optimizer = Optimizer::parse(case["expression"].as_str().expect("an expression"))?;
        let gradient = |step: u32| [0.5 - step as f32 / 40.0, 1.0 / (step + 1) as f32, -3e-5];
        let mut parameters = [0.25_f32, -1.5, 3.0];
        let mut state = optimizer.state(3)?;
        for step in 0..20 {
            optimizer.step(
                Level::detect(),
                optimizer.lr(),
                &mut parameters,
                &gradient(step),
                &mut state,
            );
        }
        let mut resumed = parameters;
        let mut restored = optimizer.restore(3, state.save())?;
        for step in 20..50 {
            optimizer.step(
                Level::detect(),
                optimizer.lr(),
                &mut parameters,
                &gradient(step),
                &mut state,
            );
            optimizer.step(
                Level::detect(),
                optimizer.lr(),
                &mut resumed,
                &gradient(step),
                &mut restored,
            );
        }
        assert_eq!(parameters.map(f32::to_bits), resumed.map(f32::to_bits), "{optimizer}");
        assert_eq!(state, restored, "{optimizer}");
        assert_eq!(restored.step(), 50);
    }
    Ok(())
}

#[test]
fn a_state_of_another_optimizer_is_refused() -> Result<()> {
    let adam = Optimizer::parse("adam")?;
    let saved = adam.state(3)?.save();
    #[track_caller]
    fn check(optimizer: &str, len: usize, saved: SavedState, expected: &str) {
        let optimizer = Optimizer::parse(optimizer).expect("a known optimiser");
        let error = optimizer.restore(len, saved).expect_err("the state does not fit");
        assert_eq!(error.to_string(), format!("{expected}; state of {}", optimizer.name()));
    }
    check("adam", 4, saved.clone(), "'exp_avg' has 3 numbers, the network has 4");
    check("SGD(momentum=0.9)", 3, saved.clone(), "the state belongs to Adam");
    let named = |name: &str| SavedState { optimizer: name.to_owned(), ..saved.clone() };
    check("SGD(momentum=0.9)", 3, named("SGD"), "unexpected key 'exp_avg'");
    check("Adam(amsgrad=True)", 3, saved.clone(), "missing key 'max_exp_avg_sq'");
    check("nadam", 3, named("NAdam"), "missing key 'mu_product'");
    let with_product = SavedState { mu_product: Some(1.0), ..named("RAdam") };
    check("radam", 3, with_product, "unexpected key 'mu_product'");
    let mut twice = saved;
    twice.slots.push(("exp_avg".to_owned(), vec![0.0; 3]));
    check("adam", 3, twice, "'exp_avg' stands there twice");
    Ok(())
}

#[test]
fn expressions_read_back() -> Result<()> {
    for case in goldens()["cases"].as_array().expect("cases") {
        let expression = case["expression"].as_str().expect("an expression");
        let optimizer = Optimizer::parse(expression)?;
        // A rate that is written out with its default value is not printed.
        let rate = format!("(lr={:?}, ", optimizer.plain().lr());
        let shown = expression.replace(&rate, "(");
        let printed = optimizer.to_string();
        assert_eq!(Optimizer::parse(&printed)?, optimizer);
        // The order may differ, the options may not.
        assert_eq!(printed.len(), shown.len(), "{printed} and {shown}");
    }
    for text in [
        "Adam(lr=1.0, betas=(0.0, 0.5), eps=0.0, weight_decay=1e-30, amsgrad=True, maximize=True, decoupled_weight_decay=True)",
        "AdamW(weight_decay=0.0)",
        "NAdam(maximize=True)",
        "Adagrad(lr_decay=3.0, weight_decay=2.0, initial_accumulator_value=0.5, eps=1.0, maximize=True)",
        "Adadelta(rho=1.0, maximize=True)",
        "SGD(dampening=-0.5)",
    ] {
        assert_eq!(Optimizer::parse(text)?.to_string(), text);
    }
    Ok(())
}

#[test]
fn names_and_arguments_are_read_as_python_does() -> Result<()> {
    for (text, expected) in [
        ("adam", "Adam()"),
        ("sgd", "SGD()"),
        ("RMSPROP", "RMSprop()"),
        ("torch.optim.AdamW(0.01, (0.8, 0.9), foreach=None)", "AdamW(lr=0.01, betas=(0.8, 0.9))"),
        (
            "SGD(1, 0.9, 0, 1e-4, True, fused=False)",
            "SGD(lr=1.0, momentum=0.9, weight_decay=0.0001, nesterov=True)",
        ),
        (" adam ( lr = 1e-3 , ) ", "Adam()"),
    ] {
        assert_eq!(Optimizer::parse(text)?.to_string(), expected);
    }
    Ok(())
}

#[test]
fn faults_are_named_in_pytorch_s_words() {
    for (text, expected) in [
        (
            "SGD(lr=-0.1)",
            "Invalid learning rate: -0.1; lr must be finite and at least 0\n  SGD(lr=-0.1)\n         ^^^^",
        ),
        ("SGD(lr=1e400)", "Invalid learning rate: inf; lr must be finite"),
        ("SGD(lr=1e39)", "Invalid learning rate: 1e39; lr must fit in f32"),
        ("Adam(lr=nan)", "Invalid learning rate: nan;"),
        ("Adam(lr=float('inf'))", "Adam() expects a number for 'lr'"),
        ("SGD(lr='0.1')", "SGD() expects a number for 'lr'"),
        ("SGD(lr=True)", "SGD() expects a number for 'lr'"),
        ("SGD(momentum=-1)", "Invalid momentum value: -1.0;"),
        ("SGD(nesterov=True)", "Nesterov momentum requires a momentum and zero dampening;"),
        ("SGD(momentum=0.9, dampening=0.1, nesterov=True)", "Nesterov momentum requires"),
        ("SGD(dampening=inf)", "Invalid dampening value: inf; dampening must be finite"),
        ("SGD(nesterov=1)", "SGD() expects True or False for 'nesterov'"),
        ("SGD(0.1, 0, 0, 0, False, True)", "SGD() takes at most 5 arguments without a name"),
        (
            "Adam(betas=(1.0, 0.9))",
            "Invalid beta parameter at index 0: 1.0; both betas must be in [0, 1)\n  Adam(betas=(1.0, 0.9))\n             ^^^^^^^^^^",
        ),
        ("AdamW(betas=(0.9, -0.1))", "Invalid beta parameter at index 1: -0.1;"),
        ("Adam(betas=0.9)", "Adam() expects two numbers in parentheses for 'betas'"),
        ("RAdam(eps=-1e-8)", "Invalid epsilon value: -1e-8;"),
        ("NAdam(momentum_decay=-1)", "Invalid momentum_decay value: -1.0;"),
        ("RMSprop(alpha=-0.5)", "Invalid alpha value: -0.5;"),
        ("Adagrad(lr_decay=-1)", "Invalid lr_decay value: -1.0;"),
        ("Adagrad(initial_accumulator_value=-1)", "Invalid initial_accumulator_value value: -1.0;"),
        ("Adadelta(rho=1.5)", "Invalid rho value: 1.5; rho must be in [0, 1]"),
        ("Adadelta(weight_decay=-0.0001)", "Invalid weight_decay value: -0.0001;"),
        ("adm", "unknown optimizer 'adm'; did you mean 'Adam'?\n  adm\n  ^^^"),
        ("LBFGS()", "unknown optimizer 'LBFGS'; known: SGD, Adam,"),
        ("", "the expression is empty"),
    ] {
        let error =
            Optimizer::parse(text).map(|read| read.to_string()).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn a_state_needs_valid_options() {
    let nesterov = Optimizer::Sgd(Sgd { nesterov: true, ..Sgd::default() });
    let error = nesterov.state(3).expect_err("no momentum");
    assert_eq!(
        error.to_string(),
        "Nesterov momentum requires a momentum and zero dampening; SGD, nesterov; set momentum=0.9 and leave dampening out"
    );
    assert!(Optimizer::Adam(Adam::default()).with_lr(f64::NAN).validate().is_err());
    assert!(Optimizer::Adam(Adam::default()).with_momentum(1.0).state(1).is_err());
}

#[test]
fn momentum_is_what_one_cycle_changes() -> Result<()> {
    let changed = |text: &str| Ok(Optimizer::parse(text)?.with_momentum(0.5).to_string());
    assert_eq!(changed("sgd")?, "SGD(momentum=0.5)");
    assert_eq!(changed("nadam")?, "NAdam(betas=(0.5, 0.999))");
    assert_eq!(changed("adagrad")?, "Adagrad()");
    assert_eq!(Optimizer::parse("adadelta")?.momentum(), None);
    Ok::<(), crate::Error>(())
}

#[test]
fn a_block_may_be_empty_or_of_any_length() -> Result<()> {
    // Vector code has a remainder: every element must move as it does alone.
    for case in goldens()["cases"].as_array().expect("cases") {
        let optimizer = Optimizer::parse(case["expression"].as_str().expect("an expression"))?;
        optimizer.step(Level::detect(), 0.1, &mut [], &[], &mut optimizer.state(0)?);
        let start: Vec<f32> = (0..37).map(|i| (i as f32 - 20.0) / 7.0).collect();
        let gradients: Vec<f32> = (0..37).map(|i| (i as f32 * 1.7).sin()).collect();
        let (mut together, mut state) = (start.clone(), optimizer.state(37)?);
        for _ in 0..3 {
            optimizer.step(Level::detect(), 0.1, &mut together, &gradients, &mut state);
        }
        for index in 0..37 {
            let (mut alone, mut state) = ([start[index]], optimizer.state(1)?);
            for _ in 0..3 {
                optimizer.step(
                    Level::detect(),
                    0.1,
                    &mut alone,
                    &gradients[index..=index],
                    &mut state,
                );
            }
            assert_eq!(alone[0].to_bits(), together[index].to_bits(), "{optimizer}");
        }
    }
    Ok(())
}

#[test]
fn a_step_in_parts_is_the_step() -> Result<()> {
    let numbers = |seed: usize| -> Vec<f32> {
        (0..150).map(|i| ((seed * 31 + i * 17) % 101) as f32 / 50.0 - 1.0).collect()
    };
    let expressions = [
        "SGD()",
        "SGD(momentum=0.9)",
        "SGD(momentum=0.9, nesterov=True)",
        "Adam()",
        "AdamW(amsgrad=True)",
        "NAdam()",
        "RAdam(lr=0.1, betas=(0.5, 0.9))",
        "RMSprop()",
        "RMSprop(momentum=0.5)",
        "RMSprop(centered=True)",
        "RMSprop(centered=True, momentum=0.5)",
        "Adagrad(lr_decay=0.1)",
        "Adadelta()",
    ];
    for expression in expressions {
        let optimizer = Optimizer::parse(expression)?;
        let (mut together, mut apart) = (numbers(1), numbers(1));
        let (mut state, mut state_apart) = (optimizer.state(150)?, optimizer.state(150)?);
        for step in 0..12 {
            let gradients = numbers(step + 2);
            optimizer.step(Level::detect(), 0.1, &mut together, &gradients, &mut state);
            let rule = optimizer.begin(0.1, &mut state_apart);
            // On every level, from the last to the first: no part knows of the others.
            let parts = [0..1, 1..17, 17..40, 40..150];
            let levels: Vec<Level> = Level::supported().collect();
            for (part, level) in parts.into_iter().rev().zip(levels.into_iter().cycle()) {
                let slots = state_apart.slots_of(&rule);
                let slots = slots.map(|slot| slot.get_mut(part.clone()).unwrap_or(&mut []));
                rule.apply(level, &mut apart[part.clone()], &gradients[part], slots);
            }
            assert_eq!(state, state_apart, "{expression}");
            assert_eq!(together, apart, "{expression}");
        }
    }
    Ok(())
}

/// However many others stand beside it, on any instruction set; each array ends where its memory ends.
#[test]
fn a_parameter_is_changed_as_if_it_were_alone() -> Result<()> {
    for notation in [
        "SGD(lr=0.1)",
        "SGD(lr=0.1, momentum=0.9)",
        "SGD(lr=0.1, momentum=0.9, nesterov=True)",
        "Adam(lr=0.01)",
        "Adam(lr=0.01, amsgrad=True)",
        "AdamW(lr=0.01)",
        "NAdam(lr=0.01)",
        "RAdam(lr=0.01)",
        "RMSprop(lr=0.01)",
        "RMSprop(lr=0.01, momentum=0.5)",
        "RMSprop(lr=0.01, centered=True)",
        "RMSprop(lr=0.01, momentum=0.5, centered=True)",
        "Adagrad(lr=0.1)",
        "Adadelta(lr=1.0)",
    ] {
        let optimizer = Optimizer::parse(notation)?;
        let after = |level: Level, first: usize, len: usize| -> Result<Box<[f32]>> {
            let numbers = |from: usize| (from..from + len).map(|i| (i as f32 * 0.7).sin());
            let mut w: Box<[f32]> = numbers(first).collect();
            let mut state = optimizer.state(len)?;
            for step in 0..7 {
                let g: Box<[f32]> = numbers(first + 1000 * step).collect();
                optimizer.step(level, optimizer.lr(), &mut w, &g, &mut state);
            }
            Ok(w)
        };
        let bits = |w: &[f32]| w.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        let alone = (0..70).map(|i| after(Level::PORTABLE, i, 1).map(|w| w[0]));
        let alone = alone.collect::<Result<Vec<_>>>()?;
        for level in Level::supported() {
            for len in [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 70] {
                let together = after(level, 0, len)?;
                assert_eq!(bits(&together), bits(&alone[..len]), "{notation} {len} {level}");
            }
        }
    }
    Ok(())
}
