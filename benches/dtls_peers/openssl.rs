//! OpenSSL, by `benches/openssl_dtls.c`.

use std::path::PathBuf;
use std::process::Command;

use crate::handshakes::{Cipher, Kind};

/// The compiled program.
pub(crate) struct Program(PathBuf);

impl Program {
    /// Compiles it; `None`, with a printed line, without a compiler or the library.
    pub(crate) fn build() -> Option<Self> {
        let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("openssl_dtls");
        let status = Command::new("cc")
            .args(["-O2", "-Wall", "-Wextra", "-o"])
            .arg(&program)
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/benches/openssl_dtls.c"
            ))
            .args(["-lssl", "-lcrypto"])
            .status();
        if status.is_ok_and(|status| status.success()) {
            return Some(Self(program));
        }
        println!("skipped: OpenSSL needs `cc` and Debian's libssl-dev");
        None
    }

    /// Nanoseconds for a handshake, both sides.
    pub(crate) fn handshake(&self, kind: Kind) -> f64 {
        let [nanoseconds] = self.run(&["handshake", kind.name(), "2"]);
        nanoseconds
    }

    /// Nanoseconds to protect a record of so many bytes, and to unprotect it.
    pub(crate) fn record(&self, cipher: Cipher, length: usize) -> [f64; 2] {
        self.run(&["record", cipher.name(), &length.to_string(), "2"])
    }

    /// Resident bytes of a server's association.
    pub(crate) fn memory(&self) -> f64 {
        let [bytes] = self.run(&["memory", "2000"]);
        bytes
    }

    fn run<const N: usize>(&self, arguments: &[&str]) -> [f64; N] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/handshakes");
        let output = Command::new(&self.0)
            .args(arguments)
            .args(["certificate.der", "key.der"])
            .current_dir(folder)
            .output()
            .expect("it was built here");
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text
            .split_whitespace()
            .filter_map(|figure| figure.parse().ok())
            .collect();
        figures
            .try_into()
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }
}
