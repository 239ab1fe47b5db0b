//! The service over sockets, with an activation service in the same process that can fail at will.

mod content;
mod delivery;
mod fake;
mod imports;
mod lists;
mod pane;
mod refusals;
mod reveals;
mod starting;
mod world;
