//! Going through a stream of events until it ends, the caller has enough, or Ctrl-C.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::client::{EventStream, Received};
use crate::failure::Failure;
use crate::stop::Signals;

/// How many events wait while the terminal is slow.
const WAITING: usize = 256;

/// A stream of events that Ctrl-C ends, from the making of this on.
pub(crate) struct Watch {
    runtime: Runtime,
    signals: Signals,
    events: EventStream,
}

impl Watch {
    /// Takes Ctrl-C over.
    pub(crate) fn new(events: EventStream) -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::new(format!("Cannot wait for events: {error}."));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(cannot)?;
        let signals = {
            let _inside = runtime.enter();
            Signals::new().map_err(cannot)?
        };
        Ok(Self {
            runtime,
            signals,
            events,
        })
    }

    /// Hands every event to `handle` until that says `false`, or until Ctrl-C, which is a proper end.
    pub(crate) fn each(
        self,
        mut handle: impl FnMut(Received) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let Self {
            runtime,
            mut signals,
            mut events,
        } = self;
        let (sender, mut receiver) = mpsc::channel(WAITING);
        // The thread ends with the process: it sits in a read that nothing else can end.
        std::thread::spawn(move || {
            loop {
                let next = events.next().transpose();
                let last = !matches!(next, Some(Ok(_)));
                if sender.blocking_send(next).is_err() || last {
                    return;
                }
            }
        });
        runtime.block_on(async {
            loop {
                let next = tokio::select! {
                    () = signals.next() => return Ok(()),
                    next = receiver.recv() => next.flatten(),
                };
                match next {
                    Some(Ok(event)) => {
                        if !handle(event)? {
                            return Ok(());
                        }
                    }
                    Some(Err(error)) => {
                        return Err(closed(&format!("The stream of events broke: {error}.")));
                    }
                    None => return Err(closed("The manager has closed the stream of events.")),
                }
            }
        })
    }
}

fn closed(what: &str) -> Failure {
    Failure::new(what).remedy("Try again when the manager runs.")
}
