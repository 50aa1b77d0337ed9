//! `dunlin demo`.

mod audience;
mod tour;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use dunlin_manager::{Credential, Registry};
use dunlin_server::config::Limits;
use rand::Rng as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::host::{Host, NotStarted, Plan, make_folder};
use crate::simulation::{Device, News, Proof, Trouble};
use crate::terminal::Output;
use crate::{logging, stop, token};

/// Where devices find the manager, if the port is free.
const COAP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5683);
/// Where devices find it over DTLS, if the port is free.
const COAPS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5684);
/// Where the portal is, if the port is free.
const HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// The lifetime of the devices' registrations in seconds.
const LIFETIME: u32 = 60;
/// How often the devices read their sensors.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long answers are waited for at the end, and after Ctrl-C.
const SETTLE: Duration = Duration::from_secs(10);
const HURRY: Duration = Duration::from_millis(500);
/// How many of the devices' events wait while the terminal is slow.
const WAITING: usize = 1024;

/// Runs a manager with simulated devices on this machine, to look around
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything is on this machine and gone at the end. Where the usual ports 5683 and 8080 are taken, others are used and named.

Examples:
  dunlin demo                               Five devices, until Ctrl-C
  dunlin demo --devices 50 --seconds 20     Fifty, for twenty seconds
  dunlin demo --secure                      Over DTLS, with a key for each device
  dunlin demo --seconds 20 --json           JSON: the addresses, and at the end the sums")]
pub(crate) struct Arguments {
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    devices: u32,
    /// Ends by itself after so many seconds
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    seconds: Option<u64>,
    /// Lets the devices in over DTLS only, each with a key of its own
    #[arg(long)]
    secure: bool,
    /// Where devices find the manager [default: 127.0.0.1:5683, with --secure port 5684, or a free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    coap: Option<SocketAddr>,
    /// Where the portal and the API are [default: 127.0.0.1:8080, or a free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Keeps the data in this folder [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What to log, such as info; `RUST_LOG` is stronger
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    log: String,
}

pub(crate) fn run(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    logging::start(&arguments.log)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("Cannot start: {error}.")))?
        .block_on(demo(arguments, output))
}

async fn demo(arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let mut stopping = stop::on_signal()
        .map_err(|error| Failure::new(format!("Cannot listen for signals: {error}.")))?;
    let temporary = match arguments.data {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("dunlin-demo-")
                .tempdir()
                .map_err(|error| {
                    Failure::new(format!("Cannot make a temporary folder: {error}."))
                        .remedy("Name a folder with --data DIR.")
                })?,
        ),
    };
    let data = temporary.as_ref().map_or_else(
        || arguments.data.clone().unwrap_or_default(),
        |folder| folder.path().to_owned(),
    );
    make_folder(&data)?;
    let (scheme, usual) = if arguments.secure {
        ("coaps", COAPS)
    } else {
        ("coap", COAP)
    };
    let mut coap = arguments
        .coap
        .unwrap_or_else(|| free(usual, |address| UdpSocket::bind(address).is_ok()));
    let mut http = arguments
        .http
        .unwrap_or_else(|| free(HTTP, |address| TcpListener::bind(address).is_ok()));
    let token = token::prepare(None, http, &data)?;
    let host = loop {
        let plan = Plan {
            coap: &[format!("{scheme}://{coap}")],
            http,
            data: &data,
            token: token.hash.clone(),
            limits: Limits::default(),
            identity: None,
            registry: Registry::new(),
        };
        match Host::start(plan).await {
            Ok(host) => break host,
            // Another program took the port since it was looked at.
            Err(NotStarted::CoapTaken(_)) if arguments.coap.is_none() && coap.port() != 0 => {
                coap.set_port(0);
            }
            Err(NotStarted::HttpTaken(_)) if arguments.http.is_none() && http.port() != 0 => {
                http.set_port(0);
            }
            Err(error) => return Err(error.into()),
        }
    };
    let moved = arguments.coap.is_none() && arguments.http.is_none();
    let tour = tour::Tour::new(
        &host,
        token.made.as_ref(),
        arguments.devices,
        moved,
        arguments.secure,
    );
    tour.begin(&host, output);

    let mut audience = audience::Audience::new(&host.manager, names(arguments.devices), output);
    let (stop_devices, devices_stopping) = watch::channel(false);
    let (sender, mut news) = mpsc::channel(WAITING);
    let mut proofs = Vec::new();
    if arguments.secure {
        for endpoint in names(arguments.devices) {
            proofs.push(credential(&host, &endpoint).await?);
        }
    }
    let mut devices = start_devices(
        arguments.devices,
        server(&host),
        proofs,
        &sender,
        &devices_stopping,
    );
    drop(sender);
    let end = arguments
        .seconds
        .map(|seconds| tokio::time::Instant::now() + Duration::from_secs(seconds));
    let mut finish = core::pin::pin!(async {
        match end {
            Some(end) => tokio::time::sleep_until(end).await,
            None => core::future::pending().await,
        }
    });
    let interrupted = loop {
        tokio::select! {
            () = audience.watch() => {
                if audience.has_seen_enough() {
                    tour.show(output);
                }
            }
            Some(news) = news.recv() => audience.hear(&news),
            Some(ended) = devices.join_next() => audience.lose(ended),
            () = &mut finish => break false,
            () = stop::stopped(&mut stopping) => break true,
        }
    };

    // What was asked is answered before the devices go.
    audience
        .settle(if interrupted { HURRY } else { SETTLE })
        .await;
    stop_devices.send_replace(true);
    let mut gone = false;
    while !gone {
        tokio::select! {
            ended = devices.join_next() => match ended {
                Some(ended) => audience.lose(ended),
                None => gone = true,
            },
            Some(news) = news.recv() => tracing::debug!(endpoint = %news.endpoint, event = ?news.event, "a device goes"),
        }
    }
    let sums = audience.sums(&host.manager);
    host.shutdown().await;
    if let Some(folder) = temporary
        && let Err(error) = folder.close()
    {
        tracing::warn!(%error, "the temporary folder could not be removed");
    }
    if output.json {
        output.json(&sums);
    } else {
        output.line(format!("\n{sums}"));
    }
    // Who stops the demo early has seen what there was; who lets it run wants to know whether it worked.
    if interrupted { Ok(()) } else { sums.check() }
}

/// The usual address, or one with a free port where that is taken.
fn free(usual: SocketAddr, can_bind: impl Fn(SocketAddr) -> bool) -> SocketAddr {
    if can_bind(usual) {
        usual
    } else {
        SocketAddr::new(usual.ip(), 0)
    }
}

/// Where the devices find the manager: loopback, if it listens everywhere.
fn server(host: &Host) -> SocketAddr {
    let address = host.coap().first().copied().unwrap_or(COAP);
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Makes a key for a device and gives it to the manager.
async fn credential(host: &Host, endpoint: &Arc<str>) -> Result<Proof, Failure> {
    let mut key = Zeroizing::new(vec![0; 16]);
    rand::rng().fill_bytes(&mut key);
    let identity = endpoint.as_bytes().to_vec();
    let failure = |error: &dyn core::fmt::Display| {
        Failure::new(format!("The manager does not take a key: {error}."))
    };
    let credential = Credential::psk(&identity, &key).map_err(|error| failure(&error))?;
    host.manager
        .put_credential(Arc::clone(endpoint), credential)
        .await
        .map_err(|error| failure(&error))?;
    Ok(Proof::Psk { identity, key })
}

fn start_devices(
    count: u32,
    server: SocketAddr,
    proofs: Vec<Proof>,
    news: &mpsc::Sender<News>,
    stopping: &watch::Receiver<bool>,
) -> JoinSet<Result<(), Trouble>> {
    let mut proofs = proofs.into_iter();
    names(count)
        .map(|endpoint| Device {
            endpoint,
            server,
            stream: None,
            proof: proofs.next(),
            lifetime: LIFETIME,
            interval: INTERVAL,
            state: None,
        })
        .map(|device| device.run(news.clone(), stopping.clone()))
        .collect()
}

/// The names of the devices.
fn names(count: u32) -> impl Iterator<Item = Arc<str>> {
    (1..=count).map(move |number| endpoint(number, count))
}

/// The name of the device `number` of `count`: `demo-07` of 50, so that their order by name is that by number.
fn endpoint(number: u32, count: u32) -> Arc<str> {
    let width = count.to_string().len();
    format!("demo-{number:0width$}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_do() {
        assert_eq!(&*endpoint(1, 5), "demo-1");
        assert_eq!(&*endpoint(7, 50), "demo-07");
        let names: Vec<_> = names(100).collect();
        assert!(names.is_sorted());
    }

    #[test]
    fn a_taken_port_gives_way_to_a_free_one() {
        assert_eq!(free(COAP, |_| true), COAP);
        assert_eq!(
            free(COAP, |_| false),
            "127.0.0.1:0".parse().expect("an address")
        );
    }
}
