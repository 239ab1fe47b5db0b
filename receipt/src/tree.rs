//! The Merkle tree of RFC 6962 over the leaves of one batch: root, audit paths, and their check.

use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Most leaves of a batch.
pub const LEAVES_MAX: usize = 1 << 16;
/// Most hashes of an audit path: the height of the largest tree.
pub const PATH_HASHES_MAX: usize = 16;

/// Says that a hash is of a leaf, so that no inner node can be passed off as one.
const LEAF: u8 = 0x00;
/// Says that a hash is of an inner node.
const NODE: u8 = 0x01;

/// SHA-256(0x00 ‖ leaf).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([LEAF]).chain_update(leaf).finalize().into()
}

/// SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([NODE]).chain_update(left).chain_update(right).finalize().into()
}

/// A tree with all its inner nodes, from which audit paths are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Level 0 are the hashes of the leaves, the last level is the root alone. A node without a
    /// sibling moves up as it is, which gives the same tree as the recursive definition.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over these leaves.
    #[must_use]
    pub fn of<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Self {
        let mut level: Vec<Hash> =
            leaves.into_iter().map(|leaf| leaf_hash(leaf.as_ref())).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let above = level.chunks(2).filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                [single] => Some(*single),
                _ => None,
            });
            let above = above.collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Self { levels }
    }

    /// The hash over all leaves; of no leaves, SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let root = self.levels.last().and_then(|level| level.first());
        root.copied().unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// How many leaves it has.
    #[must_use]
    pub fn leaf_count(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// The hashes that lead from a leaf up to the root, lowest first; none if there is no such
    /// leaf.
    #[must_use]
    pub fn path(&self, leaf_index: usize) -> Option<Vec<Hash>> {
        if leaf_index >= self.leaf_count() {
            return None;
        }
        let siblings = self
            .levels
            .iter()
            .enumerate()
            .filter_map(|(height, level)| level.get((leaf_index >> height) ^ 1).copied());
        Some(siblings.collect())
    }
}

/// The root to which a leaf's hash and its audit path lead in a tree of `leaf_count` leaves; none
/// if a path of that length leads nowhere.
#[must_use]
pub fn root_from_path(
    leaf_hash: &Hash,
    leaf_index: u64,
    leaf_count: u64,
    path: &[Hash],
) -> Option<Hash> {
    let mut last = leaf_count.checked_sub(1)?;
    let mut at = leaf_index;
    if at > last {
        return None;
    }
    let mut hash = *leaf_hash;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            // The last node of a level without a sibling moved up until it got one.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962, sections 2.1 and 2.1.1 as they stand there: root, and the path of each leaf.
    fn naive(leaves: &[Vec<u8>]) -> (Hash, Vec<Vec<Hash>>) {
        match leaves {
            [] => (Sha256::digest([]).into(), vec![]),
            [leaf] => (leaf_hash(leaf), vec![vec![]]),
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                let ((left, left_paths), (right, right_paths)) = (naive(left), naive(right));
                let lefts = left_paths.into_iter().map(|path| [path, vec![right]].concat());
                let rights = right_paths.into_iter().map(|path| [path, vec![left]].concat());
                (node_hash(&left, &right), lefts.chain(rights).collect())
            }
        }
    }

    /// The largest power of two smaller than the number of leaves.
    fn split(count: usize) -> usize {
        count.next_power_of_two() / 2
    }

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| n.to_be_bytes()[..n % 9].to_vec()).collect()
    }

    #[test]
    fn trees_of_1_to_300_leaves_are_those_of_the_recursive_definition() {
        for count in 1..=300 {
            let leaves = leaves(count);
            let tree = Tree::of(&leaves);
            let (root, paths) = naive(&leaves);
            assert_eq!(tree.root(), root, "{count}");
            assert_eq!(tree.leaf_count(), count);
            assert_eq!(tree.path(count), None);
            for (index, leaf) in leaves.iter().enumerate() {
                let path = tree.path(index).unwrap();
                assert_eq!(path, paths[index], "{index} of {count}");
                assert!(path.len() <= PATH_HASHES_MAX);
                let root =
                    root_from_path(&leaf_hash(leaf), index as u64, count as u64, &path).unwrap();
                assert_eq!(root, tree.root(), "{index} of {count}");
            }
        }
    }

    #[test]
    fn a_path_leads_nowhere_else() {
        for count in 1..=40_u64 {
            let tree = Tree::of(leaves(count as usize));
            let own = leaf_hash(&leaves(count as usize)[count as usize / 2]);
            let index = count / 2;
            let path = tree.path(index as usize).unwrap();
            for other in (0..=count + 2).filter(|other| *other != index) {
                assert_ne!(root_from_path(&own, other, count, &path), Some(tree.root()));
            }
            let longer = [path.clone(), vec![[0; 32]]].concat();
            assert_eq!(root_from_path(&own, index, count, &longer), None);
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(root_from_path(&own, index, count, shorter), None);
            }
            for place in 0..path.len() {
                let mut other = path.clone();
                other[place][7] ^= 1;
                assert_ne!(root_from_path(&own, index, count, &other), Some(tree.root()));
            }
        }
        assert_eq!(root_from_path(&[0; 32], 0, 0, &[]), None);
        // The last leaf of the largest tree that a number can speak of: no shift overflows.
        assert!(root_from_path(&[0; 32], u64::MAX - 1, u64::MAX, &[[0; 32]; 63]).is_some());
    }

    #[test]
    fn the_largest_batch_has_the_longest_path() {
        assert_eq!(LEAVES_MAX, 1 << PATH_HASHES_MAX);
    }
}
