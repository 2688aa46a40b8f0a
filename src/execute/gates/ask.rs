//! One answer of a gate, within its time.

use std::ffi::OsString;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::web::get;
use crate::cluster::Cluster;
use crate::helm::Running;
use crate::upgrade::gates::{Answer, Gate, Says, command, one_line};

/// The wait between two tries of a gate that is asked only once.
const BETWEEN: Duration = Duration::from_secs(1);
/// So often such a gate is tried, if its time allows.
const TRIES: u32 = 3;

/// Asks gates.
pub(in crate::execute) struct Asker<'a, C> {
    pub(in crate::execute) cluster: &'a C,
    pub(in crate::execute) namespace: &'a str,
    /// How long one answer may take.
    pub(in crate::execute) timeout: Duration,
    /// For commands.
    pub(in crate::execute) environment: &'a [(OsString, OsString)],
}

impl<C: Cluster> Asker<'_, C> {
    /// Asks once.
    pub(in crate::execute) async fn ask(&self, gate: &Gate) -> Answer {
        let late = || Answer::inconclusive(format!("no answer within {}", shown(self.timeout)));
        match gate {
            Gate::Command(line) => self.run(line).await,
            Gate::Http(address, expect) => {
                let proxied = matches!(address, crate::upgrade::gates::address::Address::Service { .. });
                match timeout(self.timeout, get(address, self.cluster, self.namespace)).await {
                    Ok(Ok(answer)) => expect.judge(answer.status, &answer.body, proxied),
                    Ok(Err(why)) => Answer::inconclusive(why),
                    Err(_) => late(),
                }
            }
            Gate::Prometheus(base, condition) => {
                let (path, query) = condition.request();
                let address = base.below(path, &query);
                match timeout(self.timeout, get(&address, self.cluster, self.namespace)).await {
                    Ok(Ok(answer)) => condition.judge(answer.status, &answer.body),
                    Ok(Err(why)) => Answer::inconclusive(why),
                    Err(_) => late(),
                }
            }
        }
    }

    /// Asks a gate that has one chance: what does not pass at once is tried again, within the time of one answer. A command
    /// is run once, as only its author knows whether it may be run again.
    pub(in crate::execute) async fn ask_patiently(&self, gate: &Gate) -> Answer {
        let end = Instant::now() + self.timeout;
        let mut answer = self.ask(gate).await;
        for _ in 1..TRIES {
            if matches!(gate, Gate::Command(_)) || answer.says == Says::Passed || Instant::now() + BETWEEN >= end {
                break;
            }
            sleep(BETWEEN).await;
            match timeout_at(end, self.ask(gate)).await {
                Ok(again) => answer = again,
                Err(_) => break,
            }
        }
        answer
    }

    /// Runs a command. Dropped, the command is killed with all that it has started.
    async fn run(&self, line: &str) -> Answer {
        let mut running = match Running::shell(line, self.environment) {
            Ok(running) => running,
            Err(error) => return Answer::inconclusive(error.message),
        };
        match timeout(self.timeout, running.wait()).await {
            Ok(ended) => {
                let last = ended.output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                command::judge(ended.code, &one_line(last))
            }
            Err(_) => Answer::inconclusive(format!("it did not end within {}", shown(self.timeout))),
        }
    }
}

/// Asks the user what to make of a revision that no gate has judged: good, to be rolled back, or neither.
pub(in crate::execute) async fn ask_for_good(ask: fn(&str) -> Option<String>, revision: u32) -> Says {
    let question = format!("Is revision {revision} good? [y: proven / r: roll back / N: leave it, not proven] ");
    let answer = tokio::task::spawn_blocking(move || ask(&question)).await.ok().flatten();
    match answer.as_deref().unwrap_or_default().trim() {
        "y" | "Y" | "yes" => Says::Passed,
        "r" | "R" | "rollback" | "roll back" => Says::Failed,
        _ => Says::Inconclusive,
    }
}

pub(in crate::execute) fn shown(time: Duration) -> String {
    if time.subsec_nanos() == 0 && time.as_secs() < 60 {
        return format!("{}s", time.as_secs());
    }
    crate::report::rollout::table::span(time.as_secs_f64())
}
