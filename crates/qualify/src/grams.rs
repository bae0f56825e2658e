//! Where the literals of a rule set stand in a text.
//!
//! Thousands of literals make tens of megabytes of automaton, and then each octet of a text waits for memory. Here
//! each literal is known by one gram: six of its octets (three if it has fewer), those that the fewest others have.
//! The grams of a text are looked up in tables of a few kilobytes, and only where one is known are the literals
//! that have it compared.

use std::collections::HashMap;

/// Octets of a gram.
const LONG: usize = 6;
/// Octets of a gram of literals that are shorter than [`LONG`].
const SHORT: usize = 3;
/// Bits of a hash of a [`LONG`] gram: a table of 16 KiB, of which thousands of grams take few places.
const LONG_BITS: u32 = 17;
/// Bits of a hash of a [`SHORT`] gram, of which there are few.
const SHORT_BITS: u32 = 14;

/// The shortest literal that is found, in octets.
pub(crate) const MIN_LITERAL: usize = SHORT;
/// The longest that is, in octets.
pub(crate) const MAX_LITERAL: usize = 24;

/// Up to [`MAX_LITERAL`] octets, eight in a word, zeros behind them.
type Octets = [u64; MAX_LITERAL / 8];

/// Literals to be looked for in texts, numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Literals {
    long: Table<{ words(LONG_BITS) }>,
    short: Table<{ words(SHORT_BITS) }>,
    /// By length, the octets of an entry that count.
    masks: [Octets; MAX_LITERAL + 1],
}

/// Literals by the hash of a gram of theirs.
#[derive(Clone, Debug)]
struct Table<const WORDS: usize> {
    /// A bit for each hash that there is.
    known: Box<[u64; WORDS]>,
    /// How many bits are set in the words before each.
    before: Box<[u32; WORDS]>,
    /// For each bit that is set where its entries begin, and at last where they end.
    begins: Vec<u32>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    octets: Octets,
    literal: u32,
    /// Where the gram begins in the literal.
    offset: u8,
    len: u8,
}

/// A literal in a text, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) literal: u32,
    pub(crate) start: u32,
}

/// The memory of a search, to be used again by the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The text in lower case, and zeros to read beyond its end.
    lower: Vec<u8>,
    /// Where known grams of either length may begin; longer than what is used of it.
    spots: [Vec<u32>; 2],
}

impl Literals {
    /// From literals whose ASCII letters are in lower case; those shorter than [`MIN_LITERAL`] or longer than
    /// [`MAX_LITERAL`] are not found.
    pub(crate) fn new(words: &[&str]) -> Self {
        let mut uses: HashMap<u64, u32> = HashMap::new();
        for gram in words.iter().flat_map(|word| grams(word.as_bytes())) {
            *uses.entry(gram).or_default() += 1;
        }
        let entry = |(literal, word): (u32, &&str)| {
            let rarest = (0..).zip(grams(word.as_bytes())).min_by_key(|(_, gram)| uses.get(gram).copied());
            let (offset, gram) = rarest.filter(|_| word.len() <= MAX_LITERAL)?;
            let octets = packed(word.bytes());
            Some((gram, Entry { octets, literal, offset, len: word.len() as u8 }))
        };
        let entries = |is_long: bool| {
            let words = (0..).zip(words).filter(|(_, word)| (word.len() >= LONG) == is_long);
            words.filter_map(entry).collect()
        };
        Self {
            long: Table::new(entries(true)),
            short: Table::new(entries(false)),
            masks: std::array::from_fn(|len| packed(std::iter::repeat_n(u8::MAX, len))),
        }
    }

    /// Fills `hits` with each literal that is in the text, ASCII letters in upper or lower case: once for each place, in
    /// no order. One that ends in NUL octets may be told at the end of the text without them.
    pub(crate) fn find(&self, text: &str, memory: &mut Memory, hits: &mut Vec<Hit>) {
        let Memory { lower, spots: [long, short] } = memory;
        lower.clear();
        lower.extend_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        lower.extend_from_slice(&[0; MAX_LITERAL]);
        if long.len() < text.len() {
            long.resize(text.len(), 0);
            short.resize(text.len(), 0);
        }
        let (long, short) = (long.as_mut_slice(), short.as_mut_slice());
        // Nothing here depends on what is found, so that the processor need not guess it.
        let (mut longs, mut shorts) = (0, 0);
        for (at, window) in (0..text.len() as u32).zip(lower.array_windows()) {
            let window = u64::from_le_bytes(*window);
            if let (Some(long), Some(short)) = (long.get_mut(longs), short.get_mut(shorts)) {
                (*long, *short) = (at, at);
            }
            longs += self.long.knows(first(window, LONG));
            shorts += self.short.knows(first(window, SHORT));
        }
        hits.clear();
        let mut count = 0;
        let mut compare = |entry: &Entry, at: u32| {
            let start = at.wrapping_sub(u32::from(entry.offset));
            let hit = Hit { literal: entry.literal, start };
            match hits.get_mut(count) {
                Some(slot) => *slot = hit,
                None => hits.push(hit),
            }
            count += usize::from(self.is_at(entry, start, lower));
        };
        for at in long.iter().take(longs) {
            self.long.entries(first(window(lower, *at), LONG)).iter().for_each(|entry| compare(entry, *at));
        }
        for at in short.iter().take(shorts) {
            self.short.entries(first(window(lower, *at), SHORT)).iter().for_each(|entry| compare(entry, *at));
        }
        hits.truncate(count);
    }

    fn is_at(&self, entry: &Entry, start: u32, lower: &[u8]) -> bool {
        let there = lower.get(start as usize..).and_then(<[u8]>::first_chunk::<MAX_LITERAL>);
        let (Some(there), Some(mask)) = (there, self.masks.get(usize::from(entry.len))) else { return false };
        let (words, _) = there.as_chunks();
        let differs =
            |(n, octets): (usize, &[u8; 8])| (u64::from_le_bytes(*octets) & mask[n]) ^ entry.octets[n];
        words.iter().enumerate().map(differs).fold(0, std::ops::BitOr::bitor) == 0
    }
}

impl<const WORDS: usize> Table<WORDS> {
    fn new(entries: Vec<(u64, Entry)>) -> Self {
        let hash = |(gram, entry): (u64, Entry)| (Self::hash(gram), entry);
        let mut hashed: Vec<(usize, Entry)> = entries.into_iter().map(hash).collect();
        hashed.sort_by_key(|(hash, entry)| (*hash, entry.literal));
        let mut known = Box::new([0_u64; WORDS]);
        let mut begins = Vec::new();
        for (at, (hash, _)) in (0..).zip(&hashed) {
            let bit = 1 << (hash % 64);
            if known[hash / 64] & bit == 0 {
                known[hash / 64] |= bit;
                begins.push(at);
            }
        }
        begins.push(hashed.len() as u32);
        let mut before = Box::new([0; WORDS]);
        let mut sum = 0;
        for (before, word) in before.iter_mut().zip(known.iter()) {
            *before = sum;
            sum += word.count_ones();
        }
        Self { known, before, begins, entries: hashed.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Below the number of bits in [`Table::known`].
    fn hash(gram: u64) -> usize {
        let bits = WORDS.trailing_zeros() + 6;
        (gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    /// 1 if a literal may have this gram, otherwise 0.
    fn knows(&self, gram: u64) -> usize {
        let hash = Self::hash(gram);
        (self.known[hash / 64 % WORDS] >> (hash % 64) & 1) as usize
    }

    /// Those with a gram of the same hash, which is known.
    fn entries(&self, gram: u64) -> &[Entry] {
        let hash = Self::hash(gram);
        let below = self.known[hash / 64 % WORDS] & ((1 << (hash % 64)) - 1);
        let rank = self.before[hash / 64 % WORDS] + below.count_ones();
        match self.begins.get(rank as usize..) {
            Some([begin, end, ..]) => self.entries.get(*begin as usize..*end as usize).unwrap_or_default(),
            Some(_) | None => &[],
        }
    }
}

/// Words of 64 bits for hashes of so many.
const fn words(bits: u32) -> usize {
    1 << (bits - 6)
}

/// The octets of a text from a place on.
fn window(lower: &[u8], at: u32) -> u64 {
    let octets = lower.get(at as usize..).and_then(<[u8]>::first_chunk).copied();
    u64::from_le_bytes(octets.unwrap_or_default())
}

/// The grams of a literal, of which any will do.
fn grams(word: &[u8]) -> impl Iterator<Item = u64> {
    let gram = if word.len() < LONG { SHORT } else { LONG };
    word.windows(gram).map(|octets| packed::<1>(octets.iter().copied())[0])
}

/// The first octets of a window.
fn first(window: u64, octets: usize) -> u64 {
    window & (u64::MAX >> (64 - 8 * octets))
}

fn packed<const N: usize>(octets: impl Iterator<Item = u8>) -> [u64; N] {
    let mut words = [[0; 8]; N];
    for (to, octet) in words.as_flattened_mut().iter_mut().zip(octets) {
        *to = octet;
    }
    words.map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        Literals::new(words).find(text, &mut Memory::default(), &mut hits);
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    /// At every place of the text, with nothing but a comparison.
    fn naive(words: &[&str], text: &str) -> Vec<Hit> {
        let lower = text.to_ascii_lowercase();
        let is_there = |word: &str, start: usize| lower.as_bytes()[start..].starts_with(word.as_bytes());
        let places = |(literal, word): (u32, &&str)| {
            let starts = (0..lower.len()).filter(|start| is_there(word, *start)).collect::<Vec<_>>();
            starts.into_iter().map(move |start| Hit { literal, start: start as u32 })
        };
        (0..).zip(words).flat_map(places).collect()
    }

    #[track_caller]
    fn check(words: &[&str], text: &str, expected: &[(u32, u32)]) {
        let expected: Vec<Hit> =
            expected.iter().map(|(literal, start)| Hit { literal: *literal, start: *start }).collect();
        assert_eq!(found(words, text), expected, "{text}");
        assert_eq!(naive(words, text), expected, "{text}");
    }

    #[test]
    fn finds_each_at_each_place() {
        check(&["user", "quota"], "User, user: over QUOTA", &[(0, 0), (0, 6), (1, 17)]);
        check(&["unknown", "user unknown", "now"], "user unknown", &[(0, 5), (1, 0), (2, 8)]);
        check(&["aaa", "aaaaaa"], "aaaaaaa", &[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1)]);
        check(&["boîte"], "BOîTE boÎte", &[(0, 0)]);
        check(&["full"], "ful", &[]);
        check(&["full"], "", &[]);
        check(&[], "full", &[]);
    }

    #[test]
    fn limits_at_the_bounds() {
        let [short, long] = [MIN_LITERAL, MAX_LITERAL].map(|len| "x".repeat(len));
        check(&[&short], &short, &[(0, 0)]);
        check(&[&long], &long, &[(0, 0)]);
        assert_eq!(found(&[&short[1..]], &short), []);
        assert_eq!(found(&[&format!("{long}x")], &format!("{long}x")), []);
    }

    /// Literals of few letters, so that many share their grams.
    fn literal() -> impl Strategy<Value = String> {
        prop_oneof![4 => "[ab ]{3,9}", 1 => "[a-z]{3,24}", 1 => "[aé]{3,8}"]
            .prop_filter("its length is in bounds", |text| (MIN_LITERAL..=MAX_LITERAL).contains(&text.len()))
    }

    proptest! {
        #[test]
        fn as_if_every_literal_were_compared_everywhere(
            words in prop::collection::btree_set(literal(), 0..40),
            texts in prop::collection::vec("[abABé \0]{0,60}", 1..4),
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let texts = texts.into_iter().chain([words.concat(), words.join("A").to_uppercase()]);
            for text in texts {
                prop_assert_eq!(found(&words, &text), naive(&words, &text));
            }
        }
    }
}
