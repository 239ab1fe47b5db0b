//! Component kinds, normalisation, junk values and the digest recipe of hardware evidence; pure.
//!
//! Clients make evidence with [`EvidenceBuilder`]; the activation service reads [`hw_v1`], knows
//! the digests of junk values through [`JunkDigests`], and compares with [`matching`], as does
//! `benefitsctl hardware compare`. The recipe for authors in other languages is
//! `docs/evidence-recipe.md`; its test vectors are in `vectors/`.

mod canonical;
mod evidence;
pub mod hw_v1;
mod junk;
mod junk_digests;
mod kind;
pub mod matching;
mod recipe;
#[cfg(test)]
mod vectors;

pub use canonical::{board_model, cpu, gpu};
pub use evidence::{
    AbsentReason, Component, Evidence, EvidenceBuilder, EvidenceError, Finding, SET_DIGESTS_MAX,
};
pub use junk::{NormalValue, Reading, VALUE_CHARS_MAX, is_junk, is_placeholder, read};
pub use junk_digests::JunkDigests;
pub use kind::ComponentKind;
pub use recipe::{DeploymentSalt, Digest, RECIPE_VERSION, WrongLength, digest};
