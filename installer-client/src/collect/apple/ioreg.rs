//! What `ioreg -l` shows of a Mac: a text of nodes, each with its class and properties.

use hardware_evidence::board_model;

use super::Shown;

/// What stands before the name of a node.
const NODE: &str = "+-o ";

/// Classes of network interfaces, wired and wireless.
const INTERFACES: [&str; 2] = ["EthernetInterface", "80211Interface"];

/// Properties of the node that are of interest.
#[derive(Default)]
struct Node {
    is_platform: bool,
    is_interface: bool,
    is_built_in: bool,
    address: Option<String>,
    is_internal: bool,
    disk_serial: Option<String>,
}

pub(super) fn shown(text: &str) -> Shown {
    let mut shown = Shown::default();
    let mut node = Node::default();
    for line in text.lines() {
        if let Some((_, named)) = line.split_once(NODE) {
            finish(std::mem::take(&mut node), &mut shown);
            let class = named.split_once("<class ").map_or("", |(_, rest)| rest);
            let class = class.split([',', '>']).next().unwrap_or_default();
            node.is_platform = class == "IOPlatformExpertDevice";
            node.is_interface = INTERFACES.iter().any(|interface| class.contains(interface));
        } else if let Some((name, value)) = property(line) {
            take(name, value, &mut node, &mut shown);
        }
    }
    finish(node, &mut shown);
    shown
}

/// A line `| "name" = value`.
fn property(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once('"')?;
    let (name, rest) = rest.split_once('"')?;
    Some((name, rest.trim_start().strip_prefix('=')?.trim()))
}

fn take(name: &str, value: &str, node: &mut Node, shown: &mut Shown) {
    let first = |place: &mut Option<String>| {
        if place.is_none() {
            *place = plain(value);
        }
    };
    match name {
        "IOPlatformUUID" => first(&mut shown.platform_uuid),
        "IOPlatformSerialNumber" => first(&mut shown.serial),
        "mlb-serial-number" => first(&mut shown.board_serial),
        "board-id" if node.is_platform => {
            let id = plain(value).map(|id| board_model("Apple Inc.", &id));
            shown.board_model = id.or(shown.board_model.take());
        }
        "model" if node.is_platform => {
            shown.model = plain(value).unwrap_or_default();
            if shown.board_model.is_none() && !shown.model.is_empty() {
                shown.board_model = Some(board_model("Apple Inc.", &shown.model));
            }
        }
        "manufacturer" if node.is_platform => shown.maker = plain(value).unwrap_or_default(),
        "IOMACAddress" => node.address = bytes(value).map(|bytes| hex(&bytes)),
        "IOBuiltin" => node.is_built_in = value == "Yes",
        "Protocol Characteristics" => {
            node.is_internal = value.contains("\"Physical Interconnect Location\"=\"Internal\"");
        }
        "Device Characteristics" => {
            let serial = value.split_once("\"Serial Number\"=\"").map(|(_, rest)| rest);
            node.disk_serial = serial.and_then(|rest| Some(rest.split_once('"')?.0.trim().into()));
        }
        _ => {}
    }
}

fn finish(node: Node, shown: &mut Shown) {
    if node.is_interface && node.is_built_in {
        shown.addresses.extend(node.address);
    }
    if node.is_internal {
        shown.disks.extend(node.disk_serial);
    }
}

/// A text in quotes, in quotes within angle brackets, or as bytes within them.
fn plain(value: &str) -> Option<String> {
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(value);
    let text = match inner.strip_prefix('"') {
        // Data may hold several texts; the first is the value.
        Some(rest) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => String::from_utf8(bytes(value)?).ok()?,
    };
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned();
    (!text.is_empty()).then_some(text)
}

/// The bytes of `<a483e7010203>`.
fn bytes(value: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> =
        value.strip_prefix('<')?.strip_suffix('>')?.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
