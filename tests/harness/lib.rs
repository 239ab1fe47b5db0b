//! Starts the real services for tests and gives typed ways to call them.
//!
//! A [`World`] is a pair of services in a folder of its own. A [`Person`] is whoever calls, a
//! [`Computer`] what is activated, a [`Refusal`] what a caller is told; the methods of a world read
//! like the sentences of a story.

mod computer;
pub mod crash;
mod frames;
mod person;
mod program;
mod refusal;
mod seed;
mod story;
mod waiting;
mod wire;
mod world;

pub use computer::Computer;
pub use frames::{Frame, FrameKind, Frames, cancel, last_data};
pub use person::{Headers, Person};
pub use program::{Program, Said, Tool, signal};
pub use refusal::{Refusal, refusal};
pub use seed::{Dice, seed_from_environment};
pub use story::{DUTCH, Key, MAPS_CORE, Partner, Term, days_from_now, key_id_of, request_id};
pub use waiting::{PATIENCE, eventually};
pub use wire::{OpenCall, RawAnswer, RawCall, page};
pub use world::{Activation, Catalog, Service, World, WorldOptions};
