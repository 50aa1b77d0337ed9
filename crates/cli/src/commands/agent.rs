//! `dunlin agent`.

use core::net::SocketAddr;
use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dunlin_agent::{Event, Failure as RegistrationFailure, SecurityFailure};
use dunlin_manager::{Credential, ServerIdentity};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::simulation::{Device, News, Proof, Trouble, Usage};
use crate::terminal::Output;
use crate::{identity, input, logging, moment, stop};

/// After so much silence of the manager a person is told.
const QUIET: Duration = Duration::from_secs(5);
/// How many events wait while the terminal is slow.
const WAITING: usize = 64;

/// Runs a simulated device: a room sensor with a changing temperature and a battery
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It registers at a manager, answers every operation on the objects Server, Device and Temperature, and tells what it is \
told. Ctrl-C makes it leave the manager and end.

Examples:
  dunlin agent                                              At a manager on this machine
  dunlin agent --server coap://192.0.2.7:5683 --endpoint urn:dev:1 --lifetime 60
  dunlin agent --endpoint urn:dev:1 --state devices                                Goes on after a kill
  dunlin agent --endpoint urn:dev:1 --psk-identity sensor-1 --psk @key.bin         Over DTLS
  dunlin agent --endpoint urn:dev:2 --rpk device.key --server-key \"$KEY\"           KEY from `dunlin security list`
  dunlin agent --endpoint urn:dev:3 --cert device.pem --key device.key --ca root.pem
  dunlin agent --server coap+tcp://lwm2m.example.com                               Over TCP; coaps+tcp with --cert or --rpk")]
pub(crate) struct Arguments {
    /// The manager [default: `coap://127.0.0.1:5683`, with a key `coaps://127.0.0.1:5684`]
    #[arg(long, value_name = "URI")]
    server: Option<String>,
    /// The endpoint name [default: one made from the process id]
    #[arg(long, value_name = "NAME", value_parser = endpoint)]
    endpoint: Option<String>,
    /// Its identity with the pre-shared key
    #[arg(long, value_name = "TEXT", requires = "psk", conflicts_with = "rpk")]
    psk_identity: Option<String>,
    /// Its pre-shared key, 16 to 64 bytes: as hex:DIGITS, in base64, or @FILE; rather give it in the variable
    #[arg(
        long,
        value_name = "KEY",
        env = "DUNLIN_PSK",
        hide_env_values = true,
        requires = "psk_identity"
    )]
    psk: Option<String>,
    /// Its private key on the curve P-256, in PEM or DER: over DTLS with raw public keys
    #[arg(long, value_name = "FILE", requires = "server_key")]
    rpk: Option<PathBuf>,
    /// The manager's public key, in base64 as `dunlin security list` shows it, or @FILE in DER
    #[arg(long, value_name = "KEY", requires = "rpk")]
    server_key: Option<String>,
    /// Its certificate, in PEM or DER: over DTLS with certificates
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["psk", "psk_identity", "rpk"])]
    cert: Option<PathBuf>,
    /// The private key of its certificate, in PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The certificate of the authority that the manager's own leads to, in PEM or DER
    #[arg(
        long,
        value_name = "FILE",
        requires = "cert",
        conflicts_with = "server_cert"
    )]
    ca: Option<PathBuf>,
    /// The manager's own certificate, in PEM or DER; it is taken with this very one
    #[arg(long, value_name = "FILE", requires = "cert")]
    server_cert: Option<PathBuf>,
    /// The name in the manager's certificate, when it is not the host of --server
    #[arg(long, value_name = "NAME", requires = "cert")]
    server_name: Option<String>,
    /// The lifetime of the registration; the device renews it before it passes
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    lifetime: u32,
    /// Keeps accounts, registration, observations, the DTLS association and a log of events in a file of this folder, so
    /// that the device goes on where it was after it is killed; what servers have written outlives --lifetime
    #[arg(long, value_name = "DIR", requires = "endpoint")]
    state: Option<PathBuf>,
    /// How often the sensor is read
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    interval: f64,
    /// What to log; `RUST_LOG` is stronger
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

fn endpoint(text: &str) -> Result<String, String> {
    match text.len() {
        1..=252 => Ok(text.to_owned()),
        0 => Err("an endpoint name cannot be empty".into()),
        _ => Err("an endpoint name has at most 252 bytes".into()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=86_400.0).contains(seconds))
        .ok_or_else(|| "give 0.1 to 86400 seconds".into())
}

pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    logging::start(&arguments.log)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("Cannot start: {error}.")))?
        .block_on(live(arguments, output))
}

async fn live(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let stopping = stop::on_signal()
        .map_err(|error| Failure::new(format!("Cannot listen for signals: {error}.")))?;
    let proof = proof(arguments)?;
    let given = arguments.server.as_deref();
    let scheme = scheme(given, proof.as_ref())?;
    let server = match &arguments.server {
        Some(uri) => resolve(uri, scheme).await?,
        None => resolve(&format!("{scheme}://127.0.0.1"), scheme).await?,
    };
    let endpoint = arguments
        .endpoint
        .clone()
        .unwrap_or_else(|| format!("agent-{}", std::process::id()));
    let device = Device {
        endpoint: Arc::from(endpoint.as_str()),
        server,
        stream: scheme
            .ends_with("+tcp")
            .then(|| format!("{scheme}://{server}")),
        proof,
        lifetime: arguments.lifetime,
        interval: Duration::from_secs_f64(arguments.interval),
        state: arguments
            .state
            .as_ref()
            .map(|folder| crate::simulation::file(folder, &endpoint)),
    };
    if !output.json {
        output.line(format!(
            "The device {} registers at {scheme}://{server}; Ctrl-C ends it.",
            output.bold(&endpoint)
        ));
    }
    let (sender, mut news) = mpsc::channel(WAITING);
    let running = tokio::spawn(device.run(sender, stopping));
    let mut quiet = core::pin::pin!(tokio::time::sleep(QUIET));
    let mut heard = false;
    loop {
        tokio::select! {
            next = news.recv() => {
                let Some(news) = next else { break };
                heard = true;
                print(&news, scheme, server, output);
            }
            () = &mut quiet, if !heard => {
                heard = true;
                if !output.json {
                    output.line(format!("Nothing answers at {scheme}://{server} yet; still trying. Is a manager there (`dunlin serve`)?"));
                }
            }
        }
    }
    match running.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Trouble::Network(error))) => Err(Failure::new(format!(
            "The device cannot use the network: {error}."
        ))
        .remedy("Check the address of --server, and that this machine has a way there.")),
        Ok(Err(Trouble::Other(failure))) => Err(failure),
        Err(error) => Err(Failure::new(format!("The device broke: {error}."))),
    }
}

fn print(news: &News, scheme: &str, server: SocketAddr, output: Output) {
    let (name, what) = describe(&news.event);
    if output.json {
        output.json(&serde_json::json!({
            "event": name, "endpoint": &*news.endpoint, "at": jiff::Timestamp::now(), "server": format!("{scheme}://{server}"), "text": what,
        }));
    } else {
        output.line(format!(
            "{}  {what}",
            output.dim(&moment::time_of_day(jiff::Timestamp::now()))
        ));
    }
}

/// The name of an event for a script, and its sentence for a person.
pub(super) fn describe(event: &Event) -> (&'static str, String) {
    match event {
        Event::Registered { .. } => ("registered", "registered".to_owned()),
        Event::Updated { .. } => ("updated", "renewed its registration".to_owned()),
        Event::RegistrationFailed { reason, retry, .. } => {
            let why = match reason {
                RegistrationFailure::NoAnswer => "the manager does not answer".to_owned(),
                RegistrationFailure::Refused(code) => format!(
                    "the manager answered {code} {}",
                    code.name().unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
                // The manager does not say more when it does not know the key.
                RegistrationFailure::Security(
                    reason @ (SecurityFailure::Alerted(_) | SecurityFailure::NotAuthentic),
                ) => format!("{reason}; the manager may not know the device's key"),
                RegistrationFailure::Security(reason) => reason.to_string(),
                RegistrationFailure::BadAnswer => "the manager's answer makes no sense".to_owned(),
                _ => "the registration is too large".to_owned(),
            };
            let seconds = retry.as_millis().div_ceil(1000);
            (
                "registration_failed",
                format!("could not register: {why}; the next try is in {seconds} s"),
            )
        }
        Event::Deregistered { retry: None, .. } => ("deregistered", "left the manager".to_owned()),
        Event::Deregistered {
            retry: Some(pause), ..
        } => (
            "deregistered",
            format!(
                "was told to leave the manager for {} s",
                pause.as_millis() / 1000
            ),
        ),
        Event::Written { path } => ("written", format!("was written at {path}")),
        Event::Executed { path } => ("executed", format!("executed {path}")),
        Event::Created { path } => ("created", format!("created {path}")),
        Event::Deleted { path } => ("deleted", format!("deleted {path}")),
        Event::Observed { path } => ("observed", format!("is observed at {path}")),
        Event::Unobserved { path } => ("unobserved", format!("is not observed at {path} any more")),
        Event::Reboot => ("reboot", "reboots".to_owned()),
        Event::FactoryReset => ("factory_reset", "resets itself".to_owned()),
        _ => ("other", format!("{event:?}")),
    }
}

/// How the server is reached.
fn scheme(uri: Option<&str>, proof: Option<&Proof>) -> Result<&'static str, Failure> {
    let given = uri
        .and_then(|uri| uri.split_once("://"))
        .map(|(scheme, _)| scheme);
    match (given, proof) {
        (Some("coap+tcp"), None) => Ok("coap+tcp"),
        (Some("coap+tcp"), Some(_)) => Err(Failure::usage(
            "coap+tcp has no security, and there is some.",
        )
        .remedy("Write --server coaps+tcp://HOST:PORT, and give certificates or raw public keys.")),
        (Some("coaps+tcp"), Some(Proof::Certificate { .. } | Proof::RawPublicKey { .. })) => {
            Ok("coaps+tcp")
        }
        (Some("coaps+tcp"), _) => Err(Failure::usage(
            "Over TLS the device needs a certificate or a raw public key.",
        )
        .remedy("Give it with --cert FILE, --key FILE and --ca FILE, or --rpk FILE and --server-key KEY.")),
        (_, Some(_)) => Ok("coaps"),
        (_, None) => Ok("coap"),
    }
}

/// What the device proves itself by, if it does.
fn proof(arguments: &Arguments) -> Result<Option<Proof>, Failure> {
    if let (Some(identity), Some(key)) = (&arguments.psk_identity, &arguments.psk) {
        return Ok(Some(Proof::Psk {
            identity: identity.clone().into_bytes(),
            key: input::bytes(key)?,
        }));
    }
    if let (Some(file), Some(server)) = (&arguments.rpk, &arguments.server_key) {
        let key = identity::private_key(file)?;
        let own = ServerIdentity::new(&key, Vec::new()).map_err(|error| {
            Failure::new(format!("{} cannot be used: {error}.", file.display()))
        })?;
        return Ok(Some(Proof::RawPublicKey {
            own: own.public_key().to_vec(),
            key,
            server: input::bytes(server)?.to_vec(),
        }));
    }
    if let (Some(file), Some(key_file)) = (&arguments.cert, &arguments.key) {
        return certificates(arguments, file, key_file).map(Some);
    }
    Ok(None)
}

/// What a device with a certificate proves itself by.
fn certificates(arguments: &Arguments, file: &Path, key_file: &Path) -> Result<Proof, Failure> {
    let (known, usage) = match (&arguments.ca, &arguments.server_cert) {
        (Some(file), _) => (file, Usage::Authority),
        (None, Some(file)) => (file, Usage::Own),
        (None, None) => {
            return Err(Failure::usage(
                "With a certificate the device has to know by what the manager proves itself.",
            )
            .remedy(
                "Give the certificate of its authority with --ca FILE, or its own with --server-cert FILE.",
            ));
        }
    };
    let (own, key) = (certificate(file)?, identity::private_key(key_file)?);
    ServerIdentity::new(&key, vec![own.clone()]).map_err(|error| {
        Failure::new(format!(
            "{} and {} cannot be used: {error}.",
            file.display(),
            key_file.display()
        ))
        .remedy("Give a certificate for a key on the curve P-256, and this very key.")
    })?;
    Ok(Proof::Certificate {
        own: own.into(),
        key,
        server: certificate(known)?.into(),
        usage,
        name: arguments.server_name.clone().or_else(|| {
            let host = host(arguments.server.as_deref()?);
            host.parse::<core::net::IpAddr>()
                .is_err()
                .then(|| host.to_owned())
        }),
    })
}

/// The certificate in a file; those that follow it are left out, as the Security object has room for one.
fn certificate(file: &Path) -> Result<Box<[u8]>, Failure> {
    let first = identity::certificate_files(file)?.into_iter().next();
    let none = || Failure::new(format!("{} has no certificate.", file.display()));
    let der = first.ok_or_else(none)?;
    if let Err(error) = Credential::certificate(&der) {
        return Err(
            Failure::new(format!("{} cannot be used: {error}.", file.display()))
                .remedy("Give an X.509 certificate in PEM or DER."),
        );
    }
    Ok(der)
}

/// The host in `HOST`, `HOST:PORT` or a URI of them.
fn host(uri: &str) -> &str {
    let authority = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = authority.trim_end_matches('/');
    match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(host, _)| host),
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    }
}

/// The address of `coap://HOST:PORT`, or of one with another scheme; what is wanted is the one with this scheme.
async fn resolve(uri: &str, scheme: &str) -> Result<SocketAddr, Failure> {
    let port = if scheme.starts_with("coaps") {
        5684
    } else {
        5683
    };
    let bad = |why: &str| {
        Failure::usage(format!("`{uri}` is no address of a manager: {why}.")).remedy(format!(
            "Write it as --server {scheme}://HOST:PORT, such as {scheme}://127.0.0.1:{port}."
        ))
    };
    let host = match uri.split_once("://") {
        Some((given, host)) if given == scheme => host,
        Some(("coaps", _)) => {
            return Err(bad(
                "coaps needs a key, by --psk-identity and --psk, --rpk or --cert",
            ));
        }
        Some(("coap", _)) => return Err(bad("with a key it is coaps")),
        Some(_) => return Err(bad(&format!("it should start with {scheme}://"))),
        None => uri,
    };
    let host = host.trim_end_matches('/');
    let with_port = if host
        .rsplit_once(']')
        .map_or(host, |(_, rest)| rest)
        .contains(':')
    {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    let mut found = tokio::net::lookup_host(&with_port)
        .await
        .map_err(|error| bad(&error.to_string()))?;
    found.next().ok_or_else(|| bad("there is no such host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_of_managers() {
        for (uri, address) in [
            ("coap://127.0.0.1:5700", "127.0.0.1:5700"),
            ("coap://127.0.0.1", "127.0.0.1:5683"),
            ("127.0.0.1:5700", "127.0.0.1:5700"),
            ("coap://[::1]:5700/", "[::1]:5700"),
            ("coap://[::1]", "[::1]:5683"),
        ] {
            assert_eq!(
                resolve(uri, "coap")
                    .await
                    .map(|address| address.to_string())
                    .as_deref(),
                Ok(address),
                "{uri}"
            );
        }
        for uri in [
            "",
            "http://127.0.0.1:1",
            "coaps://127.0.0.1",
            "coap://127.0.0.1:99999",
        ] {
            assert!(
                resolve(uri, "coap")
                    .await
                    .is_err_and(|failure| failure.usage),
                "{uri}"
            );
        }
    }

    #[test]
    fn hosts_of_managers() {
        for (uri, expected) in [
            ("coaps://lwm2m.example.com:5700/", "lwm2m.example.com"),
            ("lwm2m.example.com", "lwm2m.example.com"),
            ("[::1]:5684", "::1"),
        ] {
            assert_eq!(host(uri), expected, "{uri}");
        }
    }

    #[test]
    fn schemes_go_with_what_the_device_proves_itself_by() {
        let key = Proof::Psk {
            identity: vec![],
            key: vec![].into(),
        };
        assert_eq!(scheme(None, None).ok(), Some("coap"));
        assert_eq!(scheme(Some("coap://h"), Some(&key)).ok(), Some("coaps"));
        assert_eq!(scheme(Some("coap+tcp://h"), None).ok(), Some("coap+tcp"));
        for (uri, proof) in [
            ("coap+tcp://h", Some(&key)),
            ("coaps+tcp://h", None),
            ("coaps+tcp://h", Some(&key)),
        ] {
            assert!(
                scheme(Some(uri), proof).is_err_and(|failure| failure.usage),
                "{uri}"
            );
        }
    }

    #[tokio::test]
    async fn with_a_key_it_is_coaps() {
        for (uri, address) in [
            ("coaps://127.0.0.1:5700", Some("127.0.0.1:5700")),
            ("coaps://127.0.0.1", Some("127.0.0.1:5684")),
            ("coap://127.0.0.1", None),
        ] {
            let found = resolve(uri, "coaps").await.ok();
            let found = found.map(|address| address.to_string());
            assert_eq!(found.as_deref(), address, "{uri}");
        }
    }

    #[test]
    fn events_are_sentences() {
        let path = "/3/0/4".parse().expect("a path");
        assert_eq!(
            describe(&Event::Executed { path }),
            ("executed", "executed /3/0/4".into())
        );
    }
}
