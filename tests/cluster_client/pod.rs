//! Within a pod, where there is no kubeconfig but a service account.

use helm_safe_upgrade::cluster::{Cluster, Connection, Environment, KubeCluster};
use serde_json::json;

use crate::server::{Folder, ca, create, namespace, port, who};

#[tokio::test]
async fn a_pod_is_its_service_account() {
    let folder = Folder::new();
    let namespace = namespace("pod");
    create(&format!("/api/v1/namespaces/{namespace}/serviceaccounts"), &json!({"metadata": {"name": "robot"}}));
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/robot/token");
    let token = create(&path, &json!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}));
    folder.write("token", token["status"]["token"].as_str().unwrap());
    folder.write("namespace", &namespace);
    folder.write("ca.crt", &std::fs::read_to_string(ca()).unwrap());
    let environment = Environment {
        service_host: Some("127.0.0.1".to_owned()),
        service_port: Some(port()),
        service_account: folder.path("").into(),
        ..Environment::default()
    };
    let cluster = KubeCluster::connect_in(&Connection::default(), &environment).await.unwrap();
    assert_eq!(cluster.namespace(), namespace);
    assert_eq!(who(&cluster).await.unwrap(), format!("system:serviceaccount:{namespace}:robot"));
}
