//! All objects of a list, page by page, each decoded while the next ones come in.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::task::JoinSet;

use crate::cluster::{Cluster, ClusterError, ListQuery, Object, Portion};

/// Objects a page. Large pages cost the server less than many small ones, and nothing here, as no page is kept.
const PAGE: u32 = 500;
/// More objects, and more pages, than any real list has; a server that sends more is broken.
const MOST_OBJECTS: usize = 500_000;
const MOST_PAGES: usize = 1_500;
/// So often a page is asked for again whose connection was lost.
const MOST_ATTEMPTS: usize = 3;

/// Makes of an object what is wanted of it, if anything.
pub(super) type Decoder<T> = Arc<dyn Fn(&Object<'_>) -> Option<T> + Send + Sync>;

/// What is wanted of all objects that match, in no order. An object may come twice where a page had to be read again.
pub(super) async fn collect<C: Cluster, T: Send + 'static>(
    cluster: &C,
    (query, content): (&ListQuery, bool),
    decoder: &Decoder<T>,
) -> Result<Vec<T>, ClusterError> {
    let mut found = Vec::new();
    let (mut limit, mut token, mut attempts) = (PAGE, String::new(), 0);
    for _ in 0..MOST_PAGES {
        let portion = Portion { content, limit, token: &token };
        match page(cluster, (query, portion), decoder, &mut found).await {
            Ok(next) if next.is_empty() => return Ok(found),
            Ok(next) => (token, attempts) = (next, 0),
            // The list took so long that the server forgot where it began: only one page is one state.
            Err(ClusterError::Server { code: 410, .. }) if !token.is_empty() && limit > 0 => {
                found.clear();
                (limit, token) = (0, String::new());
            }
            Err(ClusterError::ConnectionLost { .. }) if attempts + 1 < MOST_ATTEMPTS => attempts += 1,
            Err(error) => return Err(error),
        }
        if found.len() > MOST_OBJECTS {
            break;
        }
    }
    let limit = format!("{MOST_OBJECTS} objects");
    Err(ClusterError::TooLarge { action: format!("list {query}"), server: cluster.server().to_owned(), limit })
}

/// One page; returns what to ask for the next one with.
async fn page<C: Cluster, T: Send + 'static>(
    cluster: &C,
    (query, portion): (&ListQuery, Portion<'_>),
    decoder: &Decoder<T>,
    found: &mut Vec<T>,
) -> Result<String, ClusterError> {
    let at_once = available_parallelism().map_or(2, usize::from) + 1;
    let mut items = cluster.list_items(query, portion).await?;
    let mut decoding: JoinSet<Vec<T>> = JoinSet::new();
    while let Some(batch) = items.next().await? {
        if decoding.len() >= at_once {
            found.extend(decoding.join_next().await.and_then(Result::ok).into_iter().flatten());
        }
        let decoder = decoder.clone();
        decoding.spawn_blocking(move || batch.objects().filter_map(|object| decoder(&object)).collect());
    }
    while let Some(decoded) = decoding.join_next().await {
        found.extend(decoded.into_iter().flatten());
    }
    Ok(items.next_token())
}
