//! All objects of a list, page by page, each decoded while the next ones come in.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::task::{JoinError, JoinSet};

use crate::cluster::{Batch, Cluster, ClusterError, ListQuery, Object, Portion};

/// Objects a page. Large pages cost the server less than many small ones, and nothing here, as no page is kept.
const PAGE: u32 = 500;
/// More objects, and more pages, than any real list has; a server that sends more is broken.
const MOST_OBJECTS: usize = 500_000;
const MOST_PAGES: usize = 1_500;
/// So often a page is asked for again whose connection was lost.
const MOST_ATTEMPTS: usize = 3;

/// Makes of an object what is wanted of it, if anything.
pub(super) type Decoder<T> = Arc<dyn Fn(&Object<'_>) -> Result<Option<T>, Unread> + Send + Sync>;

/// An object that can't be read.
pub(super) struct Unread;

/// What came of a list, in no order. An object may come twice where a page had to be read again.
pub(super) struct Collected<T> {
    /// What is wanted of its objects.
    pub(super) found: Vec<T>,
    /// So many objects can't be read.
    pub(super) unread: usize,
}

/// What is wanted of all objects that match.
pub(super) async fn collect<C: Cluster, T: Send + 'static>(
    cluster: &C,
    (query, content): (&ListQuery, bool),
    decoder: &Decoder<T>,
) -> Result<Collected<T>, ClusterError> {
    let (mut found, mut unread) = (Vec::new(), 0);
    let (mut limit, mut token, mut attempts) = (PAGE, String::new(), 0);
    for _ in 0..MOST_PAGES {
        let portion = Portion { content, limit, token: &token };
        match page(cluster, (query, portion), decoder, &mut found).await {
            Ok((next, left_out)) => {
                unread += left_out;
                if next.is_empty() {
                    return Ok(Collected { found, unread });
                }
                (token, attempts) = (next, 0);
            }
            // The list took so long that the server forgot where it began: only one page is one state.
            Err(ClusterError::Server { code: 410, .. }) if !token.is_empty() && limit > 0 => {
                found.clear();
                (limit, token, unread) = (0, String::new(), 0);
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

/// One page; returns what to ask for the next one with, and how many of its objects can't be read.
async fn page<C: Cluster, T: Send + 'static>(
    cluster: &C,
    (query, portion): (&ListQuery, Portion<'_>),
    decoder: &Decoder<T>,
    found: &mut Vec<T>,
) -> Result<(String, usize), ClusterError> {
    let at_once = available_parallelism().map_or(2, usize::from) + 1;
    let mut items = cluster.list_items(query, portion).await?;
    let mut decoding: JoinSet<Decoded<T>> = JoinSet::new();
    let mut unread = 0;
    // A batch whose decoding breaks off reads none of its objects.
    let mut take = |decoded: Result<Decoded<T>, JoinError>| {
        let Decoded { wanted, read } = decoded.unwrap_or_default();
        found.extend(wanted);
        read
    };
    while let Some(batch) = items.next().await? {
        if decoding.len() >= at_once
            && let Some(decoded) = decoding.join_next().await
        {
            unread -= take(decoded);
        }
        unread += batch.objects().count();
        let decoder = decoder.clone();
        decoding.spawn_blocking(move || decoded(&batch, &decoder));
    }
    while let Some(decoded) = decoding.join_next().await {
        unread -= take(decoded);
    }
    Ok((items.next_token(), unread))
}

/// What was read of a batch.
struct Decoded<T> {
    wanted: Vec<T>,
    /// So many objects could be read, be they wanted or not.
    read: usize,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self { wanted: Vec::new(), read: 0 }
    }
}

fn decoded<T>(batch: &Batch, decoder: &Decoder<T>) -> Decoded<T> {
    let read: Vec<Option<T>> = batch.objects().filter_map(|object| decoder(&object).ok()).collect();
    Decoded { read: read.len(), wanted: read.into_iter().flatten().collect() }
}
