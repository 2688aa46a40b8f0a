//! Dealing the releases of a batch out to several machines. Which one takes a release follows from its name alone, so another
//! release in the batch moves none. Releases that need each other stay together.

use super::Id;
use super::order::Order;

/// One of several parts of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part; 0 is the first.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
}

impl Shard {
    /// Reads `0/4`, the first of four.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let (index, count) = (index.parse().ok()?, count.parse().ok()?);
        (index < count).then_some(Self { index, count })
    }

    /// Of each release of an order whether this part takes it. `id` names the one at a position.
    #[must_use]
    pub fn takes<'a>(self, order: &Order, id: impl Fn(usize) -> &'a Id) -> Vec<bool> {
        let groups = groups(order);
        let mut names: Vec<Option<String>> = vec![None; groups.len()];
        for (at, &group) in groups.iter().enumerate() {
            let name = id(at).to_string();
            if names[group].as_ref().is_none_or(|least| name < *least) {
                names[group] = Some(name);
            }
        }
        let part = |group: usize| hash(names[group].as_deref().unwrap_or_default()) % u64::from(self.count);
        groups.iter().map(|&group| part(group) == u64::from(self.index)).collect()
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.index, self.count)
    }
}

/// Of each release the first one of those that it is tied to by needs. What is needed stands before what needs it.
fn groups(order: &Order) -> Vec<usize> {
    fn root(groups: &mut [usize], mut at: usize) -> usize {
        while groups[at] != at {
            groups[at] = groups[groups[at]];
            at = groups[at];
        }
        at
    }
    let mut groups: Vec<usize> = (0..order.needs.len()).collect();
    for (at, needs) in order.needs.iter().enumerate() {
        for &need in needs {
            let (one, other) = (root(&mut groups, at), root(&mut groups, need));
            groups[one.max(other)] = one.min(other);
        }
    }
    (0..groups.len()).map(|at| root(&mut groups, at)).collect()
}

/// FNV-1a with 64 bits, its bits mixed at the end as in MurmurHash3, since the lowest ones decide. It must never change: it says
/// who does what.
fn hash(text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::order::{Node, order};

    fn nodes(count: usize) -> Vec<Node> {
        let id = |at: usize| Id { context: None, namespace: format!("team-{}", at % 7), release: format!("web-{at}") };
        (0..count).map(|at| Node { id: id(at), needs: Vec::new(), wave: 0 }).collect()
    }

    /// The names that each shard takes.
    fn dealt(nodes: &[Node], count: u32) -> Vec<Vec<String>> {
        let order = order(nodes).unwrap();
        let shard = |index| {
            let takes = Shard { index, count }.takes(&order, |at| &nodes[order.given[at]].id);
            let taken = order.given.iter().zip(takes).filter(|(_, takes)| *takes);
            taken.map(|(&given, _)| nodes[given].id.to_string()).collect()
        };
        (0..count).map(shard).collect()
    }

    #[test]
    fn every_release_is_taken_once_and_evenly() {
        let dealt = dealt(&nodes(1000), 4);
        let counts: Vec<usize> = dealt.iter().map(Vec::len).collect();
        assert_eq!(counts.iter().sum::<usize>(), 1000);
        assert!(counts.iter().all(|count| (200..=300).contains(count)), "{counts:?}");
    }

    #[test]
    fn another_release_moves_no_other() {
        let before = dealt(&nodes(99), 4);
        let after = dealt(&nodes(100), 4);
        for (before, after) in before.iter().zip(&after) {
            assert!(before.iter().all(|name| after.contains(name)));
        }
    }

    #[test]
    fn releases_that_need_each_other_stay_together() {
        let mut nodes = nodes(40);
        for at in 1..20 {
            nodes[at].needs = vec![nodes[at - 1].id.to_string()];
        }
        let dealt = dealt(&nodes, 8);
        let shard = |name: String| dealt.iter().position(|names| names.contains(&name)).unwrap();
        let first = shard(nodes[0].id.to_string());
        assert!((0..20).all(|at| shard(nodes[at].id.to_string()) == first));
    }

    #[test]
    fn where_a_release_goes_never_changes() {
        assert_eq!([hash(""), hash("shop/web")].map(|hash| hash % 16), [6, 13]);
    }

    #[test]
    fn a_part_is_one_of_those_there_are() {
        assert_eq!(Shard::parse("3/4"), Some(Shard { index: 3, count: 4 }));
        for wrong in ["4/4", "0/0", "1", "a/b", "-1/4", "1/4/5", ""] {
            assert_eq!(Shard::parse(wrong), None, "{wrong}");
        }
    }
}
