//! Releases that are selected by their chart.

use crate::user::User;

stories![older_releases_of_a_chart_are_upgraded_with_their_values];

fn older_releases_of_a_chart_are_upgraded_with_their_values(user: &User) {
    user.has_charts();
    for (folder, version) in [("old", "1.0.0"), ("middle", "1.5.0"), ("new", "2.0.0"), ("newer", "2.1.0")] {
        user.has_note(folder, version);
    }
    for (release, chart) in [("a", "old --set text=mine"), ("b", "middle"), ("c", "newer"), ("d", "app")] {
        user.does(&format!("helm install {release} {chart} --labels team=shop"));
    }
    user.does("helm install e old --labels team=blog");
    let batch = user.batch("--chart ./new --from '<1.5' -l team=shop", 0);
    assert_eq!(batch.outcomes(), ["a: upgraded"]);
    assert!(user.does("helm get manifest a").contains("text: \"mine\""), "the values are kept");
    assert!(user.does("helm get manifest a").contains("2.0.0"));
    let shown = user.types("helm safe-upgrade batch --chart ./new --dry-run");
    shown.mentions("note to 2.0.0: 2 of 2 releases to be upgraded\n").mentions("note-1.5.0 → 2.0.0");
    user.types("helm safe-upgrade batch --chart ./new --from '<1' --yes")
        .mentions("note to 2.0.0: no releases to upgrade");
    user.types("helm safe-upgrade batch --chart ./new --to 3.0.0").explains("is of version 2.0.0, and not 3.0.0");
    user.types("helm safe-upgrade batch --chart stable/note").explains("no version of stable/note named");
    user.types("helm safe-upgrade batch --chart note-x --to 1.0.0")
        .explains("no repository on this machine has its version 1.0.0");
}
