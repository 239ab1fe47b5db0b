//! What survives of the simulated store, and what does not.

use super::*;

fn rows(number: u8, count: u16) -> Vec<Row> {
    let row = |place: u16| {
        let key = [&[number][..], &place.to_be_bytes()].concat();
        Row { tree: Tree::ALL[usize::from(place) % Tree::ALL.len()], key, value: vec![number; 9] }
    };
    (0..count).map(row).collect()
}

fn written(shelf: &SimShelf) -> Vec<usize> {
    let rows = shelf.rows();
    let of = |number: u8| rows.values().flat_map(|t| t.keys()).filter(|k| k[0] == number).count();
    (1..=4).map(of).collect()
}

#[test]
fn a_cut_keeps_what_was_synced_and_the_first_whole_writes_of_the_rest() {
    let mut kept = [false; 4];
    for seed in 0..200 {
        let shelf = SimShelf::new(seed);
        let store = shelf.open().unwrap();
        store.write(&rows(1, 5)).unwrap();
        store.sync().unwrap();
        for number in 2..=4 {
            store.write(&rows(number, 5)).unwrap();
        }
        shelf.crash();
        assert!(store.get(Tree::Accounts, &[1]).is_err(), "the old handle is dead");
        let counts = written(&shelf);
        let whole = counts.iter().take_while(|count| **count == 5).count();
        assert!(whole >= 1, "what was synced is there");
        assert!(counts[whole..].iter().all(|count| *count == 0), "SEED={seed} {counts:?}");
        kept[whole - 1] = true;
    }
    assert_eq!(kept, [true; 4]);
}

#[test]
fn a_wide_window_may_be_torn_and_then_may_not_open() {
    let (mut torn, mut unopenable) = (0, 0);
    for seed in 0..100 {
        let shelf = SimShelf::new(seed);
        let store = shelf.open().unwrap();
        store.write(&rows(1, 101)).unwrap();
        store.write(&rows(2, 101)).unwrap();
        shelf.crash();
        let counts = written(&shelf);
        torn += u32::from(counts.iter().any(|count| *count != 0 && *count != 101));
        if matches!(shelf.open(), Err(OpenError::Damaged { .. })) {
            unopenable += 1;
            shelf.set_aside().unwrap();
            let anew = shelf.open().unwrap();
            anew.scan(Tree::Accounts, &[], None, false, &mut |_, _| panic!("a row")).unwrap();
        }
    }
    assert!(torn > 10 && unopenable > 5, "{torn} {unopenable}");
}

#[test]
fn a_fault_stays_until_the_store_is_opened_again() {
    let shelf = SimShelf::new(1);
    let store = shelf.open().unwrap();
    let (calls, kind) = (StoreCalls::Sync, StoreFaultKind::NoSpace);
    shelf.plant(StoreFault { calls, nth: 2, kind });
    store.write(&rows(1, 3)).unwrap();
    store.sync().unwrap();
    assert_eq!(store.sync(), Err(StoreError::NoSpace));
    assert_eq!(store.write(&rows(2, 3)), Err(StoreError::NoSpace));
    assert_eq!((shelf.faults_struck(), shelf.changing_calls()), (1, 3));
    drop(store);
    let store = shelf.open().unwrap();
    store.write(&rows(2, 3)).unwrap();
    store.sync().unwrap();
    assert_eq!(written(&shelf), [3, 3, 0, 0]);
}

#[test]
fn rows_are_seen_in_order_within_bounds() {
    let shelf = SimShelf::new(1);
    let store = shelf.open().unwrap();
    let row = |key: u8| Row { tree: Tree::Seen, key: vec![key], value: vec![key] };
    store.write(&[row(3), row(1), row(2), row(4)]).unwrap();
    let seen = |from: &[u8], to: Option<&[u8]>, descending| {
        let mut seen = Vec::new();
        let mut visit = |key: &[u8], _: &[u8]| {
            seen.push(key[0]);
            std::ops::ControlFlow::Continue(())
        };
        store.scan(Tree::Seen, from, to, descending, &mut visit).unwrap();
        seen
    };
    assert_eq!(seen(&[2], None, false), [2, 3, 4]);
    assert_eq!(seen(&[1], Some(&[3]), true), [2, 1]);
    assert_eq!(seen(&[3], Some(&[3]), false), [0_u8; 0]);
    assert_eq!(seen(&[], None, true), [4, 3, 2, 1]);
}
