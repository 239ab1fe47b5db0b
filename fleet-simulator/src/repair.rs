//! What repair does to a board, and to what its firmware says.

use crate::fleet::Fleet;
use crate::hardware::{Board, Computer};
use crate::maker::Maker;
use crate::model::{another_memory, another_processor};
use crate::shares::Share;

/// Most months until a repaired board comes back.
const RETURN_MONTHS_MAX: u64 = 6;
/// What a board shows that nobody wrote numbers to.
const NEVER_WRITTEN: &str = "INVALID";

/// Puts another board into the chassis and tells whether the system is installed afresh.
pub fn replace_board(maker: &mut Maker, computer: &mut Computer, month: u32) -> bool {
    let same = maker.so(Share::SameBoard);
    let model = if same { computer.board.model } else { maker.model() };
    let board = maker.board(model, computer.chassis);
    let old = std::mem::replace(&mut computer.board, board);
    let vendor = maker.fleet != Fleet::WhiteBoxes;
    let note = match (vendor, same) {
        (true, _) => write_identity(maker, computer, &old),
        (false, true) => "board of the same model",
        (false, false) => "board of another model",
    };
    computer.story.note(note);
    if model.processor_soldered {
        computer.processor = maker.part(computer.processor.model);
        computer.display = maker.part(computer.display.model);
    } else if !same && maker.so(Share::KitWithBoard) {
        let (processor, memory) =
            (another_processor(&mut maker.dice), another_memory(&mut maker.dice));
        computer.processor = maker.part(processor);
        computer.memory = maker.part(memory);
        computer.story.note("processor");
        computer.story.note("memory");
    }
    if model.memory_soldered {
        computer.memory = maker.part(computer.memory.model);
    }
    if maker.so(Share::BoardReturns) {
        let wait = 1 + maker.dice.below(RETURN_MONTHS_MAX);
        computer.returning = Some((Box::new(old), month + u32::try_from(wait).unwrap_or(1)));
    }
    let fresh = maker.so(Share::ReinstallWithBoard);
    if fresh {
        computer.disk.install_id = maker.install_id();
    }
    fresh
}

/// Puts the repaired board back when its month has come.
pub fn give_back(computer: &mut Computer, month: u32) {
    match computer.returning.take() {
        Some((board, due)) if due <= month => {
            computer.board = *board;
            computer.story.note("old board put back");
        }
        waiting => computer.returning = waiting,
    }
}

/// What a vendor's technician writes to the new board; none where the old board had none either.
fn write_identity(maker: &mut Maker, computer: &mut Computer, old: &Board) -> &'static str {
    let firmware = &mut computer.board.firmware;
    let way = maker.choose([Share::RestoredAll, Share::RestoredUuid, Share::RestoredChassis]);
    match way {
        Some(Share::RestoredAll) => {
            *firmware = old.firmware.clone();
            "board with all old identity"
        }
        Some(Share::RestoredUuid) => {
            firmware.uuid.clone_from(&old.firmware.uuid);
            firmware.chassis_serial.clone_from(&old.firmware.chassis_serial);
            "board with old UUID"
        }
        Some(_) => {
            firmware.chassis_serial.clone_from(&old.firmware.chassis_serial);
            "board with old chassis serial"
        }
        None => {
            firmware.board_serial = Some(NEVER_WRITTEN.to_owned());
            firmware.chassis_serial = Some(NEVER_WRITTEN.to_owned());
            "board without serials"
        }
    }
}
