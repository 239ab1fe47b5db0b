//! The settings with which both services find their files, each other and their callers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::{PairOptions, Security};

/// Names in client certificates and what they may do.
const CLIENT_ROLES: &str = concat!(
    r#"{"catalog.internal" = ["CATALOG"], "portal.internal" = ["PORTAL"], "#,
    r#""ops-read.internal" = ["OPS_READ"], "ops-admin.internal" = ["OPS_ADMIN"], "#,
    r#""catalog-read.internal" = ["CATALOG_READ"]}"#
);

/// Bytes of a segment of the journal.
const SEGMENT_BYTES: &str = "1048576";

pub(super) fn certs(folder: &Path) -> PathBuf {
    folder.join("certs")
}

pub(super) fn content(folder: &Path) -> PathBuf {
    folder.join("content")
}

pub(super) fn activation(options: &PairOptions) -> Vec<(String, String)> {
    let folder = &options.folder;
    let certs = certs(folder);
    let mut settings = common(options, "activation-service");
    settings.extend([
        path("storage.sled.folder", &folder.join("ledger")),
        path("secrets.pepper_file", &certs.join("activation-pepper.secret")),
        path("secrets.deployment_salt_file", &certs.join("activation-salt.secret")),
        path("secrets.receipt_key_file", &certs.join("activation-receipt-key.secret")),
        path("secrets.page_token_secret_file", &certs.join("activation-page-token.secret")),
        // Small ones: what is taken from the disk beforehand is taken for every pair.
        text("storage.sled.segment_bytes", SEGMENT_BYTES),
        text("storage.sled.reserve_bytes", SEGMENT_BYTES),
        text("storage.sled.low_water_bytes", SEGMENT_BYTES),
    ]);
    settings.extend(options.activation_settings.iter().cloned());
    settings
}

pub(super) fn catalog(options: &PairOptions, activation: SocketAddr) -> Vec<(String, String)> {
    let folder = &options.folder;
    let certs = certs(folder);
    let mut settings = common(options, "catalog-service");
    settings.extend([
        path("content.folder", &content(folder)),
        path("store.file", &folder.join("catalog").join("catalog.sqlite")),
        path("secrets.encryption_keys_file", &certs.join("catalog-encryption-keys.secret")),
        path("secrets.digest_secret_file", &certs.join("catalog-digest.secret")),
        path("secrets.page_token_secret_file", &certs.join("catalog-page-token.secret")),
    ]);
    let port = activation.port();
    settings.extend(match options.security {
        Security::Plain => vec![text("activation.channel.uri", &format!("http://{activation}"))],
        Security::Mtls => vec![
            text("activation.channel.uri", &format!("https://localhost:{port}")),
            path("activation.channel.ca_file", &certs.join("ca.pem")),
            path("activation.channel.cert_file", &certs.join("client-catalog.pem")),
            path("activation.channel.key_file", &certs.join("client-catalog.key")),
        ],
    });
    settings.extend(options.catalog_settings.iter().cloned());
    settings
}

fn common(options: &PairOptions, name: &str) -> Vec<(String, String)> {
    let certs = certs(&options.folder);
    let mut settings =
        vec![text("serve.drain.lame_duck_ms", "0"), text("telemetry.format", "json")];
    settings.extend(match options.security {
        Security::Plain => vec![text("serve.identity.development", "true")],
        Security::Mtls => vec![
            path("serve.tls.cert_file", &certs.join(format!("{name}.pem"))),
            path("serve.tls.key_file", &certs.join(format!("{name}.key"))),
            path("serve.tls.client_ca_file", &certs.join("ca.pem")),
            text("serve.identity.client_roles", CLIENT_ROLES),
            text("serve.identity.token_forwarders", r#"["PORTAL"]"#),
            text("serve.identity.token.issuer", "https://portal.localhost"),
            text("serve.identity.token.audience", "benefits"),
            text(
                "serve.identity.token.keys",
                &format!("{{\"dev\" = {:?}}}", certs.join("token-signing.pub.pem")),
            ),
            text("serve.identity.token.roles_accepted", r#"["GLOBAL_ADMIN", "MPN_PARTNER_ADMIN"]"#),
        ],
    });
    settings
}

fn text(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn path(key: &str, value: &Path) -> (String, String) {
    (key.to_owned(), value.display().to_string())
}
