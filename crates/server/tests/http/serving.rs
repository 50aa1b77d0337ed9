//! The server on a real socket.

use core::net::SocketAddr;

use dunlin_server::{Server, ServerError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{hash, manager};

const LOOPBACK: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::LOCALHOST), 0);

async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn serves_and_stops() {
    let manager = manager().await;
    let server = Server::builder(manager.clone())
        .listen(LOOPBACK)
        .start()
        .await
        .expect("a server");
    let address = server.local_address();
    assert_ne!(address.port(), 0);
    let answer = exchange(
        address,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"status\":\"ok\""),
        "{answer}"
    );

    // A stream of events does not hold the shutdown up, and it ends.
    let mut events = TcpStream::connect(address).await.expect("a connection");
    events
        .write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("written");
    let mut start = [0; 17];
    events.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200 OK\r\n");
    server.shutdown().await;
    let mut rest = String::new();
    events.read_to_string(&mut rest).await.expect("the end");
    assert!(rest.contains("text/event-stream"), "{rest}");
    assert!(TcpStream::connect(address).await.is_err());
    manager.shutdown().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_flag() {
    let other = TcpListener::bind(LOOPBACK).await.expect("a port");
    let address = other.local_addr().expect("an address");
    let error = Server::builder(manager().await)
        .listen(address)
        .start()
        .await
        .expect_err("the port is taken");
    assert!(matches!(error, ServerError::PortTaken { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&address.port().to_string())
            && text.contains("127.0.0.1")
            && text.contains("--http"),
        "{text}"
    );
}

#[tokio::test]
async fn other_addresses_need_a_token() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let address = address.parse().expect("an address");
        let error = Server::builder(manager().await)
            .listen(address)
            .start()
            .await
            .expect_err("no token");
        assert!(
            matches!(error, ServerError::TokenRequired { .. }),
            "{error}"
        );
    }
    let address = "0.0.0.0:0".parse().expect("an address");
    let server = Server::builder(manager().await)
        .listen(address)
        .token(hash())
        .start()
        .await
        .expect("a server");
    server.shutdown().await;
}

#[tokio::test]
async fn an_unknown_address_is_a_sentence() {
    // A documentation address, which no machine has.
    let address = "192.0.2.1:0".parse().expect("an address");
    let error = Server::builder(manager().await)
        .listen(address)
        .token(hash())
        .start()
        .await
        .expect_err("not ours");
    assert!(matches!(error, ServerError::Listen { .. }));
    assert!(
        error.to_string().contains("192.0.2.1") && error.to_string().contains("--http"),
        "{error}"
    );
}

#[tokio::test]
async fn broken_http_gets_an_answer_and_no_crash() {
    let server = Server::builder(manager().await)
        .listen(LOOPBACK)
        .start()
        .await
        .expect("a server");
    let address = server.local_address();
    for request in [
        "GET\r\n\r\n",
        "\0\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
    ] {
        let answer = exchange(address, request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{request:?}: {answer}"
        );
    }
    let answer = exchange(address, "GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.contains("200 OK"), "{answer}");
    server.shutdown().await;
}
