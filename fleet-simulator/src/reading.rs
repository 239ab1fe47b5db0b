//! What a program on a computer can read of it when the product is activated.

use hardware_evidence::{ComponentKind as Kind, cpu, gpu};

use crate::hardware::{Computer, endorsement};
use crate::life::{Dock, Life};
use crate::maker::Maker;
use crate::shares::Share;

const GIB: u64 = 1 << 30;
/// What firmware shows amid a fault.
const GLITCH_SERIAL: &str = "N/A";
const GLITCH_UUID: &str = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF";

/// How a reading comes about.
#[derive(Clone, Debug)]
pub struct Conditions {
    linux: bool,
    unprivileged: bool,
    poor: bool,
    glitch: bool,
    wireless_hidden: bool,
    dock: Option<Dock>,
}

/// What a program finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The values that go into evidence, raw, in the order in which they are found.
    pub values: Vec<(Kind, String)>,
    /// The address of the adapter that the network is reached through, a dock's on a dock.
    pub active_address: Option<String>,
}

impl Conditions {
    /// Those of one activation.
    pub fn of(life: &mut Life) -> Self {
        let Life { maker, docks, .. } = life;
        let dock = maker.so(Share::OnDock).then(|| any(maker, docks)).flatten();
        Self {
            linux: maker.linux,
            unprivileged: maker.so(Share::Unprivileged),
            poor: maker.so(Share::PoorReading),
            glitch: maker.so(Share::Glitch),
            wireless_hidden: maker.so(Share::WirelessHidden),
            dock,
        }
    }

    /// The same for an administrator, after a restart.
    #[must_use]
    pub fn as_administrator(&self) -> Self {
        Self { unprivileged: false, poor: false, glitch: false, ..self.clone() }
    }

    /// An adapter on USB is known as one and never part of evidence; some docks are not.
    fn built_in_dock(&self) -> Option<&Dock> {
        self.dock.as_ref().filter(|dock| dock.looks_built_in)
    }

    /// What is unusual about them, by name.
    #[must_use]
    pub fn unusual(&self) -> Vec<&'static str> {
        let all = [
            (self.unprivileged, "unprivileged"),
            (self.poor, "poor reading"),
            (self.glitch, "firmware fault"),
            (self.wireless_hidden, "wireless hidden"),
            (self.built_in_dock().is_some(), "dock taken for built in"),
        ];
        all.into_iter().filter(|(so, _)| *so).map(|(_, name)| name).collect()
    }
}

fn any(maker: &mut Maker, docks: &[Dock]) -> Option<Dock> {
    let place = usize::try_from(maker.dice.below(docks.len() as u64)).unwrap_or_default();
    docks.get(place).cloned()
}

/// Reads a computer.
#[must_use]
pub fn read(computer: &Computer, conditions: &Conditions) -> Reading {
    let mut values = Vec::new();
    let mut add = |kind, value: Option<String>| values.extend(value.map(|value| (kind, value)));
    let (board, firmware) = (&computer.board, &computer.board.firmware);
    // Linux keeps serial numbers and the UUID from users, Windows does not.
    let secret_shown = !(conditions.poor || conditions.linux && conditions.unprivileged);
    let faulty = |value: &Option<String>, fault: &str| {
        if conditions.glitch { Some(fault.to_owned()) } else { value.clone() }
    };
    if secret_shown {
        add(Kind::BoardSerial, faulty(&firmware.board_serial, GLITCH_SERIAL));
        add(Kind::SystemUuid, faulty(&firmware.uuid, GLITCH_UUID));
        add(Kind::ChassisSerial, faulty(&firmware.chassis_serial, GLITCH_SERIAL));
    }
    if !conditions.poor {
        add(Kind::BoardModel, board.model.board_text());
        add(Kind::OsDisk, computer.disk.serial.clone());
        add(Kind::BiosVersion, Some(format!("F{}", firmware.version)));
        let display = &computer.display;
        let ids = || gpu("10de", &format!("{:04x}", display.model + 1));
        add(Kind::Gpu, (!display.units.is_empty()).then(ids));
    }
    let mut active_address = conditions.dock.as_ref().map(|dock| dock.address.clone());
    for adapter in computer.adapters() {
        let hidden = adapter.wireless && conditions.wireless_hidden;
        let address = adapter.address.clone().filter(|_| !hidden);
        active_address = active_address.or_else(|| address.clone());
        add(Kind::Nic, address);
    }
    add(Kind::Nic, conditions.built_in_dock().map(|dock| dock.address.clone()));
    // On Linux no program of ours asks the TPM, on Windows an administrator may.
    let tpm_shown = !conditions.linux && !conditions.unprivileged && !conditions.poor;
    add(Kind::TpmEk, board.tpm.filter(|_| tpm_shown).map(endorsement));
    let model = computer.processor.model;
    let (family, brand) = ((model % 7).to_string(), format!("Processor {model}"));
    add(Kind::Cpu, Some(cpu("GenuineIntel", &family, &model.to_string(), &brand)));
    add(Kind::RamRange, Some((u64::from(computer.memory.model) * GIB - GIB / 2).to_string()));
    add(
        Kind::OsInstallId,
        Some(format!("{:032x}", u128::from(computer.disk.install_id) << 32 | 7)),
    );
    Reading { values, active_address }
}
