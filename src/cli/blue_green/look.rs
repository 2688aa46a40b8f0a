//! Looking before anything is done: which of the two is live, what would be rolled out, and what speaks against it.

use futures::future::{join, join3};
use jiff::Timestamp;

use super::orders::{Ordered, names};
use crate::checks::blue_green::{Beside, look};
use crate::checks::window::look as look_at_windows;
use crate::checks::{Finding, Findings, Severity};
use crate::cli::Environment;
use crate::cluster::{Cluster, ListQuery, Resource};
use crate::command::Stages;
use crate::command::revdiff;
use crate::error::{Error, Kind};
use crate::execute::blue_green::Order;
use crate::execute::blue_green::routes::{Now, RouterValues, now};
use crate::execute::checklist::elsewhere::Place;
use crate::execute::{self, Prepared, Seams, checklist};
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::mask::Masker;
use crate::manifest::observed::Observed;
use crate::release::Release;
use crate::upgrade::blue_green::event::Planned;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::side::Side;
use crate::upgrade::blue_green::traffic::{Route, leads_to, turned};
use crate::upgrade::blue_green::{Roles, Switch};

/// What was found before anything is done.
pub(super) struct Looked {
    pub(super) roles: Roles,
    /// The upgrade of the idle release, and what was found of it; nothing where it was tested before.
    pub(super) idle: Order,
    pub(super) prepared: Option<Prepared>,
    /// The upgrade of the router, and its revision now.
    pub(super) router: Option<(Order, Option<u32>)>,
    pub(super) values: RouterValues,
    /// What is known of a roll-out that begins; of one that goes on after the switch nothing is judged anew.
    pub(super) begins: Option<Begins>,
}

/// What is known of a roll-out that begins.
pub(super) struct Begins {
    /// What would change of the release that is live, if it were upgraded itself.
    pub(super) compared: Prepared,
    pub(super) live: Release,
    /// Name and version of the chart of the idle release now; none where it is not installed.
    pub(super) idle_chart: Option<String>,
    /// Those of the chart that is rolled out.
    pub(super) chart: String,
    pub(super) before: Route,
    pub(super) after: Route,
    pub(super) findings: Findings,
}

/// Looks.
pub(super) struct Looker<'a, C, H> {
    pub(super) seams: Seams<'a, C, H>,
    pub(super) compare: &'a revdiff::Options,
    pub(super) environment: &'a Environment,
    pub(super) stages: &'a dyn Stages,
}

/// A release as it is, opened.
struct Opened {
    name: String,
    release: Release,
    objects: Vec<Object>,
    deployed: bool,
}

fn open(release: &Release, masker: &Masker) -> Vec<Object> {
    release.documents().iter().flat_map(|document| masker.open(document)).collect()
}

impl<C: Cluster, H: Helm> Looker<'_, C, H> {
    /// Looks at all of it. Changes nothing.
    pub(super) async fn look(
        &self,
        ordered: &mut Ordered,
        (kept, place): (Option<&Kept>, Option<&Place<C, H>>),
    ) -> Result<Looked, Error> {
        let switch = ordered.switch.switch();
        let values = ordered.router_values(self.seams.helm).await?;
        if let Some(kept) = kept.filter(|kept| kept.has_switched()) {
            return self.as_kept(ordered, kept, values);
        }
        self.stages.stage("looking where the traffic goes");
        let (blue, green) = names(&ordered.switch)?;
        let (seen, sides) = join(now(&self.seams, &switch, &values), self.opened([&blue, &green])).await;
        let (seen, sides) = (seen?, sides?);
        if let Some(why) = &seen.unsettled {
            let message = format!("cannot tell which of {blue} and {green} is live by {switch}: {why}");
            return Err(Error::new(Kind::Refused, message)
                .hint("its objects may lead elsewhere than its values say; upgrade it or roll it back first"));
        }
        let roles = self.roles((&switch, &seen), &sides, (&blue, &green))?;
        let live = sides.into_iter().find(|side| side.name == roles.live && side.deployed).ok_or_else(|| {
            let message =
                format!("cannot roll out beside release {:?}: it is live, and has no deployed revision", roles.live);
            Error::new(Kind::Refused, message).hint(format!("helm safe-upgrade status {}", roles.live))
        })?;
        let (idle, to_compare) = ordered.both(&roles, (self.compare, self.environment))?;
        let router = ordered.router(&roles.idle, (self.compare, self.environment))?;
        self.stages.stage("rendering");
        let of_router = async {
            match router {
                Some(order) => self.prepare(&order).await.map(|prepared| Some((order, prepared))),
                None => Ok(None),
            }
        };
        let (prepared, compared, router) = join3(self.prepare(&idle), self.prepare(&to_compare), of_router).await;
        let (prepared, compared, router) = (unlocked(prepared?)?, compared?, router?);
        let router =
            router.map(|(order, prepared)| unlocked(prepared).map(|prepared| (order, prepared))).transpose()?;
        let proposed = open(&prepared.proposed.outcome.releases.new, self.seams.masker);
        let namespace = self.seams.storage.namespace();
        let live_side = Side { release: &roles.live, namespace, objects: &live.objects };
        let idle_side = Side { release: &roles.idle, namespace, objects: &proposed };
        let after = turned(&seen.route, &live_side, &idle_side).map_err(|why| {
            Error::new(Kind::Refused, format!("cannot switch {switch} to {}: {why}", roles.idle))
                .hint("docs/blue-green.md says what a chart needs for that")
        })?;
        self.stages.stage("checking");
        let beside = self.beside((&switch, &seen, &after), (live_side, idle_side), ordered);
        let checklist = checklist::run(&self.seams, &idle.request, &idle.options, (&prepared, place));
        let of_router = async {
            match &router {
                Some((order, prepared)) => self.check_router((order, prepared)).await,
                None => Vec::new(),
            }
        };
        let (beside, findings, of_router) = join3(beside, checklist, of_router).await;
        let findings = findings.and([beside, of_router].concat(), &idle.options.told.terms);
        let releases = &prepared.proposed.outcome.releases;
        let idle_chart = (!prepared.proposed.is_first).then(|| chart_of(&releases.old));
        let chart = chart_of(&releases.new);
        let begins = Begins { compared, live: live.release, idle_chart, chart, before: seen.route, after, findings };
        let router = router.map(|(order, prepared)| (order, prepared.deployed));
        Ok(Looked { roles, idle, prepared: Some(prepared), router, values, begins: Some(begins) })
    }

    /// What goes on with a release that was tested: that stands, and is not rendered again.
    pub(super) fn as_kept(&self, ordered: &mut Ordered, kept: &Kept, values: RouterValues) -> Result<Looked, Error> {
        let roles = kept.roles.clone();
        let (idle, _) = ordered.both(&roles, (self.compare, self.environment))?;
        let router = ordered.router(&roles.idle, (self.compare, self.environment))?;
        let router = router.map(|order| (order, kept.router_revision));
        Ok(Looked { roles, idle, prepared: None, router, values, begins: None })
    }

    /// What speaks by now against leading the traffic to what was tested some time ago.
    pub(super) async fn check_again(
        &self,
        ordered: &Ordered,
        (looked, kept): (&Looked, &Kept),
        time: Timestamp,
    ) -> Result<Findings, Error> {
        let Roles { live, idle } = &kept.roles;
        let terms = &looked.idle.options.told.terms;
        let (seen, sides) = join(now(&self.seams, &kept.switch, &looked.values), self.opened([live, idle])).await;
        let (seen, sides) = (seen?, sides?);
        let namespace = self.seams.storage.namespace();
        let objects = |name: &String| sides.iter().find(|side| side.name == *name).map(|side| side.objects.as_slice());
        let mut more = look_at_windows(&looked.idle.options.told.window, time);
        // What is gone, or leads elsewhere, is told by the roll-out itself.
        if let (Some(of_live), Some(of_idle)) = (objects(live), objects(idle)) {
            let side = |release, objects| Side { release, namespace, objects };
            let both = (side(live, of_live), side(idle, of_idle));
            more.extend(self.beside((&kept.switch, &seen, &kept.after), both, ordered).await);
        }
        if let Some((order, _)) = &looked.router {
            let prepared = unlocked(self.prepare(order).await?)?;
            more.extend(self.check_router((order, &prepared)).await);
        }
        Ok(checklist::of_unchanged(&self.seams, idle, terms).await.and(more, terms))
    }

    async fn prepare(&self, order: &Order) -> Result<Prepared, Error> {
        execute::prepare(&self.seams, &order.request, (&order.options, &order.compare), &()).await
    }

    /// What the checklist says against the upgrade of the router.
    async fn check_router(&self, (order, prepared): (&Order, &Prepared)) -> Vec<Finding> {
        if prepared.nothing_to_do {
            return Vec::new();
        }
        let found = checklist::run(&self.seams, &order.request, &order.options, (prepared, None)).await;
        let name = &order.request.upgrade.release;
        let bad = found.findings.into_iter().filter(|finding| finding.severity != Severity::Pass);
        bad.map(|finding| Finding { message: format!("of release {name:?}: {}", finding.message), ..finding }).collect()
    }

    /// The releases that there are.
    async fn opened(&self, names: [&String; 2]) -> Result<Vec<Opened>, Error> {
        let mut found = Vec::new();
        for name in names {
            let history = self.seams.storage.history(name).await?;
            let Some(last) = history.revisions().last().copied() else { continue };
            let (release, deployed) = match self.seams.storage.deployed(name, &history).await {
                Ok(release) => (release, true),
                Err(error) if error.kind == Kind::NotFound => (self.seams.storage.read(name, last).await?, false),
                Err(error) => return Err(error),
            };
            if release.info.status == "uninstalled" {
                continue;
            }
            let objects = open(&release, self.seams.masker);
            found.push(Opened { name: name.clone(), objects, release, deployed });
        }
        Ok(found)
    }

    /// Which of them is live. It is not guessed.
    fn roles(
        &self,
        (switch, seen): (&Switch, &Now),
        sides: &[Opened],
        (blue, green): (&String, &String),
    ) -> Result<Roles, Error> {
        let namespace = self.seams.storage.namespace();
        if sides.is_empty() {
            let message =
                format!("cannot tell which is live: neither {blue} nor {green} is installed in namespace {namespace}");
            return Err(Error::new(Kind::Refused, message)
                .hint(format!("install the first one: helm safe-upgrade {blue} CHART --install -n {namespace}")));
        }
        let all: Vec<Side<'_>> =
            sides.iter().map(|side| Side { release: &side.name, namespace, objects: &side.objects }).collect();
        let live = leads_to(&seen.route, &all).map_err(|why| {
            Error::new(Kind::Refused, format!("cannot tell which of {blue} and {green} is live by {switch}: {why}"))
                .hint("what leads the traffic must lead to one of the two, and to one alone")
        })?;
        let idle = if live == *blue { green } else { blue };
        Ok(Roles { live, idle: idle.clone() })
    }

    /// What speaks against the two side by side.
    async fn beside(
        &self,
        (switch, seen, after): (&Switch, &Now, &Route),
        (live, idle): (Side<'_>, Side<'_>),
        ordered: &Ordered,
    ) -> Vec<Finding> {
        let (ingresses, claims, services) = join3(
            self.listed(Resource::INGRESSES, true),
            self.listed(Resource::CLAIMS, false),
            self.listed(Resource::SERVICES, false),
        )
        .await;
        look(&Beside {
            live,
            idle,
            switch,
            route: &seen.route,
            after,
            targets: &seen.named_targets(),
            owner: &seen.owner,
            retire: ordered.switch.retire(),
            ingresses: ingresses.as_deref().map_err(Clone::clone),
            services: services.as_deref().map_err(Clone::clone),
            claims: claims.as_deref().map_err(Clone::clone),
        })
    }

    /// The objects of a kind: of the whole cluster where that may be seen, else of the namespace.
    async fn listed(&self, resource: Resource, everywhere: bool) -> Result<Vec<Observed>, String> {
        let own = Some(self.seams.storage.namespace().to_owned());
        let query = |namespace| ListQuery { resource: resource.clone(), namespace, label_selector: None };
        if everywhere && let Ok(listing) = self.seams.cluster.list_observed(&query(None)).await {
            return Ok(listing.items);
        }
        let listing = self.seams.cluster.list_observed(&query(own)).await;
        listing.map(|listing| listing.items).map_err(|error| error.to_string())
    }
}

/// What nobody else is at work on.
fn unlocked(mut prepared: Prepared) -> Result<Prepared, Error> {
    prepared.locked.take().map_or(Ok(prepared), Err)
}

impl Begins {
    /// When the last revision of the release that is live was made, where that is known.
    pub(super) fn live_made(&self) -> Option<Timestamp> {
        self.compared.history.entries().last().and_then(|last| last.created)
    }

    /// Whether the release that is live is what was asked for already. What has failed is not.
    pub(super) fn is_unchanged(&self) -> bool {
        let mut entries = self.compared.history.entries().iter();
        let is_bad = entries.any(|entry| Some(entry.revision) == self.compared.deployed && entry.marks.is_bad());
        !self.compared.proposed.changes && !is_bad
    }
}

impl Looked {
    /// What would be done.
    pub(super) fn planned(&self, begins: &Begins, ordered: &Ordered, goes_on: bool) -> Planned {
        let gates = &self.idle.options.gates;
        let names: Vec<String> = gates.gates.iter().map(crate::upgrade::gates::Gate::name).collect();
        let soak = |soak: Option<std::time::Duration>| soak.map(|soak| format!("soak {}", shown(soak)));
        let tests = gates.test.as_ref().map(|_| "helm test".to_owned());
        let before = tests.into_iter().chain(names.clone()).chain(soak(gates.soak.map(|soak| soak.duration)));
        let soaks = ordered.switch.switch_soak.or(gates.soak.map(|soak| soak.duration));
        Planned {
            namespace: begins.compared.proposed.outcome.releases.new.namespace.clone(),
            roles: self.roles.clone(),
            live_chart: chart_of(&begins.live),
            live_revision: begins.live.revision,
            idle_chart: begins.idle_chart.clone(),
            chart: begins.chart.clone(),
            switch: ordered.switch.switch(),
            before: begins.before.clone(),
            after: begins.after.clone(),
            tests: before.collect(),
            soak: names.into_iter().chain(soak(soaks)).collect(),
            pause: ordered.switch.pause(),
            retire: ordered.switch.retire(),
            retire_after: ordered.switch.retire_after.unwrap_or_default().as_secs(),
            goes_on,
        }
    }
}

fn chart_of(release: &Release) -> String {
    format!("{}-{}", release.chart.name(), release.chart.version())
}

fn shown(time: std::time::Duration) -> String {
    crate::report::blue_green::length(time.as_secs_f64())
}
