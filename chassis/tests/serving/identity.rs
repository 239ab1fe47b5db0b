//! Certificates give clients their roles; tokens give users theirs, through forwarders only.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::auth::{IdentityConfig, TokenConfig};
use chassis::channel::connect_lazy;
use rcgen::KeyPair;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tonic::Code;

use crate::world::{Certificates, World, call, details};

const HOUR: i64 = 3_600;

/// One issuer of tokens with a key of each kind.
struct Issuer {
    ed25519: Ed25519KeyPair,
    p256: EcdsaKeyPair,
}

impl Issuer {
    fn new(certificates: &Certificates) -> Self {
        let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let ec = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        for (name, key) in [("ed", &ed), ("ec", &ec)] {
            let path = certificates.path(&format!("{name}.public"));
            std::fs::write(path, key.public_key_pem()).expect("written");
        }
        let random = ring::rand::SystemRandom::new();
        let ed25519 = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&ed.serialize_der());
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let p256 = EcdsaKeyPair::from_pkcs8(algorithm, &ec.serialize_der(), &random);
        Self { ed25519: ed25519.expect("a key"), p256: p256.expect("a key") }
    }

    fn config(certificates: &Certificates) -> TokenConfig {
        TokenConfig {
            issuer: "https://login.example".to_owned(),
            audience: "api://test".to_owned(),
            keys: BTreeMap::from([
                ("ed-1".to_owned(), certificates.path("ed.public")),
                ("ec-1".to_owned(), certificates.path("ec.public")),
            ]),
            roles_accepted: vec!["READER".to_owned(), "WRITER".to_owned()],
            roles_claim: "roles".to_owned(),
            tenant_claim: "partner".to_owned(),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = match header["alg"].as_str() {
            Some("ES256") => {
                let random = ring::rand::SystemRandom::new();
                let signature = self.p256.sign(&random, message.as_bytes()).expect("it signs");
                URL_SAFE_NO_PAD.encode(signature.as_ref())
            }
            Some("none") => String::new(),
            _ => URL_SAFE_NO_PAD.encode(self.ed25519.sign(message.as_bytes()).as_ref()),
        };
        format!("Bearer {message}.{signature}")
    }

    fn good(&self) -> String {
        self.sign(&header("EdDSA", "ed-1"), &claims(&[]))
    }
}

fn header(algorithm: &str, kid: &str) -> Value {
    json!({ "alg": algorithm, "kid": kid, "typ": "JWT" })
}

fn claims(changes: &[(&str, Value)]) -> Value {
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time");
    let mut claims = json!({
        "iss": "https://login.example", "aud": "api://test", "sub": "alice@contoso.example",
        "exp": now + HOUR, "nbf": now - HOUR, "roles": ["READER", "OPS"], "partner": "contoso",
    });
    for (name, value) in changes {
        match value {
            Value::Null => claims.as_object_mut().and_then(|object| object.remove(*name)),
            value => claims.as_object_mut().and_then(|o| o.insert((*name).into(), value.clone())),
        };
    }
    claims
}

async fn world() -> (Certificates, Issuer, World) {
    let certificates = Certificates::new();
    let issuer = Issuer::new(&certificates);
    let roles = |name: &str, role: &str| (name.to_owned(), vec![role.to_owned()]);
    let identity = IdentityConfig {
        client_roles: BTreeMap::from([
            roles("Portal.internal", "FORWARDER"),
            roles("reader.internal", "READER"),
        ]),
        token: Some(Issuer::config(&certificates)),
        token_forwarders: vec!["FORWARDER".to_owned()],
        development: false,
    };
    let world = World::start(certificates.server(identity)).await;
    certificates.issue("portal", &["portal.INTERNAL"]);
    certificates.issue("reader", &["something.else", "reader.internal"]);
    certificates.issue("stranger", &["stranger.internal"]);
    (certificates, issuer, world)
}

#[tokio::test]
async fn a_certificates_names_give_roles() {
    let (certificates, _, world) = world().await;
    let as_client = |name| connect_lazy(&certificates.client(&world, name)).expect("a channel");
    let reader = call(as_client(Some("reader")), "Secret", "", &[]).await.expect("a reader");
    assert_eq!(reader, "reader.internal GUEST,READER -");
    let stranger = call(as_client(Some("stranger")), "Echo", "", &[]).await.expect("everyone may");
    assert_eq!(stranger, "stranger.internal GUEST -");
    let refused = call(as_client(Some("stranger")), "Secret", "", &[]).await.expect_err("no role");
    details(&refused, Code::PermissionDenied, "ROLE_MISSING");
    let anonymous = call(as_client(None), "Echo", "", &[]).await.expect("everyone may");
    assert_eq!(anonymous, "anonymous GUEST -");
    let refused = call(as_client(None), "Secret", "", &[]).await.expect_err("no role");
    details(&refused, Code::Unauthenticated, "CREDENTIALS_MISSING");
    let alone = call(as_client(Some("portal")), "Secret", "", &[]).await.expect_err("no user");
    details(&alone, Code::PermissionDenied, "ROLE_MISSING");
    world.stop().await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let (certificates, _, world) = world().await;
    let others = Certificates::new();
    others.issue("reader", &["reader.internal"]);
    let mut target = certificates.client(&world, None);
    target.cert_file = Some(others.path("reader.pem"));
    target.key_file = Some(others.path("reader.key"));
    let channel = connect_lazy(&target).expect("a channel");
    assert!(call(channel, "Echo", "", &[]).await.is_err());
    world.stop().await;
}

#[tokio::test]
async fn older_tls_than_1_3_is_refused() {
    let (certificates, _, world) = world().await;
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(certificates.path("ca.pem")).expect("it is there");
    roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("a CA");
    for (version, good) in [(&rustls::version::TLS13, true), (&rustls::version::TLS12, false)] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let tcp = tokio::net::TcpStream::connect(world.address).await.expect("it connects");
        let name = "server.internal".try_into().expect("a name");
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        assert_eq!(connector.connect(name, tcp).await.is_ok(), good, "{version:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_forwarded_token_makes_the_user_the_caller() {
    let (certificates, issuer, world) = world().await;
    let portal = connect_lazy(&certificates.client(&world, Some("portal"))).expect("a channel");
    let ec = issuer.sign(&header("ES256", "ec-1"), &claims(&[("aud", json!(["x", "api://test"]))]));
    for token in [issuer.good(), ec] {
        let metadata = [("authorization", token.as_str())];
        let user = call(portal.clone(), "Secret", "", &metadata).await.expect("a reader");
        assert_eq!(user, "alice@contoso.example GUEST,READER contoso", "OPS is not accepted");
    }
    world.stop().await;
}

#[tokio::test]
async fn only_forwarders_may_send_a_token() {
    let (certificates, issuer, world) = world().await;
    let good = issuer.good();
    for name in [None, Some("stranger"), Some("reader")] {
        let channel = connect_lazy(&certificates.client(&world, name)).expect("a channel");
        let refused = call(channel, "Echo", "", &[("authorization", &good)]).await;
        details(&refused.expect_err("no forwarder"), Code::Unauthenticated, "TOKEN_INVALID");
    }
    world.stop().await;
}

#[tokio::test]
async fn every_way_to_be_a_bad_token_is_refused() {
    let (certificates, issuer, world) = world().await;
    let portal = connect_lazy(&certificates.client(&world, Some("portal"))).expect("a channel");
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).expect("a time");
    let ed = header("EdDSA", "ed-1");
    let with = |name: &str, value: Value| issuer.sign(&ed, &claims(&[(name, value)]));
    let mut bad = vec![
        ("alg none", issuer.sign(&header("none", "ed-1"), &claims(&[]))),
        ("alg HS256", issuer.sign(&header("HS256", "ed-1"), &claims(&[]))),
        ("alg of another key", issuer.sign(&header("ES256", "ed-1"), &claims(&[]))),
        ("key of another alg", issuer.sign(&header("EdDSA", "ec-1"), &claims(&[]))),
        ("unknown kid", issuer.sign(&header("EdDSA", "ed-2"), &claims(&[]))),
        ("no kid", issuer.sign(&json!({ "alg": "EdDSA" }), &claims(&[]))),
        ("expired", with("exp", json!(now - 60))),
        ("not yet", with("nbf", json!(now + 60))),
        ("exp is text", with("exp", json!("never"))),
        ("nbf is text", with("nbf", json!("always"))),
        ("another audience", with("aud", json!("api://other"))),
        ("another issuer", with("iss", json!("https://evil.example"))),
        ("roles are no list", with("roles", json!("READER"))),
        ("roles are no texts", with("roles", json!([1]))),
        ("tenant is no text", with("partner", json!(7))),
        ("subject is empty", with("sub", json!(""))),
        ("subject with a control character", with("sub", json!("a\nb"))),
        ("Basic", issuer.good().replace("Bearer", "Basic")),
        ("no JWT", "Bearer abc".to_owned()),
        ("too long", format!("Bearer {}", "a".repeat(5_000))),
    ];
    for name in ["exp", "iss", "aud", "sub", "nbf"] {
        bad.push((name, with(name, Value::Null)));
    }
    let good = issuer.good();
    let (start, signature) = good.rsplit_once('.').expect("three parts");
    let flipped: String = signature.chars().rev().collect();
    bad.push(("another signature", format!("{start}.{flipped}")));
    for (why, token) in &bad {
        let refused = call(portal.clone(), "Echo", "", &[("authorization", token)]).await;
        let Err(status) = refused else { panic!("{why}: {refused:?}") };
        details(&status, Code::Unauthenticated, "TOKEN_INVALID");
    }
    let slack = issuer.sign(&ed, &claims(&[("exp", json!(now - 10)), ("nbf", json!(now + 10))]));
    let metadata = [("authorization", slack.as_str())];
    call(portal, "Secret", "", &metadata).await.expect("clocks may differ by 30 seconds");
    world.stop().await;
}
