//! Releases that Helm keeps elsewhere than in objects: what `helm list` says of them.

use futures::future::join_all;

use super::{Fleet, Query, Scope};
use crate::error::{Error, Kind};
use crate::helm::{Helm, Listed};
use crate::release::fleet::{Known, Member, split_chart};
use crate::release::head::Head;
use crate::release::history::Entry;

pub(super) async fn members<H: Helm>(helm: &H, query: &Query) -> Result<Fleet, Error> {
    if query.selector.is_some() {
        let message = "cannot select releases by labels: the storage driver \"sql\" does not list them";
        return Err(Error::new(Kind::Unsupported, message).hint("leave -l out, or name namespaces"));
    }
    let listed = match &query.scope {
        Scope::All => helm.list(None).await?,
        Scope::Namespaces(namespaces) => {
            let lists = join_all(namespaces.iter().map(|namespace| helm.list(Some(namespace)))).await;
            lists.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
        }
    };
    let mut members: Vec<Member> = listed.into_iter().map(member).collect();
    members.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(Fleet { members, ..Fleet::default() })
}

fn member(listed: Listed) -> Member {
    let (chart, version) = split_chart(&listed.chart);
    let head = Head {
        status: listed.status,
        last_deployed: listed.updated,
        chart: chart.to_owned(),
        version: version.to_owned(),
        app_version: listed.app_version,
        ..Head::default()
    };
    let newest = Known::new(&Entry { revision: listed.revision, ..Entry::default() }, Ok(head));
    Member { namespace: listed.namespace, name: listed.name, newest, ..Member::default() }
}
