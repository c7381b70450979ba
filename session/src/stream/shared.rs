//! One end of a session, its streams' wakers, and how its owner learns that there is work.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Instant,
};

use tokio::sync::Notify;

use crate::{ClientEnd, Code, End, Event, OpenError, ProviderEnd, Reason, StreamId};

use super::Stream;

/// An end of a session that one owner and many [`Stream`]s share.
///
/// The owner waits for [`changed`](Self::changed), for packets and for the end's timeout. After each
/// it calls the end's `handle_*` under [`lock`](Self::lock), then [`wake`](Self::wake) without the
/// lock, and then sends what `poll_transmit` has.
#[derive(Debug)]
pub struct Shared<E> {
    inner: Mutex<Inner<E>>,
    changed: Notify,
}

#[derive(Debug)]
struct Inner<E> {
    end: E,
    slots: HashMap<StreamId, Slot>,
}

/// What is kept for a stream as long as there is a handle of it, or may be one.
#[derive(Debug, Default)]
struct Slot {
    wakers: Vec<Waker>,
    failed: Option<Reason>,
}

impl Slot {
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

/// The end, locked. Not to be held while anything waits.
#[derive(Debug)]
pub struct Guard<'a, E>(MutexGuard<'a, Inner<E>>);

impl<E> Deref for Guard<'_, E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.0.end
    }
}

impl<E> DerefMut for Guard<'_, E> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.0.end
    }
}

impl<E: End> Shared<E> {
    /// Takes an end.
    #[must_use]
    pub fn new(end: E) -> Arc<Self> {
        let inner = Mutex::new(Inner { end, slots: HashMap::new() });
        Arc::new(Self { inner, changed: Notify::new() })
    }

    /// The end itself. A change that the owner's task does not make is to be followed by
    /// [`touch`](Self::touch).
    pub fn lock(&self) -> Guard<'_, E> {
        Guard(self.inner())
    }

    /// Waits until a stream did something, or somebody called [`touch`](Self::touch): there may be
    /// packets to send, and another timeout. For one waiter.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Lets [`changed`](Self::changed) return.
    pub fn touch(&self) {
        self.changed.notify_one();
    }

    /// To be called by the owner whenever it has fed the end or [`changed`](Self::changed) returned:
    /// takes all events, wakes the streams they concern, and returns those for the owner,
    /// [`Event::Asked`] and [`Event::Closed`].
    pub fn wake(&self) -> Vec<Event> {
        let mut inner = self.inner();
        let Inner { end, slots } = &mut *inner;
        let mut owners = Vec::new();
        while let Some(event) = end.poll_event() {
            match event {
                Event::Asked { stream, .. } => {
                    slots.entry(stream).or_default();
                    owners.push(event);
                }
                Event::Granted(id) | Event::Readable(id) | Event::Writable(id) => {
                    slots.get_mut(&id).into_iter().for_each(Slot::wake);
                }
                Event::Reset(id, reason) => {
                    if let Some(slot) = slots.get_mut(&id) {
                        slot.failed = Some(reason);
                        slot.wake();
                    }
                }
                Event::Ended(_) => {}
                Event::Closed(ref reason) => {
                    for slot in slots.values_mut() {
                        slot.failed.get_or_insert_with(|| reason.clone());
                        slot.wake();
                    }
                    owners.push(event);
                }
            }
        }
        owners
    }

    /// A handle of a stream; there is to be one at most. Streams of a client come from
    /// [`open`](Self::open), a provider's from [`grant`](Self::grant).
    pub fn stream(self: &Arc<Self>, id: StreamId) -> Stream
    where
        E: Send + 'static,
    {
        self.inner().slots.entry(id).or_default();
        Stream::new(Arc::clone(self) as Arc<dyn super::handle::Ends>, id)
    }

    /// Does something with a stream under the lock; `None` means to wait.
    pub(super) fn poll<T>(
        &self,
        id: StreamId,
        waker: &Waker,
        ask: impl FnOnce(&mut E) -> Option<Result<T, Reason>>,
    ) -> Poll<Result<T, Reason>> {
        let mut inner = self.inner();
        let Inner { end, slots } = &mut *inner;
        let Some(slot) = slots.get_mut(&id) else {
            return Poll::Ready(Err(Code::Closed.into()));
        };
        if let Some(reason) = &slot.failed {
            return Poll::Ready(Err(reason.clone()));
        }
        if let Some(done) = ask(end) {
            return Poll::Ready(done);
        }
        if let Some(reason) = end.closed() {
            return Poll::Ready(Err(reason.clone()));
        }
        if !slot.wakers.iter().any(|known| known.will_wake(waker)) {
            // A reader, a writer and one more: tasks that gave up stay until the next event.
            if slot.wakers.len() >= 8 {
                slot.wake();
            }
            slot.wakers.push(waker.clone());
        }
        Poll::Pending
    }

    /// The handle of a stream is gone.
    pub(super) fn forget(&self, id: StreamId, last: impl FnOnce(&mut E)) {
        let mut inner = self.inner();
        inner.slots.remove(&id);
        last(&mut inner.end);
        drop(inner);
        self.touch();
    }

    fn inner(&self) -> MutexGuard<'_, Inner<E>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared<ClientEnd> {
    /// Opens a stream. It may be written to at once.
    pub fn open(
        self: &Arc<Self>,
        service: &str,
        target: &str,
        now: Instant,
    ) -> Result<Stream, OpenError> {
        let id = {
            let mut inner = self.inner();
            let id = inner.end.open(service, target, now)?;
            inner.slots.entry(id).or_default();
            id
        };
        self.touch();
        Ok(self.stream(id))
    }
}

impl<B: Send + 'static> Shared<ProviderEnd<B>> {
    /// Grants a stream that was asked for.
    pub fn grant(self: &Arc<Self>, id: StreamId) -> Stream {
        self.lock().grant(id);
        self.touch();
        self.stream(id)
    }

    /// Refuses a stream that was asked for.
    pub fn refuse(&self, id: StreamId, reason: Reason) {
        self.forget(id, |end| end.refuse(id, reason));
    }
}
