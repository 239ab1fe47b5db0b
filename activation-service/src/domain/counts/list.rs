//! A list whose copies share what they have in common, so that copying one costs the same however
//! long it is.

use std::sync::Arc;

/// Bits of a place that choose among the children of one node.
const WIDTH_BITS: u32 = 4;
/// Most children, or values, of a node.
const WIDTH: usize = 1 << WIDTH_BITS;

/// A list that grows at its end. Reading or changing a value takes a step more each time the list
/// has become sixteen times as long.
#[derive(Clone, Debug)]
pub(super) struct List<T> {
    root: Arc<Node<T>>,
    len: usize,
    /// Steps from the root to a leaf.
    height: u32,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Branch(Vec<Arc<Self>>),
    Leaf(Vec<T>),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { root: Arc::new(Node::empty(0)), len: 0, height: 0 }
    }
}

impl<T> List<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, place: usize) -> Option<&T> {
        if place >= self.len {
            return None;
        }
        let (mut node, mut height) = (self.root.as_ref(), self.height);
        loop {
            match node {
                Node::Branch(children) => node = children.get(slot(place, height))?,
                Node::Leaf(values) => return values.get(slot(place, 0)),
            }
            height = height.saturating_sub(1);
        }
    }

    /// All values, first to last.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        (0..self.len).filter_map(|place| self.get(place))
    }
}

impl<T: Clone> List<T> {
    pub(super) fn push(&mut self, value: T) {
        if self.len == WIDTH << (self.height * WIDTH_BITS) {
            let full = Arc::clone(&self.root);
            self.root = Arc::new(Node::Branch(vec![full]));
            self.height += 1;
        }
        push(&mut self.root, self.height, self.len, value);
        self.len += 1;
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        if place >= self.len {
            return None;
        }
        let (mut node, mut height) = (&mut self.root, self.height);
        loop {
            match Arc::make_mut(node) {
                Node::Branch(children) => node = children.get_mut(slot(place, height))?,
                Node::Leaf(values) => return values.get_mut(slot(place, 0)),
            }
            height = height.saturating_sub(1);
        }
    }
}

impl<T> Node<T> {
    fn empty(height: u32) -> Self {
        if height == 0 { Self::Leaf(Vec::new()) } else { Self::Branch(Vec::new()) }
    }
}

/// Which child of a node at this height leads to a place.
const fn slot(place: usize, height: u32) -> usize {
    (place >> (height * WIDTH_BITS)) & (WIDTH - 1)
}

fn push<T: Clone>(node: &mut Arc<Node<T>>, height: u32, place: usize, value: T) {
    match Arc::make_mut(node) {
        Node::Leaf(values) => values.push(value),
        Node::Branch(children) => {
            let below = height.saturating_sub(1);
            if slot(place, height) == children.len() {
                children.push(Arc::new(Node::empty(below)));
            }
            if let Some(last) = children.last_mut() {
                push(last, below, place, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_list(
            len in 0_usize..5_000,
            changed in proptest::collection::vec(0_usize..5_000, 0..20),
        ) {
            let (mut list, mut plain) = (List::default(), Vec::new());
            for value in 0..len {
                list.push(value);
                plain.push(value);
            }
            let before = (list.clone(), plain.clone());
            for place in changed {
                prop_assert_eq!(list.get(place), plain.get(place));
                if let Some(value) = list.get_mut(place) {
                    *value += 10_000;
                    plain[place] += 10_000;
                }
            }
            prop_assert_eq!(list.len(), plain.len());
            prop_assert!(list.iter().eq(&plain));
            prop_assert!(list.iter().rev().eq(plain.iter().rev()));
            prop_assert!(before.0.iter().eq(&before.1), "a copy does not change with the other");
        }
    }
}
