//! A field was changed that can't be: the object would have to be made anew.

use crate::upgrade::diagnosis::evidence::named;
use crate::upgrade::diagnosis::message::{before, count, has, listed};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// How the API server says that a field can't be changed, and the field where the text names none.
/// Source: `apimachinery/pkg/api/validation` and the validation of `apps`, `batch` and `core` in Kubernetes 1.36.
const WORDS: [(&str, &str); 6] = [
    ("field is immutable", ""),
    ("updates to statefulset spec for fields other than", "spec"),
    ("spec is immutable after creation", "spec"),
    ("may not change once set", ""),
    ("primary clusterIP can not be unset", "spec.clusterIP"),
    ("cannot change roleRef", "roleRef"),
];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let texts = evidence.said().filter(|text| WORDS.iter().any(|(words, _)| has(text, words)));
    let causes = texts.flat_map(|text| refusals(text).map(|refusal| cause(evidence, text, &refusal)));
    let mut found: Vec<Cause> = causes.collect();
    found.dedup_by(|a, b| a.sentence == b.sentence);
    found
}

/// An object that was refused, and why.
struct Refusal<'a> {
    kind: String,
    name: &'a str,
    fields: Vec<String>,
}

/// `Deployment.apps "web" is invalid: spec.selector: Invalid value: …: field is immutable`
fn refusals(text: &str) -> impl Iterator<Item = Refusal<'_>> {
    let parts = text.match_indices("\" is invalid: ").map(|(at, found)| (at, at + found.len()));
    parts.filter_map(|(end, start)| {
        let (head, name) = text.get(..end)?.rsplit_once('"')?;
        let kind = head.trim_end().rsplit(char::is_whitespace).next()?.split('.').next()?;
        let rest = text.get(start..)?;
        // What follows speaks of the next object.
        let own = before(rest, "\" is invalid: ").unwrap_or(rest);
        let fields = fields(own);
        (!fields.is_empty()).then(|| Refusal { kind: kind.to_owned(), name, fields })
    })
}

/// The fields of one refusal: of `[a: Invalid value: …, b: Forbidden: …]` those that can't be changed.
fn fields(own: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (words, known) in WORDS {
        for (at, _) in own.match_indices(words) {
            let head = own.get(..at).unwrap_or_default();
            let markers = [": Invalid value: ", ": Forbidden: "];
            let field = markers.iter().filter_map(|marker| head.rfind(marker)).max().and_then(|end| {
                head.get(..end)?
                    .rsplit([' ', ',', '\n'])
                    .next()
                    .map(|field| field.trim_start_matches('['))
                    .filter(|field| !field.is_empty())
            });
            let field = field.unwrap_or(known);
            if !field.is_empty() && !found.iter().any(|one| one == field) {
                found.push(field.to_owned());
            }
        }
    }
    found
}

fn cause(evidence: &Evidence, text: &str, refusal: &Refusal<'_>) -> Cause {
    let Refusal { kind, name, fields } = refusal;
    let object = named(kind, name);
    let (what, are) = match fields.as_slice() {
        [one] => (one.clone(), "is"),
        [first, second] => (listed(&[first.clone(), second.clone()]), "are"),
        many => (count(many.len(), "field"), "are"),
    };
    let sentence = format!(
        "{object}: {what} {are} immutable, and the upgrade changes {}",
        if are == "is" { "it" } else { "them" }
    );
    let server_side = has(text, "server-side apply failed");
    let delete = evidence.kubectl(&format!("delete {object}"));
    let keep = if matches!(kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") {
        format!("{delete} --cascade=orphan keeps its pods running meanwhile")
    } else {
        format!("{delete} removes it, and what only it holds is lost")
    };
    let force = match server_side {
        true => "--force is refused with server-side apply",
        false => "Helm 3's --force deletes and recreates it, which stops its pods or loses its volume",
    };
    let hint =
        format!("give the field its old value, or have the object made anew: {keep}, then upgrade again; {force}");
    Cause::certain(sentence, hint).on(object)
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn the_field_and_the_object_are_named() {
        let text = "Error: UPGRADE FAILED: cannot patch \"web\" with kind Deployment: Deployment.apps \"web\" is invalid: spec.selector: \
                    Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"new\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: \
                    field is immutable";
        let told = says("immutable-field", &said(text));
        assert!(
            told.starts_with("deployment/web: spec.selector is immutable, and the upgrade changes it | "),
            "{told}"
        );
        assert!(told.contains("kubectl delete deployment/web -n shop --cascade=orphan"), "{told}");
        assert!(told.contains("Helm 3's --force deletes"), "{told}");
    }

    #[test]
    fn helm_4_says_it_with_server_side_apply() {
        let text = "server-side apply failed for object shop/web apps/v1, Kind=Deployment: Deployment.apps \"web\" is invalid: \
                    spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"new\"}}: field is immutable";
        let told = says("immutable-field", &said(text));
        assert!(told.ends_with("--force is refused with server-side apply"), "{told}");
    }

    #[test]
    fn a_stateful_set_names_its_specification() {
        let text = "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden";
        assert!(says("immutable-field", &said(text)).starts_with("statefulset/db: spec is immutable"));
    }

    #[test]
    fn several_objects_are_told_apart() {
        let text = "cannot patch \"a\" with kind Job: Job.batch \"a\" is invalid: spec.template: Invalid value: x: field is immutable && \
                    cannot patch \"b\" with kind Service: Service \"b\" is invalid: spec.clusterIPs[0]: Invalid value: []: may not change once set";
        let causes = found("immutable-field", &said(text));
        let sentences: Vec<_> = causes.iter().map(|cause| cause.sentence.split(':').next().unwrap()).collect();
        assert_eq!(sentences, ["job/a", "service/b"]);
        assert!(causes[1].sentence.contains("spec.clusterIPs[0]"));
    }

    #[test]
    fn another_invalid_field_is_not_immutable() {
        assert_eq!(
            found(
                "immutable-field",
                &said(
                    "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
                )
            ),
            []
        );
    }
}
