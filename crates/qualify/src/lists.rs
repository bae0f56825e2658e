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
}
