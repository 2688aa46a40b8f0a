//! Charts that are not on this machine: in a chart repository, and in a registry. Both are real servers on loopback.

use crate::servers::{Server, without_registry};
use crate::user::User;

stories!(
    versions_of_a_chart_repository,
    an_upgrade_from_a_chart_repository,
    a_repository_that_is_down,
    dependencies_of_a_repository,
    a_registry,
);

/// Packs the chart `parts` in these versions, each with one more ConfigMap, into the folder `served`, with their index.
fn packs(user: &User, versions: &[&str]) {
    for (number, version) in versions.iter().enumerate() {
        let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: only-{number}\n");
        user.writes("parts/templates/only.yaml", &object);
        user.does(&format!("helm package parts --version {version} --destination served"));
    }
    user.does("rm parts/templates/only.yaml && helm repo index served");
}

/// Serves the versions as the repository `stable`.
fn serves(user: &User, versions: &[&str]) -> Server {
    packs(user, versions);
    let server = Server::of_files(&user.folder.join("served"));
    // Helm's homes are shared by all stories.
    user.exports("HELM_REPOSITORY_CONFIG", &user.folder.join("repositories.yaml").to_string_lossy());
    user.exports("HELM_REPOSITORY_CACHE", &user.folder.join("cache").to_string_lossy());
    user.does(&format!("helm repo add stable http://{}", server.address()));
    server
}

fn versions_of_a_chart_repository(user: &User) {
    let server = serves(user, &["1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"]);
    let shows = |line: &str, old: usize, new: usize| {
        let shown = user.types(&format!("helm revdiff chart {line}"));
        shown.mentions(&format!("+ ConfigMap/only-{new}")).mentions(&format!("- ConfigMap/only-{old}"));
    };
    shows("stable/parts@1.0.0 stable/parts@1.1.0", 0, 1);
    shows("stable/parts@~1 stable/parts", 1, 2);
    shows("'stable/parts@>1.0.0 <2' 'stable/parts@^1.0.0 || ^2.0.0'", 1, 2);
    shows("stable/parts@1.0.0 stable/parts --devel", 0, 3);
    let url = format!("http://{}", server.address());
    shows(&format!("{url}/parts-1.0.0.tgz {url}/parts-2.0.0.tgz"), 0, 2);
    shows(&format!("--repo {url} parts@1.0.0 parts@1.1.0"), 0, 1);
    let shown = user.types("helm revdiff chart stable/parts@1.0.0 parts");
    shown.mentions("stable/parts@1.0.0 → parts\n").mentions("- ConfigMap/only-0");
    user.types("helm revdiff chart stable/parts@9.0.0 parts").explains("cannot fetch the chart \"stable/parts\"");
    user.types("helm revdiff chart stable/nothing parts").explains("cannot fetch the chart \"stable/nothing\"");
    // Whoever reads the output does not learn the password.
    let secret = url.replace("http://", "http://me:hunter22@");
    user.types(&format!("helm revdiff chart {secret}/parts-1.0.0.tgz parts"))
        .mentions("- ConfigMap/only-0")
        .keeps_quiet_about("hunter22");
    user.types(&format!("helm revdiff chart {secret}/parts-7.0.0.tgz parts"))
        .keeps_quiet_about("hunter22")
        .explains("404");
}

fn an_upgrade_from_a_chart_repository(user: &User) {
    let _server = serves(user, &["1.0.0", "1.1.0", "2.0.0"]);
    user.does("helm install web stable/parts --version 1.0.0");
    let shown = user.types("helm revdiff upgrade web stable/parts --version ^1.0.0");
    shown.mentions("~ version  1.0.0 → 1.1.0\n").mentions("+ ConfigMap/only-1").mentions("- ConfigMap/only-0");
    let proposed = user.types("helm revdiff upgrade web stable/parts -o json").json();
    user.does("helm upgrade web stable/parts");
    let made = user.types("helm revdiff web -o json").json();
    for part in ["resources", "summary", "values", "chart", "defaults"] {
        assert_eq!(proposed[part], made[part], "{part}");
    }
}

fn a_repository_that_is_down(user: &User) {
    let mut server = serves(user, &["1.0.0", "1.1.0"]);
    let address = server.address();
    user.does("helm install web stable/parts --version 1.0.0");
    server.stop();
    for line in [
        "helm revdiff chart stable/parts@1.0.0 stable/parts".to_owned(),
        "helm revdiff upgrade web stable/parts".to_owned(),
        format!("helm revdiff chart --repo http://{address} parts@1.0.0 parts"),
        format!("helm revdiff chart http://{address}/parts-1.0.0.tgz parts"),
        format!("helm revdiff chart oci://{address}/charts/parts@1.0.0 parts --plain-http"),
    ] {
        let shown = user.types(&line);
        shown.explains("Error: cannot fetch the chart ").explains(&address).explains("refused");
        assert_eq!(shown.stdout, "", "nothing is printed as if it were complete");
    }
}

fn dependencies_of_a_repository(user: &User) {
    let mut server = serves(user, &["1.0.0"]);
    let address = server.address();
    let description = format!(
        "apiVersion: v2\nname: on\nversion: 1.0.0\ndependencies:\n- {{name: parts, version: 1.x, repository: \"http://{address}\"}}\n"
    );
    user.writes("free/Chart.yaml", &description);
    user.copies("free", "locked");
    user.does("helm dependency update locked && rm -r locked/charts");
    user.copies("locked", "stale");
    user.does("sed -i 's/1[.]x/^1.0/' stale/Chart.yaml");
    packs(user, &["1.0.0", "1.1.0"]);
    let listing = user.does("find free locked stale");
    // One takes what is locked, the other the newest there is.
    let differ = |line: &str| _ = user.types(line).mentions("+ ConfigMap/only-1").mentions("- ConfigMap/only-0");
    user.does("helm repo update");
    differ("helm revdiff chart locked free");
    user.types("helm revdiff chart locked free --dependency-update")
        .mentions("objects, values, chart and defaults are the same");
    user.types("helm revdiff chart stale free")
        .explains(
            "Error: cannot fetch the dependencies of the chart \"stale\": the lock file (Chart.lock) is out of sync",
        )
        .explains("Hint: --dependency-update takes the newest versions that Chart.yaml allows");
    // Without `helm repo add`, too.
    user.does("helm repo remove stable");
    differ("helm revdiff chart locked free");
    assert_eq!(user.does("find free locked stale"), listing, "nothing is written there");
    server.stop();
    let down = user.types("helm revdiff chart locked free");
    down.explains("cannot fetch the dependencies of the chart \"locked\"").explains(&address);
}

fn a_registry(user: &User) {
    if without_registry() {
        return;
    }
    let server = Server::registry(&user.folder.join("registry"));
    let charts = format!("oci://{}/charts", server.address());
    packs(user, &["1.0.0", "1.1.0"]);
    let mut digests = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        let pushed = user.types(&format!("helm push served/parts-{version}.tgz {charts} --plain-http"));
        pushed.exits(0);
        let text = format!("{}{}", pushed.stdout, pushed.stderr);
        let digest = text.lines().find_map(|line| line.strip_prefix("Digest: ")).unwrap_or_else(|| panic!("{text}"));
        digests.push(digest.trim().to_owned());
    }
    for (old, new) in [
        ("@1.0.0".to_owned(), "@1.1.0".to_owned()),
        (":1.0.0".to_owned(), String::new()),
        (format!("@{}", digests[0]), format!("@{}", digests[1])),
        (format!(":1.0.0@{}", digests[0]), "@^1.0.1".to_owned()),
    ] {
        let shown = user.types(&format!("helm revdiff chart '{charts}/parts{old}' '{charts}/parts{new}' --plain-http"));
        shown.mentions("+ ConfigMap/only-1").mentions("- ConfigMap/only-0").mentions("~ version  1.0.0 → 1.1.0\n");
    }
    user.types(&format!("helm revdiff chart {charts}/parts@7.0.0 parts --plain-http"))
        .explains(&format!("cannot fetch the chart \"{charts}/parts\""));
    user.types(&format!("helm revdiff chart {charts}/nothing@1.0.0 parts --plain-http")).explains("nothing");

    user.does(&format!("helm install web {charts}/parts --version 1.0.0 --plain-http"));
    let line = format!("web {charts}/parts --version 1.1.0 --plain-http");
    let proposed = user.types(&format!("helm revdiff upgrade {line} -o json")).json();
    user.does(&format!("helm upgrade {line}"));
    let made = user.types("helm revdiff web -o json").json();
    for part in ["resources", "summary", "values", "chart", "defaults"] {
        assert_eq!(proposed[part], made[part], "{part}");
    }
    assert_eq!(proposed["summary"]["added"], 1);
}
