//! Numbers as they are typed.

use glassnet::{Error, Result};

/// A finite number; `place` names it in messages.
pub(super) fn number(text: &str, place: &str) -> Result<f64> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(number) => Err(Error::usage(format!("{text:?} is {number}"))
            .at(place.to_owned())
            .help("give finite numbers")),
        Err(_) => Err(Error::usage(format!("{text:?} is no number"))
            .at(place.to_owned())
            .help("give numbers such as 7, -1 or 2.2, with a comma between them")),
    }
}

/// Numbers with commas, semicolons or spaces between them.
pub(super) fn list(text: &str, place: &str) -> Result<Vec<f64>> {
    text.split([',', ';', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| number(part, place))
        .collect()
}
