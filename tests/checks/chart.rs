//! The chart: versions, what is told of them, and where the chart comes from.

use crate::findings::{found, has, passes};
use crate::servers::{Server, without_registry};
use crate::user::User;

stories![
    a_chart_of_a_repository_is_looked_at,
    a_chart_in_a_folder_is_looked_at,
    a_chart_of_a_registry_is_pinned_by_its_digest,
];

/// Writes the chart `app` as it is in a version.
fn writes(user: &User, version: &str, more: &str) {
    user.writes("app/Chart.yaml", &format!("apiVersion: v2\nname: app\nversion: {version}\n{more}"));
}

const PROBES: &str = "annotations:\n  artifacthub.io/changes: |\n    - kind: added\n      description: probes\n    - kind: removed\n      description: the old ingress\n";

fn a_chart_of_a_repository_is_looked_at(user: &User) {
    user.has_an_app(&[]);
    for (version, more) in [("1.0.0", ""), ("1.1.0", PROBES), ("2.0.0", "appVersion: '1'\n"), ("2.1.0", "")] {
        writes(user, version, more);
        user.writes("app/README.md", "# app\n## Upgrading\n### To 2.0.0\nDelete the old Job first.\n");
        user.does("helm package app --destination served");
    }
    user.does("cd served && echo \"files:\n  app-1.1.0.tgz: sha256:$(sha256sum app-1.1.0.tgz | cut -d' ' -f1)\" > app-1.1.0.tgz.prov && helm repo index .");
    let server = Server::of_files(&user.folder.join("served"));
    user.does(&format!("helm repo add checked http://{}", server.address()));
    user.does("helm install web checked/app --version 1.0.0");

    let check = "helm safe-upgrade check web checked/app -o json";
    let findings = found(user, &format!("{check} --version 2.0.0"));
    has(&findings, "chart-version", "warning", "a new major version, from 1.0.0 to 2.0.0");
    has(&findings, "changelog", "warning", "2 entries tell of what breaks, or is to be done, from 1.0.0 to 2.0.0");
    has(&findings, "changelog", "info", "what changed from 1.0.0 to 2.0.0");
    has(&findings, "newer-version", "info", "there is 1 newer version, up to 2.1.0");
    ["pinned", "repository-index", "provenance", "deprecated"].iter().for_each(|check| passes(&findings, check));
    let shown = user.types("helm safe-upgrade check web checked/app --version 2.0.0");
    shown.mentions("1.1.0: removed: the old ingress").mentions("1.1.0: added: probes");
    shown.mentions("2.0.0 (README.md): To 2.0.0: Delete the old Job first.");

    let findings = found(user, &format!("{check} --version 1.1.0"));
    has(&findings, "provenance", "info", "its signature was not verified");
    passes(&findings, "chart-version");
    let findings = found(user, check);
    has(&findings, "pinned", "warning", "no version is named");
    passes(&findings, "newer-version");
    has(&findings, "changelog", "unknown", "nothing tells what changed in 2.1.0");

    user.does("touch -d '3 days ago' \"$(helm env HELM_REPOSITORY_CACHE)/checked-index.yaml\"");
    has(&found(user, check), "repository-index", "warning", "its index is 3 days old");
    has(&found(user, &format!("{check} --version 2.1.0")), "repository-index", "info", "its index is 3 days old");
    // Helm takes a folder of that name first, even with --repo.
    user.does("rm -r app");
    let line = format!("helm safe-upgrade check web app --repo http://{} -o json", server.address());
    let findings = found(user, &format!("{line} --version 2.0.0"));
    has(&findings, "newer-version", "info", "there is a newer version, 2.1.0");
    passes(&findings, "repository-index");
    passes(&found(user, &format!("{line} --version 2.1.0")), "newer-version");
}

fn a_chart_in_a_folder_is_looked_at(user: &User) {
    user.has_an_app(&[]);
    let inner = |version: &str, kube: &str| {
        let text = format!("apiVersion: v2\nname: db\nversion: {version}\nkubeVersion: '{kube}'\n");
        user.writes("app/charts/db/Chart.yaml", &text);
    };
    let lists = |range: &str| format!("dependencies: [{{name: db, version: '{range}'}}]\n");
    inner("1.2.0", ">=1.20.0-0");
    writes(user, "1.0.0", &format!("appVersion: '15.1'\n{}", lists("1.2.0")));
    user.does("helm install web app");
    let check = "helm safe-upgrade check web app -o json";
    let names = ["chart-version", "app-version", "changelog", "dependencies", "kube-version", "deprecated"];
    let same = found(user, check);
    names.iter().chain(&["newer-version", "repository-index", "provenance"]).for_each(|check| passes(&same, check));

    user.writes("app/templates/more.yaml", "{{- /* nothing */ -}}\n");
    has(&found(user, check), "chart-version", "warning", "the same version as before, 1.0.0, with other content");

    inner("3.0.0", "<1.20.0-0");
    user.writes("app/CHANGELOG.md", "# Changes\n## 1.3.0\n- **BREAKING**: another port\n## 1.2.0\n- probes\n");
    writes(user, "1.3.0", &format!("appVersion: '16.0'\ndeprecated: true\n{}", lists("3.x.x")));
    let findings = found(user, check);
    has(&findings, "chart-version", "info", "2 minor versions skipped, from 1.0.0 to 1.3.0");
    has(&findings, "app-version", "warning", "the application has a new major version, from 15.1 to 16.0");
    has(&findings, "changelog", "warning", "1 entry tells of what breaks");
    has(&findings, "dependencies", "warning", "a new major version, from 1.2.0 to 3.0.0");
    has(&findings, "kube-version", "warning", "it is for Kubernetes <1.20.0-0");
    has(&findings, "deprecated", "warning", "the chart is deprecated");

    writes(user, "0.9.0", "");
    has(&found(user, check), "chart-version", "warning", "it goes back, from 1.0.0 to 0.9.0");
    writes(user, "0.9.0", "kubeVersion: '<1.20.0-0'\n");
    let refused = user.types(check);
    assert!(refused.stderr.contains("incompatible with Kubernetes"), "{}", refused.stderr);
}

fn a_chart_of_a_registry_is_pinned_by_its_digest(user: &User) {
    if without_registry() {
        return;
    }
    user.has_an_app(&[]);
    user.does("helm install web app");
    writes(user, "1.1.0", "");
    user.does("helm package app");
    writes(user, "1.2.0", "");
    user.does("helm package app");
    let server = Server::registry(&user.folder.join("registry"));
    let charts = format!("oci://{}/charts", server.address());
    let pushed = user.types(&format!("helm push app-1.1.0.tgz {charts} --plain-http"));
    let text = format!("{}{}", pushed.exits(0).stdout, pushed.stderr);
    let digest = text.lines().find_map(|line| line.strip_prefix("Digest: ")).unwrap_or_else(|| panic!("{text}"));
    let check = |chart: &str| {
        let line = format!("helm safe-upgrade check web {charts}/app{chart} --plain-http --set tag=2 -o json");
        found(user, &line)
    };
    has(&check(""), "pinned", "warning", "no version is named");
    passes(&check(""), "newer-version");
    let named = check(" --version 1.1.0");
    has(&named, "pinned", "info", "");
    passes(&named, "newer-version");
    user.types(&format!("helm push app-1.2.0.tgz {charts} --plain-http")).exits(0);
    has(&check(" --version 1.1.0"), "newer-version", "info", "there is a newer version, 1.2.0");
    let pinned = check(&format!("@{}", digest.trim()));
    passes(&pinned, "pinned");
    has(&pinned, "changelog", "unknown", "");
    has(&pinned, "newer-version", "info", "there is a newer version, 1.2.0");
}
