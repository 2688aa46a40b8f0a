//! Releases of a chart that are older than a version of it.

use std::io::{Result, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{age, folded, mark, write_unreadable};
use crate::manifest::version::Version;
use crate::release::behind::{Distance, Part, behind};
use crate::release::fleet::{Member, Unreadable, newest_first};
use crate::report::parts::status_role;
use crate::report::releases::{SCHEMA_VERSION, Sheet, write_json};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;

/// So many releases are named in a line.
const MOST_NAMED: usize = 3;

/// The version that releases should have.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The chart's name.
    pub chart: String,
    /// The version, as it was written.
    pub version: String,
    /// Where it comes from, for a reader: `the newest in bitnami`; nothing where it was named.
    pub source: Option<String>,
    /// When the index was fetched that says so.
    pub fetched: Option<Timestamp>,
    /// All versions of the chart that are known.
    pub published: Vec<Version>,
    /// Whether versions that come before a release count.
    pub pre_releases: bool,
}

/// Releases beside the version they should have.
#[derive(Clone, Debug)]
pub struct NeedsView {
    target: Target,
    older: Vec<(Member, Distance)>,
    /// How many are at the target or newer.
    done: usize,
    /// How many of those are newer.
    newer: usize,
    /// Those whose record can't be read, or whose version is none.
    unknown: Vec<Member>,
    unreadable: Vec<Unreadable>,
    now: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    chart: &'a str,
    target: &'a str,
    source: Option<&'a str>,
    fetched: Option<Timestamp>,
    releases: Vec<Row<'a>>,
    up_to_date: usize,
    newer: usize,
    unknown: Vec<Name<'a>>,
    unreadable: &'a [Unreadable],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    context: Option<&'a str>,
    namespace: &'a str,
    name: &'a str,
    revision: u32,
    version: &'a str,
    behind: &'static str,
    by: u64,
    versions: Option<usize>,
    status: &'a str,
    mark: Option<&'static str>,
    updated_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Name<'a> {
    context: Option<&'a str>,
    namespace: &'a str,
    name: &'a str,
}

impl NeedsView {
    /// Holds releases against a version, as they were at a time. Releases of other charts, and those that were uninstalled, are left
    /// out.
    #[must_use]
    pub fn new(members: Vec<Member>, unreadable: Vec<Unreadable>, target: Target, now: Timestamp) -> Self {
        let wanted = Version::parse(&target.version).unwrap_or_default();
        let (mut older, mut unknown, mut done, mut newer) = (Vec::new(), Vec::new(), 0, 0);
        for member in members.into_iter().filter(|member| !member.is_uninstalled()) {
            let running = member.running();
            if running.problem.is_none() && running.head.chart != target.chart {
                continue;
            }
            let Some(version) = Version::parse(&running.head.version).filter(|_| running.problem.is_none()) else {
                unknown.push(member);
                continue;
            };
            match behind(&version, &wanted, &target.published, target.pre_releases) {
                Some(distance) => older.push((member, distance)),
                None => {
                    done += 1;
                    newer += usize::from(version > wanted);
                }
            }
        }
        // What is furthest behind comes first.
        older.sort_by(|(a, _), (b, _)| newest_first(&b.running().head.version, &a.running().head.version));
        Self { target, older, done, newer, unknown, unreadable, now }
    }

    /// Whether any release is older.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        !self.older.is_empty()
    }

    /// Writes it for a reader, on so many terminal columns.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let Target { chart, version, source, fetched, .. } = &self.target;
        sheet.put(Role::Heading, &format!("{chart} {version}"));
        let source = source.as_ref().map(|source| format!(" is {source}")).unwrap_or_default();
        let fetched = fetched.map(|time| format!(", as it was {} ago", age(Some(time), self.now))).unwrap_or_default();
        sheet.line(Role::Dim, &format!("{source}{fetched}"));
        let (all, done) = (self.older.len() + self.done, self.done);
        match (all, self.older.len()) {
            (0, _) => sheet.line(Role::Plain, &format!("there are no releases of {chart}")),
            (_, 0) => sheet.line(Role::Added, &format!("nothing is older: {} of {chart}", counted(done, "release"))),
            (_, older) => {
                let verb = if older == 1 { "is" } else { "are" };
                sheet.line(
                    Role::Changed,
                    &format!("{older} of {} {verb} older: {}", counted(all, "release"), self.parts()),
                );
                sheet.text.push('\n');
                let mut table = self.table();
                table.fit(columns, &["AGE", "REV", "MARK"]);
                table.draw(painter, columns, &mut sheet.text);
            }
        }
        if self.newer > 0 {
            let verb = if self.newer == 1 { "has" } else { "have" };
            sheet.line(Role::Dim, &format!("{} {verb} a newer version", counted(self.newer, "release")));
        }
        if !self.unknown.is_empty() {
            let names: Vec<String> = self.unknown.iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let text = format!(
                "! {} of no version that is known: {}",
                counted(names.len(), "release"),
                folded(&names, MOST_NAMED)
            );
            sheet.line(Role::Warning, &text);
        }
        write_unreadable(&self.unreadable, &mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes it for a program (docs/schema/needs-upgrade.json).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        let Target { chart, version, source, fetched, .. } = &self.target;
        let document = Document {
            schema_version: SCHEMA_VERSION,
            chart,
            target: version,
            source: source.as_deref(),
            fetched: *fetched,
            releases: self.older.iter().map(|(member, distance)| row(member, distance)).collect(),
            up_to_date: self.done,
            newer: self.newer,
            unknown: self.unknown.iter().map(name).collect(),
            unreadable: &self.unreadable,
        };
        write_json(&document, out)
    }

    /// `1 by major, 12 by minor`.
    fn parts(&self) -> String {
        let all = [Part::Major, Part::Minor, Part::Patch, Part::PreRelease];
        let count = |part: Part| self.older.iter().filter(|(_, distance)| distance.part == part).count();
        let said = all.into_iter().map(|part| (count(part), part.name())).filter(|(count, _)| *count > 0);
        said.map(|(count, name)| format!("{count} by {name}")).collect::<Vec<_>>().join(", ")
    }

    fn table(&self) -> Table {
        let mut table =
            Table::new(&["CONTEXT", "NAMESPACE", "NAME", "REV", "VERSION", "BEHIND BY", "STATUS", "MARK", "AGE"]);
        for (member, distance) in &self.older {
            let running = member.running();
            let role = match distance.part {
                Part::Major => Role::Warning,
                Part::Minor => Role::Changed,
                Part::Patch | Part::PreRelease => Role::Plain,
            };
            table.row(vec![
                Cell::new(Role::Dim, member.context.as_deref().unwrap_or_default()),
                Cell::new(Role::Plain, &member.namespace),
                Cell::new(Role::Heading, &member.name),
                Cell::new(Role::Plain, running.revision.to_string()),
                Cell::new(Role::Plain, &running.head.version),
                Cell::new(role, far(distance)),
                Cell::new(status_role(&member.newest.status), &member.newest.status),
                mark(running),
                Cell::new(Role::Dim, age(running.updated, self.now)),
            ]);
        }
        table
    }
}

/// `2 major, 14 versions`.
fn far(distance: &Distance) -> String {
    let part = match distance.part {
        Part::PreRelease => "pre-release".to_owned(),
        part => format!("{} {}", distance.by, part.name()),
    };
    match distance.versions {
        Some(versions) => format!("{part}, {}", counted(versions, "version")),
        None => part,
    }
}

fn row<'a>(member: &'a Member, distance: &Distance) -> Row<'a> {
    let running = member.running();
    Row {
        context: member.context.as_deref(),
        namespace: &member.namespace,
        name: &member.name,
        revision: running.revision,
        version: &running.head.version,
        behind: distance.part.name(),
        by: distance.by,
        versions: distance.versions,
        status: &member.newest.status,
        mark: running.mark(),
        updated_at: running.updated,
    }
}

fn name(member: &Member) -> Name<'_> {
    Name { context: member.context.as_deref(), namespace: &member.namespace, name: &member.name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::fleet::Known;
    use crate::release::head::Head;

    fn member(name: &str, chart: &str, version: &str) -> Member {
        let head = Head { chart: chart.to_owned(), version: version.to_owned(), ..Head::default() };
        let updated = Timestamp::from_second(0).ok();
        let newest = Known { revision: 4, status: "deployed".to_owned(), head, updated, ..Known::default() };
        Member { namespace: "shop".to_owned(), name: name.to_owned(), newest, ..Member::default() }
    }

    fn view(members: Vec<Member>) -> NeedsView {
        let published = ["1.0.0", "1.9.0", "1.10.0", "2.0.0"].iter().filter_map(|text| Version::parse(text)).collect();
        let target = Target {
            chart: "nginx".to_owned(),
            version: "2.0.0".to_owned(),
            source: Some("the newest in bitnami".to_owned()),
            fetched: Timestamp::from_second(0).ok(),
            published,
            pre_releases: false,
        };
        NeedsView::new(members, Vec::new(), target, Timestamp::from_second(260_000).unwrap())
    }

    fn text(view: &NeedsView) -> String {
        let mut out = Vec::new();
        view.write_text(Painter::new(false), Some(80), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn older_releases_are_listed_the_oldest_first() {
        let members = vec![
            member("b", "nginx", "1.10.0"),
            member("a", "nginx", "1.9.0"),
            member("c", "nginx", "2.0.0-rc.1"),
            member("d", "nginx", "2.0.0"),
            member("e", "nginx", "3.0.0"),
            member("f", "other", "1.0.0"),
            member("g", "nginx", "latest"),
        ];
        let expected = "\
nginx 2.0.0 is the newest in bitnami, as it was 3 d ago
3 of 5 releases are older: 2 by major, 1 by pre-release

NAMESPACE  NAME  REV  VERSION     BEHIND BY               STATUS    AGE
shop       a     4    1.9.0       1 major, 2 versions     deployed  3 d
shop       b     4    1.10.0      1 major, 1 version      deployed  3 d
shop       c     4    2.0.0-rc.1  pre-release, 1 version  deployed  3 d
1 release has a newer version
! 1 release of no version that is known: shop/g
";
        let view = view(members);
        assert!(view.is_needed());
        assert_eq!(text(&view), expected);
    }

    #[test]
    fn where_nothing_is_older_it_says_so() {
        let done = view(vec![member("d", "nginx", "2.0.0")]);
        assert!(!done.is_needed());
        assert!(text(&done).ends_with("\nnothing is older: 1 release of nginx\n"), "{}", text(&done));
        assert!(text(&view(Vec::new())).ends_with("\nthere are no releases of nginx\n"));
    }
}
