//! What each check says of two releases side by side.

use super::*;
use crate::manifest::yaml;

/// The objects of a chart, written with `R` in the place of the release's name.
fn objects(release: &str, text: &str) -> Vec<Object> {
    let texts = text.split("---\n").filter(|text| !text.trim().is_empty());
    // Words of Kubernetes have that letter, too.
    let named = |text: &str| text.replace("Ret", "\u{1}et").replace('R', release).replace('\u{1}', "R");
    texts.map(|text| Object::of(yaml::parse(&named(text)).unwrap())).collect()
}

const APP: &str = "\
apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: R}\nspec: {template: {metadata: {labels: {app: web, of: R}}, spec: {PODS}}}\n---\n\
apiVersion: v1\nkind: Service\nmetadata: {name: R}\nspec: {selector: {of: R}}\n---\n";

struct Scene {
    live: Vec<Object>,
    idle: Vec<Object>,
    switch: Switch,
    route: Route,
    after: Route,
    targets: BTreeSet<String>,
    owner: Ownership,
    retire: Retire,
    ingresses: Vec<Observed>,
    services: Vec<Observed>,
    claims: Vec<Observed>,
}

/// Two releases of the app with more objects and with more in their pods.
fn scene(more: &str, pods: &str) -> Scene {
    let text = format!("{}{more}", APP.replace("PODS", pods));
    let route = |of: &str| Route::Service { selector: [("of".to_owned(), of.to_owned())].into() };
    Scene {
        live: objects("blue", &text),
        idle: objects("green", &text),
        switch: Switch::Service { name: "web".to_owned() },
        route: route("blue"),
        after: route("green"),
        targets: BTreeSet::new(),
        owner: Ownership::default(),
        retire: Retire::Keep,
        ingresses: Vec::new(),
        services: Vec::new(),
        claims: Vec::new(),
    }
}

/// The findings that are no pass: check, severity, about and message.
fn found(scene: &Scene) -> Vec<String> {
    let side = |release, objects| Side { release, namespace: "shop", objects };
    let beside = Beside {
        live: side("blue", &scene.live),
        idle: side("green", &scene.idle),
        switch: &scene.switch,
        route: &scene.route,
        after: &scene.after,
        targets: &scene.targets,
        owner: &scene.owner,
        retire: scene.retire,
        ingresses: Ok(&scene.ingresses),
        services: Ok(&scene.services),
        claims: Ok(&scene.claims),
    };
    let all = look(&beside);
    assert!(CHECKS.iter().all(|name| all.iter().any(|finding| finding.check == *name)), "each says something");
    let bad = all.into_iter().filter(|finding| finding.severity != Severity::Pass);
    bad.map(|one| format!("{} {}: {}: {}", one.severity.word(), one.check, one.resource, one.message)).collect()
}

#[track_caller]
fn finds(scene: &Scene, expected: &[&str]) {
    let found = found(scene);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for part in expected {
        assert!(found.iter().any(|line| line.contains(part)), "{part:?} is not in {found:#?}");
    }
}

fn observed(text: &str) -> Observed {
    let node = yaml::parse(text).unwrap();
    let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    Observed::new(node, &version, &kind).unwrap()
}

#[test]
fn two_releases_of_one_chart_stand_side_by_side() {
    finds(&scene("", ""), &[]);
    let mut each = scene("", "");
    each.retire = Retire::Uninstall;
    finds(&each, &[]);
}

#[test]
fn nothing_else_may_lead_to_what_is_retired() {
    let mut scene = scene("", "");
    let service = |name: &str, selector: &str, more: &str| {
        observed(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop, annotations: {{{more}}}}}\nspec: {{selector: {{{selector}}}}}\n"
        ))
    };
    scene.services = vec![
        service("web", "of: blue", ""),
        service("blue", "of: blue", "meta.helm.sh/release-name: blue"),
        service("metrics", "app: web", ""),
        service("external", "of: blue", ""),
        service("unselected", "", ""),
    ];
    let ingress = |name: &str, namespace: &str, more: &str| {
        let path = |path: &str, service: &str| format!("{{path: {path}, backend: {{service: {{name: {service}}}}}}}");
        let paths = [path("/", "blue"), path("/api", "api")].join(", ");
        observed(&format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: {namespace}, annotations: {{{more}}}}}\n\
             spec: {{rules: [{{host: shop.example.com, http: {{paths: [{paths}]}}}}]}}\n"
        ))
    };
    scene.ingresses = vec![ingress("shop", "shop", ""), ingress("other", "elsewhere", "")];
    finds(&scene, &[]);
    for retire in [Retire::Scale, Retire::Uninstall] {
        scene.retire = retire;
        finds(
            &scene,
            &[
                "blocker retired-traffic: service/external: it leads to the pods of release \"blue\" too, is not switched",
                "blocker retired-traffic: ingress/shop: it leads shop.example.com/ to service/blue of release",
            ],
        );
    }
    // What the switch leads is no other: the backends of its Ingress, and the objects of a router.
    scene.services.clear();
    let backends = |service: &str| {
        let backend = |at: &str, service: &str| crate::upgrade::blue_green::traffic::Backend {
            at: at.to_owned(),
            service: service.to_owned(),
            port: String::new(),
        };
        Route::Ingress { backends: vec![backend("shop.example.com/", service), backend("shop.example.com/api", "api")] }
    };
    (scene.switch, scene.route, scene.after) = (Switch::ingress("shop"), backends("blue"), backends("green"));
    finds(&scene, &[]);
    let route = |to: &str| Route::Release { to: to.to_owned() };
    let router = Switch::Release { name: "router".to_owned() };
    (scene.switch, scene.route, scene.after) = (router, route("blue"), route("green"));
    finds(&scene, &["ingress/shop"]);
    scene.ingresses = vec![ingress("shop", "shop", "meta.helm.sh/release-name: router")];
    finds(&scene, &[]);
}

#[test]
fn what_leads_the_traffic_must_be_of_neither() {
    let mut scene = scene("", "");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";
    scene.live.extend(objects("blue", service));
    finds(
        &scene,
        &[
            "blocker switch-owner: service/web: it belongs to release \"blue\": it would vanish with it, and a later upgrade",
        ],
    );
    scene.retire = Retire::Uninstall;
    finds(&scene, &["it belongs to release \"blue\", and would vanish with it"]);
    scene.live.pop();
    scene.live.extend(objects("blue", &service.replace("web}", "web, annotations: {helm.sh/resource-policy: keep}}")));
    finds(&scene, &["warning switch-owner: service/web: it belongs to release \"blue\", which leaves it"]);
    scene.live.pop();
    scene.idle.extend(objects("green", service));
    finds(&scene, &["blocker switch-owner: service/web: it is among the objects of release \"green\""]);
    scene.idle.pop();
    scene.owner.release = Some("router".to_owned());
    finds(&scene, &["warning switch-owner: service/web: it belongs to release \"router\""]);
    scene.switch = Switch::Release { name: "router".to_owned() };
    finds(&scene, &[]);
}

#[test]
fn a_port_that_the_service_names_is_one_of_the_new_pods_too() {
    let pods = |port: &str| format!("containers: [{{name: a, ports: [{{name: {port}, containerPort: 80}}]}}]");
    let mut scene = scene("", &pods("http"));
    scene.targets = ["http".to_owned()].into();
    finds(&scene, &[]);
    scene.idle = objects("green", &APP.replace("PODS", &pods("web")));
    finds(
        &scene,
        &["blocker switch-ports: service/web: it leads to the port http of the pods, which those of \"blue\" have"],
    );
    // Nobody has ever answered there.
    scene.targets = ["metrics".to_owned()].into();
    finds(&scene, &[]);
}

#[test]
fn no_object_is_of_both() {
    let hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\n---\n";
    finds(
        &scene(&format!("{config}{hook}"), ""),
        &[
            "blocker clash-names: configmap/shared: both \"blue\" and \"green\" have it",
            "clash-names: job/migrate: both \"blue\" and \"green\" have it: helm would delete",
        ],
    );
}

#[test]
fn no_selector_chooses_pods_of_both() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: R-all}\nspec: {selector: {app: web}}\n";
    let expected = [
        "service/blue-all: it is of \"blue\" and would choose the pods of deployment/green",
        "service/green-all: it is of \"green\"",
    ];
    finds(&scene(service, ""), &expected);
    let mut scene = scene("", "");
    scene.route = Route::Service { selector: [("app".to_owned(), "web".to_owned())].into() };
    finds(&scene, &["clash-selectors: service/web: it chooses the pods of \"green\" as soon as they are there"]);
}

#[test]
fn ports_of_nodes_are_wanted_by_one() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: R-np}\nspec: {loadBalancerIP: 10.0.0.1, ports: [{port: 80, nodePort: 30080}, {port: 81}]}\n";
    let pods = "containers: [{name: a, ports: [{hostPort: 8080, containerPort: 80}, {containerPort: 81}]}]";
    finds(
        &scene(service, pods),
        &[
            "clash-ports: service/green-np: node port 30080 is wanted by service/blue-np",
            "the balancer's address 10.0.0.1",
            "clash-ports: deployment/green: host port 8080/TCP",
        ],
    );
    finds(
        &scene("", "hostNetwork: true, containers: [{name: a, ports: [{containerPort: 53, protocol: UDP}]}]"),
        &["host port 53/UDP"],
    );
}

#[test]
fn a_host_and_path_is_led_by_one_ingress() {
    let ingress = |name: &str, class: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{{class}rules: [{{host: a.example, \
             http: {{paths: [{{path: /, backend: {{service: {{name: x}}}}}}]}}}}]}}\n"
        )
    };
    finds(
        &scene(&ingress("R", ""), ""),
        &["clash-hosts: ingress/green: a.example/ is led by ingress/blue of \"blue\""],
    );
    let mut alone = scene("", "");
    alone.idle.extend(objects("green", &ingress("R", "ingressClassName: one, ")));
    alone.ingresses = vec![observed(&ingress("green", "")), observed(&ingress("other", "ingressClassName: two, "))];
    finds(&alone, &[]);
    alone.ingresses.push(observed(&ingress("third", "ingressClassName: one, ")));
    finds(&alone, &["a.example/ is led by ingress/third in namespace shop"]);
}

#[test]
fn a_volume_is_written_by_one() {
    let pods = "volumes: [{persistentVolumeClaim: {claimName: data}}, {emptyDir: {}}]";
    let claim = |mode: &str| {
        observed(&format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec: {{accessModes: [{mode}]}}\n"
        ))
    };
    let mut scene = scene("", pods);
    finds(
        &scene,
        &["blocker clash-claims: persistentvolumeclaim/data: deployment/green would mount it beside deployment/blue"],
    );
    scene.claims = vec![claim("ReadWriteOnce")];
    finds(&scene, &["blocker clash-claims"]);
    scene.claims = vec![claim("ReadWriteMany")];
    finds(
        &scene,
        &["warning clash-claims: persistentvolumeclaim/data: deployment/green and deployment/blue would write"],
    );
}

#[test]
fn volumes_that_go_with_the_release_are_told() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: R-data}\n";
    let mut scene = scene(claim, "");
    finds(&scene, &[]);
    scene.retire = Retire::Uninstall;
    finds(&scene, &["blocker retired-claims: persistentvolumeclaim/blue-data: it goes with release \"blue\""]);
}

#[test]
fn volumes_of_a_set_that_go_with_it_or_with_its_pods_are_named() {
    let set = |policy: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: R-db}}\nspec: {{persistentVolumeClaimRetentionPolicy: {policy}, \
             volumeClaimTemplates: [{{metadata: {{name: store}}}}], template: {{metadata: {{labels: {{of: R}}}}, spec: {{}}}}}}\n"
        )
    };
    let (deleted, scaled) = ("{whenDeleted: Delete}", "{whenDeleted: Retain, whenScaled: Delete}");
    for (policy, retire, expected) in [
        (deleted, Retire::Uninstall, Some("release \"blue\" is uninstalled")),
        (deleted, Retire::Scale, None),
        (deleted, Retire::Keep, None),
        (scaled, Retire::Scale, Some("release \"blue\" is scaled to zero")),
        (scaled, Retire::Uninstall, None),
        (scaled, Retire::Keep, None),
    ] {
        let mut scene = scene(&set(policy), "");
        scene.retire = retire;
        let expected =
            expected.map(|when| format!("blocker retired-claims: statefulset/blue-db: its volumes go when {when}"));
        finds(&scene, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
