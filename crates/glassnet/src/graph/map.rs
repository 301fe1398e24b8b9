//! Facts about nodes, kept beside the graph.

use super::{Graph, NodeId};

/// A value of type `T` for some of a graph's nodes: shapes, weights, bounds, whatever a reader needs.
///
/// ```
/// use glassnet::graph::{Builder, NodeMap, Shape};
/// let mut builder = Builder::new();
/// let weight = builder.parameter("weight", Shape::from([2]))?;
/// let mut names = NodeMap::new();
/// names.insert(weight, "weight");
/// assert_eq!(names.get(weight), Some(&"weight"));
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NodeMap<T> {
    slots: Vec<Option<T>>,
}

impl<T> NodeMap<T> {
    /// A map without entries.
    pub fn new() -> Self {
        NodeMap { slots: vec![] }
    }

    /// A map with room for every node of `graph`.
    pub fn for_graph(graph: &Graph) -> Self {
        NodeMap { slots: graph.nodes().iter().map(|_| None).collect() }
    }

    /// Sets the value of `id`; the one that stood there before is returned.
    pub fn insert(&mut self, id: NodeId, value: T) -> Option<T> {
        if self.slots.len() <= id.index() {
            self.slots.resize_with(id.index() + 1, || None);
        }
        self.slots[id.index()].replace(value)
    }

    /// The value of `id`, if it has one.
    pub fn get(&self, id: NodeId) -> Option<&T> {
        self.slots.get(id.index()).and_then(Option::as_ref)
    }

    /// The value of `id`, to be changed in place.
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut T> {
        self.slots.get_mut(id.index()).and_then(Option::as_mut)
    }

    /// Takes the value of `id` out of the map.
    pub fn remove(&mut self, id: NodeId) -> Option<T> {
        self.slots.get_mut(id.index()).and_then(Option::take)
    }

    /// Whether `id` has a value.
    pub fn contains(&self, id: NodeId) -> bool {
        self.get(id).is_some()
    }

    /// The entries in order of evaluation.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &T)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| slot.as_ref().map(|value| (NodeId(index as u32), value)))
    }
}

impl<T> Default for NodeMap<T> {
    fn default() -> Self {
        NodeMap::new()
    }
}

impl<T> std::ops::Index<NodeId> for NodeMap<T> {
    type Output = T;

    /// # Panics
    /// When `id` has no value: use it only where a value is there by construction.
    fn index(&self, id: NodeId) -> &T {
        self.get(id).expect("the node has a value by construction")
    }
}
