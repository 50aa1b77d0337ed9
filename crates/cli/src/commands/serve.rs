//! `dunlin serve`.

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use dunlin_manager::{Registry, ServerIdentity};
use dunlin_server::config::{self, Config};

use crate::failure::Failure;
use crate::host::{Host, Plan, make_folder};
use crate::terminal::Output;
use crate::token::{self, Token};
use crate::{identity, logging, stop};

/// The configuration file that is read if it is there and no other is named.
const DEFAULT_FILE: &str = "dunlin.toml";

/// Runs a manager: devices on one side, the web portal and the HTTP API on the other
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each setting comes from the flag, else from the environment (DUNLIN_HTTP_LISTEN for http.listen), else from the file, else \
from the defaults; --print-config shows all of them. The HTTP side is open to this machine only; on any other address it \
asks for an API token, which is made and printed at the first start.

Examples:
  dunlin serve
  dunlin serve --coap 0.0.0.0:5683 --coap coaps://0.0.0.0:5684
  dunlin serve --coap 0.0.0.0:5683 --http 127.0.0.1:8080 --data /var/lib/dunlin
  dunlin serve --print-config > dunlin.toml")]
pub(crate) struct Arguments {
    /// The configuration file [default: ./dunlin.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where devices reach the manager, as ADDRESS:PORT, or as `coaps://ADDRESS:PORT` for DTLS; may be given several times
    /// [default: 0.0.0.0:5683, and port 5684 for DTLS]
    #[arg(long, value_name = "ADDRESS:PORT")]
    coap: Vec<String>,
    /// Where the portal and the API are [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// The folder of the database [default: ./dunlin-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A folder with object definitions of the OMA registry, so that values have names and types [default: none]
    #[arg(long, value_name = "DIR")]
    objects: Option<PathBuf>,
    /// What to log: error, warn, info, debug, trace, also for a part only; `RUST_LOG` is stronger [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Prints the configuration file with all defaults and what they mean, and ends
    #[arg(long)]
    print_config: bool,
}

pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    if arguments.print_config {
        output.line(config::DEFAULT_FILE.trim_end());
        return Ok(());
    }
    let config = configure(arguments)?;
    logging::start(&config.log)?;
    make_folder(&config.data)?;
    let registry = registry(config.objects.as_deref())?;
    let is_secure = config.coap.listen.iter().any(|uri| is_secure(uri));
    let identity = is_secure
        .then(|| {
            let coap = &config.coap;
            let (key, certificates) = (coap.private_key.as_deref(), coap.certificates.as_deref());
            identity::prepare(key, certificates, &config.data)
        })
        .transpose()?;
    let token = token::prepare(config.http.token.as_ref(), config.http.listen, &config.data)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("Cannot start: {error}.")))?
        .block_on(serve(&config, token, registry, identity, output))
}

/// The configuration with the flags on top.
fn configure(arguments: &Arguments) -> Result<Config, Failure> {
    let default = Path::new(DEFAULT_FILE);
    let file = arguments
        .config
        .as_deref()
        .or_else(|| default.exists().then_some(default));
    let mut config = Config::load(file).map_err(|error| {
        Failure::new(format!("{}.", error.to_string().trim_end_matches('.')))
            .remedy("`dunlin serve --print-config` shows every key with its default.")
    })?;
    if !arguments.coap.is_empty() {
        config.coap.listen = arguments
            .coap
            .iter()
            .map(|address| with_scheme(address))
            .collect();
    }
    if let Some(http) = arguments.http {
        config.http.listen = http;
    }
    if let Some(data) = &arguments.data {
        config.data.clone_from(data);
    }
    if let Some(objects) = &arguments.objects {
        config.objects = Some(objects.clone());
    }
    if let Some(log) = &arguments.log {
        config.log.clone_from(log);
    }
    Ok(config)
}

/// Whether a URI to listen on is that of DTLS.
fn is_secure(uri: &str) -> bool {
    uri.starts_with("coaps://")
}

/// The addresses of the listeners, those without and those with DTLS, as URIs.
fn listeners(host: &Host, config: &Config) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
    let all = host.coap().iter().copied().zip(&config.coap.listen);
    let (secure, plain): (Vec<_>, Vec<_>) = all.partition(|(_, uri)| is_secure(uri));
    let addresses = |some: Vec<(SocketAddr, &String)>| some.into_iter().map(|(at, _)| at).collect();
    (addresses(plain), addresses(secure))
}

/// `0.0.0.0:5683` as a URI.
pub(super) fn with_scheme(address: &str) -> String {
    if address.contains("://") {
        address.to_owned()
    } else {
        format!("coap://{address}")
    }
}

/// The core objects, and those of `folder`.
fn registry(folder: Option<&Path>) -> Result<Registry, Failure> {
    let mut registry = Registry::new();
    if let Some(folder) = folder {
        let loaded = registry.load_folder(folder).map_err(|error| {
            Failure::new(format!(
                "Cannot read the object definitions in {}: {error}.",
                folder.display()
            ))
            .remedy("Name a folder with XML files of the OMA registry with --objects DIR.")
        })?;
        for error in &loaded.errors {
            tracing::warn!(%error, "an object definition is left out");
        }
        tracing::info!(objects = loaded.objects, folder = %folder.display(), "object definitions are loaded");
    }
    Ok(registry)
}

async fn serve(
    config: &Config,
    token: Token,
    registry: Registry,
    identity: Option<ServerIdentity>,
    output: Output,
) -> Result<(), Failure> {
    let mut stopping = stop::on_signal()
        .map_err(|error| Failure::new(format!("Cannot listen for signals: {error}.")))?;
    let host = Host::start(Plan {
        coap: &config.coap.listen,
        http: config.http.listen,
        data: &config.data,
        token: token.hash,
        limits: config.limits,
        registry,
        identity,
    })
    .await?;
    announce(
        &host,
        config,
        token
            .made
            .as_ref()
            .map(dunlin_server::auth::ApiToken::expose),
        output,
    );
    stop::stopped(&mut stopping).await;
    host.shutdown().await;
    Ok(())
}

/// Where a browser finds the portal.
fn portal(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let port = address.port();
        format!("http://127.0.0.1:{port}, and on every address of this machine")
    } else {
        format!("http://{address}")
    }
}

/// Says where everything is.
fn announce(host: &Host, config: &Config, made: Option<&str>, output: Output) {
    let (coap, coaps) = listeners(host, config);
    if output.json {
        let mut line = serde_json::json!({ "coap": coap, "coaps": coaps, "http": host.http() });
        if let Some(token) = made {
            line["token"] = token.into();
        }
        output.json(&line);
        return;
    }
    output.line(format!(
        "{}\n",
        output.bold(concat!(
            "Dunlin ",
            env!("CARGO_PKG_VERSION"),
            " manages devices."
        ))
    ));
    for address in coap {
        output.line(format!("  Devices  coap://{address}"));
    }
    for address in coaps {
        output.line(format!("  Devices  coaps://{address}"));
    }
    output.line(format!("  Portal   {}", portal(host.http())));
    output.line(format!("  Data     {}", config.data.display()));
    if let Some(token) = made {
        output.line(format!("\n  Token    {token}"));
        output.line("           The API and the portal ask for it. It is shown this once and kept nowhere: note it now.");
    }
    output.line("\nCtrl-C ends it; what it knows stays in the data folder.");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        use clap::Parser as _;
        #[derive(clap::Parser)]
        struct Wrapper {
            #[command(flatten)]
            arguments: Arguments,
        }
        Wrapper::parse_from(line.split(' ')).arguments
    }

    #[test]
    fn flags_are_stronger_than_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dunlin.toml");
        std::fs::write(
            &file,
            "data = \"/from/file\"\nlog = \"warn\"\n[http]\nlisten = \"127.0.0.1:9\"\n",
        )
        .expect("writable");
        let line = format!(
            "serve --config {} --data /from/flag --coap 127.0.0.1:1 --coap coap://[::1]:2",
            file.display()
        );
        let config = configure(&arguments(&line)).expect("valid");
        assert_eq!(config.data, Path::new("/from/flag"));
        assert_eq!(config.log, "warn");
        assert_eq!(config.http.listen.port(), 9);
        assert_eq!(config.coap.listen, ["coap://127.0.0.1:1", "coap://[::1]:2"]);
    }

    #[test]
    fn a_folder_of_definitions_is_loaded_but_for_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("bad.xml"), "<LWM2M>").expect("writable");
        let core = Registry::new().len();
        assert_eq!(
            registry(Some(folder.path())).map(|known| known.len()),
            Ok(core)
        );
        let line = format!("serve --objects {}", folder.path().display());
        let config = configure(&arguments(&line)).expect("valid");
        assert_eq!(config.objects.as_deref(), Some(folder.path()));
        let none = folder.path().join("none");
        let failure = registry(Some(&none)).expect_err("no folder");
        assert!(failure.detail.contains("none"), "{failure}");
    }

    #[test]
    fn the_portal_is_at_an_address_that_a_browser_takes() {
        let portal = |text: &str| portal(text.parse().expect("an address"));
        assert_eq!(portal("[::1]:80"), "http://[::1]:80");
        assert!(portal("0.0.0.0:80").starts_with("http://127.0.0.1:80,"));
    }

    #[test]
    fn a_bad_key_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("dunlin.toml");
        std::fs::write(&file, "[http]\nlistten = \"127.0.0.1:9\"\n").expect("writable");
        let failure = configure(&arguments(&format!("serve --config {}", file.display())))
            .expect_err("a bad key");
        assert!(failure.detail.contains("listten"), "{failure}");
        assert!(
            failure
                .remedy
                .is_some_and(|remedy| remedy.contains("--print-config"))
        );
    }
}
