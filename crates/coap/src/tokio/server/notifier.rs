//! Tells the sockets and connections of a server that resources have changed.

use core::fmt;
use core::task::{Context, Waker};
use std::borrow::ToOwned;
use std::collections::BTreeSet;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::vec::Vec;

/// How many paths wait to be told; when there are more, every resource counts as changed.
const MOST: usize = 1024;

/// Tells a server that its resources have changed, so that observers get the new representation (RFC 7641).
///
/// May be had before the server listens, from [`ServerBuilder::notifier`](super::ServerBuilder::notifier), and be given
/// to the handlers that change things. Clones tell the same server.
#[derive(Clone, Default)]
pub struct Notifier {
    subscribers: Arc<Mutex<Vec<Weak<Changes>>>>,
}

/// What has changed since it was last asked; one for each socket and connection.
#[derive(Default)]
pub(crate) struct Changes(Mutex<State>);

#[derive(Default)]
struct State {
    paths: BTreeSet<String>,
    /// More than were counted.
    all: bool,
    waker: Option<Waker>,
}

/// Paths of resources that have changed.
pub(crate) struct Changed {
    paths: BTreeSet<String>,
    all: bool,
}

impl Notifier {
    /// The resource at this path, such as `/sensors/temp`, has changed: its handler of GET is asked for each observer.
    ///
    /// Returns at once. Changes that come quicker than notifications can be sent become one.
    pub fn notify(&self, path: &str) {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|changes| match changes.upgrade() {
            Some(changes) => {
                changes.add(path);
                true
            }
            None => false,
        });
    }

    pub(super) fn subscribe(&self) -> Arc<Changes> {
        let changes = Arc::new(Changes::default());
        let mut subscribers = lock(&self.subscribers);
        subscribers.retain(|changes| changes.strong_count() > 0);
        subscribers.push(Arc::downgrade(&changes));
        changes
    }
}

impl Changes {
    fn add(&self, path: &str) {
        let mut state = lock(&self.0);
        if state.paths.len() < MOST {
            state.paths.insert(path.to_owned());
        } else if !state.paths.contains(path) {
            state.all = true;
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// What has changed; `None`, and a call to wake up, when nothing has.
    pub(super) fn take(&self, context: &Context<'_>) -> Option<Changed> {
        let mut state = lock(&self.0);
        if state.paths.is_empty() && !state.all {
            if state
                .waker
                .as_ref()
                .is_none_or(|waker| !waker.will_wake(context.waker()))
            {
                state.waker = Some(context.waker().clone());
            }
            return None;
        }
        Some(Changed {
            paths: core::mem::take(&mut state.paths),
            all: core::mem::take(&mut state.all),
        })
    }
}

impl Changed {
    /// Whether this path, without its first slash, is among them.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.all || self.paths.contains(path)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is locked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_become_one_and_are_bounded() {
        let notifier = Notifier::default();
        let changes = notifier.subscribe();
        let context = Context::from_waker(Waker::noop());
        assert!(changes.take(&context).is_none());
        notifier.notify("/a");
        notifier.notify("a");
        let changed = changes.take(&context).unwrap();
        assert_eq!(changed.paths.len(), 1);
        assert!(changed.contains("a") && !changed.contains("b"));
        for i in 0..=MOST {
            notifier.notify(&std::format!("/{i}"));
        }
        let changed = changes.take(&context).unwrap();
        assert_eq!(changed.paths.len(), MOST);
        assert!(changed.contains("anything"));
        assert!(changes.take(&context).is_none());
        drop(changes);
        notifier.notify("/a");
        assert!(lock(&notifier.subscribers).is_empty());
    }
}
