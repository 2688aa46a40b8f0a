//! When, and after what, an upgrade may be made.

use clap::Args;
use jiff::SignedDuration;

use super::releases::duration;
use crate::config::policy;

/// Longer reasons do not fit into a description, in characters.
const LONGEST_REASON: usize = 200;

/// When, and after what, an upgrade may be made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Guard")]
pub(in crate::cli) struct TermsArgs {
    /// Go on outside of the windows of the configuration, for this reason; the revision's description records it.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    pub override_window: Option<String>,

    /// Go on only if the same chart is proven in another place: a context of the kubeconfig, a namespace, a release.
    #[arg(long, value_name = "CONTEXT/NAMESPACE/RELEASE", value_parser = place)]
    pub proven_in: Option<String>,

    /// How long it must have been proven there, for example 24h or 7d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub proven_for: Option<SignedDuration>,
}

pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is the reason that is recorded".to_owned());
    }
    if text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        return Err(format!("it is one line of at most {LONGEST_REASON} characters"));
    }
    Ok(text.to_owned())
}

fn place(text: &str) -> Result<String, String> {
    match policy::is_place(text) {
        true => Ok(text.to_owned()),
        false => Err("it is CONTEXT/NAMESPACE/RELEASE, as in staging/shop/web".to_owned()),
    }
}
