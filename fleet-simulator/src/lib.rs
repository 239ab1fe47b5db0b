//! Lives of computer fleets, and what the hardware policy and its peers count of them.
//!
//! [`truth`] says what ought to be counted; it was written before any rule was measured by it.

pub mod truth;
