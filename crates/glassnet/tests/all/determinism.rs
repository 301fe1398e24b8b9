//! The same settings give the same bits, whatever computes them.

use glassnet::Result;
use glassnet::engine::{self, Level, Pool};
use glassnet::train::{Config, Dataset, Record, Session, Shuffle};

use crate::tables::{bits, classes, config, network, values};

/// Networks that together use every kernel of a training.
const NETWORKS: [&str; 6] = [
    "4-8-3",
    "Sequential(Linear(4, 33), BatchNorm1d(33), GELU(), Dropout(p=0.3), Linear(33, 17), Tanh(), Linear(17, 3))",
    "Sequential(Linear(4, 19), LayerNorm(19), SiLU(), Residual(Linear(19, 19), PReLU(), Linear(19, 19)), Linear(19, 3))",
    "Sequential(Linear(4, 8), Formula('z*tanh(log(1+exp(z)))'), Softmax(dim=1), Linear(8, 3), LogSoftmax(dim=1))",
    "Sequential(Linear(4, 300), ELU(), Linear(300, 5), Softplus(), Linear(5, 3))",
    "Sequential(Linear(4, 8), Mish(), Linear(8, 8), Hardswish(), Linear(8, 8), Sigmoid(), Linear(8, 3))",
];

/// 200 steps, the last of each epoch on fewer rows.
fn settings() -> Result<Config> {
    let settings = config("CrossEntropyLoss()", "Adam(lr=0.01)")?;
    Ok(Config { epochs: 50, batch_size: 16, seed: 4, l1: 1e-4, ..settings })
}

fn train(notation: &str, data: &Dataset, config: &Config) -> Result<Record> {
    Session::new(network(notation)?, data, None, config)?.run(&mut ())
}

#[test]
fn the_same_settings_give_the_same_bits() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    for notation in NETWORKS {
        let (a, b) = (train(notation, &data, &settings()?)?, train(notation, &data, &settings()?)?);
        assert_eq!(a.history, b.history, "{notation}");
        assert_eq!(bits(a.network.state_dict()), bits(b.network.state_dict()), "{notation}");
    }
    Ok(())
}

#[test]
fn seed_and_order_matter() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let all = |config: &Config| -> Result<_> {
        Ok(bits(train(NETWORKS[1], &data, config)?.network.state_dict()))
    };
    let plain = settings()?;
    let seeds = [0, 1, u64::MAX].map(|seed| all(&Config { seed, ..plain.clone() }));
    let orders =
        [Shuffle::Torch, Shuffle::None].map(|shuffle| all(&Config { shuffle, ..plain.clone() }));
    let found: Vec<_> = seeds.into_iter().chain(orders).collect::<Result<_>>()?;
    for (at, one) in found.iter().enumerate() {
        assert!(!found[..at].contains(one), "run {at} is that of other settings");
    }
    Ok(())
}

#[test]
fn fusion_and_instruction_set_change_no_bit_in_200_steps() -> Result<()> {
    let (labels, numbers) = (classes(1, 50, 4, 3), values(1, 50));
    let regression = "Sequential(Linear(2, 21), ReLU6(), Linear(21, 2))";
    let huber = Config { ..config("HuberLoss()", "NAdam(lr=0.01)")? };
    let huber = Config { epochs: 50, batch_size: 16, ..huber };
    let cases = NETWORKS.map(|notation| (notation, &labels, settings()));
    for (notation, data, config) in cases.into_iter().chain([(regression, &numbers, Ok(huber))]) {
        let config = config?;
        let mut first: Option<Record> = None;
        for level in Level::supported() {
            for fuse in [true, false] {
                let engine = engine::Config { level, fuse, ..engine::Config::default() };
                let record = train(notation, data, &Config { engine, ..config.clone() })?;
                let Some(first) = &first else {
                    first = Some(record);
                    continue;
                };
                let what = format!("{notation} on {level}, fuse {fuse}");
                assert_eq!(first.history, record.history, "{what}");
                let (a, b) = (first.network.state_dict(), record.network.state_dict());
                assert_eq!(bits(a), bits(b), "{what}");
            }
        }
    }
    Ok(())
}

/// Networks whose layers fit registers, with every optimiser that has its step there and one that hasn't.
#[test]
fn what_fits_registers_has_the_bits_of_the_general_kernels() -> Result<()> {
    let (labels, more) = (classes(1, 18, 2, 2), classes(2, 10, 2, 3));
    for optimizer in
        ["SGD(lr=0.1)", "SGD(lr=0.1, momentum=0.9)", "Adam(lr=0.03)", "RMSprop(lr=0.01)"]
    {
        for (notation, data, batch_size) in [
            ("2-2-2", &labels, 4),
            ("2-3-2", &labels, 5),
            ("2-2-3", &more, 4),
            ("2-1-1-3", &more, 3),
        ] {
            let config = config("CrossEntropyLoss()", optimizer)?;
            let config = Config { epochs: 40, batch_size, seed: 4, ..config };
            let mut first: Option<Record> = None;
            for level in Level::supported() {
                for fuse in [false, true] {
                    let engine = engine::Config { level, fuse, ..engine::Config::default() };
                    let record = train(notation, data, &Config { engine, ..config.clone() })?;
                    let Some(first) = &first else {
                        first = Some(record);
                        continue;
                    };
                    let what = format!("{notation} by {optimizer} on {level}, fuse {fuse}");
                    assert_eq!(first.history, record.history, "{what}");
                    let (a, b) = (first.network.state_dict(), record.network.state_dict());
                    assert_eq!(bits(a), bits(b), "{what}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn an_epochs_order_is_a_function_of_seed_and_epoch() -> Result<()> {
    use crate::tables::Watcher;
    let orders = |rows: usize, epochs: usize, batch_size: usize| -> Result<Vec<Vec<usize>>> {
        let data = classes(1, rows, 4, 3);
        let config = Config { epochs, batch_size, ..settings()? };
        let mut watcher = Watcher::default();
        Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut watcher)?;
        let steps = rows.div_ceil(batch_size);
        let epochs = watcher.steps.chunks(steps);
        Ok(epochs.map(|epoch| epoch.iter().flat_map(|seen| seen.rows.clone()).collect()).collect())
    };
    let long = orders(50, 6, 16)?;
    assert_eq!(long[..3], orders(50, 3, 16)?, "however many epochs follow");
    assert_eq!(long, orders(50, 6, 7)?, "whatever the batch size");
    assert_ne!(long[0], long[1]);
    Ok(())
}

/// The hash of every weight after 200 steps is that of one thread's for any number of threads, level and division.
#[test]
fn the_number_of_threads_changes_no_bit_in_200_steps() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let wide = "Sequential(Linear(4, 260), ReLU(), Linear(260, 130), Tanh(), Linear(130, 3))";
    let adam = config("CrossEntropyLoss()", "Adam(lr=0.003)")?;
    let fused = Config { epochs: 50, batch_size: 16, seed: 4, ..adam };
    let unfused = settings()?;
    let cases = NETWORKS.map(|notation| (notation, &unfused));
    let cases = cases.into_iter().chain(NETWORKS.map(|notation| (notation, &fused)));
    for (notation, config) in cases.chain([(wide, &fused)]) {
        let alone = train(notation, &data, config)?;
        for threads in [1, 2, 3, 5, 8] {
            let levels: Vec<Level> = Level::supported().collect();
            let engine = engine::Config {
                level: levels[threads % levels.len()],
                pool: Some(Pool::new(threads)?),
                divide_always: threads != 2 || notation != wide,
                ..engine::Config::default()
            };
            let record = train(notation, &data, &Config { engine, ..config.clone() })?;
            let what = format!("{notation} on {threads} threads");
            assert_eq!(alone.history, record.history, "{what}");
            let (a, b) = (alone.network.state_dict(), record.network.state_dict());
            assert_eq!(bits(a), bits(b), "{what}");
        }
    }
    Ok(())
}
