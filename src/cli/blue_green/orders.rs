//! The upgrades that a roll-out is made of, out of its arguments: those of the two releases, and that of a router.

use clap::Parser as _;
use ring::digest::{SHA256, digest};

use crate::cli::Environment;
use crate::cli::args::{BlueGreenArgs, Command, GuardedArgs, SafeUpgrade, SwitchArgs};
use crate::cli::guard::order;
use crate::cli::policy;
use crate::command::revdiff;
use crate::config::policy::Policy;
use crate::error::{Error, Kind};
use crate::execute::blue_green::Order;
use crate::execute::blue_green::routes::RouterValues;
use crate::helm::Helm;
use crate::helm::flags::ValueFlags;
use crate::upgrade::blue_green::{Roles, Switch};
use crate::upgrade::next::OnFailure;

/// What stands for the name of a release, and for its colour.
const PLACES: [&str; 2] = ["{release}", "{color}"];

/// The arguments, taken apart.
pub(super) struct Ordered {
    pub(super) switch: SwitchArgs,
    pub(super) guarded: GuardedArgs,
    pub(super) policy: Policy,
    /// Tells the order from another one.
    pub(super) digest: String,
    /// The flags by which another run goes on with it.
    pub(super) typed: Vec<String>,
}

/// The arguments of a guarded upgrade, as they are where nobody says anything.
fn plain(release: &str, chart: &str) -> Result<GuardedArgs, Error> {
    let words = ["helm-safe-upgrade", "upgrade", "--", release, chart];
    match SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted) {
        Ok(Command::Upgrade(guarded)) => Ok(*guarded),
        _ => Err(Error::new(Kind::Usage, format!("cannot upgrade release {release:?}"))),
    }
}

impl Ordered {
    /// Takes the arguments apart.
    pub(super) fn of(arguments: BlueGreenArgs, namespace: &str) -> Result<Self, Error> {
        let BlueGreenArgs {
            typed,
            chart,
            switch,
            guard,
            terms,
            gates,
            failure,
            keep,
            values,
            source,
            render,
            apply,
            diff,
            ..
        } = arguments;
        let (blue, green) = names(&switch)?;
        if let Switch::Release { name } = switch.switch()
            && (name == blue || name == green)
        {
            let message = format!("cannot lead the traffic by release {name:?}: it is one of the two colours");
            return Err(
                Error::new(Kind::Usage, message).hint("the router is a release of its own; see docs/blue-green.md")
            );
        }
        let chart = chart.unwrap_or_default();
        let mut guarded = plain(&blue, &chart)?;
        (guarded.guard, guarded.terms, guarded.gates, guarded.failure) = (guard, terms, gates, failure);
        (guarded.keep, guarded.values, guarded.source, guarded.render) = (keep, values, source, render);
        (guarded.apply, guarded.diff) = (apply, diff);
        guarded.apply.install = true;
        // What the idle release was made of is two roll-outs ago: all values are given.
        guarded.reuse.reset_values = true;
        let policy = policy::of(guarded.diff.config.as_deref(), &blue, namespace)?;
        policy::gates(&mut guarded.gates, &policy);
        guarded.gates.fit_soak(guarded.gates.soak.or(switch.switch_soak).is_some())?;
        policy::keep(&mut guarded.keep, &policy);
        let digest = digest_of(&chart, &guarded, &switch);
        Ok(Self { switch, guarded, policy, digest, typed: typed.0 })
    }

    /// The upgrades of the idle release, and of the one that is live: of that only to compare.
    pub(super) fn both(
        &mut self,
        roles: &Roles,
        (compare, environment): (&revdiff::Options, &Environment),
    ) -> Result<(Order, Order), Error> {
        self.guarded.release = Some(roles.idle.clone());
        let (request, mut options) = order(&self.guarded, environment)?;
        options.told.terms = policy::terms(&self.guarded, &self.policy);
        options.told.window = policy::window(&self.guarded, &self.policy, false);
        // What has no traffic need not go back anywhere: what fails is kept for a look, or removed by the roll-out.
        options.on_failure = OnFailure::Keep;
        let mut live = Order { request: request.clone(), options: options.clone(), compare: compare.clone() };
        live.request.upgrade.release.clone_from(&roles.live);
        live.options.apply.upgrade.release.clone_from(&roles.live);
        live.request.install = false;
        Ok((Order { request, options, compare: compare.clone() }, live))
    }

    /// What is asked of the idle release with the traffic: the same gates, and no tests.
    pub(super) fn after(&self, idle: &Order) -> Result<crate::execute::gates::Gates, Error> {
        let mut gates = self.guarded.gates.clone();
        gates.soak = self.switch.switch_soak.or(gates.soak);
        let soak = gates.gates(&idle.request.upgrade.release)?.soak;
        Ok(crate::execute::gates::Gates { test: None, soak, ..idle.options.gates.clone() })
    }

    /// The upgrade of the router that leads the traffic to a release.
    pub(super) fn router(
        &self,
        to: &str,
        (compare, environment): (&revdiff::Options, &Environment),
    ) -> Result<Option<Order>, Error> {
        let (Some(name), Some(chart)) = (&self.switch.switch_release, &self.switch.switch_chart) else {
            return Ok(None);
        };
        let mut guarded = plain(name, chart)?;
        let flags = self.values_for(to);
        (guarded.values.files, guarded.values.set) = (flags.files, flags.set);
        guarded.source.chart_version.clone_from(&self.switch.switch_version);
        guarded.reuse.reset_then_reuse_values = true;
        guarded.apply.timeout = self.guarded.apply.timeout;
        guarded.guard.accept.clone_from(&self.guarded.guard.accept);
        guarded.guard.yes = true;
        guarded.guard.evidence.clone_from(&self.guarded.guard.evidence);
        guarded.guard.fail_fast_after = self.guarded.guard.fail_fast_after;
        guarded.diff.cluster = self.guarded.diff.cluster.clone();
        guarded.diff.config.clone_from(&self.guarded.diff.config);
        let (request, mut options) = order(&guarded, environment)?;
        options.told.terms = policy::terms(&guarded, &self.policy);
        Ok(Some(Order { request, options, compare: compare.clone() }))
    }

    /// The values with which the router leads to each of the two releases.
    pub(super) async fn router_values<H: Helm>(&self, helm: &H) -> Result<RouterValues, Error> {
        let mut all = Vec::new();
        if self.switch.switch_release.is_some() {
            let (blue, green) = names(&self.switch)?;
            for release in [blue, green] {
                let values = helm.supplied_values(&self.values_for(&release), None).await?;
                all.push((release, values));
            }
            if let [(_, one), (_, two)] = all.as_slice()
                && one.content_hash() == two.content_hash()
            {
                let message = "cannot lead the traffic by a router: its values are the same for both releases";
                let hint = "--switch-set and --switch-values name the release by {release} or {color}: --switch-set 'backend={release}'";
                return Err(Error::new(Kind::Usage, message).hint(hint));
            }
        }
        Ok(RouterValues(all))
    }

    fn values_for(&self, release: &str) -> ValueFlags {
        let color = if self.switch.blue.as_deref() == Some(release) { "blue" } else { "green" };
        let filled = |text: &String| text.replace(PLACES[0], release).replace(PLACES[1], color);
        ValueFlags {
            files: self.switch.switch_values.iter().map(filled).collect(),
            set: self.switch.switch_set.iter().map(filled).collect(),
            ..ValueFlags::default()
        }
    }
}

/// The names of the two.
pub(super) fn names(switch: &SwitchArgs) -> Result<(String, String), Error> {
    let (blue, green) = (switch.blue.clone().unwrap_or_default(), switch.green.clone().unwrap_or_default());
    pair((blue, green))
}

/// Two names, if they are two.
pub(super) fn pair((blue, green): (String, String)) -> Result<(String, String), Error> {
    if blue == green || blue.is_empty() || green.is_empty() {
        let message = format!("cannot roll out between {blue:?} and {green:?}: two releases are needed");
        return Err(Error::new(Kind::Usage, message).hint("as in --blue web-blue --green web-green"));
    }
    Ok((blue, green))
}

/// A digest of what was ordered: the chart, the names of the values, and what leads the traffic and how. Values of the two releases may be
/// secret, and are no part of it: once the traffic is switched, none are applied any more. Those of a router are: by them it is led.
fn digest_of(chart: &str, guarded: &GuardedArgs, switch: &SwitchArgs) -> String {
    let values = guarded.flags().values;
    let sets = [values.set, values.set_string, values.set_file, values.set_json, values.set_literal].concat();
    let keys: Vec<&str> = sets.iter().map(|set| set.split('=').next().unwrap_or_default()).collect();
    let router =
        (&switch.blue, &switch.switch_chart, &switch.switch_version, &switch.switch_values, &switch.switch_set);
    let text = format!(
        "{chart}\n{:?}\n{:?}\n{keys:?}\n{}\n{router:?}",
        guarded.source.chart_version,
        values.files,
        switch.switch()
    );
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
