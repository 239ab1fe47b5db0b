//! The settings of the service: one typed struct; every field says what it means, its default and
//! its bounds.

use std::path::PathBuf;

use chassis::channel::ChannelConfig;
use chassis::config::Secret;
use chassis::metrics::MetricsConfig;
use chassis::serve::ServeConfig;
use chassis::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

/// Start of the names of environment variables: `CATALOG__STORE__FILE`.
pub const ENV_PREFIX: &str = "CATALOG";

/// Longest time that a list of benefits may wait for the activation service.
const USAGE_TIMEOUT_MS_MAX: u64 = 1_000;
/// Most keys that the activation service takes in one call.
const BATCH_KEYS_MAX: u32 = 500;
/// Longest delay between attempts.
const RETRY_DELAY_MS_MAX: u64 = 3_600_000;
/// Most connections that read.
const READERS_MAX: u32 = 64;
/// Fewest characters of a secret that signs.
const SECRET_CHARS_MIN: usize = 32;
/// Longest wait for a lock or an answer.
const TIMEOUT_MS_MAX: u64 = 60_000;

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The gRPC server.
    pub serve: ServeConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// The metrics page.
    pub metrics: MetricsConfig,
    /// The content folder.
    pub content: ContentConfig,
    /// The embedded store.
    pub store: StoreConfig,
    /// Secrets; each can be given as a file, `…_file`.
    pub secrets: SecretsConfig,
    /// The activation service.
    pub activation: ActivationConfig,
    /// The delivery of keys to the activation service.
    pub outbox: OutboxConfig,
    /// How the `healthcheck` command reaches this service; default plain text to the port of
    /// `serve.listen` on loopback.
    pub healthcheck: Option<ChannelConfig>,
}

/// The content folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContentConfig {
    /// The folder with families and offers; default `catalog`.
    pub folder: PathBuf,
}

impl Default for ContentConfig {
    fn default() -> Self {
        Self { folder: PathBuf::from("catalog") }
    }
}

/// The embedded store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The database file; default `data/catalog.sqlite`. Its folder is created.
    pub file: PathBuf,
    /// Longest wait for a lock or a connection, 1 to 60,000 ms; default 5,000.
    pub busy_timeout_ms: u64,
    /// Connections that read, 1 to 64; default 4.
    pub readers: u32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("data/catalog.sqlite"), busy_timeout_ms: 5_000, readers: 4 }
    }
}

/// Secrets. None of them has a default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// Encryption keys of product keys, one line `id:64 hex digits` each, oldest first: the last
    /// one encrypts, all decrypt. Required. Remove an old one only when no stored key needs it; the
    /// service refuses to start otherwise.
    pub encryption_keys: Option<Secret>,
    /// Secret of the digests by which a product key is recognised, 64 hex digits or more. Required;
    /// it never changes.
    pub digest_secret: Option<Secret>,
    /// Secret that signs page tokens, 32 characters or more; default derived from `digest_secret`.
    pub page_token_secret: Option<Secret>,
}

/// The activation service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActivationConfig {
    /// Where it is and who we are towards it; `uri` default `http://127.0.0.1:50052`.
    pub channel: ChannelConfig,
    /// Longest wait for one answer in the delivery of keys, 1 to 60,000 ms; default 5,000.
    pub call_timeout_ms: u64,
    /// Longest wait of a list of benefits for the use of its keys, 1 to 1,000 ms; default 800.
    pub usage_timeout_ms: u64,
}

impl Default for ActivationConfig {
    fn default() -> Self {
        let uri = "http://127.0.0.1:50052".to_owned();
        Self {
            channel: ChannelConfig { uri, ..ChannelConfig::default() },
            call_timeout_ms: 5_000,
            usage_timeout_ms: 800,
        }
    }
}

/// The delivery of keys to the activation service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// Most keys in one delivery, 1 to 500; default 100.
    pub batch_keys_max: u32,
    /// Shortest delay before a failed delivery is tried again, 1 ms or more; default 200. It
    /// doubles each time.
    pub retry_delay_ms_min: u64,
    /// Longest such delay, up to an hour; default 30,000 ms.
    pub retry_delay_ms_max: u64,
    /// How often the store is looked at without being told to, 10 to 60,000 ms; default 5,000.
    pub interval_ms: u64,
    /// Age of the oldest undelivered state from which the health of `benefits.catalog.v1.Outbox` is
    /// NOT_SERVING, 1 ms or more; default 900,000 ms.
    pub alarm_age_ms: u64,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            batch_keys_max: 100,
            retry_delay_ms_min: 200,
            retry_delay_ms_max: 30_000,
            interval_ms: 5_000,
            alarm_age_ms: 900_000,
        }
    }
}

impl Config {
    /// What contradicts itself or lies outside its bounds, one line a setting.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.serve.faults();
        let mut within = |key: &str, value: u64, min: u64, max: u64| {
            if !(min..=max).contains(&value) {
                faults.push(format!("{key}: must be {min} to {max}, is {value}"));
            }
        };
        within("store.busy_timeout_ms", self.store.busy_timeout_ms, 1, TIMEOUT_MS_MAX);
        within("store.readers", self.store.readers.into(), 1, READERS_MAX.into());
        within("activation.call_timeout_ms", self.activation.call_timeout_ms, 1, TIMEOUT_MS_MAX);
        let usage_ms = self.activation.usage_timeout_ms;
        within("activation.usage_timeout_ms", usage_ms, 1, USAGE_TIMEOUT_MS_MAX);
        let outbox = &self.outbox;
        within("outbox.batch_keys_max", outbox.batch_keys_max.into(), 1, BATCH_KEYS_MAX.into());
        let delay_ms_max = outbox.retry_delay_ms_max.min(RETRY_DELAY_MS_MAX);
        within("outbox.retry_delay_ms_min", outbox.retry_delay_ms_min, 1, delay_ms_max);
        within("outbox.retry_delay_ms_max", outbox.retry_delay_ms_max, 1, RETRY_DELAY_MS_MAX);
        within("outbox.interval_ms", outbox.interval_ms, 10, TIMEOUT_MS_MAX);
        within("outbox.alarm_age_ms", outbox.alarm_age_ms, 1, u64::MAX);
        for (key, secret) in [
            ("secrets.encryption_keys", &self.secrets.encryption_keys),
            ("secrets.digest_secret", &self.secrets.digest_secret),
        ] {
            if secret.is_none() {
                faults.push(format!("{key}: is required; give it as {key}_file"));
            }
        }
        let page_tokens = self.secrets.page_token_secret.as_ref();
        if page_tokens.is_some_and(|secret| secret.expose().len() < SECRET_CHARS_MIN) {
            faults.push(format!(
                "secrets.page_token_secret: must have {SECRET_CHARS_MIN} characters or more"
            ));
        }
        faults
    }

    /// Where the reader of a refusal goes to manage benefits and offers (R11).
    pub fn manage_uri(&self) -> String {
        format!("{}/manage-benefits", self.serve.help_base_uri)
    }

    /// Where the reader of a refusal opens a technical-support incident (R11).
    pub fn support_uri(&self) -> String {
        format!("{}/support-incidents", self.serve.help_base_uri)
    }

    /// How the `healthcheck` command reaches this service.
    pub fn healthcheck_channel(&self) -> ChannelConfig {
        let local = || chassis::healthcheck::local_channel(self.serve.listen);
        self.healthcheck.clone().unwrap_or_else(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_out_of_its_bounds_is_named_at_once() {
        let mut config = Config::default();
        config.store.readers = 0;
        config.activation.usage_timeout_ms = 1_001;
        config.outbox.batch_keys_max = 501;
        config.outbox.retry_delay_ms_min = 60_000;
        let faults = config.faults().join("\n");
        for key in [
            "store.readers",
            "activation.usage_timeout_ms",
            "outbox.batch_keys_max",
            "outbox.retry_delay_ms_min",
            "secrets.encryption_keys",
            "secrets.digest_secret",
        ] {
            assert!(faults.contains(key), "{key} in {faults}");
        }
    }

    #[test]
    fn an_environment_variable_wins_over_the_default_and_secrets_are_not_printed() {
        let overrides = [
            ("outbox.interval_ms".to_owned(), "50".to_owned()),
            ("secrets.digest_secret".to_owned(), "d".repeat(64)),
        ];
        let config: Config =
            chassis::config::load(None, "CATALOG_TEST", &overrides).expect("loads");
        assert_eq!(config.outbox.interval_ms, 50);
        let shown = chassis::config::render(&config).expect("renders");
        assert!(!shown.contains("dddd"), "{shown}");
    }
}
