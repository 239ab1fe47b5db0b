//! The two commands of this repository, dev and test, and their helpers.
//!
//! `certs` and `token` are public so that tests and `dev` make identities in the same way as people
//! do on the command line.

pub mod bench;
pub mod certs;
pub mod cli;
pub mod dev;
pub mod faults;
pub mod fleet;
pub mod instructions;
pub mod output;
pub mod pair;
pub mod process;
pub mod secrets;
pub mod test;
pub mod token;
