//! Lives of computer fleets, and what the hardware policy and its peers count of them.
//!
//! [`truth`] says what ought to be counted; it was written before any rule was measured by it.
//! [`rates`] and [`shares`] say what happens to computers and how awkward they are, [`life`] plays
//! it, and [`reading`] is what a program on a computer sees of it. [`rules`] answer to what it
//! reports, and [`mod@play`] puts every activation to each of them.

pub mod cli;
pub mod dice;
pub mod fleet;
pub mod floor;
pub mod hardware;
pub mod life;
pub mod maker;
pub mod model;
pub mod plan;
pub mod play;
pub mod rates;
pub mod reading;
pub mod repair;
pub mod report;
pub mod rules;
pub mod shares;
pub mod tally;
pub mod trial;
pub mod truth;
