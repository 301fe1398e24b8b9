//! What is measured: a network with rows of random numbers that fit it.

use glassnet::graph::{DType, Dim};
use glassnet::math::random::Stream;
use glassnet::nn::loss::Criterion;
use glassnet::nn::{Module, Network, Summary};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{Config, Dataset, Features, Target};
use glassnet::{Error, Result, Tensor};

use crate::args::{self, BenchLoss, Weights};
use crate::memory;
use crate::model::{self, Model};
use crate::terminal::Terminal;

/// A network, rows for it, and how it is trained.
pub(super) struct Case {
    pub(super) network: Network,
    pub(super) data: Dataset,
    pub(super) batch: usize,
    /// How many batches the data hold.
    pub(super) batches: usize,
    /// `None` where prediction alone is measured.
    pub(super) config: Option<Config>,
    /// Products of one row: of all layers, and of the first one that has any.
    macs: usize,
    first_macs: usize,
}

/// Batches are as many as fit in so many numbers, so that the data stay in the cache as a small table does, but at
/// least [`FEWEST`] and at most [`MOST`].
const RESIDENT: usize = 1 << 18;
const FEWEST: usize = 8;
const MOST: usize = 64;

impl Case {
    pub(super) fn new(
        args: &args::Bench,
        engine: &glassnet::engine::Config,
        terminal: &Terminal,
    ) -> Result<Self> {
        let optimizer = optimizer(args)?;
        let (network, summary) = network(args, terminal)?;
        let shape = Shapes::of(network.module())?;
        let batch = args.batch_size;
        let per_batch = batch.saturating_mul(shape.input_len().saturating_add(shape.output_len()));
        let batches = (RESIDENT / per_batch.max(1)).clamp(FEWEST, MOST);
        let networks = args.ensemble.unwrap_or(1);
        memory::check_many(&summary, networks, batch, per_batch.saturating_mul(batches))?;
        let data = data(&shape, args.loss, batch * batches)?;
        let config = match optimizer {
            Some(optimizer) => Some(Config {
                engine: engine.clone(),
                ..Config::new(criterion(args.loss)?, optimizer)
            }),
            None => None,
        };
        let first = summary.rows.iter().map(|row| row.macs_per_sample).find(|&macs| macs > 0);
        Ok(Case {
            network,
            data,
            batch,
            batches,
            config,
            macs: summary.macs_per_sample,
            first_macs: first.unwrap_or(0),
        })
    }

    /// Additions and multiplications of a forward pass's products.
    pub(super) fn operations_forward(&self) -> f64 {
        2.0 * self.batch as f64 * self.macs as f64
    }

    /// The same of a training step: forward, gradients of weights, gradients of inputs but for the first layer's.
    pub(super) fn operations_of_a_step(&self) -> f64 {
        2.0 * self.batch as f64 * (3.0 * self.macs as f64 - self.first_macs as f64)
    }
}

fn optimizer(args: &args::Bench) -> Result<Option<Optimizer>> {
    if args.optimizer == "none" {
        return match args.momentum {
            Some(_) => Err(Error::usage("prediction has no momentum")
                .at("--momentum")
                .help("leave it out, or choose --optimizer sgd")),
            None => Ok(None),
        };
    }
    let mut optimizer = Optimizer::parse(&args.optimizer)?;
    if let Some(momentum) = args.momentum {
        if !matches!(optimizer, Optimizer::Sgd(_) | Optimizer::RmsProp(_)) {
            return Err(Error::usage(format!("{} has no momentum", optimizer.name()))
                .at("--momentum")
                .help("leave it out, or choose --optimizer sgd"));
        }
        if !momentum.is_finite() || momentum < 0.0 {
            return Err(Error::usage(format!("{momentum} cannot be used"))
                .at("--momentum")
                .help("give a finite number of at least 0"));
        }
        optimizer = optimizer.with_momentum(momentum);
    }
    optimizer.validate()?;
    Ok(Some(optimizer))
}

fn criterion(loss: BenchLoss) -> Result<Criterion> {
    Criterion::parse(match loss {
        BenchLoss::CrossEntropy => "cross_entropy",
        BenchLoss::Mse => "mse",
    })
}

/// The network and its sizes; one that cannot fit memory is refused before its weights are made.
fn network(args: &args::Bench, terminal: &Terminal) -> Result<(Network, Summary)> {
    if model::is_notation(&args.net) {
        let module = glassnet::nn::parse(&args.net)?;
        let summary = module.summary(None)?;
        memory::check(&summary, args.batch_size, 0)?;
        return Ok((Network::new(module, 0)?, summary));
    }
    let network = match model::load(&args.net, &Weights::default(), terminal)? {
        Model::Bare(network) => network,
        Model::Trained(trained) => trained.network,
    };
    let summary = network.module().summary(None)?;
    Ok((network, summary))
}

/// The lengths of a row's input and output.
struct Shapes {
    input: Vec<usize>,
    output: Vec<usize>,
    /// For a network that begins with an embedding, how many indices there are.
    indices: Option<usize>,
    /// The columns that are codes, each with the number of them.
    codes: Vec<(usize, usize)>,
}

impl Shapes {
    fn of(module: &Module) -> Result<Self> {
        let untold = || {
            Error::usage("the layers don't tell how wide a row is")
                .help("begin the network with a Linear layer")
        };
        let lengths = |shape: Option<glassnet::graph::Shape>| -> Result<Vec<usize>> {
            let shape = shape.ok_or_else(untold)?;
            let fixed = |dim: &Dim| match dim {
                Dim::Fixed(length) => Some(*length),
                Dim::Batch => None,
            };
            Ok(shape.dims().iter().filter_map(fixed).collect())
        };
        let indices = match module.input_dtype() {
            DType::I64 => module.layers().iter().find_map(|(_, layer)| match layer {
                Module::Embedding(table) => Some(table.num_embeddings),
                _ => None, // not operations: other layers
            }),
            DType::F32 | DType::F64 | DType::Bool => None,
        };
        let codes = match module.layers().first() {
            Some((_, Module::EmbedColumns(columns))) => {
                let tables = columns.tables.iter();
                tables.map(|(column, table)| (*column, table.num_embeddings)).collect()
            }
            Some(_) | None => vec![],
        };
        Ok(Shapes {
            input: lengths(module.input_shape())?,
            output: lengths(module.output_shape())?,
            indices,
            codes,
        })
    }

    fn input_len(&self) -> usize {
        self.input.iter().product()
    }

    fn output_len(&self) -> usize {
        self.output.iter().product()
    }
}

/// Rows of numbers in ±1 with random targets, the same in every run.
fn data(shapes: &Shapes, loss: BenchLoss, rows: usize) -> Result<Dataset> {
    let mut stream = Stream::new(0, 0);
    let with_rows = |lengths: &[usize]| -> Vec<usize> { [&[rows], lengths].concat() };
    let mut floats = |lengths: &[usize], width: usize| {
        let mut values = vec![0.0; rows * width];
        stream.fill_uniform(&mut values);
        values.iter_mut().for_each(|value| *value = *value * 2.0 - 1.0);
        Tensor::new(with_rows(lengths), values)
    };
    let features = match shapes.indices {
        None => {
            let mut x = floats(&shapes.input, shapes.input_len())?;
            for &(column, count) in &shapes.codes {
                let codes = whole(&mut Stream::new(0, 3 + column as u64), x.len(), count);
                let width = shapes.input.last().copied().unwrap_or(1).max(1);
                let places = x.data_mut().iter_mut().skip(column).step_by(width);
                places.zip(codes).for_each(|(place, code)| *place = code as f32);
            }
            Features::Floats(x)
        }
        Some(count) => {
            let values = whole(&mut Stream::new(0, 1), rows * shapes.input_len(), count);
            Features::Indices(Tensor::new(with_rows(&shapes.input), values)?)
        }
    };
    let target = match loss {
        BenchLoss::Mse => Target::Values(floats(&shapes.output, shapes.output_len())?),
        BenchLoss::CrossEntropy => {
            let classes = shapes.output.last().copied().unwrap_or(0);
            if shapes.output.len() != 1 || classes == 0 {
                return Err(Error::usage("cross_entropy needs a network with one score per class")
                    .at("--loss")
                    .help("choose --loss mse"));
            }
            Target::Classes(whole(&mut Stream::new(0, 2), rows, classes))
        }
    };
    Dataset::new(features, target)
}

/// Whole numbers below `bound`.
fn whole(stream: &mut Stream, len: usize, bound: usize) -> Vec<i64> {
    (0..len).map(|_| stream.below(bound.max(1) as u64) as i64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use glassnet::ErrorKind;

    fn case(line: &str) -> Result<Case> {
        let words = ["glassnet", "bench"].into_iter().chain(line.split(' '));
        let cli = args::Cli::try_parse_from(words).expect("a command line");
        let terminal = Terminal::new(&cli.common);
        match cli.verb {
            Some(args::Verb::Bench(args)) => Case::new(&args, &Default::default(), &terminal),
            _ => panic!("another verb"),
        }
    }

    #[test]
    fn the_arithmetic_leaves_out_the_first_input_gradient() -> Result<()> {
        let case = case("6-32-32-32-4 --batch-size 80")?;
        let (first, rest) = (6 * 32, 32 * 32 * 2 + 32 * 4);
        assert_eq!(case.operations_forward(), 2.0 * 80.0 * f64::from(first + rest));
        assert_eq!(case.operations_of_a_step(), 2.0 * 80.0 * f64::from(2 * first + 3 * rest));
        assert_eq!(case.data.rows(), 80 * case.batches);
        Ok(())
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let refused = |line: &str| case(line).err().map(|error| error.kind());
        assert_eq!(refused("6-4 --optimizer adm"), Some(ErrorKind::Usage));
        assert_eq!(refused("6-4 --momentum 0.9"), Some(ErrorKind::Usage));
        assert_eq!(refused("6-4 --optimizer none --momentum 0.9"), Some(ErrorKind::Usage));
        assert_eq!(refused("6-4 --optimizer sgd --momentum=-1"), Some(ErrorKind::Usage));
        assert_eq!(refused("ReLU()"), Some(ErrorKind::Usage));
        assert_eq!(refused("6-4 --batch-size 18446744073709551615"), Some(ErrorKind::Limit));
        assert!(case("6-4 --optimizer sgd --momentum 0.9").is_ok());
    }

    #[test]
    fn columns_of_codes_are_fed_codes() -> Result<()> {
        let case =
            case("Sequential(EmbedColumns({'1':Embedding(20,4)}),Linear(6,2)) --batch-size 3")?;
        let Features::Floats(x) = case.data.features() else { panic!("indices") };
        let codes: Vec<f32> = (0..x.shape()[0]).map(|row| x.row(row)[1]).collect();
        assert!(codes.iter().all(|code| (0.0..20.0).contains(code) && code.fract() == 0.0));
        assert!(codes.iter().any(|&code| code > 9.0));
        Ok(())
    }

    #[test]
    fn embeddings_are_fed_indices() -> Result<()> {
        let case = case("Sequential(Embedding(20,4),Flatten(),Linear(12,2)) --batch-size 3")?;
        let Features::Indices(indices) = case.data.features() else { panic!("indices") };
        assert_eq!(indices.shape(), [3 * case.batches, 3]);
        assert!(indices.data().iter().all(|index| (0..20).contains(index)));
        Ok(())
    }
}
