//! The rows of the books as they lie in sled, by what they are of.

use sled::{Db, IVec, Tree};

/// What rows can be of. Counts are the first, for new books have none that changed since.
pub(crate) const KINDS: [&str; 4] = ["counts", "heads", "events", "lookups"];

/// Length of a key id, behind which the kind of a row of an account stands.
const KEY_ID_BYTES: usize = 16;

/// The rows of a kind, in their order, and the tree that they are in.
pub(crate) fn of(db: &Db, kind: &str) -> (Tree, Vec<(IVec, IVec)>) {
    let (tree, wanted) = match kind {
        "heads" => ("accounts", Some(0)),
        // Those that changed after the event that made them.
        "counts" => ("accounts", Some(1)),
        "events" => ("accounts", Some(2)),
        other => (other, None),
    };
    let tree = db.open_tree(tree).expect("a tree");
    let is_of = |key: &IVec| wanted.is_none() || key.get(KEY_ID_BYTES).copied() == wanted;
    let rows = tree.iter().map(|row| row.expect("readable"));
    let rows: Vec<_> = rows.filter(|(key, _)| is_of(key)).collect();
    assert!(!rows.is_empty(), "there are no {kind}");
    (tree, rows)
}
