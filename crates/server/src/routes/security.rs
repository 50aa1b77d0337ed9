//! The security store: how devices prove who they are.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_manager::{Credential, CredentialKind, Manager};
use serde::Deserialize;
use utoipa::IntoParams;
use zeroize::Zeroizing;

use super::device::ListQuery;
use crate::api::{CredentialList, CredentialRequest, Problem, ProblemKind};
use crate::convert;
use crate::extract::{Body, Parameters, Segments};
use crate::problem::IntoProblem as _;

/// The longest endpoint name, in bytes.
const LONGEST_ENDPOINT: usize = 255;

/// A credential of a device.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Target {
    /// The endpoint name, percent-encoded.
    #[param(example = "urn:imei:490154203237518")]
    pub(crate) endpoint: String,
    /// The kind: `psk`, `rpk`, `x509` or `x509-ca`.
    #[param(example = "psk")]
    pub(crate) kind: String,
}

impl Target {
    fn kind(&self) -> Result<CredentialKind, Problem> {
        CredentialKind::from_name(&self.kind).ok_or_else(|| {
            ProblemKind::NotFound
                .problem(format!("No kind of credential is called {}.", self.kind))
                .remedy("Use psk, rpk, x509 or x509-ca.")
        })
    }
}

/// List credentials
///
/// In the order of endpoint names, without their secrets.
#[utoipa::path(
    get,
    path = "/api/v1/security",
    operation_id = "list_credentials",
    tag = "security",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of credentials", body = CredentialList),
        (status = 400, description = "The query is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(manager): State<Manager>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<CredentialList>, Problem> {
    let page = manager
        .credentials(query.q.as_str(), query.offset, query.limit())
        .await?;
    Ok(Json(CredentialList {
        credentials: page.credentials.iter().map(convert::credential).collect(),
        total: u64::try_from(page.total).unwrap_or(u64::MAX),
        server_public_key: manager.public_key().map(|key| BASE64.encode(key)),
    }))
}

/// Give a device a credential
///
/// In place of one of the same kind. From then on the device is let in over `coaps` with one of its credentials and in no
/// other way; nobody else can register its endpoint name. An association that it has by another key ends.
#[utoipa::path(
    put,
    path = "/api/v1/security/{endpoint}/{kind}",
    operation_id = "put_credential",
    tag = "security",
    params(Target),
    request_body = CredentialRequest,
    responses(
        (status = 204, description = "It is kept"),
        (status = 400, description = "It is no credential of this kind, or another device has it", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such kind", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not JSON", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not take it, or the manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn put(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
    Body(body): Body<CredentialRequest>,
) -> Result<StatusCode, Problem> {
    let credential = credential(target.kind()?, &body)?;
    if target.endpoint.is_empty() || target.endpoint.len() > LONGEST_ENDPOINT {
        return Err(ProblemKind::BadRequest
            .problem(format!(
                "The endpoint name has {} bytes.",
                target.endpoint.len()
            ))
            .remedy(format!("Give a name of 1 to {LONGEST_ENDPOINT} bytes.")));
    }
    manager.put_credential(target.endpoint, credential).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a credential away
///
/// An association of the device ends. Without any credential it may register without security.
#[utoipa::path(
    delete,
    path = "/api/v1/security/{endpoint}/{kind}",
    operation_id = "remove_credential",
    tag = "security",
    params(Target),
    responses(
        (status = 204, description = "It is removed"),
        (status = 400, description = "The device has no credential of this kind", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such kind", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not take it, or the manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    State(manager): State<Manager>,
    Segments(target): Segments<Target>,
) -> Result<StatusCode, Problem> {
    let kind = target.kind()?;
    manager.remove_credential(target.endpoint, kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The credential in a body, which has what its kind needs and nothing else.
fn credential(kind: CredentialKind, body: &CredentialRequest) -> Result<Credential, Problem> {
    let CredentialRequest {
        identity,
        key,
        public_key,
        certificate,
        authority,
    } = body;
    let made = match (kind, identity, key, public_key, certificate, authority) {
        (CredentialKind::Psk, Some(identity), Some(key), None, None, None) => {
            let key = Zeroizing::new(BASE64.decode(key.expose()).map_err(|_| no_base64("key"))?);
            Credential::psk(identity.as_bytes(), &key)
        }
        (CredentialKind::RawPublicKey, None, None, Some(key), None, None) => {
            Credential::raw_public_key(&decoded("public_key", key)?)
        }
        (CredentialKind::Certificate, None, None, None, Some(der), None) => {
            Credential::certificate(&decoded("certificate", der)?)
        }
        (CredentialKind::Authority, None, None, None, None, Some(der)) => {
            Credential::authority(&decoded("authority", der)?)
        }
        _ => {
            let needed = match kind {
                CredentialKind::Psk => "`identity` and `key`",
                CredentialKind::RawPublicKey => "`public_key`",
                CredentialKind::Authority => "`authority`",
                _ => "`certificate`",
            };
            return Err(ProblemKind::BadRequest
                .problem(format!(
                    "A credential of the kind {} needs {needed} and nothing else.",
                    kind.name()
                ))
                .remedy("See /api/openapi.json for the members."));
        }
    };
    made.map_err(|error| {
        ProblemKind::BadRequest
            .problem("The credential is not possible.")
            .remedy(crate::extract::sentence(&error.to_string()))
    })
}

fn decoded(member: &str, text: &str) -> Result<Vec<u8>, Problem> {
    BASE64.decode(text).map_err(|_| no_base64(member))
}

/// What is wrong is not repeated: it may be a secret.
fn no_base64(member: &str) -> Problem {
    ProblemKind::BadRequest
        .problem(format!("`{member}` is no base64 with padding."))
        .remedy("Write bytes as text in base64 with padding.")
}
