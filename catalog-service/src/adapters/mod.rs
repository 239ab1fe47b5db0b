//! The outside things besides storage: time, randomness, encryption, the activation service, and
//! what is asked once for many.

pub mod activation;
pub mod clock;
pub mod marks;
pub mod random;
mod together;
pub mod usage;
pub mod vault;
