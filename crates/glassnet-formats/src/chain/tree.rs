//! Layers at their paths as a tree of containers, so that the network has the state dict's keys.

use std::collections::HashSet;

use glassnet::nn::{Module, Sequential};
use glassnet::{Error, Result};

use super::layers::{Layer, flatten};
use crate::message::quoted;

/// The most layers without weights that numbers left out can stand for.
const MOST_FILLED: usize = 1000;

/// A layer on its way into the tree, at the rest of its path.
struct Item<'a> {
    path: Vec<&'a str>,
    module: Module,
    activated: bool,
    flattened: bool,
}

/// A child of a container.
struct Child<'a> {
    name: &'a str,
    module: Module,
    /// Whether an activation follows it within this container.
    activated: bool,
    flattened: bool,
}

/// The network of `layers`, with `activation` where one follows.
pub(super) fn build(layers: &[Layer], activation: &Module) -> Result<Module> {
    if let [Layer { path, module, .. }] = layers
        && path.is_empty()
    {
        return Ok(module.clone());
    }
    let items = layers.iter().map(|layer| Item {
        path: layer.path.split('.').collect(),
        module: layer.module.clone(),
        activated: layer.activated,
        flattened: layer.flattened,
    });
    Ok(Module::Sequential(container(items.collect(), activation, true)?))
}

fn container(items: Vec<Item<'_>>, activation: &Module, root: bool) -> Result<Sequential> {
    let mut children: Vec<Child<'_>> = vec![];
    let mut names = HashSet::new();
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        let name = item.path[0];
        if name.is_empty() || !names.insert(name) {
            return Err(Error::model(format!(
                "the layers under {} do not follow each other",
                quoted(name)
            )));
        }
        if item.path.len() == 1 {
            let Item { module, activated, flattened, .. } = item;
            children.push(Child { name, module, activated, flattened });
            continue;
        }
        let mut below = vec![item];
        while let Some(next) = items.next_if(|next| next.path[0] == name && next.path.len() > 1) {
            below.push(next);
        }
        for item in &mut below {
            item.path.remove(0);
        }
        let module = Module::Sequential(container(below, activation, false)?);
        children.push(Child { name, module, activated: false, flattened: false });
    }
    Ok(match positions(&children) {
        Some(positions) => by_position(children, &positions, activation, root),
        None => by_name(children, activation),
    })
}

/// The children's numbers, if they are positions with room for what follows or precedes them.
fn positions(children: &[Child<'_>]) -> Option<Vec<usize>> {
    let positions: Vec<usize> =
        children.iter().map(|child| child.name.parse().ok()).collect::<Option<_>>()?;
    let written = |(child, position): (&Child<'_>, &usize)| child.name == position.to_string();
    let rising = positions.windows(2).all(|pair| pair[0] < pair[1]);
    let few = positions.last().is_none_or(|&last| last <= MOST_FILLED + children.len());
    let room = children.iter().enumerate().all(|(at, child)| {
        let free = |from: usize, to: Option<&usize>| to.is_none_or(|&to| to > from + 1);
        let after = !child.activated || free(positions[at], positions.get(at + 1));
        let before = !child.flattened
            || match at.checked_sub(1) {
                Some(before) => positions[at] > positions[before] + 1,
                None => positions[at] > 0,
            };
        after && before
    });
    (rising && few && room && children.iter().zip(&positions).all(written)).then_some(positions)
}

fn by_position(
    children: Vec<Child<'_>>,
    positions: &[usize],
    activation: &Module,
    root: bool,
) -> Sequential {
    let mut modules: Vec<Module> = vec![];
    for (child, &position) in children.into_iter().zip(positions) {
        let first = modules.is_empty();
        modules.resize(position.max(modules.len()), Module::Identity);
        if let Some(before) = modules.last_mut()
            && (child.flattened || root && first)
        {
            *before = flatten();
        }
        modules.push(child.module);
        if child.activated {
            modules.push(activation.clone());
        }
    }
    Sequential::new(modules)
}

fn by_name(children: Vec<Child<'_>>, activation: &Module) -> Sequential {
    let mut taken: HashSet<String> = children.iter().map(|child| child.name.to_owned()).collect();
    let mut named: Vec<(String, Module)> = vec![];
    let mut free = |wanted: String| {
        let numbered = (1..).map(|number| format!("{wanted}{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        names.find(|name| taken.insert(name.clone())).unwrap_or_default()
    };
    for child in children {
        if child.flattened {
            named.push((free("flatten".to_owned()), flatten()));
        }
        named.push((child.name.to_owned(), child.module));
        if child.activated {
            named.push((free(format!("{}_activation", child.name)), activation.clone()));
        }
    }
    Sequential::named(named)
}
