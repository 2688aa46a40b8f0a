"""That reset makes a cluster as it was, whatever a test did to it."""

import unittest

import baseline
import clusters
import pool
from api import ApiError
from clusters import await_value, testcluster, workload

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def custom_resource_definition():
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


class Reset(clusters.ClusterTest):
    def snapshot(self):
        """Every object that reset answers for."""
        return {
            baseline.line(resource, metadata)
            for resource in baseline.removable(self.api) for metadata in self.api.list(resource)
            if not baseline.made_by_the_cluster(resource, metadata)
        }

    def assert_pool_is_fresh(self):
        volumes = self.api.get("/api/v1/persistentvolumes")["items"]
        self.assertEqual([each["status"]["phase"] for each in volumes], ["Available"] * pool.VOLUMES)
        self.assertEqual([each["metadata"]["name"] for each in volumes if "claimRef" in each["spec"]], [])
        self.assertEqual({each["spec"]["capacity"]["storage"] for each in volumes}, {"10Gi"})
        nodes = self.api.get("/api/v1/nodes")["items"]
        self.assertEqual([(each["spec"], len(each["metadata"]["labels"])) for each in nodes], [({}, 3)] * 3)
        classes = self.api.get("/apis/storage.k8s.io/v1/storageclasses")["items"]
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        self.assertEqual([each["metadata"]["annotations"] for each in classes], [default])

    def setUp(self):
        self.before = self.snapshot()
        self.assert_pool_is_fresh()

    def assert_reset(self):
        self.assertNotEqual(self.snapshot(), self.before)
        result = testcluster("reset", self.state)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(self.snapshot(), self.before)
        self.assert_pool_is_fresh()

    def namespace(self, name):
        self.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
        self.assertTrue(await_value(lambda: self.api.find(f"/api/v1/namespaces/{name}/serviceaccounts/default")))

    def run_workloads(self, namespace):
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}}
        claims = [{"metadata": {"name": "disk"}, "spec": claim}]
        path = f"/apis/apps/v1/namespaces/{namespace}"
        self.api.post(f"{path}/deployments", workload("web", "x:1", replicas=3))
        self.api.post(f"{path}/statefulsets", workload("db", "x:1", serviceName="db", volumeClaimTemplates=claims))
        self.api.post(f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "db"}, "spec": {"ports": [{"port": 1}]}})

        def run():
            pods = self.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
            return sum(pod["status"]["phase"] == "Running" for pod in pods) == 4
        self.assertTrue(await_value(run))

    def test_workloads_and_their_volumes(self):
        self.namespace("shop")
        for namespace in "default", "shop", "kube-system":
            self.run_workloads(namespace)
        self.assert_reset()

    def test_the_same_again_and_again(self):
        for _ in range(3):
            self.namespace("shop")
            self.run_workloads("shop")
            self.assert_reset()

    def test_objects_that_wait_for_a_controller_that_is_gone(self):
        self.namespace("shop")
        held = {"name": "held", "finalizers": ["example.com/never"]}
        self.api.post("/api/v1/namespaces", {"metadata": {**held, "name": "held"}})
        for namespace in "default", "shop":
            self.api.post(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": held})
            self.api.post(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", {"metadata": {"name": "own"}, "spec": {}})
        self.api.delete("/api/v1/namespaces/shop")
        self.assert_reset()

    def test_objects_without_a_namespace(self):
        meta = {"metadata": {"name": "left-over"}}
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "left-over"}
        self.api.post(f"{rbac}/clusterroles", {**meta, "rules": []})
        self.api.post(f"{rbac}/clusterrolebindings", {**meta, "roleRef": role})
        self.api.post("/apis/scheduling.k8s.io/v1/priorityclasses", {**meta, "value": 1})
        self.api.post("/apis/networking.k8s.io/v1/ingressclasses", {**meta, "spec": {"controller": "example.com/c"}})
        self.api.post("/apis/storage.k8s.io/v1/storageclasses", {**meta, "provisioner": "example.com/p"})
        self.api.post("/api/v1/persistentvolumes", {**pool.volume(1), **meta})
        self.assert_reset()

    def test_custom_resources(self):
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.api.post(definitions, custom_resource_definition())
        things = "/apis/example.com/v1/namespaces/default/things"
        thing = {"apiVersion": "example.com/v1", "kind": "Thing"}
        thing["metadata"] = {"name": "held", "finalizers": ["example.com/never"]}

        def posted():
            try:
                return self.api.post(things, thing)
            except ApiError:
                # The API server takes a moment to serve a new kind.
                return None
        self.assertTrue(await_value(posted))
        self.assert_reset()

    def test_a_webhook_and_an_api_service_that_do_not_answer(self):
        service = {"name": "gone", "namespace": "default"}
        spec = {"group": "gone.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
        spec.update(service=service, insecureSkipTLSVerify=True)
        self.api.post("/apis/apiregistration.k8s.io/v1/apiservices", {"metadata": {"name": "v1.gone.example.com"}, "spec": spec})
        self.api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "guarded"}})
        everything = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}
        hook = {"name": "gone.example.com", "clientConfig": {"service": service}, "rules": [everything]}
        hook.update(admissionReviewVersions=["v1"], sideEffects="None")
        self.api.post(f"{ADMISSION}/validatingwebhookconfigurations", {"metadata": {"name": "gone"}, "webhooks": [hook]})
        self.assert_reset()

    def test_nodes_and_classes_that_a_test_changed(self):
        self.api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "new"}})
        self.api.merge("/api/v1/nodes/node-1", {"spec": {"unschedulable": True}})
        self.api.merge("/api/v1/nodes/node-2", {"metadata": {"labels": {"disk": "fast"}}})
        self.api.delete("/api/v1/nodes/node-3")
        self.api.delete("/apis/storage.k8s.io/v1/storageclasses/standard")
        self.api.merge("/api/v1/persistentvolumes/pool-007", {"spec": {"capacity": {"storage": "99Gi"}}})
        self.assert_reset()

    def test_a_cluster_not_started_here_is_refused(self):
        state = self.folder / "borrowed"
        state.mkdir()
        (state / "borrowed").write_text(f"{self.state}/kubeconfig\n")
        path = "/api/v1/namespaces/default/configmaps/precious"
        self.api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "precious"}})
        refused = testcluster("reset", state)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("HSU_TEST_CLUSTER_DISPOSABLE=yes", refused.stderr)
        self.assertTrue(self.api.find(path))


if __name__ == "__main__":
    unittest.main()
