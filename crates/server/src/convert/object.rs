//! Object definitions.

use dunlin_manager::{KeepObjectsError, ObjectSource, RegisteredObject};
use dunlin_model::Range;

use super::data_type;
use crate::api::{self, Problem, ProblemKind};
use crate::extract::sentence;
use crate::problem::IntoProblem as _;

pub(crate) fn object_summary(object: &RegisteredObject) -> api::ObjectSummary {
    let definition = &object.definition;
    api::ObjectSummary {
        id: definition.id.get(),
        version: definition.version.to_string(),
        name: definition.name.to_string(),
        urn: text(&object.urn),
        multiple: definition.multiple,
        mandatory: definition.mandatory,
        resources: u32::try_from(definition.resources.len()).unwrap_or(u32::MAX),
        source: match object.source {
            ObjectSource::BuiltIn => api::ObjectSource::BuiltIn,
            ObjectSource::File => api::ObjectSource::File,
            ObjectSource::Store => api::ObjectSource::Upload,
            _ => api::ObjectSource::Other,
        },
    }
}

pub(crate) fn object_detail(object: &RegisteredObject) -> api::ObjectDetail {
    let definitions = object.definition.resources.iter().zip(&object.notes);
    api::ObjectDetail {
        summary: object_summary(object),
        lwm2m_version: object.enabler.to_string(),
        description: text(&object.description),
        definitions: definitions
            .map(|(resource, note)| api::ResourceDefinition {
                id: resource.id.get(),
                name: resource.name.to_string(),
                operations: resource.operations.to_string(),
                kind: data_type(resource.kind),
                multiple: resource.multiple,
                mandatory: resource.mandatory,
                units: text(&resource.units),
                range: match &*resource.range {
                    Range::Any => text(&note.range),
                    range => Some(range.to_string()),
                },
                description: text(&note.description),
            })
            .collect(),
    }
}

/// A text, if there is one.
fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl From<KeepObjectsError> for Problem {
    fn from(error: KeepObjectsError) -> Self {
        match error {
            KeepObjectsError::File(error) => {
                // A file name has no capital letter to be given.
                let problem = ProblemKind::BadRequest
                    .problem(format!("{}.", error.to_string().trim_end_matches('.')))
                    .remedy("Send a file with object definitions as the OMA registry has them.");
                match error.position {
                    Some(at) => problem.at(at.line, at.column),
                    None => problem,
                }
            }
            KeepObjectsError::Manager(error) => error.into(),
            other => ProblemKind::Internal.problem(sentence(&other.to_string())),
        }
    }
}
