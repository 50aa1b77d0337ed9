//! The registry: listed, searched, uploaded, kept.

use axum::Router;
use axum::http::{Method, StatusCode};
use dunlin_manager::{Manager, MemoryStore};
use dunlin_server::Server;
use serde_json::{Value as Json, json};

use crate::support::{Answer, Call, open};

/// An object of three resources.
const PUMP: &str = include_str!("pump.xml");

async fn upload(router: &Router, xml: impl Into<axum::body::Body>) -> Answer {
    Call::new(Method::POST, "/api/v1/objects?name=pump.xml")
        .body("application/xml", xml)
        .send(router)
        .await
}

async fn get(router: &Router, uri: &str) -> Answer {
    Call::get(uri).send(router).await
}

fn ids(list: &Json) -> Vec<(u64, String)> {
    let objects = list["objects"].as_array().expect("objects");
    objects
        .iter()
        .map(|object| {
            let version = object["version"].as_str().expect("a version").to_owned();
            (object["id"].as_u64().expect("an id"), version)
        })
        .collect()
}

#[tokio::test]
async fn the_registry_is_listed_and_searched() {
    let router = open().await;
    let all = get(&router, "/api/v1/objects").await.json();
    let known = ids(&all);
    assert!(known.len() >= 8 && known.is_sorted(), "{known:?}");
    assert_eq!(all["total"], known.len());
    assert_eq!(all["objects"][3]["source"], "built-in");
    let page = get(&router, "/api/v1/objects?limit=2&offset=1")
        .await
        .json();
    assert_eq!(ids(&page), known[1..3]);
    assert_eq!(page["total"], all["total"]);
    for (query, id) in [("Temp", 3303), ("3303", 3303), ("connectivity_m", 4)] {
        let found = get(&router, &format!("/api/v1/objects?q={query}")).await;
        let found = ids(&found.json());
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        assert_eq!(found[0].0, id, "{query}");
    }
    let none = get(&router, "/api/v1/objects?q=fridge").await.json();
    assert_eq!(none, json!({"objects": [], "total": 0}));
    let wrong = get(&router, "/api/v1/objects?colour=red").await;
    assert_eq!(wrong.problem().status, 400);
}

#[tokio::test]
async fn an_uploaded_object_is_known_by_name_in_each_version() {
    let router = open().await;
    let answer = upload(&router, PUMP).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({"objects": [{
            "id": 42771, "version": "1.1", "name": "Heat Pump", "urn": "urn:oma:lwm2m:x:42771:1.1", "multiple": true,
            "mandatory": false, "resources": 3, "source": "upload",
        }]})
    );
    let older = PUMP.replace("1.1<", "1.0<").replace("Power", "Rated Power");
    assert_eq!(upload(&router, older).await.status, StatusCode::CREATED);

    let found = get(&router, "/api/v1/objects/heat_pump").await.json();
    assert_eq!(found["version"], "1.1");
    assert_eq!(found["lwm2m_version"], "1.1");
    assert_eq!(found["description"], "A pump that heats.");
    assert_eq!(
        found["definitions"][1],
        json!({
            "id": 1, "name": "Power", "operations": "RW", "type": "integer", "multiple": false, "mandatory": true,
            "units": "W", "range": "0..3000", "description": "How much it may take.",
        })
    );
    assert_eq!(get(&router, "/api/v1/objects/42771").await.json(), found);
    let older = get(&router, "/api/v1/objects/42771/1.0").await.json();
    assert_eq!(older["definitions"][1]["name"], "Rated Power");
    let search = get(&router, "/api/v1/objects?q=pump").await.json();
    assert_eq!(ids(&search), [(42771, "1.0".into()), (42771, "1.1".into())]);

    let remove = |uri: &'static str| Call::new(Method::DELETE, uri).send(&router);
    let removed = remove("/api/v1/objects/42771/1.1").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let newest = get(&router, "/api/v1/objects/42771").await.json();
    assert_eq!(newest["version"], "1.0");
    let again = remove("/api/v1/objects/42771/1.1").await.problem();
    assert_eq!(again.status, 404);
    assert!(again.remedy.contains("1.0"), "{again}");
    let built_in = remove("/api/v1/objects/3303/1.1").await.problem();
    assert_eq!(built_in.status, 400);
    assert!(built_in.detail.contains("not uploaded"), "{built_in}");
}

#[tokio::test]
async fn bad_xml_is_told_with_file_line_and_reason() {
    let router = open().await;
    for (from, to, place, reason) in [
        ("</LWM2M>", "", None, "pump.xml:"),
        (
            "Integer</Type>",
            "Number</Type>",
            Some((24, 5)),
            "none of the types",
        ),
        (
            "<Operations>RW</Operations>\n",
            "<Operations>WR</Operations>\n",
            Some((21, 5)),
            "none of R, W, RW, E",
        ),
        (
            ">42771</ObjectID>",
            ">70000</ObjectID>",
            Some((6, 3)),
            "no number",
        ),
        (
            "42771:1.1",
            "42772:1.1",
            Some((7, 3)),
            "is not that of object 42771",
        ),
    ] {
        assert!(PUMP.contains(from), "{from}");
        let problem = upload(&router, PUMP.replace(from, to)).await.problem();
        assert_eq!(problem.status, 400, "{problem}");
        if let Some((line, column)) = place {
            assert_eq!(
                (problem.line, problem.column),
                (Some(line), Some(column)),
                "{problem}"
            );
            let start = format!("pump.xml:{line}:{column}: ");
            assert!(problem.detail.starts_with(&start), "{problem}");
        }
        assert!(
            problem.line.is_some() && problem.detail.contains(reason),
            "{problem}"
        );
    }
    let latin1 = upload(&router, b"<LWM2M>\n\xe9</LWM2M>".to_vec())
        .await
        .problem();
    assert_eq!((latin1.line, latin1.column), (Some(2), Some(1)));
    let long = Call::new(
        Method::POST,
        &format!("/api/v1/objects?name={}%0a", "x".repeat(500)),
    )
    .body("text/xml", "<a/>")
    .send(&router)
    .await
    .problem();
    assert!(
        long.detail.len() < 250 && !long.detail.contains('\n'),
        "{long}"
    );
    assert_eq!(
        ids(&get(&router, "/api/v1/objects?q=pump").await.json()),
        []
    );
}

#[tokio::test]
async fn what_is_no_xml_or_too_much_is_refused() {
    let router = open().await;
    let json = Call::new(Method::POST, "/api/v1/objects")
        .json(&json!({}))
        .send(&router)
        .await;
    let problem = json.problem();
    assert_eq!(problem.status, 415);
    assert!(problem.remedy.contains("application/xml"), "{problem}");
    let large = upload(&router, vec![b' '; (1 << 20) + 1]).await.problem();
    assert_eq!(large.status, 413);
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\">]><LWM2M>&b;</LWM2M>";
    assert_eq!(upload(&router, bomb).await.problem().status, 400);
}

#[tokio::test]
async fn names_that_say_nothing_or_too_much_are_told() {
    let router = open().await;
    let problem = get(&router, "/api/v1/objects/heater").await.problem();
    assert_eq!(problem.status, 404);
    let problem = get(&router, "/api/v1/objects/temp").await.problem();
    assert!(
        problem
            .remedy
            .contains("Perhaps Temperature (3303) is meant."),
        "{problem}"
    );
    let twin = PUMP.replace("Heat Pump", "Temperature");
    assert_eq!(upload(&router, twin).await.status, StatusCode::CREATED);
    let problem = get(&router, "/api/v1/objects/temperature").await.problem();
    assert_eq!(problem.status, 400);
    assert!(problem.detail.contains("3303, 42771"), "{problem}");
    for (uri, status) in [
        ("/api/v1/objects/42771/1.2", 404),
        ("/api/v1/objects/42771/one", 400),
        ("/api/v1/objects/65535/1.0", 400),
        ("/api/v1/objects/9999", 404),
        ("/api/v1/objects/65535", 404),
    ] {
        assert_eq!(get(&router, uri).await.problem().status, status, "{uri}");
    }
}

#[tokio::test]
async fn an_upload_is_there_after_a_restart_and_refused_when_it_cannot_be_kept() {
    let store = MemoryStore::new();
    let start = || async {
        let builder = Manager::builder()
            .listen("coap://127.0.0.1:0")
            .expect("an address");
        builder
            .store(store.clone())
            .start()
            .await
            .expect("a manager")
    };
    let manager = start().await;
    let router = Server::builder(manager.clone()).router();
    assert_eq!(upload(&router, PUMP).await.status, StatusCode::CREATED);
    store.fail("the disk is full");
    let older = PUMP.replace("1.1<", "1.0<");
    let problem = upload(&router, older).await.problem();
    assert_eq!(problem.status, 503);
    assert!(problem.detail.contains("the disk is full"), "{problem}");
    store.succeed();
    manager.shutdown().await;
    drop((manager, router));

    let router = Server::builder(start().await).router();
    let known = get(&router, "/api/v1/objects?q=42771").await.json();
    assert_eq!(ids(&known), [(42771, "1.1".into())]);
    assert_eq!(known["objects"][0]["source"], "upload");
}
