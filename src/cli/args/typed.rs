//! The flags that were typed, so that a roll-out that pauses is gone on with by its name alone.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// Switches that a roll-out goes on with, as they are named in the structs of the arguments.
const SWITCHES: [&str; 22] = [
    "strict",
    "test",
    "wait_for_jobs",
    "force",
    "force_conflicts",
    "take_ownership",
    "skip_crds",
    "disable_openapi_validation",
    "cleanup_on_fail",
    "render_subchart_notes",
    "skip_schema_validation",
    "enable_dns",
    "no_hooks",
    "devel",
    "pass_credentials",
    "insecure_skip_tls_verify",
    "plain_http",
    "verify",
    "dependency_update",
    "reuse_values",
    "reset_values",
    "reset_then_reuse_values",
];

/// The same of flags with values.
const VALUES: [&str; 53] = [
    "accept",
    "max_restarts",
    "fail_fast_after",
    "evidence",
    "test_timeout",
    "test_filter",
    "gate_cmd",
    "gate_http",
    "gate_http_status",
    "gate_http_match",
    "gate_prometheus",
    "gate_timeout",
    "soak",
    "soak_interval",
    "soak_threshold",
    "inconclusive",
    "on_failure",
    "rollback_timeout",
    "grace",
    "keep",
    "keep_proven",
    "keep_younger_than",
    "timeout",
    "server_side",
    "description",
    "labels",
    "repo",
    "ca_file",
    "cert_file",
    "key_file",
    "keyring",
    "post_renderer",
    "post_renderer_args",
    "interval",
    "max_ratio",
    "config",
    "override_window",
    "proven_in",
    "proven_for",
    "kube_version",
    "blue",
    "green",
    "service",
    "ingress",
    "switch_release",
    "switch_chart",
    "switch_version",
    "switch_set",
    "switch_values",
    "switch_soak",
    "switch_timeout",
    "retire",
    "retire_after",
];

/// Those of them that take a list in one word: read back as several words, all but the first would be arguments.
const LISTS: [&str; 1] = ["gate_http_status"];

/// The flags that were typed and that a roll-out goes on with, as words of a command line.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Typed(pub Vec<String>);

impl Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_there = |id: &str| matches.try_contains_id(id).unwrap_or(false);
        let is_typed = |id: &&&str| is_there(id) && matches.value_source(id) == Some(ValueSource::CommandLine);
        let long = |id: &str| format!("--{}", id.replace('_', "-"));
        let mut words: Vec<String> = SWITCHES.iter().filter(is_typed).map(|id| long(id)).collect();
        for id in VALUES.iter().filter(is_typed) {
            for occurrence in matches.get_raw_occurrences(id).into_iter().flatten() {
                let values: Vec<String> = occurrence.map(|value| value.to_string_lossy().into_owned()).collect();
                match values.as_slice() {
                    [value] => words.push(format!("{}={value}", long(id))),
                    several if LISTS.contains(id) => words.push(format!("{}={}", long(id), several.join(","))),
                    several => {
                        words.push(long(id));
                        words.extend(several.iter().cloned());
                    }
                }
            }
        }
        Ok(Self(words))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Command, SafeUpgrade};
    use super::*;

    #[test]
    fn every_flag_that_is_kept_is_a_flag() {
        let command = <SafeUpgrade as clap::CommandFactory>::command();
        let all = ["canary", "blue-green"].map(|name| command.find_subcommand(name).unwrap());
        for id in SWITCHES.iter().chain(&VALUES) {
            let mut found = all.iter().flat_map(|command| command.get_arguments());
            let found = found.find(|argument| argument.get_id() == *id);
            let long = found.unwrap_or_else(|| panic!("{id} is no flag")).get_long();
            assert_eq!(long.map(str::to_owned), Some(id.replace('_', "-")));
        }
    }

    #[test]
    fn every_kept_flag_that_is_split_is_kept_as_a_list() {
        let command = <SafeUpgrade as clap::CommandFactory>::command();
        let all = ["canary", "blue-green"].map(|name| command.find_subcommand(name).unwrap());
        for argument in all.iter().flat_map(|command| command.get_arguments()) {
            let id = argument.get_id().as_str();
            let is_split = VALUES.contains(&id) && argument.get_value_delimiter().is_some();
            assert_eq!(LISTS.contains(&id), is_split, "{id}");
        }
    }

    /// What is kept of a command line of a roll-out.
    fn kept_of(words: Vec<String>) -> Vec<String> {
        match SafeUpgrade::try_parse_from(words).unwrap().wanted() {
            Command::BlueGreen(arguments) => arguments.typed.0,
            Command::Canary(arguments) => arguments.typed.0,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_kept_is_read_again_as_it_was_typed() {
        let flags =
            "--gate-http http://a --gate-http-status 200,204 --gate-http-status 3xx --gate-prometheus http://p up > 0";
        for (begins, names) in [("blue-green --blue a --green b --service s", "./web"), ("canary", "web ./web")] {
            let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let kept = kept_of(words(&format!("helm-safe-upgrade {begins} {flags} {names}")));
            assert!(kept.contains(&"--gate-http-status=200,204".to_owned()), "{kept:?}");
            let subcommand = words(begins).remove(0);
            let again =
                [words("helm-safe-upgrade"), vec![subcommand], kept.clone(), words("--"), words(names)].concat();
            assert_eq!(kept_of(again), kept, "{begins}");
        }
    }

    #[test]
    fn a_roll_out_of_two_releases_keeps_what_leads_the_traffic_and_no_value_of_them() {
        let line = "--blue a --green b ./web --set secret=1 -f v.yaml --switch-release r --switch-chart ./r --switch-set x={release} \
                    --retire scale --retire-after 5s --soak 2s --pause --yes";
        let words = ["helm-safe-upgrade", "blue-green"].into_iter().chain(line.split_whitespace());
        let typed = match SafeUpgrade::try_parse_from(words).unwrap().wanted() {
            Command::BlueGreen(arguments) => arguments.typed.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            typed.join(" "),
            "--soak=2s --blue=a --green=b --switch-release=r --switch-chart=./r --switch-set=x={release} --retire=scale --retire-after=5s"
        );
    }
}
