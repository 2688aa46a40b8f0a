//! Where the traffic goes: which of the two releases a Service or an Ingress leads to, and what it has to say to lead to the other.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::side::{Labels, Side, shown};
use crate::manifest::node::Node;

/// Where the traffic goes, as the object says that leads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Route {
    /// The selector of a Service.
    Service {
        /// What the pods must be labelled with.
        selector: Labels,
    },
    /// Backends of an Ingress, in their order.
    Ingress {
        /// Those that are switched.
        backends: Vec<Backend>,
    },
    /// The release that the values of the router name.
    Release {
        /// Its name.
        to: String,
    },
}

/// A backend of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// Host and path, or `default backend`.
    pub at: String,
    /// The Service.
    pub service: String,
    /// Its port, by number or by name.
    pub port: String,
}

/// For a reader: `app=web`, `shop.example.com/ → web-blue`.
impl std::fmt::Display for Route {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service { selector } => write!(out, "{}", shown(selector)),
            Self::Release { to } => write!(out, "{to}"),
            Self::Ingress { backends } => {
                let all = backends.iter().map(|backend| format!("{} → {}", backend.at, backend.service));
                write!(out, "{}", all.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Where the traffic is, seen from a roll-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// With the release that had it at the beginning.
    Live,
    /// With the one that gets it.
    Idle,
    /// Elsewhere; where, for a reader.
    Elsewhere(String),
}

impl Traffic {
    /// Which of the two ways the route is that is there now.
    #[must_use]
    pub fn of(now: &Route, (before, after): (&Route, &Route)) -> Self {
        match (now, before, after) {
            (
                Route::Ingress { backends: now },
                Route::Ingress { backends: before },
                Route::Ingress { backends: after },
            ) => {
                let pairs = differing((before, after));
                // Other backends beside are other people's.
                if pairs.iter().all(|(before, _)| now.contains(before)) {
                    return Self::Live;
                }
                if pairs.iter().all(|(_, after)| now.contains(after)) {
                    return Self::Idle;
                }
            }
            (now, before, _) if now == before => return Self::Live,
            (now, _, after) if now == after => return Self::Idle,
            _ => {}
        }
        Self::Elsewhere(now.to_string())
    }
}

/// The backends that are switched: as they are on the one way, and on the other.
fn differing<'a>((one, other): (&'a [Backend], &'a [Backend])) -> Vec<(&'a Backend, &'a Backend)> {
    one.iter().zip(other).filter(|(one, other)| one != other).collect()
}

/// Which of these releases a route leads to, as its name. What is missing is not installed.
///
/// # Errors
/// What was seen, where it is neither or both: a sentence without its beginning.
pub fn leads_to(route: &Route, sides: &[Side<'_>]) -> Result<String, String> {
    let led: Vec<&str> = match route {
        Route::Release { to } if !to.is_empty() => return Ok(to.clone()),
        Route::Release { .. } => return Err("its values are neither of the two ways, or both".to_owned()),
        Route::Service { selector } if selector.is_empty() => return Err("it has no selector".to_owned()),
        Route::Service { selector } => {
            sides.iter().filter(|side| side.is_chosen_by(selector)).map(|side| side.release).collect()
        }
        Route::Ingress { backends } => {
            let has = |side: &Side<'_>, name: &str| side.services().any(|service| service.id.name == name);
            let leads = |side: &&Side<'_>| backends.iter().any(|backend| has(side, &backend.service));
            sides.iter().filter(leads).map(|side| side.release).collect()
        }
    };
    let names = || sides.iter().map(|side| side.release).collect::<Vec<_>>().join(" nor of ");
    match (led.as_slice(), route) {
        ([one], _) => Ok((*one).to_owned()),
        ([], Route::Ingress { backends }) if backends.is_empty() => Err("it has no such backend".to_owned()),
        ([], Route::Ingress { .. }) => Err(format!("it leads to no Service of {} ({route})", names())),
        ([], _) => Err(format!("it chooses pods neither of {} ({route})", names())),
        (_, Route::Ingress { .. }) => Err(format!("it leads to Services of both ({route})")),
        (_, _) => Err(format!("it chooses pods of both ({route})")),
    }
}

/// The route that leads to the other release in the same way.
///
/// # Errors
/// Why there is none, one sentence.
pub fn turned(route: &Route, from: &Side<'_>, to: &Side<'_>) -> Result<Route, String> {
    match route {
        Route::Service { selector } => turned_selector(selector, from, to).map(|selector| Route::Service { selector }),
        Route::Ingress { backends } => {
            let backends = backends.iter().map(|backend| turned_backend(backend, from, to));
            Ok(Route::Ingress { backends: backends.collect::<Result<_, _>>()? })
        }
        Route::Release { .. } => Ok(Route::Release { to: to.release.to_owned() }),
    }
}

/// The selector with the values that the other release's pods have. Where several objects of it have all labels, it is the one with
/// which the fewest values change: a server's selector leads to the servers, and not to the workers.
fn turned_selector(selector: &Labels, from: &Side<'_>, to: &Side<'_>) -> Result<Labels, String> {
    let mut found: Vec<(usize, Labels)> = Vec::new();
    for pods in to.pods() {
        let turned: Option<Labels> =
            selector.keys().map(|key| Some((key.clone(), pods.labels.get(key)?.clone()))).collect();
        let Some(turned) = turned else { continue };
        let changes = turned.iter().filter(|(key, value)| selector.get(*key) != Some(*value)).count();
        if !found.iter().any(|(_, known)| *known == turned) {
            found.push((changes, turned));
        }
    }
    found.sort();
    let keys = || selector.keys().cloned().collect::<Vec<_>>().join(", ");
    let (changes, best) = match found.as_slice() {
        [] => return Err(format!("no pods of {} have the labels {}", to.release, keys())),
        [(first, _), (second, _), ..] if first == second => {
            let ways: Vec<String> = found.iter().map(|(_, selector)| shown(selector)).collect();
            return Err(format!("several pods of {} have these labels: {}", to.release, ways.join("; ")));
        }
        [first, ..] => first.clone(),
    };
    if changes == 0 || from.is_chosen_by(&best) {
        let told = shown(&best);
        return Err(format!(
            "the labels {} tell the pods of {} and {} not apart ({told})",
            keys(),
            from.release,
            to.release
        ));
    }
    Ok(best)
}

fn turned_backend(backend: &Backend, from: &Side<'_>, to: &Side<'_>) -> Result<Backend, String> {
    // What leads elsewhere stays: another application below the same host.
    if !from.services().any(|service| service.id.name == backend.service) {
        return Ok(backend.clone());
    }
    let name = backend.service.replacen(from.release, to.release, 1);
    let named = to.services().find(|service| service.id.name == name && name != backend.service);
    let mut others = to.services();
    let only = match (from.services().count(), others.next(), others.next()) {
        (1, Some(only), None) => Some(only),
        _ => None,
    };
    let Some(service) = named.or(only) else {
        return Err(format!("{} has no Service in the place of {} ({name})", to.release, backend.service));
    };
    let ports = service.node.find(&["spec", "ports"]).and_then(Node::as_list).unwrap_or_default();
    let is = |port: &Node| {
        let number = port.get("port").and_then(Node::as_count).map(|number| number.to_string());
        number.as_deref() == Some(&backend.port) || port.get("name").and_then(Node::as_str) == Some(&backend.port)
    };
    if !ports.iter().any(is) {
        return Err(format!("service/{} of {} has no port {}", service.id.name, to.release, backend.port));
    }
    Ok(Backend { service: service.id.name.clone(), ..backend.clone() })
}

/// The selector of a Service, as the server has it.
#[must_use]
pub fn selector_of(service: &Value) -> Labels {
    let entries = service["spec"]["selector"].as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The change that gives a Service another selector: a merge patch.
#[must_use]
pub fn selector_patch(before: &Labels, after: &Labels) -> Value {
    let mut selector: serde_json::Map<String, Value> =
        before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null)).collect();
    selector.extend(after.iter().map(|(key, value)| (key.clone(), json!(value))));
    json!({"spec": {"selector": selector}})
}

/// The backends of an Ingress at a host and a path; all that lead to Services where none is named.
#[must_use]
pub fn backends_of(ingress: &Value, (host, path): (Option<&str>, Option<&str>)) -> Vec<Backend> {
    let mut ingress = ingress.clone();
    let mut found = Vec::new();
    each_backend(&mut ingress, (host, path), &mut |at, service| {
        let port = &service["port"];
        let port = match (port["number"].as_u64(), port["name"].as_str()) {
            (Some(number), _) => number.to_string(),
            (_, name) => name.unwrap_or_default().to_owned(),
        };
        let service = service["name"].as_str().unwrap_or_default().to_owned();
        found.push(Backend { at: at.to_owned(), service, port });
    });
    found
}

/// The change that leads backends from the one way to the other: a merge patch. They are found by their host, path and Service, so that
/// what others have added, moved or led elsewhere stays as it is.
#[must_use]
pub fn backends_patch(ingress: &Value, place: (Option<&str>, Option<&str>), ways: (&[Backend], &[Backend])) -> Value {
    let mut ingress = ingress.clone();
    let pairs = differing(ways);
    each_backend(&mut ingress, place, &mut |at, service| {
        let is = |from: &Backend| from.at == at && service["name"].as_str() == Some(&from.service);
        if let Some((_, to)) = pairs.iter().find(|(from, _)| is(from)) {
            service["name"] = json!(to.service);
        }
    });
    let mut spec = serde_json::Map::new();
    for key in ["rules", "defaultBackend"] {
        if let Some(value) = ingress["spec"].get(key) {
            spec.insert(key.to_owned(), value.clone());
        }
    }
    json!({ "spec": spec })
}

fn each_backend(
    ingress: &mut Value,
    (host, path): (Option<&str>, Option<&str>),
    visit: &mut dyn FnMut(&str, &mut Value),
) {
    let Some(spec) = ingress.get_mut("spec") else { return };
    if host.is_none()
        && path.is_none()
        && let Some(service) = spec.get_mut("defaultBackend").and_then(|backend| backend.get_mut("service"))
    {
        visit("default backend", service);
    }
    for rule in spec.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        let of = rule["host"].as_str().unwrap_or_default().to_owned();
        if host.is_some_and(|host| host != of) {
            continue;
        }
        let paths = rule.get_mut("http").and_then(|http| http.get_mut("paths")).and_then(Value::as_array_mut);
        for one in paths.into_iter().flatten() {
            let here = one["path"].as_str().unwrap_or_default().to_owned();
            if path.is_some_and(|path| path != here) {
                continue;
            }
            if let Some(service) = one.get_mut("backend").and_then(|backend| backend.get_mut("service")) {
                visit(&format!("{of}{here}"), service);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Object;
    use crate::manifest::yaml;

    fn objects(text: &str) -> Vec<Object> {
        text.split("---\n").map(|text| Object::of(yaml::parse(text).unwrap())).collect()
    }

    fn chart(release: &str) -> Vec<Object> {
        let deployment = |name: &str, component: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {release}{name}}}\nspec: {{template: {{metadata: \
                 {{labels: {{app: web, release: {release}, part: {component}}}}}, spec: {{containers: []}}}}}}\n"
            )
        };
        let service = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {release}}}\nspec: {{ports: [{{name: http, port: 80}}]}}\n"
        );
        objects(&[deployment("", "server"), deployment("-worker", "worker"), service].join("---\n"))
    }

    fn side<'a>(release: &'a str, objects: &'a [Object]) -> Side<'a> {
        Side { release, namespace: "shop", objects }
    }

    fn selector(text: &str) -> Labels {
        text.split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.into(), value.into())).collect()
    }

    fn service(text: &str) -> Route {
        Route::Service { selector: selector(text) }
    }

    fn backends(service: &str, port: &str) -> Route {
        let backend = |at: &str, service: &str| Backend { at: at.into(), service: service.into(), port: port.into() };
        Route::Ingress { backends: vec![backend("a.example/", service), backend("a.example/api", "api")] }
    }

    #[test]
    fn a_route_leads_to_one_of_the_two_or_it_is_not_clear() {
        let (blue, green) = (chart("blue"), chart("green"));
        let sides = [side("blue", &blue), side("green", &green)];
        for (route, expected) in [
            (service("release=blue"), Ok("blue")),
            (service("release=green,part=worker"), Ok("green")),
            (service("app=web"), Err("pods of both (app=web)")),
            (service("app=other"), Err("neither of blue nor of green (app=other)")),
            (service(""), Err("no selector")),
            (backends("green", "80"), Ok("green")),
            (backends("other", "80"), Err("no Service of blue nor of green")),
            (Route::Ingress { backends: Vec::new() }, Err("no such backend")),
        ] {
            let found = leads_to(&route, &sides);
            match expected {
                Ok(name) => assert_eq!(found.as_deref(), Ok(name), "{route:?}"),
                Err(part) => assert!(found.as_ref().is_err_and(|why| why.contains(part)), "{route:?}: {found:?}"),
            }
        }
        assert!(leads_to(&service("app=web"), &sides[..1]).is_ok(), "the other one is not installed");
        let mut both = vec![];
        both.extend(match backends("blue", "80") {
            Route::Ingress { backends } => backends,
            _ => vec![],
        });
        both.push(Backend { at: "b/".into(), service: "green".into(), port: "80".into() });
        assert!(leads_to(&Route::Ingress { backends: both }, &sides).unwrap_err().contains("both"));
    }

    #[test]
    fn a_selector_turns_to_the_same_pods_of_the_other_release() {
        let (blue, green) = (chart("blue"), chart("green"));
        let (from, to) = (side("blue", &blue), side("green", &green));
        for (route, expected) in [
            ("release=blue,part=server", Ok("release=green,part=server")),
            ("release=blue,part=worker", Ok("release=green,part=worker")),
            ("release=blue", Ok("release=green")),
            ("app=web", Err("not apart")),
            ("app=web,track=stable", Err("no pods of green have the labels app, track")),
        ] {
            let found = turned(&service(route), &from, &to);
            match expected {
                Ok(expected) => assert_eq!(found, Ok(service(expected)), "{route}"),
                Err(part) => assert!(found.as_ref().is_err_and(|why| why.contains(part)), "{route}: {found:?}"),
            }
        }
        let odd = objects(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {x: b}}, spec: {}}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\nspec: {template: {metadata: {labels: {x: c}}, spec: {}}}\n",
        );
        let found = turned(&service("x=a"), &from, &side("odd", &odd));
        assert!(found.is_err_and(|why| why.contains("several pods of odd have these labels: x=b; x=c")));
    }

    #[test]
    fn a_backend_turns_to_the_service_in_its_place() {
        let (blue, green) = (chart("blue"), chart("green"));
        let (from, to) = (side("blue", &blue), side("green", &green));
        assert_eq!(turned(&backends("blue", "80"), &from, &to), Ok(backends("green", "80")));
        assert_eq!(turned(&backends("blue", "http"), &from, &to), Ok(backends("green", "http")));
        let found = turned(&backends("blue", "8080"), &from, &to);
        assert!(found.is_err_and(|why| why.contains("service/green of green has no port 8080")));
        let none = side("green", &[]);
        assert!(turned(&backends("blue", "80"), &from, &none).is_err_and(|why| why.contains("has no Service")));
    }

    #[test]
    fn only_the_named_backends_of_an_ingress_are_changed() {
        let ingress = json!({"spec": {"defaultBackend": {"service": {"name": "blue", "port": {"number": 80}}}, "tls": [{"hosts": ["a"]}],
            "rules": [{"host": "a", "http": {"paths": [
                {"path": "/", "backend": {"service": {"name": "blue", "port": {"name": "http"}}}},
                {"path": "/files", "backend": {"resource": {"kind": "Bucket", "name": "b"}}},
                {"path": "/api", "backend": {"service": {"name": "api", "port": {"number": 80}}}}]}}, {"host": "b"}]}});
        let names = |place| {
            backends_of(&ingress, place)
                .iter()
                .map(|one| format!("{} {} {}", one.at, one.service, one.port))
                .collect::<Vec<_>>()
        };
        assert_eq!(names((None, None)), ["default backend blue 80", "a/ blue http", "a/api api 80"]);
        assert_eq!(names((Some("a"), Some("/"))), ["a/ blue http"]);
        assert_eq!(names((Some("b"), None)), [""; 0]);
        let mut after = backends_of(&ingress, (Some("a"), Some("/")));
        after[0].service = "green".to_owned();
        let before = backends_of(&ingress, (Some("a"), Some("/")));
        let patch = backends_patch(&ingress, (Some("a"), Some("/")), (&before, &after));
        let mut expected =
            json!({"spec": {"rules": ingress["spec"]["rules"], "defaultBackend": ingress["spec"]["defaultBackend"]}});
        expected["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("green");
        assert_eq!(patch, expected);
        for odd in [
            json!(null),
            json!({}),
            json!({"spec": {"rules": 5}}),
            json!({"spec": {"rules": [{"http": {"paths": [5]}}]}}),
        ] {
            assert!(backends_of(&odd, (None, None)).is_empty(), "{odd}");
        }
    }

    #[test]
    fn what_others_do_to_other_backends_is_left_to_them() {
        let route = |text: &str| {
            let pair = |pair: &str| pair.split_once('=').map(|(at, service)| (at.to_owned(), service.to_owned()));
            let backends = text.split(' ').filter_map(pair);
            let backends = backends.map(|(at, service)| Backend { at, service, port: "80".into() });
            Route::Ingress { backends: backends.collect() }
        };
        let (before, after) = (route("a/=blue a/api=api"), route("a/=green a/api=api"));
        for (now, expected) in [
            ("a/=blue a/api=api", Some(Traffic::Live)),
            ("a/new=new a/=blue", Some(Traffic::Live)),
            ("a/api=api-2 a/=green", Some(Traffic::Idle)),
            ("a/=other a/api=api", None),
            ("a/api=api", None),
        ] {
            let found = Traffic::of(&route(now), (&before, &after));
            assert_eq!(Some(found).filter(|found| !matches!(found, Traffic::Elsewhere(_))), expected, "{now}");
        }
        let path = |path: &str, service: &str| json!({"path": path, "backend": {"service": {"name": service, "port": {"number": 80}}}});
        let ingress = |paths: Vec<Value>| json!({"spec": {"rules": [{"host": "a", "http": {"paths": paths}}]}});
        let (Route::Ingress { backends: before }, Route::Ingress { backends: after }) = (before, after) else {
            panic!()
        };
        let now = ingress(vec![path("/new", "new"), path("/api", "api-2"), path("/", "blue")]);
        let then = ingress(vec![path("/new", "new"), path("/api", "api-2"), path("/", "green")]);
        assert_eq!(backends_patch(&now, (None, None), (&before, &after)), then);
    }

    #[test]
    fn a_selector_is_changed_whole() {
        let patch = selector_patch(&selector("a=1,b=2"), &selector("b=3,c=4"));
        assert_eq!(patch, json!({"spec": {"selector": {"a": null, "b": "3", "c": "4"}}}));
        assert_eq!(selector_of(&json!({"spec": {"selector": {"b": "3"}}})), selector("b=3"));
        assert!(selector_of(&json!({})).is_empty());
    }

    #[test]
    fn traffic_is_live_idle_or_elsewhere() {
        let (before, after) = (service("a=1"), service("a=2"));
        assert_eq!(Traffic::of(&before, (&before, &after)), Traffic::Live);
        assert_eq!(Traffic::of(&after, (&before, &after)), Traffic::Idle);
        assert_eq!(Traffic::of(&service("a=3"), (&before, &after)), Traffic::Elsewhere("a=3".to_owned()));
    }
}
