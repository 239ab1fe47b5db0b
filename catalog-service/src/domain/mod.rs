//! The rules of the catalog: pure values and functions, without clock, storage or wire.

pub mod benefit;
pub mod choice;
pub mod content;
pub mod enrolment;
pub mod error;
pub mod filter;
pub mod id;
pub mod instruction;
pub mod key;
pub mod language;
pub mod name;
pub mod offer;
pub mod page;
pub mod product;
