//! Changing a release by the `helm` binary.
//!
//! Always with `--history-max 0`: without it Helm deletes old revisions before it applies anything, a rollback's target
//! among them. Never with `--atomic`: Helm would go back to a revision that may never have worked. What Helm deletes on
//! failure (`--cleanup-on-fail`) would be gone before anyone could look at it.

use crate::error::Error;
use crate::helm::flags::Arguments;
use crate::helm::process::HelmProcess;
use crate::helm::running::{Order, Running};
use crate::helm::{Apply, Back, Helm as _, Test};

impl HelmProcess {
    pub(super) async fn begin_upgrade(&self, apply: &Apply) -> Result<Running, Error> {
        let four = self.major_version().await? >= 4;
        let mut arguments = Arguments::default();
        let upgrade = &apply.upgrade;
        arguments.words(["upgrade", &upgrade.release, &upgrade.chart, "--history-max=0"]);
        upgrade.flags.add_to(&mut arguments);
        upgrade.flags.reuse.add_to(&mut arguments);
        arguments.value("--server-side", upgrade.server_side.as_deref());
        arguments.switch("--install", apply.install);
        arguments.switch("--create-namespace", apply.create_namespace);
        arguments.switch("--skip-crds", apply.skip_crds);
        arguments.switch("--take-ownership", apply.take_ownership);
        arguments.switch("--disable-openapi-validation", apply.disable_openapi_validation);
        arguments.switch("--force-conflicts", apply.force_conflicts);
        arguments.value("--description", apply.description.as_deref());
        arguments.values("--labels", &apply.labels);
        add_waiting(&mut arguments, (&apply.waiting, four));
        self.start(arguments, upgrade.stdin.clone())
    }

    pub(super) async fn begin_rollback(&self, back: &Back) -> Result<Running, Error> {
        let four = self.major_version().await? >= 4;
        let mut arguments = Arguments::default();
        arguments.words(["rollback", &back.release, &back.revision.to_string(), "--history-max=0"]);
        add_waiting(&mut arguments, (&back.waiting, four));
        arguments.switch("--cleanup-on-fail", back.cleanup_on_fail);
        arguments.switch("--force-conflicts", four && back.force_conflicts);
        self.start(arguments, None)
    }

    pub(super) fn begin_test(&self, test: &Test) -> Result<Running, Error> {
        let mut arguments = Arguments::default();
        arguments.words(["test", &test.release]);
        arguments.value("--timeout", Some(&seconds(test.timeout)));
        arguments.values("--filter", &test.filter);
        self.start(arguments, None)
    }

    pub(super) fn begin_uninstall(&self, release: &str, timeout: std::time::Duration) -> Result<Running, Error> {
        let mut arguments = Arguments::default();
        arguments.words(["uninstall", release, "--wait"]);
        arguments.value("--timeout", Some(&seconds(timeout)));
        self.start(arguments, None)
    }

    fn start(&self, arguments: Arguments, stdin: Option<Vec<u8>>) -> Result<Running, Error> {
        let (binary, environment) = (&self.binary, &self.environment);
        Running::start(Order { binary, environment, arguments: arguments.0, stdin })
    }
}

fn add_waiting(arguments: &mut Arguments, (waiting, four): (&crate::helm::Waiting, bool)) {
    arguments.value("--timeout", Some(&seconds(waiting.timeout)));
    arguments.switch("--wait", waiting.until_ready);
    arguments.switch("--wait-for-jobs", waiting.wait_for_jobs && waiting.until_ready);
    arguments.switch("--no-hooks", waiting.no_hooks);
    // Helm 4 calls it by another name.
    arguments.switch(if four { "--force-replace" } else { "--force" }, waiting.force);
}

/// A duration as Go reads it.
fn seconds(duration: std::time::Duration) -> String {
    format!("{}ms", duration.as_millis().max(1))
}
