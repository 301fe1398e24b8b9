//! `glassnet simplify`, `widen`, `deepen`, `verify-certificate`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use glassnet::checker::{Certificate, Proof, Verdict};
use glassnet::graph::op::Source;
use glassnet::nn::Network;
use glassnet::simplify::{self, Config, Simplified};
use glassnet::{Error, Result};
use glassnet_formats::{
    Card, Format, ModelFile, OnnxExport, read_onnx, write_onnx, write_onnx_table,
};
use serde_json::json;

use crate::args::{Reading, Weights, number};
use crate::convert::columns;
use crate::domain;
use crate::model::{self, Model};
use crate::output::{self, Output, Replace};
use crate::said::Said;
use crate::shown;
use crate::terminal::Terminal;

/// `glassnet simplify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet simplify model.safetensors --output smaller.safetensors\n  \
    glassnet simplify checkpoint.pt --activation relu --domain 0..1 --output smaller.onnx\n  \
    glassnet simplify model.safetensors --domain data/digits.csv --output smaller.safetensors\n\n\
    A table's model keeps its columns and classes: an .onnx of it takes columns too, unless the model\n\
    was an .onnx that doesn't.\n\
    The certificate is written beside the output, as NAME.certificate.json; glassnet verify-certificate checks it.")]
pub(crate) struct Simplify {
    /// The network: a PyTorch expression, the short form, or a model file.
    pub(crate) network: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// Where the smaller network is written: .safetensors or .onnx.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The inputs on which the network must stay the same: lo..hi for all, one for each with commas between, or a table
    /// for the box of its rows. Without it: all inputs.
    #[arg(long, allow_hyphen_values = true, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// How much wider the box of a table is taken, on each side, as a share of its width.
    #[arg(long, default_value_t = 0.1, value_parser = number, allow_negative_numbers = true)]
    pub(crate) margin: f64,
    /// Merge units that are nearly alike too, as long as no output provably moves by more than this on the domain.
    #[arg(long, value_name = "EPSILON", value_parser = number, allow_negative_numbers = true)]
    pub(crate) tolerance: Option<f64>,
    /// Replace an output that exists.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// `glassnet widen`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  glassnet widen model.safetensors --hidden 64,64 --output wider.safetensors"
)]
pub(crate) struct Widen {
    /// The network: a PyTorch expression, the short form, or a model file.
    pub(crate) network: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// The hidden layers' new widths.
    #[arg(long, value_delimiter = ',', required = true, value_parser = crate::args::whole::<usize>, allow_negative_numbers = true, value_name = "N,…")]
    pub(crate) hidden: Vec<usize>,
    /// Where the wider network is written: .safetensors or .onnx.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace an output that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `glassnet deepen`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  glassnet deepen model.safetensors --behind 1 --output deeper.safetensors"
)]
pub(crate) struct Deepen {
    /// The network: a PyTorch expression, the short form, or a model file.
    pub(crate) network: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// The name of the ReLU behind which a layer is added.
    #[arg(long, value_name = "LAYER")]
    pub(crate) behind: String,
    /// Where the deeper network is written: .safetensors or .onnx.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace an output that exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `glassnet verify-certificate`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet verify-certificate model.safetensors smaller.safetensors smaller.safetensors.certificate.json\n  \
    glassnet verify-certificate acasxu.onnx prop_3.vnnlib prop_3.proof.json")]
pub(crate) struct VerifyCertificate {
    /// The first network; of a proof the network that it is about.
    pub(crate) a: OsString,
    /// The second network; of a proof the property.
    pub(crate) b: OsString,
    /// The certificate, or the proof that prove --proof wrote.
    pub(crate) certificate: PathBuf,
    #[command(flatten)]
    pub(crate) weights: Weights,
}

/// The network within a model, and what the model says beside it.
pub(crate) fn parts(model: &Model) -> (&Network, Option<&Card>) {
    match model {
        Model::Bare(network) => (network, None),
        Model::Trained(trained) => (&trained.network, Some(&trained.card)),
    }
}

/// Says what of two models is compared.
pub(crate) fn note_compared(models: [&Model; 2], terminal: &Terminal) {
    if models.iter().any(|model| matches!(model, Model::Trained(_))) {
        terminal.note(
            "the networks are compared, from encoded columns to scores; their preprocessing and the names of their classes are not",
        );
    }
}

pub(crate) fn run(args: &Simplify, terminal: &mut Terminal) -> Result<u8> {
    said(args, terminal)?.tell(terminal)
}

/// Writes the smaller network and its certificate, and says what was removed.
pub(crate) fn said(args: &Simplify, terminal: &Terminal) -> Result<Said> {
    if args.tolerance.is_some() && args.domain.is_none() {
        return Err(Error::usage(
            "how far outputs may move can only be told of inputs that have bounds",
        )
        .at("--tolerance")
        .help("give --domain too: -1..1, one range per input, or a table"));
    }
    let outputs = Outputs::prepare(&args.output, args.force, &args.network)?;
    let model = model::load(&args.network, &args.weights, terminal)?;
    let (network, card) = parts(&model);
    let domain = args
        .domain
        .as_deref()
        .map(|text| {
            domain::read(text, inputs(network)?, &model, args.margin, &args.reading, terminal)
        })
        .transpose()?;
    let config = Config { domain, tolerance: args.tolerance };
    let simplified = simplify::simplify(network, &config)?;
    let certificate = outputs.write(&simplified, card, terminal)?;
    Ok(report("simplify", &simplified, &args.output, &certificate))
}

/// Writes a wider network that gives the same outputs, and its certificate.
pub(crate) fn widen(args: &Widen, terminal: &Terminal) -> Result<Said> {
    let outputs = Outputs::prepare(&args.output, args.force, &args.network)?;
    let model = model::load(&args.network, &args.weights, terminal)?;
    let (network, card) = parts(&model);
    let wider = simplify::widen(network, &args.hidden)?;
    let certificate = outputs.write(&wider, card, terminal)?;
    Ok(report("widen", &wider, &args.output, &certificate))
}

/// Writes a deeper network that gives the same outputs, and its certificate.
pub(crate) fn deepen(args: &Deepen, terminal: &Terminal) -> Result<Said> {
    let outputs = Outputs::prepare(&args.output, args.force, &args.network)?;
    let model = model::load(&args.network, &args.weights, terminal)?;
    let (network, card) = parts(&model);
    let deeper = simplify::deepen(network, &args.behind)?;
    let certificate = outputs.write(&deeper, card, terminal)?;
    Ok(report("deepen", &deeper, &args.output, &certificate))
}

/// One of two networks: flags for a network that doesn't say its weights or activations leave one that does as it is.
pub(crate) fn one_of_two(
    argument: &OsString,
    weights: &Weights,
    terminal: &Terminal,
) -> Result<Model> {
    let notation = argument.to_str().is_some_and(model::is_notation);
    if notation || (weights.weights.is_none() && weights.activation.is_none()) {
        return model::load(argument, weights, terminal);
    }
    let own = Weights { weights: None, activation: None, ..weights.clone() };
    let without_weights = Weights { weights: None, ..weights.clone() };
    model::load(argument, &own, terminal)
        .or_else(|_| model::load(argument, &without_weights, terminal))
}

/// The number of a network's inputs.
pub(crate) fn inputs(network: &Network) -> Result<usize> {
    let width = |shape: glassnet::graph::Shape| shape.elements(1);
    network.module().input_shape().and_then(width).ok_or_else(|| {
        Error::unsupported(
            "a network of unknown width",
            "simplify",
            "no layer says how many inputs there are",
        )
    })
}

/// The network's file and the certificate's beside it.
struct Outputs {
    model: Output,
    certificate: Output,
    format: Format,
    /// Whether the model that is written takes columns, where it is one of a table.
    with_columns: bool,
}

impl Outputs {
    fn prepare(path: &Path, force: bool, input: &OsString) -> Result<Self> {
        let format = Format::to_write(&path.display().to_string())?;
        if !matches!(format, Format::Safetensors | Format::Onnx) {
            return Err(Error::usage(format!("{} cannot hold the network", format.name()))
                .at("--output")
                .help("write .safetensors or .onnx"));
        }
        let replace = if force { Replace::Always } else { Replace::Never };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".certificate.json");
        let input = Path::new(input);
        let with_columns = format == Format::Onnx && !takes_numbers(input);
        Ok(Outputs {
            with_columns,
            model: Output::prepare(path, "--output", replace, &[input])?,
            certificate: Output::prepare(Path::new(&beside), "--output", replace, &[input])?,
            format,
        })
    }

    /// Writes both files, unless the work is to stop; the certificate's path.
    fn write(
        &self,
        simplified: &Simplified,
        card: Option<&Card>,
        terminal: &Terminal,
    ) -> Result<String> {
        if terminal.is_stopped() {
            return Err(Error::io("the work was interrupted: nothing is written"));
        }
        let notation = simplified.network.module().notation();
        let card = match card {
            // One network of an ensemble is written as itself.
            Some(card) => Card { network: notation, members: None, ..card.clone() },
            None => Card::new(notation),
        };
        let bytes = if self.format == Format::Onnx {
            let table = (self.with_columns && card.preprocessing.is_some())
                .then(|| columns::table(Some(&card), "the model"))
                .transpose()?;
            let export = OnnxExport { card: Some(card), ..OnnxExport::default() };
            match table {
                Some(table) => {
                    write_onnx_table(std::slice::from_ref(&simplified.network), &table, &export)?
                }
                None => write_onnx(&simplified.network, &export)?,
            }
        } else {
            let state = simplified.network.state_dict().clone();
            ModelFile { state, card: Some(card) }.write()?
        };
        self.certificate.write(simplified.certificate.to_json().as_bytes())?;
        self.model.write(&bytes)?;
        Ok(self.certificate.path().display().to_string())
    }
}

/// Whether a file is an ONNX model that takes a network's numbers, `x`, and not a table's columns.
fn takes_numbers(path: &Path) -> bool {
    let Ok(bytes) = output::read_unpacked(path) else { return false };
    read_onnx(&bytes, &path.display().to_string()).is_ok_and(|model| {
        let sources = model.graph.graph().sources();
        let inputs = sources.filter(|(_, source)| matches!(source, Source::Input { .. }));
        inputs.count() == 1 && model.graph.graph().outputs().len() == 1
    })
}

fn claim(simplified: &Simplified) -> String {
    let certificate = &simplified.certificate;
    let place = place(certificate);
    if simplified.checked.exact {
        return format!("equal over the real numbers, {place}");
    }
    let claim = certificate.claim;
    let growth = if claim.per_input > 0.0 {
        format!(" + {}·max|x|", shown::above(claim.per_input))
    } else {
        String::new()
    };
    let bound = format!("{}{growth}", shown::above(claim.bound));
    // What is merged although it differs a little changes what is computed over the real numbers, too.
    if simplified.removals.iter().any(|removal| removal.kind == "near") {
        return format!("no output differs by more than {bound}, {place}");
    }
    format!(
        "equal over the real numbers before weights are rounded to 32 bits; after it no output differs by more than {bound}, \
         {place}"
    )
}

/// For which inputs a certificate speaks: the box, where it has few sides.
fn place(certificate: &Certificate) -> String {
    const MOST: usize = 6;
    let Some(domain) = &certificate.domain else { return "for every input".to_owned() };
    let side = |(low, high): &(Option<f64>, Option<f64>)| {
        let end =
            |end: &Option<f64>, none: &str| end.map_or(none.to_owned(), |end| end.to_string());
        format!("[{}, {}]", end(low, "−∞"), end(high, "∞"))
    };
    let sides: Vec<String> = domain.iter().take(MOST).map(side).collect();
    let more = if domain.len() > MOST { " × …" } else { "" };
    format!("for inputs in {}{more}", sides.join(" × "))
}

fn report(verb: &str, simplified: &Simplified, output: &Path, certificate: &str) -> Said {
    let claimed = claim(simplified);
    let notation = simplified.network.module().notation();
    let steps: Vec<_> = simplified
        .removals
        .iter()
        .map(|removal| {
            json!({"kind": removal.kind, "layer": removal.layer, "unit": removal.unit, "why": removal.why})
        })
        .collect();
    let json = json!({
        "schema": format!("glassnet.{verb}/1"),
        "network": notation,
        "parameters_before": simplified.parameters_before,
        "parameters_after": simplified.parameters_after,
        "steps": steps,
        "left": simplified
            .left
            .iter()
            .map(|(layer, why)| json!({"layer": layer, "why": why}))
            .collect::<Vec<_>>(),
        "exact": simplified.checked.exact,
        "bound": simplified.certificate.claim.bound,
        "bound_per_input": simplified.certificate.claim.per_input,
        "claim": claimed,
        "output": output.display().to_string(),
        "certificate": certificate,
    });
    const MOST: usize = 40;
    let mut lines = vec![];
    for removal in simplified.removals.iter().take(MOST) {
        let place = match removal.unit {
            Some(unit) => format!("layer {:?}, unit {unit}", removal.layer),
            None => format!("layer {:?}", removal.layer),
        };
        lines.push(format!("{}: {place}: {}", removal.kind.replace('_', " "), removal.why));
    }
    if let Some(more) = simplified.removals.len().checked_sub(MOST).filter(|more| *more > 0) {
        lines.push(format!("and {more} more; --json lists all"));
    }
    if simplified.removals.is_empty() && verb == "simplify" {
        lines.push("nothing to remove was found".to_owned());
    }
    if verb == "simplify" {
        for (layer, why) in simplified.left.iter().take(MOST) {
            lines.push(format!("left as it is: layer {layer:?}: {why}"));
        }
    }
    lines.push(format!("network: {notation}"));
    lines.push(format!(
        "parameters: {} before, {} after",
        simplified.parameters_before, simplified.parameters_after
    ));
    lines.push(format!("claim: {claimed}"));
    lines.push(format!("certificate: {certificate}"));
    Said::lines(lines, json, 0)
}

/// Checks a certificate, or a proof.
pub(crate) fn verify(args: &VerifyCertificate, terminal: &Terminal) -> Result<Said> {
    let bytes = output::read(&args.certificate)?;
    let file = args.certificate.display().to_string();
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::model("this is no certificate: it isn't UTF-8 text").at(file.clone())
    })?;
    let begin: String = text.chars().take(200).collect();
    if begin.contains("glassnet.proof/") {
        let proof = Proof::from_json(&text).map_err(|error| error.at(file))?;
        let about = (args.a.as_os_str(), Path::new(&args.b));
        return crate::prove::proof::verify(about, &args.weights, &proof, terminal);
    }
    let certificate = Certificate::from_json(&text).map_err(|error| error.at(file))?;
    let a = one_of_two(&args.a, &args.weights, terminal)?;
    let b = one_of_two(&args.b, &args.weights, terminal)?;
    note_compared([&a, &b], terminal);
    let verdict = simplify::verify(parts(&a).0, parts(&b).0, &certificate)?;
    let json = |valid: bool, exact: bool, why: Option<&str>| {
        json!({
            "schema": "glassnet.verify-certificate/1",
            "valid": valid,
            "exact": exact,
            "bound": certificate.claim.bound,
            "bound_per_input": certificate.claim.per_input,
            "why": why,
        })
    };
    let checked = match verdict {
        Verdict::Valid(checked) => checked,
        Verdict::Invalid(why) => {
            let json = json(false, false, Some(&why));
            return Ok(Said::lines(vec!["invalid".to_owned(), why], json, 1));
        }
    };
    let steps = certificate.steps_a.len() + certificate.steps_b.len();
    let claim = certificate.claim;
    let bound = if checked.exact {
        "the outputs are equal over the real numbers".to_owned()
    } else if claim.per_input > 0.0 {
        format!(
            "no output differs by more than {} + {}·max|x|",
            shown::above(claim.bound),
            shown::above(claim.per_input)
        )
    } else {
        format!("no output differs by more than {}", shown::above(claim.bound))
    };
    let (place, s) = (place(&certificate), if steps == 1 { "" } else { "s" });
    let told = format!("{steps} step{s} replayed in exact arithmetic: {bound}, {place}");
    Ok(Said::lines(vec!["valid".to_owned(), told], json(true, checked.exact, None), 0))
}
