//! How long an upgrade or a rollback may take. Helm's `--timeout` is for each operation that Helm waits for: each hook has it
//! anew, and so has the roll-out. Who bounds the whole by it stops a Helm that works as it should.

use std::time::Duration;

use crate::manifest::live::Declared;
use crate::release::Release;

/// Helm ends itself when its time is over; this much later we end it.
const BEYOND_HELMS: Duration = Duration::from_secs(5);

/// How long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// Until everything is ready.
    pub(super) whole: Duration,
    /// A Helm that is at work for longer hangs.
    pub(super) helm: Duration,
}

impl Allowance {
    /// With Helm's timeout, for a release whose hooks run at these points.
    pub(super) fn of(timeout: Duration, release: &Release, points: &[&str]) -> Self {
        let declared = hooks_of(release);
        let count = |waits: fn(&Declared, &[&str]) -> u32| declared.iter().map(|hook| waits(hook, points)).sum::<u32>();
        let (runs, waits) = (count(Declared::runs), count(Declared::waits));
        // Helm bounds what it waits for, but not how long it renders and applies.
        let helm = timeout.saturating_mul(waits.saturating_add(2)).saturating_add(BEYOND_HELMS);
        Self { whole: timeout.saturating_mul(runs.saturating_add(1)), helm }
    }

    /// No more than this, whatever Helm has to wait for.
    pub(super) fn at_most(whole: Duration) -> Self {
        Self { whole, helm: whole.saturating_add(BEYOND_HELMS) }
    }
}

/// Whether a hook of the release runs at one of these points.
pub(super) fn runs_hooks(release: &Release, points: &[&str]) -> bool {
    hooks_of(release).iter().any(|hook| hook.runs(points) > 0)
}

fn hooks_of(release: &Release) -> Vec<Declared> {
    let documents = release.hooks.iter().flat_map(|hook| hook.manifest.documents(true));
    documents.filter_map(|document| Declared::of(&document).ok()).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Manifest;
    use crate::manifest::hook;
    use crate::release::Hook;

    fn release(hooks: &[(&str, &str)]) -> Release {
        let hook = |(events, policy): &(&str, &str)| {
            let metadata = format!("name: x, annotations: {{helm.sh/hook: '{events}', {policy}}}");
            let manifest = Manifest::new(format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{{metadata}}}\n"));
            Hook { path: "x".to_owned(), manifest }
        };
        Release { hooks: hooks.iter().map(hook).collect(), ..Release::of_manifest(String::new()) }
    }

    #[test]
    fn each_hook_has_its_own_time() {
        let timeout = Duration::from_secs(100);
        let upgrade = hook::points_of_upgrade(false, false);
        let seconds = |hooks: &[(&str, &str)], points: &[&str]| {
            let Allowance { whole, helm } = Allowance::of(timeout, &release(hooks), points);
            (whole.as_secs(), helm.as_secs())
        };
        assert_eq!(seconds(&[], upgrade), (100, 205), "applying takes time as well");
        let migrate = ("pre-upgrade", "helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'");
        assert_eq!(seconds(&[migrate], upgrade), (200, 505), "what is deleted is waited for, too");
        assert_eq!(seconds(&[("pre-upgrade,post-upgrade", "")], upgrade), (300, 605));
        assert_eq!(seconds(&[("pre-install, test", ""), migrate], hook::points_of_rollback(false)), (100, 205));
        assert_eq!(seconds(&[migrate], hook::points_of_upgrade(false, true)), (100, 205), "no hook is run");
        let runs = |points: &[&str]| runs_hooks(&release(&[migrate]), points);
        assert!(runs(upgrade) && !runs(hook::points_of_upgrade(true, false)));
    }

    #[test]
    fn no_timeout_is_too_long() {
        let allowance = Allowance::of(Duration::MAX, &release(&[("pre-upgrade", "")]), &["pre-upgrade"]);
        assert_eq!(allowance, Allowance::at_most(Duration::MAX));
    }
}
