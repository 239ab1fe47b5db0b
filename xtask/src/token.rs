//! `cargo xtask token`: a development token for a portal user.
//!
//! The services accept it only from a peer that may forward tokens, and only under a key that their
//! settings pin, so a token of a development key opens nothing elsewhere.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, value_parser};
use rcgen::{KeyPair, SigningKey as _};
use serde_json::json;

use crate::output;

/// A token is for a session and not for a week.
const VALID_MINUTES_MAX: i64 = 24 * 60;

/// What the token says.
#[derive(Args, Clone, Debug)]
pub struct TokenArgs {
    /// The Ed25519 private key that signs, as `cargo xtask certs` wrote it.
    #[arg(long, value_name = "FILE", default_value = "certs/token-signing.key")]
    pub signing_key: PathBuf,
    /// The name under which the services know its public half.
    #[arg(long, default_value = "dev")]
    pub kid: String,
    /// Who says so; the services' `identity.token.issuer`.
    #[arg(long, default_value = "https://portal.localhost")]
    pub issuer: String,
    /// For whom; the services' `identity.token.audience`.
    #[arg(long, default_value = "benefits")]
    pub audience: String,
    /// The user.
    #[arg(long)]
    pub subject: String,
    /// The user's roles, such as GLOBAL_ADMIN.
    #[arg(long, value_delimiter = ',')]
    pub roles: Vec<String>,
    /// The partner that the user acts for.
    #[arg(long)]
    pub partner: Option<String>,
    /// For how long it is valid.
    #[arg(
        long,
        default_value_t = 60,
        value_parser = value_parser!(i64).range(1..=VALID_MINUTES_MAX)
    )]
    pub minutes: i64,
}

/// Prints the token.
///
/// # Errors
/// The key cannot be read or cannot sign.
pub fn run(args: &TokenArgs) -> Result<()> {
    output::line(&mint(args)?);
    Ok(())
}

/// Makes the token: a JWT with the claims that the services require.
///
/// # Errors
/// The key cannot be read or cannot sign.
pub fn mint(args: &TokenArgs) -> Result<String> {
    let shown = args.signing_key.display();
    let pem = fs::read_to_string(&args.signing_key).with_context(|| {
        format!("cannot read {shown}; `cargo xtask certs --out certs` makes one")
    })?;
    let key = KeyPair::from_pem(&pem).with_context(|| format!("{shown} holds no private key"))?;
    if key.algorithm() != &rcgen::PKCS_ED25519 {
        anyhow::bail!("{shown} holds no Ed25519 key");
    }
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": args.issuer,
        "aud": args.audience,
        "sub": args.subject,
        "iat": now,
        "nbf": now,
        "exp": now + args.minutes.clamp(1, VALID_MINUTES_MAX) * 60,
        "roles": args.roles,
    });
    if let (Some(partner), Some(claims)) = (&args.partner, claims.as_object_mut()) {
        claims.insert("partner".to_owned(), json!(partner));
    }
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": args.kid });
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = key.sign(signed.as_bytes()).context("cannot sign")?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    //! A token is signed by the key, holds what was asked for and ends.

    use super::*;

    #[test]
    fn token_is_signed_and_ends() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
        let file = folder.path().join("signing.key");
        fs::write(&file, key.serialize_pem())?;
        let token = mint(&TokenArgs {
            signing_key: file,
            kid: "dev".to_owned(),
            issuer: "https://portal.localhost".to_owned(),
            audience: "benefits".to_owned(),
            subject: "alice".to_owned(),
            roles: vec!["GLOBAL_ADMIN".to_owned()],
            partner: Some("contoso".to_owned()),
            minutes: 5,
        })?;
        let (signed, signature) = token.rsplit_once('.').context("three parts")?;
        let public = key.public_key_raw().to_vec();
        ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public)
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature)?)
            .ok()
            .context("the signature holds")?;
        let (_, claims) = signed.split_once('.').context("two parts")?;
        let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["partner"], "contoso");
        assert_eq!(claims["roles"], json!(["GLOBAL_ADMIN"]));
        let seconds = |name: &str| claims[name].as_i64().unwrap_or_default();
        assert_eq!(seconds("exp") - seconds("nbf"), 300);
        Ok(())
    }
}
