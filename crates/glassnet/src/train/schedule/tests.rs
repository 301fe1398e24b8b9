//! Schedules against PyTorch, epoch by epoch.

use serde_json::Value as Json;

use super::*;
use crate::Result;
use crate::train::optimizer::Optimizer;

const GOLDENS: &str = include_str!("../../../tests/goldens/schedules.json");

fn cases() -> Vec<Json> {
    let goldens: Json = serde_json::from_str(GOLDENS).expect("the goldens are JSON");
    let cases = goldens["cases"].as_array().expect("cases").clone();
    assert_eq!(cases.len(), 30);
    cases
}

fn numbers(array: &Json) -> Vec<f64> {
    let values = array.as_array().map_or(&[][..], Vec::as_slice);
    values.iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn read(case: &Json) -> Result<Schedule> {
    Schedule::parse(case["expression"].as_str().expect("an expression"))
}

#[test]
fn sixty_epochs_follow_pytorch() -> Result<()> {
    for case in cases() {
        let schedule = read(&case)?;
        let (rates, momenta) = (numbers(&case["rates"]), numbers(&case["momenta"]));
        let metrics = numbers(&case["metrics"]);
        let mut state = schedule.start(case["lr"].as_f64().expect("a rate"))?;
        for epoch in 0..60 {
            let (given, golden) = (state.lr(), rates[epoch]);
            let close = (given - golden).abs() <= 1e-12 * golden.abs() + 1e-15;
            assert!(close, "{schedule} at {epoch}: {given} instead of {golden}");
            match (state.momentum(), momenta.get(epoch)) {
                (Some(given), Some(golden)) => assert!(
                    (given - golden).abs() <= 1e-12,
                    "{schedule} at {epoch}: {given} instead of {golden}"
                ),
                (None, None) => {}
                (given, golden) => panic!("{schedule} at {epoch}: {given:?} and {golden:?}"),
            }
            state.advance(&schedule, metrics.get(epoch).copied().unwrap_or(f64::NAN));
        }
    }
    Ok(())
}

#[test]
fn a_copied_state_continues_with_the_same_bits() -> Result<()> {
    for case in cases() {
        let schedule = read(&case)?;
        let metrics = numbers(&case["metrics"]);
        let metric = |epoch: usize| metrics.get(epoch).copied().unwrap_or(0.0);
        let mut state = schedule.start(0.1)?;
        (0..25).for_each(|epoch| state.advance(&schedule, metric(epoch)));
        let ScheduleState { base_lr, count, rate, best, bad_epochs, cooldown } = state;
        let mut resumed = ScheduleState { base_lr, count, rate, best, bad_epochs, cooldown };
        let again = Schedule::parse(&schedule.to_string())?;
        for epoch in 25..60 {
            state.advance(&schedule, metric(epoch));
            resumed.advance(&again, metric(epoch));
            assert_eq!(state.lr().to_bits(), resumed.lr().to_bits());
        }
        assert_eq!(state, resumed);
    }
    Ok(())
}

#[test]
fn expressions_read_back() -> Result<()> {
    let texts: Vec<String> = cases()
        .iter()
        .map(|case| case["expression"].as_str().expect("a text").to_owned())
        .collect();
    let more = [
        "OneCycleLR(max_lr=1.0, total_steps=9, pct_start=0.5, anneal_strategy='linear', cycle_momentum=False, base_momentum=0.1, max_momentum=0.2, div_factor=2.0, final_div_factor=3.0, three_phase=True)",
        "ReduceLROnPlateau(mode='max', factor=0.5, patience=1, threshold=0.5, threshold_mode='abs', cooldown=2, min_lr=0.001, eps=0.0)",
        "MultiStepLR(milestones=[])",
        "LinearLR(end_factor=0.5)",
        "PolynomialLR()",
    ];
    for text in more {
        assert_eq!(Schedule::parse(text)?.to_string(), text);
    }
    for text in texts {
        let schedule = Schedule::parse(&text)?;
        assert_eq!(Schedule::parse(&schedule.to_string())?, schedule, "{text}");
    }
    Ok(())
}

#[test]
fn names_and_arguments_are_read_as_python_does() -> Result<()> {
    for (text, expected) in [
        ("linearlr", "LinearLR()"),
        ("torch.optim.lr_scheduler.StepLR(optimizer, 30)", "StepLR(step_size=30)"),
        ("ReduceLROnPlateau(optimizer, 'min', patience=5)", "ReduceLROnPlateau(patience=5)"),
        (
            "OneCycleLR(0.5, epochs=2, steps_per_epoch=50)",
            "OneCycleLR(max_lr=0.5, total_steps=100)",
        ),
        (
            "SequentialLR(optimizer, schedulers=[ConstantLR(optimizer), StepLR(optimizer, 3)], milestones=(4,))",
            "SequentialLR([ConstantLR(), StepLR(step_size=3)], milestones=[4])",
        ),
    ] {
        assert_eq!(Schedule::parse(text)?.to_string(), expected);
    }
    Ok(())
}

#[test]
fn faults_are_named_in_pytorch_s_words() {
    for (text, expected) in [
        ("StepLR", "StepLR() missing 1 required argument: 'step_size'\n  StepLR\n  ^^^^^^"),
        (
            "StepLR(0)",
            "Expected positive integer step_size, but got 0; set it to 1 or more\n  StepLR(0)\n         ^",
        ),
        ("StepLR(2.5)", "StepLR() expects a whole number of at least 0 for 'step_size'"),
        ("StepLR(-1)", "StepLR() expects a whole number of at least 0 for 'step_size'"),
        (
            "StepLR(step_siz=3)",
            "StepLR() got an unexpected keyword argument 'step_siz'; did you mean 'step_size'?",
        ),
        ("StepLR(3, gamma=nan)", "Invalid gamma value: nan;"),
        ("MultiStepLR([3, -1])", "MultiStepLR() expects a list of whole numbers"),
        ("ExponentialLR(1e400)", "Invalid gamma value: inf;"),
        ("ConstantLR(1.5)", "Constant multiplicative factor expected to be between 0 and 1;"),
        (
            "LinearLR(0)",
            "Starting multiplicative factor expected to be greater than 0 and less or equal to 1;",
        ),
        ("LinearLR(end_factor=2)", "Ending multiplicative factor expected to be between 0 and 1;"),
        ("LinearLR(total_iters=0)", "Expected positive integer total_iters, but got 0;"),
        ("CosineAnnealingLR(T_max=0)", "Expected positive integer T_max, but got 0;"),
        ("CosineAnnealingWarmRestarts(0)", "Expected positive integer T_0, but got 0;"),
        ("OneCycleLR(0.5)", "You must define either total_steps OR (epochs AND steps_per_epoch);"),
        ("OneCycleLR(0.5, 0)", "Expected positive integer total_steps, but got 0;"),
        (
            "OneCycleLR(0.5, 10, pct_start=1.5)",
            "Expected float between 0 and 1 pct_start, but got 1.5;",
        ),
        (
            "OneCycleLR(0.5, 10, anneal_strategy='cosine')",
            "anneal_strategy must be one of 'cos' or 'linear', instead got 'cosine'",
        ),
        ("OneCycleLR(0.5, 10, div_factor=0)", "Invalid div_factor value: 0.0;"),
        ("OneCycleLR(0.5, 10, max_momentum=1)", "Invalid max_momentum value: 1.0;"),
        ("ReduceLROnPlateau(factor=1)", "Factor should be < 1.0;"),
        ("ReduceLROnPlateau('best')", "mode must be one of 'min' or 'max', instead got 'best'"),
        (
            "SequentialLR([], [])",
            "SequentialLR expects at least one scheduler, but got no scheduler.;",
        ),
        ("SequentialLR([StepLR(1)], [3])", "Sequential Schedulers expects number of schedulers"),
        ("SequentialLR([StepLR(0)], [])", "Expected positive integer step_size, but got 0;"),
        (
            "SequentialLR([ReduceLROnPlateau()], [])",
            "SequentialLR does not support `ReduceLROnPlateau` scheduler;",
        ),
        ("SequentialLR([StepLR(1), StepLR(2), StepLR(3)], [5, 4])", "milestones must rise;"),
        (
            "SequentialLR(StepLR(1), [])",
            "SequentialLR() expects a list of schedules for 'schedulers'",
        ),
        (
            "CosinAnnealingLR(3)",
            "unknown schedule 'CosinAnnealingLR'; did you mean 'CosineAnnealingLR'?",
        ),
    ] {
        let error = Schedule::parse(text).map(|read| read.to_string()).expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn only_one_cycle_counts_steps() -> Result<()> {
    for case in cases() {
        let schedule = read(&case)?;
        let by_step = schedule.name() == "OneCycleLR";
        assert_eq!(schedule.unit() == Unit::Step, by_step);
    }
    let cycle = Schedule::OneCycleLr(OneCycle::new(0.5, 10));
    let error = cycle.check_optimizer(&Optimizer::parse("adagrad")?).expect_err("no momentum");
    assert!(error.to_string().starts_with("optimizer must support momentum or beta1"), "{error}");
    cycle.check_optimizer(&Optimizer::parse("adam")?)?;
    Ok(())
}

#[test]
fn far_times_and_edges_stay_finite() -> Result<()> {
    for case in cases() {
        let schedule = read(&case)?;
        for t in [0, 59, 60, 61, 10_000, u64::MAX] {
            if let Some(rate) = schedule.at(0.1, t) {
                assert!(rate.lr.is_finite() && rate.lr >= -1e-15, "{schedule} at {t}: {}", rate.lr);
            }
        }
    }
    for pct_start in [0.0, 0.1, 0.5, 1.0] {
        for total_steps in [1, 2, 10] {
            for three_phase in [false, true] {
                let cycle = OneCycle { pct_start, three_phase, ..OneCycle::new(0.5, total_steps) };
                for t in 0..12 {
                    let rate = Schedule::OneCycleLr(cycle).at(0.1, t).expect("a rate");
                    assert!(rate.lr.is_finite(), "{cycle:?} at {t}");
                }
            }
        }
    }
    Ok(())
}
