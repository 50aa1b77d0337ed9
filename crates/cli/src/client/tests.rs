use super::*;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

/// A server that gives one answer to one request and returns the head of the request.
fn answer(response: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let lines = BufReader::new(stream.try_clone().expect("a copy")).lines();
        let head: Vec<_> = lines
            .map(|line| line.expect("text"))
            .take_while(|line| !line.is_empty())
            .collect();
        stream.write_all(response.as_bytes()).expect("open");
        head.join("\n")
    });
    (url, server)
}

fn failure(response: &'static str) -> Failure {
    let (url, server) = answer(response);
    let client = Client::new(&url, Some("0123456789abcdef".into())).expect("a client");
    let failure = client.get(&Route::devices()).err().expect("an error");
    server.join().expect("served");
    failure
}

#[test]
fn the_token_goes_along_and_the_answer_comes_back() {
    let (url, server) = answer(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 25\r\n\r\n{\"devices\":[],\"total\": 0}",
    );
    let client =
        Client::new(&format!("{url}/"), Some("0123456789abcdef".into())).expect("a client");
    let list = client.get(&Route::devices()).expect("an answer");
    assert_eq!(
        list.parse::<dunlin_server::api::DeviceList>()
            .expect("a list")
            .total,
        0
    );
    let head = server.join().expect("served").to_ascii_lowercase();
    assert!(head.starts_with("get /api/v1/devices http/1.1"), "{head}");
    assert!(
        head.contains("authorization: bearer 0123456789abcdef"),
        "{head}"
    );
}

#[test]
fn a_problem_becomes_its_sentences() {
    let failure = failure(
        "HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/problem+json\r\nconnection: close\r\n\r\n\
         {\"type\":\"urn:dunlin:problem:refused-by-device\",\"title\":\"Refused by the device\",\"status\":502,\
         \"detail\":\"The device refused Write of /3/0/0.\",\"remedy\":\"Look at \\u001bit.\",\"code\":\"4.05\"}",
    );
    assert_eq!(
        failure.detail,
        "Refused by the device: The device refused Write of /3/0/0."
    );
    assert_eq!(failure.remedy.as_deref(), Some("Look at \u{fffd}it."));
    assert_eq!(failure.code.as_deref(), Some("4.05"));
    assert_eq!(failure.exit_code(), 1);
}

#[test]
fn another_server_is_recognised_as_a_stranger() {
    for response in [
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>Not found</h1>",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<h1>Router</h1>",
        "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n",
    ] {
        assert!(failure(response).detail.contains("is no Dunlin API"));
    }
}

#[test]
fn nobody_there_names_the_address_and_the_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let client = Client::new(&address.to_string(), None).expect("a client");
    let failure = client.get(&Route::devices()).err().expect("an error");
    assert!(
        failure.detail.contains(&format!("http://{address}")),
        "{failure}"
    );
    assert!(
        failure
            .remedy
            .is_some_and(|remedy| remedy.contains("dunlin serve") && remedy.contains("--api"))
    );
}

#[test]
fn urls() {
    for (text, url) in [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        (
            "https://fleet.example/lwm2m/",
            "https://fleet.example/lwm2m",
        ),
    ] {
        assert_eq!(base_url(text).as_deref(), Ok(url));
    }
    for text in [
        "",
        "ftp://host",
        "http://",
        "coap://127.0.0.1:5683",
        "http://a b",
        "http://host/?a=b",
    ] {
        assert!(base_url(text).is_err(), "{text}");
    }
}
