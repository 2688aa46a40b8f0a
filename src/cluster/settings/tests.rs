//! The precedence of flags, kubeconfigs and service accounts, case by case as in client-go.

use std::ffi::OsString;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const TWO_CONTEXTS: &str = r"
apiVersion: v1
kind: Config
current-context: blue
clusters:
- {name: blue, cluster: {server: 'https://blue.example:6443', certificate-authority-data: Ymx1ZQ==, tls-server-name: blue.internal}}
- {name: green, cluster: {server: 'https://green.example/k8s/', insecure-skip-tls-verify: true}}
- {name: plain, cluster: {server: 'http://plain.example:8001'}}
users:
- {name: joe, user: {token: joes-token}}
- name: eve
  user:
    as: boss
    as-groups: [chiefs]
    client-certificate-data: Y2VydA==
    client-key-data: a2V5
- {name: ann, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never}}}
- {name: pat, user: {username: pat, password: pats-password}}
contexts:
- {name: blue, context: {cluster: blue, user: joe, namespace: sea}}
- {name: green, context: {cluster: green, user: eve}}
- {name: plain, context: {cluster: plain, user: joe}}
- {name: ann, context: {cluster: blue, user: ann}}
- {name: pat, context: {cluster: blue, user: pat}}
- {name: broken, context: {cluster: gone, user: joe}}
";

/// A folder with kubeconfigs, and surroundings without anything in them.
struct Case {
    folder: TempDir,
    environment: Environment,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Environment::default() }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let case = Self::new();
        for (name, text) in files {
            case.write(name, text);
        }
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn list(&self, names: &[&str]) -> Option<OsString> {
        Some(std::env::join_paths(names.iter().map(|name| self.path(name))).expect("a list"))
    }

    /// A connection by the file `config`.
    fn connection(&self) -> Connection {
        Connection { kubeconfig: self.list(&["config"]), ..Connection::default() }
    }

    fn in_pod(mut self) -> Self {
        self.write("sa/token", "pods-token\n");
        self.write("sa/namespace", "pods-namespace\n");
        self.write("sa/ca.crt", "");
        self.environment = Environment {
            service_host: Some("10.96.0.1".to_owned()),
            service_port: Some("443".to_owned()),
            service_account: self.path("sa"),
            ..Environment::default()
        };
        self
    }

    fn resolve(&self, connection: &Connection) -> Result<Settings, ClusterError> {
        resolve(connection, &self.environment)
    }

    fn settings(&self, connection: &Connection) -> Settings {
        self.resolve(connection).expect("settings")
    }

    fn error(&self, connection: &Connection) -> ClusterError {
        self.resolve(connection).expect_err("an error")
    }
}

fn blue() -> Case {
    Case::with(&[("config", TWO_CONTEXTS)])
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn token(settings: &Settings) -> Option<&str> {
    settings.user.token.as_ref().map(SecretString::expose_secret)
}

#[test]
fn the_current_context_is_used() {
    let case = blue();
    let settings = case.settings(&case.connection());
    assert_eq!(settings.server.to_string(), "https://blue.example:6443/");
    assert_eq!(settings.namespace, "sea");
    assert_eq!(token(&settings), Some("joes-token"));
    assert_eq!(settings.identity, "user \"joe\" of the kubeconfig");
    assert_eq!(settings.cluster.tls_server_name.as_deref(), Some("blue.internal"));
}

#[test]
fn another_context_can_be_named() {
    let case = blue();
    let settings = case.settings(&Connection { context: text("green"), ..case.connection() });
    assert_eq!(settings.server.to_string(), "https://green.example/k8s");
    assert_eq!(settings.namespace, "default");
    assert_eq!(settings.user.impersonate.as_deref(), Some("boss"));
    assert_eq!(settings.cluster.insecure_skip_tls_verify, Some(true));
}

#[test]
fn an_unknown_context_is_an_error_that_lists_the_known() {
    let case = blue();
    let error = case.error(&Connection { context: text("red"), ..case.connection() });
    assert_eq!(error.to_string(), "context \"red\" does not exist in the kubeconfig");
    assert_eq!(error.hint().as_deref(), Some("contexts there are: ann, blue, broken, green, pat, plain"));
}

#[test]
fn a_current_context_that_does_not_exist_is_an_error_even_in_a_pod() {
    let case = Case::with(&[("config", "current-context: gone")]).in_pod();
    let error = case.error(&case.connection());
    assert_eq!(error.to_string(), "context \"gone\" does not exist in the kubeconfig");
    assert_eq!(error.hint().as_deref(), Some("the kubeconfig has no contexts"));
}

#[test]
fn a_context_without_its_cluster_is_an_error() {
    let case = blue();
    let error = case.error(&Connection { context: text("broken"), ..case.connection() });
    assert_eq!(
        error.to_string(),
        "cannot connect to the cluster: the kubeconfig's context names cluster \"gone\", which is not in it"
    );
}

#[test]
fn without_a_current_context_one_must_be_named() {
    let case = Case::with(&[("config", &TWO_CONTEXTS.replace("current-context: blue", ""))]);
    let error = case.error(&case.connection());
    assert_eq!(error.to_string(), "the kubeconfig has no current context");
    assert_eq!(error.hint().as_deref(), Some("choose one with --kube-context: ann, blue, broken, green, pat, plain"));
}

#[test]
fn an_empty_text_is_as_good_as_none() {
    let case = blue();
    let settings = case.settings(&Connection {
        context: text(""),
        api_server: text(""),
        token: Some(SecretString::from("")),
        as_user: text(""),
        ca_file: Some(PathBuf::new()),
        tls_server_name: text(""),
        namespace: text(""),
        ..case.connection()
    });
    assert_eq!(settings.server.to_string(), "https://blue.example:6443/");
    assert_eq!((settings.namespace.as_str(), token(&settings)), ("sea", Some("joes-token")));
    assert_eq!(settings.user.impersonate, None);
    assert_eq!(settings.cluster.certificate_authority_data.as_deref(), Some("Ymx1ZQ=="));
}

#[test]
fn another_server_keeps_credentials_and_ca_but_not_the_server_name() {
    let case = blue();
    let settings = case.settings(&Connection { api_server: text("https://red.example"), ..case.connection() });
    assert_eq!(settings.server.to_string(), "https://red.example/");
    assert_eq!(token(&settings), Some("joes-token"));
    assert_eq!(settings.cluster.certificate_authority_data.as_deref(), Some("Ymx1ZQ=="));
    assert_eq!(settings.cluster.tls_server_name, None);
    let both = Connection {
        api_server: text("https://red.example"),
        tls_server_name: text("red.internal"),
        ..case.connection()
    };
    assert_eq!(case.settings(&both).cluster.tls_server_name.as_deref(), Some("red.internal"));
}

#[test]
fn a_server_is_enough_without_any_kubeconfig() {
    let case = Case::new().in_pod();
    let connection = Connection {
        api_server: text("https://red.example"),
        token: Some(SecretString::from("t")),
        ..case.connection()
    };
    let settings = case.settings(&connection);
    // Not the pod's credentials: they are for another server.
    assert_eq!((settings.server.to_string().as_str(), token(&settings)), ("https://red.example/", Some("t")));
    assert_eq!(settings.cluster.certificate_authority, None);
    assert_eq!(settings.namespace, "pods-namespace");
}

#[test]
fn what_the_user_trusts_replaces_what_the_kubeconfig_trusts() {
    let case = blue();
    let insecure = case.settings(&Connection { insecure_skip_tls_verify: true, ..case.connection() });
    assert_eq!(insecure.cluster.insecure_skip_tls_verify, Some(true));
    assert_eq!(insecure.cluster.certificate_authority_data, None);

    let ca = Connection { ca_file: Some(PathBuf::from("/my/ca")), context: text("green"), ..case.connection() };
    let ca = case.settings(&ca);
    assert_eq!(ca.cluster.insecure_skip_tls_verify, Some(false));
    assert_eq!(ca.cluster.certificate_authority.as_deref(), Some("/my/ca"));

    let both =
        Connection { ca_file: Some(PathBuf::from("/my/ca")), insecure_skip_tls_verify: true, ..case.connection() };
    assert_eq!(
        case.error(&both).to_string(),
        "cannot connect to the cluster: certificates to trust are given, and so is insecure-skip-tls-verify"
    );
}

#[test]
fn a_given_token_goes_before_a_plugin_and_a_password() {
    let case = blue();
    for context in ["blue", "ann", "pat"] {
        let token_given = SecretString::from("given");
        let connection = Connection { context: text(context), token: Some(token_given), ..case.connection() };
        let settings = case.settings(&connection);
        assert_eq!(token(&settings), Some("given"), "{context}");
        assert!(settings.user.exec.is_none() && settings.user.password.is_none(), "{context}");
        assert_eq!(settings.identity, "the given token");
    }
}

#[test]
fn a_client_certificate_is_shown_beside_a_given_token() {
    let case = blue();
    let connection =
        Connection { context: text("green"), token: Some(SecretString::from("given")), ..case.connection() };
    let settings = case.settings(&connection);
    assert_eq!(token(&settings), Some("given"));
    assert_eq!(settings.user.client_certificate_data.as_deref(), Some("Y2VydA=="));
}

#[test]
fn credentials_are_not_for_connections_that_anyone_can_read() {
    let case = blue();
    for connection in [
        Connection { context: text("plain"), ..case.connection() },
        Connection { api_server: text("blue.example:6443"), ..case.connection() },
        Connection { api_server: text("http://blue.example"), context: text("ann"), ..case.connection() },
        Connection { api_server: text("http://blue.example"), context: text("green"), ..case.connection() },
        Connection { api_server: text("http://blue.example"), context: text("pat"), ..case.connection() },
    ] {
        let settings = case.settings(&connection);
        let user = &settings.user;
        assert_eq!(settings.server.scheme_str(), Some("http"));
        assert!(user.token.is_none() && user.exec.is_none() && user.password.is_none(), "{connection:?}");
        assert!(user.client_certificate_data.is_none() && user.client_key_data.is_none(), "{connection:?}");
    }
}

#[test]
fn impersonation_of_the_flags_goes_before_that_of_the_kubeconfig() {
    let case = blue();
    let connection = Connection { context: text("green"), as_user: text("intern"), ..case.connection() };
    let user = case.settings(&connection).user;
    assert_eq!(user.impersonate.as_deref(), Some("intern"));
    // client-go merges field by field.
    assert_eq!(user.impersonate_groups, Some(vec!["chiefs".to_owned()]));
    let connection = Connection { as_groups: vec!["a".to_owned(), "b".to_owned()], ..connection };
    assert_eq!(case.settings(&connection).user.impersonate_groups, Some(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn groups_to_act_as_need_a_user_to_act_as() {
    let case = blue();
    let error = case.error(&Connection { as_groups: vec!["a".to_owned()], ..case.connection() });
    assert_eq!(error.to_string(), "cannot connect to the cluster: groups to act as are given, but no user to act as");
}

#[test]
fn several_kubeconfigs_are_one_and_the_first_to_say_something_wins() {
    let first = "{current-context: '', contexts: [{name: c, context: {cluster: k, user: u}}]}";
    let second = "{current-context: c, users: [{name: u, user: {token: second}}], \
        contexts: [{name: c, context: {cluster: wrong, user: wrong, namespace: wrong}}]}";
    let third = "{current-context: wrong, users: [{name: u, user: {token: third, as: wrong}}], \
        clusters: [{name: k, cluster: {server: 'https://k.example', certificate-authority: ca.crt}}]}";
    let case = Case::with(&[("1", first), ("2", second), ("three/3", third)]);
    let list = case.list(&["1", "missing", "2", "1", "three/3"]);
    let settings = case.settings(&Connection { kubeconfig: list, ..Connection::default() });
    assert_eq!(settings.server.to_string(), "https://k.example/");
    assert_eq!((token(&settings), settings.user.impersonate.as_ref()), (Some("second"), None));
    assert_eq!(settings.namespace, "default");
    // Relative to the file that says it.
    let ca = case.path("three").join("ca.crt");
    assert_eq!(settings.cluster.certificate_authority.as_deref(), ca.to_str());
}

#[test]
fn the_kubeconfig_at_home_counts_only_without_kubeconfig() {
    let mut case = Case::with(&[(".kube/config", TWO_CONTEXTS)]);
    case.environment.home = Some(case.folder.path().to_owned());
    for kubeconfig in [None, Some(OsString::new())] {
        let settings = case.settings(&Connection { kubeconfig, ..Connection::default() });
        assert_eq!(settings.server.to_string(), "https://blue.example:6443/");
    }
    assert!(matches!(case.error(&case.connection()), ClusterError::NoConfiguration { .. }));
}

#[test]
fn with_nothing_to_connect_to_the_error_says_what_was_looked_for() {
    let mut case = Case::new();
    case.environment.home = Some(PathBuf::from("/home/joe"));
    case.environment.service_account = PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount");
    assert_eq!(
        case.error(&Connection::default()).to_string(),
        "no cluster is configured: found nothing at /home/joe/.kube/config, \
        /var/run/secrets/kubernetes.io/serviceaccount"
    );
    let list = Some(OsString::from("/a:/b"));
    let error = case.error(&Connection { kubeconfig: list, ..Connection::default() });
    assert!(error.to_string().contains(" /a, /b, "), "{error}");
    assert_eq!(error.hint().as_deref(), Some("set KUBECONFIG, or name the cluster with --kubeconfig"));
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_named_and_not_quoted() {
    let case = Case::with(&[("config", "users:\n- name: joe\n  user: {token: [hidden-token]}\n"), ("dir/file", "")]);
    let error = case.error(&case.connection()).to_string();
    let path = case.path("config");
    assert!(error.starts_with(&format!("cannot read the kubeconfig {}: not a kubeconfig (line ", path.display())));
    assert!(!error.contains("hidden-token"), "{error}");

    let error = case.error(&Connection { kubeconfig: case.list(&["dir"]), ..Connection::default() });
    assert!(matches!(error, ClusterError::Kubeconfig { .. }), "{error}");
}

#[test]
fn a_pod_uses_its_service_account() {
    let case = Case::new().in_pod();
    let settings = case.settings(&case.connection());
    assert_eq!(settings.server.to_string(), "https://10.96.0.1:443/");
    assert_eq!(settings.namespace, "pods-namespace");
    assert_eq!(settings.user.token_file.as_deref(), case.path("sa/token").to_str());
    assert_eq!(settings.cluster.certificate_authority.as_deref(), case.path("sa/ca.crt").to_str());
    assert_eq!(settings.identity, "the pod's service account");
}

#[test]
fn in_a_pod_a_given_token_and_ca_count_and_impersonation_does_not() {
    let case = Case::new().in_pod();
    let settings = case.settings(&Connection {
        token: Some(SecretString::from("given")),
        ca_file: Some(PathBuf::from("/my/ca")),
        as_user: text("boss"),
        ..case.connection()
    });
    assert_eq!((token(&settings), settings.user.token_file.as_ref()), (Some("given"), None));
    assert_eq!(settings.cluster.certificate_authority.as_deref(), Some("/my/ca"));
    assert_eq!(settings.user.impersonate, None);
}

#[test]
fn in_a_pod_a_kubeconfig_goes_first_and_the_pods_namespace_is_the_default() {
    let case = blue().in_pod();
    assert_eq!(case.settings(&case.connection()).namespace, "sea");
    let settings = case.settings(&Connection { context: text("green"), ..case.connection() });
    assert_eq!(settings.server.to_string(), "https://green.example/k8s");
    assert_eq!(settings.namespace, "pods-namespace");
    let settings = case.settings(&Connection { namespace: text("mine"), ..case.connection() });
    assert_eq!(settings.namespace, "mine");
}

#[test]
fn pod_namespace_goes_before_the_service_accounts() {
    let mut case = Case::new().in_pod();
    case.environment.pod_namespace = text("downward");
    assert_eq!(case.settings(&case.connection()).namespace, "downward");
}

#[test]
fn a_pod_of_an_ipv6_cluster() {
    let mut case = Case::new().in_pod();
    case.environment.service_host = text("fd00::1");
    assert_eq!(case.settings(&case.connection()).server.to_string(), "https://[fd00::1]:443/");
}

#[test]
fn a_pod_without_a_service_account_is_none() {
    let case = Case::new().in_pod();
    fs::remove_file(case.path("sa/token")).expect("removed");
    assert!(matches!(case.error(&case.connection()), ClusterError::NoConfiguration { .. }));
}

#[test]
fn server_urls_are_read_as_client_go_reads_them() {
    let cases = [
        ("https://k.example", Some("https://k.example/")),
        ("k.example:6443", Some("http://k.example:6443/")),
        ("localhost:8001", Some("http://localhost:8001/")),
        ("https://joe:pw@k.example/prefix/?x=y#z", Some("https://k.example/prefix")),
        ("https://[fd00::1]:6443", Some("https://[fd00::1]:6443/")),
        ("ftp://k.example", None),
        ("https://", None),
        ("https://k example", None),
        ("/etc/passwd", None),
    ];
    for (text, expected) in cases {
        let parsed = parse_server(text);
        assert_eq!(parsed.as_ref().ok().map(ToString::to_string).as_deref(), expected, "{text}: {parsed:?}");
    }
}
