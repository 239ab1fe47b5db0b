//! The three-step walkthrough of a product (F2), resolved for each version and platform.

use std::collections::BTreeMap;

use super::language::Localised;
use super::product::Platform;

/// Steps of a walkthrough.
pub const STEP_COUNT: usize = 3;

/// A walkthrough in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walkthrough {
    /// Introduction, activation walkthrough, activate benefits, in this order.
    pub steps: [Step; STEP_COUNT],
    /// What the computer needs, Markdown.
    pub system_requirements: String,
    /// Where the product may not be used, Markdown; empty if nowhere.
    pub regional_limits: String,
}

/// One step of a walkthrough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// Its text, Markdown.
    pub markdown: String,
}

/// The walkthroughs of a product by version and platform.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walkthroughs(BTreeMap<String, BTreeMap<Platform, Localised<Walkthrough>>>);

impl Walkthroughs {
    /// Adds the walkthrough of a version; a product without versions has the version "".
    pub fn insert(
        &mut self,
        version: &str,
        platform: Platform,
        walkthrough: Localised<Walkthrough>,
    ) {
        self.0.entry(version.to_owned()).or_default().insert(platform, walkthrough);
    }

    /// The walkthrough of exactly this version and platform.
    pub fn get(&self, version: &str, platform: Platform) -> Option<&Localised<Walkthrough>> {
        self.0.get(version)?.get(&platform)
    }
}
