use super::*;

#[test]
fn foreign_messages_are_counted_up_to_a_limit() {
    let mut providers = Providers::try_new(Chance::new(1), vec![]).unwrap();
    let ann = EmailAddress::parse("ann@acme.test").unwrap();
    let most = Providers::MAX_COUNTED as u64;
    for n in 0..most {
        assert_eq!(providers.begin_attempt(QueueId::from_u64(n), &ann), 1);
    }
    assert_eq!(providers.begin_attempt(QueueId::from_u64(0), &ann), 2);
    assert_eq!(providers.begin_attempt(QueueId::from_u64(most), &ann), 1);
    assert_eq!(providers.counted.len(), Providers::MAX_COUNTED);
    // The one that made room starts again.
    assert_eq!(providers.begin_attempt(QueueId::from_u64(0), &ann), 1);
}

#[test]
fn an_announced_attempt_counts_for_its_recipient_only() {
    let mut providers = Providers::try_new(Chance::new(1), vec![]).unwrap();
    let [ann, bob] = ["ann", "bob"].map(|name| EmailAddress::parse(&format!("{name}@acme.test")).unwrap());
    let message = QueueId::from_u64(7);
    providers.resolve(message, &ann, 5);
    assert_eq!(providers.begin_attempt(message, &ann), 5);
    assert_eq!(providers.begin_attempt(message, &ann), 5);
    assert_eq!(providers.begin_attempt(message, &bob), 1);
    providers.forget(message);
    assert_eq!(providers.begin_attempt(message, &ann), 1);
}
