//! Credential plugins.

use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection};
use serde_json::{Value, json};

use crate::server::{Folder, connect, secret, token, trusted, url, who};

/// A user whose plugin is this shell script.
fn plugin(folder: &Folder, script: &str) -> Value {
    let counted = format!("echo run >> '{}'\n{script}", folder.path("runs"));
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", counted],
        "env": [{"name": "FLAVOUR", "value": "sweet"}],
        "interactiveMode": "Never",
        "provideClusterInfo": true,
    }})
}

fn answer(status: &Value) -> String {
    json!({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status}).to_string()
}

fn runs(folder: &Folder) -> usize {
    folder.read("runs").lines().count()
}

#[tokio::test]
async fn a_plugin_runs_once_and_not_before_it_is_needed() {
    let folder = Folder::new();
    let script = format!("echo '{}'", answer(&json!({"token": token("viewer")})));
    let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &script))).await;
    assert_eq!(runs(&folder), 0);
    let (first, second) = tokio::join!(who(&cluster), who(&cluster));
    assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("viewer", "viewer"));
    assert_eq!(who(&cluster).await.unwrap(), "viewer");
    assert_eq!(runs(&folder), 1);
}

#[tokio::test]
async fn an_answer_is_used_until_it_expires() {
    for (expires, expected) in [("2099-01-01T00:00:00Z", 1), ("2020-01-01T00:00:00Z", 3)] {
        let folder = Folder::new();
        let status = json!({"token": token("viewer"), "expirationTimestamp": expires});
        let script = format!("echo '{}'", answer(&status));
        let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &script))).await;
        for _ in 0..3 {
            assert_eq!(who(&cluster).await.unwrap(), "viewer");
        }
        assert_eq!(runs(&folder), expected, "{expires}");
    }
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_renewed_once() {
    let folder = Folder::new();
    let (old, new) = (answer(&json!({"token": "old"})), answer(&json!({"token": token("viewer")})));
    let script = format!("[ $(wc -l < '{}') -gt 1 ] && echo '{new}' || echo '{old}'", folder.path("runs"));
    let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &script))).await;
    assert_eq!(who(&cluster).await.unwrap(), "viewer");
    assert_eq!(runs(&folder), 2);

    let folder = Folder::new();
    let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &format!("echo '{old}'")))).await;
    let error = who(&cluster).await.unwrap_err();
    assert!(
        error.to_string().ends_with("the credentials of user \"u\" of the kubeconfig, from credential plugin \"sh\""),
        "{error}"
    );
    assert_eq!(runs(&folder), 2);
}

#[tokio::test]
async fn a_plugin_may_give_a_client_certificate() {
    let folder = Folder::new();
    let (certificate, key) = folder.certificate("carol");
    let read = |path| std::fs::read_to_string(path).unwrap();
    let status = json!({"clientCertificateData": read(certificate), "clientKeyData": read(key)});
    let file = folder.write("answer", &answer(&status));
    let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &format!("cat '{file}'")))).await;
    for _ in 0..2 {
        assert_eq!(who(&cluster).await.unwrap(), "carol");
    }
    assert_eq!(runs(&folder), 1);
}

#[tokio::test]
async fn a_plugin_may_answer_in_yaml() {
    let folder = Folder::new();
    let script = format!("printf 'kind: ExecCredential\\nstatus:\\n  token: \"{}\"\\n'", token("viewer"));
    let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, &script))).await;
    assert_eq!(who(&cluster).await.unwrap(), "viewer");
}

#[tokio::test]
async fn a_plugin_is_told_about_the_cluster() {
    let folder = Folder::new();
    let script = format!(
        "printf %s \"$KUBERNETES_EXEC_INFO\" > '{}'; printf %s \"$FLAVOUR\" > '{}'; echo '{}'",
        folder.path("info"),
        folder.path("flavour"),
        answer(&json!({"token": token("viewer")}))
    );
    let mut cluster = trusted();
    cluster["extensions"] = json!([{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}]);
    let cluster = connect(&folder.connection(&cluster, &plugin(&folder, &script))).await;
    who(&cluster).await.unwrap();
    let info: Value = serde_json::from_str(&folder.read("info")).unwrap();
    assert_eq!(info["kind"], "ExecCredential");
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["spec"]["interactive"], false);
    assert_eq!(info["spec"]["cluster"]["server"].as_str().unwrap().trim_end_matches('/'), url());
    assert!(info["spec"]["cluster"]["certificate-authority-data"].is_string(), "{info}");
    assert_eq!(info["spec"]["cluster"]["config"]["audience"], "x");
    assert_eq!(folder.read("flavour"), "sweet");
}

#[tokio::test]
async fn a_plugin_beside_the_kubeconfig() {
    let folder = Folder::new();
    folder.write("bin/x", "");
    std::os::unix::fs::symlink("/bin/sh", folder.path("bin/login")).unwrap();
    let mut user = plugin(&folder, &format!("echo '{}'", answer(&json!({"token": token("viewer")}))));
    user["exec"]["command"] = json!("bin/login");
    assert_eq!(who(&connect(&folder.connection(&trusted(), &user)).await).await.unwrap(), "viewer");
}

#[tokio::test]
async fn a_given_token_makes_the_plugin_needless() {
    let folder = Folder::new();
    let connection = folder.connection(&trusted(), &plugin(&folder, "exit 1"));
    let connection = Connection { token: Some(token("viewer").into()), ..connection };
    assert_eq!(who(&connect(&connection).await).await.unwrap(), "viewer");
    assert_eq!(runs(&folder), 0);
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_and_its_output_is_not_shown() {
    let cases = [
        ("echo s3cret; exit 3", "failed: it ended with exit status: 3"),
        ("echo s3cret", "failed: what it printed is no ExecCredential"),
        ("echo '{\"token\": \"s3cret\"}'", "failed: what it printed has no status"),
        ("echo '{\"status\": {\"x\": \"s3cret\"}}'", "failed: it gave neither a token nor a client certificate"),
        ("echo '{\"status\": {\"token\": [\"s3cret\"]}}'", "failed: what it printed is no ExecCredential"),
        (
            "echo '{\"status\": {\"clientKeyData\": \"s3cret\"}}'",
            "failed: it gave a client certificate or a key, but not both",
        ),
        (
            "echo '{\"status\": {\"token\": \"s3cret\", \"expirationTimestamp\": \"s3cret\"}}'",
            "failed: it gave an expiration time that is none",
        ),
        ("yes s3cret", "failed: it printed more than 1 MiB"),
    ];
    for (script, expected) in cases {
        let folder = Folder::new();
        let cluster = connect(&folder.connection(&trusted(), &plugin(&folder, script))).await;
        let error = cluster.get(&secret("default", "a")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot get the credentials for the cluster: credential plugin \"sh\" {expected}"),
            "{script}"
        );
        assert!(!format!("{error:?} {:?}", error.hint()).contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_is_not_installed_comes_with_its_install_hint() {
    let folder = Folder::new();
    let mut user = plugin(&folder, "");
    user["exec"]["command"] = json!("no-such-plugin");
    user["exec"]["installHint"] = json!("brew install \u{1b}[31mno-such-plugin");
    let error = who(&connect(&folder.connection(&trusted(), &user)).await).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot get the credentials for the cluster: credential plugin \"no-such-plugin\" is not installed"
    );
    assert_eq!(error.hint().as_deref(), Some("brew install [31mno-such-plugin"));
}

#[tokio::test]
async fn a_plugin_that_must_ask_needs_a_terminal() {
    use std::io::IsTerminal;
    if std::io::stdin().is_terminal() {
        // It would be asked, and rightly so.
        return;
    }
    let folder = Folder::new();
    let mut user = plugin(&folder, "");
    user["exec"]["interactiveMode"] = json!("Always");
    let error = who(&connect(&folder.connection(&trusted(), &user)).await).await.unwrap_err();
    assert!(matches!(error, ClusterError::Credentials { .. }), "{error:?}");
    assert!(error.to_string().ends_with("standard input is no terminal"), "{error}");
    assert_eq!(runs(&folder), 0);
}
