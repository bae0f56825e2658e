//! Where the literals of a rule set stand in a text.
//!
//! Thousands of literals make tens of megabytes of automaton, and then each octet of a text waits for memory. Here
//! each literal is known by one gram: four of its octets, those that are rarest in texts and that the fewest others have. The grams of a text are
//! looked up in a table of 16 KiB, and only where one is known are the literals that have it compared.

use std::collections::HashMap;

/// Octets of a gram; a literal that has fewer is known by all of its octets.
const GRAM: usize = 4;
/// Bits of a hash of the first three octets of a gram. The fourth is told by its lower five bits, which are different
/// for all letters.
const HASH_BITS: u32 = 12;
/// Positions of a text that are looked at together.
const BLOCK: usize = u32::BITS as usize;
/// The bit of the first position of a block.
const FIRST_PLACE: u32 = 1 << (BLOCK - 1);

/// The shortest literal that is found, in octets.
pub(crate) const MIN_LITERAL: usize = GRAM - 1;
/// The longest that is, in octets.
pub(crate) const MAX_LITERAL: usize = 24;

/// Up to [`MAX_LITERAL`] octets, eight in a word, zeros behind them.
type Octets = [u64; MAX_LITERAL / 8];

/// Literals to be looked for in texts, numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Literals {
    /// For each hash of three octets a bit for each fourth that there is.
    known: Box<[u32; 1 << HASH_BITS]>,
    /// How many bits are set in the words before each.
    before: Box<[u32; 1 << HASH_BITS]>,
    /// For each bit that is set where its entries begin, and at last where they end.
    begins: Vec<u32>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    octets: Octets,
    /// The bits of the text that count.
    mask: Octets,
    literal: u32,
    /// Where the gram begins in the literal.
    offset: u32,
}

/// A literal in a text, and where it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) literal: u32,
    pub(crate) start: u32,
}

/// The memory of a search, to be used again by the next.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The text in lower case, with zeros to read before its beginning and beyond its end.
    lower: Vec<u8>,
}

impl Literals {
    /// From literals whose ASCII letters are in lower case; those shorter than [`MIN_LITERAL`] or longer than
    /// [`MAX_LITERAL`] are not found. `samples` are texts such as those that will be looked through.
    pub(crate) fn new(words: &[&str], samples: &[&str]) -> Self {
        // How often a gram is in texts, and how many literals have it.
        let mut uses: HashMap<u32, (u32, u32)> = HashMap::new();
        for gram in words.iter().flat_map(|word| grams(word.as_bytes())) {
            uses.entry(gram).or_default().1 += 1;
        }
        for sample in samples.iter().map(|sample| sample.to_ascii_lowercase()) {
            for gram in grams(sample.as_bytes()) {
                uses.entry(gram).or_default().0 += 1;
            }
        }
        let mut placed = Vec::with_capacity(words.len());
        for (literal, word) in (0..).zip(words).filter(|(_, word)| word.len() <= MAX_LITERAL) {
            let rarest = (0..).zip(grams(word.as_bytes())).min_by_key(|(_, gram)| uses.get(gram).copied());
            let Some((offset, gram)) = rarest else { continue };
            let octets = packed(word.bytes());
            let mask = packed(std::iter::repeat_n(u8::MAX, word.len()));
            let entry = Entry { octets, mask, literal, offset };
            if word.len() < GRAM {
                // Whatever comes behind it.
                placed.extend((0..u32::BITS).map(|fourth| (place(gram | fourth << 24), entry)));
            } else {
                placed.push((place(gram), entry));
            }
        }
        Self::of(placed)
    }

    /// From the entries of each place in the table.
    fn of(mut placed: Vec<((usize, u32), Entry)>) -> Self {
        placed.sort_by_key(|(place, entry)| (*place, entry.literal));
        let mut known = Box::new([0_u32; 1 << HASH_BITS]);
        let mut begins = Vec::new();
        for (at, ((hash, bit), _)) in (0..).zip(&placed) {
            if known[*hash] >> bit & 1 == 0 {
                known[*hash] |= 1 << bit;
                begins.push(at);
            }
        }
        begins.push(placed.len() as u32);
        let mut before = Box::new([0; 1 << HASH_BITS]);
        let mut sum = 0;
        for (before, word) in before.iter_mut().zip(known.iter()) {
            *before = sum;
            sum += word.count_ones();
        }
        Self { known, before, begins, entries: placed.into_iter().map(|(_, entry)| entry).collect() }
    }

    /// Fills `hits` with each literal that is in the text, ASCII letters in upper or lower case: once for each place, in
    /// no order. One that ends in NUL octets may be told at the end of the text without them.
    pub(crate) fn find(&self, text: &str, memory: &mut Memory, hits: &mut Vec<Hit>) {
        let lower = &mut memory.lower;
        lower.clear();
        lower.extend_from_slice(&[0; MAX_LITERAL]);
        lower.extend_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        lower.extend_from_slice(&[0; BLOCK + MAX_LITERAL]);
        let mut count = 0;
        let mut begin = MAX_LITERAL;
        let end = begin + text.len();
        while begin < end {
            let Some(block) = lower.get(begin..).and_then(<[u8]>::first_chunk) else { break };
            let mut places = self.places(block);
            while places != 0 {
                let position = places.leading_zeros();
                places ^= FIRST_PLACE >> position;
                let at = begin + position as usize;
                let entries = self.entries_at(lower, at);
                if hits.len() < count + entries.len() {
                    hits.resize(count + entries.len(), Hit::default());
                }
                for entry in entries {
                    // Zeros stand in front of the text.
                    let start = at - entry.offset as usize;
                    // Whether or not it is there: the processor need not guess it.
                    if let Some(slot) = hits.get_mut(count) {
                        *slot = Hit { literal: entry.literal, start: start.wrapping_sub(MAX_LITERAL) as u32 };
                    }
                    count += usize::from(entry.is_at(lower, start));
                }
            }
            begin += BLOCK;
        }
        hits.truncate(count);
    }

    /// A bit for each position of the block where a known gram may begin, the first one highest.
    fn places(&self, block: &[u8; BLOCK + GRAM]) -> u32 {
        let mut places = 0;
        for gram in block.array_windows().take(BLOCK) {
            let (hash, bit) = place(u32::from_le_bytes(*gram));
            places = places << 1 | self.known[hash] >> bit & 1;
        }
        places
    }

    /// Those whose gram has the place of the one here, which is known.
    fn entries_at(&self, lower: &[u8], at: usize) -> &[Entry] {
        let gram = lower.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        let (hash, bit) = place(u32::from_le_bytes(gram));
        let below = self.known[hash] & ((1 << bit) - 1);
        let rank = self.before[hash] + below.count_ones();
        match self.begins.get(rank as usize..) {
            Some([begin, end, ..]) => self.entries.get(*begin as usize..*end as usize).unwrap_or_default(),
            Some(_) | None => &[],
        }
    }
}

impl Entry {
    fn is_at(&self, lower: &[u8], start: usize) -> bool {
        let there = lower.get(start..).and_then(<[u8]>::first_chunk::<MAX_LITERAL>);
        let Some((words, _)) = there.map(|there| there.as_chunks()) else { return false };
        let pairs = self.octets.iter().zip(&self.mask).zip(words);
        let differs =
            |((octets, mask), there): ((&u64, &u64), &[u8; 8])| u64::from_le_bytes(*there) & mask ^ octets;
        pairs.map(differs).fold(0, std::ops::BitOr::bitor) == 0
    }
}

/// The place of a gram in the table: the number of a word, and of a bit in it.
fn place(gram: u32) -> (usize, u32) {
    let hash = (gram & 0xff_ffff).wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH_BITS);
    (hash as usize, gram >> 24 & (u32::BITS - 1))
}

/// The grams of a literal, of which any will do.
fn grams(word: &[u8]) -> impl Iterator<Item = u32> {
    word.windows(GRAM.min(word.len()).max(MIN_LITERAL)).map(|octets| {
        let mut gram = [0; GRAM];
        gram.iter_mut().zip(octets).for_each(|(to, octet)| *to = *octet);
        u32::from_le_bytes(gram)
    })
}

fn packed(octets: impl Iterator<Item = u8>) -> Octets {
    let mut words = [[0; 8]; MAX_LITERAL / 8];
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
        Literals::new(words, &[]).find(text, &mut Memory::default(), &mut hits);
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
