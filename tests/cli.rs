//! The command line without a cluster: help, versions, wrong arguments, and clusters that can't be found.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a line printed and how it ended.
struct Shown {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program with these words and nothing in its environment but these variables.
fn run(line: &str, variables: &[(&str, &str)]) -> Shown {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helm-safe-upgrade"));
    command.args(line.split_whitespace()).env_clear().env("HOME", "/nowhere").envs(variables.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Shown { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Asserts that the line fails, prints nothing to standard output, and says this.
fn fails(line: &str, stderr: &str) {
    let shown = run(line, &[]);
    assert_eq!((shown.code, shown.stdout.as_str(), shown.stderr.as_str()), (Some(1), "", stderr), "{line}");
}

/// A kubeconfig of a server that does not run.
fn kubeconfig(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let text = r#"{
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "here", "context": {"cluster": "gone", "user": "me"}}],
        "users": [{"name": "me", "user": {"token": "secret-token"}}]
    }"#;
    fs::write(&path, text).unwrap();
    path
}

/// The commands by what comes before `--help`, found by reading the help itself.
fn commands() -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), vec![String::new(), "revdiff".to_owned()]);
    while let Some(command) = next.pop() {
        let help = run(&format!("{command} --help"), &[]).stdout;
        let list = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
        let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        for name in
            names.filter_map(|line| line.split_whitespace().next()).filter(|name| !["help", "revdiff"].contains(name))
        {
            next.push(format!("{command} {name}").trim().to_owned());
        }
        found.push(command);
    }
    found
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = commands();
    assert!(commands.iter().any(|command| command == "revdiff revision"), "{commands:?}");
    for command in &commands {
        for flag in ["--help", "-h"] {
            let shown = run(&format!("{command} {flag}"), &[]);
            assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""), "{command} {flag}");
            assert!(shown.stdout.contains("Usage: helm "), "{command}: {}", shown.stdout);
            assert!(command.is_empty() || shown.stdout.contains("\nExample"), "{command}: {}", shown.stdout);
        }
    }
}

/// The flag without which this one says nothing.
fn taken_with(flag: &str) -> &'static str {
    match flag {
        "--test-timeout" | "--test-filter" => "--test",
        "--gate-http-status" | "--gate-http-match" => "--gate-http=http://127.0.0.1:1",
        "--soak-interval" | "--soak-threshold" => "--soak=5s",
        "--max-ratio" => "--gate-prometheus http://127.0.0.1:1 up > 0",
        "--canary-set" => "--keep-stable",
        _ => "",
    }
}

/// What a command takes beside a flag, if it is not always the same.
fn beside(command: &str, flag: &str) -> String {
    match (command, flag) {
        ("batch", "--chart") => String::new(),
        ("batch", "--to" | "--from" | "--all-namespaces" | "--namespaces" | "--contexts" | "--selector") => {
            "--chart=./none".to_owned()
        }
        ("batch", "--detailed-exitcode") => "plan.yaml --dry-run".to_owned(),
        ("batch", flag) => format!("plan.yaml {}", taken_with(flag)),
        ("blue-green", flag) => format!("{} {}", colours(flag), taken_with(flag)),
        ("blue-green status" | "blue-green promote" | "blue-green abort", flag) => match flag {
            "--blue" => "--green=b".to_owned(),
            "--green" => "--blue=a".to_owned(),
            _ => "--blue=a --green=b".to_owned(),
        },
        ("plan", flag) if flag != "--out" => format!("--out=some {}", taken_with(flag)),
        ("revdiff pull-request", "--number" | "--comment-if-allowed") => "--comment=github".to_owned(),
        _ => taken_with(flag).to_owned(),
    }
}

/// What a blue-green roll-out takes beside a flag: the two releases, and what leads the traffic.
fn colours(flag: &str) -> String {
    let lead: &[&str] = match flag {
        "--service" | "--ingress" => &[],
        _ if flag.starts_with("--switch-") && flag != "--switch-soak" && flag != "--switch-timeout" => {
            &["--switch-release=c", "--switch-chart=d"]
        }
        _ => &["--service=c"],
    };
    let all = ["--blue=a", "--green=b"].iter().chain(lead);
    let others = all.filter(|other| other.split('=').next() != Some(flag));
    others.copied().collect::<Vec<_>>().join(" ")
}

/// What a command takes beside its flags.
fn arguments_of(command: &str, file: &str) -> String {
    match command {
        "revdiff manifest" => format!("{file} {file}"),
        // No release can have such a name, so that nothing is asked of any cluster.
        "revdiff release" | "revdiff upgrade" | "revdiff chart" | "upgrade" | "check" | "plan" | "canary" => {
            "Old New".to_owned()
        }
        "list" | "apis" | "batch" | "blue-green status" | "blue-green promote" | "blue-green abort" => String::new(),
        // Nor is there such a revision.
        "revdiff pull-request" => "--head nowhere".to_owned(),
        _ => "Web".to_owned(),
    }
}

#[test]
fn every_flag_that_help_lists_is_taken() {
    let kubeconfig = kubeconfig("flags");
    let file = kubeconfig.to_str().unwrap();
    for command in commands().iter().filter(|command| !command.is_empty()) {
        let help = run(&format!("{command} --help"), &[]).stdout;
        let arguments = arguments_of(command, file);
        let mut tried = 0;
        for flag in help.lines().filter(|line| line.trim_start().starts_with('-')) {
            let Some(at) = flag.find("--") else { continue };
            let (name, value) = match flag[at..].split_once([' ', '[']) {
                Some((name, placeholder)) => (name, placeholder.trim_matches(['=', '<', '>', ']', ' '])),
                None => (&flag[at..], ""),
            };
            let value = match value {
                "" => String::new(),
                "LINES" | "NUMBER" => "=5".to_owned(),
                "COLUMNS" | "BYTES" => "=3000".to_owned(),
                "DURATION" => "=5s".to_owned(),
                "SHARE" => "=0.5".to_owned(),
                "OUTPUT" => "=json".to_owned(),
                "WHEN" => "=never".to_owned(),
                "HOW" if name == "--compare" => "=fields".to_owned(),
                "HOW" => "=show".to_owned(),
                "REV" => "=2".to_owned(),
                "VERSION" if name == "--kube-version" => "=1.34".to_owned(),
                "CHECK" => "=rights".to_owned(),
                "CONTEXT/NAMESPACE/RELEASE" => "=here/shop/web".to_owned(),
                "LIST" => "=impact,notes".to_owned(),
                "I/N" => "=0/2".to_owned(),
                "PODS" => "=1,3".to_owned(),
                "STEPS" => "=1".to_owned(),
                "CODES" => "=200,204".to_owned(),
                "WHAT" if name == "--inconclusive" => "=pass".to_owned(),
                "WHAT" if name == "--by" => "=status".to_owned(),
                "WHAT" if name == "--fail-on" => "=change".to_owned(),
                "FORGE" => "=gitlab".to_owned(),
                "WHAT" => "=keep".to_owned(),
                "BOOL" => "=true".to_owned(),
                "URL" => "=https://127.0.0.1:1".to_owned(),
                "PATH" => format!("={file}"),
                "NAME" if name == "--kube-context" => "=here".to_owned(),
                _ => "=some".to_owned(),
            };
            if ["--help", "--version"].contains(&name) {
                continue;
            }
            tried += 1;
            let value = if name == "--gate-prometheus" { " http://127.0.0.1:1 up > 0".to_owned() } else { value };
            let other = beside(command, name);
            // It is given once.
            let arguments = if arguments.starts_with(&format!("{name} ")) { "" } else { &arguments };
            let shown = run(&format!("{command} {arguments} {other} {name}{value}"), &[("KUBECONFIG", file)]);
            let refused = ["argument", "invalid value", "required"].iter().any(|word| shown.stderr.contains(word));
            assert!(!refused, "{command} {name}{value}: {}", shown.stderr);
        }
        assert!(tried > 10, "{command}: {help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(run("--version", &[]).stdout, format!("helm-safe-upgrade {VERSION}\n"));
    assert_eq!(run("-V", &[]).stdout, format!("helm-safe-upgrade {VERSION}\n"));
    assert_eq!(run("revdiff --version", &[]).stdout, format!("helm-safe-upgrade revdiff {VERSION}\n"));
}

#[test]
fn without_a_command_there_is_help_and_no_success() {
    let shown = run("", &[]);
    assert_eq!((shown.code, shown.stdout.as_str()), (Some(1), ""));
    assert!(shown.stderr.contains("Usage: helm safe-upgrade"), "{}", shown.stderr);
}

#[test]
fn wrong_arguments_are_named_with_a_hint() {
    let cases = [
        ("", "the following required arguments were not provided: <RELEASE>"),
        ("web --xyz", "unexpected argument '--xyz' found"),
        ("web 1 2 3", "unexpected value '3' for '[REV]...' found; no more were expected"),
        ("web -C x", "invalid value 'x' for '--context <LINES>': it is a number of lines, or -1 for all"),
        ("web -C -2", "invalid value '-2' for '--context <LINES>': it is a number of lines, or -1 for all"),
        ("web -C", "a value is required for '--context <LINES>' but none was supplied"),
        ("web --qps fast", "invalid value 'fast' for '--qps <NUMBER>': it is no number"),
        ("web --color=blue", "invalid value 'blue' for '--color[=<WHEN>]' [possible values: auto, always, never]"),
    ];
    for (line, message) in cases {
        fails(&format!("revdiff {line}"), &format!("Error: {message}\nHint: see helm revdiff --help\n"));
    }
    // The help that is named is that of the command that was typed.
    fails(
        "revdiff revision",
        "Error: the following required arguments were not provided: <RELEASE>\nHint: see helm revdiff revision --help\n",
    );
    for number in ["0", "-1", "abc", "1.5", "4294967296"] {
        fails(
            &format!("revdiff web {number}"),
            &format!(
                "Error: invalid value '{number}' for '[REV]...': a revision is a whole number, 1 or more\n\
                 Hint: see helm revdiff --help\n"
            ),
        );
    }
    fails(
        "nope",
        "Error: no chart named, and no command is \"nope\"\n\
         Hint: an upgrade takes a chart: helm safe-upgrade nope CHART; the commands are in helm safe-upgrade --help\n",
    );
    fails(
        "upgrad",
        "Error: no chart named, and no command is \"upgrad\"\n\
         Hint: did you mean helm safe-upgrade upgrade? An upgrade takes a chart: helm safe-upgrade upgrad CHART\n",
    );
    fails(
        "revdiff web --nope",
        "Error: unexpected argument '--nope' found\nHint: did you mean --no-pager? See helm revdiff --help\n",
    );
}

#[test]
fn a_bad_name_is_refused_before_any_request() {
    let kubeconfig = kubeconfig("names");
    for name in ["Web", "-x-", "a..b", "../x", &"x".repeat(54)] {
        let shown = run(&format!("revdiff -- {name}"), &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
        let expected = format!(
            "Error: {name:?} is no name of a release\n\
             Hint: a name has lower case letters, digits, '-' and '.', and at most 53 characters\n"
        );
        assert_eq!((shown.code, shown.stderr), (Some(1), expected), "{name}");
    }
}

#[test]
fn without_a_kubeconfig_the_places_looked_at_are_named() {
    fails(
        "revdiff web",
        "Error: no cluster is configured: found nothing at /nowhere/.kube/config, /var/run/secrets/kubernetes.io/serviceaccount\n\
         Hint: set KUBECONFIG, or name the cluster with --kubeconfig\n",
    );
    let shown = run("revdiff web", &[("KUBECONFIG", "/nowhere/config")]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("/nowhere/config") && shown.stderr.contains("\nHint: "), "{}", shown.stderr);
}

#[test]
fn a_server_that_does_not_run_is_named() {
    let kubeconfig = kubeconfig("gone");
    let shown = run("revdiff web 1 2", &[("KUBECONFIG", kubeconfig.to_str().unwrap())]);
    let expected = "Error: cannot read revision 1 of release \"web\": cannot reach the API server at https://127.0.0.1:1: connection refused\n\
         Hint: check that the cluster runs and that this machine may reach it\n";
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(1), expected));
}

#[test]
fn a_wrong_setting_is_told_by_the_name_of_its_variable() {
    let cases = [
        (
            "HELM_DRIVER",
            "paper",
            "cannot read releases: unknown storage driver \"paper\"\nHint: HELM_DRIVER is one of secret, configmap, sql",
        ),
        (
            "HELM_DRIVER",
            "memory",
            "cannot read releases: the storage driver \"memory\" keeps nothing once helm has ended\n\
             Hint: unset HELM_DRIVER, or set it to secret, configmap or sql",
        ),
        ("HELM_QPS", "fast", "HELM_QPS is \"fast\", which is no number\nHint: unset HELM_QPS"),
        ("HELM_BURST_LIMIT", "many", "HELM_BURST_LIMIT is \"many\", which is no number\nHint: unset HELM_BURST_LIMIT"),
    ];
    for (name, value, message) in cases {
        let shown = run("revdiff web", &[(name, value)]);
        assert_eq!((shown.code, shown.stderr), (Some(1), format!("Error: {message}\n")), "{name}={value}");
    }
    // The database is read through Helm, which has to be there.
    let shown = run("revdiff web", &[("HELM_DRIVER", "sql"), ("HELM_BIN", "/nowhere/helm"), ("PATH", "/nowhere")]);
    let expected = "Error: cannot find helm: there is no executable \"/nowhere/helm\"\nHint: install Helm, or set HELM_BIN to its path\n";
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(1), expected));
}
