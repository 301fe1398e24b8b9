//! Names of layers: those of the file where it has good ones, else their places.

use std::collections::HashSet;

use glassnet::nn::Module;

use super::Link;

/// A name for each layer. If the file's keys are those of a PyTorch module, its names are kept, less what is common to all
/// of them.
pub(super) fn names(links: &[Link]) -> Vec<String> {
    let places = || (0..links.len()).map(|place| place.to_string()).collect();
    let given: Vec<Option<&str>> = links.iter().map(prefix).collect();
    let Some(names) = kept(links, &given) else { return places() };
    names
}

/// What stands before the last word of the arrays' keys, if it is the same for those that have such a word.
fn prefix(link: &Link) -> Option<&str> {
    link.arrays
        .iter()
        .find_map(|(suffix, key, _)| key.strip_suffix(suffix.as_str())?.strip_suffix('.'))
}

fn kept(links: &[Link], given: &[Option<&str>]) -> Option<Vec<String>> {
    // Residual layers have names of their own within.
    if links.iter().any(|link| matches!(link.module, Module::Residual(_))) {
        return None;
    }
    let with_arrays = links.iter().zip(given).filter(|(link, _)| !link.arrays.is_empty());
    let prefixes = with_arrays.map(|(_, prefix)| *prefix).collect::<Option<Vec<&str>>>()?;
    let first: Vec<&str> = prefixes.first()?.split('.').collect();
    let common = (0..first.len() - 1)
        .take_while(|&at| {
            prefixes.iter().all(|prefix| prefix.split('.').nth(at) == Some(first[at]))
        })
        .count();
    let mut short = vec![];
    for prefix in &prefixes {
        let rest: Vec<&str> = prefix.split('.').skip(common).collect();
        let [name] = rest[..] else { return None };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        short.push(name);
    }
    if short.iter().collect::<HashSet<_>>().len() != short.len() {
        return None;
    }
    let numbered = short.iter().all(|name| name.parse::<usize>().is_ok());
    if numbered { by_number(links, &short) } else { by_word(links, &short) }
}

/// Layers without arrays get the numbers between.
fn by_number(links: &[Link], names: &[&str]) -> Option<Vec<String>> {
    let mut numbers = names.iter().filter_map(|name| name.parse::<usize>().ok());
    let mut found = vec![];
    let mut next = 0;
    let mut upper = numbers.next();
    for link in links {
        let number = if link.arrays.is_empty() {
            if upper.is_some_and(|upper| next >= upper) {
                return None;
            }
            next
        } else {
            let own = upper.filter(|&own| own >= next)?;
            upper = numbers.next();
            own
        };
        found.push(number.to_string());
        next = number.checked_add(1)?;
    }
    Some(found)
}

/// Layers without arrays are named by what they are.
fn by_word(links: &[Link], names: &[&str]) -> Option<Vec<String>> {
    let mut taken: HashSet<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut names = names.iter();
    let mut found = vec![];
    for link in links {
        if !link.arrays.is_empty() {
            found.push((*names.next()?).to_owned());
            continue;
        }
        let kind = link.module.kind().to_lowercase();
        let name =
            (1..).map(|number| format!("{kind}{number}")).find(|name| !taken.contains(name))?;
        taken.insert(name.clone());
        found.push(name);
    }
    Some(found)
}
