//! The enumerations of a leaf, with the numbers that its bytes hold and the names people read.
//!
//! A number keeps its meaning for ever. A reader refuses numbers that it does not know, so a new
//! one comes with a new version of the leaf's format.

use std::fmt;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal $text:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)+
        }

        impl $name {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number in a leaf.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The one with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

numbered!(
    /// How an activation was counted.
    Outcome {
        /// Another computer: counted.
        CountedNewComputer = 1 "COUNTED_NEW_COMPUTER",
        /// The same computer without significant change: not counted.
        NotCountedSameComputer = 2 "NOT_COUNTED_SAME_COMPUTER",
        /// The same computer with significant changes: counted.
        CountedSignificantChange = 3 "COUNTED_SIGNIFICANT_CHANGE",
        /// A key whose every activation counts.
        CountedEveryActivation = 4 "COUNTED_EVERY_ACTIVATION",
    }
);
numbered!(
    /// The platform of a request.
    Platform {
        /// Microsoft Windows.
        Windows = 1 "WINDOWS",
        /// Apple macOS.
        MacOs = 2 "MACOS",
        /// Linux.
        Linux = 3 "LINUX",
    }
);
numbered!(
    /// How a kind of component took part in a decision.
    Verdict {
        /// Present on both sides and equal.
        Matched = 1 "MATCHED",
        /// Present on both sides and different.
        Changed = 2 "CHANGED",
        /// Missing on one side.
        Absent = 3 "ABSENT",
        /// A placeholder on one side.
        Junk = 4 "JUNK",
    }
);
numbered!(
    /// How a key counts.
    CountingMode {
        /// An unchanged computer is not counted again.
        HardwareTolerant = 1 "HARDWARE_TOLERANT",
        /// Every activation counts.
        EveryActivation = 2 "EVERY_ACTIVATION",
    }
);
numbered!(
    /// Why a request was refused.
    Reason {
        /// An administrator blocked the key.
        Blocked = 1 "KEY_BLOCKED",
        /// The key belongs to another product.
        OtherProduct = 2 "OTHER_PRODUCT",
        /// The membership behind the key is not in force.
        Suspended = 3 "KEY_SUSPENDED",
        /// The key may not be used on this platform.
        PlatformNotAllowed = 4 "PLATFORM_NOT_ALLOWED",
        /// The report shows too little.
        InsufficientEvidence = 5 "INSUFFICIENT_EVIDENCE",
        /// The last moment to activate has passed.
        ActivateByPassed = 6 "ACTIVATE_BY_PASSED",
        /// The limit was reached.
        LimitReached = 7 "ACTIVATION_LIMIT_REACHED",
        /// The key's policy allows no release.
        ReleaseNotAllowed = 8 "RELEASE_NOT_ALLOWED",
        /// All releases of the policy were used.
        ReleaseLimitReached = 9 "RELEASE_LIMIT_REACHED",
        /// The evidence is not that of the activation.
        EvidenceNotMatching = 10 "EVIDENCE_NOT_MATCHING",
        /// The activation gave up all its counts before.
        ActivationReleased = 11 "ACTIVATION_RELEASED",
    }
);

/// The platforms that a key may be used on, a bit each; all when none is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Platforms(u8);

impl Platforms {
    /// Adds a platform.
    #[must_use]
    pub const fn with(self, platform: Platform) -> Self {
        Self(self.0 | 1 << platform as u8)
    }

    /// The byte in a leaf: bit *n* is the platform with number *n*.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From the byte in a leaf, if it names known platforms only.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        let known: Self = Platform::ALL.iter().copied().collect();
        (bits & !known.0 == 0).then_some(Self(bits))
    }

    /// The platforms named.
    pub fn iter(self) -> impl Iterator<Item = Platform> {
        Platform::ALL.iter().copied().filter(move |platform| self.0 & (1 << *platform as u8) != 0)
    }
}

impl FromIterator<Platform> for Platforms {
    fn from_iter<I: IntoIterator<Item = Platform>>(platforms: I) -> Self {
        platforms.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("all");
        }
        let names: Vec<_> = self.iter().map(Platform::name).collect();
        f.write_str(&names.join("+"))
    }
}
