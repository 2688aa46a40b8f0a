//! In which order the releases of a batch are upgraded: what another one needs comes first, earlier waves before later ones, and
//! else as they were named.

use std::collections::HashMap;
use std::fmt;

use super::Id;

/// A release of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub id: Id,
    /// What must be good before: `RELEASE`, `NAMESPACE/RELEASE` or `CONTEXT/NAMESPACE/RELEASE`.
    pub needs: Vec<String>,
    /// The group that it is upgraded with.
    pub wave: u32,
}

/// The releases of a batch, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Which one of those that were named each is.
    pub given: Vec<usize>,
    /// Of each the positions in this order of those that it needs.
    pub needs: Vec<Vec<usize>>,
    /// Of each its wave.
    pub waves: Vec<u32>,
}

/// Why releases can't be put in order. Releases are named as in [`Id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A release is there twice.
    Double(String),
    /// A release needs one that is not there.
    Unknown(String, String),
    /// What a release needs may be one or another.
    Ambiguous(String, String, Vec<String>),
    /// Each of these needs the next one, and the last one the first.
    Cycle(Vec<String>),
    /// A release needs one of a later wave.
    Later(String, String),
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double(id) => write!(out, "release {id} is there twice"),
            Self::Unknown(id, need) => write!(out, "release {id} needs {need:?}, which is not in the batch"),
            Self::Ambiguous(id, need, found) => {
                write!(out, "release {id} needs {need:?}, which may be {}", found.join(" or "))
            }
            Self::Cycle(ids) => {
                let first = ids.first().map(String::as_str).unwrap_or_default();
                write!(out, "releases need each other in a circle: {} → {first}", ids.join(" → "))
            }
            Self::Later(id, need) => write!(out, "release {id} needs {need}, which is in a later wave"),
        }
    }
}

/// Puts releases in order.
///
/// # Errors
/// If there is no such order.
pub fn order(nodes: &[Node]) -> Result<Order, Problem> {
    let mut seen: HashMap<&Id, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if seen.insert(&node.id, at).is_some() {
            return Err(Problem::Double(node.id.to_string()));
        }
    }
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        named.entry(&node.id.release).or_default().push(at);
    }
    let mut needs = Vec::with_capacity(nodes.len());
    for node in nodes {
        let found = node.needs.iter().map(|need| find(nodes, &named, (&node.id, need)));
        let mut found = found.collect::<Result<Vec<usize>, _>>()?;
        found.sort_unstable();
        found.dedup();
        if let Some(later) = found.iter().find(|&&need| nodes[need].wave > node.wave) {
            return Err(Problem::Later(node.id.to_string(), nodes[*later].id.to_string()));
        }
        needs.push(found);
    }
    let given = sorted(nodes, &needs)?;
    let mut position = vec![0; nodes.len()];
    given.iter().enumerate().for_each(|(at, &node)| position[node] = at);
    let needs = given.iter().map(|&node| needs[node].iter().map(|&need| position[need]).collect()).collect();
    let waves = given.iter().map(|&node| nodes[node].wave).collect();
    Ok(Order { given, needs, waves })
}

/// The release that is meant: in the same namespace if no other is named, else the only one of its name.
fn find(nodes: &[Node], named: &HashMap<&str, Vec<usize>>, (by, need): (&Id, &str)) -> Result<usize, Problem> {
    let mut parts = need.rsplitn(3, '/');
    let (release, namespace, context) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let fits = |at: &usize| {
        let id = &nodes[*at].id;
        namespace.is_none_or(|namespace| namespace == id.namespace)
            && context.is_none_or(|context| id.context.as_deref() == Some(context))
    };
    let found: Vec<usize> = named.get(release).into_iter().flatten().copied().filter(fits).collect();
    let near = found.iter().find(|&&at| {
        let id = &nodes[at].id;
        (context.is_some() || id.context == by.context) && (namespace.is_some() || id.namespace == by.namespace)
    });
    match (near, found.as_slice()) {
        (Some(&near), _) => Ok(near),
        (None, [only]) => Ok(*only),
        (None, []) => Err(Problem::Unknown(by.to_string(), need.to_owned())),
        (None, several) => {
            let ids = several.iter().map(|&at| nodes[at].id.to_string()).collect();
            Err(Problem::Ambiguous(by.to_string(), need.to_owned(), ids))
        }
    }
}

/// What is needed first, by wave, and else as given.
fn sorted(nodes: &[Node], needs: &[Vec<usize>]) -> Result<Vec<usize>, Problem> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (at, needs) in needs.iter().enumerate() {
        needs.iter().for_each(|&need| needed_by[need].push(at));
    }
    let mut ready: std::collections::BTreeSet<(u32, usize)> =
        (0..nodes.len()).filter(|&at| open[at] == 0).map(|at| (nodes[at].wave, at)).collect();
    let mut sorted = Vec::with_capacity(nodes.len());
    while let Some((_, at)) = ready.pop_first() {
        sorted.push(at);
        for &by in &needed_by[at] {
            open[by] -= 1;
            if open[by] == 0 {
                ready.insert((nodes[by].wave, by));
            }
        }
    }
    if sorted.len() == nodes.len() {
        return Ok(sorted);
    }
    Err(Problem::Cycle(cycle(nodes, needs, &open)))
}

/// One of the circles among those that are never ready.
fn cycle(nodes: &[Node], needs: &[Vec<usize>], open: &[usize]) -> Vec<String> {
    let mut path: Vec<usize> = Vec::new();
    let mut at = open.iter().position(|&open| open > 0);
    while let Some(here) = at {
        if let Some(start) = path.iter().position(|&seen| seen == here) {
            return path[start..].iter().map(|&at| nodes[at].id.to_string()).collect();
        }
        path.push(here);
        at = needs[here].iter().copied().find(|&need| open[need] > 0);
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `wave name needs…`, as in `1 shop/web shop/db`.
    fn nodes(lines: &[&str]) -> Vec<Node> {
        let node = |line: &&str| {
            let mut words = line.split(' ');
            let wave = words.next().unwrap().parse().unwrap();
            let mut parts = words.next().unwrap().rsplitn(3, '/').map(str::to_owned);
            let (release, namespace) = (parts.next().unwrap(), parts.next().unwrap());
            let id = Id { context: parts.next(), namespace, release };
            Node { id, needs: words.map(str::to_owned).collect(), wave }
        };
        lines.iter().map(node).collect()
    }

    fn sorted(lines: &[&str]) -> Vec<usize> {
        order(&nodes(lines)).unwrap().given
    }

    fn refused(lines: &[&str]) -> String {
        order(&nodes(lines)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_needed_comes_first_and_else_the_order_stays() {
        assert_eq!(sorted(&["0 a/x", "0 a/y", "0 a/z"]), [0, 1, 2]);
        assert_eq!(sorted(&["0 a/x z", "0 a/y", "0 a/z"]), [1, 2, 0]);
        assert_eq!(sorted(&["2 a/x", "1 a/y", "1 a/z y"]), [1, 2, 0]);
        let order = order(&nodes(&["0 a/x z y z", "0 a/y", "0 a/z"])).unwrap();
        assert_eq!(order.needs, [vec![], vec![], vec![0, 1]]);
    }

    #[test]
    fn a_need_is_found_near_by_first() {
        let order =
            order(&nodes(&["0 a/db", "0 b/db", "0 b/web db", "0 c/web a/db", "0 k/c/db", "0 k/c/web db"])).unwrap();
        assert_eq!((&order.needs[2], &order.needs[3], &order.needs[5]), (&vec![1], &vec![0], &vec![4]));
        assert_eq!(sorted(&["0 a/web db", "0 b/db"]), [1, 0], "the only one of its name");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_names() {
        assert_eq!(refused(&["0 a/x", "0 a/x"]), "release a/x is there twice");
        assert_eq!(refused(&["0 a/x y"]), "release a/x needs \"y\", which is not in the batch");
        assert_eq!(refused(&["0 a/x y", "0 b/y", "0 c/y"]), "release a/x needs \"y\", which may be b/y or c/y");
        assert_eq!(refused(&["1 a/x y", "2 a/y"]), "release a/x needs a/y, which is in a later wave");
        assert_eq!(refused(&["0 a/x x"]), "releases need each other in a circle: a/x → a/x");
        assert_eq!(
            refused(&["0 a/w x", "0 a/x y", "0 a/y z", "0 a/z x"]),
            "releases need each other in a circle: a/x → a/y → a/z → a/x"
        );
    }
}
