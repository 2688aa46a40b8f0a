//! Myers' algorithm in linear space: a point in the middle of a shortest path from both ends splits the area in two.
//!
//! (E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986.) With a budget: once it is used up, each area
//! is searched for [`FEW_ROUNDS`] only, and then split at the point that came farthest.

use std::ops::Range;

/// Rounds of search that an area always gets. Each takes one edit from either end.
const FEW_ROUNDS: usize = 48;

/// No point on this diagonal was reached.
const NOWHERE: isize = -1;

/// A search for the common elements of two sequences.
pub(super) struct Search<'a> {
    old: &'a [u32],
    new: &'a [u32],
    /// What is left of the budget.
    pub(super) steps: usize,
    pairs: Vec<(usize, usize)>,
    from_start: Frontier,
    from_end: Frontier,
}

/// The farthest points that were reached from one corner, by diagonal: how many old elements were passed.
#[derive(Default)]
struct Frontier {
    reached: Vec<isize>,
    low: isize,
    high: isize,
}

/// An area, or the mirror of one: seen from its end.
struct Sides<'a> {
    old: &'a [u32],
    new: &'a [u32],
    mirrored: bool,
}

/// Where an area is split, by how many elements of each side come before that.
enum Split {
    At(usize, usize),
    /// The budget is used up.
    GivenUp,
}

impl<'a> Search<'a> {
    pub(super) fn new(old: &'a [u32], new: &'a [u32], steps: usize) -> Self {
        Self { old, new, steps, pairs: Vec::new(), from_start: Frontier::default(), from_end: Frontier::default() }
    }

    /// Pairs of equal elements, in no order. None if the budget is used up and `at_any_cost` is false.
    pub(super) fn run(&mut self, at_any_cost: bool) -> Option<Vec<(usize, usize)>> {
        let mut open = vec![(0..self.old.len(), 0..self.new.len())];
        while let Some((old, new)) = open.pop() {
            let (old, new) = self.trim(old, new);
            if old.is_empty() || new.is_empty() {
                continue;
            }
            match self.split(&old, &new, at_any_cost) {
                Split::At(x, y) => {
                    open.push((old.start + x..old.end, new.start + y..new.end));
                    open.push((old.start..old.start + x, new.start..new.start + y));
                }
                Split::GivenUp => return None,
            }
        }
        Some(std::mem::take(&mut self.pairs))
    }

    /// Pairs what the area begins and ends with on both sides, and returns the rest of it.
    fn trim(&mut self, mut old: Range<usize>, mut new: Range<usize>) -> (Range<usize>, Range<usize>) {
        while !old.is_empty() && !new.is_empty() && self.old[old.start] == self.new[new.start] {
            self.pairs.push((old.start, new.start));
            (old.start, new.start) = (old.start + 1, new.start + 1);
        }
        while !old.is_empty() && !new.is_empty() && self.old[old.end - 1] == self.new[new.end - 1] {
            (old.end, new.end) = (old.end - 1, new.end - 1);
            self.pairs.push((old.end, new.end));
        }
        (old, new)
    }

    /// A point on a shortest path through an area, neither its start nor its end; or on one that is not the shortest.
    fn split(&mut self, old: &Range<usize>, new: &Range<usize>, at_any_cost: bool) -> Split {
        let (a, b) = (&self.old[old.clone()], &self.new[new.clone()]);
        let (forward, backward) = (Sides { old: a, new: b, mirrored: false }, Sides { old: a, new: b, mirrored: true });
        let (n, m) = (signed(a.len()), signed(b.len()));
        self.from_start.reset(a.len() + b.len());
        self.from_end.reset(a.len() + b.len());
        let point = |x: isize, y: isize| Split::At(x.unsigned_abs(), y.unsigned_abs());
        let is_odd = (n - m).unsigned_abs() % 2 == 1;
        let mut rounds = 0;
        loop {
            let mut steps = 0;
            // Paths of an odd length meet while going forward, the others while going backward.
            let meets = |x: isize, opposite: isize| opposite != NOWHERE && x + opposite >= n;
            let (end, opposite) = (&self.from_end, |diagonal: isize| n - m - diagonal);
            let forward_meets = |x, diagonal| is_odd && meets(x, end.at(opposite(diagonal), m));
            if let Some((x, y)) = self.from_start.advance(&forward, &mut steps, forward_meets) {
                return point(x, y);
            }
            let start = &self.from_start;
            let backward_meets = |x, diagonal| !is_odd && meets(x, start.at(opposite(diagonal), m));
            if let Some((x, y)) = self.from_end.advance(&backward, &mut steps, backward_meets) {
                return point(n - x, m - y);
            }
            self.steps = self.steps.saturating_sub(steps);
            rounds += 1;
            if self.steps == 0 && rounds >= FEW_ROUNDS {
                if !at_any_cost {
                    return Split::GivenUp;
                }
                let (start, end) = (self.from_start.farthest(m), self.from_end.farthest(m));
                return if start.0 + start.1 >= end.0 + end.1 {
                    point(start.0, start.1)
                } else {
                    point(n - end.0, m - end.1)
                };
            }
        }
    }
}

impl Sides<'_> {
    fn equal(&self, x: isize, y: isize) -> bool {
        let (x, y) = (x.unsigned_abs(), y.unsigned_abs());
        match self.mirrored {
            false => self.old[x] == self.new[y],
            true => self.old[self.old.len() - 1 - x] == self.new[self.new.len() - 1 - y],
        }
    }
}

impl Frontier {
    /// Starts anew, for an area with this number of elements on both sides together.
    fn reset(&mut self, elements: usize) {
        if self.reached.len() < elements + 3 {
            self.reached.resize(elements + 3, NOWHERE);
        }
        (self.low, self.high) = (1, 0);
    }

    /// How far the diagonal was reached in this round or the one before. `m` is the number of new elements.
    fn at(&self, diagonal: isize, m: isize) -> isize {
        let inside = self.low <= diagonal && diagonal <= self.high;
        if inside { self.reached[place(diagonal, m)] } else { NOWHERE }
    }

    /// Takes one more edit on each diagonal. Returns the first point for which `meets` holds (of `x` and the diagonal).
    fn advance(
        &mut self,
        sides: &Sides<'_>,
        steps: &mut usize,
        meets: impl Fn(isize, isize) -> bool,
    ) -> Option<(isize, isize)> {
        let (n, m) = (signed(sides.old.len()), signed(sides.new.len()));
        if self.low > self.high {
            // The first round: the corner itself, which `trim` has left without equal elements.
            (self.low, self.high) = (0, 0);
            self.reached[place(0, m)] = 0;
            return meets(0, 0).then_some((0, 0));
        }
        let (low, high) = (self.low, self.high);
        // Diagonals outside of the area have no points.
        self.low = if low > -m { low - 1 } else { low + 1 };
        self.high = if high < n { high + 1 } else { high - 1 };
        // What stands beside the new ends was never reached.
        for beside in [low - 2, high + 2] {
            if (self.low < low && beside < low) || (self.high > high && beside > high) {
                self.reached[place(beside, m)] = NOWHERE;
            }
        }
        let mut diagonal = self.low;
        while diagonal <= self.high {
            let at = place(diagonal, m);
            let (removed, added) = (self.reached[at - 1], self.reached[at + 1]);
            let removed = if removed != NOWHERE && removed < n { removed + 1 } else { NOWHERE };
            let added = if added != NOWHERE && added - diagonal <= m { added } else { NOWHERE };
            let mut x = removed.max(added);
            *steps += 1;
            if x != NOWHERE {
                let before = x;
                while x < n && x - diagonal < m && sides.equal(x, x - diagonal) {
                    x += 1;
                }
                *steps += (x - before).unsigned_abs();
            }
            self.reached[at] = x;
            if x != NOWHERE && meets(x, diagonal) {
                return Some((x, x - diagonal));
            }
            diagonal += 2;
        }
        None
    }

    /// The point with most elements passed.
    fn farthest(&self, m: isize) -> (isize, isize) {
        let mut best = (0, 0);
        let mut diagonal = self.low;
        while diagonal <= self.high {
            let x = self.reached[place(diagonal, m)];
            if x != NOWHERE && x + x - diagonal > best.0 + best.1 {
                best = (x, x - diagonal);
            }
            diagonal += 2;
        }
        best
    }
}

/// Where a diagonal is kept; one place is free before the first.
fn place(diagonal: isize, m: isize) -> usize {
    (diagonal + m + 1).unsigned_abs()
}

fn signed(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}
