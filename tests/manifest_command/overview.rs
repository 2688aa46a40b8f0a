//! Key differences and impact of two files.

use super::Folder;

fn deployment(name: &str, cpu: &str, image: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{template: {{spec: {{containers: [{{name: c, image: \"{image}\", resources: {{requests: {{cpu: {cpu}}}}}}}]}}}}}}\n"
    )
}

fn shown(old: &str, new: &str, flags: &[&str]) -> String {
    let folder = Folder::with(&[("old.yaml", old.as_bytes()), ("new.yaml", new.as_bytes())]);
    let output = folder.runs(&[&["manifest", "old.yaml", "new.yaml"], flags].concat(), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_grave_ones_come_first_and_the_table_has_a_total() {
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n";
    let old = deployment("a", "100m", "x:1.0") + &deployment("b", "100m", "x:1.0") + claim;
    let new = deployment("a", "200m", "x:1.1") + &deployment("b", "50m", "x:1.1");
    let expected = "\
key differences
!! delete     PersistentVolumeClaim/data  with the data on it, unless its volume is retained
   image      Deployment/a, Deployment/b  x 1.0 → 1.1
   resources  Deployment/a                c: cpu request 100m → 200m
   resources  Deployment/b                c: cpu request 100m → 50m
   restart    Deployment/a, Deployment/b  c image, c resources

resource impact
         requests
         before  after         peak
Deployment/a  1 pod, up to 2 in the roll-out
  cpu      100m   200m     2×  300m
Deployment/b  1 pod, up to 2 in the roll-out
  cpu      100m    50m   0.5×  150m
total  of 2 workloads that change
  cpu      200m   250m  1.25×  450m
";
    let all = shown(&old, &new, &["--sections", "key-differences,impact"]);
    let start = all.find("key differences").unwrap();
    assert_eq!(all[start..], *expected);
    let plain: Vec<&str> = all.lines().collect();
    assert!(plain.iter().all(|line| line.trim_end() == *line), "no blanks at line ends: {all}");
}

#[test]
fn a_flood_is_cut_and_said_to_be() {
    let all = |cpu: usize| -> String {
        (0..100)
            .map(|n| deployment(&format!("w{n}"), &format!("{}m", n * 10 + cpu), &format!("x{n}:{cpu}.0")))
            .collect()
    };
    let text = shown(&all(1), &all(2), &["--sections", "key-differences,impact"]);
    assert!(text.lines().count() < 150 && text.contains(" more; -o json has all\n"), "{text}");
    assert!(
        text.contains("total  of 100 workloads that change\n") && text.contains("and 70 more  -o json has all\n"),
        "{text}"
    );
    let json = shown(&all(1), &all(2), &["--sections", "key-differences,impact", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["impact"]["workloads"].as_array().unwrap().len(), 100);
    assert!(json["keyDifferences"].as_array().unwrap().len() > 200);
}

#[test]
fn hostile_names_steer_no_terminal() {
    let hostile = "x\\e[2J\\u202e:1.0";
    let text = shown(
        &deployment("a", "1", "x:1.0"),
        &deployment("a", "2", hostile),
        &["--sections", "key-differences,impact"],
    );
    assert!(text.contains("image") && !text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
}
