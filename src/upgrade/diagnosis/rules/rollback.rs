//! A rollback that makes it worse: going forward is safer.

use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let failed = evidence.rollback.as_ref().filter(|rollback| !rollback.succeeded).map(|rollback| rollback.target);
    // Without our own record of it, what Helm noted.
    let described = evidence.description.strip_prefix("Rollback \"").is_some() && evidence.status == "failed";
    let target = match failed {
        Some(target) => format!("revision {target}"),
        None if described => "the older revision".to_owned(),
        None => return Vec::new(),
    };
    let release = &evidence.release;
    let forward = evidence.helm(&format!("safe-upgrade {release} {} -f FIXED-VALUES.yaml", evidence.chart()));
    let values = evidence.helm(&format!("get values {release} --revision {}", evidence.revision.max(1)));
    let sentence =
        format!("the rollback to {target} failed too: the older configuration does not fit what is in the cluster now");
    vec![Cause::likely(sentence, format!("go forward instead, with fixed values: {forward}; start from: {values}"))]
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Rollback;
    use super::super::super::scene::{found, says, web};
    use super::*;

    #[test]
    fn going_forward_is_told_with_its_command() {
        let told = says("rollback", &Evidence { rollback: Some(Rollback { target: 5, succeeded: false }), ..web() });
        assert!(
            told.starts_with("the rollback to revision 5 failed too: ")
                && told.contains("helm safe-upgrade web CHART -f FIXED-VALUES.yaml -n shop"),
            "{told}"
        );
        let described = Evidence { description: "Rollback \"web\" failed: cannot patch".to_owned(), ..web() };
        assert!(says("rollback", &described).starts_with("the rollback to the older revision failed too"));
    }

    #[test]
    fn a_rollback_that_worked_is_no_cause() {
        assert_eq!(
            found("rollback", &Evidence { rollback: Some(Rollback { target: 5, succeeded: true }), ..web() }),
            []
        );
        assert_eq!(found("rollback", &web()), []);
    }
}
