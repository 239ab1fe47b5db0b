//! All settings of the service, each with its meaning, default and bound.

mod anchors;

use std::fmt;
use std::path::PathBuf;

use chassis::channel::ChannelConfig;
use chassis::config::Secret;
use chassis::metrics::MetricsConfig;
use chassis::serve::ServeConfig;
use chassis::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

pub use anchors::Anchors;

/// Bytes of a pepper and of the deployment salt.
pub const SECRET_BYTES: usize = 32;
/// Start of the names of environment variables.
pub const ENV_PREFIX: &str = "ACTIVATION";

/// Smallest and largest segment of the journal.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 1024 * 1024..=1024 * 1024 * 1024;
/// Least space that is left to sled.
const LOW_WATER_BYTES_MIN: u64 = 1024 * 1024;
/// Segments are whole pages.
const PAGE_BYTES: u64 = 4096;
/// Most keys of receipts that were in force before.
const RECEIPT_KEYS_MAX: usize = 16;
/// Smallest cache that sled works with.
const CACHE_BYTES_MIN: u64 = 1024 * 1024;
/// Least room for accounts, so that those of a batch fit.
const ACCOUNT_BYTES_MIN: u64 = 1024 * 1024;
/// Most sources or keys that are watched; each takes some 200 bytes.
const WATCHED_MAX: u64 = 10_000_000;
/// Longest wait that failures may add up to: a day.
const PENALTY_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// The settings of the activation service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How it is served.
    pub serve: ServeConfig,
    /// What is logged, and how.
    pub telemetry: TelemetryConfig,
    /// The metrics page.
    pub metrics: MetricsConfig,
    /// Where the ledger is; default sled in `activation-data/ledger`.
    pub storage: Storage,
    /// What must stay secret, and the salt that must never change.
    pub secrets: Secrets,
    /// What counts as the same computer.
    pub policy: PolicySettings,
    /// Limits on failed look-ups, and alarms.
    pub failed_lookups: FailedLookups,
    /// Where durable heads are told, and which one the ledger must hold.
    pub anchors: Anchors,
    /// How the `healthcheck` command reaches this service; default plain text to the port of
    /// `serve.listen` on loopback.
    pub healthcheck: Option<ChannelConfig>,
}

/// The engine behind the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// Nothing outlives the process: for tests and trials, and only when it is named.
    Memory,
    /// An embedded ledger in a folder that this process owns alone.
    Sled(SledFolder),
}

impl Default for Storage {
    fn default() -> Self {
        Self::Sled(SledFolder::default())
    }
}

/// The folder of the embedded ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SledFolder {
    /// The folder, made if it does not exist; default `activation-data/ledger`.
    pub folder: PathBuf,
    /// Most bytes of pages kept in memory; default 128 MiB, at least 1 MiB.
    pub cache_bytes: u64,
    /// Most bytes of accounts that are kept in memory because they may be needed again; default
    /// 128 MiB, at least 1 MiB.
    pub account_cache_bytes: u64,
    /// Bytes of accounts and events in memory that are in the journal and wait for sled; when they
    /// are reached, new counts are refused with RESOURCE_EXHAUSTED until sled has caught up.
    /// Default 256 MiB, at least 1 MiB.
    pub pinned_bytes: u64,
    /// Bytes of a segment of the journal, taken from the disk before it is used; default 64 MiB,
    /// 1 MiB to 1 GiB in whole pages of 4,096.
    pub segment_bytes: u64,
    /// Bytes held back for a full disk; default 64 MiB, at least those of a segment.
    pub reserve_bytes: u64,
    /// Free bytes of the file system below which nothing new is recorded, and which no segment or
    /// reserve is taken from: sled needs them for what is recorded already. Default 256 MiB, as
    /// much as may wait for sled; at least 1 MiB.
    pub low_water_bytes: u64,
    /// Bytes of the journal that are looked at again a second, with what the books have of them;
    /// default 1 MiB, 0 looks at none.
    pub scrub_bytes_per_s: u64,
}

impl Default for SledFolder {
    fn default() -> Self {
        let folder = PathBuf::from("activation-data/ledger");
        let segment_bytes = 64 * 1024 * 1024;
        let cache_bytes = 128 * 1024 * 1024;
        Self {
            folder,
            cache_bytes,
            account_cache_bytes: 128 * 1024 * 1024,
            pinned_bytes: 256 * 1024 * 1024,
            segment_bytes,
            reserve_bytes: segment_bytes,
            low_water_bytes: 256 * 1024 * 1024,
            scrub_bytes_per_s: 1024 * 1024,
        }
    }
}

/// What counts as the same computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// A TOML file with the hardware policy; default the built-in one. It is read at the start.
    pub file: Option<PathBuf>,
}

/// What must stay secret, and the salt that must never change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Number of the pepper in force; default 1. A new pepper gets a new number.
    pub pepper_id: u32,
    /// The pepper in force, 64 hex digits; required unless `development_folder` is set. Whoever has
    /// it and the ledger can test guesses of product keys; without it no key is found.
    pub pepper: Option<Secret>,
    /// Number of the pepper that is being replaced; default 0. Looked at if `retiring_pepper` is
    /// set.
    pub retiring_pepper_id: u32,
    /// The pepper that is being replaced, 64 hex digits; default none. Keys are still found by it.
    pub retiring_pepper: Option<Secret>,
    /// The salt of evidence, 64 hex digits; required unless `development_folder` is set. Installers
    /// are told it; it never changes, for then every computer would look new.
    pub deployment_salt: Option<Secret>,
    /// Seed of the Ed25519 key that signs receipts, 64 hex digits; required unless
    /// `development_folder` is set. Its public half is what installers pin.
    pub receipt_key: Option<Secret>,
    /// Public keys of receipts, base64, that were in force before or will be; default none. They
    /// are shown beside the one in force while keys are replaced; at most 16.
    pub receipt_public_keys: Vec<String>,
    /// What seals page tokens, at least 16 characters; default derived from the pepper.
    pub page_token_secret: Option<Secret>,
    /// Folder in which pepper and salt are made once if they are missing; default none. Loopback
    /// without TLS only.
    pub development_folder: Option<PathBuf>,
}

impl Default for Secrets {
    fn default() -> Self {
        Self {
            pepper_id: 1,
            pepper: None,
            retiring_pepper_id: 0,
            retiring_pepper: None,
            deployment_salt: None,
            receipt_key: None,
            receipt_public_keys: Vec::new(),
            page_token_secret: None,
            development_folder: None,
        }
    }
}

/// Limits on failed look-ups of product keys, and alarms. Successful ones are never limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailedLookups {
    /// Failures that a source address (IPv6: its /64) may make a minute; default 10, 1 to 60,000.
    pub per_minute: u32,
    /// Failures that it may make at once; default 5, 1 to 10,000.
    pub burst: u32,
    /// Longest wait that failures add up to; default 3,600,000 ms, at most a day.
    pub penalty_ms_max: u64,
    /// Most sources that are remembered; default 100,000, 1 to 10,000,000.
    pub sources_max: u64,
    /// Most keys whose uses are counted; default 100,000, 1 to 10,000,000.
    pub keys_max: u64,
    /// Failures of all sources a minute beyond which an alarm is raised; default 3,000, at least 1.
    pub alarm_failures_per_minute: u32,
    /// Uses of one key a minute beyond which an alarm is raised; default 60, at least 1.
    pub alarm_key_uses_per_minute: u32,
}

impl Default for FailedLookups {
    fn default() -> Self {
        Self {
            per_minute: 10,
            burst: 5,
            penalty_ms_max: 3_600_000,
            sources_max: 100_000,
            keys_max: 100_000,
            alarm_failures_per_minute: 3_000,
            alarm_key_uses_per_minute: 60,
        }
    }
}

/// All faults of the settings, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<String>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigFaults {}

impl Config {
    /// How the `healthcheck` command reaches this service.
    #[must_use]
    pub fn healthcheck_channel(&self) -> ChannelConfig {
        let local = || chassis::healthcheck::local_channel(self.serve.listen);
        self.healthcheck.clone().unwrap_or_else(local)
    }

    /// Says everything that is wrong with the settings at once.
    pub fn validate(&self) -> Result<(), ConfigFaults> {
        let mut faults = self.serve.faults();
        if let Storage::Sled(sled) = &self.storage {
            if sled.folder.as_os_str().is_empty() {
                faults.push("storage.sled.folder: name a folder".to_owned());
            }
            if sled.cache_bytes < CACHE_BYTES_MIN {
                faults.push(format!("storage.sled.cache_bytes: at least {CACHE_BYTES_MIN}"));
            }
            let rooms = [
                ("account_cache_bytes", sled.account_cache_bytes),
                ("pinned_bytes", sled.pinned_bytes),
            ];
            for (name, _) in rooms.iter().filter(|(_, bytes)| *bytes < ACCOUNT_BYTES_MIN) {
                faults.push(format!("storage.sled.{name}: at least {ACCOUNT_BYTES_MIN}"));
            }
            let segment = sled.segment_bytes;
            if !SEGMENT_BYTES.contains(&segment) || !segment.is_multiple_of(PAGE_BYTES) {
                let words = "1 MiB to 1 GiB in whole pages of 4096";
                faults.push(format!("storage.sled.segment_bytes: {words}"));
            }
            if sled.reserve_bytes < segment {
                let words = "at least those of a segment";
                faults.push(format!("storage.sled.reserve_bytes: {words}"));
            }
            if sled.low_water_bytes < LOW_WATER_BYTES_MIN {
                let least = LOW_WATER_BYTES_MIN;
                faults.push(format!("storage.sled.low_water_bytes: at least {least}"));
            }
        }
        self.secrets.faults(&mut faults);
        if self.secrets.development_folder.is_some()
            && (self.serve.tls.is_some() || !self.serve.listen.ip().is_loopback())
        {
            faults.push(
                "secrets.development_folder: only with plain text on loopback, without override"
                    .to_owned(),
            );
        }
        self.failed_lookups.faults(&mut faults);
        self.anchors.faults(&mut faults);
        if faults.is_empty() { Ok(()) } else { Err(ConfigFaults(faults)) }
    }
}

impl Secrets {
    fn faults(&self, faults: &mut Vec<String>) {
        let given = [
            ("pepper", &self.pepper),
            ("retiring_pepper", &self.retiring_pepper),
            ("deployment_salt", &self.deployment_salt),
            ("receipt_key", &self.receipt_key),
        ];
        for (name, secret) in given {
            if secret.as_ref().is_some_and(|secret| secret_bytes(secret).is_none()) {
                let digits = SECRET_BYTES * 2;
                faults.push(format!("secrets.{name}: {digits} hex digits are needed"));
            }
        }
        if self.development_folder.is_none() {
            for (name, secret) in [given[0], given[2], given[3]] {
                if secret.is_none() {
                    faults.push(format!(
                        "secrets.{name}: required; give secrets.{name}_file, or \
                         secrets.development_folder to try the service out"
                    ));
                }
            }
        }
        if self.retiring_pepper.is_some() && self.retiring_pepper_id == self.pepper_id {
            faults.push("secrets.retiring_pepper_id: it is that of the pepper in force".to_owned());
        }
        let parses = |key: &String| key.parse::<receipt::PublicKey>().is_ok();
        if self.receipt_public_keys.len() > RECEIPT_KEYS_MAX
            || !self.receipt_public_keys.iter().all(parses)
        {
            let most = RECEIPT_KEYS_MAX;
            faults.push(format!("secrets.receipt_public_keys: at most {most} keys in base64"));
        }
        if self.page_token_secret.as_ref().is_some_and(|secret| secret.expose().len() < 16) {
            faults.push("secrets.page_token_secret: at least 16 characters".to_owned());
        }
    }
}

impl FailedLookups {
    fn faults(&self, faults: &mut Vec<String>) {
        let bounds = [
            ("per_minute", u64::from(self.per_minute), 1, 60_000),
            ("burst", u64::from(self.burst), 1, 10_000),
            ("penalty_ms_max", self.penalty_ms_max, 0, PENALTY_MS_MAX),
            ("sources_max", self.sources_max, 1, WATCHED_MAX),
            ("keys_max", self.keys_max, 1, WATCHED_MAX),
            (
                "alarm_failures_per_minute",
                u64::from(self.alarm_failures_per_minute),
                1,
                u64::from(u32::MAX),
            ),
            (
                "alarm_key_uses_per_minute",
                u64::from(self.alarm_key_uses_per_minute),
                1,
                u64::from(u32::MAX),
            ),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                faults.push(format!("failed_lookups.{name}: {least} to {most}"));
            }
        }
    }
}

/// The bytes of a secret that is given as hex digits.
#[must_use]
pub fn secret_bytes(secret: &Secret) -> Option<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    hex::decode_to_slice(secret.expose(), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(overrides: &[(&str, &str)]) -> Result<Config, chassis::config::ConfigError> {
        let overrides: Vec<_> =
            overrides.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        chassis::config::load(None, "ACTIVATION_TEST_WITHOUT_VARIABLES", &overrides)
    }

    #[test]
    fn nothing_is_served_without_secrets_and_all_faults_are_told_at_once() {
        let faults = Config::default().validate().expect_err("secrets are missing").0;
        assert_eq!(faults.len(), 3, "{faults:?}");
        let bad = load(&[
            ("secrets.pepper", "abc"),
            ("secrets.deployment_salt", &"0".repeat(63)),
            ("secrets.page_token_secret", "short"),
            ("secrets.retiring_pepper", &"1".repeat(64)),
            ("secrets.retiring_pepper_id", "1"),
            ("storage.sled.cache_bytes", "1"),
            ("storage.sled.account_cache_bytes", "1"),
            ("storage.sled.pinned_bytes", "1"),
            ("storage.sled.folder", ""),
            ("storage.sled.segment_bytes", "1048577"),
            ("storage.sled.reserve_bytes", "1"),
            ("storage.sled.low_water_bytes", "0"),
            ("secrets.receipt_key", "zz"),
            ("secrets.receipt_public_keys", "[\"no key\"]"),
            ("failed_lookups.per_minute", "0"),
            ("failed_lookups.penalty_ms_max", "99999999999"),
        ]);
        let faults = bad.expect("it reads").validate().expect_err("fifteen faults").0;
        assert_eq!(faults.len(), 15, "{faults:?}");
    }

    #[test]
    fn memory_must_be_named_and_a_folder_keeps_the_other_defaults() {
        assert!(matches!(Config::default().storage, Storage::Sled(_)));
        assert_eq!(load(&[("storage", "memory")]).expect("it reads").storage, Storage::Memory);
        let named = load(&[("storage.sled.folder", "/ledger")]).expect("it reads").storage;
        let folder = PathBuf::from("/ledger");
        assert_eq!(named, Storage::Sled(SledFolder { folder, ..SledFolder::default() }));
        assert!(load(&[("storage", "etcd")]).is_err());
    }

    #[test]
    fn development_secrets_stay_on_loopback() {
        let local = load(&[("secrets.development_folder", "/s")]).expect("it reads");
        assert_eq!(local.validate(), Ok(()));
        let open = [("secrets.development_folder", "/s"), ("serve.listen", "0.0.0.0:1")];
        let faults = load(&open).expect("it reads").validate().expect_err("not on loopback").0;
        assert!(faults.iter().any(|fault| fault.starts_with("secrets.development_folder")));
    }

    #[test]
    fn no_secret_is_shown() {
        let pepper = "ab".repeat(32);
        let config = load(&[("secrets.pepper", &pepper)]).expect("it reads");
        assert!(!format!("{config:?}").contains(&pepper));
        assert!(!chassis::config::render(&config).expect("it renders").contains(&pepper));
    }
}
