//! A server to try other programs on, and a client to try other servers with, over UDP, TCP and WebSockets.
//!
//! ```text
//! $ cargo run -p dunlin-coap --features websocket --example peer -- serve 127.0.0.1:0
//! coap://127.0.0.1:40871
//! coap+tcp://127.0.0.1:33549
//! coap+ws://127.0.0.1:38023
//! $ cargo run -p dunlin-coap --features websocket --example peer -- get coap+tcp://127.0.0.1:33549/hello
//! 2.05 Content
//! hello
//! ```
//!
//! `put URI FILE` and `post URI FILE` send a file; `get URI FILE` writes the body of the response into one.

use core::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use dunlin_coap::tokio::{Client, Response, Server, get_sync};
use dunlin_coap::{Code, OptionNumber};

/// The path without its first segment, under which things are kept.
const STORE: &str = "/store";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", address] => serve(address).await,
        ["get", uri] => print(Client::new().await?.get(uri).await?, None),
        ["get", uri, file] => print(Client::new().await?.get(uri).await?, Some(file)),
        ["put", uri, file] => {
            let body = std::fs::read(file)?;
            print(Client::new().await?.put(uri).body(body).await?, None)
        }
        ["post", uri, file] => {
            let body = std::fs::read(file)?;
            print(Client::new().await?.post(uri).body(body).await?, None)
        }
        _ => Err("serve ADDRESS | get URI [FILE] | put URI FILE | post URI FILE".into()),
    }
}

/// Serves a greeting, an echo and one thing that can be stored, until the program is ended.
async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let (read, write) = (stored.clone(), stored);
    #[cfg_attr(not(feature = "websocket"), expect(unused_mut))]
    let mut server = Server::builder()
        .max_body(8 << 20)
        .route("/hello", get_sync(|_| "hello"))
        .route(
            STORE,
            get_sync(move |_| {
                Response::content(read.lock().unwrap_or_else(PoisonError::into_inner).clone())
            })
            .put_sync(move |request| {
                *write.lock().unwrap_or_else(PoisonError::into_inner) = request.payload().to_vec();
                Code::CHANGED
            })
            .post_sync(|request| Response::new(Code::CHANGED).with_payload(request.to_payload())),
        )
        .listen(address)
        .await?;
    println!("coap://{}", server.local_address());
    println!("coap+tcp://{}", server.listen_tcp(address).await?);
    #[cfg(feature = "websocket")]
    println!("coap+ws://{}", server.listen_websocket(address).await?);
    server.run().await;
    Ok(())
}

/// Prints a response, whose body goes into a file where there is one.
fn print(response: Response, file: Option<&str>) -> Result<(), Box<dyn Error>> {
    println!("{:?}", response.code());
    for location in response.values(OptionNumber::LOCATION_PATH) {
        println!("/{}", String::from_utf8_lossy(location));
    }
    match file {
        Some(file) => std::fs::write(file, response.payload())?,
        None => println!("{}", String::from_utf8_lossy(response.payload())),
    }
    Ok(())
}
