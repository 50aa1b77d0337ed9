//! A scripted device: raw CoAP on a UDP socket, with a script instead of objects.

use core::net::SocketAddr;
use std::sync::Arc;

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_manager::Manager;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const TEXT: u16 = 0;
const LINK_FORMAT: u16 = 40;
pub(crate) const TLV: u16 = 11542;

/// What the device answers.
pub(crate) struct Reply {
    code: Code,
    format: Option<u16>,
    payload: Vec<u8>,
    location: Vec<String>,
}

impl Reply {
    pub(crate) fn code(code: Code) -> Self {
        Self {
            code,
            format: None,
            payload: Vec::new(),
            location: Vec::new(),
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self {
            format: Some(TEXT),
            payload: text.into(),
            ..Self::code(Code::CONTENT)
        }
    }

    pub(crate) fn links(text: &str) -> Self {
        Self {
            format: Some(LINK_FORMAT),
            payload: text.into(),
            ..Self::code(Code::CONTENT)
        }
    }

    pub(crate) fn bytes(format: u16, payload: &[u8]) -> Self {
        Self {
            format: Some(format),
            payload: payload.into(),
            ..Self::code(Code::CONTENT)
        }
    }

    pub(crate) fn created(location: &[&str]) -> Self {
        Self {
            location: location.iter().map(ToString::to_string).collect(),
            ..Self::code(Code::CREATED)
        }
    }
}

/// A request as the script sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Method and path, such as `GET /3/0/0`.
    pub(crate) what: String,
    pub(crate) query: Vec<String>,
    pub(crate) observe: Option<u32>,
    pub(crate) accept: Option<u16>,
    pub(crate) format: Option<u16>,
    pub(crate) payload: Vec<u8>,
    /// The token, for notifications.
    pub(crate) token: Token,
}

/// A registered device. Its requests come out of `asked` in their order.
pub(crate) struct Device {
    pub(crate) asked: mpsc::UnboundedReceiver<Asked>,
    socket: Arc<UdpSocket>,
    manager: SocketAddr,
    location: Vec<String>,
    task: JoinHandle<()>,
}

impl Device {
    /// Registers and then answers by the script; `None` is silence.
    pub(crate) async fn register(
        manager: &Manager,
        endpoint: &str,
        links: &str,
        script: impl Fn(&str) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let manager = manager.local_addresses()[0];
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a socket"));
        let mut buffer = [0; 1500];
        let mut message = builder(&mut buffer, Type::Confirmable, Code::POST, 1);
        let endpoint = format!("ep={endpoint}");
        message.path(["rd"]).content_format(LINK_FORMAT);
        message
            .query([endpoint.as_str(), "lt=300", "lwm2m=1.1", "b=U"])
            .payload(links.as_bytes());
        let answer = exchange(&socket, manager, message.finish().expect("a message")).await;
        let answer = Message::parse(&answer).expect("a message");
        assert_eq!(answer.code(), Code::CREATED);
        let location = answer
            .location_path()
            .map(|part| String::from_utf8(part.to_vec()).expect("text"))
            .collect();
        let (send, asked) = mpsc::unbounded_channel();
        let task = tokio::spawn(answer_all(Arc::clone(&socket), manager, send, script));
        Self {
            asked,
            socket,
            manager,
            location,
            task,
        }
    }

    /// Sends a notification of a text to the observation with this token.
    pub(crate) async fn notify(&self, token: Token, sequence: u32, text: &str) {
        let mut buffer = [0; 1500];
        let mut message = MessageBuilder::new(
            &mut buffer,
            Type::NonConfirmable,
            Code::CONTENT,
            MessageId(1000_u16.wrapping_add(u16::try_from(sequence).expect("small"))),
            token,
        );
        message
            .observe(sequence)
            .content_format(TEXT)
            .payload(text.as_bytes());
        let bytes = message.finish().expect("a message");
        self.socket
            .send_to(bytes, self.manager)
            .await
            .expect("sent");
    }

    /// De-registers.
    pub(crate) async fn leave(self) {
        self.task.abort();
        let _ = self.task.await;
        let mut buffer = [0; 1500];
        let mut message = builder(&mut buffer, Type::Confirmable, Code::DELETE, 2);
        message.path(&self.location);
        let answer = exchange(
            &self.socket,
            self.manager,
            message.finish().expect("a message"),
        )
        .await;
        assert_eq!(
            Message::parse(&answer).expect("a message").code(),
            Code::DELETED
        );
    }
}

fn builder(buffer: &mut [u8], kind: Type, code: Code, id: u16) -> MessageBuilder<'_> {
    MessageBuilder::new(
        buffer,
        kind,
        code,
        MessageId(id),
        Token::new(&[7]).expect("a token"),
    )
}

async fn exchange(socket: &UdpSocket, manager: SocketAddr, request: &[u8]) -> Vec<u8> {
    socket.send_to(request, manager).await.expect("sent");
    let mut buffer = [0; 1500];
    loop {
        let (length, _) = socket.recv_from(&mut buffer).await.expect("an answer");
        let answer = Message::parse(&buffer[..length]).expect("a message");
        if answer.code().is_response() {
            return buffer[..length].to_vec();
        }
    }
}

async fn answer_all(
    socket: Arc<UdpSocket>,
    manager: SocketAddr,
    asked: mpsc::UnboundedSender<Asked>,
    script: impl Fn(&str) -> Option<Reply>,
) {
    let mut buffer = [0; 1500];
    loop {
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else {
            return;
        };
        let Ok(request) = Message::parse(&buffer[..length]) else {
            continue;
        };
        if !request.code().is_request() {
            continue;
        }
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).expect("text");
        let path: Vec<_> = request.uri_path().map(text).collect();
        let what = format!(
            "{} /{}",
            request.code().name().unwrap_or("?"),
            path.join("/")
        );
        let _ = asked.send(Asked {
            what: what.clone(),
            query: request.uri_query().map(text).collect(),
            observe: request.observe(),
            accept: request.accept(),
            format: request.content_format(),
            payload: request.payload().to_vec(),
            token: request.token(),
        });
        let Some(reply) = script(&what) else { continue };
        let mut out = [0; 1500];
        let mut answer = MessageBuilder::new(
            &mut out,
            Type::Acknowledgement,
            reply.code,
            request.id(),
            request.token(),
        );
        if request.observe() == Some(0) && reply.code == Code::CONTENT {
            answer.observe(1);
        }
        if !reply.location.is_empty() {
            answer.location_path(&reply.location);
        }
        if let Some(format) = reply.format {
            answer.content_format(format);
        }
        let bytes = answer.payload(&reply.payload).finish().expect("an answer");
        socket.send_to(bytes, manager).await.expect("sent");
    }
}
