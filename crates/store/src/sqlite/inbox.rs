//! Writes on their way to the writer's thread, which takes them in groups.
//!
//! A channel would wake the writer for each write. Here it says for how many it waits, and is woken once.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::Write;
use crate::error::StoreError;

/// Writes that wait, up to a limit.
pub(super) struct Inbox {
    /// How many writes may wait; what comes then is refused, so that memory has a limit.
    limit: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    writes: VecDeque<Write>,
    /// How many of them are mail.
    mails: usize,
    /// What they count for in a group ([`Write::weight`]).
    weight: usize,
    /// What the writer waits for; `None` while it does not.
    wanted: Option<Wanted>,
    is_closed: bool,
}

/// When a group is worth writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// It has so many mails, or
    pub(super) mails: usize,
    /// it counts for so much.
    pub(super) weight: usize,
}

impl Inbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, waiting: Mutex::default(), changed: Condvar::new() }
    }

    /// Hands in a write. One that is not taken is told why.
    pub(super) fn send(&self, write: Write) {
        let mut waiting = self.waiting();
        let refused = if waiting.is_closed {
            StoreError::Closed
        } else if waiting.writes.len() >= self.limit {
            StoreError::Busy { limit: self.limit }
        } else {
            waiting.push(write);
            let is_enough = waiting.wanted.is_some_and(|wanted| waiting.has(wanted));
            if is_enough {
                waiting.wanted = None;
                drop(waiting);
                self.changed.notify_one();
            }
            return;
        };
        drop(waiting);
        write.fail(refused);
    }

    /// Takes no more writes. The writer gets those that wait, and then `None`.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.changed.notify_one();
    }

    /// Has a writer serve. However it ends, by a panic too, the inbox is closed then and what is left is refused: nobody
    /// waits for an answer that cannot come.
    pub(super) fn serve(&self, writer: impl FnOnce(&Self)) {
        let _closing = Closing(self);
        writer(self);
    }

    /// The next group: waits for a write, then for as many as are wanted, but not longer than `patience`. `None` when the
    /// inbox was closed and is empty.
    pub(super) fn take(&self, wanted: Wanted, patience: Duration) -> Option<Vec<Write>> {
        let first = Wanted { mails: 0, weight: 0 };
        let mut waiting = self.wait(self.waiting(), first, None);
        if waiting.writes.is_empty() {
            return None;
        }
        if !waiting.has(wanted) && !patience.is_zero() {
            waiting = self.wait(waiting, wanted, Some(patience));
        }
        Some(waiting.take(wanted.weight))
    }

    /// Waits until this is there, the inbox is closed, or the time is up.
    #[expect(
        clippy::disallowed_methods,
        reason = "a wait of the disk's thread; policy time has no part in it"
    )]
    fn wait<'a>(
        &self,
        mut waiting: MutexGuard<'a, Waiting>,
        wanted: Wanted,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, Waiting> {
        let since = limit.map(|limit| (std::time::Instant::now(), limit));
        while !waiting.has(wanted) && !waiting.is_closed {
            waiting.wanted = Some(wanted);
            waiting = match since {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some((since, limit)) => {
                    let left = limit.saturating_sub(since.elapsed());
                    if left.is_zero() {
                        break;
                    }
                    self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        waiting.wanted = None;
        waiting
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends an inbox when it is dropped.
struct Closing<'i>(&'i Inbox);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
        let left = self.0.waiting().take(usize::MAX);
        for write in left {
            write.fail(StoreError::Closed);
        }
    }
}

impl Waiting {
    fn push(&mut self, write: Write) {
        self.mails += usize::from(write.is_mail());
        self.weight = self.weight.saturating_add(write.weight());
        self.writes.push_back(write);
    }

    /// Whether there is a write, and as much as is wanted.
    fn has(&self, wanted: Wanted) -> bool {
        !self.writes.is_empty() && (self.mails >= wanted.mails || self.weight >= wanted.weight)
    }

    /// Takes writes in their order until they count for so much.
    fn take(&mut self, weight: usize) -> Vec<Write> {
        let mut group = Vec::with_capacity(self.writes.len());
        let mut taken = 0;
        while taken < weight
            && let Some(write) = self.writes.pop_front()
        {
            self.mails -= usize::from(write.is_mail());
            self.weight = self.weight.saturating_sub(write.weight());
            taken = taken.saturating_add(write.weight());
            group.push(write);
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use bytes::Bytes;

    use super::*;

    const NOW: Wanted = Wanted { mails: 0, weight: 4 };
    /// Longer than any test: what waits so long, waits for ever.
    const EVER: Duration = Duration::from_hours(1);

    fn mail() -> Write {
        Write::Accept { messages: Vec::new(), body: Bytes::new(), done: Box::new(drop) }
    }

    fn commit(weight: u64) -> Write {
        let cursor = |sequence| crate::Change::Cursor { name: String::new(), sequence };
        Write::Commit { changes: (0..weight).map(cursor).collect(), done: Box::new(drop) }
    }

    /// Hands in these writes, and says how many writes each group has.
    fn check(
        writes: impl IntoIterator<Item = Write>,
        wanted: Wanted,
        patience: Duration,
        expected: &[usize],
    ) {
        let inbox = Inbox::new(10);
        for write in writes {
            inbox.send(write);
        }
        let groups: Vec<usize> =
            expected.iter().map(|_| inbox.take(wanted, patience).unwrap().len()).collect();
        assert_eq!(groups, expected);
        inbox.close();
        assert!(inbox.take(wanted, patience).is_none());
    }

    #[test]
    fn a_group_is_full_at_its_weight() {
        check((0..5).map(|_| commit(1)), NOW, EVER, &[4, 1]);
        check([commit(3), commit(1), commit(1)], NOW, EVER, &[2, 1]);
        check([commit(3), commit(9), commit(1)], NOW, EVER, &[2, 1]);
        // One that is larger than a group goes as it is.
        check([commit(9), commit(1)], NOW, EVER, &[1, 1]);
    }

    #[test]
    fn a_group_waits_for_mail_but_not_when_it_is_full_or_patience_is_at_its_end() {
        let two = Wanted { mails: 2, ..NOW };
        check([commit(1), commit(1)], two, Duration::ZERO, &[2]);
        check([commit(1)], two, Duration::from_millis(1), &[1]);
        check([commit(4)], two, EVER, &[1]);

        let inbox = Inbox::new(10);
        std::thread::scope(|scope| {
            let group = scope.spawn(|| inbox.take(two, EVER).unwrap().len());
            for write in [commit(1), mail(), commit(0), mail()] {
                inbox.send(write);
            }
            assert_eq!(group.join().unwrap(), 4);
        });
    }

    #[test]
    fn so_many_may_wait_and_the_rest_is_refused() {
        let (told, outcomes) = mpsc::channel();
        let inbox = Inbox::new(2);
        let send = || {
            let told = told.clone();
            let done = Box::new(move |outcome: Result<_, _>| told.send(outcome.map(drop)).unwrap());
            inbox.send(Write::Commit { changes: Vec::new(), done });
        };
        (0..3).for_each(|_| send());
        assert_eq!(outcomes.try_recv(), Ok(Err(StoreError::Busy { limit: 2 })));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            inbox.serve(|inbox| {
                drop(inbox.take(Wanted { mails: 0, weight: 1 }, EVER));
                panic!("the writer ends");
            });
        }));
        assert!(panic.is_err());
        // Weightless writes are all taken at once; the panic dropped them, and nobody is taken in any more.
        send();
        assert_eq!(outcomes.try_recv(), Ok(Err(StoreError::Closed)));
    }
}
