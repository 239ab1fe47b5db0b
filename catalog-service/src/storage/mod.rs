//! Engines behind the ports: the embedded store, and the content folder.

pub mod files;
pub mod shelf;
pub mod sqlite;
