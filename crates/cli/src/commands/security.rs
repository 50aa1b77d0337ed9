//! `dunlin security`.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::{Subcommand, ValueEnum};
use dunlin_server::api::{Credential, CredentialKind, CredentialList, CredentialRequest, Secret};
use rand::Rng as _;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use ureq::http::Method;
use zeroize::Zeroizing;

use crate::clean::clean;
use crate::client::{Client, Route};
use crate::failure::Failure;
use crate::identity;
use crate::input;
use crate::terminal::Output;

/// Shows and sets how devices prove who they are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A device with a credential is let in over coaps (DTLS) and only with it; nobody else can take its endpoint name.

Examples:
  dunlin security list
  dunlin security add urn:dev:1 --psk-identity sensor-1 --psk hex:000102030405060708090a0b0c0d0e0f
  dunlin security add urn:dev:1 --psk-identity sensor-1        A key is made, and shown this once
  dunlin security add urn:dev:2 --rpk public.pem
  dunlin security add urn:dev:3 --x509 device.pem
  dunlin security add urn:dev:4 --x509-ca authority.pem        Any certificate of it with this name
  dunlin security remove urn:dev:1 psk")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do with the security store.
#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the credentials, without their secrets
    #[command(after_help = "Example:\n  dunlin security list urn:dev")]
    List {
        /// Only of devices whose endpoint name has this text in it
        text: Option<String>,
    },
    /// Gives a device a credential, in place of one of the same kind
    #[command(
        after_help = "Example:\n  dunlin security add urn:dev:1 --psk-identity sensor-1 --psk @key.bin"
    )]
    Add(Add),
    /// Takes a credential away; without any the device may register without security
    #[command(after_help = "Example:\n  dunlin security remove urn:dev:1 psk")]
    Remove {
        /// The endpoint name of the device
        endpoint: String,
        /// The kind
        kind: Kind,
    },
}

/// A new credential.
#[derive(Debug, clap::Args)]
struct Add {
    /// The endpoint name of the device
    endpoint: String,
    /// The identity that the device gives with its pre-shared key
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["rpk", "x509", "x509_ca"])]
    psk_identity: Option<String>,
    /// The pre-shared key, 16 to 64 bytes: as hex:DIGITS, in base64, or @FILE; rather give it in the variable
    /// [default: a new one]
    #[arg(
        long,
        value_name = "KEY",
        env = "DUNLIN_PSK",
        hide_env_values = true,
        requires = "psk_identity"
    )]
    psk: Option<String>,
    /// The device's raw public key on the curve P-256: SubjectPublicKeyInfo in PEM or DER
    #[arg(long, value_name = "FILE", conflicts_with_all = ["x509", "x509_ca"])]
    rpk: Option<PathBuf>,
    /// The device's certificate in PEM or DER; it is taken with this very one
    #[arg(long, value_name = "FILE", conflicts_with = "x509_ca")]
    x509: Option<PathBuf>,
    /// An authority's certificate in PEM or DER; the device is taken with any certificate that leads there and whose
    /// common name is the endpoint name
    #[arg(long, value_name = "FILE")]
    x509_ca: Option<PathBuf>,
}

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Pre-shared key
    Psk,
    /// Raw public key
    Rpk,
    /// Certificate
    X509,
    /// Certificate of an authority
    X509Ca,
}

impl From<Kind> for CredentialKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Psk => Self::Psk,
            Kind::Rpk => Self::Rpk,
            Kind::X509 => Self::X509,
            Kind::X509Ca => Self::X509Ca,
        }
    }
}

/// How many credentials are asked for at once.
const PAGE: usize = 1000;

pub(crate) fn run(arguments: &Arguments, client: &Client, output: Output) -> Result<(), Failure> {
    match &arguments.command {
        Command::List { text } => list(text.as_deref(), client, output),
        Command::Add(add) => self::add(add, client, output),
        Command::Remove { endpoint, kind } => {
            let kind = CredentialKind::from(*kind).name();
            let route = Route::credential(endpoint, kind);
            let answer = client.call(Method::DELETE, &route, None::<&()>)?;
            output.done(&answer, format!("Removed {kind} of {}.", clean(endpoint)));
            Ok(())
        }
    }
}

fn list(text: Option<&str>, client: &Client, output: Output) -> Result<(), Failure> {
    let mut credentials: Vec<Credential> = Vec::new();
    let server = loop {
        let route = Route::security()
            .query("q", text)
            .query("limit", Some(PAGE))
            .query("offset", Some(credentials.len()));
        let page: CredentialList = client.get(&route)?.parse()?;
        let (total, empty) = (page.total, page.credentials.is_empty());
        credentials.extend(page.credentials);
        if empty || credentials.len() as u64 >= total {
            break page.server_public_key;
        }
    };
    if output.json {
        let total = credentials.len();
        output.json(
            &json!({"credentials": credentials, "total": total, "server_public_key": server}),
        );
        return Ok(());
    }
    if credentials.is_empty() {
        output.line("No device has a credential; `dunlin security add` gives one.");
    } else {
        output.print(&table(&credentials, output));
    }
    if let Some(key) = server {
        output.line(format!("\nThe manager's own public key: {}", clean(&key)));
    }
    Ok(())
}

fn table(credentials: &[Credential], output: Output) -> comfy_table::Table {
    let mut table = output.table(&["ENDPOINT", "KIND", "IDENTITY"]);
    for credential in credentials {
        let identity = [
            &credential.identity,
            &credential.public_key,
            &credential.fingerprint,
        ];
        let identity = identity.into_iter().flatten().next();
        table.add_row([
            clean(&credential.endpoint),
            credential.kind.name().to_owned(),
            clean(identity.map_or("", String::as_str)),
        ]);
    }
    table
}

fn add(add: &Add, client: &Client, output: Output) -> Result<(), Failure> {
    let mut request = CredentialRequest::default();
    let mut made = None;
    let kind = if let Some(identity) = &add.psk_identity {
        let key = if let Some(text) = &add.psk {
            input::bytes(text)?
        } else {
            let mut key = Zeroizing::new(vec![0; 16]);
            rand::rng().fill_bytes(&mut key);
            made = Some(hex(&key));
            key
        };
        request.identity = Some(identity.clone());
        request.key = Some(Secret::new(BASE64.encode(&*key)));
        CredentialKind::Psk
    } else if let Some(file) = &add.rpk {
        request.public_key = Some(BASE64.encode(public_key(file)?));
        CredentialKind::Rpk
    } else if let Some(file) = &add.x509 {
        request.certificate = Some(certificate(file)?);
        CredentialKind::X509
    } else if let Some(file) = &add.x509_ca {
        request.authority = Some(certificate(file)?);
        CredentialKind::X509Ca
    } else {
        return Err(Failure::usage("A credential is missing.")
            .remedy("Give --psk-identity, --rpk, --x509 or --x509-ca."));
    };
    let route = Route::credential(&add.endpoint, kind.name());
    client.call(Method::PUT, &route, Some(&request))?;
    if output.json {
        let mut line = json!({"endpoint": add.endpoint, "kind": kind});
        if let Some(key) = made {
            line["key"] = key.into();
        }
        output.json(&line);
        return Ok(());
    }
    output.line(format!(
        "{} proves itself by {} from now on.",
        clean(&add.endpoint),
        kind.name()
    ));
    if let Some(key) = made {
        output.line(format!(
            "Its key is {key}; it is shown this once: note it now."
        ));
    }
    Ok(())
}

/// Bytes as they are given with `--psk`.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("hex:".to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first certificate in a file, in base64.
fn certificate(file: &Path) -> Result<String, Failure> {
    let chain = identity::certificate_files(file)?;
    let own = chain.first();
    let own =
        own.ok_or_else(|| Failure::new(format!("There is no certificate in {}.", file.display())))?;
    Ok(BASE64.encode(own))
}

fn public_key(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = identity::read(file)?;
    if !identity::is_pem(&bytes) {
        return Ok(bytes);
    }
    let key = SubjectPublicKeyInfoDer::from_pem_slice(&bytes)
        .map_err(|error| identity::no_pem(file, &error))?;
    Ok(key.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::trimmed;

    #[test]
    fn a_key_that_was_made_can_be_given() {
        let text = hex(&[0, 255]);
        assert_eq!(text, "hex:00ff");
        assert_eq!(input::bytes(&text).expect("bytes").as_slice(), [0, 255]);
    }

    #[test]
    fn what_is_not_secret_is_a_table() {
        let credentials: Vec<Credential> = serde_json::from_value(json!([
            {"endpoint": "a", "kind": "psk", "identity": "who"},
            {"endpoint": "b", "kind": "x509", "fingerprint": "00ff"},
        ]))
        .expect("credentials");
        assert_eq!(
            trimmed(&table(&credentials, Output::plain())),
            "ENDPOINT  KIND  IDENTITY\n\
             a         psk   who\n\
             b         x509  00ff"
        );
    }
}
