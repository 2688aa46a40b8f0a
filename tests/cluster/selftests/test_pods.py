"""What pods do by their image tags, and that workloads and claims come to life."""

import unittest

import clusters
from clusters import await_value, pod_template, workload

PODS = "/api/v1/namespaces/default/pods"


def sign(container):
    """What a container's status shows of trouble: (reason it waits or ended for, exit code)."""
    state, last = container["state"], container.get("lastState", {})
    ended = last.get("terminated") or state.get("terminated") or {}
    return state.get("waiting", ended).get("reason"), ended.get("exitCode")


def is_ready(pod):
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class Pods(clusters.ClusterTest):
    def start_pod(self, name, images, restart="Always", init=()):
        containers = [{"name": f"c{index}", "image": image} for index, image in enumerate(images)]
        inits = [{"name": f"i{index}", "image": image} for index, image in enumerate(init)]
        body = pod_template(name, containers=containers, initContainers=inits, restartPolicy=restart)
        body["metadata"]["name"] = name
        self.api.post(PODS, body)

    def await_pod(self, name, condition, seconds=10):
        """The pod once the condition holds, else as it is at the end."""
        def look():
            pod = self.api.get(f"{PODS}/{name}")
            return pod if condition(pod) else None
        return await_value(look, seconds) or self.api.get(f"{PODS}/{name}")

    def assert_signs(self, image, phase, expected, restart="Always"):
        name = image.replace(":", "-").replace(".", "-")
        self.start_pod(name, [image], restart)

        def shows(pod):
            containers = pod["status"].get("containerStatuses")
            return containers and pod["status"]["phase"] == phase and sign(containers[0]) == expected
        pod = self.await_pod(name, shows)
        self.assertEqual((pod["status"]["phase"], sign(pod["status"]["containerStatuses"][0])), (phase, expected))
        self.assertFalse(is_ready(pod))

    def test_a_missing_image_is_never_pulled(self):
        self.assert_signs("x:missing", "Pending", ("ImagePullBackOff", None))

    def test_a_missing_image_is_tried_again_and_one_that_heals_is_not(self):
        for name in "x:missing", "x:missing-heals":
            self.start_pod(f"pulls-{name[2:]}", [name])
        seen = {"pulls-missing": [], "pulls-missing-heals": []}

        def look():
            for name, reasons in seen.items():
                statuses = self.api.get(f"{PODS}/{name}")["status"].get("containerStatuses")
                reason = sign(statuses[0])[0] if statuses else None
                if reason and reasons[-1:] != [reason]:
                    reasons.append(reason)
            return len(seen["pulls-missing"]) >= 4 and is_ready(self.api.get(f"{PODS}/pulls-missing-heals"))
        await_value(look, 15)
        self.assertEqual(seen["pulls-missing"][:4], ["ErrImagePull", "ImagePullBackOff"] * 2)
        self.assertEqual(seen["pulls-missing-heals"], ["ErrImagePull", "ImagePullBackOff"])

    def test_a_crashing_container_is_restarted_for_ever(self):
        self.assert_signs("x:1.2-crash", "Running", ("CrashLoopBackOff", 1))

    def test_a_container_can_run_out_of_memory(self):
        self.assert_signs("x:oom", "Running", ("CrashLoopBackOff", 137))

    def test_an_unready_container_runs(self):
        self.assert_signs("x:unready", "Running", (None, None))

    def test_a_task_ends_well(self):
        self.assert_signs("x:1", "Succeeded", ("Completed", 0), "Never")

    def test_a_task_can_fail(self):
        self.assert_signs("x:crash", "Failed", ("Error", 1), "OnFailure")

    def test_a_task_can_fail_late(self):
        self.assert_signs("x:late", "Failed", ("Error", 1), "Never")

    def test_a_task_can_hang(self):
        self.assert_signs("x:unready", "Running", (None, None), "Never")

    def test_latest_is_not_late_and_other_tags_become_ready(self):
        images = ["x:latest", "x", "registry.example:5000/team/crash", "x:1.2.3-slowly", "x:v1@sha256:" + "0" * 64]
        self.start_pod("good", images, init=["x:1"])
        pod = self.await_pod("good", is_ready, 2)
        self.assertTrue(is_ready(pod), pod["status"])

    def test_only_the_tagged_container_is_in_trouble(self):
        self.start_pod("two", ["x:1", "x:crash"])
        pod = self.await_pod("two", lambda pod: pod["status"].get("containerStatuses"))
        self.assertEqual([each["ready"] for each in pod["status"]["containerStatuses"]], [True, False])
        self.assertFalse(is_ready(pod))

    def test_an_init_container_holds_up_the_pod(self):
        self.start_pod("held-up", ["x:1"], init=["x:1", "x:crash"])
        pod = self.await_pod("held-up", lambda pod: pod["status"].get("containerStatuses"))
        status = pod["status"]
        self.assertEqual(status["phase"], "Pending")
        self.assertEqual([sign(each)[0] for each in status["initContainerStatuses"]], ["Completed", "CrashLoopBackOff"])
        self.assertEqual(sign(status["containerStatuses"][0])[0], "PodInitializing")

    def test_pods_change_in_time(self):
        self.start_pod("slow", ["x:slow"])
        for trouble in "missing", "crash", "oom", "unready":
            self.start_pod(f"heals-{trouble}", [f"x:{trouble}-heals"])
        self.start_pod("late", ["x:late"])
        self.assertTrue(is_ready(self.await_pod("late", is_ready, 3)))
        self.assertFalse(is_ready(self.api.get(f"{PODS}/slow")))
        for trouble in "missing", "crash", "oom", "unready":
            self.assertFalse(is_ready(self.api.get(f"{PODS}/heals-{trouble}")), trouble)
        for name in "slow", "heals-missing", "heals-crash", "heals-oom", "heals-unready":
            self.assertTrue(is_ready(self.await_pod(name, is_ready)), name)
        late = self.await_pod("late", lambda pod: not is_ready(pod))
        self.assertEqual(sign(late["status"]["containerStatuses"][0]), ("CrashLoopBackOff", 1))

    def test_logs_and_events_tell_of_the_trouble(self):
        self.start_pod("broken", ["x:crash"])
        self.await_pod("broken", lambda pod: pod["status"].get("containerStatuses"))
        for previous in "", "?previous=true":
            self.assertIn("cannot reach database", self.api.get(f"{PODS}/broken/log{previous}"))
        path = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dbroken"
        reasons = await_value(lambda: {"BackOff"} & {each["reason"] for each in self.api.get(path)["items"]})
        self.assertEqual(reasons, {"BackOff"})

    def test_a_deployment_becomes_ready(self):
        path = "/apis/apps/v1/namespaces/default/deployments"
        self.api.post(path, workload("web", "x:1", replicas=3))
        ready = await_value(lambda: self.api.get(f"{path}/web")["status"].get("readyReplicas") == 3)
        self.assertTrue(ready, self.api.get(f"{path}/web")["status"])

    def test_claims_of_a_stateful_set_bind(self):
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}}
        claim = {"metadata": {"name": "disk"}, "spec": spec}
        path = "/apis/apps/v1/namespaces/default/statefulsets"
        self.api.post(path, workload("db", "x:1", serviceName="db", replicas=2, volumeClaimTemplates=[claim]))
        ready = await_value(lambda: self.api.get(f"{path}/db")["status"].get("readyReplicas") == 2)
        self.assertTrue(ready, self.api.get(f"{path}/db")["status"])
        claims = self.api.get("/api/v1/namespaces/default/persistentvolumeclaims")["items"]
        self.assertEqual([each["status"]["phase"] for each in claims], ["Bound", "Bound"])

    def test_a_job_completes(self):
        path = "/apis/batch/v1/namespaces/default/jobs"
        template = pod_template("once", containers=[{"name": "main", "image": "x:1"}], restartPolicy="Never")
        self.api.post(path, {"metadata": {"name": "once"}, "spec": {"template": template}})
        self.assertTrue(await_value(lambda: self.api.get(f"{path}/once")["status"].get("succeeded") == 1))


if __name__ == "__main__":
    unittest.main()
