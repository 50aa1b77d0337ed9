//! What goes to the log: standard error, filtered by `RUST_LOG` or `--log`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Starts logging. `RUST_LOG` is stronger than `filter`, as whoever sets it looks for something.
pub(crate) fn start(filter: &str) -> Result<(), Failure> {
    let wanted = std::env::var("RUST_LOG")
        .ok()
        .filter(|text| !text.is_empty());
    let (origin, text) = wanted
        .as_deref()
        .map_or(("the log filter", filter), |text| ("RUST_LOG", text));
    let filter = EnvFilter::builder().parse(text).map_err(|error| {
        Failure::usage(format!("`{text}` in {origin} is no log filter: {error}."))
            .remedy("Write it as info, or as info,dunlin_manager=debug.")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
    Ok(())
}
