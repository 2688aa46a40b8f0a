//! Releases of several places, gathered at the same time.

use futures::future::join_all;

use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::fleet::{self, Fleet, Query, Scope};
use crate::helm::Helm;
use crate::release::fleet::{Filter, Unreadable};
use crate::storage::Storage;

/// Where releases are looked for.
pub struct Place<C, H> {
    /// The context of the kubeconfig, where several were asked for.
    pub context: Option<String>,
    /// The storage there, or why there is none.
    pub storage: Result<Storage<C, H>, Error>,
}

/// Which releases are wanted of each place.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In every namespace.
    pub all_namespaces: bool,
    /// In these; in the one of the place where none is named.
    pub namespaces: Vec<String>,
    /// Those with these labels.
    pub selector: Option<String>,
    /// Those in this state.
    pub filter: Filter,
}

impl Wanted {
    /// Where to look in a place.
    #[must_use]
    pub fn scope<C: Cluster, H: Helm>(&self, storage: &Storage<C, H>) -> Scope {
        match (self.all_namespaces, self.namespaces.as_slice()) {
            (true, _) => Scope::All,
            (false, []) => Scope::Namespaces(vec![storage.namespace().to_owned()]),
            (false, named) => Scope::Namespaces(named.to_vec()),
        }
    }
}

/// The releases of all places, in their order. Of several places one that can't be read is told in the result.
///
/// # Errors
/// If nothing at all can be read, or what was asked for makes no sense.
pub async fn gather<C: Cluster, H: Helm>(places: &[Place<C, H>], wanted: &Wanted) -> Result<Fleet, Error> {
    each(places, async |storage| {
        let (scope, selector) = (wanted.scope(storage), wanted.selector.clone());
        fleet::members(storage, &Query { scope, selector, filter: wanted.filter.clone() }).await
    })
    .await
    .map(|fleets| {
        let mut all = Fleet::default();
        for (context, mut fleet) in fleets.found {
            fleet.members.iter_mut().for_each(|member| member.context.clone_from(&context));
            fleet.unreadable.iter_mut().for_each(|one| one.context.clone_from(&context));
            all.members.extend(fleet.members);
            all.unreadable.extend(fleet.unreadable);
        }
        all.unreadable.extend(fleets.unreadable);
        all
    })
}

/// What was found in each place, and which places could not be read.
pub(super) struct Found<T> {
    pub(super) found: Vec<(Option<String>, T)>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// Looks in all places at the same time.
pub(super) async fn each<C: Cluster, H: Helm, T>(
    places: &[Place<C, H>],
    look: impl AsyncFn(&Storage<C, H>) -> Result<T, Error>,
) -> Result<Found<T>, Error> {
    let answers = join_all(places.iter().map(async |place| match &place.storage {
        Ok(storage) => look(storage).await,
        Err(error) => Err(error.clone()),
    }))
    .await;
    let (mut found, mut unreadable, mut first) = (Vec::new(), Vec::new(), None);
    for (Place { context, .. }, answer) in places.iter().zip(answers) {
        match answer {
            Ok(answer) => found.push((context.clone(), answer)),
            Err(error) if matches!(error.kind, Kind::Usage | Kind::Unsupported) => return Err(error),
            Err(error) => {
                let reason = error.message.clone();
                unreadable.push(Unreadable { context: context.clone(), namespace: None, reason });
                first = first.or(Some(error));
            }
        }
    }
    match first {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(Found { found, unreadable }),
    }
}
