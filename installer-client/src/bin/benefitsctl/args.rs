//! What may be written on the command line.

mod hardware;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use installer_client::{Connection, DevIdentity};
use proto::activation::v1::Platform;

use crate::error::CliError;

pub(crate) use hardware::{ComputerArgs, HardwareCommand, HardwareCompareArgs, HardwareShowArgs};

/// The hardware of this computer, activations, benefits, keys, receipts and the ledger.
///
/// Exit codes: 0 done; 1 wrong usage or a local fault; 2 refused, with the reason; 3 the service
/// cannot be reached or did not answer.
#[derive(Parser)]
#[command(name = "benefitsctl", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct GlobalArgs {
    /// How to print; `activate-request` is for `hardware show`
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
    /// Address of the activation service, https://host:port, or http on this computer
    #[arg(long, global = true, env = "BENEFITS_ACTIVATION_ENDPOINT", value_name = "URI")]
    pub(crate) activation_endpoint: Option<String>,
    /// Address of the catalog service
    #[arg(long, global = true, env = "BENEFITS_CATALOG_ENDPOINT", value_name = "URI")]
    pub(crate) catalog_endpoint: Option<String>,
    /// PEM file of the authorities that the services' certificates are checked with
    #[arg(long, global = true, env = "BENEFITS_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// PEM file of your certificate
    #[arg(long, global = true, env = "BENEFITS_CERT_FILE", value_name = "FILE")]
    pub(crate) cert_file: Option<PathBuf>,
    /// PEM file of your certificate's private key
    #[arg(long, global = true, env = "BENEFITS_KEY_FILE", value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// File of a user's token, which a portal forwards
    #[arg(long, global = true, env = "BENEFITS_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Language of texts, such as nl
    #[arg(long, global = true, env = "BENEFITS_LANGUAGE", value_name = "TAG")]
    pub(crate) language: Option<String>,
    /// Who to be towards services in development on this computer:
    /// subject=NAME;roles=ROLE,ROLE;tenant=PARTNER
    #[arg(long, global = true, env = "BENEFITS_DEV_IDENTITY", value_name = "IDENTITY")]
    pub(crate) dev_identity: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// The answer as JSON
    Json,
    /// A request for `grpcurl -d @ … benefits.activation.v1.ActivationService/Activate`
    ActivateRequest,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// What this computer shows of its hardware
    #[command(subcommand)]
    Hardware(HardwareCommand),
    /// Activate a product key on this computer
    Activate(ActivateArgs),
    /// What an activation would answer; nothing is counted
    Preview(PreviewArgs),
    /// Give up a count of an activation
    Release(ReleaseArgs),
    /// The software benefits of a partner
    #[command(subcommand)]
    Benefits(BenefitsCommand),
    /// Product keys: terms, computers, history
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What proves an activation; no service is asked
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// What the ledger is signed to hold, and whether it holds what receipts prove
    #[command(subcommand)]
    Ledger(LedgerCommand),
}

#[derive(Args)]
pub(crate) struct KeyArgs {
    /// File of the product key, - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) product_key_file: Option<PathBuf>,
    /// The product key itself; other users of this computer can see it in the list of processes
    #[arg(long, value_name = "KEY", conflicts_with = "product_key_file")]
    pub(crate) product_key: Option<String>,
}

#[derive(Args)]
pub(crate) struct ProductArgs {
    /// The product, such as products/windows-server-2022-standard; the prefix may be left out
    #[arg(long)]
    pub(crate) product: String,
    /// What it is installed on; this computer's platform if not given
    #[arg(long, value_enum)]
    pub(crate) platform: Option<PlatformArg>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlatformArg {
    Windows,
    Macos,
    Linux,
}

#[derive(Args)]
pub(crate) struct ActivateArgs {
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) product: ProductArgs,
    #[command(flatten)]
    pub(crate) computer: ComputerArgs,
    /// Folder that keeps the request, with the key, until it is answered
    /// [default: .local/state/benefitsctl in your home]
    #[arg(long, env = "BENEFITS_STATE_DIR", value_name = "FOLDER")]
    pub(crate) state_dir: Option<PathBuf>,
    /// File of public keys that you trust, one a line; with it a receipt must prove the answer
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_keys: Option<PathBuf>,
    /// File to write the receipt to
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt_out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) product: ProductArgs,
    #[command(flatten)]
    pub(crate) computer: ComputerArgs,
}

#[derive(Args)]
pub(crate) struct ReleaseArgs {
    /// The activation, productKeys/…/activations/…
    pub(crate) name: String,
    /// Why, for the history
    #[arg(long)]
    pub(crate) reason: String,
    /// The id of a release that was not answered, 32 hexadecimal digits, to send it again
    #[arg(long, value_name = "HEX")]
    pub(crate) request_id: Option<String>,
    /// With a product key this computer's evidence is sent; without, your role decides
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) computer: ComputerArgs,
}

#[derive(Subcommand)]
pub(crate) enum BenefitsCommand {
    /// The benefits of a partner with the use of their keys
    List(BenefitsListArgs),
    /// One benefit
    Show(NameArgs),
    /// The download pane: files, choices, the walkthrough in three steps
    Download(DownloadArgs),
    /// The product key; each reveal is recorded, and the first may end the right to a refund
    RevealKey(NameArgs),
}

#[derive(Args)]
pub(crate) struct BenefitsListArgs {
    /// The partner; the prefix partners/ may be left out
    #[arg(long)]
    pub(crate) partner: String,
    /// Words that must all occur
    #[arg(long, default_value = "")]
    pub(crate) search: String,
    /// Such as: family = "office" AND downloadable = true
    #[arg(long, default_value = "")]
    pub(crate) filter: String,
    /// title, product, source, activate_by_time or activation_limit, with " desc" to turn it round
    #[arg(long, default_value = "")]
    pub(crate) order_by: String,
    /// Most rows
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rows_max: u32,
}

#[derive(Args)]
pub(crate) struct NameArgs {
    /// The resource name, as the lists print it
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct DownloadArgs {
    /// The benefit, partners/…/benefits/…
    pub(crate) name: String,
    /// The newest if not given
    #[arg(long, default_value = "")]
    pub(crate) version: String,
    /// The first if not given
    #[arg(long, default_value = "")]
    pub(crate) edition: String,
    /// Language of the software, such as nl-NL
    #[arg(long, default_value = "")]
    pub(crate) software_language: String,
    /// Such as x64
    #[arg(long, default_value = "")]
    pub(crate) architecture: String,
    /// Platform of the walkthrough
    #[arg(long, value_enum)]
    pub(crate) platform: Option<PlatformArg>,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Terms and counts
    Show(NameArgs),
    /// The computers that hold counts
    Activations(KeyListArgs),
    /// What was decided and changed, and why
    History(KeyHistoryArgs),
}

#[derive(Args)]
pub(crate) struct KeyListArgs {
    /// The key's handle, productKeys/…; the prefix may be left out
    pub(crate) name: String,
    /// Most rows
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rows_max: u32,
}

#[derive(Args)]
pub(crate) struct KeyHistoryArgs {
    #[command(flatten)]
    pub(crate) list: KeyListArgs,
    /// Newest first
    #[arg(long)]
    pub(crate) newest_first: bool,
}

#[derive(Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Check a receipt with public keys that you trust, and show what it proves
    Verify(ReceiptVerifyArgs),
}

#[derive(Args)]
pub(crate) struct ReceiptVerifyArgs {
    /// File of the receipt, its bytes or their base64; - for standard input
    pub(crate) file: PathBuf,
    /// A public key that you trust, base64; may be given several times
    #[arg(long = "key", value_name = "BASE64", required_unless_present = "trusted_keys")]
    pub(crate) keys: Vec<String>,
    /// File of public keys that you trust, one a line (--key-file is your certificate's)
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_keys: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// The newest signed head, which commits the ledger to all that it holds
    Head(LedgerHeadArgs),
    /// Check that the ledger still holds what receipts prove
    Audit(LedgerAuditArgs),
}

#[derive(Args)]
pub(crate) struct LedgerHeadArgs {
    /// File of public keys that you trust, one a line; without it no signature is checked
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_keys: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct LedgerAuditArgs {
    /// File of public keys that you trust, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_keys: PathBuf,
    /// Files of receipts, their bytes or base64; at most 1,000
    #[arg(required = true, num_args = 1..=1000, value_name = "RECEIPT")]
    pub(crate) receipts: Vec<PathBuf>,
}

impl Cli {
    /// How to print: `--json` of the hardware commands is short for `-o json`.
    pub(crate) const fn format(&self) -> Format {
        match &self.command {
            Command::Hardware(command) if command.wants_json() => Format::Json,
            _ => self.global.output,
        }
    }
}

impl PlatformArg {
    /// The activation service's value.
    pub(crate) const fn activation(self) -> Platform {
        match self {
            Self::Windows => Platform::Windows,
            Self::Macos => Platform::Macos,
            Self::Linux => Platform::Linux,
        }
    }

    /// The catalog service's value.
    pub(crate) const fn catalog(self) -> proto::catalog::v1::Platform {
        match self {
            Self::Windows => proto::catalog::v1::Platform::Windows,
            Self::Macos => proto::catalog::v1::Platform::Macos,
            Self::Linux => proto::catalog::v1::Platform::Linux,
        }
    }
}

impl GlobalArgs {
    /// How to reach the activation service.
    pub(crate) fn activation(&self) -> Result<Connection, CliError> {
        let missing = "the address of the activation service is missing: --activation-endpoint";
        self.connection(self.activation_endpoint.as_deref().ok_or(CliError::Usage(missing.into()))?)
    }

    /// How to reach the catalog service.
    pub(crate) fn catalog(&self) -> Result<Connection, CliError> {
        let missing = "the address of the catalog service is missing: --catalog-endpoint";
        self.connection(self.catalog_endpoint.as_deref().ok_or(CliError::Usage(missing.into()))?)
    }

    fn connection(&self, endpoint: &str) -> Result<Connection, CliError> {
        let dev_identity = match &self.dev_identity {
            Some(text) => Some(DevIdentity::parse(text)?),
            None => None,
        };
        Ok(Connection {
            endpoint: endpoint.to_owned(),
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            token_file: self.token_file.clone(),
            dev_identity,
            language: self.language.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
