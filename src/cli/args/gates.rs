//! What is asked of a revision before it is called proven.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::guard::span;
use crate::error::{Error, Kind};
use crate::execute::gates::{Gates, OnInconclusive, Soak, Tests};
use crate::upgrade::gates::Gate;
use crate::upgrade::gates::address::Address;
use crate::upgrade::gates::http::Expect;
use crate::upgrade::gates::prometheus::Condition;

/// The longest wait between two samples, and the part of the soak that it is if that is shorter.
const INTERVAL: (Duration, u32) = (Duration::from_secs(10), 5);
/// Samples come no closer than that.
const SHORTEST: Duration = Duration::from_millis(200);
/// One bad moment is no rollback.
const THRESHOLD: u32 = 2;
/// What stands for the name of the release that is asked about.
const RELEASE: &str = "{release}";

/// Tests, gates and the soak.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Tests, gates and soak")]
pub(in crate::cli) struct GateArgs {
    /// Run the chart's tests (helm test) once everything is ready.
    #[arg(long)]
    pub test: bool,

    /// How long each test may take.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = span, requires = "test")]
    pub test_timeout: Duration,

    /// Which tests, as Helm's --filter: name=web-answers or !name=web-answers. May be given several times.
    #[arg(long, value_name = "FILTER", requires = "test")]
    pub test_filter: Vec<String>,

    /// A command, run by sh -c, that passes with exit code 0, can't tell with 75, and fails with any other. May be given several
    /// times.
    #[arg(long, value_name = "COMMAND")]
    pub gate_cmd: Vec<String>,

    /// An address that must answer with status 200 to 299: a URL, or svc/NAME:PORT/PATH through the API server; {release} in it is
    /// the release's name. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub gate_http: Vec<String>,

    /// Which status codes are good instead: 200,204 or 2xx or 200-399.
    #[arg(long, value_name = "CODES", value_delimiter = ',', requires = "gate_http")]
    pub gate_http_status: Vec<String>,

    /// What the body must match besides.
    #[arg(long, value_name = "REGEX", requires = "gate_http")]
    pub gate_http_match: Option<String>,

    /// A Prometheus (a URL or svc/NAME:PORT), a query, one of < <= > >= == != and a number: this must hold for each sample; {release}
    /// in the query is the release's name. May be given several times.
    #[arg(long, num_args = 4, value_names = ["ADDRESS", "QUERY", "OP", "NUMBER"], allow_negative_numbers = true)]
    pub gate_prometheus: Vec<String>,

    /// How long one answer of a gate may take.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = span)]
    pub gate_timeout: Duration,

    /// Watch on for so long: nothing may restart, all must stay ready, and the gates are asked again and again.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub soak: Option<Duration>,

    /// How often the gates are asked while it soaks; every 10 s, or five times in all if that is more often.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub soak_interval: Option<Duration>,

    /// How often in a row a gate must fail while it soaks to have failed; 2 if not given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub soak_threshold: Option<u32>,

    /// What to do where a test or a gate can't tell: no data, or nobody answers. Where there is nobody to ask, the revision stays,
    /// and is not proven.
    #[arg(long, value_enum, default_value_t = InconclusiveArg::Ask, value_name = "WHAT")]
    pub inconclusive: InconclusiveArg,
}

/// What to do where a gate can't tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InconclusiveArg {
    /// As where it has failed.
    Fail,
    /// As where it has passed.
    Pass,
    /// Ask on the terminal.
    Ask,
}

impl GateArgs {
    /// Refuses what says how it soaks where nothing does. That is known only with the configuration, and with what a command soaks by.
    pub(in crate::cli) fn fit_soak(&self, soaks: bool) -> Result<(), Error> {
        let flags =
            [("--soak-interval", self.soak_interval.is_some()), ("--soak-threshold", self.soak_threshold.is_some())];
        match flags.into_iter().find(|(_, given)| *given && !soaks) {
            Some((flag, _)) => Err(Error::new(Kind::Usage, format!("cannot use {flag}: nothing is watched on"))
                .hint("--soak DURATION, or gates.soak in the configuration, says for how long")),
            None => Ok(()),
        }
    }

    /// What is asked of a release, without what it takes from its surroundings.
    pub(in crate::cli) fn gates(&self, release: &str) -> Result<Gates, Error> {
        let wrong = |flag: &'static str| {
            move |why: String| Error::new(Kind::Usage, format!("cannot use {flag}: {why}")).hint("see docs/gates.md")
        };
        let mut gates: Vec<Gate> = self.gate_cmd.iter().cloned().map(Gate::Command).collect();
        let expect = Expect::parse(&self.gate_http_status, self.gate_http_match.as_deref());
        let expect = expect.map_err(wrong("--gate-http-status and --gate-http-match"))?;
        // One configuration may so ask each release of its own.
        let filled = |text: &String| text.replace(RELEASE, release);
        for address in self.gate_http.iter().map(filled) {
            gates.push(Gate::Http(Address::parse(&address).map_err(wrong("--gate-http"))?, expect.clone()));
        }
        for four in self.gate_prometheus.chunks(4) {
            let [address, query, op, value] = four else { continue };
            let address = Address::parse(filled(address).trim_end_matches('/'));
            let address = address.map_err(wrong("--gate-prometheus"))?;
            let condition = Condition::parse(&filled(query), op, value).map_err(wrong("--gate-prometheus"))?;
            gates.push(Gate::Prometheus(address, condition));
        }
        let soak = self.soak.filter(|duration| !duration.is_zero()).map(|duration| Soak {
            duration,
            interval: self.soak_interval.unwrap_or(INTERVAL.0.min(duration / INTERVAL.1)).max(SHORTEST),
            threshold: self.soak_threshold.unwrap_or(THRESHOLD),
        });
        let test = self.test.then(|| Tests { timeout: self.test_timeout, filter: self.test_filter.clone() });
        let inconclusive = match self.inconclusive {
            InconclusiveArg::Fail => OnInconclusive::Fail,
            InconclusiveArg::Pass => OnInconclusive::Pass,
            InconclusiveArg::Ask => OnInconclusive::Ask,
        };
        Ok(Gates { test, gates, timeout: self.gate_timeout, soak, inconclusive, ..Gates::default() })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Words {
        #[command(flatten)]
        gates: GateArgs,
    }

    fn parsed(words: &[&str]) -> GateArgs {
        Words::try_parse_from(["gates"].iter().chain(words)).unwrap().gates
    }

    #[test]
    fn gates_name_the_release_that_they_ask_about_and_other_braces_stay() {
        let query = "sum(up{app=\"{release}\", a=\"{color}\"})";
        let words =
            ["--gate-http", "svc/{release}:80/{release}", "--gate-prometheus", "http://p/{release}/", query, "<", "1"];
        let words = [&words[..], &["--gate-cmd", "echo {release}"]].concat();
        let asked = parsed(&words).gates("web-canary").unwrap().gates;
        let [Gate::Command(command), Gate::Http(http, _), Gate::Prometheus(prometheus, condition)] = asked.as_slice()
        else {
            panic!("{asked:?}");
        };
        assert_eq!(command, "echo {release}", "a shell has its own braces, and the variable");
        assert_eq!(http.to_string(), "svc/web-canary:80/web-canary");
        assert_eq!(prometheus.to_string(), "http://p/web-canary");
        assert_eq!(condition.query(), "sum(up{app=\"web-canary\", a=\"{color}\"})");
    }

    #[test]
    fn how_it_soaks_is_said_only_where_it_does() {
        for words in [["--soak-threshold", "3"], ["--soak-interval", "1s"]] {
            let gates = parsed(&words);
            assert!(gates.fit_soak(true).is_ok());
            assert!(gates.fit_soak(false).unwrap_err().message.contains(words[0]));
        }
        assert!(parsed(&[]).fit_soak(false).is_ok());
    }
}
