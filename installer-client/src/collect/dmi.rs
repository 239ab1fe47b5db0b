//! What the firmware says of board, system and chassis, as the kernel shows it in
//! `/sys/class/dmi/id`, and on boards without such firmware in the device tree.

use std::path::Path;

use hardware_evidence::{ComponentKind, board_model};

use super::read;
use crate::Profile;

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    let field = |name: &str| read::text(&root.join("sys/class/dmi/id").join(name));
    let tree = |name: &str| read::text(&root.join("sys/firmware/devicetree/base").join(name));

    profile.first_of(ComponentKind::BoardSerial, [field("board_serial"), tree("serial-number")]);
    profile.first_of(ComponentKind::SystemUuid, [field("product_uuid")]);
    profile
        .first_of(ComponentKind::ChassisSerial, [field("chassis_serial"), field("product_serial")]);
    profile.first_of(ComponentKind::BiosVersion, [field("bios_version")]);
    let model = field("board_name")
        .map(|product| board_model(&field("board_vendor").unwrap_or_default(), &product));
    let of_tree = tree("model").map(|model| board_model("", &model));
    profile.first_of(ComponentKind::BoardModel, [model, of_tree]);
}
