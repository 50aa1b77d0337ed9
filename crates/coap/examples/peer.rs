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
//! `put URI FILE` and `post URI FILE` send a file, `get URI FILE` writes the body of the response into one, and
//! `observe URI` prints each notification.

use core::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use dunlin_coap::Code;
use dunlin_coap::tokio::{Client, Response, Server, get_sync, post_sync};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let client = Client::new().await?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", address] => serve(address).await?,
        ["get", uri] => print(&client.get(uri).await?, None)?,
        ["get", uri, file] => print(&client.get(uri).await?, Some(file))?,
        ["put", uri, file] => {
            let body = std::fs::read(file)?;
            print(&client.put(uri).body(body).await?, None)?;
        }
        ["post", uri, file] => {
            let body = std::fs::read(file)?;
            print(&client.post(uri).body(body).await?, None)?;
        }
        ["observe", uri] => {
            let mut observation = client.observe(uri).await?;
            while let Some(response) = observation.next().await {
                print(&response?, None)?;
            }
        }
        _ => {
            return Err(
                "serve ADDRESS | get URI [FILE] | put URI FILE | post URI FILE | observe URI"
                    .into(),
            );
        }
    }
    client.shutdown().await;
    Ok(())
}

/// Serves a greeting, an echo and one thing that can be stored and observed, until the program is ended.
async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let builder = Server::builder().max_body(8 << 20);
    let notifier = builder.notifier();
    let stored = Arc::new(Mutex::new(Vec::new()));
    let (read, write) = (stored.clone(), stored);
    let get = get_sync(move |_| {
        let stored = read.lock().unwrap_or_else(PoisonError::into_inner);
        Response::content(stored.clone())
    });
    let store = get.observable().put_sync(move |request| {
        let mut stored = write.lock().unwrap_or_else(PoisonError::into_inner);
        *stored = request.payload().to_vec();
        notifier.notify("/store");
        Code::CHANGED
    });
    let mut server = builder
        .route("/hello", get_sync(|_| "hello"))
        .route("/store", store)
        .route(
            "/echo",
            post_sync(|request| Response::changed().with_payload(request.to_payload())),
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
fn print(response: &Response, file: Option<&str>) -> Result<(), Box<dyn Error>> {
    println!("{:?}", response.code());
    if let Some(location) = response.location() {
        println!("{location}");
    }
    match file {
        Some(file) => std::fs::write(file, response.payload())?,
        None => println!("{}", String::from_utf8_lossy(response.payload())),
    }
    Ok(())
}
