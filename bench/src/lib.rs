//! Measures both services, as they are delivered, beside a service that does nothing.
//!
//! [`noop`] is the yardstick and [`disk`] the disk's own. [`load`] calls, closed or open, and
//! [`rounds`] has it do so in turns, so that whatever else the machine does falls on both sides.
//! [`stand`] starts what is measured, and compares at the end what clients were told with what the
//! ledger holds: a run with one wrong answer or count is no result. [`scenarios`] are the figures,
//! [`bare`] is sled without the service, and [`plot`] draws the figures.

pub mod bare;
pub mod cli;
pub mod computers;
pub mod connection;
pub mod cpu;
pub mod disk;
pub mod figure;
pub mod keys;
pub mod load;
pub mod noop;
pub mod pacer;
pub mod plot;
pub mod raw;
pub mod report;
pub mod rounds;
pub mod run;
pub mod scenarios;
pub(crate) mod sizes;
pub mod stand;
pub mod tellings;
