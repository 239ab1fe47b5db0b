//! Products as the content describes them: what they are, what they need, and what can be
//! downloaded.

use super::id::{FamilyId, ProductId};
use super::instruction::Walkthroughs;
use super::language::{LanguageTag, Localised};

/// A platform that software is installed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Microsoft Windows client or server.
    Windows,
    /// Apple macOS.
    Macos,
    /// Linux of any distribution.
    Linux,
}

impl Platform {
    /// All platforms.
    pub const ALL: [Self; 3] = [Self::Windows, Self::Macos, Self::Linux];

    /// Its name in content files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Macos => "macos",
            Self::Linux => "linux",
        }
    }

    /// The platform of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == text)
    }
}

/// A processor architecture that software is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 64-bit x86.
    X64,
    /// 32-bit x86.
    X86,
    /// 64-bit Arm.
    Arm64,
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Self; 3] = [Self::X64, Self::X86, Self::Arm64];

    /// Its name in content files and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::X86 => "x86",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|architecture| architecture.as_str() == text)
    }
}

/// A family of products: one folder of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its id, the name of the folder.
    pub id: FamilyId,
    /// Its title.
    pub title: Localised<String>,
}

/// A software product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its family.
    pub family: FamilyId,
    /// What a person reads about it.
    pub texts: Localised<ProductTexts>,
    /// Whether installing it needs a product key (R4).
    pub key_required: bool,
    /// Whether it must be activated after installing (R5).
    pub activation_required: bool,
    /// False for client access licences, which cannot be downloaded (R9).
    pub downloadable: bool,
    /// The server products on which its activation is managed (R9); empty for most.
    pub managed_by: Vec<ProductId>,
    /// The platforms it may be activated on (F10), the usual one first; never empty in content.
    pub platforms: Vec<Platform>,
    /// Its versions, newest first; empty if it cannot be downloaded.
    pub versions: Vec<Version>,
    /// True while links, sizes and digests of its files are sample data.
    pub files_sample: bool,
    /// How to install it, for each version and platform.
    pub walkthroughs: Walkthroughs,
}

/// What a person reads about a product, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductTexts {
    /// Its title.
    pub title: String,
    /// What it is.
    pub description: String,
    /// A remark; mostly empty.
    pub note: String,
    /// Why it cannot be downloaded and where it is managed; empty if it can be.
    pub not_downloadable_note: String,
}

/// A version of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id, such as `2019`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its editions, the usual one first.
    pub editions: Vec<Edition>,
}

/// An edition of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its id, such as `standard`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The languages it comes in, in the order of the content.
    pub languages: Vec<EditionLanguage>,
}

/// A language that an edition comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionLanguage {
    /// The language of the software.
    pub language: LanguageTag,
    /// Its builds, the usual architecture first.
    pub builds: Vec<Build>,
}

/// What to download for one version, edition, language and architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The architecture.
    pub architecture: Architecture,
    /// The files.
    pub files: Vec<DownloadFile>,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadFile {
    /// Its name.
    pub file_name: String,
    /// Where it is, an https link.
    pub uri: String,
    /// Its size.
    pub size_bytes: u64,
    /// SHA-256 of its content, 64 lower-case hex digits.
    pub sha256: String,
}
