//! What the steps of a canary are made with: the connection, the flags, and for each step a guarded upgrade of its own.

use std::time::Duration;

use crate::checks::canary::{Canary as Told, Service};
use crate::cli::args::{GateArgs, GuardArgs};
use crate::cli::checklist::{self, Checked};
use crate::cli::connection::AnyStorage;
use crate::cli::console::{Console, StepName, Telling};
use crate::cli::guard::is_attended;
use crate::cli::revdiff::Run;
use crate::cluster::KubeCluster;
use crate::command::upgrade::Request;
use crate::error::Error;
use crate::execute::canary::compared;
use crate::execute::checklist::elsewhere::Place;
use crate::execute::interrupts::{Interrupts, stopped};
use crate::execute::{self, Options, Prepared, Seams, Stage};
use crate::helm::flags::{Reuse, ValueFlags};
use crate::helm::process::HelmProcess;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::release::Release;
use crate::release::values::computed;
use crate::upgrade::canary::kept::{Kept, Metric, Stable};
use crate::upgrade::canary::{LABEL, Step, values};

/// What the steps are made with.
pub(super) struct Work<'a> {
    pub(super) run: Run<'a>,
    pub(super) storage: AnyStorage,
    pub(super) cluster: KubeCluster,
    pub(super) helm: HelmProcess,
    pub(super) interrupts: &'a Interrupts,
    pub(super) telling: Telling,
    pub(super) guard: GuardArgs,
    pub(super) gates: GateArgs,
    /// What all steps have in common.
    pub(super) request: Request,
    pub(super) options: Options,
    pub(super) place: Option<Place<KubeCluster, HelmProcess>>,
    pub(super) interval: Duration,
    pub(super) max_ratio: Option<f64>,
    /// The Services of the stable release, for the same.
    pub(super) services: Vec<Service>,
    /// The values that the user supplies, merged; `None` where there are none.
    pub(super) supplied: Option<Node>,
    /// The values that the stable release keeps, for a second one beside it.
    pub(super) base_values: Option<Node>,
}

/// One of the steps.
#[derive(Clone, Copy)]
pub(super) struct At<'k> {
    pub(super) steps: &'k [Step],
    pub(super) at: usize,
    /// The revision to which a failure leads back.
    pub(super) base: Option<u32>,
    /// What stands in the label of its revision.
    pub(super) label: &'k str,
    pub(super) metrics: &'k [Metric],
    /// The stable release, where it runs beside that.
    pub(super) stable: Option<&'k Stable>,
}

impl At<'_> {
    pub(super) fn is_last(&self) -> bool {
        self.at + 1 >= self.steps.len()
    }

    /// The second release, where this step is one of its.
    pub(super) fn beside(&self) -> Option<&Stable> {
        self.stable.filter(|_| !self.is_last())
    }
}

impl Work<'_> {
    pub(super) fn name(&self) -> &str {
        &self.request.upgrade.release
    }

    /// The upgrade of a step: what all have in common, with the values of the steps up to this one.
    pub(super) fn request(&self, step: At<'_>) -> Request {
        let mut request = self.request.clone();
        let flags = &mut request.upgrade.flags;
        let supplies = !flags.values.is_empty();
        // Where the user supplies no values those of the release stay, as with helm upgrade; the values of a step change nothing of that.
        if !supplies && flags.reuse == Reuse::IfNoneSupplied {
            flags.reuse = Reuse::ResetThenReuse;
        }
        if let Some(beside) = step.beside() {
            request.upgrade.release.clone_from(&beside.canary);
            request.install = true;
            // It has no values of its own yet: those of the stable release are meant.
            let keeps = matches!(flags.reuse, Reuse::Reuse | Reuse::ResetThenReuse);
            if let Some(base) = self.base_values.as_ref().filter(|_| keeps) {
                let values = self.supplied.as_ref().map(|supplied| computed(base, supplied));
                flags.values = ValueFlags { files: vec!["-".to_owned()], ..ValueFlags::default() };
                request.upgrade.stdin = serde_json::to_vec(values.as_ref().unwrap_or(base)).ok();
            }
            flags.reuse = Reuse::Reset;
        }
        let (set, set_json) = values(step.steps, step.at);
        flags.values.set.extend(set);
        flags.values.set_json.extend(set_json);
        flags.values.set.extend(step.beside().into_iter().flat_map(|beside| beside.set.clone()));
        request
    }

    /// Reads the values of the stable release, where a second one runs beside it.
    pub(super) async fn set_base_values(&mut self, kept: &Kept) -> Result<(), Error> {
        if let Some(stable) = &kept.stable {
            let deployed = self.storage.read(&kept.release, stable.deployed.unwrap_or(kept.base)).await?;
            self.is_beside(&deployed);
        }
        Ok(())
    }

    /// A second release runs beside this one.
    pub(super) fn is_beside(&mut self, stable: &Release) {
        let documents = stable.documents();
        let objects: Vec<Object> = documents.iter().flat_map(|document| self.run.masker.open(document)).collect();
        self.services = Service::of(&objects);
        // Helm keeps the defaults of the old chart, too, where values are reused.
        let base = match self.request.upgrade.flags.reuse {
            Reuse::Reuse => stable.computed_values(),
            _ => stable.config.clone(),
        };
        self.base_values = Some(base);
    }

    /// How a step is made and guarded.
    pub(super) fn options(&self, step: At<'_>) -> Result<Options, Error> {
        let mut options = self.options.clone();
        let mut gates = self.gates.clone();
        let own = step.steps[step.at].gates.clone().unwrap_or_default();
        gates.test = own.test.unwrap_or(gates.test);
        gates.gate_cmd = own.commands.unwrap_or(gates.gate_cmd);
        gates.gate_http = own.http.unwrap_or(gates.gate_http);
        gates.gate_prometheus = own.prometheus.map_or(gates.gate_prometheus, |all| all.into_iter().flatten().collect());
        let whole = gates.soak.filter(|_| step.is_last());
        let own = own.soak.and_then(|long| Duration::try_from(long).ok());
        gates.soak = Some(own.or(whole).unwrap_or(self.interval));
        let asked = gates.gates(step.beside().map_or(self.name(), |stable| &stable.canary))?;
        options.gates.gates = match self.max_ratio {
            // What a gate gave before was of the stable release, also where a second one is asked about now.
            Some(ratio) => compared((asked.gates, &gates.gates(self.name())?.gates), step.metrics, ratio),
            None => asked.gates,
        };
        (options.gates.test, options.gates.soak) = (asked.test, asked.soak);
        let stage = Stage { target: step.base, is_last: step.is_last(), label: Some((LABEL, step.label.to_owned())) };
        options.stage = Some(stage);
        let scales = step.steps.iter().any(|step| step.replicas.is_some());
        options.told.canary = Some(Told {
            number: step.at + 1,
            scales,
            beside: step.stable.is_some(),
            stable: step.stable.map(stable).unwrap_or_default(),
            services: step.beside().map(|_| self.services.clone()),
        });
        if let Some(beside) = step.beside() {
            // What the chart leaves to the release's own name is of the second one.
            options.apply.upgrade.release.clone_from(&beside.canary);
            options.apply.install = true;
            // It would take the objects of the stable one, and they would be removed with it.
            options.apply.take_ownership = false;
            options.stage = Some(Stage { target: None, is_last: false, label: None });
            options.on_failure = crate::upgrade::next::OnFailure::Keep;
        }
        Ok(options)
    }

    /// Looks at a step: what it would change.
    pub(super) async fn prepare(
        &self,
        (request, options): (&Request, &Options),
        console: &Console,
    ) -> Result<Prepared, Error> {
        let seams = self.seams(console);
        let stages = self.run.stages(crate::cli::connection::is_quiet(&self.storage));
        let preparing = execute::prepare(&seams, request, (options, &self.run.options), stages);
        tokio::select! {
            prepared = preparing => prepared,
            () = self.interrupts.more_than(0) => Err(stopped(&request.upgrade.release)),
        }
    }

    pub(super) async fn check(
        &self,
        (request, options): (&Request, &Options),
        prepared: &Prepared,
        console: &Console,
    ) -> Checked {
        let place = self.place.as_ref();
        checklist::look(&self.run, &self.seams(console), (request, options), (prepared, place), &self.guard).await
    }

    pub(super) fn seams<'s>(&'s self, console: &'s Console) -> Seams<'s, KubeCluster, HelmProcess> {
        Seams {
            storage: &self.storage,
            helm: &self.helm,
            cluster: &self.cluster,
            masker: &self.run.masker,
            listener: console,
            interrupts: self.interrupts,
        }
    }

    /// Where a step is told.
    pub(super) fn console(&self, telling: Telling, release: &str, step: Option<StepName>) -> Console {
        let console = Console::new(telling, release, (self.run.painter(), self.run.environment));
        match step {
            Some(step) => console.at_step(step),
            None => console,
        }
    }

    /// Whether somebody is there to be asked.
    pub(super) fn has_somebody(&self) -> bool {
        self.telling == Telling::Story && is_attended()
    }
}

fn stable(stable: &Stable) -> Vec<(String, String)> {
    stable.workloads.iter().map(|workload| (workload.kind.clone(), workload.name.clone())).collect()
}
