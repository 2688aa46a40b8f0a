//! `helm revdiff chart`: two charts, wherever they are, without a cluster.

use std::path::Path;

use serde_json::{Value, json};

use crate::environment::{Helm, ROOT};
use crate::user::User;

stories!(
    a_folder_and_an_archive,
    values_for_both_and_for_one,
    what_a_chart_is_rendered_for,
    hooks_and_definitions,
    what_is_made_anew_at_each_render,
    charts_that_cannot_be_compared,
    a_revision_of_git_and_the_work_tree,
    links_in_git,
    what_is_not_in_git,
    local_dependencies,
);

/// Nothing is known of the cluster here, so a chart is compared without one.
fn offline(user: &User) {
    user.writes("kubeconfig", "");
}

/// A chart of one ConfigMap with these data.
fn writes_chart(user: &User, name: &str, version: &str, data: &str) {
    user.writes(&format!("{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: {version}\n"));
    let template = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata: {data}\n");
    user.writes(&format!("{name}/templates/all.yaml"), &template);
}

fn a_folder_and_an_archive(user: &User) {
    offline(user);
    user.does("helm package web");
    user.does("sed -i 's/^version: .*/version: 2.0.0/; s/^appVersion: .*/appVersion: 9.9.9/' web/Chart.yaml");
    user.does(
        "sed -i 's/^replicaCount: .*/replicaCount: 7/' web/values.yaml && grep -q '^replicaCount: 7' web/values.yaml",
    );
    let shown = user.types("helm revdiff chart web-1.0.0.tgz ./web --detailed-exitcode");
    shown.shows_change("web-1.0.0.tgz → ./web\n  web-1.0.0  app 1.29.3\n  web-2.0.0  app 9.9.9\n\n");
    shown.shows_change("+  replicas: 7\n").shows_change("~ version     1.0.0 → 2.0.0\n");
    shown.shows_change("chart defaults\n~ replicaCount  1 → 7\n");
    let document = user.types("helm revdiff chart web-1.0.0.tgz web -o json").json();
    let side = |chart: &str, version: &str, app: &str| json!({"chart": chart, "chartName": "web", "chartVersion": version, "appVersion": app});
    assert_eq!(document["from"], side("web-1.0.0.tgz", "1.0.0", "1.29.3"));
    assert_eq!(document["to"], side("web", "2.0.0", "9.9.9"));
    assert_eq!(document["release"], Value::Null);
    let schema = std::fs::read_to_string(Path::new(ROOT).join("docs/schema/revdiff.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
    user.types("helm revdiff chart web web --detailed-exitcode")
        .mentions("no changes: objects, values, chart and defaults are the same (");
}

fn values_for_both_and_for_one(user: &User) {
    offline(user);
    writes_chart(user, "one", "1.0.0", "{{ toJson .Values.data }}");
    writes_chart(user, "two", "2.0.0", "{{ toJson .Values.data }}");
    user.writes("both.yaml", "data: {a: both, b: both}\n");
    user.writes("old.yaml", "data: {a: old}\n");
    user.writes("new.yaml", "data: {a: new, c: new}\n");
    let data = |line: &str| {
        let document = user.types(&format!("{line} -o json --computed-values")).json();
        let object = |change: &str, side: &str| {
            let all = document["resources"].as_array().unwrap();
            all.iter().find(|one| one["change"] == change).unwrap()["changes"][0][side]["data"].clone()
        };
        (object("removed", "old"), object("added", "new"))
    };
    let same = data("helm revdiff chart one two -f both.yaml --set data.s=1 --set-string data.t=1");
    assert_eq!(same.0, json!({"a": "both", "b": "both", "s": 1, "t": "1"}));
    assert_eq!(same.0, same.1);
    let own =
        data("helm revdiff chart one two -f both.yaml --old-values old.yaml --new-values new.yaml --set data.b=set");
    assert_eq!(own.0, json!({"a": "old", "b": "set"}));
    assert_eq!(own.1, json!({"a": "new", "b": "set", "c": "new"}));
    // Standard input is read once, and both have it.
    let piped = data("echo 'data: {p: piped}' | helm revdiff chart one two -f -");
    assert_eq!((piped.0, piped.1), (json!({"p": "piped"}), json!({"p": "piped"})));
    let one = data("echo 'data: {p: piped}' | helm revdiff chart one two -f both.yaml --new-values -");
    assert_eq!(one.0, json!({"a": "both", "b": "both"}));
    assert_eq!(one.1, json!({"a": "both", "b": "both", "p": "piped"}));
    let shown = user.types("helm revdiff chart one two --old-values old.yaml --new-values new.yaml");
    shown.mentions("values (user-supplied)").mentions("-  a: old\n+  a: new\n+  c: new\n");
    user.types("helm revdiff chart one two -f nothing.yaml")
        .explains("cannot read the values: open nothing.yaml: no such file or directory");
}

fn what_a_chart_is_rendered_for(user: &User) {
    offline(user);
    let data = r#"
  release: {{ .Release.Name }} in {{ .Release.Namespace }}
  upgrade: "{{ .Release.IsUpgrade }}"
  kubernetes: "{{ .Capabilities.KubeVersion }}"
  widgets: "{{ .Capabilities.APIVersions.Has "example.com/v1/Widget" }}""#;
    writes_chart(user, "one", "1.0.0", data);
    user.does("mkdir empty && sed 's/one/empty/' one/Chart.yaml > empty/Chart.yaml");
    let shown = user.types("helm revdiff chart empty one");
    shown.mentions("+  release: release-name in default\n").mentions("+  upgrade: \"false\"\n+  kubernetes: v1.");
    shown.mentions("+  widgets: \"false\"\n");
    let told = "--release web -n shop --is-upgrade --kube-version 1.27.3 -a example.com/v1/Widget,a/v1";
    let shown = user.types(&format!("helm revdiff chart empty one {told}"));
    shown.mentions("+  release: web in shop\n").mentions("+  upgrade: \"true\"\n+  kubernetes: v1.27.3\n");
    shown.mentions("+  widgets: \"true\"\n");
    user.types("helm revdiff chart empty one --kube-version x").explains("invalid kube version 'x'");
    user.types("helm revdiff chart empty one --release A").explains("\"A\" is no name of a release");
}

fn hooks_and_definitions(user: &User) {
    offline(user);
    user.copies("parts", "next");
    user.writes("values.yaml", "hooks: {migrate: {image: \"job:1\"}}\n");
    user.does("sed -i 's/busybox:1.37/busybox:2/; s/backoffLimit: 0/backoffLimit: 1/' next/templates/hooks.yaml");
    let shown = user.types("helm revdiff chart parts next -f values.yaml");
    shown.mentions("~ Job/migrate  batch/v1  pre-upgrade hook  parts/templates/hooks.yaml\n");
    user.types("helm revdiff chart parts next -f values.yaml --no-hooks").mentions("no changes");
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.com\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gadgets.example.com\n";
    user.writes("next/crds/all.yaml", definition);
    user.types("helm revdiff chart parts next").mentions("no changes");
    let shown = user.types("helm revdiff chart parts next --include-crds");
    shown.mentions("+ CustomResourceDefinition/widgets.example.com").mentions("0 changed, 2 added");
}

fn what_is_made_anew_at_each_render(user: &User) {
    offline(user);
    writes_chart(user, "one", "1.0.0", "{password: {{ randAlphaNum 20 }}, fixed: {{ .Values.fixed | quote }}}");
    let same = user.types("helm revdiff chart one one --detailed-exitcode");
    same.exits(0).mentions("made anew at each render: 1 value in 1 object  ConfigMap/one /data/password");
    user.writes("other.yaml", "fixed: other\n");
    let document = user.types("helm revdiff chart one one --new-values other.yaml -o json").json();
    assert_eq!(document["resources"][0]["changes"].as_array().unwrap().len(), 1);
    assert_eq!(document["resources"][0]["changes"][0]["path"], "/data/fixed");
}

fn charts_that_cannot_be_compared(user: &User) {
    offline(user);
    user.types("helm revdiff chart webb web").fails(
        r#"
        Error: cannot find the chart "webb": there is no such file or folder, and a chart of a repository is named repo/name
        Hint: a chart is a folder, a .tgz, repo/name@version, https://….tgz, oci://… or git:REF:PATH
        "#,
    );
    user.types("helm revdiff chart web ./webb").fails(
        r#"
        Error: cannot read the chart "./webb": there is no such file or folder
        Hint: a chart of a repository is repo/name, one in git is git:REF:PATH
        "#,
    );
    user.types("helm revdiff chart web charts/web")
        .explains("cannot fetch the chart \"charts/web\": repo charts not found")
        .explains("there is no folder \"charts/web\" either");
    user.does("mkdir empty");
    user.types("helm revdiff chart empty web").explains("cannot read the chart \"empty\": it has no Chart.yaml");
    user.writes("broken.tgz", "no archive");
    user.types("helm revdiff chart broken.tgz web").explains("cannot render the chart \"broken.tgz\"");
    user.copies("web", "broken");
    user.writes("broken/templates/broken.yaml", "a: {{ required \"a colour is needed\" .Values.colour }}\n");
    user.types("helm revdiff chart web broken")
        .explains("cannot render the chart \"broken\"")
        .explains("(web/templates/broken.yaml:1:")
        .explains("a colour is needed");
    user.writes("web/values.schema.json", r#"{"properties":{"replicaCount":{"type":"string"}}}"#);
    user.types("helm revdiff chart web web").explains("--skip-schema-validation");
    user.types("helm revdiff chart web web --skip-schema-validation").mentions("no changes");
}

/// Makes a git repository of the user's folder, and commits what is there.
fn commits(user: &User, message: &str) {
    let identity = "-c user.name=me -c user.email=me@example.com -c commit.gpgsign=false";
    user.does("test -d .git || git init --quiet --initial-branch=main .");
    user.does(&format!("git add --all web parts && git {identity} commit --quiet --allow-empty -m '{message}'"));
}

fn a_revision_of_git_and_the_work_tree(user: &User) {
    offline(user);
    user.writes("web/.gitattributes", "/templates/** export-ignore\n*.yaml text eol=crlf\n");
    commits(user, "one");
    user.does("git tag v1");
    user.does("sed -i 's/^replicaCount: .*/replicaCount: 7/' web/values.yaml");
    commits(user, "two");
    user.does("sed -i 's/^replicaCount: .*/replicaCount: 8/' web/values.yaml");
    let before = user.does(
        "git status --porcelain; git stash list; git worktree list; find . -newer web/values.yaml -path './.git/*'",
    );
    let shown = user.types("helm revdiff chart git:main:web web");
    shown.mentions("git:main:web → web\n").mentions("-  replicas: 7\n+  replicas: 8\n");
    user.types("helm revdiff chart git:v1:web git:HEAD:web").mentions("-  replicas: 1\n+  replicas: 7\n");
    user.types("helm revdiff chart git:HEAD~1:./web/ git:main:web").mentions("-  replicas: 1\n+  replicas: 7\n");
    // Paths are seen from where the user is.
    user.types("cd web && helm revdiff chart git:main:. .").mentions("-  replicas: 7\n+  replicas: 8\n");
    user.types("cd parts && helm revdiff chart git:main:../web ../web").mentions("-  replicas: 7\n+  replicas: 8\n");
    // A chart may be the whole repository.
    user.types(
        "cd web && git init --quiet && git add --all && git -c user.name=me -c user.email=a@b commit --quiet -m x",
    )
    .exits(0);
    user.types("cd web && helm revdiff chart git:HEAD:. .").mentions("no changes").keeps_quiet_about("added");
    user.does("rm -rf web/.git");
    let after = user.does(
        "git status --porcelain; git stash list; git worktree list; find . -newer web/values.yaml -path './.git/*'",
    );
    assert_eq!(before, after, "the work tree and the repository are as they were");
}

fn links_in_git(user: &User) {
    offline(user);
    let object = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n");
    commits(user, "one");
    user.writes("parts/shared.yaml", &object("linked"));
    user.writes("parts/shared/more.yaml", &object("below"));
    user.does(
        "ln -s ../../parts/shared.yaml web/templates/linked.yaml && ln -s ../../parts/shared web/templates/below",
    );
    user.does("ln -s more.yaml parts/shared/again.yaml");
    commits(user, "two");
    user.does("rm -r web parts");
    let shown = user.types("helm revdiff chart git:main~1:web git:main:web");
    shown.mentions("+ ConfigMap/linked").mentions("+ ConfigMap/below").mentions("0 changed, 3 added, 0 removed");
    user.does("git checkout --quiet . && ln -sfn /etc/hostname web/templates/linked.yaml");
    commits(user, "three");
    user.types("helm revdiff chart git:main:web web")
        .explains("cannot read \"web/templates/linked.yaml\" at main: this symbolic link leads out of the repository");
    user.does("ln -sfn nowhere web/templates/linked.yaml");
    commits(user, "four");
    user.types("helm revdiff chart git:main:web web").explains("leads to nothing of the repository");
    user.does("ln -sfn ../templates web/templates/linked.yaml");
    commits(user, "five");
    user.types("helm revdiff chart git:main:web web").explains("symbolic links lead in a circle");
}

fn what_is_not_in_git(user: &User) {
    offline(user);
    user.types("GIT_CEILING_DIRECTORIES=$PWD/.. helm revdiff chart git:main:web web")
        .explains("is in no git repository");
    commits(user, "one");
    user.does("git rm -r --quiet web && git -c user.name=me -c user.email=a@b commit --quiet -m gone");
    user.copies("parts", "web");
    user.types("helm revdiff chart git:main:web web").fails(
        r#"
        Error: cannot read the chart "git:main:web": there is no "web" at main
        Hint: the path is seen from the current folder; git ls-tree --name-only REF shows what there is
        "#,
    );
    user.types("helm revdiff chart git:HEAD~1:web git:HEAD~1:web").mentions("no changes");
    user.types("helm revdiff chart git:nothing:web web").fails(
        r#"
        Error: cannot read the chart "git:nothing:web": there is no revision "nothing" in the git repository
        Hint: git branch --all and git tag show what there is; git fetch brings what a shallow clone lacks
        "#,
    );
    user.does("git update-ref refs/remotes/origin/next HEAD~1");
    user.types("helm revdiff chart git:next:web web").explains("Hint: there is origin/next");
    user.types("helm revdiff chart git:--help:web web").explains("no revision of git starts with a dash");
    user.types("helm revdiff chart git:main:../../web web").explains("is not within the git repository");
    user.types("helm revdiff chart git:main web").explains("there is no path behind the revision");
}

fn local_dependencies(user: &User) {
    offline(user);
    let on =
        |name: &str| format!("dependencies:\n- {{name: {name}, version: 1.x, repository: \"file://../lib/{name}\"}}\n");
    user.does("mkdir lib");
    writes_chart(user, "lib/deep", "1.0.0", "{}");
    writes_chart(user, "lib/common", "1.0.0", "{}");
    user.does("sed -i 's|lib/||' lib/*/Chart.yaml lib/*/templates/all.yaml");
    user.does("cat >> lib/common/Chart.yaml <<< $'dependencies:\n- {name: deep, version: 1.x, repository: \"file://../deep\"}'");
    user.writes("web/more", &on("common"));
    user.does("cat web/more >> web/Chart.yaml && rm web/more && git init --quiet --initial-branch=main . && git add --all lib");
    commits(user, "one");
    user.does("sed -i 's/name: deep/name: deeper/' lib/deep/templates/all.yaml");
    let before = user.does("git status --porcelain --ignored; find web lib");
    // On disk and in git, each with its own: what they depend on is not in charts/ of either.
    let shown = user.types("helm revdiff chart git:main:web web");
    shown.mentions("+ ConfigMap/deeper").mentions("- ConfigMap/deep").mentions("0 changed, 1 added, 1 removed");
    user.types("helm revdiff chart git:main:web git:main:web").mentions("no changes");
    user.types("helm revdiff chart web web --dependency-update").mentions("no changes");
    assert_eq!(user.does("git status --porcelain --ignored; find web lib"), before, "nothing is written there");
    user.does("rm -r lib/deep");
    user.types("helm revdiff chart git:main:web web")
        .explains("cannot read the chart \"web\": its dependency \"deep\" can't be read: there is no folder ");
    if user.helm == Helm::V3 {
        user.does("git rm -r --quiet lib/deep && git -c user.name=me -c user.email=a@b commit --quiet -m gone");
        user.types("helm revdiff chart git:main:web git:main~1:web").explains("there is no \"lib/deep\" at main");
    }
}
