//! Where raw values come from: a collector reads one computer and never fails, it only finds less.

mod apple;
mod cim;
mod disk;
mod display;
mod dmi;
mod dmidecode;
mod guest;
mod linux;
mod network;
mod processor;
mod read;
mod surroundings;
#[cfg(test)]
mod tests;
pub(crate) mod transcript;

pub use apple::{AppleError, AppleOutput};
pub use cim::{CimError, CimOutput};
pub use dmidecode::{DmidecodeOutput, Placeholder};
pub use linux::LinuxCollector;

use crate::Profile;

/// Reads the values of one computer.
pub trait Collector {
    /// Everything that can be read; what cannot is absent, with the reason.
    fn collect(&self) -> Profile;
}
