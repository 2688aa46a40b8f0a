//! Promoting and giving up a roll-out that pauses: with the flags that it was begun with. Neither takes the chart: what was tested stands.

use clap::Parser as _;
use jiff::Timestamp;

use super::look::Looked;
use super::orders::{Ordered, pair};
use super::{Running, kept};
use crate::cli::args::{BlueGreenArgs, BlueGreenGoingOnArgs, Command, Format, GoingOnArgs, ReportFormat, SafeUpgrade};
use crate::cli::checklist::Checked;
use crate::cli::guard::{Question, confirm};
use crate::cli::{Environment, connection};
use crate::cluster::KubeCluster;
use crate::error::{Error, Kind};
use crate::execute::trouble;
use crate::record::blue_green::Store;
use crate::record::blue_green_flags::Flags;
use crate::upgrade::blue_green::Roles;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;

/// What is to become of a roll-out that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It gets the traffic.
    Promote,
    /// It is given up.
    Abort,
}

/// The arguments that it was begun with, and what is said anew.
pub(super) async fn arguments(
    (word, arguments): (Word, BlueGreenGoingOnArgs),
    environment: &Environment,
) -> Result<BlueGreenArgs, Error> {
    let BlueGreenGoingOnArgs { blue, green, going_on } = arguments;
    let (blue, green) = pair((blue, green))?;
    let storage = connection::storage(&going_on.cluster, environment).await?;
    let reached = connection::reached(&storage, &going_on.cluster, environment).await?;
    let (cluster, namespace): (&KubeCluster, _) = (&reached, storage.namespace());
    let store = Store::of(cluster, namespace, (&blue, &green));
    let kept = under_way(&store, (&blue, &green), namespace).await?;
    may(word, &kept)?;
    let flags = Flags::of(cluster, namespace, (&blue, &green)).read(&kept.order).await?;
    again(flags.filter(|_| kept.pause.is_some()).ok_or_else(|| unnamed(&kept))?, &kept, going_on)
}

async fn under_way(
    store: &Store<'_, KubeCluster>,
    (blue, green): (&str, &str),
    namespace: &str,
) -> Result<Kept, Error> {
    kept(store).await?.filter(Kept::is_open).ok_or_else(|| {
        let message = format!("no roll-out of {blue} and {green} is under way in namespace \"{namespace}\"");
        Error::new(Kind::NotFound, message)
            .hint(format!("helm safe-upgrade blue-green status --blue {blue} --green {green} -n {namespace}"))
    })
}

/// Whether it is so far.
fn may(word: Word, kept: &Kept) -> Result<(), Error> {
    let Roles { live, idle } = &kept.roles;
    match (word, kept.phase) {
        (Word::Promote, Phase::Testing) => {
            let message = format!("cannot promote the roll-out to {idle}: it was not tested to the end");
            Err(Error::new(Kind::Refused, message).hint("run the command of the roll-out again: it goes on"))
        }
        (Word::Promote, Phase::GoingBack) => {
            let message = format!("cannot promote the roll-out to {idle}: it has failed, and is to be led back");
            Err(Error::new(Kind::Refused, message).hint("helm safe-upgrade blue-green abort goes on leading it back"))
        }
        (Word::Abort, Phase::Proven) => {
            let message = format!("cannot give up the roll-out to {idle}: it has the traffic and is proven");
            Err(Error::new(Kind::Refused, message).hint(format!("roll out to {live}, which leads the traffic there")))
        }
        _ => Ok(()),
    }
}

fn unnamed(kept: &Kept) -> Error {
    let message =
        format!("cannot go on with the roll-out to {}: it was not begun with --pause or --confirm", kept.roles.idle);
    Error::new(Kind::Refused, message).hint("run the command of the roll-out again: it goes on")
}

fn again(mut words: Vec<String>, kept: &Kept, going_on: GoingOnArgs) -> Result<BlueGreenArgs, Error> {
    words.splice(0..0, ["helm-safe-upgrade", "blue-green"].map(str::to_owned));
    // It is not looked for: what was tested stands.
    words.extend(["--".to_owned(), kept.chart.clone()]);
    let damaged = || {
        let message = format!("cannot go on with the roll-out to {}: its flags can't be read", kept.roles.idle);
        Error::new(Kind::Damaged, message).hint("run the command of the roll-out again, without --pause: it goes on")
    };
    let parsed = SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted).map_err(|_| damaged())?;
    let Command::BlueGreen(arguments) = parsed else { return Err(damaged()) };
    let mut arguments = *arguments;
    let GoingOnArgs { yes, accept, config, override_window, output, cluster, display } = going_on;
    arguments.guard.yes = yes;
    arguments.guard.accept.extend(accept);
    arguments.diff.config = config.or(arguments.diff.config.take());
    arguments.terms.override_window = override_window.or(arguments.terms.override_window.take());
    (arguments.diff.cluster, arguments.diff.display) = (cluster, display);
    arguments.diff.output = match output {
        ReportFormat::Text => Format::Text,
        ReportFormat::Json => Format::Json,
    };
    Ok(arguments)
}

impl Running<'_> {
    /// Promotes it, or gives it up.
    pub(super) async fn go_on(&self, mut ordered: Ordered, word: Word) -> Result<u8, Error> {
        let (blue, green) = super::names(&ordered.switch)?;
        let namespace = self.seams.storage.namespace().to_owned();
        let store = Store::of(self.seams.cluster, &namespace, (&blue, &green));
        let kept = under_way(&store, (&blue, &green), &namespace).await?;
        may(word, &kept)?;
        let looked = self.look_on(&mut ordered, &kept).await?;
        let is_before = matches!(kept.phase, Phase::Paused | Phase::Switching);
        // A switch that was begun was promoted already.
        if word == Word::Promote && kept.phase == Phase::Paused {
            self.check_again(&ordered, (&looked, &kept)).await?;
        }
        self.run.progress.clear();
        let question = Question { release: &kept.roles.idle, shows: false, ..question(word, &kept) };
        confirm(question, ordered.guarded.guard.yes, self.seams.interrupts).await?;
        let mut kept = Kept { outcome: None, reason: kept.reason.clone().filter(|_| !is_before), ..kept };
        if word == Word::Promote && kept.phase == Phase::Paused {
            let outside = ordered.guarded.terms.override_window.as_ref();
            let outside = outside.map(|reason| format!(", outside its windows: {reason}")).unwrap_or_default();
            (kept.phase, kept.promoted_by) = (Phase::Switching, Some(self.environment.who() + &outside));
        }
        self.roll_out(&ordered, looked, (&mut kept, &store), Some(word)).await?;
        self.finish(&kept, &namespace)
    }

    /// What may have changed while it paused: whether the release is ready, the windows, and what the two fight for.
    async fn check_again(&self, ordered: &Ordered, (looked, kept): (&Looked, &Kept)) -> Result<(), Error> {
        let idle = &kept.roles.idle;
        // What somebody has upgraded since is not judged here: that is told by the roll-out itself.
        let history = self.seams.storage.history(idle).await?;
        let is_tested = history.entries().last().is_some_and(|last| Some(last.revision) == kept.revision);
        let patience = &looked.idle.options.patience;
        if is_tested && let Some(why) = trouble(&self.seams, idle, patience).await? {
            let message = format!("cannot promote the roll-out to {idle}: it is not ready any more: {why}");
            return Err(Error::new(Kind::Refused, message)
                .hint(format!("helm safe-upgrade diagnose {idle}; it waits to be promoted, as before")));
        }
        let looker = self.looker();
        let findings = looker.check_again(ordered, (looked, kept), Timestamp::now()).await?;
        let about = (kept.roles.idle.as_str(), self.seams.storage.namespace());
        let checked = Checked::of(about, kept.chart.clone(), findings, &ordered.guarded.guard);
        match checked.refuse("promote the roll-out to") {
            Err(error) => checked.show(self.run).and(Err(error)),
            Ok(()) => Ok(()),
        }
    }
}

fn question(word: Word, kept: &Kept) -> Question<'static> {
    let Kept { roles: Roles { live, idle }, switch, chart, .. } = kept;
    let (doing, ask) = match (word, kept.phase) {
        (Word::Promote, Phase::Paused | Phase::Switching) => {
            let ask = format!(
                "{idle} is tested and ready ({chart}), {live} has the traffic. Lead {switch} to {idle}? [y/N] "
            );
            ("promote the roll-out to", ask)
        }
        (Word::Promote, _) => ("promote the roll-out to", "Go on with it? [y/N] ".to_owned()),
        (Word::Abort, Phase::Testing | Phase::Paused) => (
            "give up the roll-out to",
            format!("Give up the roll-out to {idle}? {live} has the traffic and keeps it. [y/N] "),
        ),
        (Word::Abort, _) => ("give up the roll-out to", format!("Lead {switch} back to {live}? [y/N] ")),
    };
    Question { doing, release: "", ask, shows: false }
}
