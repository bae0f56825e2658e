//! Many short lists in one piece of memory.

/// Lists of numbers, themselves numbered from 0.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    /// Where each begins in `items`, and at last where they end.
    begins: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// From the lists, in order.
    pub(crate) fn new(lists: &[Vec<u32>]) -> Self {
        let mut end = 0;
        let ends = lists.iter().map(|list| {
            end += list.len() as u32;
            end
        });
        Self { begins: std::iter::once(0).chain(ends).collect(), items: lists.concat() }
    }

    /// The list of this number; empty if there is none.
    pub(crate) fn get(&self, number: u32) -> &[u32] {
        match self.begins.get(number as usize..) {
            Some([begin, end, ..]) => self.items.get(*begin as usize..*end as usize).unwrap_or_default(),
            Some(_) | None => &[],
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.begins.len() - 1
    }
}

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// Becomes empty, for numbers below `count`.
    pub(crate) fn clear(&mut self, count: usize) {
        self.0.clear();
        self.0.resize(count.div_ceil(64), 0);
    }

    /// Adds a number.
    pub(crate) fn add(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Calls `visit` with the numbers, in order.
    pub(crate) fn each(&self, mut visit: impl FnMut(u32)) {
        for (base, word) in (0..).step_by(64).zip(&self.0) {
            let mut rest = *word;
            while rest != 0 {
                visit(base + rest.trailing_zeros());
                rest &= rest - 1;
            }
        }
    }

    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_as_they_were_given() {
        let lists = Lists::new(&[vec![3, 1], vec![], vec![2]]);
        assert_eq!(
            [0, 1, 2, 3].map(|number| lists.get(number).to_vec()),
            [vec![3, 1], vec![], vec![2], vec![]]
        );
        assert_eq!(lists.len(), 3);
        assert_eq!(Lists::new(&[]).get(0), &[] as &[u32]);
    }

    #[test]
    fn bits_are_numbers_in_order() {
        let mut bits = Bits::default();
        bits.clear(129);
        for number in [128, 64, 0, 63, 64, 191, 192] {
            bits.add(number);
        }
        let mut found = Vec::new();
        bits.each(|number| found.push(number));
        assert_eq!(found, [0, 63, 64, 128, 191], "192 is beyond the last word");
        assert_eq!([0, 1, 64].map(|number| bits.has(number)), [true, false, true]);
        bits.clear(65);
        assert!(!bits.has(64));
    }
}
