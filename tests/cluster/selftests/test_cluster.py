"""The cluster itself: versions, users, clusters side by side, reset, failures to start, and taking it down."""

import json
import stat
import subprocess
import sys
import unittest

import clusters
from api import Api, ApiError
from clusters import HERE, await_value, environment, testcluster, workload

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def exported(state):
    """The variables that `testcluster env` sets."""
    script = f'eval "$("{clusters.TESTCLUSTER}" env "{state}")" && env -0'
    output = subprocess.run(["bash", "-c", script], env=environment(), capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in output.split("\0") if line)


class Cluster(clusters.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.client(cls.start("another cluster"))
        cls.env = exported(cls.state)

    def helm(self, version, *args):
        return subprocess.run([self.env[f"HELM{version}"], *args], env=self.env, capture_output=True, text=True)

    def test_the_state_is_private(self):
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((self.state / "kubeconfig").stat().st_mode), 0o600)

    def test_up_refuses_a_folder_in_use(self):
        again = testcluster("up", self.state)
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertIn("the folder is not empty", again.stderr)
        self.assertEqual(self.api.get("/readyz"), "ok")

    def test_versions_are_those_pinned(self):
        pinned = dict(line.split() for line in testcluster("versions").stdout.splitlines())
        self.assertEqual(self.api.get("/version")["gitVersion"], f"v{pinned['kubernetes']}")
        major, minor, _ = pinned["kubernetes"].split(".")
        self.assertEqual((self.api.get("/version")["major"], self.api.get("/version")["minor"]), (major, minor))
        for version in "3", "4":
            self.assertEqual(self.helm(version, "version", "--template", "{{.Version}}").stdout, f"v{pinned['helm' + version]}")

    def test_charts_see_the_kubernetes_version(self):
        chart = self.folder / "chart"
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\nkubeVersion: ^1.36.0-0\n")
        text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata:\n"
        text += "  minor: v{{ .Capabilities.KubeVersion.Major }}.{{ .Capabilities.KubeVersion.Minor }}\n"
        (chart / "templates/seen.yaml").write_text(text)
        for version in "3", "4":
            rendered = self.helm(version, "upgrade", "--install", "seen", chart, "--dry-run=server")
            self.assertIn("minor: v1.36\n", rendered.stdout, rendered.stderr)
        self.assertIn("minor: v1.36\n", self.helm("3", "template", "seen", chart).stdout)

    def test_helm_installs_and_waits(self):
        chart = self.folder / "web"
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
        body = {"apiVersion": "apps/v1", "kind": "Deployment", **workload("web", "x:1")}
        (chart / "templates/web.yaml").write_text(json.dumps(body))
        for version in "3", "4":
            installed = self.helm(version, "install", f"web{version}", chart, "--wait", "--timeout", "20s",
                                  "--namespace", f"helm{version}", "--create-namespace")
            self.assertEqual(installed.returncode, 0, installed.stderr)

    def test_clusters_know_nothing_of_each_other(self):
        self.api.post(DEPLOYMENTS, workload("web", "x:1"))
        self.assertTrue(await_value(lambda: self.api.get(f"{DEPLOYMENTS}/web")["status"].get("readyReplicas")))
        self.assertIsNone(self.other.find(f"{DEPLOYMENTS}/web"))

    def assert_forbidden(self, api, path):
        with self.assertRaises(ApiError) as caught:
            api.get(path)
        self.assertEqual(caught.exception.status, 403)

    def test_users_have_the_rights_that_tests_give_them(self):
        viewer, nobody = (self.client(self.state, user) for user in ("viewer", "nobody"))
        for api in viewer, nobody:
            self.assert_forbidden(api, DEPLOYMENTS)
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "viewer"}
        path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
        self.api.post(path, {"metadata": {"name": "viewer"}, "roleRef": role, "subjects": [subject]})

        def allowed():
            try:
                return viewer.get(DEPLOYMENTS)
            except ApiError:
                return None
        self.assertEqual(await_value(allowed)["items"], [])
        self.assert_forbidden(nobody, DEPLOYMENTS)
        self.assert_forbidden(viewer, "/api/v1/namespaces/default/secrets")

    def test_the_kubeconfig_has_a_context_for_each_user(self):
        for context, code in ("admin", 0), ("viewer", 1), ("nobody", 1):
            for version in "3", "4":
                listed = self.helm(version, "list", "--kube-context", context)
                self.assertEqual(bool(listed.returncode), bool(code), listed.stderr)
                self.assertIn("" if context == "admin" else f'User "{context}" cannot list resource "secrets"', listed.stderr)

    def test_the_administrator_may_impersonate(self):
        self.api.headers["Impersonate-User"] = "nobody"
        try:
            self.assert_forbidden(self.api, DEPLOYMENTS)
        finally:
            del self.api.headers["Impersonate-User"]

    def test_another_servers_certificate_is_refused(self):
        api = Api((self.state / "server").read_text().strip())
        self.addCleanup(api.close)
        with self.assertRaisesRegex(OSError, "CERTIFICATE_VERIFY_FAILED"):
            api.get("/readyz")

    def test_stages_are_those_of_their_generator(self):
        made = subprocess.run([sys.executable, HERE / "stages.py"], capture_output=True, text=True, check=True).stdout
        self.assertEqual((HERE / "stages.yaml").read_text(), made, "run: stages.py >stages.yaml")


if __name__ == "__main__":
    unittest.main()
