//! Requests to activate computers that do not exist, made without making evidence each time.
//!
//! One request is made by the crates that installers use, with the ten kinds that have points. Of
//! other computers of the same model only the digests of what has a serial number differ, and a
//! digest of a value that nobody knows is any sixteen bytes; so these, the key and the request id
//! are written into a copy.

use anyhow::{Context as _, Result, ensure};
use bytes::{Bytes, BytesMut};
use hardware_evidence::{ComponentKind, DeploymentSalt};
use prost::Message as _;
use proto::activation::v1::{ActivateRequest, ClientInfo, Platform};
use system_tests::Computer;

use crate::keys::{KEY_CHARS, Keys, PRODUCT, Purpose, words};

/// The kinds that differ between computers of a model.
const SERIALS: [ComponentKind; 6] = [
    ComponentKind::BoardSerial,
    ComponentKind::SystemUuid,
    ComponentKind::OsDisk,
    ComponentKind::Nic,
    ComponentKind::TpmEk,
    ComponentKind::ChassisSerial,
];
/// Kinds of the evidence: all that have points.
const KINDS: usize = 10;
/// Bytes of a digest and of a request id.
const ID_BYTES: usize = 16;

/// Makes requests.
pub struct Computers {
    seed: u64,
    template: Bytes,
    key_at: usize,
    request_at: usize,
    digests_at: Vec<(u8, usize)>,
}

impl Computers {
    /// Prepares requests for a deployment.
    ///
    /// # Errors
    /// Evidence cannot be made, or is not as it was.
    pub fn new(seed: u64, salt: &DeploymentSalt) -> Result<Self> {
        let computer = Computer::recorded()?
            .without(ComponentKind::OsInstallId)
            .without(ComponentKind::BiosVersion);
        let evidence = computer.evidence(salt)?;
        ensure!(evidence.components.len() == KINDS, "{} kinds", evidence.components.len());
        let (key, request_id) = ([b'~'; KEY_CHARS], Bytes::from_static(&[0xee; ID_BYTES]));
        let request = ActivateRequest {
            product_key: String::from_utf8(key.to_vec())?,
            product: PRODUCT.to_owned(),
            evidence: Some(evidence.clone()),
            platform: Platform::Windows.into(),
            client: Some(ClientInfo { name: "bench".into(), version: "1.0".into() }),
            request_id: request_id.clone(),
        };
        let template = Bytes::from(request.encode_to_vec());
        let mut digests_at = Vec::new();
        for component in &evidence.components {
            let is_serial = |kind: &&ComponentKind| i32::from(kind.number()) == component.kind;
            let Some(kind) = SERIALS.iter().find(is_serial) else { continue };
            for (number, digest) in (0u8..).zip(&component.digests) {
                let purpose = kind.number() | number << 4;
                digests_at.push((purpose, place(&template, digest)?));
            }
        }
        let (key_at, request_at) = (place(&template, &key)?, place(&template, &request_id)?);
        Ok(Self { seed, template, key_at, request_at, digests_at })
    }

    /// A request to activate this computer on this key; the request id belongs to the number of
    /// the request.
    ///
    /// # Errors
    /// There is no such key.
    pub fn request(&self, keys: &Keys, key: u64, computer: u64, request: u64) -> Result<Bytes> {
        let mut message = BytesMut::from(self.template.as_ref());
        let mut put = |at: usize, bytes: &[u8]| {
            let place = message.get_mut(at..at + bytes.len()).context("a place in the request")?;
            place.copy_from_slice(bytes);
            anyhow::Ok(())
        };
        put(self.key_at, keys.typed(key).context("a key")?)?;
        put(self.request_at, &words(self.seed, request, Purpose::Request))?;
        for (kind, at) in &self.digests_at {
            put(*at, &words(self.seed, computer, Purpose::Component(*kind)))?;
        }
        Ok(message.freeze())
    }

    /// Bytes of a request.
    #[must_use]
    pub fn request_bytes(&self) -> usize {
        self.template.len()
    }
}

/// Where these bytes stand, which stand there once.
fn place(template: &[u8], bytes: &[u8]) -> Result<usize> {
    let mut found = template.windows(bytes.len()).enumerate().filter(|(_, at)| *at == bytes);
    let (at, _) = found.next().context("the template lacks something")?;
    ensure!(found.next().is_none(), "the template has something twice");
    Ok(at)
}

#[cfg(test)]
mod tests {
    //! A patched request is a request: it parses, and says what it was made for.

    use super::*;

    #[test]
    fn requests_differ_where_they_must_and_nowhere_else() -> Result<()> {
        let computers = Computers::new(1, &DeploymentSalt::new([3; 32]))?;
        let keys = Keys::issue(1, 3)?;
        let decoded = |key, computer, request| {
            let bytes = computers.request(&keys, key, computer, request)?;
            anyhow::Ok(ActivateRequest::decode(bytes)?)
        };
        let (one, other) = (decoded(0, 0, 0)?, decoded(1, 1, 1)?);
        assert_eq!(one.product_key, keys.registration(0, 1)?.product_key);
        assert_ne!(one.product_key, other.product_key);
        assert_ne!(one.request_id, other.request_id);
        let pairs = |one: &ActivateRequest, other: &ActivateRequest| {
            let of = |it: &ActivateRequest| it.evidence.clone().unwrap_or_default().components;
            of(one).into_iter().zip(of(other)).collect::<Vec<_>>()
        };
        let equal = pairs(&one, &other).into_iter().filter(|(a, b)| a == b).count();
        assert_eq!(equal, KINDS - SERIALS.len(), "board model, processor, display, memory");
        let again = decoded(1, 0, 2)?;
        assert!(pairs(&one, &again).iter().all(|(a, b)| a == b), "the same computer");
        Ok(())
    }
}
