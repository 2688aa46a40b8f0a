//! Processes on this machine that may be at work on a release.

use std::fs;

use crate::report::releases::unlock::Process;

/// Words of a command line that say what is done. Others may be values, and so secret.
const DOING: [&str; 8] = ["safe-upgrade", "upgrade", "install", "rollback", "uninstall", "delete", "apply", "test"];

/// More processes are not looked at.
const MOST_PROCESSES: usize = 100_000;

/// Processes of Helm, or of this program, whose command line names the release, and that are in no other namespace as far as
/// can be told. `None` where the system does not tell.
pub(super) fn at_work(release: &str, namespace: &str) -> Option<Vec<Process>> {
    let own = ancestors(std::process::id());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.take(MOST_PROCESSES).flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if own.contains(&pid) {
            continue;
        }
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.split('\0').filter(|word| !word.is_empty()).collect();
        let Some(command) = command(&words, release) else { continue };
        let known = namespace_of(&words).or_else(|| namespace_of_environment(pid));
        if known.as_deref().is_none_or(|known| known == namespace) {
            found.push(Process { pid, command, same_namespace: known.is_some() });
        }
    }
    found.sort_by_key(|process| process.pid);
    Some(found)
}

/// The namespace that a command line names.
fn namespace_of(words: &[&str]) -> Option<String> {
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
    let within = || words.iter().find_map(|word| word.strip_prefix("--namespace="));
    after("-n").or_else(|| after("--namespace")).or_else(within).map(str::to_owned)
}

/// The namespace that Helm has handed to a plugin, and the plugin to its Helm. Only of one's own processes it can be told.
fn namespace_of_environment(pid: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variable = environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"HELM_NAMESPACE="))?;
    String::from_utf8(variable.to_vec()).ok().filter(|namespace| !namespace.is_empty())
}

/// The words that say what a command line does, if it is at work on the release.
fn command(words: &[&str], release: &str) -> Option<String> {
    let (program, rest) = words.split_first()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let is_helm = program.starts_with("helm") && !rest.contains(&"unlock");
    if !is_helm || !rest.contains(&release) {
        return None;
    }
    let doing: Vec<&str> = rest.iter().copied().filter(|word| DOING.contains(word)).take(2).collect();
    (!doing.is_empty()).then(|| format!("{program} {} {release} …", doing.join(" ")))
}

/// This process, and those that started it: the shell, and Helm with this very command.
fn ancestors(pid: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let mut all = vec![pid];
    while let Some(next) = all.last().and_then(|&pid| parent(pid)).filter(|next| *next > 0 && !all.contains(next)) {
        all.push(next);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_work_on_the_release_is_named_without_its_values() {
        let words = ["/usr/bin/helm", "upgrade", "web", "./chart", "--set", "password=hunter2"];
        assert_eq!(command(&words, "web").as_deref(), Some("helm upgrade web …"));
        assert_eq!(command(&words, "api"), None, "another release");
        assert_eq!(command(&["vim", "upgrade", "web"], "web"), None, "another program");
        assert_eq!(command(&["helm", "get", "all", "web"], "web"), None, "it only reads");
        assert_eq!(command(&["helm-safe-upgrade", "unlock", "web", "upgrade"], "web"), None);
        assert_eq!(command(&[], "web"), None);
    }

    #[test]
    fn the_namespace_is_read_from_the_flags() {
        for line in
            ["helm upgrade web . -n shop", "helm --namespace shop upgrade web .", "helm upgrade --namespace=shop web ."]
        {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!(namespace_of(&words).as_deref(), Some("shop"), "{line}");
        }
        assert_eq!(namespace_of(&["helm", "upgrade", "web", "-n"]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_and_those_that_started_us_are_not() {
        // A shell that bears the name of Helm; it waits for its input.
        let mut child = std::process::Command::new("bash");
        std::os::unix::process::CommandExt::arg0(&mut child, "helm");
        let mut child = child
            .args(["-c", "read -r", "upgrade", "nobody-else-has-this"])
            .stdin(std::process::Stdio::piped())
            .env("HELM_NAMESPACE", "shop")
            .spawn()
            .unwrap();
        let command = "helm upgrade nobody-else-has-this …".to_owned();
        let wanted = Process { pid: child.id(), command, same_namespace: true };
        // Between fork and exec it still has our own command line.
        let found = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            at_work("nobody-else-has-this", "shop").unwrap() == [wanted.clone()]
        });
        assert_eq!(at_work("nobody-else-has-this", "other"), Some(Vec::new()), "it is in another namespace");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found, "{wanted:?}");
        assert!(ancestors(std::process::id()).len() > 1);
    }
}
