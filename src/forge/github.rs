//! GitHub's REST API: <https://docs.github.com/en/rest/issues/comments>.

/// The form of its answers.
pub(super) const ACCEPT: &str = "application/vnd.github+json";
/// The version of the API.
pub(super) const VERSION: &str = "2022-11-28";

/// The comments of a pull request, which is an issue to GitHub.
pub(super) fn comments(repository: &str, number: u64) -> String {
    format!("/repos/{repository}/issues/{number}/comments")
}

/// One comment.
pub(super) fn comment(repository: &str, id: u64) -> String {
    format!("/repos/{repository}/issues/comments/{id}")
}

/// The header that says who asks.
pub(super) fn credentials(token: &str) -> (&'static str, String) {
    ("Authorization", format!("Bearer {token}"))
}
