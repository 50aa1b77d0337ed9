//! The store's own thread, with group commit.

use std::sync::mpsc as blocking;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::shard::Ticket;
use crate::{Change, Snapshot, StartError, Store};

/// How many changes one commit holds at most.
const BATCH: usize = 4096;

/// What became of the changes with these tickets.
pub(super) type Done = (Vec<Ticket>, Result<(), String>);

/// The way to the store's thread.
///
/// The channels have no bound of their own: the shard bounds what it has given and not got back.
pub(super) struct Storing {
    changes: blocking::Sender<(Ticket, Change)>,
    done: mpsc::UnboundedReceiver<Done>,
}

impl Storing {
    /// Hands a change over.
    pub(super) fn store(&self, ticket: Ticket, change: Change) {
        // The thread ends only after this sender, or by a panic in the store: then nobody is answered any more, and
        // `done` tells it.
        let _ = self.changes.send((ticket, change));
    }

    /// What has been stored since; `None` when the thread is gone.
    pub(super) async fn done(&mut self) -> Option<Done> {
        self.done.recv().await
    }

    /// Lets the thread store what it has, and waits for its end.
    pub(super) async fn finish(self) {
        let Self { changes, mut done } = self;
        drop(changes);
        while let Some((tickets, result)) = done.recv().await {
            if let Err(reason) = result {
                tracing::warn!(changes = tickets.len(), %reason, "the last changes are not stored");
            }
        }
    }
}

/// Starts the thread and loads what is kept.
pub(super) async fn start(mut store: Box<dyn Store>) -> Result<(Storing, Snapshot), StartError> {
    let (changes, waiting) = blocking::channel::<(Ticket, Change)>();
    let (report, done) = mpsc::unbounded_channel();
    let (loaded, snapshot) = oneshot::channel();
    thread::Builder::new()
        .name("dunlin-store".to_owned())
        .spawn(move || {
            let snapshot = store.load();
            let failed = snapshot.is_err();
            if loaded.send(snapshot).is_err() || failed {
                return;
            }
            run(&mut *store, &waiting, &report);
            // Whoever waits for the end of the reports finds the store closed.
            drop(store);
            drop(report);
        })
        .map_err(StartError::Thread)?;
    match snapshot.await {
        Ok(snapshot) => Ok((Storing { changes, done }, snapshot?)),
        Err(_) => {
            Err(crate::StoreError::Other("the store's thread has panicked".to_owned()).into())
        }
    }
}

fn run(
    store: &mut dyn Store,
    waiting: &blocking::Receiver<(Ticket, Change)>,
    report: &mpsc::UnboundedSender<Done>,
) {
    while let Ok(first) = waiting.recv() {
        let (tickets, changes): (Vec<_>, Vec<_>) = core::iter::once(first)
            .chain(waiting.try_iter())
            .take(BATCH)
            .unzip();
        let result = store.commit(&changes).map_err(|error| error.to_string());
        // Nobody listens any more only when the manager is gone; what waits is stored all the same.
        let _ = report.send((tickets, result));
    }
}
