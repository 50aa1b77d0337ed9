//! How long a command waits for its device.

use clap::Args;

/// How long a device may take to answer.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Patience {
    /// How long the device may take to answer [default: what the server says]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: Option<u64>,
}
