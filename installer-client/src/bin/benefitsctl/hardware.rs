//! The commands about hardware, and where the computers come from that they speak of.

mod compare;
mod show;

use std::io::Read;
use std::path::Path;

use hardware_evidence::DeploymentSalt;
use installer_client::{
    ActivationClient, AppleOutput, CimOutput, Collector, DmidecodeOutput, LinuxCollector,
    Placeholder, Profile, RetryPolicy,
};

use crate::activation;
use crate::args::{ComputerArgs, GlobalArgs, HardwareCommand};
use crate::error::CliError;
use crate::output::Printer;

/// Most bytes of a file or of standard input that describe a computer.
const RECORD_BYTES_MAX: u64 = 64 << 20;
const SALT_FILE_BYTES_MAX: u64 = 128;

/// The name of standard input.
const STDIN: &str = "-";

/// A profile that was collected or recorded before.
pub(crate) struct Computer {
    profile: Profile,
    placeholders: Vec<Placeholder>,
    /// What the person should know of the profile.
    notes: Vec<String>,
}

impl Collector for Computer {
    fn collect(&self) -> Profile {
        self.profile.clone()
    }
}

pub(crate) async fn run(
    global: &GlobalArgs,
    command: &HardwareCommand,
    printer: &Printer,
) -> Result<(), CliError> {
    match command {
        HardwareCommand::Show(args) => show::run(global, args, printer).await,
        HardwareCommand::Compare(args) => compare::run(args, printer),
    }
}

/// The computer that the options name.
pub(crate) fn computer(args: &ComputerArgs) -> Result<Computer, CliError> {
    // The options exclude each other.
    let mut computer = if let Some(path) = &args.profile {
        of_profile(Profile::from_json(&String::from_utf8_lossy(&read(path)?))?)
    } else if let Some(path) = &args.dmidecode {
        of_dmidecode(path)?
    } else if let Some(path) = &args.cim {
        of_cim(path)?
    } else if args.system_profiler.is_some() || args.ioreg.is_some() {
        of_mac(args.system_profiler.as_deref(), args.ioreg.as_deref())?
    } else {
        let mut computer = of_profile(LinuxCollector::under(&args.root).collect());
        if cfg!(not(target_os = "linux")) {
            let text = "only Linux is read live: record this computer, and see --help";
            computer.notes.push(text.to_owned());
        }
        computer
    };
    if let Some(handle) = &args.operator_handle {
        computer.profile = computer.profile.with_operator_handle(handle);
    }
    Ok(computer)
}

fn of_profile(profile: Profile) -> Computer {
    let mut notes = Vec::new();
    if let Some(name) = profile.hypervisor() {
        notes.push(format!("a guest of {name}: its identity is what the hypervisor gives it"));
    }
    if profile.is_container() {
        notes.push(
            "a container: it shows what it sees of its host, and may need a handle that an \
             operator assigned"
                .to_owned(),
        );
    }
    Computer { profile, placeholders: Vec::new(), notes }
}

fn of_dmidecode(path: &Path) -> Result<Computer, CliError> {
    let output = DmidecodeOutput::new(&read(path)?);
    let mut computer = of_profile(output.collect());
    computer.placeholders = output.placeholders().to_vec();
    if output.records() == 0 {
        computer.notes.push(format!("no record of dmidecode was found in {}", path.display()));
    }
    Ok(computer)
}

fn of_cim(path: &Path) -> Result<Computer, CliError> {
    let fault =
        |error| CliError::File { path: path.to_owned(), error: std::io::Error::other(error) };
    let output = CimOutput::new(&read(path)?).map_err(fault)?;
    let mut computer = of_profile(output.collect());
    if output.instances() == 0 {
        computer.notes.push(format!("no CIM instance was found in {}", path.display()));
    }
    Ok(computer)
}

fn of_mac(system_profiler: Option<&Path>, ioreg: Option<&Path>) -> Result<Computer, CliError> {
    let profiled = system_profiler.map(read).transpose()?;
    let registry = ioreg.map(read).transpose()?;
    let output = AppleOutput::new(profiled.as_deref(), registry.as_deref()).map_err(|error| {
        let path = system_profiler.unwrap_or(Path::new(STDIN)).to_owned();
        CliError::File { path, error: std::io::Error::other(error) }
    })?;
    let mut computer = of_profile(output.collect());
    if output.is_empty() {
        computer.notes.push("nothing of a Mac was found".to_owned());
    }
    Ok(computer)
}

/// The salt from the file, else from the service, if one of them is named.
async fn salt(
    global: &GlobalArgs,
    file: Option<&Path>,
) -> Result<Option<DeploymentSalt>, CliError> {
    if let Some(path) = file {
        return salt_of_file(path).map(Some);
    }
    if global.activation_endpoint.is_none() {
        return Ok(None);
    }
    let client = ActivationClient::new(&global.activation()?, RetryPolicy::interactive())?;
    Ok(Some(client.salt().await?))
}

fn salt_of_file(path: &Path) -> Result<DeploymentSalt, CliError> {
    let fault = |error| CliError::File { path: path.to_owned(), error };
    let length = std::fs::metadata(path).map_err(fault)?.len();
    if length > SALT_FILE_BYTES_MAX {
        return Err(fault(std::io::Error::other("a salt has 32 bytes or 64 hexadecimal digits")));
    }
    let bytes = std::fs::read(path).map_err(fault)?;
    let from_hex = || activation::from_hex(std::str::from_utf8(&bytes).ok()?.trim());
    let salt = from_hex().unwrap_or_else(|| bytes.clone());
    DeploymentSalt::try_from(salt.as_slice()).map_err(|error| fault(std::io::Error::other(error)))
}

/// The bytes of a file, or of standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let fault = |error| CliError::File { path: path.to_owned(), error };
    let bytes = if path == Path::new(STDIN) {
        bounded(std::io::stdin().lock())
    } else {
        std::fs::File::open(path).and_then(bounded)
    };
    bytes.map_err(fault)
}

fn bounded(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(RECORD_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= RECORD_BYTES_MAX => Ok(bytes),
        _ => Err(std::io::Error::other(format!("it has more than {RECORD_BYTES_MAX} bytes"))),
    }
}
