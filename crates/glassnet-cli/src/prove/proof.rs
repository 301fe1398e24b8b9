//! Proofs: made of what a search recorded, and checked.

use std::path::Path;
use std::time::Instant;

use glassnet::checker::{Judgement, Proof, verify_proof};
use glassnet::prove::{Config, Outcome, Property, Recording};
use glassnet::{Error, Result, simplify};
use glassnet_formats::vnnlib::VnnLib;
use serde_json::json;

use super::network::{Loaded, Subject};
use super::property_of;
use crate::args::Weights;
use crate::output::{self, Output, Replace};
use crate::said::Said;
use crate::terminal::Terminal;

/// Says before a search that nothing could be written of it.
pub(super) fn can_be_written(loaded: &Loaded, read: &VnnLib) -> Result<()> {
    let property = &read.property;
    let refused = |why: &str| Err(Error::unsupported("--proof", "the checker", why));
    if !loaded.network.is_piecewise_linear() {
        return refused("proofs are about networks whose functions are piecewise linear");
    }
    if read.strict.iter().any(|strict| !strict.is_empty()) {
        return refused("proofs are about <=, >= and =, not about < and >");
    }
    if property.cases.iter().any(|case| case.domain.iter().any(|x| !x.is_finite())) {
        return refused("proofs are about boxes with finite ends");
    }
    let weights = |key: &str| loaded.state.floats(key).ok();
    glassnet::checker::proof::can_be_read((&loaded.graph, &weights))
}

/// The proof of a verdict; none of an unknown one, or where none was asked for.
pub(super) fn of(
    loaded: &Loaded,
    property: &Property,
    config: &Config,
    outcome: &Outcome,
    recording: Option<Recording>,
) -> Result<Option<Proof>> {
    if !config.records {
        return Ok(None);
    }
    let weights = |key: &str| loaded.state.floats(key).ok();
    let network = (&loaded.graph, &weights as _);
    simplify::proof(network, property, config.semantics, &outcome.verdict, recording)
}

/// The proof, if the checker follows it: what it would refuse is not handed out.
pub(super) fn checked(
    proof: Proof,
    loaded: &Loaded,
    property: &Property,
    terminal: &Terminal,
) -> Result<Option<Proof>> {
    match check(loaded, property, &proof)? {
        Judgement::Shown => Ok(Some(proof)),
        Judgement::NotShown(why) => {
            terminal.note(&format!(
                "no proof is written: the checker, whose bounds are its own, does not follow the search here ({why})"
            ));
            Ok(None)
        }
    }
}

/// Whether a proof shows its verdict about a network and a property.
pub(super) fn check(loaded: &Loaded, property: &Property, proof: &Proof) -> Result<Judgement> {
    let weights = |key: &str| loaded.state.floats(key).ok();
    verify_proof((&loaded.graph, &weights), &simplify::cases(property), proof)
}

/// A folder of proofs, each checked before it is written.
pub(super) struct Folder<'a> {
    path: &'a Path,
    replace: Replace,
    proofs: usize,
    /// Verdicts whose proof the checker does not follow.
    refused: usize,
    nodes: usize,
    bytes: usize,
    seconds: f64,
}

impl<'a> Folder<'a> {
    pub(super) fn new(path: &'a Path, force: bool) -> Self {
        let replace = if force { Replace::Always } else { Replace::Never };
        Folder { path, replace, proofs: 0, refused: 0, nodes: 0, bytes: 0, seconds: 0.0 }
    }

    /// Checks a proof and writes it; what the checker does not follow is told and not written.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn add(
        &mut self,
        name: &str,
        proof: &Proof,
        loaded: &Loaded,
        property: &Property,
        terminal: &Terminal,
    ) -> Result<()> {
        let path = self.path.join(format!("{name}.proof.json"));
        let text = proof.to_json();
        let output = Output::prepare(&path, "--proofs", self.replace, &[])?;
        let began = Instant::now();
        // What the checker does not follow is no proof; the verdict stands without one.
        let refused = match check(loaded, property, &Proof::from_json(&text)?) {
            Ok(Judgement::Shown) => None,
            Ok(Judgement::NotShown(why)) => Some(why),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = refused {
            terminal.note(&format!(
                "{name}: no proof is written, as the checker does not follow it: {why}"
            ));
            self.refused += 1;
            return Ok(());
        }
        let seconds = began.elapsed().as_secs_f64();
        output.write(text.as_bytes())?;
        let (nodes, bytes) = (proof.nodes(), text.len());
        terminal.note(&format!("{name}: {nodes} nodes, {bytes} bytes, checked in {seconds:.2} s"));
        self.proofs += 1;
        self.nodes += nodes;
        self.bytes += bytes;
        self.seconds += seconds;
        Ok(())
    }

    /// Says what was written in all.
    pub(super) fn tell(&self, terminal: &Terminal) {
        terminal.note(&format!(
            "{} proofs, all accepted: {} nodes, {} bytes, checked in {:.1} s",
            self.proofs, self.nodes, self.bytes, self.seconds
        ));
        if self.refused > 0 {
            terminal.note(&format!("{} verdicts are without a proof", self.refused));
        }
    }
}

/// `glassnet verify-certificate MODEL PROPERTY PROOF`: the status is 0 when the proof shows its verdict, else 1.
pub(crate) fn verify(
    (model, property): (&std::ffi::OsStr, &Path),
    weights: &Weights,
    proof: &Proof,
    terminal: &Terminal,
) -> Result<Said> {
    let loaded = Subject::read(model, weights, terminal)?.loaded()?;
    let shown = property.display().to_string();
    let read = property_of(&loaded, &output::read_unpacked(property)?, &shown)?;
    if read.strict.iter().any(|strict| !strict.is_empty()) {
        return Err(Error::unsupported(
            "a property with < or >",
            "the checker",
            "proofs are about <=, >= and =",
        )
        .at(shown));
    }
    let judgement = check(&loaded, &read.property, proof)?;
    let verdict = proof.verdict();
    let why = match &judgement {
        Judgement::Shown => None,
        Judgement::NotShown(why) => Some(why),
    };
    let json = json!({
        "schema": "glassnet.verify-proof/1",
        "valid": why.is_none(),
        "verdict": verdict,
        "semantics": proof.semantics,
        "nodes": proof.nodes(),
        "why": why,
    });
    if let Some(why) = why {
        return Ok(Said::lines(vec!["invalid".to_owned(), why.clone()], json, 1));
    }
    let told = if verdict == "holds" {
        let nodes = proof.nodes();
        let parts = if nodes == 1 { "1 part was".into() } else { format!("{nodes} parts were") };
        format!("the property holds ({}); {parts} bounded again", proof.semantics)
    } else {
        "the property is violated; the input was evaluated exactly".to_owned()
    };
    Ok(Said::lines(vec!["valid".to_owned(), told], json, 0))
}
