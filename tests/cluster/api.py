"""A small client of the Kubernetes API, of the standard library alone: a clean machine has no kubectl."""

import contextlib
import http.client
import json
import pathlib
import re
import ssl
import subprocess
import sys
import urllib.parse

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
AGGREGATED_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class ApiError(Exception):
    """An answer of the API server other than success; `status` is its HTTP status code."""

    def __init__(self, method, path, status, message):
        super().__init__(f"{method} {path}: {status} {message}")
        self.status = status


class Resource:
    """A kind of objects that can be listed, such as `deployments` of `apps/v1`."""

    def __init__(self, group, version, name, namespaced, verbs):
        self.group, self.name, self.namespaced, self.verbs = group, name, namespaced, set(verbs)
        self.root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        self.key = f"{name}.{group}" if group else name

    def path(self, namespace="", name=""):
        """The path of all objects, of those of one namespace, or of one object."""
        parts = ["namespaces", namespace] if namespace else []
        parts += [self.name] + ([urllib.parse.quote(name, safe="")] if name else [])
        return "/".join([self.root, *parts])


class Api:
    """One kept connection to an API server. Not for use by several threads."""

    def __init__(self, server, token=None, ca_file=None, timeout=30):
        address = urllib.parse.urlsplit(server)
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            self.connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout, context=context)
        else:
            self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    @classmethod
    def of_state(cls, state, user="admin", timeout=30):
        """The client of a user of the cluster whose state folder this is; `timeout` in seconds."""
        state = pathlib.Path(state)
        users = [line.split(",") for line in (state / "tokens.csv").read_text().splitlines()]
        token = next(fields[0] for fields in users if fields[1] == user)
        return cls((state / "server").read_text().strip(), token, state / "pki/ca.crt", timeout)

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, *, content="application/json", accept="application/json"):
        """The decoded answer: an object where it is JSON, else text. Raises ApiError or OSError."""
        headers = {**self.headers, "Accept": accept}
        if body is not None:
            headers["Content-Type"] = content
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read().decode()
        except (http.client.HTTPException, OSError) as error:
            # The next request opens a new connection.
            self.close()
            raise OSError(f"{method} {path}: {error}") from error
        is_json = answer.headers.get_content_type() == "application/json"
        value = json.loads(text) if is_json and text else text
        if answer.status >= 400:
            message = value.get("message", text) if isinstance(value, dict) else text.strip()
            raise ApiError(method, path, answer.status, message[:500])
        return value

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def delete(self, path, **options):
        return self.request("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def merge(self, path, body):
        """A JSON merge patch."""
        return self.request("PATCH", path, body, content="application/merge-patch+json")

    def list(self, resource):
        """The metadata of all objects of a kind in all namespaces."""
        items, token = [], ""
        while True:
            page = self.request("GET", f"{resource.path()}?limit=500&continue={token}", accept=METADATA_ONLY)
            items += [item["metadata"] for item in page["items"] or []]
            token = urllib.parse.quote(page["metadata"].get("continue", ""))
            if not token:
                return items

    def find(self, path):
        """The object, or None where there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def resources(self):
        """All kinds that the API server serves, each in its preferred version."""
        found = {}
        for root in "/api", "/apis":
            for group in self.request("GET", root, accept=AGGREGATED_DISCOVERY)["items"]:
                group_name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    # The group of an API service that does not answer.
                    if version.get("freshness") == "Stale":
                        continue
                    for entry in version.get("resources", []):
                        namespaced = entry["scope"] == "Namespaced"
                        resource = Resource(group_name, version["version"], entry["resource"], namespaced, entry["verbs"])
                        found.setdefault(resource.key, resource)
        return list(found.values())


def is_borrowed(state):
    """Whether this is the state folder of a user's own cluster, which testcluster did not start."""
    return (pathlib.Path(state) / "borrowed").exists()


@contextlib.contextmanager
def connect(state):
    """The administrator's client of the cluster that this state folder is of.

    A user's own cluster may ask for any kind of credentials; there kubectl takes care of them.
    """
    try:
        if not is_borrowed(state):
            yield Api.of_state(state)
            return
        kubeconfig = (pathlib.Path(state) / "borrowed").read_text().strip()
        with kubectl_proxy(kubeconfig) as address:
            yield Api(address)
    except (OSError, ApiError) as error:
        sys.exit(f"error: the cluster does not answer as it should: {error}")


@contextlib.contextmanager
def kubectl_proxy(kubeconfig):
    """The address at which kubectl lets everything through to a cluster, with its credentials."""
    command = ["kubectl", "--kubeconfig", kubeconfig, "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        try:
            address = re.search(r"127\.0\.0\.1:\d+", proxy.stdout.readline())
            if not address:
                raise OSError("kubectl proxy did not start")
            yield f"http://{address[0]}"
        finally:
            proxy.kill()
