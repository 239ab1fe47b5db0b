//! The outside things besides storage: time, randomness, encryption, and the activation service.

pub mod activation;
pub mod clock;
pub mod random;
pub mod vault;
