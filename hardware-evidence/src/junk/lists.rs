//! The lists of placeholder values, kind by kind, in normal form; `vectors/junk-v1.json` publishes
//! them.
//!
//! Gathered from what inventory programs and kernels refuse to take for an identity, and from
//! reports of computers that turned out to share it. Each list is sorted.

/// Most digits of a counting pattern that the server knows the digests of.
pub(crate) const COUNTING_CHARS_MAX: usize = 20;

/// Texts that stand for nothing.
pub(crate) const TEXTS: &[&str] = &[
    "(null string)",
    "0123456789abcdef",
    "all",
    "all series",
    "asset tag",
    "asus-notebooksku",
    "base board",
    "base board product name",
    "base board serial number",
    "base board version",
    "blank",
    "board asset tag",
    "board manufacturer",
    "board name",
    "board product name",
    "board serial number",
    "board vendor name",
    "board version",
    "chassis asset tag",
    "chassis manufacture",
    "chassis manufacturer",
    "chassis serial number",
    "chassis version",
    "default",
    "default string",
    "default_string",
    "dummy",
    "empty",
    "enter serial",
    "eval",
    "fill by oem",
    "filled by oem",
    "iatpass",
    "invalid",
    "manufacturer not set",
    "mb-1234567890",
    "n.a",
    "n/a",
    "na",
    "nil",
    "no asset information",
    "no asset tag",
    "no data",
    "no enclosure",
    "no serial number",
    "no string",
    "none",
    "not",
    "not applicable",
    "not assigned",
    "not available",
    "not defined",
    "not filled",
    "not installed",
    "not present",
    "not provided",
    "not set",
    "not settable",
    "not specified",
    "not used",
    "null",
    "o.e.m",
    "oem",
    "oem default",
    "oem string",
    "oem_serial",
    "oemid",
    "part number not set",
    "placeholder",
    "product name",
    "redacted",
    "rev x.0x",
    "rev x.xx",
    "serial",
    "serial number",
    "serial number xxxxxx",
    "serial#",
    "serialnumber",
    "sku",
    "sku number",
    "sku#",
    "sn-123456fvgv3i0b8o5n6n7k",
    "standard",
    "string",
    "system asset tag",
    "system family",
    "system manufacturer",
    "system name",
    "system product name",
    "system serial number",
    "system serial#",
    "system sku number",
    "system sku#",
    "system version",
    "system_serial_number",
    "systemserialnumb",
    "tba",
    "tbd",
    "tbd by oem",
    "to be assigned",
    "to be defined",
    "to be defined by o.e.m",
    "to be filed by msft",
    "to be filled",
    "to be filled by o.e.m",
    "to be filled by o.e.m. by more string",
    "to be filled by oem",
    "to be set by o.e.m",
    "to be set by oem",
    "tulip computers",
    "type1 - tbd by oem",
    "type1family",
    "type1productconfigid",
    "type2 - board product name",
    "type2 - board product name1",
    "type2 - board serial number",
    "type2 - board serial number1",
    "type2 - board vendor name1",
    "unassigned",
    "unavailable",
    "undefined",
    "undefined string",
    "uninitialized",
    "unknow",
    "unknown",
    "unspecified",
    "unspecified base board serial number",
    "void",
    "x.x",
];

/// Texts that are junk as serial numbers only: names of boards and fields, what an emulator gives
/// to every disk, and what a maker left in a hundred thousand boards.
pub(crate) const SERIAL_TEXTS: &[&str] = &[
    "$serialnumber$",
    ".pcie2",
    "03142563",
    "123-1234-123",
    "12345 67890",
    "123456789000",
    "a1a1a1a1",
    "abcd1234",
    "asset-1234567890",
    "asus",
    "board",
    "bsn12345678901234567",
    "chassis",
    "chassis-1234567890",
    "default0000",
    "dell",
    "desktop",
    "eeepc-1234567890",
    "false",
    "field",
    "laptop",
    "lnvnb161216",
    "mainboard",
    "motherboard",
    "name",
    "no",
    "notebook",
    "other",
    "partnum0",
    "qm00001",
    "qm00002",
    "qm00003",
    "qm00004",
    "qm00005",
    "qm00006",
    "qm00007",
    "qm00008",
    "sernum0",
    "sernum00",
    "sernum01",
    "sernum1",
    "sernum2",
    "sernum3",
    "server",
    "smc0123456789",
    "sn-12345",
    "sn-1234567890",
    "square",
    "ssn12345678901234567",
    "sys-1234567890",
    "sys-9876543210",
    "system",
    "test",
    "true",
    "type1 - 123456789",
    "unknow unknow unknow",
    "version",
    "x312345678",
];

/// How placeholders begin that come with many endings.
pub(crate) const TEXT_PREFIXES: &[&str] = &[
    "<bad index",
    "<out of spec",
    "default string",
    "fill by oem",
    "filled by oem",
    "tbd by",
    "to be defined",
    "to be filed",
    "to be filled",
    "to be set by",
    "tobefilledby",
    "type1 - ",
    "type2 - ",
    "type3 - ",
];

/// What no value has in it: words of forms, and marks of who took a value out.
pub(crate) const TEXT_PARTS: &[&str] = &[
    "asset tag",
    "default string",
    "filled by",
    "not applicable",
    "not available",
    "not defined",
    "not set",
    "not specified",
    "o.e.m",
    "permission denied",
    "redacted",
    "serial number",
    "superuser required",
    "unspecified",
    "xxxxxx",
];

/// How the names begin that emulators give to disks.
pub(crate) const SERIAL_PREFIXES: &[&str] = &["drive-"];

/// Texts of which a beginning of at least so many characters is junk.
pub(crate) const SEQUENCES: &[(&str, usize)] = &[
    ("0123456789abcdefghijklmnopqrstuvwxyz", 11),
    ("0987654321", 5),
    ("123456789abcdefghijklmnopqrstuvwxyz", 10),
    ("9876543210", 5),
    ("abcdefghijklmnopqrstuvwxyz", 3),
];

/// Least digits of a counting end behind letters, as in `sn-12345678`.
pub(crate) const COUNTING_TAIL_DIGITS_MIN: usize = 8;

/// UUIDs that boards are shipped with by the thousand, and what people write into examples; each
/// stands for its byte-swapped twin as well.
pub(crate) const UUIDS: &[&str] = &[
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
    "00112233-4455-6677-8899-aabbccddeeff",
    "01234567-0123-0123-0123-0123456789ab",
    "01234567-89ab-cdef-0123-456789abcdef",
    "03000200-0400-0500-0006-000700080009",
    "11111111-2222-3333-4444-555555555555",
    "11223344-5566-7788-99aa-bbccddeeff00",
    "12345678-1234-1234-1234-123456789012",
    "12345678-1234-1234-1234-123456789abc",
    "12345678-1234-5678-1234-567812345678",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "12345678-90ab-cdef-1234-567890abcdef",
    "4c4c4544-0000-2010-8020-80c04f202020",
    "6ab5b300-538d-1014-9fb5-b0684d007b53",
    "aabbccdd-eeff-0011-2233-445566778899",
    "deadbeef-cafe-babe-dead-beefcafebabe",
    "deadbeef-dead-beef-dead-beefdeadbeef",
    "ffffff00-ffff-ffff-ffff-ffffffffffff",
];

/// How UUIDs begin that someone made up.
pub(crate) const UUID_PREFIX: &str = "deadbeef-";

/// Network addresses that drivers and boards share. Those with the bit for multicast or local
/// administration are junk without being listed; the ones below that have it are what the server
/// knows the digests of.
pub(crate) const MACS: &[&str] = &[
    "00:00:00:00:00:00",
    "00:00:00:00:00:01",
    "00:01:02:03:04:05",
    "00:05:9a:3c:78:00",
    "00:05:9a:3c:7a:00",
    "00:0b:ca:fe:00:00",
    "00:11:22:33:44:55",
    "00:90:4c:11:22:33",
    "00:a0:c6:00:00:00",
    "00:e0:4c:00:00:01",
    "00:e0:4c:68:00:01",
    "02:00:4e:43:50:49",
    "02:80:37:ec:02:00",
    "0a:00:27:00:00:00",
    "12:34:56:78:9a:bc",
    "20:41:53:59:4e:ff",
    "24:b6:20:52:41:53",
    "33:50:6f:45:30:30",
    "50:50:54:50:30:30",
    "ac:de:48:00:11:22",
    "d2:0a:2d:a0:04:be",
    "d2:6b:25:2f:2c:e7",
    "e2:e6:16:20:0a:35",
    "fe:ff:ff:ff:ff:ff",
    "ff:ff:ff:ff:ff:ff",
];

/// How addresses begin that many computers share: those of redundant routers, of the networks that
/// a virtualisation host makes for itself, of dial-up and parallel cables, and what an emulator
/// gives to a guest that nobody chose an address for.
pub(crate) const MAC_PREFIXES: &[&str] =
    &["00:00:5e:00:01:", "00:50:56:c0:00:0", "44:45:53:54:", "52:54:00:12:34:5"];

/// How the addresses of dial-up adapters end (` RAS` in ASCII).
pub(crate) const MAC_SUFFIX: &str = ":20:52:41:53";

/// How the addresses begin that KVM gives to its guests. They are locally administered, and still
/// one guest has them and keeps them.
pub(crate) const GUEST_MAC_PREFIX: &str = "52:54:00:";

/// Vendor ids of PCI that nobody owns.
pub(crate) const PCI_VENDORS: &[&str] = &["0000", "ffff"];

/// The SHA-256 of nothing, which a program digests that found no endorsement key.
pub(crate) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
