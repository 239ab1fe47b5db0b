//! Verifies bearer tokens: JWT signed with EdDSA or ES256 by a pinned key, never anything else.

use std::collections::HashMap;
use std::path::PathBuf;

use http::HeaderValue;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, decode, decode_header};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

use super::verified::{Validity, Verified};
use super::{Principal, ROLES_MAX, TokenConfig, is_name};

/// Longest `authorization` value that is looked at, in bytes.
const CREDENTIALS_BYTES_MAX: usize = 4_096;
/// Clocks of issuer and service may differ this much.
pub(super) const LEEWAY_SECONDS: u64 = 30;

/// Why the pinned token keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// A key file cannot be read.
    #[error("cannot read the token key {path}: {cause}")]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// A key file holds no public key of a kind that is accepted.
    #[error("{path} is no Ed25519 or P-256 public key in PEM")]
    NoKey {
        /// The file as it was named.
        path: PathBuf,
    },
    /// Tokens are configured, but no token could ever be accepted or give a role.
    #[error("identity.token needs at least one key and one accepted role")]
    Useless,
}

/// Why one token is refused. The texts tell a developer which rule it broke and nothing of its
/// content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    #[error("authorization is not `Bearer` and a token of at most 4096 bytes")]
    NoBearer,
    #[error("the token is not a JWT")]
    Malformed,
    #[error("the token's key id is not known")]
    UnknownKey,
    #[error("the token's algorithm is not that of its key")]
    WrongAlgorithm,
    #[error("the token's signature is wrong")]
    WrongSignature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token is for another audience")]
    WrongAudience,
    #[error("the token is from another issuer")]
    WrongIssuer,
    #[error("the token lacks one of exp, iss, aud, sub, nbf, or a claim cannot be read")]
    Claims,
}

/// The pinned keys and rules.
pub(super) struct Tokens {
    keys: HashMap<String, (DecodingKey, Validation)>,
    roles_accepted: Vec<String>,
    roles_claim: String,
    tenant_claim: String,
    verified: Verified,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

impl Tokens {
    pub(super) fn load(config: &TokenConfig) -> Result<Self, TokenKeyError> {
        // A provider of our own keeps the RSA crate out of the house; it is in place from the first
        // call.
        let _ = PROVIDER.install_default();
        if config.keys.is_empty() || config.roles_accepted.is_empty() {
            return Err(TokenKeyError::Useless);
        }
        let mut keys = HashMap::new();
        for (kid, path) in &config.keys {
            let pem = std::fs::read(path)
                .map_err(|cause| TokenKeyError::Unreadable { path: path.clone(), cause })?;
            let (key, algorithm) =
                public_key(&pem).ok_or_else(|| TokenKeyError::NoKey { path: path.clone() })?;
            keys.insert(kid.clone(), (key, rules(config, algorithm)));
        }
        Ok(Self {
            keys,
            roles_accepted: config.roles_accepted.clone(),
            roles_claim: config.roles_claim.clone(),
            tenant_claim: config.tenant_claim.clone(),
            verified: Verified::default(),
        })
    }

    /// The user whom the token names, with the accepted ones of its roles. The service's own roles
    /// of everyone are the same in all calls.
    pub(super) fn principal(
        &self,
        credentials: &HeaderValue,
        everyone: &[&'static str],
    ) -> Result<Principal, TokenError> {
        let token = bearer(credentials).ok_or(TokenError::NoBearer)?;
        if let Some(principal) = self.verified.principal(token) {
            return Ok(principal);
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let kid = header.kid.ok_or(TokenError::UnknownKey)?;
        let (key, rules) = self.keys.get(&kid).ok_or(TokenError::UnknownKey)?;
        let claims = decode::<Claims>(token, key, rules).map_err(|e| reason(&e))?.claims;
        let roles = self.roles(&claims)?;
        let tenant = match claims.others.get(&self.tenant_claim) {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(name)) if is_name(name) => Some(name.clone()),
            Some(_) => return Err(TokenError::Claims),
        };
        if !is_name(&claims.sub) {
            return Err(TokenError::Claims);
        }
        let everyone = everyone.iter().map(|role| (*role).to_owned());
        let validity = validity(&claims);
        let principal = Principal::new(claims.sub, roles.into_iter().chain(everyone), tenant);
        if let Some(validity) = validity {
            self.verified.keep(token, principal.clone(), validity);
        }
        Ok(principal)
    }

    fn roles(&self, claims: &Claims) -> Result<Vec<String>, TokenError> {
        let listed = match claims.others.get(&self.roles_claim) {
            None => return Ok(Vec::new()),
            Some(serde_json::Value::Array(listed)) if listed.len() <= ROLES_MAX => listed,
            Some(_) => return Err(TokenError::Claims),
        };
        let named: Option<Vec<&str>> = listed.iter().map(serde_json::Value::as_str).collect();
        let named = named.ok_or(TokenError::Claims)?;
        let accepted = |role: &&str| self.roles_accepted.iter().any(|accepted| accepted == role);
        Ok(named.into_iter().filter(accepted).map(str::to_owned).collect())
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// None if the times are no whole numbers: such a token is verified each time.
fn validity(claims: &Claims) -> Option<Validity> {
    let seconds = |name: &str| claims.others.get(name)?.as_u64();
    Some(Validity { from: seconds("nbf")?, until: seconds("exp")? })
}

fn bearer(credentials: &HeaderValue) -> Option<&str> {
    let text = credentials.to_str().ok().filter(|text| text.len() <= CREDENTIALS_BYTES_MAX)?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn public_key(pem: &[u8]) -> Option<(DecodingKey, Algorithm)> {
    let ed25519 = DecodingKey::from_ed_pem(pem).map(|key| (key, Algorithm::EdDSA, 32));
    let p256 = || DecodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256, 65));
    let (key, algorithm, bytes) = ed25519.or_else(|_| p256()).ok()?;
    // The length tells P-256 from the larger curves, which share the PEM label.
    (key.try_get_as_bytes().ok()?.len() == bytes).then_some((key, algorithm))
}

fn rules(config: &TokenConfig, algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub", "nbf"]);
    rules.set_issuer(&[&config.issuer]);
    rules.set_audience(&[&config.audience]);
    rules.leeway = LEEWAY_SECONDS;
    rules.validate_nbf = true;
    rules
}

fn reason(error: &JwtError) -> TokenError {
    match error.kind() {
        ErrorKind::InvalidToken | ErrorKind::Base64(_) => TokenError::Malformed,
        ErrorKind::InvalidSignature => TokenError::WrongSignature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => TokenError::WrongAlgorithm,
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYet,
        ErrorKind::InvalidAudience => TokenError::WrongAudience,
        ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
        _ => TokenError::Claims,
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    let ring: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::EdDSA => &ED25519,
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    if !key.family().algorithms().contains(algorithm) {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let key = UnparsedPublicKey::new(ring, key.try_get_as_bytes()?.to_vec());
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key }))
}

struct RingVerifier {
    algorithm: Algorithm,
    key: UnparsedPublicKey<Vec<u8>>,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.key.verify(message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
