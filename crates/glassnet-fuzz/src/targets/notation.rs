//! Notations of networks, with the formulas in them.

use glassnet::nn::{self, Network};

/// Weights are drawn for networks of up to so many.
const MOST_WEIGHTS: usize = 10_000;

pub(super) fn notation(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let module = match nn::parse(text) {
        Ok(module) => module,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 20_000, "{} bytes of message", text.len());
            return false;
        }
    };
    // What is printed reads back as the same network.
    let printed = module.notation();
    let again = nn::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.notation(), printed);
    assert_eq!(again.to_string(), module.to_string());
    match module.summary(None) {
        Ok(summary) if summary.parameters + summary.buffers <= MOST_WEIGHTS => {
            if let Ok(network) = Network::new(module, 0) {
                assert!(network.state_dict().check_finite().is_ok(), "{printed}");
            }
        }
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    true
}
