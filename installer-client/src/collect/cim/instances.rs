//! Finding instances of known classes in JSON, however they were gathered in it.

use serde_json::{Map, Value};

/// A class that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    BaseBoard,
    Bios,
    ComputerSystem,
    DiskDrive,
    Enclosure,
    Disk,
    NetAdapter,
    NetworkAdapter,
    PhysicalDisk,
    PhysicalMemory,
    Processor,
    SystemProduct,
    VideoController,
}

/// The name of each class in CIM, and a property that only its instances have, for those from which
/// somebody has taken the name away.
const CLASSES: [(Class, &str, &str); 13] = [
    (Class::BaseBoard, "Win32_BaseBoard", "HostingBoard"),
    (Class::Bios, "Win32_BIOS", "SMBIOSBIOSVersion"),
    (Class::ComputerSystem, "Win32_ComputerSystem", "TotalPhysicalMemory"),
    (Class::DiskDrive, "Win32_DiskDrive", "InterfaceType"),
    (Class::Enclosure, "Win32_SystemEnclosure", "ChassisTypes"),
    (Class::Disk, "MSFT_Disk", "IsBoot"),
    (Class::NetAdapter, "MSFT_NetAdapter", "PermanentAddress"),
    (Class::NetworkAdapter, "Win32_NetworkAdapter", "PhysicalAdapter"),
    (Class::PhysicalDisk, "MSFT_PhysicalDisk", "AdapterSerialNumber"),
    (Class::PhysicalMemory, "Win32_PhysicalMemory", "BankLabel"),
    (Class::Processor, "Win32_Processor", "ProcessorId"),
    (Class::SystemProduct, "Win32_ComputerSystemProduct", "IdentifyingNumber"),
    (Class::VideoController, "Win32_VideoController", "VideoProcessor"),
];

/// Where the registry has the identity of the installation.
const MACHINE_GUID: &str = "MachineGuid";

/// Most instances kept.
const INSTANCES_MAX: usize = 4096;

/// The properties of one instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance<'a>(&'a Map<String, Value>);

/// All instances of known classes, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Instances<'a> {
    found: Vec<(Class, Instance<'a>)>,
    machine_guid: Option<&'a str>,
}

impl<'a> Instances<'a> {
    pub(super) fn of(documents: &'a [Value]) -> Self {
        let mut instances = Self::default();
        for document in documents {
            instances.gather(document, None);
        }
        instances
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn all(&self, class: Class) -> impl Iterator<Item = Instance<'a>> {
        self.found.iter().filter(move |(found, _)| *found == class).map(|(_, found)| *found)
    }

    /// A property of the first instance of a class.
    pub(super) fn first(&self, class: Class, name: &str) -> Option<String> {
        self.all(class).next()?.text(name)
    }

    pub(super) fn machine_guid(&self) -> Option<String> {
        self.machine_guid.map(str::to_owned)
    }

    /// Takes in a value and what is in it; its depth is bounded by the parser of JSON.
    fn gather(&mut self, value: &'a Value, name: Option<&str>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.gather(value, name)),
            Value::Object(properties) if self.found.len() < INSTANCES_MAX => {
                if let Some(guid) = properties.get(MACHINE_GUID).and_then(Value::as_str) {
                    self.machine_guid = self.machine_guid.or(Some(guid));
                }
                match class(properties, name) {
                    Some(class) => self.found.push((class, Instance(properties))),
                    None => properties.iter().for_each(|(name, value)| {
                        self.gather(value, Some(name));
                    }),
                }
            }
            _ => {}
        }
    }
}

impl Instance<'_> {
    /// A property as text; numbers are written out.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A property that is true or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }
}

/// The class that an instance names, else the name it stands under, else what its properties say.
fn class(properties: &Map<String, Value>, name: Option<&str>) -> Option<Class> {
    let text = |path: &[&str]| {
        let mut names = path.iter();
        let first = properties.get(*names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))?.as_str()
    };
    let named = [
        text(&["CimSystemProperties", "ClassName"]),
        text(&["CimClass", "CimClassName"]),
        text(&["__CLASS"]),
        text(&["CreationClassName"]),
        name,
    ];
    let by_name =
        |found: &str| CLASSES.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(found));
    let by_property = || CLASSES.iter().find(|(_, _, property)| properties.contains_key(*property));
    let known = named.into_iter().flatten().find_map(by_name).or_else(by_property);
    known.map(|(class, _, _)| *class)
}
