//! The formats for readers: two columns, a comment, annotations, and a page for a browser.

use crate::user::User;

stories!(two_columns, a_comment, a_comment_that_is_cut, annotations, a_page);

fn makes_two_revisions(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: a shade of red, size: small}}");
    user.upgrades("parts", "configMaps: {settings: {colour: a shade of blue, size: small}, more: {a: \"1\"}}");
}

fn two_columns(user: &User) {
    makes_two_revisions(user);
    let shown = user.types("helm revdiff web -o side-by-side --width 90 --only configmap/settings");
    shown.exits(0).mentions(
        r"
        ~ ConfigMap/settings  v1  parts/templates/configmaps.yaml
        @@ -3,5 +3,5 @@ data
        3   metadata:                               │ 3   metadata:
        4     name: settings                        │ 4     name: settings
        5   data:                                   │ 5   data:
        6 -   colour: a shade of red                │ 6 +   colour: a shade of blue
        7     size: small                           │ 7     size: small
        ",
    );
    // Without a terminal it is wide, at one it is as wide as that.
    let widest = |text: &str| text.lines().map(|line| line.find('│').unwrap_or(0)).max().unwrap_or(0);
    assert!(widest(&user.types("helm revdiff web -o side-by-side").stdout) > 75);
    let terminal = "import os, pty, sys\n\
        line = \"stty cols 60 rows 30; \" + sys.argv[1]\n\
        sys.exit(os.waitstatus_to_exitcode(pty.spawn([\"sh\", \"-c\", line])))";
    user.writes("terminal.py", terminal);
    let line = "helm revdiff web -o side-by-side --no-pager --no-color";
    let narrow = user.types(&format!("TERM=xterm python3 terminal.py '{line}'")).exits(0).stdout.clone();
    assert!((25..32).contains(&widest(&narrow)), "{narrow}");
    user.types("helm revdiff web -o side-by-side --color=always").mentions("\u{1b}[31;7mred\u{1b}[0m");
    user.types("helm revdiff web -o side-by-side --width 10").explains("40..");
}

fn a_comment(user: &User) {
    makes_two_revisions(user);
    let comment = user.types("helm revdiff web -o markdown");
    comment.mentions("### `web` in namespace `NAMESPACE`: revision 1 → 2\n").mentions(
        r"
        | Changed | Added | Removed | Unchanged |
        | --: | --: | --: | --: |
        | 1 | 1 | 0 | 0 |
        ",
    );
    comment.mentions(
        r"
        <details><summary><code>~ ConfigMap/settings</code> · v1 · <code>parts/templates/configmaps.yaml</code> · +1 −1</summary>

        ```diff
        @@ -3,5 +3,5 @@ data
         metadata:
           name: settings
         data:
        -  colour: a shade of red
        +  colour: a shade of blue
           size: small
        ```

        </details>
        ",
    );
    comment.mentions("<b>Values (user-supplied)</b>").keeps_quiet_about("Cut to");
    // No pager and no colour, even at a terminal that has both.
    user.types("helm revdiff web -o markdown --color=always").keeps_quiet_about("\u{1b}");
}

fn a_comment_that_is_cut(user: &User) {
    for word in ["old", "new"] {
        let objects: String = (0..60)
            .map(|at| format!("  object-{at}: {{key: {word} text {at}, {}: \"1\"}}\n", "k".repeat(100)))
            .collect();
        user.upgrades("parts", &format!("configMaps:\n{objects}"));
    }
    let cut = user.types("helm revdiff web -o markdown --max-bytes 8000").exits(0).stdout.clone();
    assert!(cut.len() <= 8000, "{} bytes", cut.len());
    let shown = cut.matches("<code>~ ConfigMap/object-").count();
    let missing = 60 - shown;
    let last =
        format!("**Cut to 8000 bytes:** {missing} of 60 objects left out ({missing} changed, 0 added, 0 removed)");
    assert!(missing > 0 && shown > 0 && cut.contains(&last), "{cut}");
    let whole = user.types("helm revdiff web -o markdown").exits(0).stdout.clone();
    assert!(whole.len() <= 65_000 && !whole.contains("Cut to"));
    user.types("helm revdiff web -o markdown --max-bytes 10").explains("2000 or more");
}

fn annotations(user: &User) {
    user.upgrades("parts", "deployments: {web: {image: \"busybox:1\"}}\nconfigMaps: {gone: {a: \"1\"}}");
    user.upgrades("parts", "deployments: {web: {image: \"busybox:2\"}}\nconfigMaps: {more: {a: \"1\"}}");
    let shown = user.types("helm revdiff web -o github");
    shown.mentions("::notice title=web in namespace NAMESPACE%3A revision 1 → 2::1 changed, 1 added, 1 removed");
    shown.mentions("::warning title=ConfigMap/gone removed,file=parts/templates/configmaps.yaml::");
    shown.mentions("::notice title=image%3A Deployment/web,file=parts/templates/deployments.yaml::busybox 1 → 2");
    shown.mentions(
        "::notice title=ConfigMap/more added,file=parts/templates/configmaps.yaml::ConfigMap/more is added\n",
    );
    let lines = shown.stdout.lines();
    assert!(lines.clone().all(|line| line.starts_with("::")), "{}", shown.stdout);
    let notices = lines.filter(|line| line.starts_with("::notice")).count();
    assert!(notices <= 10, "{notices}");
}

fn a_page(user: &User) {
    makes_two_revisions(user);
    let page = user.types("helm revdiff web -o html > diff.html && cat diff.html").exits(0).stdout.clone();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for part in [
        "Content-Security-Policy\" content=\"default-src 'none'",
        "<b>web</b> in namespace <b>",
        "<td>parts-1.0.0</td>",
        "<span>ConfigMap/</span>settings",
        "  colour: a shade of <mark>blue</mark>",
        "Values (user-supplied)",
    ] {
        assert!(page.contains(part), "{part} is not in the page");
    }
}
