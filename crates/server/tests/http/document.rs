//! The OpenAPI document against the routes.

use std::collections::BTreeSet;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use serde_json::Value as Json;

use crate::support::{Call, open};

/// What the contract promises; the document must have at least this.
const PROMISED: [(&str, &str); 24] = [
    ("get", "/api/v1/devices"),
    ("get", "/api/v1/devices/{endpoint}"),
    ("get", "/api/v1/devices/{endpoint}/resources/{path}"),
    ("put", "/api/v1/devices/{endpoint}/resources/{path}"),
    ("patch", "/api/v1/devices/{endpoint}/resources/{path}"),
    ("post", "/api/v1/devices/{endpoint}/resources/{path}"),
    ("delete", "/api/v1/devices/{endpoint}/resources/{path}"),
    ("post", "/api/v1/devices/{endpoint}/execute/{path}"),
    ("get", "/api/v1/devices/{endpoint}/discover/{path}"),
    ("put", "/api/v1/devices/{endpoint}/attributes/{path}"),
    ("get", "/api/v1/devices/{endpoint}/observations"),
    ("put", "/api/v1/devices/{endpoint}/observations/{path}"),
    ("delete", "/api/v1/devices/{endpoint}/observations/{path}"),
    ("get", "/api/v1/objects"),
    ("post", "/api/v1/objects"),
    ("get", "/api/v1/objects/{object}"),
    ("get", "/api/v1/objects/{object}/{version}"),
    ("delete", "/api/v1/objects/{object}/{version}"),
    ("get", "/api/v1/security"),
    ("put", "/api/v1/security/{endpoint}/{kind}"),
    ("delete", "/api/v1/security/{endpoint}/{kind}"),
    ("get", "/api/v1/events"),
    ("get", "/metrics"),
    ("get", "/healthz"),
];

async fn document(router: &axum::Router) -> Json {
    let answer = Call::get("/api/openapi.json").send(router).await;
    assert_eq!(
        (answer.status, answer.header(CONTENT_TYPE)),
        (StatusCode::OK, "application/json")
    );
    answer.json()
}

/// Calls `visit` with every documented operation.
fn operations(document: &Json) -> Vec<(&str, &str, &Json)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("a path item");
            item.iter()
                .map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_complete() {
    let document = document(&open().await).await;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1."))
    );
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));

    let operations = operations(&document);
    for promised in PROMISED {
        assert!(
            operations
                .iter()
                .any(|(method, path, _)| (*method, *path) == promised),
            "{promised:?}"
        );
    }
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|tag| &tag["name"])
        .map(Json::to_string)
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations {
        let name = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].to_string()),
            "{name}: operationId is not unique"
        );
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}: no summary"
        );
        assert!(
            tags.contains(&operation["tags"][0].to_string()),
            "{name}: unknown tag"
        );

        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with(['2', '3'])),
            "{name}: no success"
        );
        assert!(
            responses.contains_key("403"),
            "{name}: foreign origins are refused everywhere"
        );
        for (status, response) in responses {
            assert!(
                response["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{name} {status}"
            );
            let is_page = response["content"]["text/html"].is_object()
                || status == "503" && path == "/healthz";
            if status.starts_with(['4', '5']) && !is_page {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
            }
        }

        let described: BTreeSet<_> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .inspect(|parameter| {
                assert!(
                    parameter["description"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{name}: {parameter}"
                );
                assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            })
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let wanted: BTreeSet<_> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(described, wanted, "{name}");
        assert!(!path.contains('*'), "{name}");
        if matches!(method, "put" | "patch") {
            assert!(
                operation["requestBody"]["content"].is_object(),
                "{name}: no body"
            );
        }
    }
}

#[tokio::test]
async fn every_reference_of_the_document_leads_somewhere() {
    fn check(node: &Json, document: &Json) {
        match node {
            Json::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Json::as_str) {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(|member| check(member, document));
            }
            Json::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = document(&open().await).await;
    check(&document, &document);
    for name in [
        "Problem",
        "DeviceDetail",
        "ResourceNode",
        "ObjectDetail",
        "ResourceDefinition",
        "Credential",
        "CredentialRequest",
        "Event",
        "WriteRequest",
        "NotificationAttributes",
    ] {
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name}");
        for (member, schema) in schema["properties"].as_object().into_iter().flatten() {
            let described = schema["description"].is_string()
                || schema["$ref"].is_string()
                || schema["oneOf"].is_array();
            assert!(described, "{name}.{member}");
        }
    }
}

#[tokio::test]
async fn what_is_documented_is_there_and_nothing_else() {
    let router = open().await;
    let document = document(&router).await;
    for path in document["paths"].as_object().expect("paths").keys() {
        let uri = path
            .replace("{endpoint}", "nobody")
            .replace("{path}", "3/0/0")
            .replace("{object}", "3")
            .replace("{version}", "1.2")
            .replace("{kind}", "psk")
            .replace("{name}", "portal.css");
        for method in [
            Method::GET,
            Method::PUT,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ] {
            if uri == "/api/v1/events" && method == Method::GET {
                continue; // A stream that does not end; it has tests of its own.
            }
            let answer = Call::new(method.clone(), &uri).send(&router).await;
            let documented = &document["paths"][path][method.as_str().to_ascii_lowercase()];
            if documented.is_null() {
                assert_eq!(
                    answer.status,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "{method} {uri}"
                );
                answer.problem();
            } else {
                assert_ne!(
                    answer.status,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "{method} {uri}"
                );
                let status = &documented["responses"][answer.status.as_str()];
                assert!(
                    !status.is_null(),
                    "{method} {uri}: {} is not documented",
                    answer.status
                );
            }
        }
    }
    let answer = Call::get("/api/v1/nothing").send(&router).await;
    assert_eq!(answer.problem().status, 404);
}
