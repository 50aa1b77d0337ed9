//! TCP connections for the blocking runner: a thread that connects and reads, one that writes.

use core::net::SocketAddr;
use core::time::Duration;

use hosted::io;
use hosted::io::{Read as _, Write as _};
use hosted::net::{Shutdown, TcpStream, UdpSocket};
use hosted::sync::mpsc::{Receiver, SyncSender, sync_channel};
use hosted::thread;
use hosted::vec::Vec;

use crate::hosted;
use crate::runner::is_passing;
use crate::runner::lines::{Carrier, News, What};

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a write may take, and how often the one that listens looks whether it is still to.
const STALLED: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_secs(1);

/// How many messages wait to be written.
const WAITING: usize = 32;

/// A connection with its two threads, which end with it.
pub(crate) struct Threads(SyncSender<Vec<u8>>);

impl Threads {
    pub(crate) fn start(key: u64, address: SocketAddr, news: SyncSender<News>) -> Self {
        let (sender, writes) = sync_channel(WAITING);
        thread::spawn(move || {
            carry(key, address, &news, writes);
            let _ = news.send(News {
                key,
                what: What::Closed,
            });
        });
        Self(sender)
    }
}

impl Carrier for Threads {
    fn write(&mut self, bytes: Vec<u8>) -> bool {
        self.0.try_send(bytes).is_ok()
    }
}

fn carry(key: u64, address: SocketAddr, news: &SyncSender<News>, writes: Receiver<Vec<u8>>) {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, PATIENCE) else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let _ = stream.set_write_timeout(Some(STALLED));
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let what = What::Connected;
    if news.send(News { key, what }).is_err() {
        return;
    }
    thread::spawn(move || {
        for bytes in writes {
            if writer.write_all(&bytes).is_err() {
                break;
            }
        }
        // Wakes the one that reads.
        let _ = writer.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        let what = What::Bytes(buffer.get(..len).unwrap_or_default().to_vec());
        if news.send(News { key, what }).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Tells what comes at a socket, until nobody wants to know.
pub(crate) fn listen(socket: UdpSocket, news: SyncSender<News>) -> io::Result<()> {
    socket.set_read_timeout(Some(LOOK))?;
    thread::spawn(move || {
        let mut buffer = [0; 3000];
        loop {
            let what = match socket.recv_from(&mut buffer) {
                Ok((len, peer)) => {
                    What::Datagram(peer, buffer.get(..len).unwrap_or_default().to_vec())
                }
                Err(error) if is_passing(&error) => What::Nothing,
                Err(error) => What::Broken(error),
            };
            let over = matches!(what, What::Broken(_));
            if news.send(News { key: 0, what }).is_err() || over {
                break;
            }
        }
    });
    Ok(())
}
