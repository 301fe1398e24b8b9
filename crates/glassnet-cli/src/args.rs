//! The command line's verbs and flags.

mod reading;
mod weights;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use reading::Reading;
pub(crate) use weights::Weights;

/// Train feed-forward networks on the CPU, and open every number to the computation that made it.
#[derive(Debug, Parser)]
#[command(
    name = "glassnet",
    disable_version_flag = true,
    after_help = "Examples:\n  \
        glassnet train data/seattle-weather.csv --target season --split-by month\n  \
        glassnet predict model.safetensors new-days.csv\n  \
        glassnet summary 6-32-32-32-4\n\n\
        A network is a PyTorch expression 'Sequential(Linear(6, 32), ReLU(), Linear(32, 4))', the short form\n\
        6-32-4 (ReLU between; 6-32t-4 for tanh, s sigmoid, g GELU, l linear), or a model file; one network of an\n\
        ensemble's file is named model.safetensors#3."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    /// Print the version; with --verbose also the processor, threads and a self-test of the kernels.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    /// With --version: tell about the processor and test the kernels against f64.
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags that every verb takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Print one JSON document to stdout instead of text.
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// How documents are printed: for the terminal, as Markdown, LaTeX or HTML, or as JSON.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        conflicts_with = "json",
        help_heading = "Everywhere"
    )]
    pub(crate) format: FormatChoice,
    /// Print no progress and no notes.
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
    /// When to colour: terminals only (auto), always, never. NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value = "auto", help_heading = "Everywhere")]
    pub(crate) color: Color,
    /// How many threads may be used: a number, or auto for as many as may run at the same time. The results have the same
    /// bits for any.
    #[arg(long, global = true, default_value = "auto", value_parser = threads, allow_negative_numbers = true, help_heading = "Everywhere")]
    pub(crate) threads: Threads,
}

/// How documents are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatChoice {
    /// For the terminal.
    Text,
    /// Markdown with LaTeX mathematics.
    Markdown,
    /// A LaTeX document.
    Latex,
    /// One self-contained HTML file.
    Html,
    /// As --json.
    Json,
}

/// A number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// As many as may run at the same time.
    Auto,
    /// So many.
    Count(usize),
}

/// A whole number, refused in plain words.
pub(crate) fn whole<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let help = if digits { "give a smaller number" } else { "give a whole number of at least 0" };
    text.parse().map_err(|_| help.into())
}

pub(crate) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "give a number such as 0.01".into())
}

fn threads(text: &str) -> Result<Threads, String> {
    match text {
        "auto" => Ok(Threads::Auto),
        text => match text.parse() {
            Ok(count @ 1..=1024) => Ok(Threads::Count(count)),
            Ok(_) | Err(_) => Err("give a whole number from 1 to 1024, or auto".into()),
        },
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Learn to predict a column of a table.
    Train(Box<Train>),
    /// Predict the rows of a table.
    Predict(Predict),
    /// Measure a model on a table that has the target.
    Evaluate(Evaluate),
    /// Show a network's layers, shapes and numbers of weights.
    Summary(Summary),
    /// Show how a network computes its output, and how a gradient comes about, number by number.
    Explain(crate::explain::Explain),
    /// Differentiate a formula in z step by step, with the name of every rule.
    Derive(crate::derive::Derive),
    /// Work an explanation out with your numbers: softmax, activations, collapse, basis, logistic, manual.
    Worked(crate::worked::Worked),
    /// Print a lesson of the exercise, made live; without a number, list them.
    Lesson(crate::lesson::Lesson),
    /// Make a fresh variant of a task, with its worked solution on request.
    Exercise(crate::exercise::Exercise),
    /// Write a model file in another format: safetensors, ONNX, NumPy's .npz, PyTorch's .pt (read only).
    Convert(crate::convert::Convert),
    /// Say which units are dead, always active, constant or copies of others: for a table, a domain, or every input.
    Units(Box<crate::units::Units>),
    /// Make a network smaller without changing what it computes, with a certificate.
    Simplify(Box<crate::simplify::Simplify>),
    /// Decide whether two networks compute the same.
    Equal(Box<crate::equal::Equal>),
    /// Give hidden layers more units without changing what the network computes.
    Widen(crate::simplify::Widen),
    /// Add a layer without changing what the network computes.
    Deepen(crate::simplify::Deepen),
    /// Check a certificate that two networks compute the same, in exact arithmetic.
    VerifyCertificate(crate::simplify::VerifyCertificate),
    /// Prove a property of a network for every input of a box, or find an input that breaks it.
    Prove(crate::prove::Prove),
    /// Measure how fast a network trains and predicts here.
    Bench(Bench),
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Example:\n  glassnet completions bash > ~/.local/share/bash-completion/completions/glassnet"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `glassnet train`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet train data/seattle-weather.csv --target season --split-by month\n  \
    glassnet train data/digits.csv --target digit --hidden 64 --epochs 30\n  \
    glassnet train data/autompg.csv --target mpg --loss huber --json\n  \
    glassnet train data/autompg.csv --target mpg --folds 5\n  \
    glassnet train train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz\n  \
    glassnet train data/seattle-weather.csv --target season --split-by month --ensemble 8")]
pub(crate) struct Train {
    /// The table: CSV with a header, Parquet, NumPy's .npy or .npz, IDX, perhaps compressed with gzip or zstd; - for stdin.
    /// Of several files, or of a pattern such as 'data/part-*.csv', the rows follow each other.
    #[arg(required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// The column to predict, or several of numbers with commas between; of an array also its number, counted from 0. With
    /// --labels what their column is called.
    #[arg(
        long,
        required = false,
        required_unless_present = "labels",
        default_value_if("labels", clap::builder::ArgPredicate::IsPresent, "label")
    )]
    pub(crate) target: String,
    /// The file of what is to be predicted, where it stands apart from the rows: MNIST's labels, y.npy.
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub(crate) labels: Vec<PathBuf>,
    /// The network: a PyTorch expression or the short form; its width must match the encoded columns.
    #[arg(long, conflicts_with_all = ["hidden", "activation", "dropout"], help_heading = "Network")]
    pub(crate) net: Option<String>,
    /// Widths of the hidden layers; 0 for none.
    #[arg(long, value_delimiter = ',', default_value = "32,32", value_parser = whole::<usize>, allow_negative_numbers = true, value_name = "N,…", help_heading = "Network")]
    pub(crate) hidden: Vec<usize>,
    /// The activation between layers: a torch.nn name such as relu, tanh, gelu, or a formula in z such as 'z*sigmoid(z)'.
    #[arg(long, default_value = "relu", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) activation: String,
    /// Dropout after every hidden layer with this probability.
    #[arg(long, value_name = "P", value_parser = number, allow_negative_numbers = true, help_heading = "Network")]
    pub(crate) dropout: Option<f64>,
    /// Whether the target is a class or a number.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) task: TaskChoice,
    /// cross_entropy (the default for classes), mse (for numbers), l1, huber, smooth_l1, … or an expression such as
    /// 'CrossEntropyLoss(label_smoothing=0.1)'.
    #[arg(long, help_heading = "Learning")]
    pub(crate) loss: Option<String>,
    /// sgd, adam, adamw, nadam, radam, rmsprop, adagrad, adadelta, or an expression such as 'SGD(lr=0.1, nesterov=True,
    /// momentum=0.9)'.
    #[arg(long, default_value = "adam", help_heading = "Learning")]
    pub(crate) optimizer: String,
    /// The learning rate, instead of the optimiser's own. Of several, X,X,…, each trains a network, and the one with the
    /// lowest validation loss is the model.
    #[arg(long, value_delimiter = ',', value_parser = number, allow_negative_numbers = true, value_name = "X,…", help_heading = "Learning")]
    pub(crate) lr: Vec<f64>,
    /// The momentum of SGD or RMSprop.
    #[arg(long, value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) momentum: Option<f64>,
    /// The optimiser's weight decay.
    #[arg(long, value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) weight_decay: Option<f64>,
    /// A penalty of so much times the sum of all absolute weights.
    #[arg(long, default_value_t = 0.0, value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) l1: f64,
    /// A penalty of so much times the sum of all squared weights.
    #[arg(long, default_value_t = 0.0, value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) l2: f64,
    /// Cut the gradient to this norm.
    #[arg(long, conflicts_with = "clip_value", value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) clip_norm: Option<f64>,
    /// Cut every element of the gradient to this size.
    #[arg(long, value_parser = number, allow_negative_numbers = true, value_name = "X", help_heading = "Learning")]
    pub(crate) clip_value: Option<f64>,
    /// How the learning rate changes: an expression such as 'StepLR(step_size=30)' or
    /// 'OneCycleLR(max_lr=0.01, total_steps=1000)'.
    #[arg(long, help_heading = "Learning")]
    pub(crate) schedule: Option<String>,
    /// How often every row is visited at most.
    #[arg(long, default_value_t = 100, value_parser = whole::<usize>, allow_negative_numbers = true, value_name = "N", help_heading = "Learning")]
    pub(crate) epochs: usize,
    /// Rows per step.
    #[arg(long, default_value_t = 32, value_parser = whole::<usize>, allow_negative_numbers = true, value_name = "N", help_heading = "Learning")]
    pub(crate) batch_size: usize,
    /// Stop when the validation loss has not improved for so many epochs; 0 never stops early.
    #[arg(long, default_value_t = 20, value_parser = whole::<usize>, allow_negative_numbers = true, value_name = "N", help_heading = "Learning")]
    pub(crate) patience: usize,
    /// balanced: rare classes count more; or a weight per class, in the classes' order.
    #[arg(
        long,
        value_name = "balanced|W,…",
        allow_hyphen_values = true,
        help_heading = "Learning"
    )]
    pub(crate) class_weight: Option<String>,
    /// Of the split, the initial weights, the order of rows and dropout.
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>, allow_negative_numbers = true, value_name = "N", help_heading = "Learning")]
    pub(crate) seed: u64,
    /// The order of rows: our own permutations, torch's randperm, or none.
    #[arg(long, value_enum, default_value = "own", help_heading = "Learning")]
    pub(crate) shuffle: ShuffleChoice,
    /// Train N networks with the seeds SEED, SEED+1, … on the same rows; the model is all of them, and predicts the mean
    /// of their probabilities or values. One of them is named MODEL#0, MODEL#1, …
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = "Many networks")]
    pub(crate) ensemble: Option<usize>,
    /// Cross-validation: the rows in K parts, each measured with a network that was trained on the others alone. The model
    /// that is saved is the one that the command gives without --folds.
    #[arg(long, value_name = "K", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = "Many networks")]
    pub(crate) folds: Option<usize>,
    /// The part of the rows kept aside to watch the training, or a table or pattern of files; 0 for none.
    #[arg(
        long,
        default_value = "0.2",
        allow_negative_numbers = true,
        value_name = "PART|FILE",
        help_heading = "Data"
    )]
    pub(crate) validation: OsString,
    /// Rows with the same value in this column stay together when the table is split; the column is no feature.
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) split_by: Option<String>,
    /// A table, or a pattern of files, that is only measured at the end.
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub(crate) test: Option<PathBuf>,
    /// The labels of --test, where they stand apart from the rows.
    #[arg(long, value_name = "FILE", requires = "test", help_heading = "Data")]
    pub(crate) test_labels: Vec<PathBuf>,
    /// The labels of --validation FILE, where they stand apart from the rows.
    #[arg(long, value_name = "FILE", requires = "validation", help_heading = "Data")]
    pub(crate) validation_labels: Vec<PathBuf>,
    /// Columns that are no features.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…", help_heading = "Data")]
    pub(crate) drop: Vec<String>,
    /// The only columns that are features.
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…", help_heading = "Data")]
    pub(crate) features: Vec<String>,
    /// Columns of categories that become codes, which look up rows of trained tables (embeddings), perhaps with the rows'
    /// length; and what becomes of the other columns of categories: auto (a feature per category up to 50 of them, codes
    /// above), never, or always. The length is min(600, round(1.6 n^0.56)) for n codes unless you give one.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "auto",
        value_name = "auto|never|always|COLUMN[=N],…",
        help_heading = "Data"
    )]
    pub(crate) embedding: Vec<String>,
    /// A column of row weights.
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub(crate) weight: Option<String>,
    /// The most memory that the table may take, such as 512MB or 4GB: half of what is free unless said. Of a larger table the
    /// rows are kept in a temporary file (in TMPDIR) and read from there, a part at a time.
    #[arg(long, value_name = "SIZE", value_parser = crate::scratch::parse_size, help_heading = "Data")]
    pub(crate) memory: Option<usize>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Where the model goes (model.safetensors, which may replace a model that glassnet wrote).
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
    /// A CSV file of every epoch's losses and metrics.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) history: Option<PathBuf>,
    /// A report of the run to read: data, network, settings, curves of the losses, scores, and what they mean. The ending
    /// decides how it is written: .html, .md, .tex, .json or .txt.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) report: Option<PathBuf>,
    /// Save the state of the training after every epoch.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on from a checkpoint, as if it had never stopped.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) resume: Option<PathBuf>,
    /// Replace outputs that exist.
    #[arg(long, help_heading = "Output")]
    pub(crate) force: bool,
}

/// Whether the target is a class or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskChoice {
    /// Decided by the column: text is a class; whole numbers of few values are classes; other numbers are numbers.
    Auto,
    /// A class.
    Classification,
    /// A number.
    Regression,
}

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShuffleChoice {
    /// Our own permutations.
    Own,
    /// `torch.randperm`.
    Torch,
    /// The table's order.
    None,
}

/// `glassnet predict`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet predict model.safetensors new-days.csv --output seasons.csv\n  \
    glassnet predict 2-2-2 x.csv --weights weights.safetensors --softmax\n  \
    glassnet predict checkpoint.pt x.csv --activation relu")]
pub(crate) struct Predict {
    /// A model file, or a bare network.
    pub(crate) model: OsString,
    /// The table, or several files or a pattern; - for stdin.
    #[arg(required = true)]
    pub(crate) data: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// Where the predictions go instead of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace an output that exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// With two classes: predict the second one from this probability on.
    #[arg(long, value_name = "P", value_parser = number, allow_negative_numbers = true)]
    pub(crate) threshold: Option<f64>,
    /// A bare network's outputs are logits: print softmax of them.
    #[arg(long)]
    pub(crate) softmax: bool,
    /// The table of a bare network has no header.
    #[arg(long)]
    pub(crate) no_header: bool,
    /// What to do with categories that the training did not have.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) unseen: Unseen,
    /// What to do with gaps in columns that had none in the training.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) gaps: Gaps,
    /// Quote cells that a spreadsheet would take for formulas.
    #[arg(long)]
    pub(crate) spreadsheet_safe: bool,
    /// The most memory that the table may take, such as 512MB or 4GB: half of what is free unless said. A larger table is
    /// kept in a temporary file (in TMPDIR), and predicted a part at a time.
    #[arg(long, value_name = "SIZE", value_parser = crate::scratch::parse_size)]
    pub(crate) memory: Option<usize>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// What to do with categories that the training did not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unseen {
    /// Refuse the table.
    Error,
    /// Encode them as none of the known ones.
    Ignore,
}

/// What to do with gaps in columns that had none in the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Gaps {
    /// Refuse the table.
    Error,
    /// Fill them with the training rows' median or most frequent value.
    Fill,
}

/// `glassnet evaluate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  glassnet evaluate model.safetensors data/seattle-weather.csv")]
pub(crate) struct Evaluate {
    /// A model file, or a bare network.
    pub(crate) model: OsString,
    /// A table with the target, or several files or a pattern; - for stdin.
    #[arg(required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// The file of the target, where it stands apart from the rows: MNIST's labels, y.npy.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// The target column of a bare network (its last one unless given).
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// The loss of a bare network: cross_entropy (the default), mse, …
    #[arg(long)]
    pub(crate) loss: Option<String>,
    /// The table of a bare network has no header.
    #[arg(long)]
    pub(crate) no_header: bool,
    /// Also measure how much worse each column's shuffling makes the model.
    #[arg(long)]
    pub(crate) importance: bool,
    /// What to do with gaps in columns that had none in the training.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) gaps: Gaps,
    /// What to do with categories that the training did not have.
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) unseen: Unseen,
    /// The most memory that the table may take, such as 512MB or 4GB: half of what is free unless said. A larger table is
    /// kept in a temporary file (in TMPDIR), and predicted a part at a time; all of its rows are measured.
    #[arg(long, value_name = "SIZE", value_parser = crate::scratch::parse_size)]
    pub(crate) memory: Option<usize>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// `glassnet summary`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  glassnet summary 6-32-32-32-4\n  \
    glassnet summary checkpoint.pt --activation relu\n  \
    glassnet summary 6-32-32-32-4 --explain --examples 80")]
pub(crate) struct Summary {
    /// A network or a model file.
    pub(crate) model: OsString,
    /// The activation between the layers of a file that holds weights alone, such as .pt.
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub(crate) activation: Option<String>,
    /// Show how the number of weights comes about, layer by layer, multiplicative weights and biases apart.
    #[arg(long)]
    pub(crate) explain: bool,
    /// With --explain: how many examples there are; it does not matter for the number of weights.
    #[arg(long, value_name = "N", value_parser = whole::<u64>, allow_negative_numbers = true, requires = "explain")]
    pub(crate) examples: Option<u64>,
}

/// `glassnet bench`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  glassnet bench 784-128-64-10 --batch-size 64\n  \
    glassnet bench 6-32-32-32-4 --batch-size 80 --ensemble 64")]
pub(crate) struct Bench {
    /// The network.
    pub(crate) net: String,
    /// Rows per step.
    #[arg(long, default_value_t = 64, value_parser = whole::<usize>, allow_negative_numbers = true, value_name = "N")]
    pub(crate) batch_size: usize,
    /// adam, sgd, or none to measure prediction alone.
    #[arg(long, default_value = "adam")]
    pub(crate) optimizer: String,
    /// The momentum of SGD.
    #[arg(long, value_parser = number, allow_negative_numbers = true, value_name = "X")]
    pub(crate) momentum: Option<f64>,
    /// The loss.
    #[arg(long, value_enum, default_value = "cross_entropy")]
    pub(crate) loss: BenchLoss,
    /// Train so many networks of this shape at once; the time is that of a step of one of them.
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_negative_numbers = true)]
    pub(crate) ensemble: Option<usize>,
    /// How long to measure.
    #[arg(long, default_value_t = 2.0, value_parser = number, allow_negative_numbers = true, value_name = "X")]
    pub(crate) seconds: f64,
}

/// The losses that `bench` measures with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum BenchLoss {
    /// Softmax cross-entropy against random classes.
    CrossEntropy,
    /// Mean squared error against random numbers.
    Mse,
}
