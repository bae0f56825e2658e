//! Segments on their own.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::error::StoreError;

fn writer(dir: &Path, size: u64, end: End) -> Writer {
    Writer::open(Arc::new(Machine), dir, size, true, end).unwrap()
}

fn reader_of(dir: &Path) -> Reader {
    Reader::new(Arc::new(Machine), dir)
}

const START: End = End { segment: 1, offset: 0 };

#[test]
fn a_segment_is_full_at_its_size_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    // Two records of 16 + 84 octets fill it exactly.
    let mut writer = writer(dir.path(), 200, START);
    let places: Vec<_> = (0..3).map(|n| writer.append(n, &[b'x'; 84]).unwrap()).collect();
    writer.sync().unwrap();
    let found: Vec<_> = places.iter().map(|p| (p.segment, p.offset)).collect();
    assert_eq!(found, [(1, 0), (1, 100), (2, 0)]);
    // A body that is larger than a segment has one of its own.
    let large = writer.append(3, &[b'y'; 500]).unwrap();
    let next = writer.append(4, b"z").unwrap();
    writer.sync().unwrap();
    assert_eq!((large.segment, next.segment), (3, 4));
    assert_eq!(reader_of(dir.path()).read(large).unwrap().unwrap(), Bytes::from(vec![b'y'; 500]));
}

#[test]
fn what_is_torn_behind_the_end_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = writer(dir.path(), 1 << 20, START);
    let kept = first.append(1, b"kept").unwrap();
    first.sync().unwrap();
    let end = first.end();
    first.append(2, b"never committed").unwrap();
    first.sync().unwrap();
    drop(first);

    let mut second = writer(dir.path(), 1 << 20, end);
    let new = second.append(3, b"new").unwrap();
    second.sync().unwrap();
    let reader = reader_of(dir.path());
    assert_eq!(reader.read(kept).unwrap().unwrap(), "kept");
    assert_eq!(reader.read(new).unwrap().unwrap(), "new");
}

#[test]
fn damage_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(dir.path(), 1 << 20, START);
    let place = writer.append(1, b"hello").unwrap();
    writer.sync().unwrap();
    let file = path(dir.path(), 1);
    let good = std::fs::read(&file).unwrap();
    for broken in 0..HEADER + 5 {
        let mut bytes = good.clone();
        bytes[broken] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let outcome = reader_of(dir.path()).read(place);
        assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "octet {broken}: {outcome:?}");
    }
    std::fs::write(&file, &good[..HEADER + 4]).unwrap();
    assert!(matches!(reader_of(dir.path()).read(place), Err(StoreError::Corrupt { .. })));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(reader_of(dir.path()).read(place).unwrap(), None);
}

#[test]
fn so_many_segments_stay_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(dir.path(), 1, START);
    let places: Vec<_> =
        (0..=reader::OPEN_SEGMENTS as u64).map(|n| writer.append(n, &n.to_le_bytes()).unwrap()).collect();
    writer.sync().unwrap();
    let reader = reader_of(dir.path());
    let open: Vec<_> = (places.iter())
        .map(|place| {
            assert!(reader.read(*place).unwrap().is_some());
            reader.open_segments()
        })
        .collect();
    assert_eq!(open.iter().max(), Some(&reader::OPEN_SEGMENTS));
    assert_eq!(open.last(), Some(&1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_body_is_read_back(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..20),
                               size in 1u64..1000) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = writer(dir.path(), size, START);
        let places: Vec<_> = bodies.iter().enumerate().map(|(n, body)| writer.append(n as u64, body).unwrap()).collect();
        writer.sync().unwrap();
        let reader = reader_of(dir.path());
        for (place, body) in places.iter().zip(&bodies) {
            prop_assert_eq!(reader.read(*place).unwrap().unwrap(), Bytes::from(body.clone()));
        }
    }
}
