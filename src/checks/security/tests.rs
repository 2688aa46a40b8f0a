//! What pods and accounts gain is found, what they had is silent.

use super::{grants, pod_security, privileges};
use crate::checks::tests::{Case, says_all};
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::manifest::identity::ObjectId;

fn deployment(pod: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{selector: {{matchLabels: {{app: web}}}}, template: \
         {{metadata: {{labels: {{app: web}}}}, spec: {{{pod}containers: [{{name: main, image: a{container}}}]}}}}}}\n"
    )
}

fn rbac(kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

#[test]
fn privileges_are_told_where_they_are_new() {
    let plain = deployment("", "");
    let host = deployment("hostNetwork: true, volumes: [{name: a, hostPath: {path: /}}], ", "");
    let root = deployment("", ", securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN]}}");
    let says = |old: &str, new: &str| Case { old, new, ..Case::default() }.says(&privileges::CHECK);
    assert_eq!(says(&plain, &host), ["warning Deployment/web: its pods gain hostNetwork and hostPath /"]);
    assert_eq!(
        says(&plain, &root),
        ["warning Deployment/web: its container main gains capability SYS_ADMIN and privileged"]
    );
    for same in [&plain, &host, &root] {
        assert_eq!(says(same, same), ["pass : no pod gains privileges"]);
    }
}

#[test]
fn rights_are_told_where_they_are_new() {
    let says = |old: &str, new: &str| Case { old, new, ..Case::default() }.says(&grants::CHECK);
    let role = |verbs: &str| {
        rbac("ClusterRole", "web", &format!("rules: [{{apiGroups: ['*'], resources: ['*'], verbs: [{verbs}]}}]"))
    };
    let gained = says(&role("get"), &role("'*'"));
    assert!(gained[0].starts_with("warning ClusterRole/web: "), "{gained:?}");
    assert_eq!(says(&role("'*'"), &role("'*'")), ["pass : no account gains dangerous rights"]);
    let binding = rbac(
        "ClusterRoleBinding",
        "bot",
        "roleRef: {kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: bot, namespace: shop}]",
    );
    let old = deployment("", "") + &binding;
    let new = deployment("serviceAccountName: bot, ", "") + &binding;
    assert_eq!(
        says(&old, &new),
        ["warning Deployment/web: its pods run as ServiceAccount/bot instead of default, which has ClusterRole/view"]
    );
}

const GOOD: &str = ", securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}";

fn namespace(level: &str) -> String {
    format!("---\nkind: Namespace\nmetadata: {{name: shop, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}\n")
}

/// What the check says where the dry run of the Deployment ended like this.
fn levels(case: Case<'_>, outcome: Outcome, warning: Option<&str>) -> Vec<String> {
    let warnings = warning.map(str::to_owned).into_iter().collect();
    let trial = Trial { warnings, outcome, ..trial() };
    let trials = Trials { objects: vec![trial], ..Trials::default() };
    case.says_where(&pod_security::CHECK, |snapshot| snapshot.trials = Ok(trials))
}

fn trial() -> Trial {
    Trial {
        id: ObjectId { group: "apps".into(), kind: "Deployment".into(), name: "web".into(), ..ObjectId::default() },
        source: None,
        hook: false,
        is_new: false,
        live: Ok(None),
        warnings: Vec::new(),
        outcome: Outcome::Accepted,
    }
}

#[test]
fn pods_that_the_level_of_the_namespace_forbids_block() {
    let (plain, good) = (deployment("", ""), deployment("", GOOD));
    let (baseline, restricted) = (namespace("baseline"), namespace("restricted"));
    let host = deployment("hostPID: true, ", GOOD);
    let case = Case { old: &good, new: &host, ..Case::default() };
    let says = |case, level: &str| {
        levels(case, Outcome::Accepted, Some(&format!("would violate PodSecurity \"{level}:latest\": hostPID")))
    };
    let refused = |level: &str| {
        format!("blocker Deployment/web: the namespace enforces the Pod Security level {level}, and refuses its pods")
    };
    assert_eq!(says(Case { cluster: &baseline, ..case }, "baseline"), [refused("baseline")]);
    let open = Case { new: &plain, cluster: &restricted, ..case };
    assert_eq!(says(open, "restricted"), [refused("restricted")]);
    let pass = ["pass : new pods keep to the Pod Security level of their namespace"];
    let silent = |case| levels(case, Outcome::Accepted, None);
    assert_eq!(silent(Case { new: &plain, cluster: &baseline, ..case }), pass);
    assert_eq!(silent(Case { old: &plain, new: &good, cluster: &restricted, ..case }), pass);
    assert_eq!(silent(Case { cluster: &namespace("privileged"), ..case }), pass);
    let before = Case { old: &host, new: &host.replace("image: a", "image: b"), cluster: &baseline, ..case };
    assert!(says(before, "baseline")[0].starts_with("warning Deployment/web"), "it may be exempt");
    let unseen = Case { forbidden: &["Namespace"], ..case }.says(&pod_security::CHECK);
    assert_eq!(unseen, ["unknown : the Pod Security level of namespace shop: you may not list namespaces"]);
}

#[test]
fn the_dry_run_knows_better_which_pods_the_namespace_lets_in() {
    let good = deployment("", GOOD);
    let host = deployment("hostPID: true, ", GOOD);
    let baseline = namespace("baseline");
    let case = Case { old: &good, new: &host, cluster: &baseline, ..Case::default() };
    let warned = baseline.replace("enforce: baseline", "enforce: baseline, pod-security.kubernetes.io/warn: baseline");
    let let_in = levels(Case { cluster: &warned, ..case }, Outcome::Accepted, None);
    assert_eq!(let_in, ["pass : new pods keep to the Pod Security level of their namespace"]);
    // The server need not warn of what is only enforced.
    assert!(levels(case, Outcome::Accepted, None)[0].starts_with("warning Deployment/web"));
    let missing = levels(case, Outcome::Untried("you may not patch it".into()), None);
    assert!(missing[0].starts_with("unknown Deployment/web"), "{missing:?}");
    assert!(missing[0].ends_with("whether the server lets them in: you may not patch it"), "{missing:?}");
    let none = case.says_where(&pod_security::CHECK, |snapshot| snapshot.trials = Err("no dry runs".into()));
    assert!(none[0].starts_with("unknown Deployment/web") && none[0].ends_with("no dry runs"), "{none:?}");
}

#[test]
fn what_the_api_server_warns_of_is_passed_on() {
    let warning = "would violate PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false";
    let trial = Trial { warnings: vec![warning.to_owned()], ..trial() };
    let findings = says_all(|snapshot| snapshot.trials = Ok(Trials { objects: vec![trial], ..Trials::default() }));
    let told: Vec<_> = findings.into_iter().filter(|one| one.check == "pod-security").collect();
    assert_eq!(
        (told.len(), told[0].severity.word(), told[0].evidence.as_slice()),
        (1, "warning", &[warning.to_owned()][..])
    );
}

#[test]
fn each_rule_of_the_standards_is_known() {
    use super::standards::{Level, violations};
    let template = |pod: &str, container: &str| {
        crate::manifest::yaml::parse(&format!("{{spec: {{{pod}containers: [{{name: main, image: a{container}}}]}}}}"))
            .unwrap()
    };
    let found = |pod: &str, container: &str, level| {
        violations(&template(pod, container), level).into_iter().next().unwrap_or_default()
    };
    for (pod, container, what) in [
        ("hostIPC: true, ", "", "hostIPC"),
        ("volumes: [{name: a, hostPath: {path: /}}], ", "", "a volume of type hostPath"),
        ("securityContext: {sysctls: [{name: kernel.msgmax}]}, ", "", "sysctl kernel.msgmax"),
        ("securityContext: {seccompProfile: {type: Unconfined}}, ", "", "seccomp profile Unconfined"),
        ("securityContext: {seLinuxOptions: {type: spc_t}}, ", "", "SELinux options"),
        ("securityContext: {windowsOptions: {hostProcess: true}}, ", "", "hostProcess"),
        ("", ", securityContext: {privileged: true}", "privileged (container main)"),
        ("", ", securityContext: {procMount: Unmasked}", "procMount (container main)"),
        ("", ", securityContext: {capabilities: {add: [NET_RAW]}}", "capability NET_RAW (container main)"),
        ("", ", ports: [{hostPort: 80}]", "hostPort 80 (container main)"),
    ] {
        assert_eq!(found(pod, container, Level::Baseline), what);
    }
    assert_eq!(found("", ", securityContext: {capabilities: {add: [CHOWN]}}", Level::Baseline), "");
    assert_eq!(found("volumes: [{name: a, nfs: {}}], ", GOOD, Level::Restricted), "a volume of type nfs");
    assert_eq!(found("securityContext: {runAsUser: 0}, ", GOOD, Level::Restricted), "runAsUser is 0 (container main)");
    assert_eq!(found("", GOOD, Level::Restricted), "");
    assert_eq!(violations(&template("", ""), Level::Restricted).len(), 4);
    let windows = "os: {name: windows}, securityContext: {runAsNonRoot: true}, ";
    assert_eq!(found(windows, "", Level::Restricted), "");
}
