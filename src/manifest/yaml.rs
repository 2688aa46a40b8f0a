//! YAML as Go's `sigs.k8s.io/yaml` reads it, which is what Helm and the API server see.
