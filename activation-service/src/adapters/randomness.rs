//! Random bytes of the operating system.

use crate::ports::Randomness;

/// The generator of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(
        clippy::expect_used,
        reason = "a system that gives no random bytes cannot serve; the chassis answers the call"
    )]
    fn id_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        assert_ne!(SystemRandomness.id_bytes(), SystemRandomness.id_bytes());
    }
}
