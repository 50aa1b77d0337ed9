//! The manager's own key: chosen by the operator, or made at the first start and kept in the data folder. Devices with raw
//! public keys or certificates know the manager by it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use dunlin_manager::ServerIdentity;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The name of the file in the data folder: the key's scalar, 32 bytes.
const FILE: &str = "identity.key";

/// Finds or makes the key, with the certificates that the operator chose.
pub(crate) fn prepare(
    key: Option<&Path>,
    certificates: Option<&Path>,
    data: &Path,
) -> Result<ServerIdentity, Failure> {
    let bytes = match key {
        Some(file) => private_key(file)?,
        None => own_key(&data.join(FILE))?,
    };
    let chain = match certificates {
        Some(file) => certificate_files(file)?,
        None => Vec::new(),
    };
    ServerIdentity::new(&bytes, chain).map_err(|error| {
        Failure::new(format!("The manager cannot prove itself: {error}.")).remedy(
            "Check coap.private_key and coap.certificates of the configuration: the first certificate is that of the key.",
        )
    })
}

/// The private key in a file, PEM or DER.
pub(crate) fn private_key(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let bytes = Zeroizing::new(read(file)?);
    if !is_pem(&bytes) {
        return Ok(bytes);
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| no_pem(file, &error))?;
    Ok(Zeroizing::new(key.secret_der().to_vec()))
}

/// The certificates in a file: PEM with one or more, or DER with one.
pub(crate) fn certificate_files(file: &Path) -> Result<Vec<Box<[u8]>>, Failure> {
    let bytes = read(file)?;
    if !is_pem(&bytes) {
        return Ok(vec![bytes.into()]);
    }
    CertificateDer::pem_slice_iter(&bytes)
        .map(|der| der.map(|der| der.as_ref().into()))
        .collect::<Result<_, _>>()
        .map_err(|error| no_pem(file, &error))
}

pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----BEGIN ")
}

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file)
        .map_err(|error| Failure::new(format!("Cannot read {}: {error}.", file.display())))
}

pub(crate) fn no_pem(file: &Path, error: &rustls::pki_types::pem::Error) -> Failure {
    Failure::new(format!(
        "{} is no PEM of what is needed: {error}.",
        file.display()
    ))
    .remedy("Give the file in PEM or DER.")
}

/// The key in the data folder; one is made if it is not there.
fn own_key(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match fs::read(file) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = ServerIdentity::generate_key();
            store(file, &*key).map_err(|error| refuse(file, &error))?;
            Ok(Zeroizing::new(key.to_vec()))
        }
        Err(error) => Err(refuse(file, &error)),
    }
}

/// Writes the key so that it is there whole or not at all, for this user's eyes only.
fn store(file: &Path, key: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&new)?;
    out.write_all(key)?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    if let Some(folder) = file.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn refuse(file: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "The manager's own key in {} cannot be used: {error}.",
        file.display()
    ))
    .remedy("Make the data folder writable, or choose another with --data DIR.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_stays() {
        let data = tempfile::tempdir().expect("a folder");
        let first = prepare(None, None, data.path()).expect("a key");
        let second = prepare(None, None, data.path()).expect("the same key");
        assert_eq!(first.public_key(), second.public_key());
        let other = tempfile::tempdir().expect("a folder");
        let other = prepare(None, None, other.path()).expect("a key");
        assert_ne!(first.public_key(), other.public_key());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(data.path().join(FILE))
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(data.path().join(FILE), "no key").expect("writable");
        let failure = prepare(None, None, data.path()).expect_err("no key");
        assert!(failure.detail.contains("no private key"), "{failure}");
    }
}
