//! Which versions of charts run where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Result, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use unicode_width::UnicodeWidthStr as _;

use super::{age, folded, write_unreadable};
use crate::release::fleet::{Member, Standing, Unreadable, newest_first};
use crate::report::releases::{Sheet, write_json};
use crate::report::style::{Painter, Role, clean};
use crate::report::wording::counted;

/// The longest bar, in terminal columns.
const LONGEST_BAR: usize = 24;

/// Terminal columns where nothing says how many there are.
const COLUMNS: u16 = 100;

/// So many namespaces are named beside a bar, and so many damaged releases below.
const MOST_NAMED: usize = 3;

/// How releases stand, as bars show it.
const STANDINGS: [(&[Standing], char, Role, &str); 3] = [
    (&[Standing::Proven], '█', Role::Added, "proven"),
    (&[Standing::Unproven], '▓', Role::Changed, "not proven"),
    (&[Standing::Failed, Standing::Pending], '░', Role::Error, "failed or pending"),
];

/// By what releases are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Their chart.
    Chart,
    /// Their namespace.
    Namespace,
    /// The context of the kubeconfig they were found by.
    Context,
    /// The version of what the chart installs.
    AppVersion,
    /// The status of their last revision.
    Status,
    /// Whether what runs was proven good.
    Mark,
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The releases of this chart only.
    pub chart: Option<String>,
    /// By what they are put together; by chart if not named.
    pub by: Option<By>,
}

/// Versions, each with the releases that run it.
#[derive(Clone, Debug)]
pub struct VersionsView {
    wish: Wish,
    groups: Vec<Group>,
    damaged: Vec<String>,
    unreadable: Vec<Unreadable>,
    now: Timestamp,
}

/// Releases that belong together.
#[derive(Clone, Debug)]
struct Group {
    name: String,
    /// The newest version first.
    versions: Vec<Version>,
}

/// A version, or a chart with its version.
#[derive(Clone, Debug)]
struct Version {
    label: String,
    members: Vec<Member>,
}

impl VersionsView {
    /// The view of these releases, as they were at a time. Those that were uninstalled run nothing.
    #[must_use]
    pub fn new(members: Vec<Member>, unreadable: Vec<Unreadable>, wish: Wish, now: Timestamp) -> Self {
        let mut damaged = Vec::new();
        let mut groups: BTreeMap<String, BTreeMap<String, Vec<Member>>> = BTreeMap::new();
        for member in members.into_iter().filter(|member| !member.is_uninstalled()) {
            let running = member.running();
            if running.problem.is_some() {
                damaged.push(format!("{}/{}", member.namespace, member.name));
                continue;
            }
            if wish.chart.as_ref().is_some_and(|chart| running.head.chart != *chart) {
                continue;
            }
            let (group, label) = (wish.group(&member), wish.label(&member));
            groups.entry(group).or_default().entry(label).or_default().push(member);
        }
        let groups = groups.into_iter().map(|(name, versions)| Group::new(name, versions)).collect();
        Self { wish, groups, damaged, unreadable, now }
    }

    /// What could not be read, a line each: for formats that have no place for it.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let mut sheet = Sheet::new(Painter::new(false));
        self.write_gaps(&mut sheet);
        // Each begins with a mark, and its reason stands below it.
        let whole = sheet.text.replace("\n  ", ": ");
        whole.lines().map(|line| line.trim_start_matches("! ").to_owned()).collect()
    }

    /// Writes a chart of bars for a reader, on so many terminal columns.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let columns = usize::from(columns.unwrap_or(COLUMNS));
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                sheet.text.push('\n');
            }
            self.write_group(group, columns, &mut sheet);
        }
        match (self.groups.is_empty(), &self.wish.chart) {
            (true, None) => sheet.line(Role::Dim, "there are no releases"),
            (true, Some(chart)) => sheet.line(Role::Dim, &format!("there are no releases of the chart {chart}")),
            (false, _) => self.write_legend(&mut sheet),
        }
        self.write_gaps(&mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes how many releases run each version, for a program: of one chart a map of its versions, else a map of such maps.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        if self.wish.chart.is_some() && self.wish.by.is_none() {
            let all: Vec<&Version> = self.groups.iter().flat_map(|group| &group.versions).collect();
            return write_json(&Counts(&all), out);
        }
        write_json(&Groups(&self.groups), out)
    }

    fn write_group(&self, group: &Group, columns: usize, sheet: &mut Sheet) {
        let all: Vec<&Member> = group.versions.iter().flat_map(|version| &version.members).collect();
        let namespaces = namespaces(&all).len();
        sheet.put(Role::Heading, &group.name);
        let versions = counted(group.versions.len(), "version");
        sheet.line(
            Role::Dim,
            &format!("  {} in {}, {versions}", counted(all.len(), "release"), counted(namespaces, "namespace")),
        );
        let biggest = self.groups.iter().flat_map(|group| &group.versions).map(|version| version.members.len()).max();
        let biggest = biggest.unwrap_or(1).max(1);
        let labels: Vec<String> = group.versions.iter().map(|version| clean(&version.label).into_owned()).collect();
        let widest = labels.iter().map(|label| label.width()).max().unwrap_or(0);
        let ages: Vec<String> = group.versions.iter().map(|version| self.ages(version)).collect();
        let oldest = ages.iter().map(|age| age.width()).max().unwrap_or(0);
        let digits = biggest.to_string().len();
        for (at, ((version, label), age)) in group.versions.iter().zip(&labels).zip(&ages).enumerate() {
            let count = version.members.len();
            let role = if at == 0 && group.versions.len() > 1 { Role::Heading } else { Role::Plain };
            sheet.put(Role::Plain, "  ");
            sheet.put(role, label);
            sheet.text.extend(std::iter::repeat_n(' ', widest - label.width()));
            sheet.put(Role::Plain, &format!("  {count:>digits$}  "));
            let drawn = write_bar(version, biggest, sheet);
            sheet.text.extend(std::iter::repeat_n(' ', LONGEST_BAR.min(biggest).saturating_sub(drawn) + 2));
            sheet.put(Role::Dim, age);
            sheet.text.extend(std::iter::repeat_n(' ', oldest - age.width() + 2));
            let indent = 2 + widest + 2 + digits + 2 + LONGEST_BAR.min(biggest) + 2 + oldest + 2;
            let members: Vec<&Member> = version.members.iter().collect();
            sheet.line(Role::Plain, &fitting(&namespaces_of(&members), columns.saturating_sub(indent)));
        }
    }

    /// How long ago these releases were changed: `3 d`, or `3 d – 41 d`.
    fn ages(&self, version: &Version) -> String {
        let times = || version.members.iter().filter_map(|member| member.running().updated);
        let (youngest, oldest) = (age(times().max(), self.now), age(times().min(), self.now));
        if youngest == oldest { youngest } else { format!("{youngest} – {oldest}") }
    }

    /// What the bars are made of, with how many releases there are of each.
    fn write_legend(&self, sheet: &mut Sheet) {
        let versions = self.groups.iter().flat_map(|group| &group.versions);
        let all: Vec<Standing> = versions.flat_map(|version| &version.members).map(Member::standing).collect();
        sheet.text.push('\n');
        let mut is_first = true;
        for (standings, block, role, words) in STANDINGS {
            let count = all.iter().filter(|one| standings.contains(one)).count();
            if count > 0 {
                if !is_first {
                    sheet.put(Role::Plain, "   ");
                }
                is_first = false;
                sheet.put(role, &block.to_string());
                sheet.put(Role::Dim, &format!(" {count} {words}"));
            }
        }
        sheet.text.push('\n');
    }

    fn write_gaps(&self, sheet: &mut Sheet) {
        if !self.damaged.is_empty() {
            let names: Vec<&str> = self.damaged.iter().map(String::as_str).collect();
            let text =
                format!("! {} could not be read: {}", counted(names.len(), "record"), folded(&names, MOST_NAMED));
            sheet.line(Role::Warning, &text);
        }
        write_unreadable(&self.unreadable, sheet);
    }
}

impl Wish {
    /// The name of the group a release belongs to.
    fn group(&self, member: &Member) -> String {
        let running = member.running();
        let name = match self.by.unwrap_or(By::Chart) {
            By::Chart => running.head.chart.as_str(),
            By::Namespace => member.namespace.as_str(),
            By::Context => member.context.as_deref().unwrap_or("current context"),
            By::AppVersion => running.head.app_version.as_str(),
            By::Status => member.newest.status.as_str(),
            By::Mark => running.mark().unwrap_or("not proven"),
        };
        if name.is_empty() { "none".to_owned() } else { name.to_owned() }
    }

    /// Its version; with its chart, where that is not said elsewhere.
    fn label(&self, member: &Member) -> String {
        let head = &member.running().head;
        if self.chart.is_some() || matches!(self.by, None | Some(By::Chart)) {
            return head.version.clone();
        }
        format!("{}-{}", head.chart, head.version)
    }
}

impl Group {
    fn new(name: String, versions: BTreeMap<String, Vec<Member>>) -> Self {
        let mut versions: Vec<Version> =
            versions.into_iter().map(|(label, members)| Version { label, members }).collect();
        let key = |version: &Version| {
            let head = version.members.first().map(|member| &member.running().head);
            head.map(|head| (head.chart.clone(), head.version.clone())).unwrap_or_default()
        };
        versions.sort_by(|a, b| {
            let ((chart_a, a), (chart_b, b)) = (key(a), key(b));
            chart_a.cmp(&chart_b).then_with(|| newest_first(&a, &b))
        });
        Self { name, versions }
    }
}

/// Draws the bar of a version, and returns its length. Every part that is there is seen, however small.
fn write_bar(version: &Version, biggest: usize, sheet: &mut Sheet) -> usize {
    let scaled = |count: usize| match count {
        0 => 0,
        count if biggest <= LONGEST_BAR => count,
        count => (count * LONGEST_BAR / biggest).max(1),
    };
    let counts = STANDINGS
        .map(|(standings, ..)| version.members.iter().filter(|member| standings.contains(&member.standing())).count());
    let mut drawn = 0;
    for (at, (_, block, role, _)) in STANDINGS.into_iter().enumerate() {
        let behind = counts[at + 1..].iter().filter(|count| **count > 0).count();
        let length = scaled(counts[at]).min(LONGEST_BAR.saturating_sub(drawn + behind));
        sheet.put(role, &block.to_string().repeat(length));
        drawn += length;
    }
    drawn
}

fn namespaces<'a>(members: &[&'a Member]) -> BTreeSet<(Option<&'a str>, &'a str)> {
    members.iter().map(|member| (member.context.as_deref(), member.namespace.as_str())).collect()
}

/// The namespaces of releases, with their context where there are several.
fn namespaces_of(members: &[&Member]) -> Vec<String> {
    let named = |(context, namespace): (Option<&str>, &str)| match context {
        Some(context) => format!("{context}/{namespace}"),
        None => namespace.to_owned(),
    };
    namespaces(members).into_iter().map(named).collect()
}

/// As many names as fit, the rest counted.
fn fitting(names: &[String], room: usize) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let some = (1..=MOST_NAMED).rev().map(|most| folded(&names, most)).find(|text| clean(text).width() <= room);
    some.unwrap_or_else(|| counted(names.len(), "namespace"))
}

/// How many releases run each version.
struct Counts<'a>(&'a [&'a Version]);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for version in self.0 {
            map.serialize_entry(&version.label, &version.members.len())?;
        }
        map.end()
    }
}

/// The same for each group.
struct Groups<'a>(&'a [Group]);

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for group in self.0 {
            let versions: Vec<&Version> = group.versions.iter().collect();
            map.serialize_entry(&group.name, &Counts(&versions))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::fleet::Known;
    use crate::release::head::Head;
    use crate::release::marks::Marks;

    fn member(number: usize, chart: &str, version: &str, status: &str, proven: bool) -> Member {
        let time = Timestamp::from_second(1_000_000 - i64::try_from(number).unwrap() * 86_400).ok();
        let head = Head {
            chart: chart.to_owned(),
            version: version.to_owned(),
            app_version: "9".to_owned(),
            ..Head::default()
        };
        let marks = Marks { proven: proven.then_some(time).flatten(), bad: None, ..Marks::default() };
        let newest = Known { revision: 1, status: status.to_owned(), marks, updated: time, head, problem: None };
        Member { namespace: format!("n{number}"), name: "web".to_owned(), revisions: 1, newest, ..Member::default() }
    }

    fn members() -> Vec<Member> {
        let mut all: Vec<Member> =
            (0..5).map(|number| member(number, "nginx", "1.9.0", "deployed", number > 0)).collect();
        all.push(member(5, "nginx", "1.10.0", "failed", false));
        all.push(member(6, "api", "0.1.0-rc.1", "deployed", true));
        all.push(member(7, "api", "0.1.0", "uninstalled", true));
        let mut damaged = member(8, "", "", "deployed", true);
        damaged.newest.problem = Some("cut off".to_owned());
        all.push(damaged);
        all
    }

    fn view(chart: Option<&str>, by: Option<By>) -> VersionsView {
        let wish = Wish { chart: chart.map(str::to_owned), by };
        VersionsView::new(members(), Vec::new(), wish, Timestamp::from_second(1_000_000).unwrap())
    }

    fn text(view: &VersionsView, colour: bool, columns: Option<u16>) -> String {
        let mut out = Vec::new();
        view.write_text(Painter::new(colour), columns, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn json(view: &VersionsView) -> String {
        let mut out = Vec::new();
        view.write_json(&mut out).unwrap();
        String::from_utf8(out).unwrap().split_whitespace().collect()
    }

    #[test]
    fn a_chart_of_bars_shows_the_newest_version_first_and_how_releases_stand() {
        let expected = "\
nginx  6 releases in 6 namespaces, 2 versions
  1.10.0  1  ░      5 d        n5
  1.9.0   5  ████▓  0 s – 4 d  n0, n1, n2 and 2 more

█ 4 proven   ▓ 1 not proven   ░ 1 failed or pending
! 1 record could not be read: n8/web
";
        assert_eq!(text(&view(Some("nginx"), None), false, Some(80)), expected);
        let narrow = text(&view(Some("nginx"), None), false, Some(40));
        assert!(narrow.contains("5 namespaces\n"), "{narrow}");
        let coloured = text(&view(Some("nginx"), None), true, None);
        assert!(coloured.contains("\u{1b}[32m████") && coloured.contains("\u{1b}[1m1.10.0"), "{coloured:?}");
        assert!(text(&view(Some("none"), None), false, None).starts_with("there are no releases of the chart none\n"));
    }

    #[test]
    fn one_chart_is_a_plain_map_and_several_are_a_map_of_maps() {
        assert_eq!(json(&view(Some("nginx"), None)), r#"{"1.10.0":1,"1.9.0":5}"#);
        assert_eq!(json(&view(None, None)), r#"{"api":{"0.1.0-rc.1":1},"nginx":{"1.10.0":1,"1.9.0":5}}"#);
        assert_eq!(json(&view(Some("none"), None)), "{}");
    }

    #[test]
    fn releases_are_put_together_by_what_is_asked_for() {
        assert_eq!(json(&view(Some("api"), Some(By::AppVersion))), r#"{"9":{"0.1.0-rc.1":1}}"#);
        assert_eq!(
            json(&view(None, Some(By::Status))),
            r#"{"deployed":{"api-0.1.0-rc.1":1,"nginx-1.9.0":5},"failed":{"nginx-1.10.0":1}}"#
        );
        assert_eq!(
            json(&view(Some("nginx"), Some(By::Mark))),
            r#"{"notproven":{"1.10.0":1,"1.9.0":1},"proven":{"1.9.0":4}}"#
        );
        assert_eq!(json(&view(Some("api"), Some(By::Context))), r#"{"currentcontext":{"0.1.0-rc.1":1}}"#);
        assert!(json(&view(None, Some(By::Namespace))).starts_with(r#"{"n0":{"nginx-1.9.0":1}"#));
    }

    #[test]
    fn a_long_bar_is_scaled_and_no_part_of_it_vanishes() {
        let mut many: Vec<Member> =
            (0..1000).map(|number| member(number % 9, "a", "1.0.0", "deployed", true)).collect();
        many.push(member(1, "a", "1.0.0", "failed", true));
        many.push(member(1, "a", "2.0.0", "deployed", false));
        let view = VersionsView::new(many, Vec::new(), Wish::default(), Timestamp::from_second(1_000_000).unwrap());
        let shown = text(&view, false, Some(80));
        assert!(shown.contains(&format!("  1.0.0  1001  {}", "█".repeat(23))), "{shown}");
        assert!(shown.contains("  2.0.0     1  ▓") && shown.contains('░'), "{shown}");
        assert!(shown.lines().all(|line| line.width() <= 80), "{shown}");
    }
}
