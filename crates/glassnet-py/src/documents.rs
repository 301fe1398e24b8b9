//! Documents: what the library explains, as objects that a notebook displays.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use glassnet::document;
use glassnet::explain::{self as explaining, Labels, Rows, Weight};
use glassnet::graph::DType;
use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Mode, Network};
use glassnet::report::{self, Format};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{Features, Target};
use glassnet::{Error, Tensor};
use numpy::{PyReadonlyArray1, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrException;
use crate::state::read_state;

/// What the library explains: headings, sentences, formulas, tables, steps and figures.
///
/// A notebook displays it. Elsewhere `print(document)` shows text with Unicode mathematics, and `html()`, `latex()`,
/// `markdown()`, `json()` give files.
#[pyclass(module = "glassnet", frozen)]
pub(crate) struct Document {
    document: document::Document,
    /// The numbers as JSON, where the reader has more of them than the document shows.
    data: Option<String>,
}

impl Document {
    fn render(&self, format: Format) -> String {
        report::render(&self.document, format, &report::Config::default())
    }

    fn embed(&self, format: Format) -> String {
        report::embed(&self.document, format, &report::Config::default())
    }
}

#[pymethods]
impl Document {
    /// The title as plain text.
    #[getter]
    fn title(&self) -> String {
        self.document.title.to_string()
    }

    /// text(width=80)
    /// --
    ///
    /// The document as text of at most ``width`` columns.
    #[pyo3(signature = (width=80))]
    fn text(&self, width: usize) -> String {
        report::render(&self.document, Format::Text, &report::Config { width })
    }

    /// The document as Markdown with LaTeX mathematics between dollar signs.
    fn markdown(&self) -> String {
        self.render(Format::Markdown)
    }

    /// The document as a LaTeX file that pdflatex compiles.
    fn latex(&self) -> String {
        self.render(Format::Latex)
    }

    /// The document as one HTML file without scripts.
    fn html(&self) -> String {
        self.render(Format::Html)
    }

    /// The numbers as JSON text, as ``glassnet … --json`` prints them; the document as data where there are none.
    fn json(&self) -> String {
        self.data.clone().unwrap_or_else(|| self.render(Format::Json))
    }

    fn _repr_html_(&self) -> String {
        self.embed(Format::Html)
    }

    fn _repr_markdown_(&self) -> String {
        self.embed(Format::Markdown)
    }

    fn _repr_latex_(&self) -> String {
        self.embed(Format::Latex)
    }

    fn __str__(&self) -> String {
        self.render(Format::Text)
    }

    fn __repr__(&self) -> String {
        format!("<glassnet.Document {:?}>", self.title())
    }
}

/// How often Python is asked whether a signal came, and how long work may then take to end by itself.
const INTERVAL: Duration = Duration::from_millis(30);

/// What the command line `glassnet words…` explains or proves, as a document; nothing is printed. Ctrl-C ends a search; work that
/// can't be broken off is left to itself, and writes nothing any more.
#[pyfunction]
pub(crate) fn answer(py: Python<'_>, words: Vec<String>) -> PyResult<Document> {
    // Python's handlers run on this thread only, so that the work is done on another one, with a stack as large.
    const STACK: usize = 8 << 20;
    let interrupt = glassnet_cli::Interrupt::default();
    let (tell, told) = mpsc::channel();
    let work = {
        let interrupt = interrupt.clone();
        move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            // Nobody waits for an answer that comes too late.
            tell.send(glassnet_cli::answer_until(&words, &interrupt)).ok();
        }
    };
    let answered = py.detach(move || {
        let worker = thread::Builder::new()
            .stack_size(STACK)
            .spawn(work)
            .map_err(|error| Error::io(format!("no thread can be started: {error}")))
            .or_exception()?;
        loop {
            match told.recv_timeout(INTERVAL) {
                Ok(answered) => return answered.or_exception(),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(exception) = Python::attach(|py| py.check_signals()) {
                        interrupt.stop();
                        told.recv_timeout(INTERVAL).ok();
                        return Err(exception);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => match worker.join() {
                    Err(panic) => std::panic::resume_unwind(panic),
                    Ok(()) => return Err(Error::io("the work has no answer")).or_exception(),
                },
            }
        }
    });
    answered.map(|(document, json)| Document { document, data: Some(json.to_string()) })
}

/// Does what the command line says, its first word being the program's name, and returns the exit status.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| glassnet_cli::main(words))
}

/// Whether the network of this notation takes indices, as one that begins with an embedding does, rather than floats.
#[pyfunction]
pub(crate) fn takes_indices(network: &str) -> PyResult<bool> {
    Ok(nn::parse(network).or_exception()?.input_dtype() == DType::I64)
}

/// The network that `notation` describes as one expression of PyTorch.
#[pyfunction]
pub(crate) fn expression(notation: &str) -> PyResult<String> {
    Ok(nn::parse(notation).or_exception()?.notation())
}

/// Rows explained: every number of the pass, and what is asked of it.
#[pyfunction]
#[pyo3(signature = (network, state, rows, *, classes=None, values=None, criterion=None, backward=false, weight=None,
    attribute=None, optimizer=None, training=false, feature_names=None, class_names=None, row_names=None))]
pub(crate) fn explain(
    py: Python<'_>,
    network: &str,
    state: &Bound<'_, PyDict>,
    rows: &Bound<'_, PyAny>,
    classes: Option<PyReadonlyArray1<'_, i64>>,
    values: Option<PyReadonlyArrayDyn<'_, f32>>,
    criterion: Option<&str>,
    backward: bool,
    weight: Option<&str>,
    attribute: Option<usize>,
    optimizer: Option<&str>,
    training: bool,
    feature_names: Option<Vec<String>>,
    class_names: Option<Vec<String>>,
    row_names: Option<Vec<String>>,
) -> PyResult<Document> {
    let state = read_state(state)?;
    let features = match rows.extract::<PyReadonlyArrayDyn<'_, f32>>() {
        Ok(rows) => Features::Floats(Tensor::from(rows.as_array())),
        Err(_) => {
            let rows: PyReadonlyArrayDyn<'_, i64> = rows.extract()?;
            Features::Indices(Tensor::from(rows.as_array()))
        }
    };
    let target = match (classes, values) {
        (Some(classes), _) => Some(Target::Classes(classes.as_array().to_vec())),
        (None, Some(values)) => Some(Target::Values(Tensor::from(values.as_array()))),
        (None, None) => None,
    };
    let labels = Labels {
        features: feature_names.unwrap_or_default(),
        classes: class_names.unwrap_or_default(),
        rows: row_names.unwrap_or_default(),
        scale: None,
    };
    py.detach(|| {
        let network = Network::with_state(nn::parse(network)?, &state)?;
        let config = explaining::Config {
            criterion: criterion.map(Criterion::parse).transpose()?,
            backward,
            weight: weight.map(Weight::parse).transpose()?,
            attribute,
            optimizer: optimizer.map(Optimizer::parse).transpose()?,
            mode: if training { Mode::Train } else { Mode::Eval },
        };
        let explained = explaining::explain(&network, &Rows { features, target, labels }, &config)?;
        let data = serde_json::to_string(&explained.data())
            .map_err(|error| Error::usage(format!("no JSON: {error}")))?;
        Ok(Document { document: explained.document(), data: Some(data) })
    })
    .or_exception()
}
