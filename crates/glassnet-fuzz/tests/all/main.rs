//! Some hundred inputs of every target, the same in each run; and that the runner finds what is there to be found.

use std::collections::HashSet;

use glassnet_fuzz::runner::{Plan, run};
use glassnet_fuzz::{TARGETS, Target, mutate, seeds};

/// How many inputs of each target.
const INPUTS: u64 = 300;

#[test]
fn every_target_holds_for_its_files_as_they_are() {
    for target in TARGETS {
        let files = (target.seeds)();
        assert!(files.len() >= 5, "{} has {} files", target.name, files.len());
        let accepted = files.iter().filter(|file| (target.run)(&file.bytes)).count();
        // The formats' tests have refused files among theirs.
        assert!(2 * accepted >= files.len(), "{}: {accepted} of {}", target.name, files.len());
    }
}

#[test]
fn every_target_holds_for_changed_files() {
    for target in TARGETS {
        let plan = Plan { seed: 0, from: 0, executions: INPUTS, time: None };
        let outcome = run(target, &(target.seeds)(), plan, &mut |_| {});
        assert_eq!(outcome.executions, INPUTS);
        let told = outcome.findings.iter().map(|found| (found.execution, &found.message));
        assert!(outcome.findings.is_empty(), "{}: {:?}", target.name, told.collect::<Vec<_>>());
    }
}

#[test]
fn a_number_is_an_input_whichever_ran_before() {
    let target = &TARGETS[0];
    let files = (target.seeds)();
    let inputs: HashSet<Vec<u8>> =
        (0..100).map(|execution| mutate::input(target, &files, 7, execution)).collect();
    assert!(inputs.len() > 90, "{} of 100 differ", inputs.len());
    assert_eq!(mutate::input(target, &files, 7, 99), mutate::input(target, &files, 7, 99));
    assert_ne!(mutate::input(target, &files, 7, 99), mutate::input(target, &files, 8, 99));
}

#[test]
fn a_reader_that_trusts_a_length_is_found() {
    /// Takes the first byte for the place of another.
    fn trusting(bytes: &[u8]) -> bool {
        !bytes.is_empty() && bytes[usize::from(bytes[0])] == 0
    }
    let few = || vec![seeds::Seed { name: "zeros".to_owned(), bytes: vec![0; 16] }];
    let target = Target { name: "trusting", run: trusting, seeds: few, words: &[b"\xff"] };
    let plan = Plan { seed: 0, from: 0, executions: 10_000, time: None };
    let outcome = run(&target, &few(), plan, &mut |_| {});
    let finding = outcome.findings.first().expect("nothing was found");
    assert!(finding.message.contains("index out of bounds"), "{}", finding.message);
    assert_eq!(mutate::input(&target, &few(), 0, finding.execution), finding.bytes);
}
