//! What the configuration says of a release, below what the flags say.

use std::time::Duration;

use jiff::SignedDuration;

use crate::checks::window::Window;
use crate::checks::{Findings, Severity, Terms, window};
use crate::cli::Environment;
use crate::cli::args::{ClusterArgs, GateArgs, GuardedArgs, KeepArgs};
use crate::cli::{configuration, connection};
use crate::cluster::KubeCluster;
use crate::config::policy::Policy;
use crate::error::Error;
use crate::execute::Options;
use crate::execute::checklist::elsewhere::Place;
use crate::helm::process::HelmProcess;

/// The policy for a release, of the configuration that is named, or found.
pub(super) fn of(named: Option<&std::path::Path>, release: &str, namespace: &str) -> Result<Policy, Error> {
    Ok(Policy::of(&configuration::load(named)?.policies, release, namespace))
}

/// Fills in of the gates what no flag says.
pub(super) fn gates(gates: &mut GateArgs, policy: &Policy) {
    let said = &policy.gates;
    gates.test |= said.test.unwrap_or(false);
    let fill = |flag: &mut Vec<String>, said: Option<Vec<String>>| {
        if flag.is_empty() {
            *flag = said.unwrap_or_default();
        }
    };
    fill(&mut gates.gate_cmd, said.commands.clone());
    fill(&mut gates.gate_http, said.http.clone());
    fill(&mut gates.gate_prometheus, said.prometheus.as_ref().map(|all| all.iter().flatten().cloned().collect()));
    let soak = said.soak.and_then(|long| Duration::try_from(long).ok());
    gates.soak = gates.soak.or(soak);
}

/// Fills in of what stays what no flag says.
pub(super) fn keep(keep: &mut KeepArgs, policy: &Policy) {
    keep.or(policy.keep.revisions, policy.keep.proven, policy.keep.younger_than);
}

/// What is made of what the checks find.
pub(super) fn terms(arguments: &GuardedArgs, policy: &Policy) -> Terms {
    let accepted = [arguments.guard.accept.clone(), policy.accept.clone()].concat();
    Terms { accepted, severities: policy.severities.clone() }
}

/// When the upgrade may be made.
pub(super) fn window(arguments: &GuardedArgs, policy: &Policy, is_plan: bool) -> Window {
    Window { windows: policy.windows(), overridden: arguments.terms.override_window.clone(), is_plan }
}

/// The place where the same chart must be proven, where one is asked for. That it can't be reached is for the check to say.
pub(super) async fn elsewhere(
    arguments: &GuardedArgs,
    policy: &Policy,
    (release, namespace): (&str, &str),
    environment: &Environment,
) -> Option<Place<KubeCluster, HelmProcess>> {
    let filled = |text: &String| text.replace("{release}", release).replace("{namespace}", namespace);
    let named = arguments.terms.proven_in.clone().or_else(|| policy.proven_in.as_ref().map(filled))?;
    let long = arguments.terms.proven_for.or(policy.proven_for).unwrap_or(SignedDuration::ZERO);
    let mut parts = named.rsplitn(3, '/');
    let (there, within, context) = (parts.next()?, parts.next()?, parts.next()?);
    let storage = connection::storage_at(context, within, cluster_of(arguments), environment).await;
    let storage = storage.map_err(|error| error.message);
    Some(Place { release: there.to_owned(), named: named.clone(), long, storage })
}

fn cluster_of(arguments: &GuardedArgs) -> &ClusterArgs {
    &arguments.diff.cluster
}

/// The options with the reason for an upgrade outside of its windows, where it is outside of them.
pub(super) fn recorded(options: &Options, findings: &Findings, is_first: bool) -> Option<Options> {
    let reason = options.told.window.overridden.as_ref()?;
    let is_outside =
        |finding: &crate::checks::Finding| finding.check == window::NAME && finding.severity != Severity::Pass;
    if !findings.findings.iter().any(is_outside) && !findings.off.contains(&window::NAME) {
        return None;
    }
    let remark = format!("outside its windows: {reason}");
    let mut options = options.clone();
    let done = if is_first { "Install complete" } else { "Upgrade complete" };
    let done = options.apply.description.take().unwrap_or_else(|| done.to_owned());
    options.apply.description = Some(format!("{done}; {remark}"));
    options.remark = Some(remark);
    Some(options)
}
