//! Which stretches of two sequences are equal: lines of a text, items of a list.
//!
//! The answer is minimal where that costs little, which is so for everything that people write, and near to it
//! elsewhere; the cost is linear (times a logarithm) on any input:
//!
//! 1. What both begin and end with is equal.
//! 2. What stands on one side only can have no partner, and is left out. Most changes are of that kind.
//! 3. If each element of the rest is unique, the longest increasing run of partners is the answer.
//! 4. Else Myers' algorithm in linear space ([`snake`]), with a budget of steps. Once that is used up, elements that are
//!    unique on both sides split the rest, and last the point that a few steps more have reached.

mod snake;

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use foldhash::fast::RandomState;

use snake::Search;

/// Steps of the exact search for one pair of sequences: some 30 ms.
const EXACT_STEPS: usize = 8_000_000;

/// Stretches of two sequences that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it is in the old sequence.
    pub old: Range<usize>,
    /// Where it is in the new sequence.
    pub new: Range<usize>,
    /// Whether both are the same; if not, one of them may be empty.
    pub equal: bool,
}

/// Both sequences as stretches in order: equal ones and different ones in turn.
#[must_use]
pub fn align<T: Hash + Eq>(old: &[T], new: &[T]) -> Vec<Stretch> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let partners = if old_rest.is_empty() || new_rest.is_empty() {
        vec![None; old_rest.len()]
    } else {
        let (symbols, a, b) = intern(old_rest, new_rest);
        let mut alignment = Alignment {
            old: &a,
            new: &b,
            counts: vec![[0; 2]; symbols],
            places: vec![0; symbols],
            partners: vec![None; a.len()],
            steps: EXACT_STEPS,
        };
        alignment.area(0..a.len(), 0..b.len(), false);
        alignment.partners
    };
    stretches(head, &partners, new_rest.len(), tail)
}

/// A number for each element: equal ones have the same. Also returns how many numbers there are.
fn intern<T: Hash + Eq>(old: &[T], new: &[T]) -> (usize, Vec<u32>, Vec<u32>) {
    let mut symbols: HashMap<&T, u32, RandomState> = HashMap::default();
    let mut number = |element| {
        let next = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
        *symbols.entry(element).or_insert(next)
    };
    let a = old.iter().map(&mut number).collect();
    let b = new.iter().map(&mut number).collect();
    (symbols.len(), a, b)
}

/// Joins neighbours that have neighbours as partners. The partners' order is that of the old sequence.
fn stretches(head: usize, partners: &[Option<usize>], new_len: usize, tail: usize) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut push = |old: Range<usize>, new: Range<usize>, equal| {
        if old.is_empty() && new.is_empty() {
            return;
        }
        match found.last_mut() {
            Some(Stretch { old: o, new: n, equal: e }) if *e == equal => (o.end, n.end) = (old.end, new.end),
            _ => found.push(Stretch { old, new, equal }),
        }
    };
    push(0..head, 0..head, true);
    let (mut o, mut n) = (head, head);
    for (at, partner) in partners.iter().enumerate().filter_map(|(at, partner)| Some((at, (*partner)?))) {
        let (old, new) = (head + at, head + partner);
        push(o..old, n..new, false);
        push(old..old + 1, new..new + 1, true);
        (o, n) = (old + 1, new + 1);
    }
    let (old_end, new_end) = (head + partners.len(), head + new_len);
    push(o..old_end, n..new_end, false);
    push(old_end..old_end + tail, new_end..new_end + tail, true);
    found
}

/// Finds partners of the elements of one sequence in the other one.
struct Alignment<'a> {
    old: &'a [u32],
    new: &'a [u32],
    /// How often each number is in the area at hand, on both sides; all 0 in between.
    counts: Vec<[u32; 2]>,
    /// For looking up where a number last is in the new sequence; only what was just set counts.
    places: Vec<usize>,
    /// For each old element the index of its partner. Those that are set increase.
    partners: Vec<Option<usize>>,
    /// What is left for exact search.
    steps: usize,
}

impl Alignment<'_> {
    /// Aligns an area. It is split at unique elements only once.
    fn area(&mut self, old: Range<usize>, new: Range<usize>, is_split: bool) {
        self.count(&old, &new, 1);
        let places = |range: &Range<usize>, side: &[u32]| -> Vec<usize> {
            range.clone().filter(|&at| self.counts[side[at] as usize].iter().all(|&count| count > 0)).collect()
        };
        let (old_places, new_places) = (places(&old, self.old), places(&new, self.new));
        let unique: Vec<bool> = old_places.iter().map(|&at| self.counts[self.old[at] as usize] == [1, 1]).collect();
        self.count(&old, &new, 0);
        // If all of the old elements are unique on both sides, the new ones are too.
        if unique.iter().all(|&one| one) {
            for (o, n) in self.increasing(&old_places, &new_places) {
                self.partners[o] = Some(n);
            }
            return;
        }
        let symbols = |places: &[usize], side: &[u32]| -> Vec<u32> { places.iter().map(|&at| side[at]).collect() };
        let (a, b) = (symbols(&old_places, self.old), symbols(&new_places, self.new));
        let mut search = Search::new(&a, &b, self.steps);
        let found = search.run(is_split);
        self.steps = search.steps;
        if let Some(pairs) = found {
            for (o, n) in pairs {
                self.partners[old_places[o]] = Some(new_places[n]);
            }
            return;
        }
        let sure: Vec<usize> =
            old_places.iter().zip(&unique).filter(|(_, unique)| **unique).map(|(&place, _)| place).collect();
        let mut anchors = self.increasing(&sure, &new_places);
        anchors.push((old.end, new.end));
        let (mut o, mut n) = (old.start, new.start);
        for (old_at, new_at) in anchors {
            if let Some(partner) = self.partners.get_mut(old_at)
                && old_at < old.end
            {
                *partner = Some(new_at);
            }
            self.area(o..old_at, n..new_at, true);
            (o, n) = (old_at + 1, new_at + 1);
        }
    }

    /// Counts the elements of an area (`step` 1), or forgets the counts (`step` 0).
    fn count(&mut self, old: &Range<usize>, new: &Range<usize>, step: u32) {
        for (side, symbols) in [&self.old[old.clone()], &self.new[new.clone()]].into_iter().enumerate() {
            for &symbol in symbols {
                let count = &mut self.counts[symbol as usize][side];
                *count = if step == 0 { 0 } else { *count + 1 };
            }
        }
    }

    /// The longest run of elements that are in the same order on both sides, as pairs of places. The old ones are unique
    /// on both sides, and all of them are among the new ones.
    fn increasing(&mut self, old_places: &[usize], new_places: &[usize]) -> Vec<(usize, usize)> {
        new_places.iter().for_each(|&at| self.places[self.new[at] as usize] = at);
        let pairs: Vec<(usize, usize)> =
            old_places.iter().map(|&at| (at, self.places[self.old[at] as usize])).collect();
        let order: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
        let kept = longest_increasing(&order);
        pairs.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(pair, _)| pair).collect()
    }
}

/// Marks the members of a longest increasing subsequence (patience sorting, O(n log n)).
#[must_use]
pub fn longest_increasing(values: &[usize]) -> Vec<bool> {
    let mut tails: Vec<usize> = Vec::new();
    let mut previous = vec![usize::MAX; values.len()];
    for (at, value) in values.iter().enumerate() {
        let pile = match tails.last() {
            // The usual case: what is in order goes on a new pile.
            Some(&last) if values[last] < *value => tails.len(),
            _ => tails.partition_point(|&tail| values[tail] < *value),
        };
        if pile > 0 {
            previous[at] = tails[pile - 1];
        }
        if pile == tails.len() {
            tails.push(at);
        } else {
            tails[pile] = at;
        }
    }
    let mut member = vec![false; values.len()];
    let mut at = tails.last().copied().unwrap_or(usize::MAX);
    while at != usize::MAX {
        member[at] = true;
        at = previous[at];
    }
    member
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn equal_count(found: &[Stretch]) -> usize {
        found.iter().filter(|stretch| stretch.equal).map(|stretch| stretch.old.len()).sum()
    }

    /// The length of the longest common subsequence, by the quadratic table.
    fn longest_common(a: &[u8], b: &[u8]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (at, y) in b.iter().enumerate() {
                let best = if x == y { diagonal + 1 } else { row[at].max(row[at + 1]) };
                diagonal = row[at + 1];
                row[at + 1] = best;
            }
        }
        row[b.len()]
    }

    fn check(old: &[u32], new: &[u32], found: &[Stretch]) {
        let (mut o, mut n) = (0, 0);
        for stretch in found {
            assert_eq!((stretch.old.start, stretch.new.start), (o, n), "there are no gaps");
            if stretch.equal {
                assert_eq!(old[stretch.old.clone()], new[stretch.new.clone()]);
            }
            (o, n) = (stretch.old.end, stretch.new.end);
        }
        assert_eq!((o, n), (old.len(), new.len()));
        assert!(found.windows(2).all(|two| two[0].equal != two[1].equal), "stretches are as long as can be");
    }

    proptest! {
        #[test]
        fn the_alignment_is_minimal(old in prop::collection::vec(0..6_u8, 0..40), new in prop::collection::vec(0..6_u8, 0..40)) {
            let found = align(&old, &new);
            let wide = |side: &[u8]| -> Vec<u32> { side.iter().map(|&x| x.into()).collect() };
            check(&wide(&old), &wide(&new), &found);
            prop_assert_eq!(equal_count(&found), longest_common(&old, &new));
        }

        #[test]
        fn without_a_budget_it_is_still_an_alignment(
            old in prop::collection::vec(0..40_u32, 0..400),
            new in prop::collection::vec(0..40_u32, 0..400),
        ) {
            let mut alignment = Alignment { old: &old, new: &new, counts: vec![[0; 2]; 40], places: vec![0; 40], partners: vec![None; old.len()], steps: 0 };
            alignment.area(0..old.len(), 0..new.len(), false);
            check(&old, &new, &stretches(0, &alignment.partners, new.len(), 0));
        }
    }

    /// Numbers that look random and are the same in every run.
    fn noise(count: usize, seed: u64, below: u64) -> Vec<u32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from((state >> 33) % below).unwrap()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn beyond_the_budget_it_still_finds_much_that_is_equal() {
        // A third of what there is, or more.
        for (below, least) in [(2, 30_000), (30, 9_000), (1000, 1_200), (100_000, 200)] {
            let (old, new) = (noise(60_000, 1, below), noise(60_000, 2, below));
            let found = align(&old, &new);
            check(&old, &new, &found);
            assert!(equal_count(&found) > least, "{below}: {}", equal_count(&found));
        }
    }

    #[test]
    fn unique_elements_in_another_order_are_aligned_exactly() {
        let old: Vec<u32> = (0..200_000).collect();
        let turned: Vec<u32> = (100_000..200_000).chain(0..100_000).collect();
        assert_eq!(equal_count(&align(&old, &turned)), 100_000);
        let reversed: Vec<u32> = old.iter().rev().copied().collect();
        assert_eq!(equal_count(&align(&old, &reversed)), 1);
    }

    #[test]
    fn the_longest_increasing_run_keeps_as_many_as_possible() {
        assert_eq!(longest_increasing(&[2, 0, 1]), [false, true, true]);
        assert_eq!(longest_increasing(&[]), [false; 0]);
        assert_eq!(longest_increasing(&[0, 1, 2]), [true; 3]);
        assert_eq!(longest_increasing(&[2, 1, 0]).iter().filter(|&&kept| kept).count(), 1);
    }
}
