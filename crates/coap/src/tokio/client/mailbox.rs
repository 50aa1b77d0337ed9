//! Notifications on their way to who observes.

use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::driver::Inbound;
use crate::tokio::Error;

/// How many notifications wait. The newest matter: an older one gives way.
const MOST: usize = 16;

/// A queue that never makes its sender wait.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Result<Inbound, Error>>,
    waker: Option<Waker>,
    closed: bool,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a notification.
    pub(super) fn push(&self, inbound: Result<Inbound, Error>) {
        let mut state = self.lock();
        if state.waiting.len() >= MOST {
            state.waiting.pop_front();
        }
        state.waiting.push_back(inbound);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Tells that nothing will follow.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// The next notification; `None` after the last.
    pub(super) fn poll_next(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Inbound, Error>>> {
        let mut state = self.lock();
        if let Some(inbound) = state.waiting.pop_front() {
            return Poll::Ready(Some(inbound));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
