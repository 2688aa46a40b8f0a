//! How a batch goes: its order, what a failure stops, and what is told of it.

use crate::plans::text;
use crate::user::User;

stories![
    twenty_releases_with_two_bad_charts_and_a_chain_of_needs,
    a_failure_stops_the_rest_or_brings_the_set_back,
    waves_come_one_after_the_other,
    a_look_changes_nothing_and_needs_a_yes,
    gates_of_a_plan_name_each_release,
    what_is_asked_for_is_shown_before_the_answer,
    only_what_is_named_is_upgraded,
    a_log_tells_of_gates_and_of_failures_until_there_are_too_many,
];

/// Lines of a plan for notes of these names.
fn notes(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("release: {name}, chart: note")).collect()
}

fn twenty_releases_with_two_bad_charts_and_a_chain_of_needs(user: &User) {
    user.has_charts();
    let first = ["db", "cache", "api", "web", "worker"].map(|name| format!("release: {name}, chart: app"));
    user.plans("first.yaml", &first);
    user.batch("first.yaml --concurrency 4", 0);
    let mut releases = vec![
        "release: front, chart: note, needs: [web]".to_owned(),
        "release: web, chart: app, set: [tag=2], needs: [api, cache]".to_owned(),
        "release: api, chart: app, set: [tag=2-missing], needs: [db]".to_owned(),
        "release: cache, chart: app, set: [tag=2], needs: [db]".to_owned(),
        "release: db, chart: app, set: [tag=2]".to_owned(),
        "release: worker, chart: app".to_owned(),
        "release: broken, chart: note, set: [text=null]".to_owned(),
        "release: after-broken, chart: note, needs: [broken]".to_owned(),
    ];
    releases.extend(notes(&(1..=12).map(|number| format!("note-{number}")).collect::<Vec<_>>()));
    user.plans("plan.yaml", &releases);
    let batch = user.batch("plan.yaml --concurrency 4 --state state.json", 4);
    let outcome = |release: &str| text(&batch.entry(release)["outcome"]).to_owned();
    let reason = |release: &str| text(&batch.entry(release)["reason"]).replace(&user.namespace, "NAMESPACE");
    assert_eq!(batch.outcomes().len(), 20);
    assert_eq!(batch.outcomes().iter().filter(|outcome| outcome.ends_with(": upgraded")).count(), 14);
    assert_eq!([outcome("db"), outcome("cache"), outcome("worker")], ["upgraded", "upgraded", "unchanged"]);
    assert_eq!([outcome("api"), outcome("broken")], ["rolled-back", "refused"]);
    assert!(reason("api").contains("2-missing"), "{}", reason("api"));
    assert!(reason("broken").contains("a text is needed"), "{}", reason("broken"));
    assert_eq!(reason("web"), "needs NAMESPACE/api, which failed");
    assert_eq!(reason("front"), "needs NAMESPACE/web, which was skipped");
    assert_eq!(reason("after-broken"), "needs NAMESPACE/broken, which was refused");
    assert!(text(&batch.entry("db")["ended"]) <= text(&batch.entry("cache")["started"]), "what is needed comes first");
    assert!((2..=4).contains(&batch.most_at_once()), "{}", batch.most_at_once());
    assert_eq!(user.revisions_of("api"), ["1 superseded", "2 failed", "3 deployed"]);
    assert_eq!(user.revisions_of("web"), ["1 deployed"]);
    let evidence = batch.entry("api")["evidence"].as_str().unwrap();
    assert!(std::path::Path::new(evidence).is_dir(), "{evidence}");
    let report = |format: &str, part: &str| {
        let shown = user.types(&format!("helm safe-upgrade batch report state.json -o {format}"));
        shown.exits(4);
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    };
    report("text", "15 of 20 releases are good: 1 rolled back, 1 refused, 3 skipped, 14 upgraded, 1 nothing to do; ");
    report("markdown", "<td>rolled back</td>");
    report("html", "<td class=\"bad\">rolled back</td>");
    report("json", "\"outcome\": \"rolled-back\"");
}

fn a_failure_stops_the_rest_or_brings_the_set_back(user: &User) {
    user.has_charts();
    user.plans("first.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: app")));
    user.batch("first.yaml --concurrency 2", 0);
    let releases = [
        "release: a, chart: app, set: [tag=2]",
        "release: b, chart: app, set: [tag=2-missing]",
        "release: c, chart: note",
    ];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    let batch = user.batch("plan.yaml --rollback-set", 4);
    assert_eq!(batch.outcomes(), ["a: undone", "b: rolled-back", "c: skipped"]);
    assert_eq!(batch.entry("c")["reason"], "another release failed");
    assert_eq!(user.revisions_of("a"), ["1 superseded", "2 superseded", "3 deployed"]);
    assert!(user.does("helm get manifest a").contains("example.com/app:1\""));
    // The bad revision is known by now, and no other is upgraded before it.
    let releases = ["release: b, chart: app, set: [tag=3-missing]", "release: c, chart: note"];
    user.plans("next.yaml", &releases.map(str::to_owned));
    let batch = user.batch("next.yaml --stop-on-failure", 4);
    assert_eq!(batch.outcomes(), ["b: rolled-back", "c: skipped"]);
}

fn waves_come_one_after_the_other(user: &User) {
    user.has_charts();
    let plan = "soak: 1500ms\ndefaults: {install: true, policy: {accept: [pinned]}}\nreleases:\n\
                - {release: late, chart: note, wave: 2}\n- {release: one, chart: note}\n- {release: two, chart: app}\n";
    user.writes("plan.yaml", plan);
    let batch = user.batch("plan.yaml --concurrency 3", 0);
    assert_eq!(batch.outcomes(), ["one: upgraded", "two: upgraded", "late: upgraded"]);
    let time = |release: &str, key: &str| text(&batch.entry(release)[key]).parse::<jiff::Timestamp>().unwrap();
    let before = time("one", "ended").max(time("two", "ended"));
    let between = time("late", "started").duration_since(before);
    assert!(between >= jiff::SignedDuration::from_millis(1500), "{between:?}");
    assert!(batch.events.iter().any(|event| event["event"] == "batch-soaking"));
}

fn a_look_changes_nothing_and_needs_a_yes(user: &User) {
    user.has_charts();
    user.plans(
        "plan.yaml",
        &["release: web, chart: note", "release: api, chart: app, needs: [web]"].map(str::to_owned),
    );
    let shown = user.types("helm safe-upgrade batch plan.yaml --dry-run");
    shown.mentions("RELEASE  CHART").mentions("plan.yaml: 2 of 2 releases to be upgraded\n").mentions("is installed");
    let shown = user.types("helm safe-upgrade batch plan.yaml");
    shown.exits(3);
    assert!(shown.stderr.contains("cannot upgrade 2 releases: nobody is there to confirm it"), "{}", shown.stderr);
    assert_eq!(user.does("helm list -q"), "");
    user.plans(
        "circle.yaml",
        &["release: a, chart: note, needs: [b]", "release: b, chart: note, needs: [a]"].map(str::to_owned),
    );
    user.types("helm safe-upgrade batch circle.yaml --yes")
        .explains("releases need each other in a circle: NAMESPACE/a → NAMESPACE/b → NAMESPACE/a");
    user.writes("stdin.yaml", "releases:\n- {release: a, chart: note, values: [\"-\"]}\n");
    user.types("helm safe-upgrade batch stdin.yaml")
        .explains("cannot read the values of release \"a\" from standard input");
    user.writes("wrong.yaml", "releases:\n- release: a\n  chrat: note\n");
    user.types("helm safe-upgrade batch wrong.yaml")
        .explains("cannot use wrong.yaml: line 3: a release has no key \"chrat\"");
}

fn gates_of_a_plan_name_each_release(user: &User) {
    user.has_charts();
    let releases = |policy: &str| {
        user.plans("plan.yaml", &["a", "b"].map(|name| format!("release: {name}, chart: note{policy}")));
    };
    releases("");
    let shown = user.types("helm safe-upgrade batch plan.yaml --yes --soak-threshold 3");
    shown.explains("cannot use --soak-threshold: nothing is watched on");
    // Nobody answers there, so what was asked for stands in the reason.
    releases(", policy: {gates: {http: ['http://127.0.0.1:9/{release}'], soak: 300ms}}");
    let batch = user.batch("plan.yaml --soak-threshold 3", 1);
    for release in ["a", "b"] {
        let reason = text(&batch.entry(release)["reason"]);
        assert!(reason.contains(&format!("http://127.0.0.1:9/{release}")), "{reason}");
    }
}

fn what_is_asked_for_is_shown_before_the_answer(user: &User) {
    user.has_charts();
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {password: \"{{ .Values.password }}\"}\n";
    user.writes("app/templates/secret.yaml", secret);
    let releases = [
        "release: web, chart: note, set: [\"text=\\e[31mred\"]",
        "release: api, chart: app, set: [password=correct-horse-battery]",
    ];
    user.plans("plan.yaml", &releases.map(str::to_owned));
    // A terminal keeps what is typed until it is asked for.
    let answers = |answers: &str| {
        let python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['bash', '-c', sys.argv[1]])))";
        let line = "helm safe-upgrade batch plan.yaml --color=never";
        user.types(&format!("printf '{answers}' | env TERM=xterm python3 -c \"{python}\" '{line}'"))
    };
    let shown = answers("d web\\nd other\\nc\\nn\\n");
    shown.exits(3);
    let text = shown.stdout.replace('\r', "").replace(&user.namespace, "NAMESPACE");
    assert!(text.contains("warns: "), "{text}");
    let question = "Upgrade 2 releases? [y]es, [N]o, show [d]iff, show [c]hecks, of one: d RELEASE: ";
    assert_eq!(text.matches(question).count(), 4, "{text}");
    let parts: Vec<&str> = text.split(question).collect();
    assert!(parts[1].contains("\nNAMESPACE/web\n") && !parts[1].contains("NAMESPACE/api"), "{}", parts[1]);
    assert!(parts[1].contains("\\u001b[31mred") && !text.contains("\u{1b}[31mred"), "{}", parts[1]);
    assert!(parts[2].contains("there is nothing to show of a release of that name"), "{}", parts[2]);
    for part in ["\nNAMESPACE/web\n", "\nNAMESPACE/api\n", "checks: ", "plain-secret"] {
        assert!(parts[3].contains(part), "{part:?}: {}", parts[3]);
    }
    assert!(parts[4].contains("cannot upgrade 2 releases: you said no"), "{}", parts[4]);
    let shown = answers("d\\ny\\n");
    shown.exits(0);
    assert!(shown.stdout.contains("<masked, ") && !shown.stdout.contains("correct-horse"), "{}", shown.stdout);
    assert!(shown.stdout.contains("2 of 2 releases are good: 2 upgraded"), "{}", shown.stdout);
}

fn only_what_is_named_is_upgraded(user: &User) {
    user.has_charts();
    let releases = |tag: u32| {
        [
            "release: base, chart: note".to_owned(),
            format!("release: web, chart: app, set: [tag={tag}], needs: [base]"),
            "release: other, chart: note".to_owned(),
        ]
    };
    user.plans("plan.yaml", &releases(1));
    let shown = user.types("helm safe-upgrade batch plan.yaml --dry-run --detailed-exitcode");
    shown.exits(2);
    let batch = user.batch("plan.yaml --only web", 3);
    assert_eq!(batch.outcomes(), ["base: refused", "web: skipped"]);
    let reason = text(&batch.entry("base")["reason"]);
    assert_eq!(reason, "release \"base\" would be upgraded, and --only does not name it");
    let batch = user.batch("plan.yaml --only web --only base", 0);
    assert_eq!(batch.outcomes(), ["base: upgraded", "web: upgraded"]);
    user.plans("plan.yaml", &releases(2));
    let batch = user.batch(&format!("plan.yaml --only {}/web", user.namespace), 0);
    assert_eq!(batch.outcomes(), ["base: unchanged", "web: upgraded"]);
    assert_eq!(user.does("helm list -q"), "base\nweb\n");
    user.types("helm safe-upgrade batch plan.yaml --dry-run --detailed-exitcode --only web").exits(0);
    user.types("helm safe-upgrade batch plan.yaml --only wbe")
        .explains("cannot run only \"wbe\": plan.yaml has no release of that name");
}

fn a_log_tells_of_gates_and_of_failures_until_there_are_too_many(user: &User) {
    user.has_charts();
    let names = ["one", "two", "three", "four"];
    user.plans("first.yaml", &names.map(|name| format!("release: {name}, chart: note")));
    user.batch("first.yaml --concurrency 4", 0);
    user.plans("plan.yaml", &names.map(|name| format!("release: {name}, chart: note, set: [text=new]")));
    let gate = "case $HELM_RELEASE_NAME in two|three) exit 1;; esac";
    let line = format!("--max-failures 1 --gate-cmd '{gate}' --soak 1s");
    let shown = user.types(&format!("helm safe-upgrade batch plan.yaml --yes --state state.json {line}"));
    shown.exits(4);
    let log = shown.stderr.replace(&user.namespace, "NAMESPACE");
    let expected = [
        "NAMESPACE/one  → begins\n",
        "NAMESPACE/one  ✓ upgraded\n",
        "· 1 of 4 done, about ",
        "NAMESPACE/two  ✗ rolled back: ",
        "· 2 of 4 done, about ",
        "NAMESPACE/three  ✗ rolled back: ",
        "· 3 of 4 done, about ",
        "NAMESPACE/four  · skipped: 2 releases failed\n",
        "· 4 of 4 done\n",
    ];
    let mut rest = log.as_str();
    for part in expected {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not there, or too early: {log}")).1;
    }
    assert!(log.lines().any(|line| line.starts_with("NAMESPACE/one  ") && line.contains("soak")), "{log}");
    assert!(
        shown.stdout.contains("1 of 4 releases are good: 2 rolled back, 1 skipped, 1 upgraded; "),
        "{}",
        shown.stdout
    );
    let time = |entry: &serde_json::Value, key: &str| text(&entry[key]).parse::<jiff::Timestamp>().unwrap();
    let entry = &user.kept("state.json").unwrap()["releases"][0];
    let took = time(entry, "ended").duration_since(time(entry, "started"));
    assert!(took >= jiff::SignedDuration::from_secs(1), "it soaked: {took:?}");
}
