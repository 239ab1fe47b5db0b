//! Dumps of many makers, in `profiles/dmidecode`, and what is expected of them.

use Expected::{Absent, Is, Junk};

/// What is expected of a kind.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    /// This raw value.
    Is(&'static str),
    Junk,
    Absent,
}
macro_rules! dump {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../profiles/dmidecode/", $name, ".txt")))
    };
}

/// Names and texts.
pub(super) const DUMPS: [(&str, &str); 27] = [
    dump!("apple-macbookpro"),
    dump!("arm-ampere-server"),
    dump!("asrock-white-box"),
    dump!("asus-notebook-bsn"),
    dump!("asus-prime"),
    dump!("aws-nitro-guest"),
    dump!("bios-of-2003"),
    dump!("dell-latitude-7490"),
    dump!("gigabyte-default-string"),
    dump!("google-guest"),
    dump!("hp-elitedesk-800"),
    dump!("hpe-proliant-several-boards"),
    dump!("hyperv-guest"),
    dump!("intel-nuc"),
    dump!("lenovo-ideapad-invalid"),
    dump!("lenovo-thinkpad-t480"),
    dump!("msi-all-f"),
    dump!("names-in-german"),
    dump!("qemu-guest"),
    dump!("quiet-form"),
    dump!("raspberry-pi-uefi"),
    dump!("supermicro-x11"),
    dump!("tablet-type2-strings"),
    dump!("virtualbox-guest"),
    dump!("vmware-guest"),
    dump!("words-of-2002"),
    dump!("xen-hvm-guest"),
];

/// Board serial and model, UUID, chassis serial and firmware of each dump.
pub(super) const IDENTITIES: [(&str, [Expected; 5]); 27] = [
    (
        "apple-macbookpro",
        [
            Is("C02543105QQG0XY1M"),
            Is("Apple Inc.|Mac-06F11FD93F0323C5"),
            Is("00000000-0000-1000-8000-A860B6123456"),
            Is("C02QX1ABG8WN"),
            Is("190.0.0.0.0"),
        ],
    ),
    (
        "arm-ampere-server",
        [
            Is("MLN3U0012345"),
            Is("GIGABYTE|MP32-AR1-00"),
            Is("53a4f1c0-8d2e-11ec-8000-b42e99fd1a2b"),
            Is("GKG9NP912A0012"),
            Is("1.10.20211213"),
        ],
    ),
    ("asrock-white-box", [Is("M80-EC012345678"), Is("ASRock|B550M Pro4"), Junk, Junk, Is("P2.10")]),
    (
        "asus-notebook-bsn",
        [
            Junk,
            Is("ASUSTeK COMPUTER INC.|X550LD"),
            Is("613F7F40-B807-81E3-2B8E-40167E86AAC1"),
            Is("E4N0CV036141ABC"),
            Is("X550LD.300"),
        ],
    ),
    (
        "asus-prime",
        [
            Is("190757218304512"),
            Is("ASUSTeK COMPUTER INC.|PRIME B450M-A"),
            Is("8e4f1a60-2c37-11ea-9d5b-04d9f5c2a17e"),
            Junk,
            Is("2409"),
        ],
    ),
    (
        "aws-nitro-guest",
        [
            Junk,
            Junk,
            Is("ec2b6a1f-5c3d-7e80-91a2-b3c4d5e6f708"),
            Is("ec2b6a1f-5c3d-7e80-91a2-b3c4d5e6f708"),
            Is("1.0"),
        ],
    ),
    ("bios-of-2003", [Junk, Is("ASUSTeK Computer Inc.|P4C800"), Junk, Junk, Is("1010.004")]),
    (
        "dell-latitude-7490",
        [
            Is("/6B5XK12/CNFCW0096P01T8/"),
            Is("Dell Inc.|0KP0FT"),
            Is("4c4c4544-0042-3510-8058-b6c04f4b3132"),
            Is("6B5XK12"),
            Is("1.22.0"),
        ],
    ),
    (
        "gigabyte-default-string",
        [
            Junk,
            Is("Gigabyte Technology Co., Ltd.|Z390 AORUS PRO-CF"),
            Is("03560274-043c-05d9-6d06-c10700080009"),
            Junk,
            Is("F12"),
        ],
    ),
    (
        "google-guest",
        [
            Is("Board-GoogleCloud-7A1B2C3D4E5F60718293A4B5C6D7E8F9"),
            Is("Google|Google Compute Engine"),
            Is("7a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
            Is("GoogleCloud-7A1B2C3D4E5F60718293A4B5C6D7E8F9"),
            Is("Google"),
        ],
    ),
    (
        "hp-elitedesk-800",
        [
            Is("CZC4320QWX"),
            Is("Hewlett-Packard|1998"),
            Is("6E9C8A00-1B2C-11E4-9F3A-A0481C8E4B12"),
            Is("CZC4320QWX"),
            Is("L01 v02.78"),
        ],
    ),
    (
        "hpe-proliant-several-boards",
        [
            Is("PBKRE0A1X5Q012"),
            Is("HP|ProLiant BL460c Gen8"),
            Is("36343636-3935-435A-4A32-343330305859"),
            Is("CZJ24300XY"),
            Is("I31"),
        ],
    ),
    (
        "hyperv-guest",
        [
            Is("5318-8008-1337-4242-9001-7766-55"),
            Is("Microsoft Corporation|Virtual Machine"),
            Is("7d6f5e4c-3b2a-4918-8070-6f5e4d3c2b1a"),
            Is("5318-8008-1337-4242-9001-7766-55"),
            Is("Hyper-V UEFI Release v4.0"),
        ],
    ),
    (
        "intel-nuc",
        [
            Is("GEBE93400ABC"),
            Is("Intel Corporation|NUC8BEB"),
            Is("5d21b3e4-6a8f-7c10-2b94-1c697a0c8d2f"),
            Is("G6BE934008XY"),
            Is("BNCEC10H.86A.0095.2021.0318.1519"),
        ],
    ),
    (
        "lenovo-ideapad-invalid",
        [
            Junk,
            Is("LENOVO|LNVNB161216"),
            Is("a0b1c2d3-e4f5-11eb-80f0-38f3ab1c2d3e"),
            Is("MP27ABCD"),
            Is("GGCN34WW"),
        ],
    ),
    (
        "lenovo-thinkpad-t480",
        [
            Is("L1HF85C0123"),
            Is("LENOVO|20L5CTO1WW"),
            Is("f2a1c94c-2d6b-11b2-a85c-8f1f5c0a7d3e"),
            Is("PF1A2B3C"),
            Is("N24ET61W (1.36 )"),
        ],
    ),
    ("msi-all-f", [Junk, Is("MSI|H87-G43 (MS-7816)"), Junk, Junk, Is("A.60")]),
    (
        "names-in-german",
        [
            Junk,
            Is("FUJITSU|FJNB21C"),
            Is("9B6A4F00-3C5D-11E1-8F21-B12E00C0FFEE"),
            Is("DSAB012345"),
            Is("1.07"),
        ],
    ),
    (
        "qemu-guest",
        [Absent, Absent, Is("0e7c5a1b-4d3f-4b8a-9c21-77aa15d0e6f9"), Junk, Is("1.15.0-1")],
    ),
    (
        "quiet-form",
        [
            Junk,
            Is("Acer|JE50_HR"),
            Is("1f2e3d4c-5b6a-11e0-8f7e-1c75080a0b0c"),
            Is("LXRXP0123412345ABC1601"),
            Is("V1.08"),
        ],
    ),
    (
        "raspberry-pi-uefi",
        [
            Is("100000009a1b2c3d"),
            Is("Raspberry Pi Foundation|Raspberry Pi 4 Model B"),
            Is("30303031-3030-3030-3961-316232633364"),
            Is("100000009a1b2c3d"),
            Is("UEFI Firmware v1.35"),
        ],
    ),
    (
        "supermicro-x11",
        [
            Is("OM18BS012345"),
            Is("Supermicro|X11DPi-N"),
            Is("00000000-0000-0000-0000-ac1f6b3c5d7e"),
            Is("C8160LI12AB3456"),
            Is("2.1"),
        ],
    ),
    ("tablet-type2-strings", [Junk, Junk, Junk, Is("PMP250363210595"), Is("G1W_QI10X")]),
    (
        "virtualbox-guest",
        [
            Junk,
            Is("Oracle Corporation|VirtualBox"),
            Is("4f2d8c1e-a97b-4e60-8d35-b2c6f1097a84"),
            Junk,
            Is("VirtualBox"),
        ],
    ),
    (
        "vmware-guest",
        [
            Junk,
            Is("Intel Corporation|440BX Desktop Reference Platform"),
            Is("1f3a4d56-2e8c-9077-a1b2-c3d4e5f60718"),
            Is("VMware-56 4d 3a 1f 8c 2e 77 90-a1 b2 c3 d4 e5 f6 07 18"),
            Is("6.00"),
        ],
    ),
    (
        "words-of-2002",
        [Is("NA60B7Y0AB1"), Is("IBM|-[M51G]-"), Absent, Is("KBAB123"), Is("-[KPE142AUS-1.42]-")],
    ),
    (
        "xen-hvm-guest",
        [
            Absent,
            Absent,
            Is("D3B2A1C0-F5E4-7746-8899-AABBCCDDEE01"),
            Is("c0a1b2d3-e4f5-4677-8899-aabbccddee01"),
            Is("4.11.4"),
        ],
    ),
];

/// Processor, GiB of memory and hypervisor of some.
pub(super) const MACHINES: [(&str, Expected, u64, Option<&str>); 18] = [
    ("words-of-2002", Absent, 1, None),
    (
        "dell-latitude-7490",
        Is("GenuineIntel|6|142|Intel(R) Core(TM) i5-8350U CPU @ 1.70GHz"),
        16,
        None,
    ),
    ("asus-prime", Is("AuthenticAMD|23|113|AMD Ryzen 5 3600 6-Core Processor"), 16, None),
    ("asrock-white-box", Is("AuthenticAMD|23|113|AMD Ryzen 5 3600 6-Core Processor"), 16, None),
    ("arm-ampere-server", Is("0x41|8|0xd0c|"), 128, None),
    ("raspberry-pi-uefi", Absent, 4, None),
    ("bios-of-2003", Is("GenuineIntel|15|2|Intel(R) Pentium(R) 4 CPU 2.80GHz"), 1, None),
    (
        "hpe-proliant-several-boards",
        Is("GenuineIntel|6|45|Intel(R) Xeon(R) CPU E5-2660 0 @ 2.20GHz"),
        64,
        None,
    ),
    (
        "supermicro-x11",
        Is("GenuineIntel|6|85|Intel(R) Xeon(R) Silver 4110 CPU @ 2.10GHz"),
        96,
        None,
    ),
    ("quiet-form", Is("GenuineIntel|6|42|Intel(R) Core(TM) i5-2410M CPU @ 2.30GHz"), 2, None),
    (
        "vmware-guest",
        Is("GenuineIntel|6|85|Intel(R) Xeon(R) Gold 6132 CPU @ 2.60GHz"),
        4,
        Some("VMware"),
    ),
    (
        "hyperv-guest",
        Is("GenuineIntel|6|85|Intel(R) Xeon(R) Platinum 8272CL CPU @ 2.60GHz"),
        4,
        Some("Hyper-V"),
    ),
    ("qemu-guest", Absent, 2, Some("QEMU")),
    ("virtualbox-guest", Absent, 0, Some("VirtualBox")),
    ("xen-hvm-guest", Junk, 1, Some("Xen")),
    (
        "aws-nitro-guest",
        Is("GenuineIntel|6|85|Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz"),
        8,
        Some("Amazon EC2"),
    ),
    ("google-guest", Absent, 4, Some("Google Compute Engine")),
    (
        "apple-macbookpro",
        Is("GenuineIntel|6|70|Intel(R) Core(TM) i7-4770HQ CPU @ 2.20GHz"),
        16,
        None,
    ),
];
