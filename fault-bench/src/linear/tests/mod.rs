//! Histories that can be and histories that cannot.

mod hand_made;
mod random;
