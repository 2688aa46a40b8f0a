//! How the output looks: colour, pager, pipes and JSON.

use crate::user::User;

stories!(
    a_pipe_gets_no_colour,
    colour_when_asked_for,
    a_terminal_gets_colour,
    a_terminal_gets_a_pager,
    a_pager_that_ends_early,
    a_reader_who_has_seen_enough,
    words_that_changed_are_highlighted,
    context_lines,
    json_is_one_document,
);

fn makes_two_revisions(user: &User) {
    for colour in ["a shade of red", "a shade of blue"] {
        user.upgrades("parts", &format!("configMaps: {{settings: {{colour: {colour}, size: small}}}}"));
    }
}

/// Runs a line in a terminal of its own; what it prints, with the line ends of a terminal, is on standard output.
fn in_a_terminal(line: &str) -> String {
    let python = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['bash', '-c', sys.argv[1]])))";
    format!("env TERM=xterm python3 -c \"{python}\" '{line}'")
}

const ESCAPE: &str = "\u{1b}";

fn a_pipe_gets_no_colour(user: &User) {
    makes_two_revisions(user);
    for line in [
        "helm revdiff web",
        "TERM=xterm-256color helm revdiff web",
        "helm revdiff web --color=auto",
        "helm revdiff web --color=never",
        "helm revdiff web --no-color",
        "helm revdiff web --no-color --color=always",
        "helm revdiff web -o json --color=always",
        "helm revdiff web 9 || true",
    ] {
        user.types(line).keeps_quiet_about(ESCAPE).exits(0);
    }
}

fn colour_when_asked_for(user: &User) {
    makes_two_revisions(user);
    let plain = user.types("helm revdiff web").stdout.clone();
    for line in [
        "helm revdiff web --color=always",
        "helm revdiff web --color",
        "helm revdiff web --colour=always",
        "NO_COLOR=1 helm revdiff web --color=always",
    ] {
        let coloured = user.types(line).stdout.clone();
        assert!(coloured.contains(ESCAPE), "no colour: {line}");
        assert_eq!(without_colour(&coloured), plain, "{line}");
    }
}

/// The escapes that set colours.
fn colours() -> regex::Regex {
    regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap()
}

/// The text without the escapes that set colours; nothing else may be in there.
fn without_colour(text: &str) -> String {
    let plain = colours().replace_all(text, "").into_owned();
    assert!(!plain.contains(ESCAPE), "{plain:?}");
    plain
}

fn a_terminal_gets_colour(user: &User) {
    makes_two_revisions(user);
    user.exports("PAGER", "cat");
    let plain = user.types("helm revdiff web").stdout.replace('\n', "\r\n");
    // On a slow machine standard error would show what is being done.
    let coloured = user.types(&in_a_terminal("helm revdiff web 2>/dev/null")).exits(0).stdout.clone();
    assert!(coloured.contains("\u{1b}[32m"), "{coloured:?}");
    assert_eq!(without_colour(&coloured), plain);
    for line in ["NO_COLOR=1 helm revdiff web", "TERM=dumb helm revdiff web", "helm revdiff web --no-color"] {
        assert_eq!(user.types(&in_a_terminal(&format!("{line} 2>/dev/null"))).exits(0).stdout, plain, "{line}");
    }
    // Errors go to standard error, which is the terminal as well.
    user.types(&in_a_terminal("helm revdiff web 9")).mentions_although_it_failed("\u{1b}[31;1mError: \u{1b}[0m");
    // What is being done may be shown before it, by escapes that move the cursor.
    let plain = user.types(&in_a_terminal("NO_COLOR=1 helm revdiff web 9")).stdout.clone();
    assert!(plain.contains("Error: ") && !colours().is_match(&plain), "{plain:?}");
}

fn a_terminal_gets_a_pager(user: &User) {
    makes_two_revisions(user);
    user.writes("pager", "#!/bin/sh\necho \"paged with $*\"\ncat\necho end of page\n");
    user.does("chmod +x pager");
    user.exports("PAGER", "./pager --some option");
    let paged = user.types(&in_a_terminal("helm revdiff web"));
    paged.mentions("paged with --some option\r\n").mentions("end of page\r\n").mentions("ConfigMap/settings");
    user.types(&in_a_terminal("HELM_SAFE_UPGRADE_PAGER=\"./pager ours\" helm revdiff web"))
        .mentions("paged with ours\r\n");
    for line in [
        "helm revdiff web --no-pager",
        "PAGER=cat helm revdiff web",
        "helm revdiff web -o json",
        "TERM=dumb helm revdiff web",
    ] {
        let shown = user.types(&in_a_terminal(line));
        shown.exits(0).keeps_quiet_about("paged");
        assert!(!shown.stdout.is_empty(), "{line}");
    }
    // Nor is there a pager where nobody looks at a page.
    user.types("helm revdiff web").exits(0).keeps_quiet_about("paged");
    // A pager that does not exist hides nothing.
    user.types(&in_a_terminal("PAGER=nowhere/pager helm revdiff web")).mentions("revision 1");
    user.types(&in_a_terminal("helm revdiff web --detailed-exitcode")).exits(2);
}

fn a_pager_that_ends_early(user: &User) {
    makes_a_long_diff(user);
    user.writes("pager", "#!/bin/sh\nhead -n 1 >/dev/null\necho seen enough\n");
    user.does("chmod +x pager");
    user.exports("PAGER", "./pager");
    // On a slow machine standard error would show what is being done.
    let shown = user.types(&in_a_terminal("helm revdiff web 2>/dev/null"));
    shown.exits(0);
    assert_eq!(shown.stdout, "seen enough\r\n");
}

/// More than fits into a pipe that nobody reads.
fn makes_a_long_diff(user: &User) {
    for colour in ["red", "blue"] {
        let lines: String = (0..5000).map(|number| format!("      {colour} line {number} of a long text\n")).collect();
        user.upgrades("parts", &format!("configMaps:\n  long:\n    text: |\n{lines}"));
    }
}

fn a_reader_who_has_seen_enough(user: &User) {
    makes_a_long_diff(user);
    for line in ["helm revdiff web", "helm revdiff web -o json", "helm revdiff web -o yaml"] {
        let shown = user.types(&format!("{line} | head -n 1; exit ${{PIPESTATUS[0]}}"));
        assert_eq!((shown.code, shown.stdout.lines().count(), shown.stderr.as_str()), (Some(0), 1, ""), "{line}");
    }
    // A full disk is another matter.
    user.types("helm revdiff web >/dev/full").fails(
        r"
        Error: cannot write the result: No space left on device (os error 28)
        ",
    );
}

fn words_that_changed_are_highlighted(user: &User) {
    makes_two_revisions(user);
    let coloured = user.types("helm revdiff web --color=always").stdout.clone();
    // Within the red and the green line the changed word stands out.
    let red = "\u{1b}[31m  colour: a shade of \u{1b}[0m\u{1b}[31;7mred\u{1b}[0m";
    let green = "\u{1b}[32m  colour: a shade of \u{1b}[0m\u{1b}[32;7mblue\u{1b}[0m";
    assert!(coloured.contains(red) && coloured.contains(green), "{coloured:?}");
}

fn context_lines(user: &User) {
    for number in ["1", "2"] {
        let text: String =
            (1..=20).map(|line| format!("      line {line}{}\n", if line == 10 { number } else { "" })).collect();
        user.upgrades("parts", &format!("configMaps:\n  settings:\n    text: |\n{text}"));
    }
    user.types("helm revdiff web -C 0").mentions("@@ -16 +16 @@ data.text\n-    line 101\n+    line 102\n\nvalues");
    user.types("helm revdiff web -C 1")
        .mentions("@@ -15,3 +15,3 @@ data.text\n     line 9\n-    line 101\n+    line 102\n     line 11\n\nvalues");
    user.types("helm revdiff web --context=1").mentions("@@ -15,3 +15,3 @@");
    user.types("helm revdiff web").mentions("@@ -13,7 +13,7 @@");
    user.types("helm revdiff web -C -1")
        .mentions("@@ -1,26 +1,26 @@")
        .mentions(" apiVersion: v1\n")
        .mentions("     line 20\n");
    user.types("helm revdiff web -C 1000000").mentions("@@ -1,26 +1,26 @@");
}

fn json_is_one_document(user: &User) {
    makes_two_revisions(user);
    let shown = user.types("helm revdiff web -o json");
    assert_eq!(shown.stderr, "");
    let document = shown.json();
    assert_eq!(document["schemaVersion"], 1);
    assert_eq!(document["release"], "web");
    assert_eq!(document["summary"]["modified"], 1);
    assert_eq!(
        document["resources"][0]["changes"],
        serde_json::json!([{"path": "/data/colour", "op": "replace", "old": "a shade of red", "new": "a shade of blue"}])
    );
    // Not even what is said on the way gets into it.
    user.types("helm revdiff web -o json --debug=true").json();
    user.types("helm revdiff web --output=json 9").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has no revision 9
        Hint: there are the revisions 1, 2
        "#,
    );
}
