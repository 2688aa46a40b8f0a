//! Whether the server is the one it claims to be.

use helm_safe_upgrade::cluster::{Cluster, ClusterError, Connection, KubeCluster};
use serde_json::{Value, json};

use crate::server::{Folder, ca, connect, port, run, token, trusted, url};

fn user() -> Value {
    json!({"token": token("nobody")})
}

async fn version(connection: &Connection) -> Result<String, ClusterError> {
    connect(connection).await.version().await
}

fn cause(error: &ClusterError) -> String {
    assert!(matches!(error, ClusterError::Tls { .. }), "{error:?}");
    let text = error.to_string();
    let (server, cause) = text.strip_prefix("cannot trust the API server at ").unwrap().split_once(": ").unwrap();
    assert!(server.starts_with("https://"), "{server}");
    cause.to_owned()
}

/// A CA that has nothing to do with the cluster.
fn other_ca(folder: &Folder) -> String {
    let (certificate, key) = (folder.path("other.crt"), folder.path("other.key"));
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &certificate,
            "-days",
            "1",
            "-subj",
            "/CN=other",
        ],
    );
    certificate
}

#[tokio::test]
async fn the_ca_of_a_kubeconfig_may_be_a_file_beside_it_or_within_it() {
    let folder = Folder::new();
    let pem = std::fs::read_to_string(ca()).unwrap();
    folder.write("certificates/ca.crt", &pem);
    let inline = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &pem);
    let wrapped = inline.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n");
    for cluster in [
        trusted(),
        json!({"server": url(), "certificate-authority": "certificates/ca.crt"}),
        json!({"server": url(), "certificate-authority-data": inline}),
        json!({"server": url(), "certificate-authority-data": wrapped}),
    ] {
        version(&folder.connection(&cluster, &user())).await.unwrap_or_else(|error| panic!("{cluster}: {error}"));
    }
}

#[tokio::test]
async fn the_ca_of_a_flag_replaces_a_wrong_one() {
    let folder = Folder::new();
    let wrong = folder.connection(&json!({"server": url(), "certificate-authority": other_ca(&folder)}), &user());
    let error = version(&wrong).await.unwrap_err();
    assert_eq!(cause(&error), "its certificate is signed by an unknown authority");
    assert_eq!(
        error.hint().as_deref(),
        Some("give the cluster's CA with --kube-ca-file, or certificate-authority in the kubeconfig")
    );
    version(&Connection { ca_file: Some(ca().into()), ..wrong }).await.unwrap();
}

#[tokio::test]
async fn without_a_ca_those_of_the_system_count() {
    let folder = Folder::new();
    let error = version(&folder.connection(&json!({"server": url()}), &user())).await.unwrap_err();
    assert_eq!(cause(&error), "its certificate is signed by an unknown authority");
}

#[tokio::test]
async fn anyone_is_trusted_only_if_asked_for() {
    let folder = Folder::new();
    let wrong = folder.connection(&json!({"server": url(), "certificate-authority": other_ca(&folder)}), &user());
    version(&Connection { insecure_skip_tls_verify: true, ..wrong }).await.unwrap();
    let kubeconfig = json!({"server": url(), "insecure-skip-tls-verify": true});
    version(&folder.connection(&kubeconfig, &user())).await.unwrap();
}

#[tokio::test]
async fn the_name_in_the_certificate_is_checked() {
    let folder = Folder::new();
    let connection = folder.connection(&trusted(), &user());
    for name in ["kubernetes.default.svc", "localhost"] {
        version(&Connection { tls_server_name: Some(name.to_owned()), ..connection.clone() }).await.unwrap();
    }
    let other = Connection { tls_server_name: Some("other.example".to_owned()), ..connection };
    let error = version(&other).await.unwrap_err();
    let cause = cause(&error);
    let names = cause.strip_prefix("its certificate is not for other.example but for ").unwrap();
    assert!(names.split(", ").any(|name| name == "localhost"), "{cause}");
    assert!(error.hint().unwrap().contains("--kube-tls-server-name"));
}

#[tokio::test]
async fn an_address_that_is_not_in_the_certificate_needs_a_server_name() {
    let folder = Folder::new();
    let server = format!("https://127.0.0.2:{}", port());
    let cluster = json!({"server": server, "certificate-authority": ca(), "tls-server-name": "kubernetes"});
    let connection = folder.connection(&cluster, &user());
    // 127.0.0.2 is this machine too, but the server listens on 127.0.0.1 alone.
    assert!(matches!(version(&connection).await.unwrap_err(), ClusterError::Unreachable { .. }));
    let local = Connection { api_server: Some(format!("https://localhost:{}", port())), ..connection };
    version(&local).await.unwrap();
}

#[tokio::test]
async fn a_bundle_counts_even_if_a_part_of_it_is_broken() {
    let folder = Folder::new();
    let other = std::fs::read_to_string(other_ca(&folder)).unwrap();
    let pem = std::fs::read_to_string(ca()).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let bundle = folder.write("bundle.crt", &format!("# a comment\n{other}{broken}{pem}"));
    let cluster = json!({"server": url(), "certificate-authority": bundle});
    version(&folder.connection(&cluster, &user())).await.unwrap();
}

#[tokio::test]
async fn a_ca_file_without_a_certificate_is_named() {
    let folder = Folder::new();
    let empty = folder.write("empty.crt", "no certificate\n");
    let cases = [
        (json!({"server": url(), "certificate-authority": empty}), format!("no certificate in {empty}")),
        (
            json!({"server": url(), "certificate-authority": "missing.crt"}),
            format!(
                "cannot read the certificate-authority {}: No such file or directory (os error 2)",
                folder.path("missing.crt")
            ),
        ),
        (
            json!({"server": url(), "certificate-authority-data": "!"}),
            "certificate-authority-data in the kubeconfig is not base64".to_owned(),
        ),
    ];
    for (cluster, expected) in cases {
        let connection = folder.connection(&cluster, &user());
        let error = KubeCluster::connect(&connection).await.err().unwrap();
        assert_eq!(error.to_string(), format!("cannot connect to the cluster: {expected}"));
    }
}

#[tokio::test]
async fn a_client_certificate_that_cannot_be_used_is_told_without_its_key() {
    let folder = Folder::new();
    let (certificate, key) = folder.certificate("carol");
    let other_key = folder.path("other.key");
    other_ca(&folder);
    let cases = [
        (json!({"client-certificate": certificate}), "the kubeconfig has a client certificate without its key"),
        (json!({"client-certificate": certificate, "client-key": "missing.key"}), "cannot read the client-key "),
        (json!({"client-certificate": key, "client-key": certificate}), "the client certificate is not PEM"),
        (
            json!({"client-certificate-data": "!", "client-key-data": "c2VjcmV0LWtleQ=="}),
            "client-certificate-data in the kubeconfig is not base64",
        ),
        (
            json!({"client-certificate": certificate, "client-key-data": "c2VjcmV0LWtleQ=="}),
            "the key of the client certificate cannot be used",
        ),
        (
            json!({"client-certificate": certificate, "client-key": other_key}),
            "the client certificate and its key do not belong together",
        ),
    ];
    for (user, expected) in cases {
        let connection = folder.connection(&trusted(), &user);
        let error = KubeCluster::connect(&connection).await.err().unwrap_or_else(|| panic!("{user}"));
        let text = format!("{error} {error:?}");
        assert!(text.starts_with(&format!("cannot connect to the cluster: {expected}")), "{user}: {text}");
        assert!(!text.contains("c2VjcmV0") && !text.contains("secret-key"), "{text}");
    }
}

#[tokio::test]
async fn a_url_that_says_http_by_mistake() {
    let folder = Folder::new();
    let server = url().replace("https://", "http://");
    let error = version(&folder.connection(&json!({"server": server}), &user())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot trust the API server at {server}: it speaks TLS, and its URL says http")
    );
    assert_eq!(error.hint(), Some(format!("use {}", url())));
}
