//! Threads that share the work of one step after another.
//!
//! A simulation has thousands of short steps. Threads that were started anew for each cost as much as a small
//! simulation itself: so these live as long as the run, and are handed a step at a time.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};

/// Some threads, and the work that they do for each number of a step: whoever is free takes the next number.
pub(super) struct Crew<'scope, Input, Output, Work> {
    /// Numbers of a step, from 0.
    count: usize,
    work: &'scope Work,
    /// All threads but the one that owns this.
    hands: Vec<Hand<'scope, Input, Output>>,
}

struct Hand<'scope, Input, Output> {
    steps: Sender<Step<Input>>,
    done: Receiver<Vec<Output>>,
    thread: ScopedJoinHandle<'scope, ()>,
}

struct Step<Input> {
    input: Input,
    /// The first number that nobody has taken.
    next: Arc<AtomicUsize>,
}

impl<'scope, Input, Output, Work> Crew<'scope, Input, Output, Work>
where
    Input: Copy + Send + 'scope,
    Output: Send + 'scope,
    Work: Fn(usize, Input) -> Output + Sync,
{
    /// So many threads, the calling one among them, that do `work` for each number below `count`.
    pub(super) fn new<'env>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        count: usize,
        work: &'scope Work,
    ) -> Self {
        let hand = |_| {
            let (steps, to_do) = channel();
            let (finished, done) = channel();
            let thread = scope.spawn(move || {
                // Ends when the crew is gone.
                for step in to_do {
                    if finished.send(take(count, work, &step)).is_err() {
                        return;
                    }
                }
            });
            Hand { steps, done, thread }
        };
        Self { count, work, hands: (1..threads).map(hand).collect() }
    }

    /// Does a step, with something else that this thread does first. Results come in any order.
    ///
    /// # Panics
    /// When the work of another thread did.
    pub(super) fn step<Other>(
        &mut self,
        input: Input,
        beside: impl FnOnce() -> Other,
    ) -> (Vec<Output>, Other) {
        let step = Step { input, next: Arc::new(AtomicUsize::new(0)) };
        for hand in &self.hands {
            // A thread that is gone has panicked, which is seen below.
            let _ = hand.steps.send(Step { input, next: Arc::clone(&step.next) });
        }
        let other = beside();
        let mut results = take(self.count, self.work, &step);
        for number in 0..self.hands.len() {
            match self.hands.get(number).map(|hand| hand.done.recv()) {
                Some(Ok(done)) => results.extend(done),
                // It has panicked: nothing else ends it before the crew is gone.
                Some(Err(_)) => {
                    if let Err(panic) = self.hands.swap_remove(number).thread.join() {
                        resume_unwind(panic);
                    }
                }
                None => {}
            }
        }
        (results, other)
    }
}

/// Does what of a step nobody else does.
fn take<Input: Copy, Output>(
    count: usize,
    work: impl Fn(usize, Input) -> Output,
    step: &Step<Input>,
) -> Vec<Output> {
    let next = || Some(step.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count);
    std::iter::from_fn(next).map(|number| work(number, step.input)).collect()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    #[test]
    fn each_number_of_each_step_is_done_once() {
        for threads in [1, 2, 5] {
            let work = |number: usize, input: usize| (input, number);
            thread::scope(|scope| {
                let mut crew = Crew::new(scope, threads, 7, &work);
                for step in 0..50 {
                    let (mut done, beside) = crew.step(step, || step + 1);
                    done.sort_unstable();
                    assert_eq!(done, (0..7).map(|number| (step, number)).collect::<Vec<_>>());
                    assert_eq!(beside, step + 1);
                }
            });
        }
    }

    #[test]
    fn a_panic_of_any_thread_ends_the_step() {
        for threads in [1, 4] {
            let work = |number: usize, bad: usize| assert_ne!(number, bad, "the bad one");
            let run = || {
                thread::scope(|scope| {
                    let mut crew = Crew::new(scope, threads, 8, &work);
                    crew.step(99, || ());
                    crew.step(5, || ());
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{threads} threads");
        }
    }
}
