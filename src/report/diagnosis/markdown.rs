//! As a Markdown page. Text from outside stands as code, so that none of it becomes markup, a link or a mention.

use std::fmt::Write as _;

use crate::report::diagnosis::{Diagnosis, duration};
use crate::report::markdown::escape::{longest_run, span};
use crate::report::style::clean;

/// The page.
#[must_use]
pub fn markdown(diagnosis: &Diagnosis) -> String {
    let mut page = String::new();
    let verdict = if diagnosis.healthy { "Healthy" } else { "Not well" };
    _ = writeln!(page, "# {verdict}: {}\n", span(&diagnosis.subject()));
    _ = writeln!(page, "{}\n", span(&diagnosis.verdict()));
    if !diagnosis.chart.is_empty() {
        _ = writeln!(page, "Chart {}, looked at {}.\n", span(&diagnosis.chart), span(&diagnosis.at));
    }
    if !diagnosis.description.is_empty() {
        _ = writeln!(page, "{}\n", block(&diagnosis.description));
    }
    causes(&mut page, diagnosis);
    if !diagnosis.signs.is_empty() {
        page.push_str("## Signs\n\n");
        for sign in &diagnosis.signs {
            let of = sign.pod.as_ref().map_or_else(|| sign.object.clone(), |pod| format!("pod/{pod}"));
            let container =
                sign.container.as_ref().map(|name| format!(", container {}", span(name))).unwrap_or_default();
            let since = sign.seconds.map(|seconds| format!(", for {}", duration(seconds))).unwrap_or_default();
            _ = writeln!(page, "- {}{container}: {}{since}", span(&of), span(&sign.message));
        }
        page.push('\n');
    }
    objects(&mut page, diagnosis);
    logs(&mut page, diagnosis);
    if !diagnosis.timeline.is_empty() {
        page.push_str("## What happened\n\n");
        for moment in &diagnosis.timeline {
            let times = if moment.count > 1 { format!(" ({} times)", moment.count) } else { String::new() };
            _ = writeln!(page, "- {} {}{times}", span(&moment.at), span(&moment.what));
        }
        page.push('\n');
    }
    if !diagnosis.unread.is_empty() {
        page.push_str("## What could not be read\n\n");
        diagnosis.unread.iter().for_each(|one| _ = writeln!(page, "- {}", span(one)));
        page.push('\n');
    }
    page
}

fn causes(page: &mut String, diagnosis: &Diagnosis) {
    let Some((first, rest)) = diagnosis.causes.split_first() else { return };
    let title = match first.certainty.name() {
        "certain" => "Cause",
        "likely" => "Likely cause",
        _ => "Possible cause",
    };
    _ = writeln!(page, "## {title}\n\n{}\n\nHint: {}\n", span(&first.sentence), span(&first.hint));
    if !first.objects.is_empty() {
        let seen: Vec<String> = first.objects.iter().map(|object| span(object)).collect();
        _ = writeln!(page, "Seen on {}.\n", seen.join(", "));
    }
    if !rest.is_empty() {
        page.push_str("## Besides\n\n");
        for cause in rest {
            _ = writeln!(
                page,
                "- {} ({})\n  Hint: {}",
                span(&cause.sentence),
                cause.certainty.name(),
                span(&cause.hint)
            );
        }
        page.push('\n');
    }
}

fn objects(page: &mut String, diagnosis: &Diagnosis) {
    if diagnosis.objects.is_empty() {
        return;
    }
    page.push_str("## Objects\n\n| Object | Ready | State | Why |\n| --- | --- | --- | --- |\n");
    for object in &diagnosis.objects {
        let pods = if object.wanted > 0 { format!("{}/{}", object.ready, object.wanted) } else { String::new() };
        _ = writeln!(page, "| {} | {pods} | {} | {} |", cell(&object.object), object.state, cell(&object.why));
    }
    page.push('\n');
}

fn logs(page: &mut String, diagnosis: &Diagnosis) {
    for log in &diagnosis.logs {
        let run = if log.previous { ", the run before" } else { "" };
        _ = writeln!(
            page,
            "## Last words of {}, container {}{run}\n",
            span(&format!("pod/{}", log.pod)),
            span(&log.container)
        );
        _ = writeln!(page, "{}\n", block(&log.lines.join("\n")));
    }
}

/// A text of several lines in a fence that it can't end.
fn block(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let lines: Vec<_> = text.lines().map(clean).collect();
    format!("{fence}\n{}\n{fence}", lines.join("\n"))
}

/// A code span within a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    span(&text.replace('|', "¦"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_code() {
        let page = markdown(&super::super::example::example());
        assert!(page.starts_with("# Not well: `web in namespace shop, revision 7 (failed)`\n"), "{page}");
        assert!(page.contains("## Likely cause\n\n`deployment/web: container web ends with exit code 1"), "{page}");
        assert!(page.contains("| `deployment/web` | 0/2 | waiting | `0 of 2 pods are ready` |"), "{page}");
        assert!(page.contains("`pod/web-1 BackOff: Back-off | <b>` (3 times)"), "{page}");
        assert!(!page.contains('\u{1b}'), "{page}");
    }

    #[test]
    fn a_fence_in_a_log_ends_no_block() {
        let mut diagnosis = super::super::example::example();
        diagnosis.logs[0].lines = vec!["```".to_owned(), "@all <script>".to_owned()];
        assert!(markdown(&diagnosis).contains("````\n```\n@all <script>\n````"));
    }
}
