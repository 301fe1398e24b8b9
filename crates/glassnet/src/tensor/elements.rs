//! Where an array's elements lie.

use std::fmt;
use std::sync::Arc;

/// An array's elements: in memory of its own, or in somebody else's, which it reads.
#[derive(Clone)]
pub(super) struct Elements<T> {
    /// Empty where they belong to somebody else.
    own: Vec<T>,
    shared: Option<Arc<dyn AsRef<[T]> + Send + Sync>>,
}

impl<T> Elements<T> {
    pub(super) fn own(own: Vec<T>) -> Self {
        Elements { own, shared: None }
    }

    pub(super) fn shared(memory: Arc<dyn AsRef<[T]> + Send + Sync>) -> Self {
        Elements { own: vec![], shared: Some(memory) }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        match &self.shared {
            Some(memory) => (**memory).as_ref(),
            None => &self.own,
        }
    }
}

impl<T: Copy> Elements<T> {
    /// Memory of its own, to be changed; what belonged to somebody else is copied.
    pub(super) fn own_mut(&mut self) -> &mut Vec<T> {
        if let Some(memory) = self.shared.take() {
            self.own = (*memory).as_ref().to_vec();
        }
        &mut self.own
    }
}

impl<T: PartialEq> PartialEq for Elements<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: fmt::Debug> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
