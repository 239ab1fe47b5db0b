//! `cargo xtask certs`: a local certificate authority with identities for services and people.
//!
//! It is for development, tests and the compose file. In production the same files come from your
//! own authority; docs/operations.md says which names they need.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, value_parser};
use jiff::{Timestamp, ToSpan as _, Unit, Zoned, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::{output, secrets};

/// Longest life of a certificate; a longer one is forgotten before it ends.
const VALID_DAYS_MAX: i64 = 825;

/// Each service: the name of its files and of its host.
const SERVERS: [&str; 2] = ["activation-service", "catalog-service"];

/// Each client: the name of its files and the DNS name that the services map to roles.
pub const CLIENTS: [(&str, &str); 5] = [
    ("client-catalog", "catalog.internal"),
    ("client-portal", "portal.internal"),
    ("client-ops-read", "ops-read.internal"),
    ("client-ops-admin", "ops-admin.internal"),
    ("client-catalog-read", "catalog-read.internal"),
];

/// Where to write and for how long.
#[derive(Args, Clone, Debug)]
pub struct CertsArgs {
    /// The folder to write into.
    #[arg(long, value_name = "DIR", default_value = "certs")]
    pub out: PathBuf,
    /// For how many days the certificates are valid.
    #[arg(long, default_value_t = 90, value_parser = value_parser!(i64).range(1..=VALID_DAYS_MAX))]
    pub days: i64,
    /// Replace the identities that an earlier run wrote; secrets stay as they are.
    #[arg(long)]
    pub replace: bool,
}

/// Writes the files and tells what they are.
///
/// # Errors
/// The folder holds an authority already, or cannot be written.
pub fn run(args: &CertsArgs) -> Result<()> {
    write(args)?;
    let row = |file: &str, about: &str| {
        output::line(&format!("{:<48} {about}", args.out.join(file).display().to_string()));
    };
    row("ca.pem", "the authority; clients trust it");
    for server in SERVERS {
        row(&format!("{server}.pem"), &format!("server: {server}, localhost, 127.0.0.1, ::1"));
    }
    for (name, dns) in CLIENTS {
        row(&format!("{name}.pem"), &format!("client: {dns}"));
    }
    row("token-signing.pub.pem", "checks tokens of `cargo xtask token`");
    for (name, _, about) in secrets::SECRETS {
        row(name, about);
    }
    output::line(
        "Every .pem of an identity has its .key beside it; keys and secrets are yours alone.",
    );
    Ok(())
}

/// Writes the authority, all identities, the key pair for tokens, and the secrets that are missing.
///
/// # Errors
/// The folder holds an authority already, or cannot be written.
pub fn write(args: &CertsArgs) -> Result<()> {
    let folder = &args.out;
    if folder.join("ca.pem").exists() && !args.replace {
        bail!("{} holds an authority already; --replace ends it", folder.display());
    }
    make_private_folder(folder)?;
    let life = Life::of_days(args.days)?;

    let ca_key = KeyPair::generate()?;
    let mut ca = life.params(&[])?;
    ca.distinguished_name.push(DnType::CommonName, "Local development authority");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    write_public(&folder.join("ca.pem"), &ca.self_signed(&ca_key)?.pem())?;
    write_private(&folder.join("ca.key"), &ca_key.serialize_pem())?;
    let issuer = Issuer::new(ca, ca_key);

    for server in SERVERS {
        let names = [server, "localhost", "127.0.0.1", "::1"];
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        write_identity(folder, server, life.params(&names)?, usage, &issuer)?;
    }
    for (name, dns) in CLIENTS {
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        write_identity(folder, name, life.params(&[dns])?, usage, &issuer)?;
    }
    let token_key = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
    write_private(&folder.join("token-signing.key"), &token_key.serialize_pem())?;
    write_public(&folder.join("token-signing.pub.pem"), &token_key.public_key_pem())?;
    secrets::write_missing(folder)
}

fn write_identity(
    folder: &Path,
    name: &str,
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<()> {
    let key = KeyPair::generate()?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, issuer)?;
    write_public(&folder.join(format!("{name}.pem")), &certificate.pem())?;
    write_private(&folder.join(format!("{name}.key")), &key.serialize_pem())
}

/// From when to when certificates are valid, by days.
struct Life {
    first: Zoned,
    last: Zoned,
}

impl Life {
    fn of_days(days: i64) -> Result<Self> {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).round(Unit::Minute)?;
        // A day of slack lets a machine whose clock is behind accept what was just made.
        let first = today.checked_sub(1.day())?;
        let last = today.checked_add(days.clamp(1, VALID_DAYS_MAX).days())?;
        Ok(Self { first, last })
    }

    fn params(&self, names: &[&str]) -> Result<CertificateParams> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let date = |day: &Zoned| -> Result<_> {
            let (month, day_of_month) = (u8::try_from(day.month())?, u8::try_from(day.day())?);
            Ok(rcgen::date_time_ymd(i32::from(day.year()), month, day_of_month))
        };
        params.not_before = date(&self.first)?;
        params.not_after = date(&self.last)?;
        Ok(params)
    }
}

fn make_private_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write_public(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Never lets the key be readable by others, not even for a moment.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    //! The files are what TLS wants: names, usages, one authority, and keys that only we can read.

    use super::*;
    use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

    fn args(folder: &Path) -> CertsArgs {
        CertsArgs { out: folder.join("certs"), days: 7, replace: false }
    }

    fn der(path: &Path) -> Result<Vec<u8>> {
        let pem = fs::read(path)?;
        let (_, pem) = x509_parser::pem::parse_x509_pem(&pem)?;
        Ok(pem.contents)
    }

    fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>> {
        let names = certificate.subject_alternative_name()?.context("names")?;
        let shown = names.value.general_names.iter().map(|name| match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            other => other.to_string(),
        });
        Ok(shown.collect())
    }

    #[test]
    fn identities_have_their_names_and_usages() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let args = args(folder.path());
        write(&args)?;
        let ca = der(&args.out.join("ca.pem"))?;
        let (_, ca) = X509Certificate::from_der(&ca)?;
        assert!(ca.is_ca());

        let server = der(&args.out.join("catalog-service.pem"))?;
        let (_, server) = X509Certificate::from_der(&server)?;
        assert_eq!(server.issuer(), ca.subject());
        assert_eq!(names(&server)?[..2], ["catalog-service", "localhost"]);
        assert!(server.extended_key_usage()?.context("usage")?.value.server_auth);

        let client = der(&args.out.join("client-ops-admin.pem"))?;
        let (_, client) = X509Certificate::from_der(&client)?;
        assert_eq!(names(&client)?, ["ops-admin.internal"]);
        let usage = client.extended_key_usage()?.context("usage")?.value;
        assert!(usage.client_auth && !usage.server_auth);
        let days =
            client.validity().not_after.timestamp() - client.validity().not_before.timestamp();
        assert_eq!(days / 86_400, 8, "seven days and one of slack");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_readable_by_their_owner_alone() -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir()?;
        let args = args(folder.path());
        write(&args)?;
        let mut keys = 0;
        for entry in fs::read_dir(&args.out)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|ending| ending == "key") {
                assert_eq!(entry.metadata()?.permissions().mode() & 0o777, 0o600);
                keys += 1;
            }
        }
        assert_eq!(keys, 1 + SERVERS.len() + CLIENTS.len() + 1);
        Ok(())
    }

    #[test]
    fn an_authority_is_replaced_only_when_told() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut args = args(folder.path());
        write(&args)?;
        let first = fs::read_to_string(args.out.join("ca.pem"))?;
        assert!(write(&args).is_err());
        assert_eq!(fs::read_to_string(args.out.join("ca.pem"))?, first);
        args.replace = true;
        write(&args)?;
        assert_ne!(fs::read_to_string(args.out.join("ca.pem"))?, first);
        Ok(())
    }
}
