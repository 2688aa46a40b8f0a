//! GitLab's REST API: <https://docs.gitlab.com/api/notes/#merge-requests>.

/// The comments of a merge request, which GitLab calls notes.
pub(super) fn comments(project: &str, number: u64) -> String {
    let project: String = project.chars().map(|c| if c == '/' { "%2F".to_owned() } else { c.to_string() }).collect();
    format!("/projects/{project}/merge_requests/{number}/notes")
}

/// The header that says who asks.
pub(super) fn credentials(token: &str) -> (&'static str, String) {
    ("PRIVATE-TOKEN", token.to_owned())
}
