//! Pages and files.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};

use crate::support::{Call, open};

#[tokio::test]
async fn an_empty_list_says_where_devices_register() {
    let router = open().await;
    let page = Call::get("/").send(&router).await;
    assert_eq!(
        (page.status, page.header(CONTENT_TYPE)),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    assert!(
        page.text.contains("No device has registered yet")
            && page.text.contains("coap://127.0.0.1:"),
        "{}",
        page.text
    );
    let page = Call::get("/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        .send(&router)
        .await;
    assert!(
        page.text.contains("No endpoint name contains") && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn unknown_pages_are_pages() {
    let router = open().await;
    for uri in [
        "/nothing",
        "/devices/nobody",
        "/devices/%3Cb%3E",
        "/devices/%FF",
        "/?limit=x",
    ] {
        let page = Call::get(uri).send(&router).await;
        assert!(page.status.is_client_error(), "{uri}: {}", page.status);
        assert!(page.header(CONTENT_TYPE).starts_with("text/html"), "{uri}");
        assert!(!page.text.contains("<b>"), "{uri}");
    }
}

#[tokio::test]
async fn files_are_loaded_once() {
    let router = open().await;
    let page = Call::get("/").send(&router).await;
    let files: Vec<_> = page
        .text
        .split('"')
        .filter(|text| text.starts_with("/static/"))
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let first = Call::get(file).send(&router).await;
        assert_eq!(first.status, StatusCode::OK, "{file}");
        let again = Call::get(file)
            .header(IF_NONE_MATCH, first.header(ETAG))
            .send(&router)
            .await;
        assert_eq!(
            (again.status, again.text.as_str()),
            (StatusCode::NOT_MODIFIED, ""),
            "{file}"
        );
    }
    assert_eq!(
        Call::get("/static/../Cargo.toml")
            .send(&router)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_have_no_script_of_their_own() {
    let router = open().await;
    for uri in ["/", "/login", "/devices/nobody"] {
        let page = Call::get(uri).send(&router).await.text;
        assert!(
            !page.contains("src=\"http") && !page.contains("style=") && !page.contains(" onclick"),
            "{uri}"
        );
        assert!(!page.contains("<script>"), "{uri}");
    }
}
