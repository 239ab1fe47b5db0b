//! What was agreed about a key: who owns it, what it activates, how often and how it counts.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Most activations that a key can be given.
pub const LIMIT_MAX: u32 = 1_000_000;

/// Most releases that the policy of a key can allow; with the limit it bounds the counts of a key.
pub const RELEASES_MAX: u32 = 1_000_000;

/// The platform that software is installed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Platform {
    /// Microsoft Windows.
    Windows = 1,
    /// Apple macOS.
    MacOs = 2,
    /// Linux.
    Linux = 3,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 3] = [Self::Windows, Self::MacOs, Self::Linux];

    /// The platform with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|p| *p as u8 == number)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Windows => "WINDOWS",
            Self::MacOs => "MACOS",
            Self::Linux => "LINUX",
        })
    }
}

/// The platforms a key may be used on; all when empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Platforms(u8);

impl Platforms {
    /// No restriction.
    pub const ALL: Self = Self(0);

    /// Adds a platform.
    #[must_use]
    pub const fn with(self, platform: Platform) -> Self {
        Self(self.0 | 1 << platform as u8)
    }

    /// True if a key with these platforms may be used on this one.
    #[must_use]
    pub const fn allow(self, platform: Platform) -> bool {
        self.0 == 0 || self.0 & (1 << platform as u8) != 0
    }

    /// The platforms named; none means all are allowed.
    pub fn iter(self) -> impl Iterator<Item = Platform> {
        Platform::ALL.into_iter().filter(move |p| self.0 & (1 << *p as u8) != 0)
    }

    /// As one byte for the ledger.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From the byte in the ledger, if it names known platforms only.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        let known = Platform::ALL.into_iter().fold(Self::ALL, Self::with);
        (bits & !known.0 == 0).then_some(Self(bits))
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("all");
        }
        let names: Vec<_> = self.iter().map(|p| p.to_string()).collect();
        f.write_str(&names.join("+"))
    }
}

impl FromIterator<Platform> for Platforms {
    fn from_iter<I: IntoIterator<Item = Platform>>(platforms: I) -> Self {
        platforms.into_iter().fold(Self::ALL, Self::with)
    }
}

/// How a key counts (F5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CountingMode {
    /// R6-R8: an unchanged computer is not counted again.
    HardwareTolerant = 1,
    /// Every activation counts, also on a reimaged machine.
    EveryActivation = 2,
}

/// What was agreed when the key was registered, and what administrators changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Opaque id of the owner.
    pub owner: String,
    /// The product it activates, `products/{product}`.
    pub product: String,
    /// Where it may be used (F10).
    pub platforms: Platforms,
    /// Most activations (R10).
    pub limit: u32,
    /// How it counts (F5).
    pub counting_mode: CountingMode,
    /// Most releases by the owner or a computer; 0 for the policy NONE.
    pub releases_max: u32,
    /// After this moment nothing more is counted; milliseconds since 1970 UTC.
    pub activate_by_ms: Option<i64>,
    /// Where the reader of a refusal goes next (R11).
    pub help_uri: String,
    /// Whether an operator-assigned handle suffices as evidence.
    pub handle_allowed: bool,
}

impl Terms {
    /// SHA-256 of an unambiguous form of the terms.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"benefits/terms/v1\0");
        for text in [&self.owner, &self.product, &self.help_uri] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.update([self.platforms.bits(), self.counting_mode as u8]);
        hash.update([u8::from(self.handle_allowed), u8::from(self.activate_by_ms.is_some())]);
        hash.update(self.activate_by_ms.unwrap_or_default().to_be_bytes());
        hash.update(self.limit.to_be_bytes());
        hash.update(self.releases_max.to_be_bytes());
        hash.finalize().into()
    }

    /// The fields in which the two differ, by their names in the API.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("owner", self.owner == other.owner),
            ("product", self.product == other.product),
            ("platforms", self.platforms == other.platforms),
            ("limit", self.limit == other.limit),
            ("counting_mode", self.counting_mode == other.counting_mode),
            ("release_policy", self.releases_max == other.releases_max),
            ("activate_by_time", self.activate_by_ms == other.activate_by_ms),
            ("help_uri", self.help_uri == other.help_uri),
            ("operator_handle_allowed", self.handle_allowed == other.handle_allowed),
        ];
        fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

/// Whether the membership behind the key is in force; set by the catalog only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspension {
    /// True while the key may not be activated.
    pub suspended: bool,
    /// Counts the changes at the catalog; a lower one is ignored.
    pub generation: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f10_a_key_without_platforms_is_allowed_everywhere_and_another_only_where_named() {
        assert!(Platform::ALL.into_iter().all(|p| Platforms::ALL.allow(p)));
        let windows: Platforms = [Platform::Windows].into_iter().collect();
        assert!(windows.allow(Platform::Windows));
        assert!(!windows.allow(Platform::MacOs));
        assert_eq!(windows.to_string(), "WINDOWS");
        assert_eq!(Platforms::from_bits(windows.bits()), Some(windows));
        assert_eq!(Platforms::from_bits(0x80), None);
    }
}
