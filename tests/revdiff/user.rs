//! A user: someone at a shell with one of the Helms, a folder, and a namespace of their own.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cluster;
use crate::environment::{self, Helm, ROOT};
use crate::shown::Shown;

/// No command takes longer than this, in seconds; one that does is ended and its test fails.
const LONGEST_COMMAND: &str = "120";

/// Someone at a shell. What they type runs in their folder, and in their namespace unless they name another.
pub(crate) struct User {
    pub(crate) helm: Helm,
    pub(crate) namespace: String,
    pub(crate) folder: PathBuf,
    exported: RefCell<Vec<(String, String)>>,
    others: RefCell<Vec<String>>,
}

impl User {
    /// A user with a new namespace and a new folder, in which there are copies of the charts `kinds`, `parts`, `refused`, `risky` and `web`.
    pub(crate) fn new(helm: Helm, story: &str) -> Self {
        // The process id keeps apart test runs on the same cluster, the number two stories of one name.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name: String = story.replace('_', "-").chars().take(40).collect();
        let namespace = format!("{}-{}-{}-{number}", name.trim_end_matches('-'), helm.name(), std::process::id());
        let folder = environment::folder().join(&namespace);
        fs::create_dir(&folder).unwrap();
        cluster::make_namespace(&namespace);
        cluster::write_kubeconfig(&folder.join("kubeconfig"), &namespace);
        for chart in ["kinds", "parts", "refused", "risky", "web"] {
            copy(&Path::new(ROOT).join("tests/charts").join(chart), &folder.join(chart));
        }
        Self { helm, namespace, folder, exported: RefCell::default(), others: RefCell::default() }
    }

    /// The same user with the other Helm.
    pub(crate) fn with(&self, helm: Helm) -> UserOf<'_> {
        UserOf { user: self, helm }
    }

    /// Makes another namespace, named as the user's own with `-2` behind it. It goes with the user.
    pub(crate) fn makes_another_namespace(&self) -> String {
        let name = format!("{}-2", self.namespace);
        cluster::make_namespace(&name);
        self.others.borrow_mut().push(name.clone());
        name
    }

    /// Sets a variable for all that is typed from now on.
    pub(crate) fn exports(&self, name: &str, value: &str) {
        self.exported.borrow_mut().push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file in the user's folder.
    pub(crate) fn writes(&self, name: &str, content: &str) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Copies a chart in the user's folder.
    pub(crate) fn copies(&self, chart: &str, to: &str) {
        copy(&self.folder.join(chart), &self.folder.join(to));
    }

    /// Runs a line in a shell and waits for its end.
    pub(crate) fn types(&self, line: &str) -> Shown {
        self.runs(self.helm, line)
    }

    /// Starts a line and does not wait for its end.
    pub(crate) fn starts(&self, line: &str) -> Child {
        // Nothing stands between, so that killing it kills what was typed.
        let mut command = self.shell(self.helm.home().command("bash"));
        command.args(["-c", line]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a line that must succeed, and returns what it printed.
    pub(crate) fn does(&self, line: &str) -> String {
        self.types(line).exits(0).stdout.clone()
    }

    /// Installs or upgrades the release `web` with the chart and these values, which must succeed.
    pub(crate) fn upgrades(&self, chart: &str, values: &str) {
        self.writes("values.yaml", values);
        self.does(&format!("helm upgrade --install web {chart} --values values.yaml"));
    }

    fn runs(&self, helm: Helm, line: &str) -> Shown {
        let mut command = self.shell(helm.home().command("timeout"));
        let output = command.args(["--kill-after=1", LONGEST_COMMAND, "bash", "-c", line]).output().unwrap();
        Shown::new(line, &self.namespace, output)
    }

    /// Puts a command into the user's surroundings.
    fn shell(&self, mut command: Command) -> Command {
        command.current_dir(&self.folder).stdin(Stdio::null()).env("KUBECONFIG", self.folder.join("kubeconfig"));
        command.envs(self.exported.borrow().iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for User {
    /// What is left of a story that failed is left for a look at it.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.others.borrow().iter().chain([&self.namespace]).for_each(|name| cluster::remove_namespace(name));
            _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A user who takes another Helm for once.
pub(crate) struct UserOf<'a> {
    user: &'a User,
    helm: Helm,
}

impl UserOf<'_> {
    /// As [`User::types`].
    pub(crate) fn types(&self, line: &str) -> Shown {
        self.user.runs(self.helm, line)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
