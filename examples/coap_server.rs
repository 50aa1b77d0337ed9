//! A CoAP server: resources that answer at once, later, in blocks, and that can be observed.
//!
//!     cargo run --example coap_server --features coap-tokio -- 127.0.0.1:5683
//!
//! prints `serving coap://127.0.0.1:5683`. `coap-client -m get coap://127.0.0.1/.well-known/core` lists what there is.
//! Ctrl-C ends it.

use core::error::Error;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dunlin::coap::Code;
use dunlin::coap::tokio::{Notifier, Response, Route, Server, get, get_sync, put_upload};

/// What clients have put below `/store`.
type Store = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("[::]:5683".into());
    let builder = Server::builder().max_body(4 << 20);
    let notifier = builder.notifier();
    // A body that is cheap to clone: a server asks for it once for each block.
    let long: Vec<u8> = (0..1_u32 << 20)
        .map(|i| (i % 251).to_le_bytes()[0])
        .collect();
    let long = bytes::Bytes::from(long);

    let mut server = builder
        .route("/hello", get_sync(|_| "Hello, world").title("A greeting"))
        .route(
            "/slow/{millis}",
            get(|request| async move {
                let millis = request
                    .parameter("millis")
                    .and_then(|text| text.parse().ok());
                tokio::time::sleep(Duration::from_millis(millis.unwrap_or(1000))).await;
                "That took a while"
            }),
        )
        .route(
            "/long",
            get_sync(move |_| Response::content(long.clone()).with_etag(b"1"))
                .content_format(42)
                .title("A mebibyte"),
        )
        .route("/upload", upload())
        .route("/store/{*path}", store(notifier))
        .listen(address)
        .await?;
    let tcp = server.listen_tcp(server.local_address()).await?;
    println!(
        "serving coap://{} and coap+tcp://{tcp}",
        server.local_address()
    );
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}

/// Counts what arrives, and holds no more than a block of it.
fn upload() -> Route {
    put_upload(|_, mut upload| async move {
        let (mut len, mut sum) = (0, 0_u32);
        loop {
            match upload.next().await {
                Ok(Some(part)) => {
                    len += part.len();
                    sum = part.iter().fold(sum, |sum, byte| {
                        sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
                    });
                }
                Ok(None) => {
                    println!("{len} bytes were uploaded, {sum:08x}");
                    return Response::changed();
                }
                Err(aborted) => return aborted.into(),
            }
        }
    })
}

/// Keeps what is put, and tells observers of it.
fn store(notifier: Notifier) -> Route {
    let store = Store::default();
    let path = |path: &mut dyn Iterator<Item = &str>| path.collect::<Vec<_>>().join("/");
    let (read, write, create, delete) = (store.clone(), store.clone(), store.clone(), store);
    let (written, deleted) = (notifier.clone(), notifier);
    get_sync(move |request| {
        let path = path(&mut request.rest());
        match read.lock().unwrap().get(&path) {
            Some(value) => Response::content(value.clone()).with_content_format(0),
            None => Response::new(Code::NOT_FOUND),
        }
    })
    .put_sync(move |request| {
        let path = path(&mut request.rest());
        let value = request.payload().to_vec();
        let old = write.lock().unwrap().insert(path.clone(), value);
        written.notify(&format!("/store/{path}"));
        if old.is_some() {
            Code::CHANGED
        } else {
            Code::CREATED
        }
    })
    .post_sync(move |request| {
        let mut store = create.lock().unwrap();
        let path = store.len().to_string();
        store.insert(path.clone(), request.payload().to_vec());
        Response::created().with_location(&format!("/store/{path}"))
    })
    .delete_sync(move |request| {
        let path = path(&mut request.rest());
        delete.lock().unwrap().remove(&path);
        deleted.notify(&format!("/store/{path}"));
        Code::DELETED
    })
    .observable()
}
