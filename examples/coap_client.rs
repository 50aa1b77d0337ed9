//! A CoAP client for the command line.
//!
//!     cargo run --example coap_client --features coap-tokio -- get coap://127.0.0.1/hello
//!     cargo run --example coap_client --features coap-tokio -- put coap://127.0.0.1/store/a some text
//!     cargo run --example coap_client --features coap-tokio -- put coap://127.0.0.1/upload @file
//!     cargo run --example coap_client --features coap-tokio -- observe coap://127.0.0.1/store/a
//!
//! prints the code of each response, its size and its body where that is short text.

use core::error::Error;

use dunlin::coap::Code;
use dunlin::coap::tokio::{Client, Response};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [method, uri, words @ ..] = &arguments[..] else {
        return Err("usage: coap_client get|put|post|delete|fetch|observe URI [TEXT|@FILE]".into());
    };
    let client = Client::new().await?;
    let method = match &**method {
        "get" => Code::GET,
        "put" => Code::PUT,
        "post" => Code::POST,
        "delete" => Code::DELETE,
        "fetch" => Code::FETCH,
        "observe" => {
            let mut notifications = client.observe(uri).await?;
            while let Some(notification) = notifications.next().await {
                print(&notification?);
            }
            return Ok(());
        }
        other => return Err(format!("unknown method {other}").into()),
    };
    let text = words.join(" ");
    let mut request = client.request(method, uri);
    if let Some(path) = text.strip_prefix('@') {
        request = request.content_format(42).body(std::fs::read(path)?);
    } else if !text.is_empty() {
        request = request.content_format(0).body(text);
    }
    print(&request.await?);
    Ok(())
}

fn print(response: &Response) {
    let payload = response.payload();
    let sum = payload.iter().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(*byte))
    });
    print!("{} {} bytes {sum:08x}", response.code(), payload.len());
    if let Some(location) = response.location() {
        print!(" at {location}");
    }
    match response.text() {
        Some(text) if text.len() < 100 => println!(" {text}"),
        _ => println!(),
    }
}
