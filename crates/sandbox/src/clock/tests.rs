use super::*;
use tokio_util::sync::CancellationToken;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

struct Driven {
    clock: Clock,
    stop: CancellationToken,
    driver: tokio::task::JoinSet<()>,
}

impl Driven {
    fn new(mode: ClockMode) -> Self {
        let clock = Clock::new(mode, at(0), Duration::ZERO);
        let stop = CancellationToken::new();
        let mut driver = tokio::task::JoinSet::new();
        driver.spawn(clock.clone().drive(stop.clone(), |_| async {}));
        Self { clock, stop, driver }
    }

    async fn end(mut self) {
        self.stop.cancel();
        while self.driver.join_next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_frozen_clock_stops_at_every_due_instant() {
    let mut driven = Driven::new(ClockMode::Frozen);
    let clock = driven.clock.clone();
    let source = clock.source("queue");
    source.set_deadline(Some(at(10)));
    let worker = clock.clone();
    driven.driver.spawn(async move {
        let mut seen = Vec::new();
        for next in [Some(at(25)), Some(at(40)), None] {
            let token = source.due().await;
            seen.push(worker.now().as_seconds());
            // Work that goes on after the source was served holds the instant too.
            let under_way = worker.hold("work");
            source.set_deadline(next);
            drop(token);
            tokio::task::yield_now().await;
            assert_eq!(worker.now().as_seconds(), *seen.last().unwrap());
            drop(under_way);
        }
        assert_eq!(seen, [10, 25, 40]);
    });
    let first = clock.advance(Duration::from_secs(30)).await.unwrap();
    assert_eq!((first.to, first.instants, first.next_due), (at(30), 2, Some(at(40))));
    let second = clock.step(5).await.unwrap();
    assert_eq!((second.to, second.instants, second.next_due), (at(40), 1, None));
    assert_eq!(clock.advance_to(at(50)).await.unwrap().to, at(50));
    driven.end().await;
}

#[tokio::test]
async fn forward_only_and_one_at_a_time() {
    let driven = Driven::new(ClockMode::Frozen);
    let clock = driven.clock.clone();
    clock.advance_to(at(100)).await.unwrap();
    let backwards = clock.advance_to(at(99)).await;
    assert_eq!(backwards, Err(ClockError::Backwards { asked: at(99), now: at(100) }));

    let token = clock.hold("smtp session");
    assert_eq!(clock.status().holders, [("smtp session", 1)]);
    let (first, second) = tokio::join!(clock.advance(Duration::from_secs(1)), async {
        tokio::task::yield_now().await;
        let busy = clock.step(1).await;
        drop(token);
        busy
    });
    assert_eq!(first.unwrap().to, at(101));
    assert_eq!(second, Err(ClockError::Busy));
    driven.end().await;
}

#[tokio::test]
async fn an_auto_clock_jumps_and_cannot_be_advanced() {
    let driven = Driven::new(ClockMode::Auto);
    let clock = driven.clock.clone();
    let source = clock.source("queue");
    source.set_deadline(Some(at(302_400)));
    let token = source.due().await;
    assert_eq!(clock.now(), at(302_400));
    drop(token);
    assert_eq!(clock.step(1).await, Err(ClockError::NotFrozen(ClockMode::Auto)));
    driven.end().await;
}

#[tokio::test]
async fn timers_share_one_source() {
    let mut driven = Driven::new(ClockMode::Frozen);
    let clock = driven.clock.clone();
    let timers = Timers::new(&clock, "latency");
    driven.driver.spawn(timers.clone().run(driven.stop.clone()));
    for seconds in [30, 10, 20, 10] {
        let (timers, clock) = (timers.clone(), clock.clone());
        let token = clock.hold("attempt");
        driven.driver.spawn(async move {
            let token = timers.at(at(seconds), token).await;
            assert_eq!(clock.now(), at(seconds));
            assert!(token.is_some());
        });
    }
    assert_eq!(clock.advance(Duration::from_mins(1)).await.unwrap().instants, 3);
    // Whoever still waits at the end is told.
    let late = timers.at(at(100), clock.hold("attempt"));
    driven.stop.cancel();
    assert!(late.await.is_none());
    driven.end().await;
}

#[tokio::test]
async fn a_deadline_in_the_past_is_due_at_once() {
    let driven = Driven::new(ClockMode::Frozen);
    let source = driven.clock.source("queue");
    source.set_deadline(Some(at(-5)));
    drop(source.due().await);
    assert_eq!(driven.clock.now(), at(0));
    driven.end().await;
}

#[tokio::test]
async fn a_scaled_clock_runs_by_itself() {
    let driven = Driven::new(ClockMode::Scaled(1_000_000.0));
    let source = driven.clock.source("queue");
    source.set_deadline(Some(at(1_000)));
    drop(source.due().await);
    assert!(driven.clock.now() >= at(1_000));
    driven.end().await;
}
