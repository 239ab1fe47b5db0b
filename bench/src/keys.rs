//! Product keys by number: the same number is the same key in every run with the same seed.

use anyhow::Result;
use product_key::ProductKey;
use proto::activation::v1::KeyRegistration;

/// What the keys are for.
pub const PRODUCT: &str = "products/windows-server-2019-standard";
/// Characters of a key as it is typed.
pub const KEY_CHARS: usize = 33;

/// So many keys.
pub struct Keys {
    seed: u64,
    typed: Vec<[u8; KEY_CHARS]>,
}

impl Keys {
    /// Issues them.
    ///
    /// # Errors
    /// Keys are not as long as they were.
    pub fn issue(seed: u64, count: usize) -> Result<Self> {
        let mut typed = Vec::with_capacity(count);
        for number in 0..count as u64 {
            let mut random = [0; 14];
            let words = words(seed, number, Purpose::Key);
            for (byte, from) in random.iter_mut().zip(words) {
                *byte = from;
            }
            let key = ProductKey::issue(&random).grouped();
            typed.push(key.as_bytes().try_into()?);
        }
        Ok(Self { seed, typed })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.typed.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// A key as it is typed; numbers beyond the last begin again.
    #[must_use]
    pub fn typed(&self, number: u64) -> Option<&[u8; KEY_CHARS]> {
        self.typed.get(self.place(number))
    }

    /// The place of a key; numbers beyond the last begin again.
    #[must_use]
    pub fn place(&self, number: u64) -> usize {
        usize::try_from(number % (self.typed.len().max(1) as u64)).unwrap_or(0)
    }

    /// `productKeys/{key_id}`.
    #[must_use]
    pub fn name(&self, number: u64) -> String {
        format!("productKeys/{}", self.id(number))
    }

    /// What a key is registered with.
    ///
    /// # Errors
    /// There is no such key.
    pub fn registration(&self, number: u64, limit: u32) -> Result<KeyRegistration> {
        let typed = self.typed(number).map_or(&[][..], |typed| typed.as_slice());
        Ok(KeyRegistration {
            key_id: self.id(number),
            product_key: std::str::from_utf8(typed)?.to_owned(),
            owner: "contoso".to_owned(),
            product: PRODUCT.to_owned(),
            limit,
            help_uri: "https://help.example/manage-benefits".to_owned(),
            ..KeyRegistration::default()
        })
    }

    fn id(&self, number: u64) -> String {
        let bytes = words(self.seed, number, Purpose::KeyId);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What bytes by number are for, so that no two kinds of them are alike.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Key,
    KeyId,
    Request,
    Component(u8),
}

/// Sixteen bytes that look random and are the same for the same arguments.
pub(crate) fn words(seed: u64, number: u64, purpose: Purpose) -> [u8; 16] {
    let purpose = match purpose {
        Purpose::Key => 1,
        Purpose::KeyId => 2,
        Purpose::Request => 3,
        Purpose::Component(kind) => 256 + u64::from(kind),
    };
    let first = scramble(scramble(scramble(seed) ^ purpose) ^ number);
    let second = scramble(first ^ number.rotate_left(32));
    (u128::from(first) << 64 | u128::from(second)).to_be_bytes()
}

/// SplitMix64: near numbers give far ones.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ours_and_different_and_the_same_again() -> Result<()> {
        let keys = Keys::issue(7, 100)?;
        for number in 0..100 {
            let registration = keys.registration(number, 5)?;
            let parsed = ProductKey::parse(&registration.product_key)?;
            assert!(parsed.is_ours());
            assert_ne!(keys.typed(number), keys.typed(number + 1));
            assert_ne!(keys.name(number), keys.name(number + 1));
            assert_eq!(keys.name(number), Keys::issue(7, 1)?.name(number));
        }
        Ok(())
    }
}
