//! The manager's HTTP API, seen from the outside.

mod events;
mod path;

pub(crate) use events::{EventStream, Received};
pub(crate) use path::Route;

use core::net::IpAddr;
use core::time::Duration;
use std::io::ErrorKind;
use std::sync::Arc;

use dunlin_server::api::{Problem, ProblemKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ureq::http::{Method, Request, Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use crate::failure::Failure;

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take where the caller gave the device no other time: more than the manager itself waits.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);
/// The largest answer that is taken.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// A client of one manager.
pub(crate) struct Client {
    agent: Agent,
    /// The URL without a slash at its end.
    base: String,
    token: Option<String>,
}

/// A successful answer: its JSON as it came.
pub(crate) struct Answer {
    text: String,
    url: String,
}

/// What a manager refused.
struct Refusal {
    /// Nothing if it was no manager that answered.
    kind: Option<ProblemKind>,
    failure: Failure,
}

impl Client {
    /// A client for the API at `url`; nothing is sent yet.
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, Failure> {
        let base = base_url(url)?;
        let local = host_of(&base).is_some_and(|host| is_loopback(&host));
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // A proxy of the environment does not reach this machine's loopback.
            .proxy(if local { None } else { Proxy::try_from_env() })
            .user_agent(concat!("dunlin/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls.build())
            .build()
            .new_agent();
        if let Some(token) = &token
            && !token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(
                Failure::usage("The API token has characters that no token has.")
                    .remedy("Check --token or DUNLIN_API_TOKEN for blanks and line ends."),
            );
        }
        Ok(Self { agent, base, token })
    }

    /// The address of the manager, for messages.
    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    /// Asks for something.
    pub(crate) fn get(&self, route: &Route) -> Result<Answer, Failure> {
        self.call(Method::GET, route, None::<&()>)
    }

    /// Asks for something that may not be there.
    pub(crate) fn find(&self, route: &Route) -> Result<Option<Answer>, Failure> {
        match self.exchange(Method::GET, route, None)? {
            Ok(answer) => Ok(Some(answer)),
            Err(Refusal {
                kind: Some(ProblemKind::NotFound),
                ..
            }) => Ok(None),
            Err(refusal) => Err(refusal.failure),
        }
    }

    /// Sends a request with a JSON body, or without one.
    pub(crate) fn call(
        &self,
        method: Method,
        route: &Route,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Failure> {
        let json = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|error| Failure::new(format!("Cannot write the request: {error}.")))?;
        let body = json.map(|json| ("application/json", json));
        self.exchange(method, route, body)?
            .map_err(|refusal| refusal.failure)
    }

    /// Sends a request with an XML body.
    pub(crate) fn send_xml(&self, route: &Route, xml: Vec<u8>) -> Result<Answer, Failure> {
        self.exchange(Method::POST, route, Some(("application/xml", xml)))?
            .map_err(|refusal| refusal.failure)
    }

    /// Sends a request; what the manager refuses is told apart from what is no answer of a manager.
    fn exchange(
        &self,
        method: Method,
        route: &Route,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Result<Answer, Refusal>, Failure> {
        let url = format!("{}{route}", self.base);
        // The manager's own timeout decides; ours only notices that nobody is there any more.
        let patience = route.timeout().map_or(ANSWER_TIMEOUT, |seconds| {
            Duration::from_secs(seconds) + CONNECT_TIMEOUT
        });
        let response = self.send(method, &url, "application/json", body, Some(patience))?;
        let (status, media) = (response.status(), media_type(&response));
        let text = response
            .into_body()
            .into_with_config()
            .limit(MAX_ANSWER)
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        if !status.is_success() {
            return Ok(Err(self.refused(status.as_u16(), &text)));
        }
        if !text.is_empty() && media.as_deref() != Some("application/json") {
            return Err(self.stranger(status.as_u16()));
        }
        Ok(Ok(Answer { text, url }))
    }

    /// Opens the stream of events, of one device or of all.
    pub(crate) fn events(&self, endpoint: Option<&str>) -> Result<EventStream, Failure> {
        let url = format!("{}{}", self.base, Route::events(endpoint));
        let response = self.send(Method::GET, &url, "text/event-stream", None, None)?;
        let (status, media) = (response.status(), media_type(&response));
        if !status.is_success() {
            let text = response.into_body().read_to_string().unwrap_or_default();
            return Err(self.refused(status.as_u16(), &text).failure);
        }
        if media.as_deref() != Some("text/event-stream") {
            return Err(self.stranger(status.as_u16()));
        }
        Ok(EventStream::new(response.into_body().into_reader()))
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        accept: &str,
        body: Option<(&str, Vec<u8>)>,
        patience: Option<Duration>,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, accept);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let sent = if let Some((media_type, body)) = body {
            let request = request
                .header(CONTENT_TYPE, media_type)
                .body(body)
                .map_err(Failure::usage)?;
            self.agent.run(
                self.agent
                    .configure_request(request)
                    .timeout_recv_response(patience)
                    .build(),
            )
        } else {
            let request = request.body(()).map_err(Failure::usage)?;
            self.agent.run(
                self.agent
                    .configure_request(request)
                    .timeout_recv_response(patience)
                    .build(),
            )
        };
        sent.map_err(|error| self.unreachable(&error))
    }

    /// Nobody answered.
    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let reason = match error {
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                "nothing listens there".to_owned()
            }
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::Timeout(_) => "no answer came in time".to_owned(),
            other => other.to_string(),
        };
        Failure::new(format!("Cannot reach the API of a manager at {}: {reason}.", self.base)).remedy(
            "Start a manager with `dunlin serve` (or `dunlin demo` to look around), or name the one you mean with --api URL or \
             the variable DUNLIN_API.",
        )
    }

    /// Somebody answered, but not what a Dunlin manager answers.
    fn stranger(&self, status: u16) -> Failure {
        Failure::new(format!(
            "What answers at {} is no Dunlin API (HTTP status {status}).",
            self.base
        ))
        .remedy("Name the right address and port with --api URL or the variable DUNLIN_API.")
    }

    /// The manager answered with an error.
    fn refused(&self, status: u16, body: &str) -> Refusal {
        let Ok(problem) = serde_json::from_str::<Problem>(body) else {
            return Refusal {
                kind: None,
                failure: self.stranger(status),
            };
        };
        let kind = Some(problem.kind);
        let remedy = match problem.kind {
            ProblemKind::Unauthorized if self.token.is_none() => {
                "Give the token that the server printed at its first start: --token TOKEN or the variable DUNLIN_API_TOKEN.".into()
            }
            ProblemKind::Unauthorized => "The token of --token or DUNLIN_API_TOKEN is not the server's.".into(),
            ProblemKind::NotRegistered => format!("{} `dunlin devices` lists those that are registered.", problem.remedy),
            _ => problem.remedy,
        };
        let detail = if problem.detail.is_empty() {
            problem.title
        } else {
            format!("{}: {}", problem.title, problem.detail)
        };
        let failure = Failure {
            code: problem.code,
            ..Failure::new(crate::clean::clean(&detail)).remedy(crate::clean::clean(&remedy))
        };
        Refusal { kind, failure }
    }
}

impl Answer {
    /// The answer as what it should be.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|error| {
            Failure::new(format!("The answer of {} is not understood: {error}.", self.url))
                .remedy("The manager may be of another version than this program; `--json` shows what it said.")
        })
    }

    /// The JSON as it came, on one line; empty if there was none.
    pub(crate) fn json(&self) -> &str {
        self.text.trim()
    }
}

fn media_type(response: &Response<Body>) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// The URL of the API without the slash at its end; `http://` may be left out.
fn base_url(text: &str) -> Result<String, Failure> {
    let bad = || {
        Failure::usage(format!("`{text}` is no URL of an API."))
            .remedy("Write it as http://HOST:PORT, such as http://127.0.0.1:8080.")
    };
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = url.trim_end_matches('/');
    let parsed: Uri = url.parse().map_err(|_| bad())?;
    let known = matches!(parsed.scheme_str(), Some("http" | "https"));
    if !known || parsed.host().is_none_or(str::is_empty) || parsed.query().is_some() {
        return Err(bad());
    }
    Ok(url.to_owned())
}

fn host_of(url: &str) -> Option<String> {
    Some(
        url.parse::<Uri>()
            .ok()?
            .host()?
            .trim_matches(['[', ']'])
            .to_ascii_lowercase(),
    )
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
