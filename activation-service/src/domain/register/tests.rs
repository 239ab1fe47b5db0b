//! A registration is safe to repeat, and two that contradict each other are told apart.

use super::*;
use crate::domain::command::{Command, Settings, Update};
use crate::domain::ids::KeyId;
use crate::domain::product_key::{LookupDigest, PepperId};
use crate::domain::specimens::{KEY, Key, lookup, origin, policy, register, terms};
use crate::domain::terms::Terms;

fn run(key: &mut Key, command: Register) -> Decision {
    key.run(&Command::Register(Box::new(command)))
}

#[test]
fn the_same_again_changes_nothing_even_after_an_administrator_changed_the_terms() {
    let mut key = Key::new(terms(5));
    let again = run(&mut key, register(terms(5)));
    assert_eq!((again.result, again.events.len()), (Ok(Answer::Key), 0));
    let settings = Settings { limit: Some(7), ..Settings::default() };
    key.run(&Command::Update(Box::new(Update { settings, origin: origin() })));
    assert_eq!(run(&mut key, register(terms(5))).result, Ok(Answer::Key));
    assert_eq!(key.account.head.terms.limit, 7, "the repeat does not undo the change");
}

#[test]
fn other_terms_and_another_key_are_refused_with_the_fields() {
    let mut key = Key::new(terms(5));
    let other = Terms { owner: "fabrikam".to_owned(), ..terms(6) };
    let fields = vec!["owner", "limit"];
    let refused = run(&mut key, register(other)).result;
    assert_eq!(refused, Err(Refusal::AlreadyRegistered { fields }));
    let mut second = register(terms(5));
    second.lookups = vec![lookup(2)];
    let fields = vec!["product_key"];
    assert_eq!(run(&mut key, second).result, Err(Refusal::AlreadyRegistered { fields }));
}

#[test]
fn a_known_product_key_gets_no_second_id() {
    let mut command = register(terms(5));
    command.key_id = KeyId([1; 16]);
    let context =
        Context { policy: policy(), account: None, recorded: None, lookup_owner: Some(KEY) };
    let fields = vec!["product_key"];
    assert_eq!(decide(context, &command).result, Err(Refusal::AlreadyRegistered { fields }));
}

#[test]
fn f8_suspension_follows_its_generation_and_late_messages_are_ignored() {
    let mut key = Key::new(terms(5));
    let with = |suspended, generation| {
        let suspension = Suspension { suspended, generation };
        Register { suspension, ..register(terms(5)) }
    };
    run(&mut key, with(true, 2));
    assert!(key.account.head.suspension.suspended);
    assert!(run(&mut key, with(false, 1)).events.is_empty());
    assert!(key.account.head.suspension.suspended);
    run(&mut key, with(false, 3));
    assert!(!key.account.head.suspension.suspended);
}

#[test]
fn a_repeat_under_a_new_pepper_adds_its_digest_once() {
    let mut key = Key::new(terms(5));
    let newer = LookupDigest { pepper: PepperId(2), digest: [8; 32] };
    let command = Register { lookups: vec![newer, lookup(1)], ..register(terms(5)) };
    assert_eq!(run(&mut key, command.clone()).events.len(), 1);
    assert_eq!(key.account.head.lookups, [lookup(1), newer]);
    assert!(run(&mut key, command).events.is_empty());
}
