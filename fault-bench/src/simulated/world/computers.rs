//! Computers by number, and how each of them looks at one time or another.

use std::sync::{Arc, LazyLock};

use activation_service::domain::evidence::{Component, Evidence};
use activation_service::domain::policy::Policy;
use hardware_evidence::{ComponentKind as K, DeploymentSalt, Digest, JunkDigests};

/// The salt of the simulated deployment.
pub(super) const SALT: [u8; 32] = [3; 32];

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::hw_v1(JunkDigests::new(&DeploymentSalt::new(SALT))));

/// The policy that decides.
pub(super) fn policy() -> Policy {
    POLICY.clone()
}

/// How a computer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As always: 78 points.
    Usual,
    /// Another disk: unchanged, at 74 percent.
    NewDisk,
    /// Another mainboard: significantly changed, at 42 percent.
    NewBoard,
    /// Hardly anything can be read: one anchor matches, 43 points.
    Weak,
    /// Another installation of the operating system.
    Reinstalled,
    /// The processor alone, which is not enough.
    Poor,
}

impl Look {
    /// All looks.
    pub(super) const ALL: [Self; 6] =
        [Self::Usual, Self::NewDisk, Self::NewBoard, Self::Weak, Self::Reinstalled, Self::Poor];

    const fn kinds(self) -> &'static [K] {
        match self {
            Self::Weak => &[K::BoardSerial, K::BoardModel, K::Cpu, K::Gpu, K::RamRange],
            Self::Poor => &[K::Cpu],
            _ => &[
                K::BoardSerial,
                K::BoardModel,
                K::SystemUuid,
                K::OsDisk,
                K::Cpu,
                K::Gpu,
                K::RamRange,
                K::OsInstallId,
            ],
        }
    }

    const fn replaced(self) -> &'static [K] {
        match self {
            Self::NewDisk => &[K::OsDisk],
            Self::NewBoard => &[K::BoardSerial, K::BoardModel, K::SystemUuid],
            Self::Reinstalled => &[K::OsInstallId],
            Self::Usual | Self::Weak | Self::Poor => &[],
        }
    }
}

/// What a computer shows.
pub(crate) fn evidence(computer: u64, look: Look) -> anyhow::Result<Arc<Evidence>> {
    let component = |kind: &K| {
        let is_replaced = look.replaced().contains(kind);
        let [high, low] = [[0xc0, kind.number(), u8::from(is_replaced), 0], [0x5e; 4]];
        let mut digest = Digest([0; 16]);
        let bytes = high.into_iter().chain(computer.to_be_bytes()).chain(low);
        digest.0.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Component::new(*kind, 1, vec![digest])
    };
    let components: Result<Vec<_>, _> = look.kinds().iter().map(component).collect();
    Ok(Arc::new(Evidence::new(components?)?))
}
