//! Writes networks of every layer as ONNX, with what glassnet predicts for some rows, for `tests/onnx/check_export.py`.
//!
//! Not run by ci: what it writes is checked with Python's `onnx` and `onnxruntime`.

#[path = "../tests/onnx/networks.rs"]
mod networks;

use glassnet::Value;
use glassnet::engine::Config;
use glassnet::train::{Features, Predictor};
use glassnet_formats::{OnnxExport, write_onnx};

use networks::{NETWORKS, network, rows};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder to write to")?;
    std::fs::create_dir_all(&folder)?;
    for (place, &(notation, row)) in NETWORKS.iter().enumerate() {
        let network = network(notation);
        let export = OnnxExport { row: Some(row.to_vec()), ..OnnxExport::default() };
        std::fs::write(format!("{folder}/{place}.onnx"), write_onnx(&network, &export)?)?;
        let x = rows(&network, row, 64);
        let mut predictor = Predictor::new(&network, row, &Config::default())?;
        let (numbers, y) = match x.clone() {
            Value::F32(x) => {
                (serde_json::json!(x.data()), predictor.predict(&Features::Floats(x))?)
            }
            Value::I64(x) => {
                (serde_json::json!(x.data()), predictor.predict(&Features::Indices(x))?)
            }
        };
        let case = serde_json::json!({
            "network": notation,
            "integers": x.as_i64().is_some(),
            "x": {"shape": x.shape(), "data": numbers},
            "y": {"shape": y.shape(), "data": y.data()},
        });
        std::fs::write(format!("{folder}/{place}.json"), case.to_string())?;
    }
    Ok(())
}
