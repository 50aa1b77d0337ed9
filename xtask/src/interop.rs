//! `cargo xtask interop`: the suites of `tests/interop`, against programs that are not ours.

use std::process::Command;

use anyhow::Result;

use crate::{peers, project};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs one suite only: `libcoap`, `libcoap_dtls`, `resumption`, `aiocoap`, `agent_aiocoap`, `node` or `tshark`, for CoAP alone
    /// `coap_libcoap`, `coap_aiocoap` or `coap_node`, for DTLS alone `dtls_programs`, `dtls_mbedtls`, `dtls_libcoap` or
    /// `dtls_aiocoap`.
    #[arg(long, value_name = "SUITE")]
    only: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let only = arguments.only.as_deref();
    let pattern = only.map_or_else(
        || "test_*.py".to_owned(),
        |suite| format!("test_{suite}.py"),
    );
    let mut command = Command::new(project::python()?);
    command
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
        .env("PYTHONDONTWRITEBYTECODE", "1");
    // What no suite asks for is not built.
    let is_dtls = |suite: &str| suite.starts_with("dtls");
    if only.is_none_or(is_dtls) {
        let (client, server) = project::dtls_examples()?;
        command
            .env("EXAMPLE_DTLS_CLIENT", client)
            .env("EXAMPLE_DTLS_SERVER", server)
            .env("MBEDTLS_PEER", peers::mbedtls()?)
            .env("MBEDTLS_CID_PEER", peers::mbedtls_cid()?);
    }
    if !only.is_some_and(is_dtls) {
        let (client, server) = project::coap_examples()?;
        command
            .env("DUNLIN", project::program()?)
            .env("EXAMPLE_COAP_CLIENT", client)
            .env("EXAMPLE_COAP_SERVER", server)
            .env("NODE_PATH", project::node_modules()?);
    }
    project::run(&mut command)
}
