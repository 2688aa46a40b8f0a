//! Clusters that can't be reached and users who may not: what the error says, and which flags lead where.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

/// Nothing listens there, and nothing is given it.
pub(crate) const NOBODYS_PORT: u16 = 1;

stories!(
    a_user_without_any_right,
    a_user_who_may_get_but_not_list,
    a_user_who_may_read,
    impersonation,
    an_api_server_that_is_gone,
    a_token_that_is_wrong,
    a_context_that_does_not_exist,
    a_kubeconfig_that_does_not_exist,
    a_kubeconfig_that_is_broken,
    the_namespace_is_the_one_that_helm_would_take,
    the_certificate_of_the_api_server_is_checked,
    a_credential_plugin,
    every_flag_of_helm_is_honoured,
);

/// Two revisions of the release `web`.
fn makes_two_revisions(user: &User) {
    for number in ["1", "2"] {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{number}'}}}}"));
    }
}

/// Lets a user do something with all Secrets of the namespace.
pub(crate) fn allow(user: &User, who: &str, verbs: &[&str]) {
    let role = format!("secrets-{who}");
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": verbs});
    cluster::allow(&user.namespace, &role, who, &json!([rule]));
}

/// Writes a kubeconfig that differs from the user's own.
fn writes_kubeconfig(user: &User, name: &str, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read_to_string(user.folder.join("kubeconfig")).unwrap();
    let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
    change(&mut kubeconfig);
    user.writes(name, &kubeconfig.to_string());
}

const NOBODY: &str = r#"
    Error: cannot list the revisions of release "web": user "nobody" cannot list resource "secrets" in namespace "NAMESPACE"
    Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "nobody"
    "#;

fn a_user_without_any_right(user: &User) {
    makes_two_revisions(user);
    user.types("helm revdiff web --kube-context nobody").fails(NOBODY);
    user.types("helm revdiff web 1 2 --kube-context nobody").fails(
        r#"
        Error: cannot read revision 1 of release "web": user "nobody" cannot get resource "secrets" "sh.helm.release.v1.web.v1" in namespace "NAMESPACE"
        Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "nobody"
        "#,
    );
    user.exports("HELM_DRIVER", "configmap");
    user.types("helm revdiff web --kube-context nobody").explains(r#"cannot list resource "configmaps" in namespace"#);
}

fn a_user_who_may_get_but_not_list(user: &User) {
    makes_two_revisions(user);
    allow(user, "viewer", &["get"]);
    user.types("helm revdiff web 1 2 --kube-context viewer").mentions("revision 1 → 2");
    for line in ["helm revdiff web --kube-context viewer", "helm revdiff web 1 --kube-context viewer"] {
        user.types(line).fails(
            r#"
            Error: cannot list the revisions of release "web": user "viewer" cannot list resource "secrets" in namespace "NAMESPACE"
            Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "viewer"
            "#,
        );
    }
}

fn a_user_who_may_read(user: &User) {
    makes_two_revisions(user);
    allow(user, "viewer", &["get", "list"]);
    for line in ["helm revdiff web", "helm revdiff web 1", "helm revdiff web 1 2"] {
        user.types(&format!("{line} --kube-context viewer")).mentions("revision 1 → 2");
    }
    user.types("helm revdiff web --kube-context viewer -n default")
        .explains(r#"resource "secrets" in namespace "default""#);
}

fn impersonation(user: &User) {
    makes_two_revisions(user);
    user.types("helm revdiff web --kube-as-user nobody").fails(NOBODY);
    user.types("helm revdiff web --kube-as-user nobody --kube-as-group system:masters").mentions("revision 1 → 2");
    user.types("helm revdiff web --kube-as-user nobody --kube-as-group a --kube-as-group system:masters")
        .mentions("revision 1 → 2");
    user.types("helm revdiff web --kube-as-user admin --kube-context viewer").fails(
        r#"
        Error: cannot list the revisions of release "web": user "viewer" cannot impersonate resource "users" in the whole cluster
        Hint: ask for a ClusterRole with verbs [impersonate] on users, bound to "viewer"
        "#,
    );
}

fn an_api_server_that_is_gone(user: &User) {
    writes_kubeconfig(user, "gone", |kubeconfig| {
        kubeconfig["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{NOBODYS_PORT}").into();
    });
    let started = Instant::now();
    user.types("helm revdiff web --kubeconfig gone").fails(&format!(
        r#"
        Error: cannot list the revisions of release "web": cannot reach the API server at https://127.0.0.1:{NOBODYS_PORT}: connection refused
        Hint: check that the cluster runs and that this machine may reach it
        "#
    ));
    assert!(started.elapsed() < Duration::from_secs(60), "it took {:?}", started.elapsed());
}

fn a_token_that_is_wrong(user: &User) {
    user.types("helm revdiff web --kube-token 8m2kQx71Lp").fails(
        r#"
        Error: cannot list the revisions of release "web": cannot list secrets in namespace "NAMESPACE": SERVER does not accept the credentials of the given token
        Hint: the credentials may have expired: log in to the cluster again
        "#,
    )
    .keeps_quiet_about("8m2kQx71Lp");
    user.types("helm revdiff web --kube-token 8m2kQx71Lp --debug=true").keeps_quiet_about("8m2kQx71Lp").exits(1);
}

fn a_context_that_does_not_exist(user: &User) {
    user.types("helm revdiff web --kube-context production").fails(
        r#"
        Error: context "production" does not exist in the kubeconfig
        Hint: contexts there are: admin, nobody, viewer
        "#,
    );
}

fn a_kubeconfig_that_does_not_exist(user: &User) {
    user.types("helm revdiff web --kubeconfig nowhere/config").explains("nowhere/config");
    user.types("env -u KUBECONFIG HOME=/nowhere helm revdiff web").explains("no cluster is configured");
}

fn a_kubeconfig_that_is_broken(user: &User) {
    user.writes("broken", "users: [{name: me, user: {token: 8m2kQx71Lp}}\n");
    user.types("helm revdiff web --kubeconfig broken")
        .keeps_quiet_about("8m2kQx71Lp")
        .explains("cannot read the kubeconfig broken");
}

fn the_namespace_is_the_one_that_helm_would_take(user: &User) {
    makes_two_revisions(user);
    let namespace = user.namespace.clone();
    let elsewhere = |line: &str| {
        user.types(line).fails(
            r#"
            Error: release "web" not found in namespace "elsewhere"
            Hint: there are no releases here; try -n NAMESPACE
            "#,
        );
    };
    for line in [
        "helm revdiff web -n elsewhere",
        "helm -n elsewhere revdiff web",
        "helm revdiff web --namespace=elsewhere",
        "helm revdiff -nelsewhere web",
        "HELM_NAMESPACE=elsewhere helm revdiff web",
        "HELM_NAMESPACE=here helm revdiff web --namespace elsewhere",
    ] {
        elsewhere(line);
    }
    for line in [
        format!("helm revdiff web -n {namespace}"),
        format!("helm --namespace {namespace} revdiff web"),
        format!("helm revdiff web --namespace={namespace}"),
        format!("helm revdiff -n{namespace} web"),
        format!("HELM_NAMESPACE={namespace} helm revdiff web"),
        // The context's.
        "helm revdiff web".to_owned(),
        "helm revdiff web --kube-context admin".to_owned(),
    ] {
        user.types(&line).mentions("web in namespace NAMESPACE: revision 1 → 2");
    }
}

fn the_certificate_of_the_api_server_is_checked(user: &User) {
    makes_two_revisions(user);
    writes_kubeconfig(user, "without-authority", |kubeconfig| {
        let cluster = kubeconfig["clusters"][0]["cluster"].as_object_mut().unwrap();
        let authority =
            cluster.remove("certificate-authority-data").expect("the test cluster has an authority of its own");
        user.writes("ca.crt", &String::from_utf8(STANDARD.decode(authority.as_str().unwrap()).unwrap()).unwrap());
    });
    user.types("helm revdiff web --kubeconfig without-authority").explains("cannot trust the API server at SERVER: ");
    user.types("helm revdiff web --kubeconfig without-authority --kube-ca-file ca.crt").mentions("revision 1 → 2");
    user.types("helm revdiff web --kubeconfig without-authority --kube-insecure-skip-tls-verify")
        .mentions("revision 1 → 2");
    user.types("helm revdiff web --kube-tls-server-name localhost").mentions("revision 1 → 2");
    user.types("helm revdiff web --kube-tls-server-name example.org")
        .explains("cannot trust the API server at SERVER: ");
}

fn a_credential_plugin(user: &User) {
    makes_two_revisions(user);
    writes_kubeconfig(user, "plugin", |kubeconfig| {
        let token = kubeconfig["users"][0]["user"]["token"].take();
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
        });
        user.writes("credential.json", &credential.to_string());
        kubeconfig["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "args": ["credential.json"],
            "interactiveMode": "Never",
        }});
    });
    user.types("helm revdiff web --kubeconfig plugin").mentions("revision 1 → 2");
    writes_kubeconfig(user, "failing", |kubeconfig| {
        kubeconfig["users"][0]["user"] = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", "echo log in first >&2; exit 3"],
            "interactiveMode": "Never",
        }});
    });
    user.types("helm revdiff web --kubeconfig failing")
        .explains("cannot get the credentials for the cluster: ")
        .explains("log in first");
}

fn every_flag_of_helm_is_honoured(user: &User) {
    makes_two_revisions(user);
    writes_kubeconfig(user, "renamed", |kubeconfig| kubeconfig["contexts"][0]["name"] = "other".into());
    let text = std::fs::read_to_string(user.folder.join("kubeconfig")).unwrap();
    let kubeconfig: Value = serde_json::from_str(&text).unwrap();
    let token = kubeconfig["users"][0]["user"]["token"].as_str().unwrap();
    let server = cluster::server();
    writes_kubeconfig(user, "nameless", |kubeconfig| {
        kubeconfig["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1".into()
    });
    user.writes("empty", "apiVersion: v1\nkind: Config\n");
    for line in [
        "helm revdiff web --kubeconfig renamed --kube-context other".to_owned(),
        "KUBECONFIG=renamed HELM_KUBECONTEXT=other helm revdiff web".to_owned(),
        "KUBECONFIG=missing:empty:kubeconfig helm revdiff web".to_owned(),
        format!("helm revdiff web --kubeconfig nameless --kube-apiserver {server}"),
        format!("helm revdiff web --kube-context nobody --kube-token {token}"),
        format!("HELM_KUBETOKEN={token} helm revdiff web --kube-context nobody"),
        "helm revdiff web --qps 50 --burst-limit 200".to_owned(),
        "helm revdiff web --qps=50 --burst-limit=-1".to_owned(),
        "helm revdiff web --kube-insecure-skip-tls-verify=false".to_owned(),
        "helm revdiff web --registry-config r --repository-cache c --repository-config f".to_owned(),
    ] {
        user.types(&line).mentions("revision 1 → 2");
    }
    let shown = user.types("helm revdiff web --debug=true");
    shown.mentions("revision 1 → 2");
    // Helm 4 logs too.
    let ours: Vec<&str> = shown.stderr.lines().filter(|line| !line.starts_with("level=")).collect();
    assert!(ours.len() > 1 && ours.iter().all(|line| line.starts_with("debug: ")), "{}", shown.stderr);
}
