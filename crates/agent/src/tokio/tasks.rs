//! TCP connections for the runner on tokio: a task each.

use core::net::SocketAddr;
use core::time::Duration;

use ::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use ::tokio::net::TcpStream;
use ::tokio::sync::mpsc::{Receiver, Sender, channel};
use ::tokio::time::timeout;
use hosted::vec::Vec;

use crate::hosted;
use crate::runner::lines::{Carrier, News, What};

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a write may take.
const STALLED: Duration = Duration::from_secs(30);

/// How many messages wait to be written.
const WAITING: usize = 32;

/// A connection with its task, which ends with it.
pub(crate) struct Task(Sender<Vec<u8>>);

impl Task {
    pub(crate) fn start(key: u64, address: SocketAddr, news: Sender<News>) -> Self {
        let (sender, writes) = channel(WAITING);
        ::tokio::spawn(async move {
            carry(key, address, &news, writes).await;
            let what = What::Closed;
            let _ = news.send(News { key, what }).await;
        });
        Self(sender)
    }
}

impl Carrier for Task {
    fn write(&mut self, bytes: Vec<u8>) -> bool {
        self.0.try_send(bytes).is_ok()
    }
}

async fn carry(key: u64, address: SocketAddr, news: &Sender<News>, mut writes: Receiver<Vec<u8>>) {
    let Ok(Ok(mut stream)) = timeout(PATIENCE, TcpStream::connect(address)).await else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let what = What::Connected;
    if news.send(News { key, what }).await.is_err() {
        return;
    }
    let (mut reader, mut writer) = stream.split();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(len @ 1..) = reader.read(&mut buffer).await {
            let what = What::Bytes(buffer.get(..len).unwrap_or_default().to_vec());
            if news.send(News { key, what }).await.is_err() {
                break;
            }
        }
    };
    let writing = async {
        while let Some(bytes) = writes.recv().await {
            if !matches!(timeout(STALLED, writer.write_all(&bytes)).await, Ok(Ok(()))) {
                break;
            }
        }
        let _ = writer.shutdown().await;
    };
    ::tokio::select! {
        () = reading => {}
        () = writing => {}
    }
}
