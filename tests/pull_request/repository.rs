//! A repository of charts with a branch.

use crate::user::User;

impl User {
    /// A repository `shop` with the chart `charts/web`, the chart `charts/api`, which takes in the library `charts/common`, and values
    /// for production; on a branch `feature` after that.
    pub(crate) fn has_repository(&self) {
        self.writes("shop/charts/common/Chart.yaml", "apiVersion: v2\nname: common\nversion: 0.1.0\ntype: library\n");
        self.writes("shop/charts/common/templates/_tier.tpl", "{{- define \"tier\" }}tier: front{{ end }}\n");
        let needs = "dependencies:\n- {name: common, version: 0.1.0, repository: \"file://../common\"}\n";
        self.writes("shop/charts/api/Chart.yaml", &format!("apiVersion: v2\nname: api\nversion: 0.1.0\n{needs}"));
        let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: api\n  labels:\n    {{ include \"tier\" . }}\ndata: {a: {{ .Values.a | default 1 | quote }}}\n";
        self.writes("shop/charts/api/templates/settings.yaml", settings);
        self.writes("shop/charts/web/values-production.yaml", "replicaCount: 2\nauth: {password: old-geheim}\n");
        let environments = "pullRequest:\n  kubeVersion: 1.33.0\n  environments:\n  - {name: production, namespace: shop, values: ['{path}/values-production.yaml']}\n";
        self.writes("shop/helm-safe-upgrade.yaml", environments);
        self.writes("shop/charts/api/values-production.yaml", "{}\n");
        self.does(
            "mkdir -p shop/charts && cp -r web/. shop/charts/web && cd shop && git init -q -b main && \
             git config user.name somebody && git config user.email somebody@example.com && git add -A && \
             git commit -qm first && git checkout -q -b feature",
        );
    }

    /// Commits what is there.
    pub(crate) fn commits(&self) {
        self.does("cd shop && git add -A && git commit -qm more");
    }
}
