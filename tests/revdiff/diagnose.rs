//! `helm safe-upgrade diagnose`: whatever is wrong with a release, its cause is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::live::allows;
use crate::record::Record;
use crate::user::User;

stories!(
    a_healthy_release,
    an_image_that_is_not_there,
    a_crash_and_its_last_words,
    too_little_memory,
    a_probe_that_fails,
    a_hook_that_fails,
    a_quota_that_is_used_up,
    pods_without_a_place,
    a_claim_without_a_volume,
    an_immutable_selector,
    an_object_of_another_release,
    a_service_that_leads_nowhere,
    a_node_port_that_is_taken,
    a_pending_revision,
    evidence_without_secrets,
    a_user_who_may_not_read_everything,
    old_evidence_goes,
    a_release_that_is_not_there,
);

/// Upgrades with these values and `--wait`, which must fail.
fn fails_with(user: &User, values: &str) {
    user.writes("bad.yaml", values);
    user.types("helm upgrade --install web parts --values bad.yaml --wait --timeout 4s").exits(1);
}

/// The first cause: its rule and its sentence. The text has it too, in lines that fit.
fn first_cause(user: &User) -> (String, String) {
    let found = user.types("helm safe-upgrade diagnose web -o json").json();
    assert_eq!(found["healthy"], false, "{found:#}");
    let cause = &found["causes"][0];
    let text = user.does("helm safe-upgrade diagnose web");
    assert!(text.contains("ause\n"), "{text}");
    assert!(text.contains("  Hint: "), "{text}");
    let unfolded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = cause["sentence"].as_str().unwrap();
    assert!(unfolded.contains(sentence), "{sentence}\n{text}");
    (cause["rule"].as_str().unwrap().to_owned(), sentence.to_owned())
}

fn assert_cause(user: &User, rule: &str, parts: &[&str]) {
    let (mut found, mut sentence) = first_cause(user);
    // Events and pods come when the controllers are at it.
    let end = Instant::now() + Duration::from_secs(30);
    while found != rule && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(500));
        (found, sentence) = first_cause(user);
    }
    assert_eq!(found, rule, "{sentence}");
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
    }
}

fn a_healthy_release(user: &User) {
    user.writes("values.yaml", "deployments: {web: {replicas: 2}}\n");
    user.does("helm install web parts --values values.yaml --wait");
    user.types("helm safe-upgrade diagnose web --detailed-exitcode").shows(
        "
        web in namespace NAMESPACE, revision 1 (deployed)
        healthy: 1 object is ready

        Objects
          deployment/web    2/2  ready
        ",
    );
}

fn an_image_that_is_not_there(user: &User) {
    fails_with(user, "deployments: {web: {image: 'registry.example/web:9-missing'}}\n");
    assert_cause(
        user,
        "image",
        &["deployment/web: the image registry.example/web:9-missing of container main is not in its registry"],
    );
    user.types("helm safe-upgrade diagnose web --detailed-exitcode").exits(2).keeps_quiet_about("healthy");
}

fn a_crash_and_its_last_words(user: &User) {
    fails_with(user, "deployments: {web: {image: 'web:1-crash'}}\n");
    assert_cause(
        user,
        "crash",
        &["container main ends with exit code 1: fatal: cannot reach database \"orders\": connection refused"],
    );
    user.types("helm safe-upgrade diagnose web")
        .mentions("  │ fatal: cannot reach database \"orders\": connection refused\n");
}

fn too_little_memory(user: &User) {
    fails_with(user, "deployments: {web: {image: 'web:1-oom'}}\n");
    assert_cause(user, "out-of-memory", &["deployment/web: container main was killed"]);
}

fn a_probe_that_fails(user: &User) {
    let deployment = "
objects:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers:
        - name: main
          image: web:1-unready
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: http}}
";
    fails_with(user, deployment);
    assert_cause(
        user,
        "probe",
        &["readiness probe (GET /ready on port http, 8080): HTTP probe failed with statuscode: 503"],
    );
}

fn a_hook_that_fails(user: &User) {
    user.upgrades("parts", "deployments: {web: {}}\n");
    fails_with(user, "deployments: {web: {}}\nhooks: {migrate: {image: 'migrate:1-crash'}}\n");
    assert_cause(user, "hook", &["job/migrate: the pre-upgrade hook failed: fatal: cannot reach database"]);
}

fn a_quota_that_is_used_up(user: &User) {
    let quota =
        "objects: [{apiVersion: v1, kind: ResourceQuota, metadata: {name: small}, spec: {hard: {pods: '1'}}}]\n";
    user.upgrades("parts", quota);
    fails_with(user, &format!("{quota}deployments: {{web: {{replicas: 3}}}}\n"));
    assert_cause(user, "quota", &["the quota small is used up: pods=1 is asked for, pods=1 of pods=1 is in use"]);
}

fn pods_without_a_place(user: &User) {
    let deployment = "
objects:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers: [{name: main, image: 'web:1', resources: {requests: {cpu: 100}}}]
";
    fails_with(user, deployment);
    assert_cause(user, "unschedulable", &["too little cpu on 3 nodes (it asks for 100; the largest node has 8)"]);
}

fn a_claim_without_a_volume(user: &User) {
    let objects = "
objects:
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: data}
  spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 5Gi}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec:
        containers: [{name: main, image: 'web:1'}]
        volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
";
    fails_with(user, objects);
    assert_cause(user, "volume-claim", &["persistentvolumeclaim/data: ", "storage class fast"]);
}

fn an_immutable_selector(user: &User) {
    let deployment = |app: &str| {
        format!(
            "objects: [{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{selector: {{matchLabels: {{app: {app}}}}}, \
             template: {{metadata: {{labels: {{app: {app}}}}}, spec: {{containers: [{{name: main, image: 'web:1'}}]}}}}}}}}]\n"
        )
    };
    user.upgrades("parts", &deployment("web"));
    fails_with(user, &deployment("other"));
    assert_cause(user, "immutable-field", &["deployment/web: spec.selector is immutable, and the upgrade changes it"]);
}

fn an_object_of_another_release(user: &User) {
    user.writes("theirs.yaml", "configMaps: {settings: {a: b}}\n");
    user.does("helm install other parts --values theirs.yaml");
    user.upgrades("parts", "configMaps: {own: {a: b}}\n");
    // Helm refuses before there is a revision, so this one is told by what Helm printed, and there is nothing to diagnose.
    let refused = user.types("helm upgrade web parts --values theirs.yaml").exits(1).stderr.clone();
    let evidence = helm_safe_upgrade::upgrade::diagnosis::Evidence { helm_output: refused, ..Default::default() };
    let causes = helm_safe_upgrade::upgrade::diagnosis::diagnose(&evidence);
    assert_eq!(causes[0].rule, "ownership");
    assert_eq!(causes[0].sentence, "configmap/settings is there already and belongs to release other");
    user.types("helm safe-upgrade diagnose web").mentions("healthy");
}

fn a_service_that_leads_nowhere(user: &User) {
    let service = "deployments: {web: {}}\nobjects: [{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: wbe}, ports: [{port: 80}]}}]\n";
    user.writes("values.yaml", service);
    user.does("helm install web parts --values values.yaml --wait");
    assert_cause(
        user,
        "service",
        &["service/web: its selector app=wbe matches no pod of the release; pod/web-", "has app=web"],
    );
}

fn a_node_port_that_is_taken(user: &User) {
    let service = |name: &str| {
        // Of those that the server gives to nobody who does not ask for one.
        let port = if user.helm.name() == "helm3" { 30_071 } else { 30_072 };
        format!(
            "objects: [{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{type: NodePort, selector: {{app: x}}, ports: [{{port: 80, nodePort: {port}}}]}}}}]\n"
        )
    };
    user.writes("values.yaml", &service("first"));
    user.does("helm install other parts --values values.yaml");
    user.upgrades("parts", "{}\n");
    user.writes("bad.yaml", &service("second"));
    user.types("helm upgrade web parts --values bad.yaml").exits(1);
    assert_cause(user, "port-in-use", &["service/second: the NodePort 3007", " is taken by another Service"]);
}

fn a_pending_revision(user: &User) {
    user.upgrades("parts", "{}\n");
    user.writes("slow.yaml", "hooks: {slow: {image: 'busybox:unready'}}\n");
    let mut helm = user.starts("exec helm upgrade web parts --values slow.yaml");
    let pending = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Record::of(user, "web", 2).is_pending()
    });
    helm.kill().unwrap();
    helm.wait().unwrap();
    assert!(pending, "the upgrade is under way");
    assert_cause(user, "pending", &["revision 2 is pending-upgrade"]);
    user.types("helm safe-upgrade diagnose web").mentions("safe-upgrade unlock web");
}

/// The content of a Secret stands in the values, in a variable, and in the log: the program names its database.
fn evidence_without_secrets(user: &User) {
    let password = "Zq8hunter2Lx9";
    fails_with(
        user,
        &format!(
            "secrets: {{db: {{password: {password}, database: orders}}}}\ndeployments: {{web: {{image: 'web:1-crash', env: {{URL: 'pg://u:{password}@db/orders'}}}}}}\n"
        ),
    );
    let shown = user.types("helm safe-upgrade diagnose web --evidence kept");
    shown.mentions("fatal: cannot reach database \"<masked, 6 bytes, ");
    shown.mentions("\nEvidence\n  kept/").keeps_quiet_about(password);
    let files = files(&user.folder.join("kept"));
    let base64 = STANDARD.encode(password);
    let mut names = Vec::new();
    for path in &files {
        let content = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&content);
        let name = path.strip_prefix(&user.folder).unwrap().display().to_string();
        for secret in [password, &base64, "orders", &STANDARD.encode("orders")] {
            assert!(!text.contains(secret), "{secret} is in {name}:\n{text}");
        }
        names.push(name);
        assert_eq!(mode(path) & 0o077, 0, "{} is private", path.display());
    }
    for part in [
        "/summary.md",
        "/evidence.json",
        "/events.txt",
        "/objects/deployment-web.yaml",
        "/objects/pod-web-",
        "-main-previous.log",
        ".tar.gz",
    ] {
        assert!(names.iter().any(|name| name.contains(part)), "{part} is not in {names:#?}");
    }
    assert!(!names.iter().any(|name| name.contains("secret-")), "{names:#?}");
    let archive = names.iter().find(|name| name.ends_with(".tar.gz")).unwrap();
    let listed = user.does(&format!("tar -tzf {archive}"));
    assert_eq!(listed.lines().count(), files.len() - 1, "{listed}");
    let unpacked = user.does(&format!("tar -xzOf {archive}"));
    assert!(!unpacked.contains(password) && unpacked.contains("## Likely cause"), "{unpacked}");
}

/// Missing rights are said, and nothing is concluded from what can't be seen.
fn a_user_who_may_not_read_everything(user: &User) {
    user.upgrades("parts", "deployments: {web: {}}\n");
    allows(user, &json!([{"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["get", "list"]}]));
    let line = "helm safe-upgrade diagnose web --kube-context viewer";
    let shown = user.types(&format!("{line} --detailed-exitcode"));
    shown.exits(2).keeps_quiet_about("healthy").keeps_quiet_about("selector");
    assert!(shown.stdout.contains("can't be told: 1 of 1 object is not to be seen\n"), "{}", shown.stdout);
    assert!(shown.stdout.contains("\nCould not be read\n"), "{}", shown.stdout);
    let unread = user.types(&format!("{line} -o json")).json()["unread"].to_string();
    for list in ["deployments", "replicasets", "events", "nodes", "endpointslices"] {
        assert!(unread.contains(list), "{list} is not in {unread}");
    }
}

fn old_evidence_goes(user: &User) {
    user.upgrades("parts", "configMaps: {own: {a: b}}\n");
    for number in 10..35 {
        user.writes(&format!("kept/{}-web-{number}-20200102T0304{number}Z/summary.md", user.namespace), "old");
    }
    user.writes(&format!("kept/{}-web-db-1-20200102T030405Z/summary.md", user.namespace), "of another release");
    user.does("helm safe-upgrade diagnose web --evidence kept");
    let left = user.does("ls kept");
    assert_eq!(left.lines().filter(|name| name.contains("-web-") && !name.ends_with(".gz")).count(), 21, "{left}");
    assert!(
        left.contains("-web-db-1-")
            && left.contains("-web-1-20")
            && left.contains("-web-34-")
            && !left.contains("-web-10-"),
        "{left}"
    );
}

fn a_release_that_is_not_there(user: &User) {
    user.types("helm safe-upgrade diagnose web")
        .explains("Error: release \"web\" not found in namespace \"NAMESPACE\"\n");
    let found: Result<Value, _> = serde_json::from_str(&user.types("helm safe-upgrade diagnose web -o json").stdout);
    assert!(found.is_err(), "an error is no document");
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}
