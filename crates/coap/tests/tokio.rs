//! Client and server on tokio, over the loopback.
#![cfg(feature = "tokio")]

use core::time::Duration;
use std::sync::{Arc, Mutex};

use dunlin_coap::block::BlockSize;
use dunlin_coap::tokio::{
    Client, Error, Response, Server, ServerBuilder, delete_sync, get, get_sync, post_sync,
    put_sync, put_upload,
};
use dunlin_coap::{Code, OptionNumber};

/// A body of which each part looks different.
fn body(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| u8::try_from(i * 7 % 251).unwrap())
        .collect()
}

async fn serve(builder: ServerBuilder) -> (Server, Client, String) {
    let server = builder.listen("127.0.0.1:0").await.unwrap();
    let uri = format!("coap://{}", server.local_address());
    (server, Client::new().await.unwrap(), uri)
}

#[tokio::test]
async fn methods_and_paths() {
    let stored = Arc::new(Mutex::new(b"old".to_vec()));
    let (read, write) = (stored.clone(), stored);
    let (_server, client, uri) = serve(
        Server::builder()
            .route(
                "/value",
                get_sync(move |_| Response::content(read.lock().unwrap().clone()))
                    .put_sync(move |request| {
                        *write.lock().unwrap() = request.payload().to_vec();
                        Code::CHANGED
                    })
                    .resource_type("value")
                    .content_format(0),
            )
            .route(
                "/rooms/{room}/{*rest}",
                get_sync(|request| {
                    let room = request.parameter("room").unwrap_or_default();
                    let rest: Vec<&str> = request.rest().collect();
                    let unit = request.argument("u").unwrap_or("none");
                    format!("{room} {rest:?} {unit}")
                })
                .delete_sync(|_| Response::deleted()),
            )
            .route(
                "/new",
                post_sync(|_| Response::created().with_location("/new/1")),
            )
            .route("/gone", delete_sync(|_| Code::DELETED)),
    )
    .await;
    let uri = |path: &str| format!("{uri}{path}");

    let response = client.get(&uri("/value")).await.unwrap();
    assert_eq!(
        (response.code(), response.text()),
        (Code::CONTENT, Some("old"))
    );
    let response = client.put(&uri("/value")).body("new").await.unwrap();
    assert_eq!(response.code(), Code::CHANGED);
    let response = client.get(&uri("/value")).accept(0).await.unwrap();
    assert_eq!(response.text(), Some("new"));

    let response = client.get(&uri("/rooms/k%C3%BCche/a/b?u=c")).await.unwrap();
    assert_eq!(response.text(), Some("küche [\"a\", \"b\"] c"));
    assert_eq!(response.content_format(), Some(0));
    let response = client.post(&uri("/new")).await.unwrap();
    assert_eq!(response.code(), Code::CREATED);
    assert_eq!(response.location().as_deref(), Some("/new/1"));

    for (request, code) in [
        (client.get(&uri("/nothing")), Code::NOT_FOUND),
        (client.get(&uri("/gone")), Code::METHOD_NOT_ALLOWED),
        (client.get(&uri("/value")).accept(60), Code::NOT_ACCEPTABLE),
        // The handler of this one has not said what it offers.
        (
            client.get(&uri("/rooms/1")).accept(60),
            Code::NOT_ACCEPTABLE,
        ),
        (
            client.get(&uri("/value")).option(OptionNumber(2049), b"x"),
            Code::BAD_OPTION,
        ),
        (client.put(&uri("/value")).if_match(b"e"), Code::BAD_OPTION),
        (
            client
                .get(&uri("/value"))
                .option(OptionNumber::PROXY_URI, b"coap://x/"),
            Code::PROXYING_NOT_SUPPORTED,
        ),
        (client.get(&uri("/value")).non_confirmable(), Code::CONTENT),
        (
            client.delete(&uri("/gone")).non_confirmable(),
            Code::DELETED,
        ),
    ] {
        let response = request.await.unwrap();
        assert_eq!(response.code(), code, "{response:?}");
    }

    let response = client.get(&uri("/.well-known/core")).await.unwrap();
    assert_eq!(response.content_format(), Some(40));
    assert_eq!(
        response.text(),
        Some("</value>;rt=\"value\";ct=0,</new>,</gone>")
    );
    let response = client
        .get(&uri("/.well-known/core?rt=value"))
        .await
        .unwrap();
    assert_eq!(response.text(), Some("</value>;rt=\"value\";ct=0"));
}

#[tokio::test]
async fn long_bodies_both_ways() {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let (read, write) = (stored.clone(), stored.clone());
    let (_server, client, uri) = serve(
        Server::builder().max_body(100_000).route(
            "/long",
            get_sync(move |_| Response::content(read.lock().unwrap().clone()).with_etag(b"1"))
                .put_sync(move |request| {
                    *write.lock().unwrap() = request.payload().to_vec();
                    Code::CHANGED
                }),
        ),
    )
    .await;
    let uri = format!("{uri}/long");
    for len in [0, 1, 1023, 1024, 1025, 2048, 70_001] {
        let sent = body(len);
        let response = client.put(&uri).body(sent.clone()).await.unwrap();
        assert_eq!(response.code(), Code::CHANGED, "{len}");
        assert_eq!(*stored.lock().unwrap(), sent, "{len}");
        let response = client.get(&uri).await.unwrap();
        assert_eq!(response.payload(), &sent, "{len}");
        let response = client.get(&uri).block_size(BlockSize::B64).await.unwrap();
        assert_eq!(response.payload(), &sent, "{len}");
    }

    // The same from a reader, and part by part.
    let sent = body(30_000);
    let source = std::io::Cursor::new(sent.clone());
    let request = client.put(&uri).body_from(source, sent.len());
    let response = request.block_size(BlockSize::B256).await.unwrap();
    assert_eq!(response.code(), Code::CHANGED);
    assert_eq!(*stored.lock().unwrap(), sent);
    let mut download = client.get(&uri).download().await.unwrap();
    assert_eq!(download.response().code(), Code::CONTENT);
    let mut taken = Vec::new();
    while let Some(part) = download.next().await.unwrap() {
        taken.extend_from_slice(&part);
    }
    assert_eq!(taken, sent);

    let response = client.put(&uri).body(body(100_001)).await.unwrap();
    assert_eq!(response.code(), Code::REQUEST_ENTITY_TOO_LARGE);
    let request = client.get(&uri).max_response(29_999);
    assert!(matches!(request.await, Err(Error::Receive(_))));
}

#[tokio::test]
async fn uploads_are_streamed() {
    let (_server, client, uri) = serve(Server::builder().route(
        "/firmware",
        put_upload(|request, mut upload| async move {
            let most = request.argument("most").and_then(|text| text.parse().ok());
            let mut taken = Vec::new();
            while let Some(part) = upload.next().await? {
                assert!(part.len() <= 1024);
                taken.extend_from_slice(&part);
                if most.is_some_and(|most| taken.len() > most) {
                    return Ok(Response::new(Code::REQUEST_ENTITY_TOO_LARGE));
                }
            }
            assert_eq!(taken, body(taken.len()));
            Ok::<_, dunlin_coap::tokio::UploadAborted>(Response::content(format!(
                "{} bytes",
                taken.len()
            )))
        }),
    ))
    .await;
    for len in [0, 10, 1024, 5000, 200_000] {
        let uri = format!("{uri}/firmware");
        let response = client.put(&uri).body(body(len)).await.unwrap();
        assert_eq!(response.text(), Some(&*format!("{len} bytes")));
    }
    let uri = format!("{uri}/firmware?most=3000");
    let response = client.put(&uri).body(body(5000)).await.unwrap();
    assert_eq!(response.code(), Code::REQUEST_ENTITY_TOO_LARGE);
}

#[tokio::test]
async fn slow_handlers_answer_separately() {
    let (server, client, uri) = serve(
        Server::builder()
            .acknowledge_after(Duration::from_millis(20))
            .handler_timeout(Duration::from_millis(400))
            .max_tasks(1)
            .route(
                "/slow/{millis}",
                get(|request| async move {
                    let millis = request.parameter("millis").unwrap().parse().unwrap();
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    Response::content("done")
                }),
            )
            .route("/quick", get(|_| async { "quick" }))
            .route(
                "/panics",
                get(|_| async { panic!("on purpose") as Response }),
            )
            .route(
                "/panics/now",
                put_sync(|_| panic!("on purpose") as Response),
            ),
    )
    .await;
    for millis in [1, 120] {
        for request in [
            client.get(&format!("{uri}/slow/{millis}")),
            client
                .get(&format!("{uri}/slow/{millis}"))
                .non_confirmable(),
        ] {
            assert_eq!(request.await.unwrap().text(), Some("done"));
        }
    }
    assert_eq!(
        client.get(&format!("{uri}/quick")).await.unwrap().text(),
        Some("quick")
    );
    let response = client.get(&format!("{uri}/slow/100000")).await.unwrap();
    assert_eq!(response.code(), Code::SERVICE_UNAVAILABLE);
    for request in [
        client.get(&format!("{uri}/panics")),
        client.put(&format!("{uri}/panics/now")),
    ] {
        assert_eq!(request.await.unwrap().code(), Code::INTERNAL_SERVER_ERROR);
    }

    // One task is at work: another has no place.
    let other = Client::new().await.unwrap();
    let slow = format!("{uri}/slow/200");
    let (first, second) = tokio::join!(client.get(&slow), other.get(&slow));
    let mut codes = [first.unwrap().code(), second.unwrap().code()];
    codes.sort();
    assert_eq!(codes, [Code::CONTENT, Code::SERVICE_UNAVAILABLE]);

    // A response under way is waited for.
    let request = tokio::spawn(client.get(&slow).send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.shutdown().await;
    assert_eq!(request.await.unwrap().unwrap().text(), Some("done"));
}

#[tokio::test]
async fn nobody_answers() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("coap://{}/x", socket.local_addr().unwrap());
    let client = Client::builder()
        .parameters(dunlin_coap::Parameters {
            ack_timeout: dunlin_coap::time::Duration::from_millis(100),
            max_retransmit: 2,
            ..dunlin_coap::Parameters::DEFAULT
        })
        .build()
        .await
        .unwrap();
    assert!(matches!(client.get(&uri).await, Err(Error::NoAnswer)));
    // The request, and the same bytes again; the last time only where no timer was late, as nothing is sent after
    // MAX_TRANSMIT_SPAN.
    let mut first = [0; 64];
    let len = socket.recv(&mut first).await.unwrap();
    let mut retransmissions = 0;
    let mut again = [0; 64];
    while let Ok(length) = socket.try_recv(&mut again) {
        assert_eq!((length, again), (len, first));
        retransmissions += 1;
    }
    assert!((1..=2).contains(&retransmissions), "{retransmissions}");

    let request = client.get(&uri).non_confirmable();
    let result = request.timeout(Duration::from_millis(20)).await;
    assert!(matches!(result, Err(Error::TimedOut)));
    for wrong in [
        "http://h/",
        "coaps://127.0.0.1/",
        "coap://no.such.name.invalid/",
    ] {
        assert!(client.get(wrong).await.is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn workers_share_a_port() {
    let (_server, _, uri) =
        serve(Server::builder().workers(4).route("/x", get_sync(|_| "x"))).await;
    let uri = format!("{uri}/x");
    let mut clients = Vec::new();
    for _ in 0..16 {
        clients.push(Client::new().await.unwrap());
    }
    for client in clients {
        assert_eq!(client.get(&uri).await.unwrap().text(), Some("x"));
    }
}

#[tokio::test]
async fn observers_are_notified() {
    let builder = Server::builder();
    let notifier = builder.notifier();
    let value = Arc::new(Mutex::new(Some(body(10))));
    let (read, slow) = (value.clone(), value.clone());
    let represent = |value: &Mutex<Option<Vec<u8>>>| match &*value.lock().unwrap() {
        Some(value) => Response::content(value.clone()),
        None => Response::new(Code::NOT_FOUND),
    };
    let (server, client, uri) = serve(
        builder
            .route("/value", get_sync(move |_| represent(&read)).observable())
            .route(
                "/later/value",
                get(move |_| {
                    let value = slow.clone();
                    async move {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        represent(&value)
                    }
                })
                .observable(),
            )
            .route("/fixed", get_sync(|_| "fixed")),
    )
    .await;
    let result = client.observe(&format!("{uri}/fixed")).await;
    assert!(matches!(result, Err(Error::NotObservable)));
    let result = client.observe(&format!("{uri}/none")).await;
    assert!(matches!(result, Err(Error::Refused(Code::NOT_FOUND))));

    for path in ["/value", "/later/value"] {
        *value.lock().unwrap() = Some(body(10));
        let mut observation = client.observe(&format!("{uri}{path}")).await.unwrap();
        let first = observation.next().await.unwrap().unwrap();
        assert_eq!(first.payload(), &body(10));
        // Also one that does not fit into a message.
        for len in [20, 0, 5000, 30] {
            *value.lock().unwrap() = Some(body(len));
            notifier.notify("/unrelated");
            server.notify(path);
            let next = observation.next().await.unwrap().unwrap();
            assert_eq!(next.payload(), &body(len), "{path}");
        }
        // Another that goes away is no loss to the first.
        drop(client.observe(&format!("{uri}{path}")).await.unwrap());
        *value.lock().unwrap() = None;
        notifier.notify(path);
        let last = observation.next().await.unwrap().unwrap();
        assert_eq!(last.code(), Code::NOT_FOUND);
        assert!(observation.next().await.is_none());
    }
    server.shutdown().await;
}

/// A peer that writes its own messages.
struct Raw(tokio::net::UdpSocket);

impl Raw {
    async fn new(server: &Server) -> Self {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server.local_address()).await.unwrap();
        Self(socket)
    }

    async fn send(&self, bytes: &[u8]) {
        self.0.send(bytes).await.unwrap();
    }

    async fn receive(&self) -> Vec<u8> {
        let mut bytes = [0; 2048];
        let receive = self.0.recv(&mut bytes);
        let len = tokio::time::timeout(Duration::from_secs(10), receive).await;
        bytes[..len.expect("an answer").unwrap()].to_vec()
    }

    /// Sends a message and takes what comes next.
    async fn ask(&self, bytes: &[u8]) -> Vec<u8> {
        self.send(bytes).await;
        self.receive().await
    }
}

#[tokio::test]
async fn messages_by_hand() {
    let count = Arc::new(Mutex::new(0));
    let (server, _, _) = serve(
        Server::builder()
            .acknowledge_after(Duration::from_millis(10))
            .route(
                "/n",
                put_sync(move |_| {
                    *count.lock().unwrap() += 1;
                    Response::changed().with_payload(count.lock().unwrap().to_string())
                }),
            )
            .route("/g", get_sync(|_| "g"))
            .route(
                "/s",
                get(|_| async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    "s"
                }),
            ),
    )
    .await;
    let raw = Raw::new(&server).await;
    // A ping, a malformed message, a response that nobody wants.
    assert_eq!(raw.ask(b"\x40\x00\x00\x01").await, b"\x70\x00\x00\x01");
    assert_eq!(raw.ask(b"\x40\x01\x00\x02\xff").await, b"\x70\x00\x00\x02");
    assert_eq!(raw.ask(b"\x40\x45\x00\x03").await, b"\x70\x00\x00\x03");

    // A duplicate has the answer of the first and no effect; another message has its own.
    for id in [4, 4, 5] {
        let answer = raw.ask(&[0x40, 3, 0, id, 0xb1, b'n']).await;
        assert_eq!(answer, [0x60, 0x44, 0, id, 0xff, b'1' + id - 4]);
    }
    // One that is Non-confirmable is not answered again.
    raw.send(b"\x50\x03\x00\x06\xb1n").await;
    raw.send(b"\x50\x03\x00\x06\xb1n").await;
    let answer = raw.receive().await;
    assert_eq!((answer[0], &answer[4..]), (0x50, &b"\xff3"[..]));
    let answer = raw.ask(b"\x40\x03\x00\x07\xb1n").await;
    assert_eq!(&answer[4..], b"\xff4");

    // RFC 8974: a token of 13 + 3 bytes comes back whole.
    let mut request = b"\x4d\x01\x00\x08\x03".to_vec();
    request.extend_from_slice(&[7; 16]);
    request.extend_from_slice(b"\xb1g");
    let mut wanted = b"\x6d\x45\x00\x08\x03".to_vec();
    wanted.extend_from_slice(&[7; 16]);
    wanted.extend_from_slice(b"\xc0\xffg");
    assert_eq!(raw.ask(&request).await, wanted);

    // RFC 7967: who wants no 2.xx gets the Acknowledgement alone; the options are Uri-Path and No-Response 2.
    let answer = raw.ask(b"\x40\x03\x00\x09\xb1n\xd1\xea\x02").await;
    assert_eq!(answer, b"\x60\x00\x00\x09");

    // A separate response: acknowledged, a duplicate too, then sent until it is acknowledged.
    let slow = b"\x41\x01\x00\x0a\x55\xb1s";
    assert_eq!(raw.ask(slow).await, b"\x60\x00\x00\x0a");
    assert_eq!(raw.ask(slow).await, b"\x60\x00\x00\x0a");
    let response = raw.receive().await;
    assert_eq!((response[0], response[1]), (0x41, 0x45));
    assert_eq!(&response[4..], b"\x55\xc0\xffs");
    let again = raw.receive().await;
    assert_eq!(again, response);
    raw.send(&[0x60, 0, response[2], response[3]]).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_reset_ends_an_observation() {
    let (server, _, _) =
        serve(Server::builder().route("/g", get_sync(|_| Response::content("g")).observable()))
            .await;
    let raw = Raw::new(&server).await;
    // GET with Observe 0.
    let answer = raw.ask(b"\x41\x01\x00\x01\x55\x60\x51g").await;
    assert_eq!((answer[0], answer[1]), (0x61, 0x45));
    for _ in 0..2 {
        server.notify("/g");
        let notification = raw.receive().await;
        assert_eq!((notification[0], notification[1]), (0x41, 0x45));
        raw.send(&[0x60, 0, notification[2], notification[3]]).await;
    }
    server.notify("/g");
    let notification = raw.receive().await;
    raw.send(&[0x70, 0, notification[2], notification[3]]).await;
    // A ping is answered after the Reset was taken, so that a notification would come before the next.
    raw.ask(b"\x40\x00\x00\x02").await;
    server.notify("/g");
    raw.ask(b"\x40\x00\x00\x03").await;
    assert_eq!(raw.ask(b"\x40\x00\x00\x04").await, b"\x70\x00\x00\x04");
}

#[tokio::test]
async fn a_long_response_to_a_post_is_made_once() {
    let count = Arc::new(Mutex::new(0));
    let (made, posted) = (count.clone(), Arc::new(Mutex::new(Vec::new())));
    let last = posted.clone();
    let (_server, client, uri) = serve(Server::builder().route(
        "/p",
        post_sync(move |request| {
            *made.lock().unwrap() += 1;
            *posted.lock().unwrap() = request.payload().to_vec();
            Response::changed().with_payload(body(5000))
        }),
    ))
    .await;
    let uri = format!("{uri}/p");
    for len in [3, 3000] {
        let response = client.post(&uri).body(body(len)).await.unwrap();
        assert_eq!(response.payload(), &body(5000));
        assert_eq!(*last.lock().unwrap(), body(len));
    }
    assert_eq!(*count.lock().unwrap(), 2);
}

#[tokio::test]
async fn addresses_are_validated_when_told() {
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    let (server, client, uri) = serve(
        Server::builder()
            .validate_addresses()
            .route("/short", get_sync(|_| "short"))
            .route("/long", get_sync(|_| Response::content(body(5000))))
            .route(
                "/put",
                put_sync(move |request| {
                    *counted.lock().unwrap() += 1;
                    assert_eq!(request.payload(), body(3000));
                    Code::CHANGED
                }),
            ),
    )
    .await;
    // Our client sends back what it gets.
    let response = client.get(&format!("{uri}/long")).await.unwrap();
    assert_eq!(response.payload(), &body(5000));
    let response = client
        .put(&format!("{uri}/put"))
        .body(body(3000))
        .await
        .unwrap();
    assert_eq!(response.code(), Code::CHANGED);
    assert_eq!(*count.lock().unwrap(), 1);

    let raw = Raw::new(&server).await;
    let answer = raw.ask(b"\x40\x01\x00\x01\xb5short").await;
    assert_eq!(answer[1], 0x45);
    let challenge = raw.ask(b"\x40\x01\x00\x02\xb4long").await;
    assert_eq!((challenge[0], challenge[1]), (0x60, 0x81));
    // Its only option is Echo, 252, of 12 bytes; it goes behind Uri-Path.
    assert_eq!(challenge[4..6], [0xdc, 252 - 13]);
    let mut request = b"\x40\x01\x00\x03\xb4long\xdc\xe4".to_vec();
    request.extend_from_slice(&challenge[6..18]);
    assert_eq!(raw.ask(&request).await[1], 0x45);
    // It is of no use to another.
    request[3] = 4;
    let other = Raw::new(&server).await;
    assert_eq!(other.ask(&request).await[1], 0x81);
}
