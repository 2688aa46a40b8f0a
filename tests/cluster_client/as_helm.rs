//! The client speaks to the same cluster as the same user as Helm does, whatever is set where.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use helm_safe_upgrade::cluster::{Connection, Environment, KubeCluster};
use serde_json::{Value, json};

use crate::server::{Folder, ca, kubeconfig, token, trusted, url, who};

/// Settings in the form of Helm's environment.
type Variables<'a> = &'a [(&'a str, String)];

/// What is special, the cluster in the kubeconfig, settings, and who comes out.
type Case<'a> = (&'a str, &'a Value, Vec<(&'a str, String)>, Option<&'a str>);

/// Whom Helm is taken for, or `None` if it comes to nothing.
fn helm(binary: &str, variables: &[(&str, OsString)]) -> Option<String> {
    let program = std::env::var_os(binary).unwrap_or_else(|| panic!("{binary} is not set"));
    let mut command = Command::new(program);
    command.args(["list", "--namespace", "default"]).env_clear();
    for name in ["PATH", "HOME"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let output = command.envs(variables.iter().map(|(name, value)| (name, value))).output().unwrap();
    if output.status.success() {
        return Some("admin".to_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    error.split_once("User \"").and_then(|(_, rest)| rest.split_once("\" cannot")).map(|(user, _)| user.to_owned())
}

/// Whom this client is taken for, or `None` if it comes to nothing.
async fn ours(variables: &[(&str, OsString)]) -> Option<String> {
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let text = |name: &str| value(name).map(|value| value.into_string().unwrap());
    let connection = Connection {
        kubeconfig: value("KUBECONFIG"),
        context: text("HELM_KUBECONTEXT"),
        api_server: text("HELM_KUBEAPISERVER"),
        token: text("HELM_KUBETOKEN").map(Into::into),
        as_user: text("HELM_KUBEASUSER"),
        as_groups: text("HELM_KUBEASGROUPS").iter().flat_map(|groups| groups.split(',')).map(str::to_owned).collect(),
        ca_file: value("HELM_KUBECAFILE").map(Into::into),
        insecure_skip_tls_verify: text("HELM_KUBEINSECURE_SKIP_TLS_VERIFY").as_deref() == Some("true"),
        tls_server_name: text("HELM_KUBETLS_SERVER_NAME"),
        request_timeout: Duration::from_secs(10),
        ..Connection::default()
    };
    let cluster = KubeCluster::connect_in(&connection, &Environment::default()).await.ok()?;
    who(&cluster).await.ok()
}

/// Compares with both Helms, and with what is expected.
async fn compare(what: &str, kubeconfig: OsString, variables: Variables<'_>, expected: Option<&str>) {
    let mut all: Vec<(&str, OsString)> = variables.iter().map(|(name, value)| (*name, value.into())).collect();
    all.push(("KUBECONFIG", kubeconfig));
    assert_eq!(ours(&all).await.as_deref(), expected, "{what}");
    for binary in ["HELM3", "HELM4"] {
        assert_eq!(helm(binary, &all).as_deref(), expected, "{binary}: {what}");
    }
}

async fn one(what: &str, cluster: &Value, user: &Value, variables: Variables<'_>, expected: Option<&str>) {
    let folder = Folder::new();
    let path = folder.write("kubeconfig", &kubeconfig(cluster, user));
    compare(what, path.into(), variables, expected).await;
}

fn nobody() -> Value {
    json!({"token": token("nobody")})
}

#[tokio::test]
async fn contexts() {
    let own: OsString = crate::server::connection("admin").kubeconfig.unwrap();
    compare("the current context", own.clone(), &[], Some("admin")).await;
    compare("another", own.clone(), &[("HELM_KUBECONTEXT", "viewer".to_owned())], Some("viewer")).await;
    compare("one that is not there", own, &[("HELM_KUBECONTEXT", "none".to_owned())], None).await;
}

#[tokio::test]
async fn several_kubeconfigs() {
    let folder = Folder::new();
    let contexts = json!({"contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}]});
    let wrong = json!({"contexts": [{"name": "c", "context": {"cluster": "x", "user": "x"}}], "current-context": "c"});
    let rest = json!({
        "current-context": "wrong",
        "clusters": [{"name": "k", "cluster": trusted()}],
        "users": [{"name": "u", "user": nobody()}],
    });
    let paths = [
        folder.write("1", &contexts.to_string()),
        folder.path("missing"),
        folder.write("2", &wrong.to_string()),
        folder.write("3", &rest.to_string()),
    ];
    compare("a list", std::env::join_paths(&paths).unwrap(), &[], Some("nobody")).await;
    compare("only a missing file", folder.path("missing").into(), &[], None).await;
    let broken = folder.write("broken", "users: [}");
    let list = std::env::join_paths([&paths[0], &broken, &paths[3]]).unwrap();
    compare("a broken file in the list", list, &[], None).await;
}

#[tokio::test]
async fn a_given_token() {
    let folder = Folder::new();
    let (certificate, key) = folder.certificate("carol");
    let file = folder.write("token", &token("nobody"));
    let given = [("HELM_KUBETOKEN", token("viewer"))];
    one("over a token", &trusted(), &nobody(), &given, Some("viewer")).await;
    one("over no credentials", &trusted(), &json!({}), &given, Some("viewer")).await;
    // The file is read again and again, and what was given is what counts while it cannot be read.
    one("over a token file", &trusted(), &json!({"tokenFile": file}), &given, Some("nobody")).await;
    let certified = json!({"client-certificate": certificate, "client-key": key});
    one("beside a client certificate", &trusted(), &certified, &given, Some("carol")).await;
    let plugin = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never",
    }});
    one("over a plugin", &trusted(), &plugin, &given, Some("viewer")).await;
    one("without it the plugin runs", &trusted(), &plugin, &[], None).await;
}

#[tokio::test]
async fn acting_as_another() {
    let admin = json!({"token": token("admin")});
    let intern = [("HELM_KUBEASUSER", "intern".to_owned())];
    one("a user", &trusted(), &admin, &intern, Some("intern")).await;
    let boss = json!({"token": token("admin"), "as": "boss"});
    one("the kubeconfig's", &trusted(), &boss, &[], Some("boss")).await;
    one("over the kubeconfig's", &trusted(), &boss, &intern, Some("intern")).await;
    let groups = ("HELM_KUBEASGROUPS", "all,system:masters".to_owned());
    one("with groups", &trusted(), &admin, &[intern[0].clone(), groups.clone()], Some("admin")).await;
    one("with groups over the kubeconfig's user", &trusted(), &boss, std::slice::from_ref(&groups), Some("admin"))
        .await;
    one("with groups alone", &trusted(), &admin, &[groups], None).await;
    let masters = json!({"token": token("admin"), "as": "boss", "as-groups": ["system:masters"]});
    one("another user with the kubeconfig's groups", &trusted(), &masters, &intern, Some("admin")).await;
}

#[tokio::test]
async fn the_server_and_its_certificate() {
    let wrong_name = json!({"server": url(), "certificate-authority": ca(), "tls-server-name": "wrong.example"});
    let no_ca = json!({"server": url()});
    let insecure = json!({"server": url(), "insecure-skip-tls-verify": true});
    let gone = json!({"server": "https://127.0.0.1:1", "certificate-authority": ca()});
    let server = ("HELM_KUBEAPISERVER", url());
    let plain = ("HELM_KUBEAPISERVER", url().replace("https://", ""));
    let ca_file = ("HELM_KUBECAFILE", ca());
    let skip = ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "true".to_owned());
    let name = ("HELM_KUBETLS_SERVER_NAME", "kubernetes".to_owned());
    let other_name = ("HELM_KUBETLS_SERVER_NAME", "other.example".to_owned());
    let cases: [Case<'_>; 14] = [
        ("a wrong name", &wrong_name, vec![], None),
        ("a right name over it", &wrong_name, vec![name], Some("nobody")),
        ("a server clears the name", &wrong_name, vec![server.clone()], Some("nobody")),
        ("a server without a scheme", &no_ca, vec![plain, ca_file.clone()], None),
        ("a wrong name over none", &trusted(), vec![other_name], None),
        ("another server", &gone, vec![server], Some("nobody")),
        ("no CA", &no_ca, vec![], None),
        ("a CA file", &no_ca, vec![ca_file.clone()], Some("nobody")),
        ("insecure", &no_ca, vec![skip.clone()], Some("nobody")),
        ("insecure over a CA", &trusted(), vec![skip.clone()], Some("nobody")),
        ("insecure by the kubeconfig", &insecure, vec![], Some("nobody")),
        ("a CA file over insecure", &insecure, vec![ca_file.clone()], Some("nobody")),
        ("a CA file and insecure", &trusted(), vec![ca_file, skip.clone()], None),
        ("insecure, but a wrong name", &wrong_name, vec![skip], Some("nobody")),
    ];
    for (what, cluster, variables, expected) in cases {
        one(what, cluster, &nobody(), &variables, expected).await;
    }
}
