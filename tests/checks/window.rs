//! The configuration: windows, severities, what is accepted and what stays, by release and namespace.

use crate::findings::{found, has, passes};
use crate::user::User;

stories![
    an_upgrade_waits_for_its_window_or_records_why_it_does_not,
    windows_by_cron_and_by_weekday_are_those_of_their_zone,
    the_configuration_has_the_last_word_on_severities,
    gates_and_retention_of_the_configuration_count_below_flags,
];

fn an_upgrade_waits_for_its_window_or_records_why_it_does_not(user: &User) {
    user.has_web(&[]);
    let frozen = "policies:\n- release: w*\n  windows: {freezeUntil: 2999-01-01, freezeReason: the sale}\n";
    user.writes("helm-safe-upgrade.yaml", frozen);
    let line = "helm safe-upgrade check web app --set tag=2 -o json";
    user.types(line).exits(3);
    has(&found(user, line), "window", "blocker", "upgrades are frozen until Tue 2999-01-01 00:00 UTC");
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes");
    assert!(shown.exits(3).stderr.contains("--override-window REASON"), "{}", shown.stderr);
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes --accept window");
    assert!(shown.exits(1).stderr.contains("it takes a reason: --override-window REASON"), "{}", shown.stderr);
    // A plan may be made, and is applied later.
    user.types("helm safe-upgrade plan web app --set tag=2 --out web.plan").exits(0);
    user.types("helm safe-upgrade apply web.plan --set tag=2 --yes").exits(3);
    user.types("helm safe-upgrade apply web.plan --set tag=2 --yes --override-window outage-of-shop").exits(0);
    let said = user.description(2);
    assert!(said.contains("Upgrade complete; outside its windows: outage-of-shop; proven"), "{said}");
    user.types("helm safe-upgrade web app --set tag=missing --yes --override-window outage-of-shop").exits(4);
    let said = user.description(3);
    assert!(said.starts_with("Failed: ") && said.contains("outside its windows: outage-of-shop"), "{said}");
    // It is of another release, or not closed: nothing is recorded.
    user.writes("helm-safe-upgrade.yaml", &frozen.replace("w*", "x*"));
    passes(&found(user, line), "window");
    user.writes("open.yaml", "policies:\n- windows: {allow: [{from: '00:00', to: '24:00'}]}\n");
    let line = "helm safe-upgrade web app --set tag=3 --yes --config open.yaml --override-window outage-of-shop";
    user.types(line).exits(0);
    assert!(!user.description(5).contains("outage"), "{}", user.description(5));
}

fn windows_by_cron_and_by_weekday_are_those_of_their_zone(user: &User) {
    user.has_web(&[]);
    // Open now in UTC, and for an hour at least; in India it is five and a half hours later.
    let hour = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    let weekly = format!("{{from: '{hour:02}:00', to: '{:02}:00'}}", (hour + 2) % 24);
    let cron = format!("{{cron: '0 {hour} * * *', for: 2h, reason: the nightly report}}");
    let line = "helm safe-upgrade check web app --set tag=2 -o json";
    let says = |zone: &str, windows: &str| {
        let policies = format!("policies:\n- windows: {{timeZone: {zone}, {windows}}}\n");
        user.writes("helm-safe-upgrade.yaml", &policies);
        found(user, line)
    };
    for window in [&weekly, &cron] {
        passes(&says("UTC", &format!("allow: [{window}]")), "window");
        has(
            &says("Asia/Kolkata", &format!("allow: [{window}]")),
            "window",
            "blocker",
            "no window is open; the next one",
        );
        passes(&says("Asia/Kolkata", &format!("deny: [{window}]")), "window");
    }
    // What is denied is denied, whatever is allowed.
    let findings = says("UTC", &format!("allow: [{weekly}], deny: [{cron}]"));
    has(&findings, "window", "blocker", "upgrades are denied until");
    user.types(line).exits(3);
    let shown = user.types("helm safe-upgrade check web app --set tag=2");
    assert!(shown.exits(3).stdout.contains("reason: the nightly report"), "{}", shown.stdout);
    user.types(&format!("{line} --override-window outage-of-shop")).exits(0);
}

fn the_configuration_has_the_last_word_on_severities(user: &User) {
    user.has_web(&[]);
    let line = "helm safe-upgrade check web app --set tag=2 --set typo=1";
    has(&found(user, &format!("{line} -o json")), "unknown-value", "warning", "the chart knows no such value");
    user.types(line).exits(0);
    let policies = "policies:\n- severities: {unknown-value: blocker}\n- namespace: nowhere-*\n  severities: {unknown-value: off}\n";
    user.writes("helm-safe-upgrade.yaml", policies);
    let shown = user.types(line);
    assert!(shown.exits(3).stderr.contains("blocked by the check unknown-value"), "{}", shown.stderr);
    user.writes("helm-safe-upgrade.yaml", &format!("{policies}- accept: [unknown-value]\n"));
    user.types(line).exits(0);
    user.writes("helm-safe-upgrade.yaml", &policies.replace("nowhere-*", "'*'"));
    let shown = user.types(line);
    shown.exits(0).mentions("off, by the configuration: unknown-value");
    let document = user.types(&format!("{line} -o json")).json();
    assert_eq!(document["off"], serde_json::json!(["unknown-value"]));
    user.writes("helm-safe-upgrade.yaml", "policies:\n- severities:\n    unknwon-value: info\n");
    let shown = user.types(line);
    let expected = "line 3: no check is named \"unknwon-value\"";
    assert!(shown.exits(1).stderr.contains(expected) && shown.stderr.contains("did you mean"), "{}", shown.stderr);
}

fn gates_and_retention_of_the_configuration_count_below_flags(user: &User) {
    user.has_web(&[]);
    user.writes(
        "helm-safe-upgrade.yaml",
        "policies:\n- gates: {commands: ['exit 1']}\n  keep: {revisions: 1, proven: 1}\n",
    );
    user.types("helm safe-upgrade web app --set tag=2 --yes").exits(4);
    user.types("helm safe-upgrade web app --set tag=2 --yes --gate-cmd true").exits(0);
    let revisions = user.revisions();
    assert_eq!(revisions.last().map(String::as_str), Some("4 deployed"), "{revisions:?}");
    assert!(!revisions.iter().any(|one| one.starts_with("1 ")), "the first is pruned: {revisions:?}");
    // What was made by hand meanwhile goes by the same rule.
    user.does("helm upgrade web app --set tag=3 && helm upgrade web app --set tag=4");
    user.types("helm safe-upgrade prune web --dry-run").exits(0).mentions("2 of 4 revisions may go");
    user.types("helm safe-upgrade prune web --dry-run --keep 0").exits(0).mentions("0 of 4 revisions may go");
}
