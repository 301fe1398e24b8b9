//! Members against the same trainings alone.

use super::*;
use crate::math::random::Stream;
use crate::nn;
use crate::nn::loss::Criterion;
use crate::tensor::Tensor;
use crate::train::optimizer::Optimizer;
use crate::train::{Features, Shuffle, Stopped, Target};

/// Rows of 6 random numbers, with one of 4 classes.
fn table(rows: usize, stream: u64) -> Dataset {
    let mut random = Stream::new(7, stream);
    let mut x = vec![0.0; rows * 6];
    random.fill_uniform(&mut x);
    let classes = (0..rows).map(|_| random.below(4) as i64).collect();
    let x = Tensor::new([rows, 6], x).expect("rows of 6");
    Dataset::new(Features::Floats(x), Target::Classes(classes)).expect("a table")
}

fn config(optimizer: &str, seed: u64) -> Result<Config> {
    let alone = Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse(optimizer)?);
    Ok(Config { epochs: 12, batch_size: 16, patience: Some(4), seed, ..alone })
}

/// Weights and history, to the bit.
fn same(found: &Record, expected: &Record) {
    assert_eq!(found.network.state_dict(), expected.network.state_dict());
    assert_eq!(found.history, expected.history);
    assert_eq!((found.best_epoch, found.stopped), (expected.best_epoch, expected.stopped));
}

#[test]
fn a_member_is_trained_as_if_it_were_alone() -> Result<()> {
    let (training, validation) = (table(75, 0), table(30, 1));
    let networks = [
        "Sequential(Linear(6, 16), ReLU(), Dropout(p=0.3), Linear(16, 4))",
        "Sequential(Linear(6, 8), BatchNorm1d(8), Tanh(), Linear(8, 4))",
        "6-32-32-32-4",
    ];
    let fold: Vec<usize> = (0..75).filter(|row| row % 5 != 2).collect();
    let bootstrap: Vec<usize> = (0..60).map(|at| at * 31 % 75 / 2 * 2).collect();
    for network in networks {
        for (optimizer, shuffle) in
            [("Adam(lr=0.01)", Shuffle::Own), ("SGD(lr=0.1, momentum=0.9)", Shuffle::Torch)]
        {
            let mut members = vec![];
            for (at, rows) in [None, Some(&fold), Some(&bootstrap), None].into_iter().enumerate() {
                let seed = at as u64;
                let mut config = Config { shuffle, ..config(optimizer, seed)? };
                config.optimizer = config.optimizer.with_lr(0.01 * (at + 1) as f64);
                let network = Network::new(nn::parse(network)?, seed)?;
                let rows = rows.cloned();
                let validation = (at < 3).then_some(&validation);
                members.push(Member { network, config, training: &training, rows, validation });
            }
            let mut alone = vec![];
            for member in &members {
                let own = match &member.rows {
                    Some(rows) => training.select(rows)?,
                    None => training.clone(),
                };
                let network = member.network.clone();
                let session = Session::new(network, &own, member.validation, &member.config)?;
                alone.push(session.run(&mut ())?);
            }
            for threads in [1, 2, 3, 5] {
                let found = Ensemble::new(&members)?.run(&Pool::new(threads)?, &());
                assert_eq!(found.len(), members.len());
                for (found, alone) in found.into_iter().zip(&alone) {
                    same(&found?, alone);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_member_that_diverges_leaves_the_others_alone() -> Result<()> {
    let training = table(64, 0);
    let member = |lr: f64| -> Result<Member<'_>> {
        let mut config = config("SGD(lr=0.1)", 0)?;
        config.optimizer = config.optimizer.with_lr(lr);
        let network = Network::new(nn::parse("6-16-4")?, 0)?;
        Ok(Member { network, config, training: &training, rows: None, validation: None })
    };
    let members = [member(0.1)?, member(1e30)?, member(0.2)?];
    let found = Ensemble::new(&members)?.run(&Pool::new(2)?, &());
    assert_eq!(found[1].as_ref().unwrap_err().kind(), crate::ErrorKind::Numeric);
    for at in [0, 2] {
        let network = members[at].network.clone();
        let alone = Session::new(network, &training, None, &members[at].config)?.run(&mut ())?;
        same(found[at].as_ref().expect("no divergence"), &alone);
    }
    Ok(())
}

/// Stops everything at an epoch of one member.
struct StopAt {
    member: usize,
    epoch: usize,
    ended: Mutex<Vec<usize>>,
}

impl EnsembleObserver for StopAt {
    fn epoch(&self, member: usize, record: &EpochRecord) -> Control {
        if (member, record.epoch) == (self.member, self.epoch) {
            Control::Stop
        } else {
            Control::Continue
        }
    }

    fn end(&self, member: usize, _: &Result<Record>) {
        lock(&self.ended).push(member);
    }
}

#[test]
fn stopping_one_stops_all_and_keeps_the_best_of_each() -> Result<()> {
    let (training, validation) = (table(64, 0), table(30, 1));
    let mut members = vec![];
    for seed in 0..3 {
        let config = Config { epochs: 1_000_000, patience: None, ..config("Adam", seed)? };
        let network = Network::new(nn::parse("6-16-4")?, seed)?;
        let validation = Some(&validation);
        members.push(Member { network, config, training: &training, rows: None, validation });
    }
    let observer = StopAt { member: 1, epoch: 200, ended: Mutex::default() };
    let found = Ensemble::new(&members)?.run(&Pool::new(2)?, &observer);
    for record in &found {
        let record = record.as_ref().expect("no divergence");
        assert_eq!(record.stopped, Stopped::Interrupted);
        let best = record.history.iter().rfind(|epoch| epoch.improved).expect("one improved");
        assert_eq!(best.epoch, record.best_epoch);
    }
    let mut ended = observer.ended.into_inner().expect("not poisoned");
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2]);
    Ok(())
}

#[test]
fn networks_alike_share_their_plans() -> Result<()> {
    let training = table(75, 0);
    let mut plans = Plans::default();
    let network = |hidden: &str| Network::new(nn::parse(&format!("6-{hidden}-4"))?, 0);
    let configs =
        [config("Adam(lr=0.1)", 0)?, config("Adam(lr=0.2)", 1)?, config("SGD(lr=0.1)", 0)?];
    let mut session = |hidden, config| -> Result<_> {
        let session =
            Session::sharing(network(hidden)?, &training, None, None, config, &mut plans)?;
        Ok(session.plan_address())
    };
    let first = session("8", &configs[0])?;
    assert_eq!(session("8", &configs[1])?, first);
    assert_ne!(session("8", &configs[2])?, first);
    assert_ne!(session("9", &configs[0])?, first);
    Ok(())
}

#[test]
fn what_does_not_fit_is_told_with_its_member() -> Result<()> {
    let training = table(20, 0);
    let member = |rows: Vec<usize>| -> Result<Member<'_>> {
        let network = Network::new(nn::parse("6-8-4")?, 0)?;
        let config = config("Adam", 0)?;
        Ok(Member { network, config, training: &training, rows: Some(rows), validation: None })
    };
    for bad in [vec![], vec![3, 20]] {
        let members = [member(vec![0, 1])?, member(bad)?];
        let error = Ensemble::new(&members).err().expect("a bad row");
        assert_eq!(error.details(), ["in member 1 (from 0)"]);
    }
    assert!(Ensemble::new(&[])?.run(&Pool::new(2)?, &()).is_empty());
    Ok(())
}

#[test]
fn logarithms_stay_finite_where_probabilities_vanish() -> Result<()> {
    let scores = |gap: f32| Tensor::from_rows(&[[0.0, gap], [1.0, 1.0]]);
    let (probabilities, logarithms) = mean_probabilities(&[scores(200.0)?, scores(300.0)?])?;
    assert_eq!(probabilities.data(), [0.0, 1.0, 0.5, 0.5]);
    // ln((e^−200 + e^−300)/2) = −200 − ln 2.
    assert!((logarithms.data()[0] + 200.693_15).abs() < 1e-3);
    assert!(mean_outputs(&[scores(0.0)?, Tensor::from_rows(&[[0.0_f32]])?]).is_err());
    assert!(mean_outputs(&[]).is_err());
    Ok(())
}
