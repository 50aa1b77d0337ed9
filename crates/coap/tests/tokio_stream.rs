//! Client and server on tokio over TCP and WebSockets, and each against a peer that speaks in bytes.
#![cfg(feature = "tokio")]

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use dunlin_coap::block::BlockSize;
use dunlin_coap::reliable::{Failure, FrameError, Framer, Next};
use dunlin_coap::tokio::{Client, Error, Response, Server, ServerBuilder, get, get_sync};
use dunlin_coap::{Code, Message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A body of which each part looks different.
fn body(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| u8::try_from(i * 7 % 251).unwrap())
        .collect()
}

/// A server that tells how often it was asked, keeps what is put, and waits where it is asked to.
fn routes(asked: Arc<AtomicUsize>) -> ServerBuilder {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let (read, write) = (stored.clone(), stored);
    let large = bytes::Bytes::from(body(1 << 20));
    let handled = asked.clone();
    Server::builder()
        .max_body(2 << 20)
        .route(
            "/large",
            get_sync(move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                Response::content(large.clone()).with_etag(b"1")
            }),
        )
        .route(
            "/store",
            get_sync(move |_| Response::content(read.lock().unwrap().clone())).put_sync(
                move |request| {
                    *write.lock().unwrap() = request.payload().to_vec();
                    handled.fetch_add(1, Ordering::Relaxed);
                    Code::CHANGED
                },
            ),
        )
        .route(
            "/echo/{text}",
            get_sync(|request| {
                format!(
                    "{} {:?}",
                    request.parameter("text").unwrap(),
                    request.argument("u")
                )
            }),
        )
        .route(
            "/wait/{millis}",
            get(|request| async move {
                let millis = request.parameter("millis").unwrap().parse().unwrap();
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Response::content(format!("waited {millis}"))
            }),
        )
}

async fn tcp(builder: ServerBuilder) -> (Server, SocketAddr) {
    let mut server = builder.build();
    let address = server.listen_tcp("127.0.0.1:0").await.unwrap();
    (server, address)
}

/// The URIs of a server on all connections that there are.
async fn all(builder: ServerBuilder) -> (Server, Vec<String>) {
    let mut server = builder.build();
    let address = server.listen_tcp("127.0.0.1:0").await.unwrap();
    let mut uris = vec![format!("coap+tcp://{address}")];
    #[cfg(feature = "websocket")]
    {
        let address = server.listen_websocket("127.0.0.1:0").await.unwrap();
        uris.push(format!("coap+ws://{address}"));
    }
    uris.push(format!("coap+tcp://localhost:{}", address.port()));
    (server, uris)
}

#[tokio::test]
async fn requests_and_responses() {
    let (server, uris) = all(routes(Arc::default())).await;
    let client = Client::new().await.unwrap();
    for uri in uris {
        let response = client.get(&format!("{uri}/echo/hi?u=Cel")).await.unwrap();
        assert_eq!(response.code(), Code::CONTENT);
        assert_eq!(response.text(), Some("hi Some(\"Cel\")"));
        let response = client
            .put(&format!("{uri}/store"))
            .body("short")
            .await
            .unwrap();
        assert_eq!(response.code(), Code::CHANGED);
        assert_eq!(
            &client.get(&format!("{uri}/store")).await.unwrap().payload()[..],
            b"short"
        );
        let response = client.get(&format!("{uri}/none")).await.unwrap();
        assert_eq!(response.code(), Code::NOT_FOUND);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn large_bodies_go_in_bert_blocks() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (_server, uris) = all(routes(asked.clone())).await;
    let client = Client::new().await.unwrap();
    let large = body(1 << 20);
    for uri in uris {
        asked.store(0, Ordering::Relaxed);
        let response = client.get(&format!("{uri}/large")).await.unwrap();
        assert!(response.payload() == &large);
        // Blocks of 8 KiB, as our client takes no more.
        assert_eq!(asked.swap(0, Ordering::Relaxed), 128);
        let response = client
            .put(&format!("{uri}/store"))
            .body(large.clone())
            .await
            .unwrap();
        assert_eq!(response.code(), Code::CHANGED);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(client.get(&format!("{uri}/store")).await.unwrap().payload() == &large);

        // Who asks for smaller blocks gets them.
        asked.store(0, Ordering::Relaxed);
        let small = client
            .get(&format!("{uri}/large"))
            .block_size(BlockSize::B512);
        assert!(small.await.unwrap().payload() == &large);
        assert_eq!(asked.load(Ordering::Relaxed), 2048);
    }
}

#[tokio::test]
async fn responses_come_in_any_order_on_one_connection() {
    let (_server, uris) = all(routes(Arc::default())).await;
    let client = Client::new().await.unwrap();
    for uri in uris {
        let mut waits = tokio::task::JoinSet::new();
        for millis in [300, 200, 100, 1] {
            let request = client.get(&format!("{uri}/wait/{millis}"));
            waits.spawn(async move { request.await.unwrap().text().unwrap().to_owned() });
        }
        let mut order = Vec::new();
        while let Some(text) = waits.join_next().await {
            order.push(text.unwrap());
        }
        assert_eq!(
            order,
            ["waited 1", "waited 100", "waited 200", "waited 300"]
        );
    }
}

/// What the other end sends: its messages one by one.
struct Raw<S> {
    stream: S,
    bytes: Vec<u8>,
    last: usize,
}

impl<S: AsyncRead + Unpin> Raw<S> {
    const fn new(stream: S) -> Self {
        Self {
            stream,
            bytes: Vec::new(),
            last: 0,
        }
    }

    /// The next message; `None` at the end.
    async fn next(&mut self) -> Option<Message<'_>> {
        self.bytes.drain(..self.last);
        loop {
            match Framer::new(100_000).next(&self.bytes).unwrap() {
                Next::Message { consumed, .. } => {
                    self.last = consumed;
                    break;
                }
                Next::NeedMore(_) => {
                    self.last = 0;
                    let read = self.stream.read_buf(&mut self.bytes);
                    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
                    if !read.expect("nothing comes").is_ok_and(|len| len > 0) {
                        return None;
                    }
                }
            }
        }
        match Framer::new(100_000).next(&self.bytes).unwrap() {
            Next::Message { message, .. } => Some(message),
            Next::NeedMore(_) => None,
        }
    }

    async fn expect(&mut self, code: Code) -> Message<'_> {
        let message = self.next().await.expect("the end");
        assert_eq!(message.code(), code, "{message:?}");
        message
    }
}

async fn raw(address: SocketAddr) -> Raw<TcpStream> {
    let mut raw = Raw::new(TcpStream::connect(address).await.unwrap());
    raw.expect(Code::CSM).await;
    raw
}

#[tokio::test]
async fn the_server_does_the_signaling() {
    let (_server, address) = tcp(routes(Arc::default())).await;
    let mut peer = raw(address).await;
    // CSM, Ping 42, an Empty message, GET /wait/200 with token 7, Ping 43 with custody, GET /none with token 8.
    let sent = b"\x00\xe1\x01\xe2\x42\x00\x00\x91\x01\x07\xb4wait\x03200\x11\xe2\x43\x20\x51\x01\x08\xb4none";
    for piece in sent.chunks(3) {
        peer.stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.expect(Code::PONG).await.token_bytes(), [0x42]);
    assert_eq!(peer.expect(Code::NOT_FOUND).await.token_bytes(), [8]);
    assert_eq!(peer.expect(Code::CONTENT).await.token_bytes(), [7]);
    // Custody waits for what came before it.
    let pong = peer.expect(Code::PONG).await;
    assert_eq!(pong.token_bytes(), [0x43]);
    assert_eq!(pong.options().count(), 1);
    // After a Release the server closes, when it has answered.
    peer.stream
        .write_all(b"\x91\x01\x09\xb4wait\x03100\x00\xe4")
        .await
        .unwrap();
    assert_eq!(peer.expect(Code::CONTENT).await.token_bytes(), [9]);
    assert!(peer.next().await.is_none());
}

#[tokio::test]
async fn the_server_aborts_what_breaks_the_protocol() {
    let (_server, address) = tcp(routes(Arc::default())).await;
    for offence in [
        // No CSM; an unknown critical option in it; a code that is reserved; a message larger than announced; a
        // malformed option.
        &b"\x00\x01"[..],
        b"\x10\xe1\x10",
        b"\x00\xe1\x00\x20",
        b"\x00\xe1\xf0\x00\x10\x00\x00\x45",
        b"\x00\xe1\x10\x01\xf0",
    ] {
        let mut peer = raw(address).await;
        peer.stream.write_all(offence).await.unwrap();
        // More than the server will read, so that a careless end would lose the Abort.
        let _ = peer.stream.write_all(&vec![0x55; 30_000]).await;
        let abort = peer.expect(Code::ABORT).await;
        assert!(!abort.payload().is_empty());
        assert!(peer.next().await.is_none());
    }
}

/// A resource that counts, and tells when it has counted.
fn counter() -> (ServerBuilder, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (seen, slow) = (count.clone(), count.clone());
    let builder = Server::builder()
        .route(
            "/count",
            get_sync(move |_| match seen.load(Ordering::Relaxed) {
                99 => Response::new(Code::NOT_FOUND),
                count => Response::content(count.to_string()),
            })
            .observable(),
        )
        .route(
            "/slow/count",
            get(move |_| {
                let count = slow.clone();
                async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Response::content(count.load(Ordering::Relaxed).to_string())
                }
            })
            .observable(),
        )
        .route(
            "/large",
            get_sync(|_| Response::content(body(100_000))).observable(),
        );
    (builder, count)
}

#[tokio::test]
async fn observers_get_what_changes() {
    let (builder, count) = counter();
    let (server, uris) = all(builder).await;
    let client = Client::new().await.unwrap();
    for uri in uris {
        count.store(0, Ordering::Relaxed);
        for path in ["/count", "/slow/count"] {
            let mut observation = client.observe(&format!("{uri}{path}")).await.unwrap();
            let mut text = async || {
                let next = observation.next().await.unwrap().unwrap();
                next.text().unwrap().to_owned()
            };
            let first: usize = text().await.parse().unwrap();
            // Changes that come quicker than they are told become one, and the last is told.
            for i in 1..=5 {
                count.store(first + i, Ordering::Relaxed);
                server.notify(path);
            }
            server.notify("/other");
            while text().await != (first + 5).to_string() {}
        }
        // A representation of several blocks, the rest of which is asked for.
        let mut observation = client.observe(&format!("{uri}/large")).await.unwrap();
        for _ in 0..2 {
            let next = observation.next().await.unwrap().unwrap();
            assert!(next.payload() == &body(100_000));
            server.notify("/large");
        }
        // An error is the last.
        let mut observation = client.observe(&format!("{uri}/count")).await.unwrap();
        observation.next().await.unwrap().unwrap();
        count.store(99, Ordering::Relaxed);
        server.notify("/count");
        let last = observation.next().await.unwrap().unwrap();
        assert_eq!(last.code(), Code::NOT_FOUND);
        assert!(observation.next().await.is_none());
    }
}

#[tokio::test]
async fn notifications_are_numbered_and_end_when_asked() {
    let (builder, _) = counter();
    let (server, address) = tcp(builder).await;
    let mut peer = raw(address).await;
    // CSM, GET /count with Observe 0 and token 7.
    peer.stream
        .write_all(b"\x00\xe1\x71\x01\x07\x60\x55count")
        .await
        .unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let notification = peer.expect(Code::CONTENT).await;
        assert_eq!(notification.token_bytes(), [7]);
        let number = notification.observe().unwrap();
        assert!(number > last);
        last = number;
        server.notify("/count");
    }
    peer.expect(Code::CONTENT).await;
    // GET /count with Observe 1 and the same token (RFC 8323 §7.4).
    peer.stream
        .write_all(b"\x81\x01\x07\x61\x01\x55count")
        .await
        .unwrap();
    let answer = peer.expect(Code::CONTENT).await;
    assert_eq!(answer.observe(), None);
    server.notify("/count");
    // Who does not want a response gets none (RFC 7967): No-Response 26, then a Ping.
    peer.stream
        .write_all(b"\x91\x01\x08\xb5count\xd1\xea\x1a\x01\xe2\x09")
        .await
        .unwrap();
    assert_eq!(peer.expect(Code::PONG).await.token_bytes(), [9]);
}

#[tokio::test]
async fn a_stopping_server_answers_and_releases() {
    let (server, address) = tcp(routes(Arc::default())).await;
    let mut peer = raw(address).await;
    peer.stream
        .write_all(b"\x00\xe1\x91\x01\x07\xb4wait\x03200\x01\xe2\x42")
        .await
        .unwrap();
    peer.expect(Code::PONG).await;
    let stopping = tokio::spawn(server.shutdown());
    peer.expect(Code::RELEASE).await;
    assert_eq!(peer.expect(Code::CONTENT).await.token_bytes(), [7]);
    drop(peer);
    stopping.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn no_more_requests_are_read_than_may_be_at_work() {
    let most = Arc::new(AtomicUsize::new(0));
    let (counted, now) = (most.clone(), Arc::new(AtomicUsize::new(0)));
    let (_server, address) = tcp(Server::builder().max_stream_requests(10, 3).route(
        "/",
        get(move |_| {
            let (most, now) = (counted.clone(), now.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, Ordering::Relaxed);
                Code::CONTENT
            }
        }),
    ))
    .await;
    let client = Client::new().await.unwrap();
    let uri = format!("coap+tcp://{address}/");
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let request = client.get(&uri);
        requests.spawn(async move { request.await.unwrap().code() });
    }
    while let Some(code) = requests.join_next().await {
        assert_eq!(code.unwrap(), Code::CONTENT);
    }
    assert_eq!(most.load(Ordering::Relaxed), 3);
}

/// A server that speaks in bytes: what it gets from our client.
async fn fake(csm: &[u8]) -> (TcpListener, String, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("coap+tcp://{}", listener.local_addr().unwrap());
    (listener, uri, csm.to_vec())
}

#[tokio::test]
async fn the_client_keeps_to_what_the_server_takes() {
    // Max-Message-Size 600 and nothing about blocks.
    let (listener, uri, csm) = fake(b"\x30\xe1\x22\x02\x58").await;
    let client = Client::new().await.unwrap();
    let put = tokio::spawn(client.put(&format!("{uri}/a")).body(body(1000)).send());
    let mut peer = Raw::new(listener.accept().await.unwrap().0);
    peer.expect(Code::CSM).await;
    peer.stream.write_all(&csm).await.unwrap();
    let request = peer.expect(Code::PUT).await;
    assert_eq!(request.block1().unwrap().unwrap().to_string(), "0/1/256");
    let mut continues = b"\x28\x5f".to_vec();
    continues.extend(request.token_bytes());
    continues.extend(b"\xd1\x0e\x0c");
    continues[0] = 0x38;
    peer.stream.write_all(&continues).await.unwrap();
    let request = peer.expect(Code::PUT).await;
    assert_eq!(request.block1().unwrap().unwrap().to_string(), "1/1/256");
    // The connection ends instead.
    drop(peer);
    assert!(matches!(
        put.await.unwrap(),
        Err(Error::Disconnected | Error::Io(_))
    ));

    // A server that takes much and says nothing of blocks gets the body whole.
    let (listener, uri, csm) = fake(b"\x40\xe1\x23\x01\x00\x00").await;
    let put = tokio::spawn(client.put(&format!("{uri}/a")).body(body(60_000)).send());
    let mut peer = Raw::new(listener.accept().await.unwrap().0);
    peer.stream.write_all(&csm).await.unwrap();
    peer.expect(Code::CSM).await;
    let request = peer.expect(Code::PUT).await;
    assert_eq!(request.payload().len(), 60_000);
    assert_eq!(request.block1(), Ok(None));
    // A request of the server, which the client cannot serve, then the response.
    let mut answer = b"\x01\x01\x66\x08\x44".to_vec();
    answer.extend(request.token_bytes());
    peer.stream.write_all(&answer).await.unwrap();
    assert_eq!(put.await.unwrap().unwrap().code(), Code::CHANGED);
    assert_eq!(
        peer.expect(Code::NOT_IMPLEMENTED).await.token_bytes(),
        [0x66]
    );
    // A client that ends releases the connection, and waits for the server to close it.
    let ending = tokio::spawn(client.shutdown());
    peer.expect(Code::RELEASE).await;
    assert!(!ending.is_finished());
    drop(peer);
    ending.await.unwrap();
}

#[tokio::test]
async fn the_client_aborts_what_breaks_the_protocol_and_connects_anew() {
    let (listener, uri, csm) = fake(b"\x00\xe1").await;
    let client = Client::new().await.unwrap();
    let get = tokio::spawn(client.get(&uri).send());
    let mut peer = Raw::new(listener.accept().await.unwrap().0);
    peer.stream.write_all(&csm).await.unwrap();
    peer.expect(Code::CSM).await;
    peer.expect(Code::GET).await;
    peer.stream
        .write_all(b"\xf0\xff\xff\xff\xff\x45")
        .await
        .unwrap();
    peer.expect(Code::ABORT).await;
    assert!(matches!(
        get.await.unwrap(),
        Err(Error::Protocol(Failure::Frame(FrameError::TooLarge(_))))
    ));
    drop(peer);

    let get = tokio::spawn(client.get(&uri).send());
    let mut peer = Raw::new(listener.accept().await.unwrap().0);
    peer.stream.write_all(&csm).await.unwrap();
    peer.expect(Code::CSM).await;
    let mut answer = b"\x08\x45".to_vec();
    answer.extend(peer.expect(Code::GET).await.token_bytes());
    peer.stream.write_all(&answer).await.unwrap();
    assert_eq!(get.await.unwrap().unwrap().code(), Code::CONTENT);
}

#[tokio::test]
async fn a_stream_of_any_kind_is_a_connection() {
    let (server, _) = tcp(routes(Arc::default())).await;
    let client = Client::new().await.unwrap();
    let uri = "coaps+tcp://example.org/echo/hi";
    assert!(matches!(client.get(uri).await, Err(Error::Scheme(_))));

    let (ours, theirs) = tokio::io::duplex(100);
    let peer = "192.0.2.1:5684".parse().unwrap();
    let serving = tokio::spawn(server.serve_stream(theirs, peer));
    client
        .attach("coaps+tcp://EXAMPLE.org:5684/any", ours)
        .await
        .unwrap();
    let response = client.get(uri).await.unwrap();
    assert_eq!(response.text(), Some("hi None"));
    let put = client
        .put("coaps+tcp://example.org/store")
        .body(body(100_000));
    assert_eq!(put.await.unwrap().code(), Code::CHANGED);
    drop(client);
    serving.await.unwrap();
}

#[cfg(feature = "websocket")]
#[tokio::test]
async fn websockets_need_our_path_and_protocol() {
    let mut server = routes(Arc::default()).build();
    let address = server.listen_websocket("127.0.0.1:0").await.unwrap();
    for (path, protocol, expected) in [
        ("/.well-known/coap", "coap", "101"),
        ("/.well-known/coap", "chat, coap", "101"),
        ("/.well-known/coap", "chat", "400"),
        ("/", "coap", "404"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
        }
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(
            answer.starts_with(&format!("http/1.1 {expected}")),
            "{answer}"
        );
        if expected == "101" {
            // RFC 8323 Figure 9.
            assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="));
            assert!(answer.contains("sec-websocket-protocol: coap\r\n"));
        }
    }
}

#[tokio::test]
async fn connections_are_bounded() {
    let (_server, address) = tcp(routes(Arc::default()).max_stream_requests(1, 1)).await;
    let first = raw(address).await;
    // The second waits until the first has gone.
    let mut second = Raw::new(TcpStream::connect(address).await.unwrap());
    let waiting = tokio::time::timeout(Duration::from_millis(50), second.next()).await;
    assert!(waiting.is_err());
    drop(first);
    second.expect(Code::CSM).await;
}
