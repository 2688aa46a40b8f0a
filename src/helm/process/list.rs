//! What `helm list` says.

use serde::Deserialize;

use super::{HelmProcess, json_part};
use crate::error::{Error, Kind};
use crate::helm::Listed;

/// All there are; Helm 4 has no `--all`.
pub(super) const STATUSES: [&str; 6] =
    ["--deployed", "--failed", "--pending", "--superseded", "--uninstalled", "--uninstalling"];

/// RFC 3339, as Go writes it down.
const TIME_FORMAT: &str = "2006-01-02T15:04:05.999999999Z07:00";

#[derive(Deserialize)]
struct Row {
    name: String,
    namespace: String,
    revision: String,
    updated: String,
    status: String,
    chart: String,
    app_version: String,
}

impl HelmProcess {
    pub(super) async fn list_releases(&self, namespace: Option<&str>) -> Result<Vec<Listed>, Error> {
        let place = namespace.map_or_else(|| vec!["-A"], |namespace| vec!["-n", namespace]);
        let rest = ["list", "--max", "1000000", "-o", "json", "--time-format", TIME_FORMAT];
        let arguments = [&rest[..], &place, &STATUSES].concat();
        let output = self.run(&arguments).await.map_err(Error::from)?;
        rows(json_part(&output))
    }
}

fn rows(json: &[u8]) -> Result<Vec<Listed>, Error> {
    let odd = || Error::new(Kind::Helm, "cannot read what helm list printed: it is no list of releases");
    let rows: Vec<Row> = serde_json::from_slice(json).map_err(|_| odd())?;
    let listed = rows.into_iter().map(|row| {
        Ok(Listed {
            name: row.name,
            namespace: row.namespace,
            revision: row.revision.parse().map_err(|_| odd())?,
            updated: row.updated,
            status: row.status,
            chart: row.chart,
            app_version: row.app_version,
        })
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let json = br#"[{"name":"web","namespace":"shop","revision":"7","updated":"2026-11-21T13:00:00Z","status":"deployed","chart":"web-1.0.0","app_version":""}]"#;
        let rows = rows(json).unwrap();
        assert_eq!((rows[0].revision, rows[0].chart.as_str()), (7, "web-1.0.0"));
        assert!(super::rows(br#"[{"name":"web"}]"#).is_err());
    }
}
