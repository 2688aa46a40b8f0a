//! Rendering by the `helm` binary.
//!
//! An upgrade is rendered by `helm upgrade --dry-run=server` itself, with one difference: Helm's storage is `memory`, filled
//! with the release as it was read (`HELM_MEMORY_DRIVER_DATA`). So the merge of values, the revision's number,
//! capabilities, lookups, hooks and notes are Helm's own. What is left out is that Helm lists the release's history,
//! and builds the old and the new objects against the server's API, which takes most of its time and changes nothing of
//! the result. And it renders too where Helm refuses to upgrade: a release that is pending, or a kind that the server does not know.

use std::future::Future;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Kind};
use crate::helm::child::{Failure, Output};
use crate::helm::flags::{Arguments, ValueFlags};
use crate::helm::process::{HelmProcess, json_part};
use crate::helm::{Capabilities, Helm as _, Rendered, Template, Upgrade};
use crate::manifest::node::Node;
use crate::release::record::Record;
use crate::release::{Release, content, decode};

/// The file that every Unix has for standard input.
const STDIN: &str = "/dev/stdin";

impl HelmProcess {
    pub(super) async fn render_upgrade<S>(&self, upgrade: &Upgrade, stored: S) -> Result<Rendered<Release>, Error>
    where
        S: Future<Output = Result<Vec<u8>, Error>> + Send,
    {
        let mut arguments = Arguments::default();
        arguments.words([
            "upgrade",
            &upgrade.release,
            &upgrade.chart,
            "--install",
            "--dry-run=server",
            "--output=json",
        ]);
        upgrade.flags.add_to(&mut arguments);
        upgrade.flags.reuse.add_to(&mut arguments);
        arguments.value("--server-side", upgrade.server_side.as_deref());
        let mut child = self.child(&arguments);
        child.env("HELM_DRIVER", "memory");
        // Helm reads the release from standard input, so that it is on no disk. Where that is taken, or is no file, from a file of our own.
        let ran = if upgrade.stdin.is_none() && cfg!(unix) {
            child.env("HELM_MEMORY_DRIVER_DATA", STDIN);
            child.run_with(Some(stored)).await?
        } else {
            let file = private_file(&stored.await?)?;
            child.env("HELM_MEMORY_DRIVER_DATA", file.path());
            let values = upgrade.stdin.clone().unwrap_or_default();
            child.run_with(Some(std::future::ready(Ok(values)))).await?
        };
        let output = ran.map_err(|failure| refused("cannot render the upgrade", &upgrade.release, failure))?;
        let warnings = output.warnings();
        let json = json_part(&output.stdout);
        let mut release = decode::from_json(json).map_err(|error| {
            let message =
                format!("cannot read what helm upgrade --dry-run rendered of \"{}\": {error}", upgrade.release);
            Error::new(Kind::Helm, message)
        })?;
        release.chart.content = content::of_json(json);
        Ok(Rendered { result: release, warnings, record: Some(Record::new(json)) })
    }

    pub(super) async fn render_template(&self, template: &Template) -> Result<Rendered<String>, Error> {
        let mut arguments = Arguments::default();
        arguments.words(["template", &template.release, &template.chart]);
        template.flags.add_to(&mut arguments);
        arguments.value("--namespace", template.namespace.as_deref());
        arguments.switch("--is-upgrade", template.is_upgrade);
        arguments.switch("--include-crds", template.include_crds);
        match &template.capabilities {
            Capabilities::Server => {
                // Helm 4 takes the server's capabilities with its dry run; Helm 3 wants to be told.
                let validate = self.major_version().await? < 4;
                arguments.switch("--validate", validate);
                arguments.words(["--dry-run=server", "--disable-openapi-validation"]);
            }
            Capabilities::Told { kube_version, api_versions, lookups } => {
                arguments.value("--kube-version", kube_version.as_deref());
                arguments.values("--api-versions", api_versions);
                // With Helm 4 the capabilities would be the server's then.
                arguments.switch("--dry-run=server", *lookups && self.major_version().await? < 4);
            }
        }
        let child = self.child(&arguments);
        let ran = match &template.stdin {
            Some(values) => child.run_with(Some(std::future::ready(Ok(values.clone())))).await?,
            None => child.run().await,
        };
        let output = ran.map_err(|failure| refused("cannot render the chart", &template.named, failure))?;
        text_of(output, &template.named)
    }

    /// A chart of one template prints what the flags supply. No cluster is asked.
    pub(super) async fn merge_values(&self, flags: &ValueFlags, stdin: Option<&[u8]>) -> Result<Node, Error> {
        let failed = |cause: &dyn std::fmt::Display| Error::new(Kind::Helm, format!("cannot read the values: {cause}"));
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: values\nversion: 0.0.0\n"),
            // Helm reads what is rendered, as YAML and as an object. So the values are in base64.
            ("templates/values.yaml", "values: {{ toJson .Values | b64enc }}\n"),
        ];
        std::fs::create_dir(folder.path().join("templates")).map_err(|error| failed(&error))?;
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).map_err(|error| failed(&error))?;
        }
        let mut arguments = Arguments::default();
        arguments.words(["template".as_ref(), "values".as_ref(), folder.path().as_os_str()]);
        flags.add_to(&mut arguments);
        let child = self.child(&arguments);
        let ran = match stdin {
            Some(values) => child.run_with(Some(std::future::ready(Ok(values.to_vec())))).await?,
            None => child.run().await,
        };
        let output = ran.map_err(|failure| Error::from(failure).while_doing("cannot read the values"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let encoded = text.lines().find_map(|line| line.strip_prefix("values: ")).unwrap_or_default();
        let json = STANDARD.decode(encoded.trim()).map_err(|error| failed(&error))?;
        serde_json::from_slice(&json).map_err(|_| failed(&"helm printed no JSON"))
    }
}

fn text_of(output: Output, chart: &str) -> Result<Rendered<String>, Error> {
    let warnings = output.warnings();
    let result = String::from_utf8(output.stdout).map_err(|_| {
        Error::new(Kind::Helm, format!("cannot read what helm template rendered of \"{chart}\": it is not UTF-8"))
    })?;
    Ok(Rendered { result, warnings, record: None })
}

/// Helm's message, with what it hindered, and a hint for the messages that have one.
pub(super) fn refused(what: &str, name: &str, failure: Failure) -> Error {
    let hint = hint(failure.message());
    let error = Error::from(failure).while_doing(&format!("{what} \"{name}\""));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What to do about the messages that users meet most.
fn hint(message: &str) -> Option<&'static str> {
    let hints = [
        (
            "found in Chart.yaml, but missing in charts",
            "helm dependency build CHART fetches them; so does --dependency-update",
        ),
        (
            "values don't meet the specifications of the schema",
            "mend the values; --skip-schema-validation goes on without the check",
        ),
        ("no repository definition", "helm repo add NAME URL adds a repository"),
        (
            "is out of sync with the dependencies",
            "--dependency-update takes the newest versions that Chart.yaml allows",
        ),
        ("no repositories found matching", "helm repo list shows the repositories; helm repo add NAME URL adds one"),
        ("repo", "helm repo list shows the repositories; helm repo update brings their newest index"),
        ("unknown flag", "this flag needs another version of Helm"),
        (
            "nil pointer evaluating",
            "the template uses a value that is not set; --reset-then-reuse-values takes new defaults of the chart",
        ),
    ];
    hints
        .into_iter()
        .find(|(part, _)| match *part {
            "repo" => message.starts_with("repo ") || message.contains("is not a valid chart repository"),
            part => message.contains(part),
        })
        .map(|(_, hint)| hint)
}

/// A file that only this user can read, gone with the value.
fn private_file(content: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let failed = |error: std::io::Error| Error::new(Kind::Output, format!("cannot write a temporary file: {error}"));
    let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
    file.write_all(content).and_then(|()| file.flush()).map_err(failed)?;
    Ok(file)
}
