//! Options about computers: this one, recorded ones, and two of them beside each other.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyArgs, PlatformArg};

#[derive(Subcommand)]
pub(crate) enum HardwareCommand {
    /// Each kind: present, junk or absent, with its digests, never its values
    Show(HardwareShowArgs),
    /// What a service would decide on computer B after it has counted A, and why; nothing is asked
    ///
    /// A and B are files of `hardware show --json`, recorded profiles, or output of dmidecode,
    /// Get-CimInstance (JSON), system_profiler -json or ioreg -l; - is standard input. Digests can
    /// be compared only if they were made with one salt. The rule is that of the policy hw-v1; a
    /// deployment may have another one.
    Compare(HardwareCompareArgs),
}

#[derive(Args)]
pub(crate) struct ComputerArgs {
    /// Handle that an operator assigned to this computer, on keys that allow it
    #[arg(long, env = "BENEFITS_OPERATOR_HANDLE", value_name = "HANDLE")]
    pub(crate) operator_handle: Option<String>,
    /// A recorded profile (JSON) in place of this computer
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub(crate) profile: Option<PathBuf>,
    /// Output of dmidecode in place of this computer, - for standard input; it has no disks,
    /// network adapters, displays and TPM in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "profile"])]
    pub(crate) dmidecode: Option<PathBuf>,
    /// Recorded CIM instances (JSON) of a Windows computer, - for standard input; a parser of
    /// recorded output, not yet tried on real machines
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "profile", "dmidecode"])]
    pub(crate) cim: Option<PathBuf>,
    /// Output of `system_profiler -json` of a Mac, - for standard input; a parser of recorded
    /// output, not yet tried on real machines
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "profile", "dmidecode", "cim"])]
    pub(crate) system_profiler: Option<PathBuf>,
    /// Output of `ioreg -l` of a Mac, alone or beside that of system_profiler
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "profile", "dmidecode", "cim"])]
    pub(crate) ioreg: Option<PathBuf>,
    /// Folder below which /sys, /proc and /etc of the computer are
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,
}

#[derive(Args)]
pub(crate) struct HardwareShowArgs {
    #[command(flatten)]
    pub(crate) computer: ComputerArgs,
    /// File of the deployment's salt, 32 bytes or 64 hexadecimal digits; else the service is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) salt_file: Option<PathBuf>,
    /// Print JSON, as -o json does
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the raw values too: serial numbers are personal data
    #[arg(long)]
    pub(crate) raw: bool,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// The product, for `-o activate-request`
    #[arg(long)]
    pub(crate) product: Option<String>,
    /// The platform, for `-o activate-request`
    #[arg(long, value_enum)]
    pub(crate) platform: Option<PlatformArg>,
}

#[derive(Args)]
pub(crate) struct HardwareCompareArgs {
    /// The computer as it was counted
    #[arg(value_name = "A")]
    pub(crate) baseline: PathBuf,
    /// The computer as it shows itself now
    #[arg(value_name = "B")]
    pub(crate) report: PathBuf,
    /// File of the deployment's salt, where one side has digests and the other one values
    #[arg(long, value_name = "FILE")]
    pub(crate) salt_file: Option<PathBuf>,
    /// The key allows handles that operators assign
    #[arg(long)]
    pub(crate) handle_allowed: bool,
    /// Print JSON, as -o json does
    #[arg(long)]
    pub(crate) json: bool,
}

impl HardwareCommand {
    /// Whether `--json` was given.
    pub(super) const fn wants_json(&self) -> bool {
        match self {
            Self::Show(args) => args.json,
            Self::Compare(args) => args.json,
        }
    }
}
