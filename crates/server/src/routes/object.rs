//! The registry: what the manager knows of objects, and how it learns more.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dunlin_manager::{Manager, ObjectId, RegisteredObject, Registry, Version};
use serde::Deserialize;
use utoipa::IntoParams;

use super::device::LARGEST_PAGE;
use crate::api::{ObjectDetail, ObjectList, ObjectsUploaded, Problem, ProblemKind};
use crate::convert;
use crate::extract::{Parameters, Segments, Xml};
use crate::problem::IntoProblem as _;

/// How many objects a page has if the caller does not say.
const PAGE: usize = 100;

/// Which objects to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only the object of this number, and those whose name has this text in it; case and punctuation do not matter.
    #[serde(default)]
    pub(crate) q: String,
    /// How many objects at most; 100 if not given, never more than 1000.
    #[param(minimum = 1, maximum = 1000, example = 100)]
    pub(crate) limit: Option<usize>,
    /// How many matching objects to leave out before the first.
    #[serde(default)]
    #[param(minimum = 0)]
    pub(crate) offset: usize,
}

/// List the objects that are known
///
/// Those of the program, of the folder that the server was started with, and the uploaded ones; each version by itself.
#[utoipa::path(
    get,
    path = "/api/v1/objects",
    operation_id = "list_objects",
    tag = "objects",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of objects", body = ObjectList),
        (status = 400, description = "The query is not understood", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(manager): State<Manager>,
    Parameters(query): Parameters<ListQuery>,
) -> Json<ObjectList> {
    let registry = manager.registry();
    let limit = query.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let objects = registry
        .matching(&query.q)
        .skip(query.offset)
        .take(limit)
        .map(|object| convert::object_summary(object))
        .collect();
    let total = registry.matching(&query.q).count();
    Json(ObjectList {
        objects,
        total: u64::try_from(total).unwrap_or(u64::MAX),
    })
}

/// For whom an object is looked up.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LookUpQuery {
    /// The endpoint name of a device: the definition is that of the version which this device has. Of several objects with
    /// one name, the one that this device has is meant.
    pub(crate) endpoint: Option<String>,
}

/// Show an object
///
/// By its number or its name, in its newest version, or in the one that a device has.
#[utoipa::path(
    get,
    path = "/api/v1/objects/{object}",
    operation_id = "show_object",
    tag = "objects",
    params(
        ("object" = String, Path, description = "The object id, or the name; case and punctuation do not matter", example = "temperature"),
        LookUpQuery,
    ),
    responses(
        (status = 200, description = "The definition", body = ObjectDetail),
        (status = 400, description = "The query is not understood, or the name is that of several objects", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such object", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn detail(
    State(manager): State<Manager>,
    Segments(object): Segments<String>,
    Parameters(query): Parameters<LookUpQuery>,
) -> Result<Json<ObjectDetail>, Problem> {
    let registry = manager.registry();
    let device = match query.endpoint {
        // A device that has not registered yet has no version of its own.
        Some(endpoint) => manager.device(endpoint).info().await.ok(),
        None => None,
    };
    let known = device
        .as_ref()
        .map(|device| registry.of(&device.registration));
    let ids = match object.parse().ok().and_then(ObjectId::new) {
        Some(id) => vec![id],
        None => registry.named(&object),
    };
    let of_device = |id: &ObjectId| {
        device.as_ref().is_some_and(|device| {
            let links = &device.registration.links;
            links.iter().any(|link| link.path.object_id() == Some(*id))
        })
    };
    let id = match ids.as_slice() {
        [] => return Err(unknown(&registry, &object)),
        [id] => *id,
        several => match several.iter().filter(|id| of_device(id)).copied().next() {
            Some(id) => id,
            None => return Err(ambiguous(&object, several)),
        },
    };
    let found = known
        .and_then(|known| known.find(id))
        .or_else(|| registry.newest(id));
    match found {
        Some(found) => Ok(Json(convert::object_detail(found))),
        None => Err(unknown(&registry, &object)),
    }
}

/// An object in one version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ObjectVersion {
    /// The object id.
    #[param(example = 3303)]
    pub(crate) object: u16,
    /// The version.
    #[param(example = "1.1")]
    pub(crate) version: String,
}

impl ObjectVersion {
    fn parse(&self) -> Result<(ObjectId, Version), Problem> {
        let parsed = ObjectId::new(self.object).zip(self.version.parse().ok());
        parsed.ok_or_else(|| {
            ProblemKind::BadRequest
                .problem(format!(
                    "There can be no object {} in version {}.",
                    self.object, self.version
                ))
                .remedy("Give an id from 0 to 65534 and a version such as 1.0.")
        })
    }
}

/// Show a version of an object
#[utoipa::path(
    get,
    path = "/api/v1/objects/{object}/{version}",
    operation_id = "show_object_version",
    tag = "objects",
    params(ObjectVersion),
    responses(
        (status = 200, description = "The definition", body = ObjectDetail),
        (status = 400, description = "The id or the version is none", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such object or version", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn version(
    State(manager): State<Manager>,
    Segments(wanted): Segments<ObjectVersion>,
) -> Result<Json<ObjectDetail>, Problem> {
    let (id, version) = wanted.parse()?;
    let registry = manager.registry();
    match registry.get(id, version) {
        Some(object) => Ok(Json(convert::object_detail(object))),
        None => Err(no_version(&registry, id, version)),
    }
}

/// What an upload is called.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// What problems call the file; `upload.xml` if not given.
    #[param(example = "3303.xml")]
    pub(crate) name: Option<String>,
}

/// The longest name of a file that problems repeat, in characters.
const LONGEST_NAME: usize = 100;

/// Upload object definitions
///
/// The body is an XML file of the OMA registry. Its objects are known at once, to all devices that have them, and after a
/// restart; each takes the place of one with the same id and version, other versions stay. All objects of the file are
/// taken or none.
#[utoipa::path(
    post,
    path = "/api/v1/objects",
    operation_id = "upload_objects",
    tag = "objects",
    params(UploadQuery),
    request_body(content = String, content_type = "application/xml", description = "The XML file"),
    responses(
        (status = 201, description = "What is known now", body = ObjectsUploaded),
        (status = 400, description = "The XML defines no object; `line` and `column` say where it is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not XML", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not take it, or the manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn upload(
    State(manager): State<Manager>,
    Parameters(query): Parameters<UploadQuery>,
    Xml(body): Xml,
) -> Result<(StatusCode, Json<ObjectsUploaded>), Problem> {
    let name: String = query
        .name
        .as_deref()
        .unwrap_or("upload.xml")
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_NAME)
        .collect();
    let objects = manager.keep_objects(&name, &body).await?;
    let objects = objects
        .iter()
        .map(|object| convert::object_summary(object))
        .collect();
    Ok((StatusCode::CREATED, Json(ObjectsUploaded { objects })))
}

/// Remove an uploaded object
///
/// What the program or the folder has of the object and version is known again.
#[utoipa::path(
    delete,
    path = "/api/v1/objects/{object}/{version}",
    operation_id = "remove_object",
    tag = "objects",
    params(ObjectVersion),
    responses(
        (status = 204, description = "It is removed"),
        (status = 400, description = "The id or the version is none, or the object was not uploaded", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such object or version", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not take it, or the manager is stopping", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    State(manager): State<Manager>,
    Segments(wanted): Segments<ObjectVersion>,
) -> Result<StatusCode, Problem> {
    let (id, version) = wanted.parse()?;
    let registry = manager.registry();
    let Some(object) = registry.get(id, version) else {
        return Err(no_version(&registry, id, version));
    };
    if object.source != dunlin_manager::ObjectSource::Store {
        return Err(ProblemKind::BadRequest
            .problem(format!("Object {id} in version {version} was not uploaded."))
            .remedy("What is in the program or in the server's folder of objects stays; an upload takes its place."));
    }
    manager.forget_object(id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn unknown(registry: &Registry, name: &str) -> Problem {
    let near = registry.matching(name).next().map(|object| {
        let RegisteredObject { definition, .. } = &**object;
        format!("{} ({})", definition.name, definition.id)
    });
    ProblemKind::NotFound
        .problem(format!("No object “{name}” is known."))
        .remedy(near.map_or_else(
            || "Upload its definition, or use numbers.".to_owned(),
            |near| format!("Perhaps {near} is meant."),
        ))
}

fn ambiguous(name: &str, ids: &[ObjectId]) -> Problem {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ProblemKind::BadRequest
        .problem(format!(
            "Several objects are called “{name}”: {}.",
            ids.join(", ")
        ))
        .remedy("Use the number of the one that you mean.")
}

fn no_version(registry: &Registry, id: ObjectId, version: Version) -> Problem {
    let versions: Vec<_> = registry
        .versions(id)
        .map(|object| object.definition.version.to_string())
        .collect();
    let problem =
        ProblemKind::NotFound.problem(format!("No object {id} in version {version} is known."));
    if versions.is_empty() {
        problem.remedy("Upload its definition.")
    } else {
        problem.remedy(format!("Known are the versions {}.", versions.join(", ")))
    }
}
