//! The back-ends agree: whatever is done to both, they answer alike.

use crate::common::*;
use bytes::Bytes;
use emta_mail::{EventKind, QueueId};
use emta_store::{
    Change, Durability, InboundId, InboundRow, MessageFilter, MessageRow, MessageStatus, NewInbound, Options,
    QueueChange, Record, Store, copy_id,
};
use proptest::prelude::*;

/// One thing to do.
#[derive(Clone, Debug)]
enum Step {
    Accept { candidates: Vec<u64>, second: i64 },
    Commit(Vec<Small>),
}

/// One change.
#[derive(Clone, Debug)]
enum Small {
    Event { message: QueueId, second: i64, kind: u8, queue: u8 },
    Inbound { number: u64, second: i64 },
    Delete { number: u64 },
    Cursor { name: u8, sequence: u64 },
    Put { key: u8, value: u8 },
    Remove { key: u8 },
    Append { journal: u8, entry: u8 },
}

fn candidate() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, Just(u64::MAX)]
}

fn message() -> impl Strategy<Value = QueueId> {
    prop_oneof![
        20 => candidate().prop_map(id),
        3 => (candidate(), 1..3u64).prop_map(|(candidate, n)| copy_id(id(candidate), n)),
    ]
}

fn small() -> impl Strategy<Value = Small> {
    prop_oneof![
        8 => (message(), 0..50i64, 0..8u8, 0..3u8)
            .prop_map(|(message, second, kind, queue)| Small::Event { message, second, kind, queue }),
        2 => (0..4u64, 0..50i64).prop_map(|(number, second)| Small::Inbound { number, second }),
        1 => (0..4u64).prop_map(|number| Small::Delete { number }),
        1 => (0..2u8, 0..9u64).prop_map(|(name, sequence)| Small::Cursor { name, sequence }),
        1 => (0..4u8, any::<u8>()).prop_map(|(key, value)| Small::Put { key, value }),
        1 => (0..4u8).prop_map(|key| Small::Remove { key }),
        1 => (0..2u8, any::<u8>()).prop_map(|(journal, entry)| Small::Append { journal, entry }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (prop::collection::vec(candidate(), 0..4), 0..20i64)
            .prop_map(|(candidates, second)| Step::Accept { candidates, second }),
        2 => prop::collection::vec(small(), 0..5).prop_map(Step::Commit),
    ]
}

impl Small {
    fn change(&self) -> Change {
        match *self {
            Self::Event { message, second, kind, queue } => {
                let number = u32::from(kind) + 1;
                let attempt = attempt(number, "421 4.3.2 later");
                let (next_attempt, verdict) = (at(second + 60), verdict());
                let kind = match kind {
                    0 => EventKind::Deferred { attempt, verdict, next_attempt },
                    1 => EventKind::Delivered { attempt },
                    2 => EventKind::Bounced { attempt, verdict },
                    3 => EventKind::Expired { attempt, verdict },
                    4 => EventKind::Opened,
                    5 => EventKind::Clicked { url: "https://www.example.com/".to_owned() },
                    6 => EventKind::AutoReply(report("r")),
                    _ => EventKind::Complaint(report("")),
                };
                let rescheduled = QueueChange::Rescheduled { due: next_attempt, attempts: number };
                let queue = match (queue, &kind) {
                    (0, EventKind::Deferred { .. }) => rescheduled,
                    (
                        0,
                        EventKind::Delivered { .. } | EventKind::Bounced { .. } | EventKind::Expired { .. },
                    ) => QueueChange::Finished,
                    // Both refuse an event that cannot mean this.
                    (1, EventKind::Opened) => rescheduled,
                    _ => QueueChange::None,
                };
                change(Record { event: event(message, second, kind), queue })
            }
            Self::Inbound { number, second } => Change::Inbound(Box::new(NewInbound {
                id: InboundId::from_u64(number),
                received_at: at(second),
                raw: Bytes::from(second.to_string()),
                kind: "text".to_owned(),
                message_id: String::new(),
                subject: String::new(),
                results: vec![],
            })),
            Self::Delete { number } => Change::Delete(InboundId::from_u64(number)),
            Self::Cursor { name, sequence } => Change::Cursor { name: name.to_string(), sequence },
            Self::Put { key, value } => Change::Put {
                namespace: "n".to_owned(),
                key: key.to_string(),
                value: Bytes::from(vec![value]),
            },
            Self::Remove { key } => Change::Remove { namespace: "n".to_owned(), key: key.to_string() },
            Self::Append { journal, entry } => {
                Change::Append { journal: journal.to_string(), entry: Bytes::from(vec![entry]) }
            }
        }
    }
}

/// Does a step and says what came of it.
fn perform(store: &Store, step: &Step) -> String {
    match step {
        Step::Accept { candidates, second } => {
            let new = |candidate: &u64| {
                let mut new = new_message(*candidate, &format!("r{candidate}@bigmail.example"));
                new.accepted_at = at(*second);
                new.origin.delivery = candidate.is_multiple_of(2).then(|| "even".to_owned());
                new
            };
            let body = Bytes::from(format!("{step:?}"));
            format!("{:?}", store.accept_wait(candidates.iter().map(new).collect(), body))
        }
        Step::Commit(changes) => {
            format!("{:?}", store.commit_wait(changes.iter().map(Small::change).collect()))
        }
    }
}

/// Everything that a store can be asked.
fn told(store: &Store) -> Vec<String> {
    let mut told = Vec::new();
    store.for_each_queued(|row| told.push(format!("{row:?}"))).unwrap();
    let mut delivered = Vec::new();
    store.for_each_delivered(|row| delivered.push(format!("{row:?}"))).unwrap();
    delivered.sort();
    told.extend(delivered);
    let filters = [
        MessageFilter::default(),
        MessageFilter { recipient: Some("R1@bigmail.example".to_owned()), ..MessageFilter::default() },
        MessageFilter { delivery: Some("even".to_owned()), ..MessageFilter::default() },
        MessageFilter { status: Some(MessageStatus::Delivered), ..MessageFilter::default() },
    ];
    for filter in &filters {
        let all = store.messages(filter, None, 100).unwrap();
        let after = all.first().map(MessageRow::cursor);
        told.push(format!("{:?}", store.messages(filter, after, 2).unwrap()));
        for row in &all {
            told.push(format!("{:?}", store.body(row.id).unwrap()));
            told.push(format!("{:?}", store.events_of(row.id, 100).unwrap()));
        }
    }
    let ordered = store.events_ordered(None, 100).unwrap();
    let after = ordered.first().map(|row| row.event.order());
    told.push(format!("{:?} {:?}", ordered, store.events_ordered(after, 3).unwrap()));
    told.push(format!("{:?} {:?}", store.events_after(2, 4).unwrap(), store.last_sequence().unwrap()));
    let mailbox = store.mailbox(None, 100).unwrap();
    let after = mailbox.first().map(InboundRow::cursor);
    told.push(format!("{:?} {:?}", mailbox, store.mailbox(after, 1).unwrap()));
    told.push(format!("{:?}", store.inbound_counts().unwrap()));
    for name in ["0", "1"] {
        told.push(format!(
            "{:?} {:?}",
            store.cursor(name).unwrap(),
            store.journal_after(name, 0, 100).unwrap()
        ));
    }
    told.push(format!("{:?}", store.values("n", Some("0"), 100).unwrap()));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn memory_and_disk_tell_the_same_story(steps in prop::collection::vec(step(), 1..25)) {
        let memory = Store::memory();
        let options = Options { durability: Durability::None, ..small_segments() };
        let (dir, disk) = on_disk(options.clone());
        for step in &steps {
            prop_assert_eq!(perform(&memory, step), perform(&disk, step));
        }
        prop_assert_eq!(told(&memory), told(&disk));
        drop(disk);
        prop_assert_eq!(told(&memory), told(&Store::open(dir.path(), options).unwrap()));
    }
}
