//! Accounts in memory: never older than what is durable, never gone before they are applied, never
//! more than there is room for.

use std::sync::Arc;

use super::*;
use crate::domain::command::{Command, Context, Register, decide};
use crate::domain::product_key::PepperId;
use crate::domain::specimens::{FULL, Key, computer, numbered, origin, policy, register, terms};

fn id(number: u32) -> KeyId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    KeyId(id)
}

fn digest(number: u32) -> LookupDigest {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    LookupDigest { pepper: PepperId(1), digest }
}

/// A key that was registered and nothing more.
fn registered(number: u32) -> (Arc<Account>, Vec<Arc<Event>>) {
    let (key_id, lookups) = (id(number), vec![digest(number)]);
    let command = Register { key_id, lookups, origin: origin(), ..register(terms(5)) };
    let command = Command::Register(Box::new(command));
    let context = Context { policy: policy(), account: None, recorded: None, lookup_owner: None };
    let decision = decide(context, &command);
    let account = decision.applied(None).expect("fits").expect("registered");
    (Arc::new(account), decision.events.into_iter().map(Arc::new).collect())
}

fn fetched(account: &Arc<Account>) -> Option<Fetched> {
    Some(Fetched { account: Arc::clone(account), requests: Requests::default() })
}

/// What the books give of a key, read and taken in.
fn read_in(accounts: &mut Accounts, account: &Arc<Account>) {
    let key_id = account.head.key_id;
    let ticket = accounts.begin(key_id);
    assert!(accounts.keep(key_id, ticket, fetched(account)));
    accounts.make_room();
}

fn version(accounts: &Accounts, key_id: KeyId) -> Option<u64> {
    accounts.get(key_id).map(|resident| resident.account().head.version)
}

/// A key in states 1, 2, 3 …, each with the events that lead to it.
fn states(count: u8) -> Vec<(Arc<Account>, Vec<Arc<Event>>)> {
    let mut key = Key::new(terms(100));
    let mut states = vec![(Arc::new(key.account.clone()), key.history.clone())];
    for number in 1..count {
        let command = key.command(&numbered(&FULL, &[], number, 0));
        let decision = key.run(&Command::Activate(command));
        states.push((Arc::new(key.account.clone()), decision.events));
    }
    let shared = |events: Vec<Event>| events.into_iter().map(Arc::new).collect();
    states.into_iter().map(|(account, events)| (account, shared(events))).collect()
}

#[test]
fn what_was_read_is_worth_nothing_once_something_newer_came() {
    let states = states(3);
    let key_id = states[0].0.head.key_id;
    // No room: what is not pinned leaves at once.
    let mut accounts = Accounts::new(0);
    let ticket = accounts.begin(key_id);
    // While state 1 is on its way from the books, 2 is committed, applied and sent away.
    accounts.pin(&states[1].0, &states[1].1, 2);
    assert_eq!(version(&accounts, key_id), Some(2));
    accounts.unpin(key_id, 2);
    assert_eq!(version(&accounts, key_id), None);
    assert!(!accounts.keep(key_id, ticket, fetched(&states[0].0)), "it is stale");
    assert_eq!(version(&accounts, key_id), None);

    // A later load that has its own ticket does not lend it to the earlier one.
    let late = accounts.begin(key_id);
    assert!(!accounts.keep(key_id, ticket, fetched(&states[0].0)));
    assert!(accounts.keep(key_id, late, fetched(&states[1].0)));
    assert_eq!(version(&accounts, key_id), Some(2));
    // That a key is unknown is as stale as an old state of it.
    let mut accounts = Accounts::new(usize::MAX);
    let ticket = accounts.begin(key_id);
    accounts.pin(&states[0].0, &states[0].1, 1);
    assert!(!accounts.keep(key_id, ticket, None));
    assert_eq!(version(&accounts, key_id), Some(1));
}

#[test]
fn an_account_stays_until_the_last_of_its_events_is_applied() {
    let states = states(4);
    let key_id = states[0].0.head.key_id;
    let mut accounts = Accounts::new(0);
    for ((account, events), last) in states.iter().zip(1..) {
        accounts.pin(account, events, last);
    }
    for last in 1..=3 {
        accounts.unpin(key_id, last);
        accounts.make_room();
        assert_eq!(version(&accounts, key_id), Some(4), "{last} is applied, 4 is not");
        assert_eq!(accounts.owner_of(&states[0].0.head.lookups[0]), Some(key_id));
    }
    assert!(accounts.pinned_bytes() > 0);
    accounts.unpin(key_id, 4);
    assert_eq!(version(&accounts, key_id), None);
    assert_eq!(accounts.owner_of(&states[0].0.head.lookups[0]), None);
    assert_eq!((accounts.pinned_bytes(), accounts.kept_bytes()), (0, 0));
}

#[test]
fn an_account_larger_than_the_room_stays_until_another_is_used() {
    let states = states(4);
    let (large, _) = &states[3];
    let key_id = large.head.key_id;
    let mut accounts = Accounts::new(1);
    for ((account, events), last) in states.iter().zip(1..) {
        accounts.pin(account, events, last);
        accounts.unpin(key_id, last);
        accounts.make_room();
        assert_eq!(version(&accounts, key_id), Some(last), "it is not read again for each batch");
    }
    let (other, _) = registered(7);
    read_in(&mut accounts, &other);
    read_in(&mut accounts, &registered(8).0);
    assert_eq!(version(&accounts, key_id), None);
    assert_eq!(accounts.residents.len(), 1);
}

#[test]
fn a_hundred_thousand_keys_take_no_more_than_their_room() {
    const ROOM: usize = 4 << 20;
    let mut accounts = Accounts::new(ROOM);
    let (often, _) = registered(u32::MAX);
    read_in(&mut accounts, &often);
    for number in 0..100_000 {
        let (account, events) = registered(number);
        if number % 2 == 0 {
            read_in(&mut accounts, &account);
        } else {
            accounts.pin(&account, &events, number.into());
            accounts.unpin(account.head.key_id, number.into());
        }
        assert!(accounts.kept_bytes() <= ROOM);
        assert!(version(&accounts, id(u32::MAX)).is_some(), "what is used stays");
    }
    let here = accounts.residents.len();
    assert!(here > 1_000, "{here} accounts use the room");
    assert_eq!((accounts.owners.len(), accounts.leaving.len()), (here, here));
    let weighed: usize = accounts.residents.values().map(Resident::weigh).sum();
    assert_eq!((accounts.kept_bytes(), accounts.pinned_bytes()), (weighed, 0));
    assert!(accounts.loads.is_empty());
}

#[test]
fn bytes_are_those_of_the_accounts_that_are_pinned_or_kept() {
    let states = states(30);
    let key_id = states[0].0.head.key_id;
    let mut accounts = Accounts::new(usize::MAX);
    for ((account, events), last) in states.iter().zip(1..) {
        let plain: Vec<Event> = events.iter().map(|event| event.as_ref().clone()).collect();
        let (before, growth) = (accounts.pinned_bytes(), accounts.growth(account, &plain));
        accounts.pin(account, events, last);
        let grown = accounts.pinned_bytes() - before;
        let tables = 4 * size_of::<LookupDigest>() + 1_024;
        assert!(growth.abs_diff(grown) <= tables + size_of::<Resident>() * 4, "{growth} {grown}");
        if last % 7 == 0 {
            accounts.unpin(key_id, last);
            assert_eq!(accounts.pinned_bytes(), 0);
        }
        let resident = &accounts.residents[&key_id];
        let counts = weight::counts(account);
        assert_eq!(resident.counts_bytes, counts, "kept up event by event");
        assert_eq!(accounts.pinned_bytes() + accounts.kept_bytes(), resident.weigh());
    }
}

#[test]
fn a_request_that_was_never_recorded_is_known_not_to_be() {
    let states = states(20);
    let key_id = states[0].0.head.key_id;
    let mut accounts = Accounts::new(usize::MAX);
    for ((account, events), last) in states.iter().zip(1..) {
        accounts.pin(account, events, last);
    }
    let resident = accounts.get(key_id).expect("here");
    for event in states.iter().flat_map(|(_, events)| events) {
        let Some(request) = event.request else { continue };
        assert_eq!(resident.tracked(request.id), Tracked::At(event.version));
    }
    assert_eq!(resident.tracked(RequestId([0xab; 16])), Tracked::Unrecorded);

    // An account that comes back without them knows nothing, and does not stay.
    let mut accounts = Accounts::new(usize::MAX);
    accounts.pin(&states[5].0, &states[5].1, 6);
    let resident = accounts.get(key_id).expect("here");
    assert_eq!(resident.tracked(RequestId([0xab; 16])), Tracked::Unknown);
    accounts.unpin(key_id, 6);
    assert!(accounts.get(key_id).is_none());
}

#[test]
fn the_estimate_of_a_computer_is_of_the_right_order() {
    // Ten kinds with a digest each: what they take at least, and not many times that.
    let bytes = weight::count(&computer(&FULL, &[]));
    let least = FULL.len() * (16 + 32) + size_of::<crate::domain::account::Count>();
    assert!(bytes > least && bytes < 8 * least, "{bytes} bytes, at least {least}");
}
