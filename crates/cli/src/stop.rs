//! When to stop: Ctrl-C, or what a service manager sends.

use std::io;

use tokio::sync::watch;

/// Turns true at the first SIGINT or SIGTERM. A second one ends the program at once, for when an orderly end hangs.
pub(crate) fn on_signal() -> io::Result<watch::Receiver<bool>> {
    let (stop, stopping) = watch::channel(false);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping");
        stop.send_replace(true);
        signals.next().await;
        std::process::exit(130);
    });
    Ok(stopping)
}

/// Waits until `stopping` turns true.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        // The sender is gone without a word: nobody will ever say stop.
        core::future::pending::<()>().await;
    }
}

/// SIGINT and SIGTERM, heard from the making on.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Hears them from now on; needs a tokio runtime.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on the other systems")]
    /// Hears them from now on; needs a tokio runtime.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
