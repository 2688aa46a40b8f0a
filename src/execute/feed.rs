//! What becomes of a release's objects, as the cluster tells it: one list and then a watch for each kind and namespace. Lost
//! watches are taken up again for as long as they are wanted, and what can't be seen is said, so that nothing is concluded
//! from missing data.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, join_all};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use crate::cluster::{Change, Cluster, ClusterError, ListQuery, Watch};
use crate::upgrade::world::World;

/// The wait before the first further attempt; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Who may list and not watch sees the state of this long ago.
const POLL: Duration = Duration::from_secs(2);

/// What the cluster tells.
enum News {
    /// All objects of a kind, as they are now.
    Listed(usize, Vec<crate::manifest::observed::Observed>),
    /// One object.
    Changed(Change),
    /// They can't be seen, and won't be.
    Blind(usize, String),
    /// They can't be seen for a while.
    Lost(usize, String),
    /// They are seen again.
    Found(usize),
}

/// Lists and watches. Polled, it goes on.
pub(super) struct Feed<'a, C> {
    cluster: &'a C,
    queries: Vec<ListQuery>,
    followed: FuturesUnordered<BoxFuture<'a, ()>>,
    sender: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
    /// Those that have not been listed yet.
    open: BTreeSet<usize>,
    /// Those that can't be seen for now, and why.
    lost: Vec<Option<String>>,
}

impl<'a, C: Cluster> Feed<'a, C> {
    pub(super) fn new(cluster: &'a C, queries: Vec<ListQuery>) -> Self {
        let (sender, news) = unbounded_channel();
        let mut feed = Self {
            cluster,
            queries: Vec::new(),
            followed: FuturesUnordered::new(),
            sender,
            news,
            open: BTreeSet::new(),
            lost: Vec::new(),
        };
        queries.into_iter().for_each(|query| feed.add(query));
        feed
    }

    /// Follows these objects too, if it does not yet.
    pub(super) fn add(&mut self, query: ListQuery) {
        if self.queries.contains(&query) {
            return;
        }
        let index = self.queries.len();
        self.queries.push(query.clone());
        self.open.insert(index);
        self.lost.push(None);
        let follow = Follow { cluster: self.cluster, index, query, sender: self.sender.clone() };
        self.followed.push(async move { follow.run().await }.boxed());
    }

    /// Waits until something has changed, and takes all of it in. May be dropped while it waits.
    pub(super) async fn next(&mut self, world: &mut World) {
        let first = loop {
            tokio::select! {
                news = self.news.recv() => break news,
                // What can't be seen is not followed any more.
                Some(()) = self.followed.next() => {}
            }
        };
        if let Some(news) = first {
            self.take(news, world);
        }
        while let Ok(news) = self.news.try_recv() {
            self.take(news, world);
        }
    }

    /// Waits until each kind was listed once, or can't be.
    pub(super) async fn listed(&mut self, world: &mut World) {
        while !self.open.is_empty() {
            self.next(world).await;
        }
    }

    /// Lists everything anew, so that nothing is judged by what was so a moment ago. What may not be seen is noted as such.
    ///
    /// # Errors
    /// The first failure. What could not be listed stays as it was.
    pub(super) async fn refresh(&mut self, world: &mut World) -> Result<(), ClusterError> {
        let listings = join_all(self.queries.iter().map(|query| self.cluster.list_observed(query))).await;
        // What has come in the meantime is older.
        while let Ok(news) = self.news.try_recv() {
            self.take(news, world);
        }
        let mut failed = Ok(());
        for (index, listing) in listings.into_iter().enumerate() {
            match listing {
                Ok(listing) => self.take(News::Listed(index, listing.items), world),
                Err(ClusterError::Forbidden(forbidden)) => self.take(News::Blind(index, forbidden.to_string()), world),
                Err(ClusterError::NotServed { .. }) => self.take(News::Listed(index, Vec::new()), world),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed
    }

    /// Why something can't be seen at the moment.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.iter().flatten().next().map(String::as_str)
    }

    fn take(&mut self, news: News, world: &mut World) {
        match news {
            News::Listed(index, objects) => {
                let ListQuery { resource, namespace, .. } = &self.queries[index];
                world.replace(&resource.group, &resource.kind, namespace.as_deref(), objects);
                self.open.remove(&index);
                self.lost[index] = None;
            }
            News::Changed(Change::Set(object)) => world.set(object),
            News::Changed(Change::Gone(object)) => world.gone(&object),
            News::Changed(Change::Bookmark(_)) => {}
            News::Blind(index, reason) => {
                let resource = &self.queries[index].resource;
                world.cannot_see(&resource.group, &resource.kind, reason);
                self.open.remove(&index);
            }
            News::Lost(index, reason) => {
                let ListQuery { resource, namespace, .. } = &self.queries[index];
                world.lose_sight(&resource.group, &resource.kind, namespace.as_deref());
                self.lost[index] = Some(reason);
            }
            News::Found(index) => {
                let ListQuery { resource, namespace, .. } = &self.queries[index];
                world.regain_sight(&resource.group, &resource.kind, namespace.as_deref());
                self.lost[index] = None;
            }
        }
    }
}

/// One kind in one namespace.
struct Follow<'a, C> {
    cluster: &'a C,
    index: usize,
    query: ListQuery,
    sender: UnboundedSender<News>,
}

/// Why a watch has ended.
enum Over {
    /// It goes on where it ended.
    GoOn,
    /// All must be listed again.
    Relist,
    /// The server could not be asked.
    Lost(ClusterError),
    /// The user may not watch, but list.
    OnlyList,
}

impl<C: Cluster> Follow<'_, C> {
    async fn run(&self) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.cluster.list_observed(&self.query).await {
                Ok(listing) => {
                    wait = FIRST_WAIT;
                    self.tell(News::Listed(self.index, listing.items));
                    self.watch(listing.resource_version).await;
                }
                Err(ClusterError::Forbidden(forbidden)) => {
                    self.tell(News::Blind(self.index, forbidden.to_string()));
                    return;
                }
                // A kind that comes with the chart is not served before the chart is applied.
                Err(ClusterError::NotServed { .. }) => {
                    self.tell(News::Listed(self.index, Vec::new()));
                    sleep(POLL).await;
                }
                Err(error) => {
                    self.tell(News::Lost(self.index, error.to_string()));
                    sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Watches until everything must be listed anew.
    async fn watch(&self, mut version: String) {
        let mut wait = FIRST_WAIT;
        loop {
            let over = match self.cluster.watch(&self.query, &version).await {
                Ok(watch) => {
                    if wait > FIRST_WAIT {
                        self.tell(News::Found(self.index));
                    }
                    self.follow(watch, &mut version).await
                }
                Err(error) => over(error),
            };
            match over {
                Over::GoOn => wait = FIRST_WAIT,
                Over::Relist => return,
                Over::OnlyList => {
                    sleep(POLL).await;
                    return;
                }
                Over::Lost(error) => {
                    self.tell(News::Lost(self.index, error.to_string()));
                    sleep(wait).await;
                    if wait >= LONGEST_WAIT {
                        return;
                    }
                    wait *= 2;
                }
            }
        }
    }

    async fn follow(&self, mut watch: Watch, version: &mut String) -> Over {
        loop {
            match watch.next().await {
                Ok(Some(change)) => {
                    match &change {
                        Change::Set(object) | Change::Gone(object) => object.resource_version().clone_into(version),
                        Change::Bookmark(at) => version.clone_from(at),
                    }
                    self.tell(News::Changed(change));
                }
                Ok(None) => return Over::GoOn,
                Err(error) => return over(error),
            }
        }
    }

    fn tell(&self, news: News) {
        // Nobody listens any more when the run has ended.
        _ = self.sender.send(news);
    }
}

fn over(error: ClusterError) -> Over {
    match error {
        ClusterError::Server { code: 410, .. } | ClusterError::NotServed { .. } => Over::Relist,
        ClusterError::Forbidden(_) => Over::OnlyList,
        error => Over::Lost(error),
    }
}
