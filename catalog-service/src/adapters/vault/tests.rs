//! Proves that a stored key opens with its own row and an old encryption key, and with nothing
//! else.

use super::*;
use crate::adapters::random::SystemRandom;

const OLD: &str = "2025:0101010101010101010101010101010101010101010101010101010101010101";
const NEW: &str = "2026:0202020202020202020202020202020202020202020202020202020202020202";

fn vault(lines: &[&str]) -> KeyVault {
    let ring = KeyRing::parse(&lines.join("\n")).expect("a ring");
    KeyVault::new(ring, &"ab".repeat(32), Arc::new(SystemRandom)).expect("a vault")
}

fn benefit(name: &str) -> BenefitName {
    BenefitName::parse(name).expect("a name")
}

fn sample() -> (BenefitName, Handle, ProductKey) {
    let key = ProductKey::issue(&[7; 14]);
    (benefit("partners/p/benefits/e.x"), Handle::from_random([1; 16]), key)
}

#[test]
fn a_key_comes_back_and_its_ciphertext_does_not_show_it() {
    let (benefit, key_id, key) = sample();
    let vault = vault(&[OLD, NEW]);
    let sealed = vault.seal(&benefit, &key_id, &key).expect("seals");
    assert_eq!(sealed.encryption_key_id, "2026", "the newest key encrypts");
    let opened = vault.open(&benefit, &key_id, &sealed).expect("opens");
    assert_eq!(opened.expose(), key.expose());
    let plain = key.expose().as_bytes();
    assert!(!sealed.ciphertext.windows(plain.len()).any(|window| window == plain));
    let again = vault.seal(&benefit, &key_id, &key).expect("seals");
    assert_ne!(sealed.ciphertext, again.ciphertext, "a nonce is used once");
}

#[test]
fn an_old_encryption_key_still_opens_and_a_missing_one_is_named() {
    let (benefit, key_id, key) = sample();
    let sealed = vault(&[OLD]).seal(&benefit, &key_id, &key).expect("seals");
    assert!(vault(&[OLD, NEW]).open(&benefit, &key_id, &sealed).is_ok());
    assert_eq!(vault(&[NEW]).open(&benefit, &key_id, &sealed).err(), Some(VaultError::KeyMissing));
}

#[test]
fn a_ciphertext_in_another_row_is_refused() {
    let (own, key_id, key) = sample();
    let vault = vault(&[NEW]);
    let sealed = vault.seal(&own, &key_id, &key).expect("seals");
    let other_id = Handle::from_random([2; 16]);
    for (name, id) in [
        ("partners/q/benefits/e.x", &key_id),
        ("partners/p/benefits/e.y", &key_id),
        ("partners/p/benefits/e.x", &other_id),
        ("partners/px/benefits/e.x", &key_id),
    ] {
        let opened = vault.open(&benefit(name), id, &sealed);
        assert_eq!(opened.err(), Some(VaultError::Tampered), "{name}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let (benefit, key_id, key) = sample();
    let vault = vault(&[NEW]);
    let sealed = vault.seal(&benefit, &key_id, &key).expect("seals");
    for place in 0..sealed.ciphertext.len() {
        let mut changed = sealed.clone();
        changed.ciphertext[place] ^= 1;
        assert_eq!(vault.open(&benefit, &key_id, &changed).err(), Some(VaultError::Tampered));
    }
    let mut changed = sealed.clone();
    changed.nonce[0] ^= 1;
    assert_eq!(vault.open(&benefit, &key_id, &changed).err(), Some(VaultError::Tampered));
    changed.nonce.clear();
    assert_eq!(vault.open(&benefit, &key_id, &changed).err(), Some(VaultError::Tampered));
}

#[test]
fn a_digest_recognises_a_key_and_depends_on_the_secret() {
    let (_, _, key) = sample();
    let one = vault(&[NEW]);
    let ring = KeyRing::parse(NEW).expect("a ring");
    let two = KeyVault::new(ring, &"cd".repeat(32), Arc::new(SystemRandom)).expect("a vault");
    assert_eq!(one.digest(&key), one.digest(&ProductKey::issue(&[7; 14])));
    assert_ne!(one.digest(&key), one.digest(&ProductKey::issue(&[8; 14])));
    assert_ne!(one.digest(&key), two.digest(&key));
    assert_ne!(one.witness(), two.witness());
}

#[test]
fn a_bad_ring_names_its_line_and_shows_none_of_it() {
    let short = "2026:0202";
    for (text, error) in [
        ("", KeyRingError::Empty),
        ("# only a remark\n", KeyRingError::Empty),
        (short, KeyRingError::Line { line: 1 }),
        (&format!("{OLD}\n{NEW}x"), KeyRingError::Line { line: 2 }),
        (&format!("{OLD}\n\n{OLD}"), KeyRingError::Twice { line: 3 }),
        ("no colon", KeyRingError::Line { line: 1 }),
    ] {
        let found = KeyRing::parse(text).err().expect("an error");
        assert_eq!(found, error);
        assert!(!found.to_string().contains("0202"));
    }
}
