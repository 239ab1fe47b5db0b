//! Reads a walkthrough: Markdown whose second-level headings say which part of the pane they are
//! (F2).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::faults::Faults;
use super::folder::InstallFile;
use super::section::LINE_CHARS_MAX;
use crate::domain::language::LanguageTag;
use crate::domain::product::Platform;

/// A part of a walkthrough, by the mark of its heading: `## Introductie {#introduction}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Step 1.
    Introduction,
    /// Step 2.
    ActivationWalkthrough,
    /// Step 3.
    ActivateBenefits,
    /// What the computer needs.
    SystemRequirements,
    /// Where the product may not be used; the one part that may be empty.
    RegionalLimits,
}

impl Part {
    /// All parts, steps first.
    pub(super) const ALL: [Self; 5] = [
        Self::Introduction,
        Self::ActivationWalkthrough,
        Self::ActivateBenefits,
        Self::SystemRequirements,
        Self::RegionalLimits,
    ];

    /// Its mark.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Introduction => "introduction",
            Self::ActivationWalkthrough => "activation-walkthrough",
            Self::ActivateBenefits => "activate-benefits",
            Self::SystemRequirements => "system-requirements",
            Self::RegionalLimits => "regional-limits",
        }
    }

    fn parse(mark: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.mark() == mark)
    }
}

/// The text of a part, with placeholders not yet filled in.
#[derive(Debug, Default)]
pub(super) struct PartText {
    /// Its title.
    pub(super) title: String,
    /// Its Markdown.
    pub(super) markdown: String,
    /// The line of its heading.
    pub(super) heading_line: usize,
    /// The line where the Markdown begins.
    pub(super) line: usize,
}

/// A walkthrough file.
#[derive(Debug)]
pub(super) struct WalkthroughDraft {
    /// The file.
    pub(super) file: PathBuf,
    /// The product that it is for; all of the family if none.
    pub(super) product: Option<String>,
    /// The version that it is for; all of the product if none.
    pub(super) version: Option<String>,
    /// The platform.
    pub(super) platform: Platform,
    /// The language.
    pub(super) language: LanguageTag,
    /// The parts that it has.
    pub(super) parts: BTreeMap<Part, PartText>,
}

/// Reads a file; none if its name does not say platform and language.
pub(super) fn read(install: &InstallFile, faults: &mut Faults) -> Option<WalkthroughDraft> {
    let file = &install.source.path;
    let (platform, language) = install.source.stem().split_once('.').unwrap_or_default();
    let parsed_platform = Platform::parse(platform);
    let parsed_language = LanguageTag::parse(language).ok().filter(|tag| tag.as_str() == language);
    if parsed_platform.is_none() || parsed_language.is_none() {
        let known = Platform::ALL.map(Platform::as_str).join(", ");
        let message = format!(
            "a walkthrough is called <platform>.<language>.md, platform being one of {known}"
        );
        faults.add(file, 1, message);
    }
    let parts = Parts::read(install, faults);
    Some(WalkthroughDraft {
        file: file.clone(),
        product: install.product.clone(),
        version: install.version.clone(),
        platform: parsed_platform?,
        language: parsed_language?,
        parts,
    })
}

/// The parts read so far, and the one that is being read.
struct Parts<'f> {
    install: &'f InstallFile,
    found: BTreeMap<Part, PartText>,
    /// The part being read; without a `Part` it stands under a heading that is told already and is
    /// dropped.
    current: Option<(Option<Part>, PartText)>,
    fenced: bool,
}

impl<'f> Parts<'f> {
    fn read(install: &'f InstallFile, faults: &mut Faults) -> BTreeMap<Part, PartText> {
        let mut parts = Self { install, found: BTreeMap::new(), current: None, fenced: false };
        for (index, text) in install.source.text.lines().enumerate() {
            parts.line(index.saturating_add(1), text, faults);
        }
        parts.close(faults);
        if parts.found.is_empty() {
            let marks = Part::ALL.map(Part::mark).join("}, {#");
            let message = format!("has none of the headings {{#{marks}}}");
            faults.add(&install.source.path, 1, message);
        }
        parts.found
    }

    fn line(&mut self, number: usize, text: &str, faults: &mut Faults) {
        let file = &self.install.source.path;
        if text.contains("http://") {
            faults.add(file, number, "links must begin with https://");
        }
        if text.trim_start().starts_with("```") {
            self.fenced = !self.fenced;
        }
        let level = text.bytes().take_while(|&byte| byte == b'#').count();
        let heading = text.get(level..).and_then(|rest| rest.strip_prefix(' '));
        match (heading, level) {
            (Some(heading), 2) if !self.fenced => return self.open(number, heading, faults),
            (Some(_), 1) if !self.fenced => {
                faults.add(
                    file,
                    number,
                    "the only headings above level 3 are the marked ones (##)",
                );
            }
            _ => {}
        }
        match &mut self.current {
            Some((_, part)) => {
                if part.markdown.is_empty() && text.trim().is_empty() {
                    return;
                }
                if part.markdown.is_empty() {
                    part.line = number;
                }
                part.markdown.push_str(text.trim_end());
                part.markdown.push('\n');
            }
            None if text.trim().is_empty() => {}
            None => faults.add(file, number, "stands before the first heading"),
        }
    }

    /// Begins the part that the heading names.
    fn open(&mut self, number: usize, heading: &str, faults: &mut Faults) {
        self.close(faults);
        let file = &self.install.source.path;
        let marked = heading.trim().strip_suffix('}').and_then(|text| text.rsplit_once("{#"));
        let part = marked.and_then(|(title, mark)| Some((title.trim(), Part::parse(mark)?)));
        let Some((title, part)) = part else {
            let marks = Part::ALL.map(Part::mark).join("}, {#");
            faults.add(file, number, format!("the heading has none of the marks {{#{marks}}}"));
            self.current = Some((None, PartText::default()));
            return;
        };
        if title.is_empty() || title.chars().count() > LINE_CHARS_MAX {
            faults.add(file, number, format!("a title has 1 to {LINE_CHARS_MAX} characters"));
        }
        if self.found.contains_key(&part) {
            faults.add(file, number, format!("{{#{}}} occurs twice", part.mark()));
        }
        let text = PartText {
            title: title.to_owned(),
            heading_line: number,
            line: number,
            ..PartText::default()
        };
        self.current = Some((Some(part), text));
    }

    /// Ends the part that is being read.
    fn close(&mut self, faults: &mut Faults) {
        let Some((Some(part), mut text)) = self.current.take() else { return };
        text.markdown.truncate(text.markdown.trim_end().len());
        if text.markdown.is_empty() && part != Part::RegionalLimits {
            let message = format!("{{#{}}} has no text", part.mark());
            faults.add(&self.install.source.path, text.heading_line, message);
        }
        self.found.insert(part, text);
    }
}
