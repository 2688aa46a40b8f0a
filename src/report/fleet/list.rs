//! Many releases, a line each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Result, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{age, gotime, mark, write_unreadable};
use crate::release::fleet::{Member, Unreadable};
use crate::report::parts::status_role;
use crate::report::releases::{SCHEMA_VERSION, Sheet};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;

/// What Helm says where a record has no chart.
const MISSING: &str = "MISSING";

/// Releases for a reader, or a program.
#[derive(Clone, Debug)]
pub struct ListView {
    members: Vec<Member>,
    unreadable: Vec<Unreadable>,
    /// Whether all releases were asked for, and not only those in some state.
    all: bool,
    now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    releases: Vec<Row<'a>>,
    unreadable: &'a [Unreadable],
}

/// A release. What `helm list -o json` has too is as it is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    namespace: &'a str,
    revision: String,
    updated: String,
    status: &'a str,
    chart: String,
    #[serde(rename = "app_version")]
    app_version: &'a str,
    context: Option<&'a str>,
    chart_name: &'a str,
    chart_version: &'a str,
    updated_at: Option<Timestamp>,
    mark: Option<&'static str>,
    open_step: bool,
    revisions: Option<usize>,
    deployed: Option<Deployed<'a>>,
    problem: Option<&'a str>,
}

/// The deployed revision, where it is not the last one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployed<'a> {
    revision: u32,
    chart: String,
    chart_name: &'a str,
    chart_version: &'a str,
    #[serde(rename = "app_version")]
    app_version: &'a str,
    mark: Option<&'static str>,
    updated_at: Option<Timestamp>,
}

impl ListView {
    /// The view of these releases, as they were at a time. `all`: whether no release was left out for its state.
    #[must_use]
    pub fn new(members: Vec<Member>, unreadable: Vec<Unreadable>, all: bool, now: Timestamp) -> Self {
        Self { members, unreadable, all, now }
    }

    /// Writes a table for a reader, on so many terminal columns, and what is to be known of all of them.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        if !self.members.is_empty() {
            let mut table = self.table();
            table.fit(columns, &["APP VERSION", "REV", "AGE"]);
            table.draw(painter, columns, &mut sheet.text);
            sheet.text.push('\n');
        }
        sheet.line(Role::Dim, &self.summary());
        write_unreadable(&self.unreadable, &mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes the names alone, a line each.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_names(&self, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(Painter::new(false));
        for member in &self.members {
            sheet.line(Role::Plain, &member.name);
        }
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes it for a program (docs/schema/list.json). `local` is the time zone here, by which Helm names offsets.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, local: &TimeZone, out: &mut impl Write) -> Result<()> {
        let releases = self.members.iter().map(|member| row(member, local)).collect();
        let document = Document { schema_version: SCHEMA_VERSION, releases, unreadable: &self.unreadable };
        crate::report::releases::write_json(&document, out)
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "CONTEXT",
            "NAMESPACE",
            "NAME",
            "REV",
            "STATUS",
            "MARK",
            "AGE",
            "CHART",
            "APP VERSION",
            "NOTE",
        ]);
        for member in &self.members {
            let newest = &member.newest;
            table.row(vec![
                Cell::new(Role::Dim, member.context.as_deref().unwrap_or_default()),
                Cell::new(Role::Plain, &member.namespace),
                Cell::new(Role::Heading, &member.name),
                Cell::new(Role::Plain, newest.revision.to_string()),
                Cell::new(status_role(&newest.status), &newest.status),
                mark(newest),
                Cell::new(Role::Dim, age(newest.updated, self.now)),
                Cell::new(Role::Plain, if newest.problem.is_some() { String::new() } else { chart(&newest.head) }),
                Cell::new(Role::Plain, &newest.head.app_version),
                note(member),
            ]);
        }
        table
    }

    /// `23 releases in 9 namespaces: 20 deployed, 2 failed, 1 pending-upgrade; 15 proven`.
    fn summary(&self) -> String {
        if self.members.is_empty() {
            return if self.all { "there are no releases" } else { "there are no such releases" }.to_owned();
        }
        let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
        for member in &self.members {
            *statuses.entry(&member.newest.status).or_default() += 1;
        }
        let mut statuses: Vec<(&str, usize)> = statuses.into_iter().collect();
        statuses.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let statuses: Vec<String> = statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        let namespaces: BTreeSet<(&Option<String>, &str)> =
            self.members.iter().map(|member| (&member.context, member.namespace.as_str())).collect();
        let proven = self.members.iter().filter(|member| member.is_proven()).count();
        format!(
            "{} in {}: {}; {proven} proven",
            counted(self.members.len(), "release"),
            counted(namespaces.len(), "namespace"),
            statuses.join(", ")
        )
    }
}

/// What is to be known beside the rest: a record that can't be read, and what runs where it is not the last revision.
fn note(member: &Member) -> Cell {
    match (&member.newest.problem, &member.deployed) {
        (Some(problem), _) => Cell::new(Role::Error, problem),
        (None, Some(deployed)) => {
            let proven = if deployed.marks.is_proven() { ", proven" } else { "" };
            Cell::new(Role::Dim, format!("{} is deployed: {}{proven}", deployed.revision, chart(&deployed.head)))
        }
        (None, None) if member.newest.marks.is_open_step() => {
            Cell::new(Role::Warning, "a step of a canary that is not over")
        }
        (None, None) => Cell::new(Role::Plain, ""),
    }
}

/// Name and version of a chart, as Helm writes them.
fn chart(head: &crate::release::head::Head) -> String {
    match (head.chart.as_str(), head.version.as_str()) {
        ("", "") => MISSING.to_owned(),
        (chart, version) => format!("{chart}-{version}"),
    }
}

fn row<'a>(member: &'a Member, local: &TimeZone) -> Row<'a> {
    let (newest, head) = (&member.newest, &member.newest.head);
    let app_version =
        if head.chart.is_empty() && head.version.is_empty() { MISSING } else { head.app_version.as_str() };
    Row {
        name: &member.name,
        namespace: &member.namespace,
        revision: newest.revision.to_string(),
        updated: gotime::helms(&head.last_deployed, local),
        status: &newest.status,
        chart: chart(head),
        app_version,
        context: member.context.as_deref(),
        chart_name: &head.chart,
        chart_version: &head.version,
        updated_at: newest.updated,
        mark: newest.mark(),
        open_step: newest.marks.is_open_step(),
        revisions: (member.revisions > 0).then_some(member.revisions),
        deployed: member.deployed.as_ref().map(|known| Deployed {
            revision: known.revision,
            chart: chart(&known.head),
            chart_name: &known.head.chart,
            chart_version: &known.head.version,
            app_version: &known.head.app_version,
            mark: known.mark(),
            updated_at: known.updated,
        }),
        problem: newest.problem.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::fleet::Known;
    use crate::release::head::Head;
    use crate::release::marks::Marks;

    fn member(name: &str, status: &str, revision: u32) -> Member {
        let time = Timestamp::from_second(1_000_000).ok();
        let head = Head {
            status: status.to_owned(),
            last_deployed: "1970-01-12T13:46:40.25Z".to_owned(),
            chart: "nginx".to_owned(),
            version: "1.0.0".to_owned(),
            app_version: "1.27".to_owned(),
            ..Head::default()
        };
        let marks = Marks { proven: (revision == 2).then_some(time).flatten(), bad: None, ..Marks::default() };
        let newest = Known { revision, status: status.to_owned(), marks, updated: time, head, problem: None };
        Member { namespace: "shop".to_owned(), name: name.to_owned(), revisions: 3, newest, ..Member::default() }
    }

    fn view() -> ListView {
        let mut failed = member("api", "failed", 3);
        failed.deployed = Some(member("api", "deployed", 2).newest);
        let mut damaged = member("bad\u{1b}[31m", "deployed", 1);
        damaged.newest.problem = Some("it is cut off".to_owned());
        damaged.newest.head = Head::default();
        let unreadable = Unreadable { context: None, namespace: Some("dark".to_owned()), reason: "no".to_owned() };
        let members = vec![failed, damaged, member("web", "deployed", 2)];
        ListView::new(members, vec![unreadable], true, Timestamp::from_second(1_000_300).unwrap())
    }

    fn text(view: &ListView, columns: Option<u16>) -> String {
        let mut out = Vec::new();
        view.write_text(Painter::new(false), columns, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_release_is_a_line_with_what_runs_where_that_is_another_revision() {
        let expected = "\
NAMESPACE  NAME           REV  STATUS    MARK    AGE    CHART        APP VERSION  NOTE
shop       api            3    failed            5 min  nginx-1.0.0  1.27         2 is deployed: nginx-1.0.0, proven
shop       bad\\u{1b}[31m  1    deployed          5 min                            it is cut off
shop       web            2    deployed  proven  5 min  nginx-1.0.0  1.27

3 releases in 1 namespace: 2 deployed, 1 failed; 2 proven
! namespace dark could not be read
  no
";
        assert_eq!(text(&view(), None), expected);
    }

    #[test]
    fn a_step_of_a_canary_is_told_until_it_is_over() {
        let mut member = member("web", "deployed", 3);
        member.newest.marks.step = true;
        let told = |member: Member| text(&ListView::new(vec![member], Vec::new(), true, Timestamp::UNIX_EPOCH), None);
        assert!(told(member.clone()).contains("a step of a canary that is not over"));
        member.newest.marks.proven = Some(Timestamp::UNIX_EPOCH);
        assert!(!told(member).contains("canary"));
    }

    #[test]
    fn a_narrow_terminal_leaves_out_what_matters_least() {
        let narrow = text(&view(), Some(80));
        assert!(!narrow.contains("APP VERSION") && narrow.contains("CHART"), "{narrow}");
        assert!(narrow.lines().all(|line| line.len() <= 80), "{narrow}");
    }

    #[test]
    fn no_releases_are_said_to_be_none() {
        let none = |all| text(&ListView::new(Vec::new(), Vec::new(), all, Timestamp::UNIX_EPOCH), None);
        assert_eq!(
            (none(true).as_str(), none(false).as_str()),
            ("there are no releases\n", "there are no such releases\n")
        );
    }

    #[test]
    fn the_fields_of_helm_list_are_as_helm_has_them() {
        let mut out = Vec::new();
        view().write_json(&TimeZone::UTC, &mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let web = &json["releases"][2];
        let fields = ["name", "namespace", "revision", "updated", "status", "chart", "app_version"];
        let said: Vec<&str> = fields.iter().map(|field| web[field].as_str().unwrap()).collect();
        assert_eq!(said, ["web", "shop", "2", "1970-01-12 13:46:40.25 +0000 UTC", "deployed", "nginx-1.0.0", "1.27"]);
        assert_eq!(json["releases"][0]["deployed"]["revision"], 2);
        assert_eq!(json["releases"][1]["chart"], MISSING);
        assert_eq!(json["unreadable"][0]["namespace"], "dark");
    }
}
