//! Flags to the training's settings.

use std::path::PathBuf;

use glassnet::nn::loss::{Criterion, CrossEntropyLoss};
use glassnet::nn::{self, EmbedColumns, Module};
use glassnet::train::clip::Clip;
use glassnet::train::optimizer::Optimizer;
use glassnet::train::schedule::Schedule;
use glassnet::train::{Config, Shuffle};
use glassnet::{Error, Result, Tensor};
use glassnet_data::{EmbedOptions, Preprocessing};
use serde_json::json;

use crate::args::{ShuffleChoice, Train};
use crate::model;
use crate::usage::at_flag;

/// The largest number of epochs, and of rows per step.
const MOST: usize = 1 << 40;

/// The most networks that are trained at once.
const MOST_NETWORKS: usize = 10_000;

/// Checks the plain numbers before any file is read.
pub(super) fn check(args: &Train) -> Result<()> {
    if args.batch_size == 0 || args.batch_size > MOST {
        return Err(Error::usage(format!("the batch size is {}", args.batch_size))
            .at("--batch-size")
            .help("give at least 1"));
    }
    if args.epochs > MOST {
        return Err(Error::usage(format!("{} epochs never end", args.epochs))
            .at("--epochs")
            .help("give fewer"));
    }
    let numbers = [
        ("--momentum", args.momentum),
        ("--weight-decay", args.weight_decay),
        ("--l1", Some(args.l1)),
        ("--l2", Some(args.l2)),
        ("--clip-norm", args.clip_norm),
        ("--clip-value", args.clip_value),
    ];
    for (flag, value) in numbers.into_iter().chain(args.lr.iter().map(|lr| ("--lr", Some(*lr)))) {
        if let Some(value) = value.filter(|value| !value.is_finite() || *value < 0.0) {
            return Err(Error::usage(format!("{value} cannot be used"))
                .at(flag)
                .help("give a finite number of at least 0"));
        }
    }
    if let Some(p) = args.dropout.filter(|p| !(0.0..=1.0).contains(p)) {
        return Err(Error::usage(format!("{p} is no probability"))
            .at("--dropout")
            .help("give a number from 0 to 1"));
    }
    if args.split_by.as_ref() == Some(&args.target) {
        return Err(Error::usage(
            "the target cannot split the rows: a class would be on one side only",
        )
        .at("--split-by")
        .help("name another column, or leave it out"));
    }
    check_many(args)?;
    if args.split_by.is_some() && validation_part(args)?.is_none() && args.folds.is_none() {
        return Err(Error::usage("a validation table of its own leaves nothing to split")
            .at("--split-by")
            .help("drop the column with --drop, or give --validation a part such as 0.2"));
    }
    if !args.validation_labels.is_empty() && validation_part(args)?.is_some() {
        return Err(Error::usage("a part of the rows has its labels with them")
            .at("--validation-labels")
            .help("leave it out, or name a file of rows with --validation"));
    }
    optimizer(args)?;
    schedule(args)?;
    embedding(args)?;
    if let Some(net) = &args.net {
        parse_net(net)?;
    }
    if let Some(loss) = &args.loss {
        parse_loss(loss)?;
    }
    if args.net.is_none() {
        hidden(args)?;
        model::activation(&args.activation)?;
    }
    Ok(())
}

/// Checks the numbers of networks and folds, and what cannot be asked for together with them.
fn check_many(args: &Train) -> Result<()> {
    match args.ensemble {
        Some(count @ (0 | 1)) => {
            return Err(Error::usage(format!("{count} networks are no ensemble"))
                .at("--ensemble")
                .help("give at least 2, or leave it out to train one"));
        }
        Some(count) if count > MOST_NETWORKS => {
            return Err(Error::usage(format!("{count} networks are too many"))
                .at("--ensemble")
                .help(format!("give at most {MOST_NETWORKS}")));
        }
        Some(count) if args.seed.checked_add(count as u64 - 1).is_none() => {
            return Err(Error::usage("the seeds of the networks exceed 64 bits")
                .at("--seed")
                .help("give a smaller one"));
        }
        Some(_) | None => {}
    }
    match args.folds {
        Some(count @ (0 | 1)) => {
            return Err(Error::usage(format!("with --folds {count} nothing is left to train on"))
                .at("--folds")
                .help("give at least 2: each is measured with a network trained on the others"));
        }
        Some(count) if count.saturating_mul(args.ensemble.unwrap_or(1)) > MOST_NETWORKS => {
            return Err(Error::usage(format!("{count} folds are too many networks"))
                .at("--folds")
                .help(format!("at most {MOST_NETWORKS} networks are trained at once")));
        }
        Some(_) | None => {}
    }
    let sweep = args.lr.len() > 1;
    let many = match (args.ensemble, args.folds) {
        (None, None) if sweep => "a list of learning rates",
        (None, None) => return Ok(()),
        (Some(_), _) => "--ensemble",
        (None, Some(_)) => "--folds",
    };
    if sweep {
        check_rates(args, many)?;
    }
    let of_one = [
        ("--checkpoint", args.checkpoint.is_some()),
        ("--resume", args.resume.is_some()),
        ("--report", args.report.is_some()),
    ];
    match of_one.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            Err(Error::usage(format!("{flag} is about one training, {many} about many"))
                .at(flag)
                .help("leave out one of the two; --json and --history tell of many"))
        }
        None => Ok(()),
    }
}

/// Checks what several learning rates need: rows that tell which one is best, and nothing else that multiplies networks.
fn check_rates(args: &Train, many: &str) -> Result<()> {
    if args.lr.len() > MOST_NETWORKS {
        return Err(Error::usage(format!("{} learning rates are too many", args.lr.len()))
            .at("--lr")
            .help(format!("give at most {MOST_NETWORKS}")));
    }
    if args.ensemble.is_some() || args.folds.is_some() {
        return Err(Error::usage(format!("{many} takes one learning rate"))
            .at("--lr")
            .help(format!("choose one first, without {many}")));
    }
    if validation_part(args)? == Some(0.0) {
        return Err(Error::usage("without validation rows nothing tells which rate is best")
            .at("--lr")
            .help("give --validation a part such as 0.2, or one rate"));
    }
    Ok(())
}

/// The part of the rows to validate on; `None` when `--validation` names a file.
pub(super) fn validation_part(args: &Train) -> Result<Option<f64>> {
    match args.validation.to_str().unwrap_or_default().parse::<f64>() {
        Ok(part) if (0.0..1.0).contains(&part) => Ok(Some(part)),
        Ok(part) => Err(Error::usage(format!("the part {part} is not in [0, 1)"))
            .at("--validation")
            .help("give a part such as 0.2, 0 for none, or a table")),
        Err(_) => Ok(None),
    }
}

/// The table to validate on, if `--validation` names one.
pub(super) fn validation_file(args: &Train) -> Result<Option<PathBuf>> {
    Ok(validation_part(args)?.is_none().then(|| PathBuf::from(&args.validation)))
}

/// The network for the encoded columns.
pub(super) fn network(args: &Train, preprocessing: &Preprocessing) -> Result<Module> {
    let (width, outputs) = (preprocessing.width(), preprocessing.target().outputs());
    let columns = preprocessing.embed_columns(&embedding(args)?);
    if let Some(net) = &args.net {
        let module = parse_net(net)?;
        if let Some((_, Module::EmbedColumns(own))) = module.layers().first() {
            preprocessing.check_embed_columns(own).map_err(|error| at_flag(error, "--net"))?;
            fits(&module, width, outputs, preprocessing)?;
            return Ok(module);
        }
        fits(&module, width + columns.widening(), outputs, preprocessing)?;
        return Ok(behind(columns, module));
    }
    let mut from = width + columns.widening();
    let mut layers: Vec<Module> = vec![];
    if !columns.tables.is_empty() {
        layers.push(columns.into());
    }
    for &to in hidden(args)? {
        layers.push(nn::linear(from, to));
        layers.push(model::activation(&args.activation)?);
        if let Some(p) = args.dropout {
            layers.push(nn::dropout(p));
        }
        from = to;
    }
    layers.push(nn::linear(from, outputs));
    let module = nn::sequential(layers);
    module.validate().map_err(|error| at_flag(error, "--hidden"))?;
    Ok(module)
}

/// What becomes of columns of categories.
pub(super) fn embedding(args: &Train) -> Result<EmbedOptions> {
    EmbedOptions::parse(args.embedding.iter().map(String::as_str))
        .map_err(|error| at_flag(error, "--embedding"))
}

/// A network with the look-up of codes before it, if there are any.
fn behind(columns: EmbedColumns, module: Module) -> Module {
    if columns.tables.is_empty() {
        return module;
    }
    match module {
        Module::Sequential(inner) if inner.is_positional() => {
            let children = inner.children().iter().map(|(_, child)| child.clone());
            nn::sequential(std::iter::once(columns.into()).chain(children))
        }
        module => nn::sequential([columns.into(), module]),
    }
}

/// The widths between input and output.
fn hidden(args: &Train) -> Result<&[usize]> {
    if args.hidden == [0] {
        return Ok(&[]);
    }
    if args.hidden.contains(&0) {
        return Err(Error::usage("a hidden layer cannot have 0 units")
            .at("--hidden")
            .help("give 0 alone for none"));
    }
    Ok(&args.hidden)
}

fn parse_net(net: &str) -> Result<Module> {
    if model::is_notation(net) {
        return nn::parse(net).map_err(|error| at_flag(error, "--net"));
    }
    Err(Error::usage(format!("{net:?} is no network"))
        .at("--net")
        .help("write 6-32-4 or 'Sequential(Linear(6, 32), ReLU(), Linear(32, 4))'"))
}

/// Checks a given network against the encoded columns and the target.
fn fits(
    module: &Module,
    width: usize,
    outputs: usize,
    preprocessing: &Preprocessing,
) -> Result<()> {
    if let Some(found) = module.in_features().filter(|&found| found != width) {
        return Err(Error::usage(format!(
            "the network takes {found} features, the table gives {width}"
        ))
        .at("--net")
        .help(format!("write {width} for its input, or use --hidden, which adapts"))
        .detail(format!("the features are {}", described_features(preprocessing, width))));
    }
    module.summary(Some(glassnet::graph::Shape::batch([width])))?;
    if let Some(found) = module.out_features().filter(|&found| found != outputs) {
        let why = match preprocessing.target().classes() {
            Some(classes) => format!("the target has the {outputs} classes {}", classes.join(", ")),
            None if outputs == 1 => "the target is one number".to_owned(),
            None => format!("the targets are {}", preprocessing.target().columns().join(", ")),
        };
        return Err(Error::usage(format!(
            "the network gives {found} outputs, {outputs} are needed"
        ))
        .at("--net")
        .help(format!("write {outputs} for its output"))
        .detail(why));
    }
    Ok(())
}

/// The features' names; where a network comes behind the look-up of codes, with how many numbers each code gives it.
fn described_features(preprocessing: &Preprocessing, width: usize) -> String {
    let names = preprocessing.feature_names();
    let codes = preprocessing.features().iter().filter(|feature| feature.codes().is_some());
    let looked_up: Vec<&str> = codes.map(|feature| feature.column.as_str()).collect();
    let all = names.join(", ");
    match width == names.len() {
        true => all,
        false => format!("{all}; rows of tables stand in the place of {}", looked_up.join(", ")),
    }
}

fn parse_loss(text: &str) -> Result<Criterion> {
    Criterion::parse(text).map_err(|error| at_flag(error, "--loss"))
}

fn optimizer(args: &Train) -> Result<Optimizer> {
    let at = |error| at_flag(error, "--optimizer");
    let mut optimizer = Optimizer::parse(&args.optimizer).map_err(at)?;
    if let Some(&lr) = args.lr.first() {
        optimizer = optimizer.with_lr(lr);
    }
    if let Some(momentum) = args.momentum {
        if optimizer.momentum().is_none()
            || matches!(optimizer.name(), "Adam" | "AdamW" | "NAdam" | "RAdam")
        {
            return Err(Error::usage(format!("{} has no momentum", optimizer.name()))
                .at("--momentum")
                .help("use sgd or rmsprop, or set betas in the optimiser's expression"));
        }
        optimizer = optimizer.with_momentum(momentum);
    }
    if let Some(decay) = args.weight_decay {
        optimizer = optimizer.with_weight_decay(decay);
    }
    optimizer.validate().map_err(at)?;
    Ok(optimizer)
}

fn schedule(args: &Train) -> Result<Option<Schedule>> {
    let parse = |text| Schedule::parse(text).map_err(|error| at_flag(error, "--schedule"));
    args.schedule.as_deref().map(parse).transpose()
}

/// All settings of the training; of a target of classes the training rows have so many of each.
pub(super) fn config(
    args: &Train,
    preprocessing: &Preprocessing,
    class_sizes: &[usize],
) -> Result<Config> {
    let criterion = criterion(args, preprocessing, class_sizes)?;
    let clip = match (args.clip_norm, args.clip_value) {
        (Some(max_norm), _) => Some(Clip::Norm { max_norm, norm_type: 2.0 }),
        (None, Some(clip_value)) => Some(Clip::Value { clip_value }),
        (None, None) => None,
    };
    Ok(Config {
        schedule: schedule(args)?,
        clip,
        l1: args.l1,
        l2: args.l2,
        epochs: args.epochs,
        batch_size: args.batch_size,
        shuffle: match args.shuffle {
            ShuffleChoice::Own => Shuffle::Own,
            ShuffleChoice::Torch => Shuffle::Torch,
            ShuffleChoice::None => Shuffle::None,
        },
        seed: args.seed,
        patience: (args.patience > 0).then_some(args.patience),
        ..Config::new(criterion, optimizer(args)?)
    })
}

fn criterion(
    args: &Train,
    preprocessing: &Preprocessing,
    class_sizes: &[usize],
) -> Result<Criterion> {
    let classes = preprocessing.target().classes();
    let default = if classes.is_some() { "cross_entropy" } else { "mse" };
    let mut criterion = parse_loss(args.loss.as_deref().unwrap_or(default))?;
    // Numbers are standardised: a loss of probabilities, counts or variances has no meaning for them.
    let fits = match classes {
        Some(_) => matches!(criterion, Criterion::CrossEntropyLoss(_) | Criterion::NLLLoss(_)),
        None => matches!(
            criterion,
            Criterion::MSELoss(_)
                | Criterion::L1Loss(_)
                | Criterion::SmoothL1Loss(_)
                | Criterion::HuberLoss(_)
        ),
    };
    if !fits {
        let (kind, help) = match classes {
            Some(_) => ("classes", "use cross_entropy, or --task regression"),
            None => ("a number", "use mse, l1, smooth_l1 or huber, or --task classification"),
        };
        return Err(Error::usage(format!("{criterion} cannot learn a target of {kind}"))
            .at("--loss")
            .help(help));
    }
    if matches!(criterion, Criterion::NLLLoss(_)) && args.net.is_none() {
        return Err(Error::usage(
            "nll learns from log-probabilities, and --hidden ends in raw scores",
        )
        .at("--loss")
        .help("use cross_entropy, or --net with LogSoftmax(dim=1) at its end"));
    }
    if let Some(given) = &args.class_weight {
        let weight = class_weights(given, classes.unwrap_or(&[]), class_sizes)?;
        match &mut criterion {
            Criterion::CrossEntropyLoss(CrossEntropyLoss { weight: place, .. }) => {
                *place = Some(weight)
            }
            Criterion::NLLLoss(loss) => loss.weight = Some(weight),
            _ => {
                return Err(no_class_weights());
            }
        }
    }
    criterion.check().map_err(|error| at_flag(error, "--loss"))?;
    Ok(criterion)
}

fn no_class_weights() -> Error {
    Error::usage("only a target of classes has class weights")
        .at("--class-weight")
        .help("leave it out, or use --task classification")
}

/// `balanced`: rows / (classes × rows of the class), scikit-learn's rule; else one number per class.
fn class_weights(given: &str, classes: &[String], sizes: &[usize]) -> Result<Tensor<f64>> {
    if given != "balanced" {
        let weights: std::result::Result<Vec<f64>, _> =
            given.split(',').map(|text| text.trim().parse()).collect();
        let usable = |weights: &[f64]| {
            weights.len() == classes.len()
                && weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
                && weights.iter().any(|weight| *weight > 0.0)
        };
        return match weights {
            Ok(weights) if usable(&weights) => Tensor::new([weights.len()], weights),
            Ok(_) | Err(_) => {
                Err(Error::usage(format!("{given:?} is not one number of at least 0 per class"))
                    .at("--class-weight")
                    .help(format!(
                        "give balanced, or {} numbers for {}",
                        classes.len(),
                        classes.join(", ")
                    )))
            }
        };
    }
    if classes.is_empty() {
        return Err(no_class_weights());
    }
    let rows: usize = sizes.iter().sum();
    let weight = |&size: &usize| match size {
        0 => 0.0,
        size => rows as f64 / (classes.len() * size) as f64, // not operations: a class with rows
    };
    Tensor::new([classes.len()], sizes.iter().map(weight).collect())
}

/// The settings that weights depend on, by flag: what a checkpoint must agree with.
pub(super) fn described(args: &Train) -> serde_json::Value {
    json!({
        "target": args.target,
        "loss": args.loss,
        "class_weight": args.class_weight,
        "optimizer": args.optimizer,
        "lr": args.lr.first(),
        "momentum": args.momentum,
        "weight_decay": args.weight_decay,
        "l1": args.l1,
        "l2": args.l2,
        "clip_norm": args.clip_norm,
        "clip_value": args.clip_value,
        "schedule": args.schedule,
        "batch_size": args.batch_size,
        "patience": args.patience,
        "seed": args.seed,
        "shuffle": format!("{:?}", args.shuffle).to_lowercase(),
        "validation": args.validation.to_string_lossy(),
        "split_by": args.split_by,
        "drop": args.drop,
        "features": args.features,
        "weight": args.weight,
        "embedding": (args.embedding != ["auto"]).then_some(&args.embedding),
    })
}
