//! What the tests were started with: a cluster, two Helms, and the plugin installed into a home of each.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The two Helms that every story is told with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helm {
    V3,
    V4,
}

impl Helm {
    /// `helm3` or `helm4`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V3 => "helm3",
            Self::V4 => "helm4",
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::V3 => Self::V4,
            Self::V4 => Self::V3,
        }
    }

    /// Its home, with the plugin installed.
    pub(crate) fn home(self) -> &'static Home {
        static HELM3: LazyLock<Home> = LazyLock::new(|| Home::new(Helm::V3));
        static HELM4: LazyLock<Home> = LazyLock::new(|| Home::new(Helm::V4));
        match self {
            Self::V3 => &HELM3,
            Self::V4 => &HELM4,
        }
    }
}

/// The repository's folder.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The kubeconfig of the test cluster.
pub(crate) fn kubeconfig() -> PathBuf {
    required("KUBECONFIG")
}

/// A folder of this test process, which goes away with the cluster.
pub(crate) fn folder() -> &'static Path {
    static OURS: LazyLock<PathBuf> = LazyLock::new(|| {
        let state = required("HSU_TEST_CLUSTER");
        remove_leftovers(&state);
        let folder = state.join(format!("{FOLDER}{}", std::process::id()));
        fs::create_dir_all(&folder).expect("cannot make a folder in the cluster's state folder");
        folder
    });
    &OURS
}

/// The name of a test process's folder, but for its process id.
const FOLDER: &str = "revdiff tests ";

/// Removes the folders of test processes that are gone.
fn remove_leftovers(state: &Path) {
    for entry in fs::read_dir(state).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(FOLDER).is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn required(name: &str) -> PathBuf {
    let value = env::var_os(name).filter(|value| !value.is_empty()).unwrap_or_else(|| {
        panic!("{name} is not set: run these tests with\n  tests/cluster/testcluster with cargo test --test revdiff")
    });
    PathBuf::from(value)
}

/// The home of one Helm: its own configuration and plugins, and a folder in which it is called `helm`.
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
}

impl Home {
    fn new(helm: Helm) -> Self {
        let home = Self { folder: folder().join(helm.name()) };
        for name in ["bin", "home", "helm"] {
            fs::create_dir_all(home.folder.join(name)).unwrap();
        }
        let binary = required(if helm == Helm::V3 { "HELM3" } else { "HELM4" });
        symlink(binary, home.folder.join("bin/helm")).unwrap();
        home.install_plugin();
        home
    }

    /// As a user does it: `helm plugin install` of a folder that holds the plugin and its binary.
    fn install_plugin(&self) {
        let plugin = self.folder.join("the plugin");
        for name in
            ["plugin.yaml", "plugin.complete", "revdiff/plugin.yaml", "revdiff/plugin.complete", "scripts/install.sh"]
        {
            let to = plugin.join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(Path::new(ROOT).join(name), to).unwrap();
        }
        fs::create_dir_all(plugin.join("bin")).unwrap();
        // A link, since a binary with debug symbols is large.
        symlink(env!("CARGO_BIN_EXE_helm-safe-upgrade"), plugin.join("bin/helm-safe-upgrade")).unwrap();
        let mut command = self.command("helm");
        let output = command.args(["plugin", "install"]).arg(plugin).output().unwrap();
        assert!(output.status.success(), "cannot install the plugin: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command with nothing in its environment but what belongs to this home and to the cluster.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut path = self.folder.join("bin").into_os_string();
        path.push(":");
        path.push(env::var_os("PATH").unwrap_or_default());
        let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
        let mut command = Command::new(found.unwrap_or_else(|| panic!("{program} is not installed")));
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
        command.env("HOME", self.folder.join("home")).env("KUBECONFIG", kubeconfig());
        for name in ["HELM_DATA_HOME", "HELM_CONFIG_HOME", "HELM_CACHE_HOME"] {
            command.env(name, self.folder.join("helm").join(name.to_lowercase()));
        }
        command
    }
}
