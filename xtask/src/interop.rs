//! `cargo xtask interop`: the suites of `tests/interop`, against programs that are not ours.

use std::process::Command;

use anyhow::Result;

use crate::{peers, project};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs one suite only: `libcoap`, `libcoap_dtls`, `aiocoap`, `node` or `tshark`, for CoAP alone `coap_libcoap`,
    /// `coap_aiocoap` or `coap_node`, for DTLS alone `dtls_openssl`, `dtls_gnutls`, `dtls_mbedtls`, `dtls_libcoap` or
    /// `dtls_aiocoap`.
    #[arg(long, value_name = "SUITE")]
    only: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let program = project::program()?;
    let (client, server) = project::coap_examples()?;
    let (dtls_client, dtls_server) = project::dtls_examples()?;
    let pattern = arguments.only.as_ref().map_or_else(
        || "test_*.py".to_owned(),
        |suite| format!("test_{suite}.py"),
    );
    project::run(
        Command::new(project::python()?)
            .args([
                "-m",
                "unittest",
                "discover",
                "--verbose",
                "--start-directory",
                "tests/interop",
                "--pattern",
            ])
            .arg(pattern)
            .current_dir(project::root())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("DUNLIN", program)
            .env("EXAMPLE_COAP_CLIENT", client)
            .env("EXAMPLE_COAP_SERVER", server)
            .env("EXAMPLE_DTLS_CLIENT", dtls_client)
            .env("EXAMPLE_DTLS_SERVER", dtls_server)
            .env("MBEDTLS_PEER", peers::mbedtls()?)
            .env("MBEDTLS_CID_PEER", peers::mbedtls_cid()?)
            .env("NODE_PATH", project::node_modules()?),
    )
}
