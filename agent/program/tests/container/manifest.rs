//! What the manifests say, read from the files that an operator applies.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of the container's files.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/container").canonicalize().unwrap()
}

/// A file of YAML with one document.
pub(crate) fn read(file: &str) -> Value {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Which manifests are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// `kubernetes`: root with the power to read.
    Root,
    /// `kubernetes-non-root`: what it changes is in a patch.
    NonRoot,
}

/// What a pod of the DaemonSet is made of.
pub(crate) struct Manifest {
    pod: Value,
}

impl Manifest {
    pub(crate) fn of(variant: Variant) -> Self {
        let mut daemonset = read("kubernetes/daemonset.yaml");
        if variant == Variant::NonRoot {
            merge(&mut daemonset, read("kubernetes-non-root/daemonset.patch.yaml"));
        }
        Self { pod: daemonset["spec"]["template"]["spec"].take() }
    }

    pub(crate) fn container(&self) -> &Value {
        &self.pod["containers"][0]
    }

    /// What the program is given.
    pub(crate) fn arguments(&self) -> Vec<String> {
        texts(&self.container()["args"])
    }

    /// The environment, with what the cluster puts in: the key of the Secret and the name of the node.
    pub(crate) fn environment(&self, key: &str, node: &str) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for source in self.container()["envFrom"].as_array().unwrap() {
            assert_eq!(source["configMapRef"]["name"], read("kubernetes/config.yaml")["metadata"]["name"]);
            let data = read("kubernetes/config.yaml")["data"].take();
            for (name, value) in data.as_object().unwrap() {
                environment.insert(name.clone(), value.as_str().expect("the API takes texts only").to_owned());
            }
        }
        for entry in self.container()["env"].as_array().unwrap() {
            let from = &entry["valueFrom"];
            let value = match (from["secretKeyRef"].as_object(), from["fieldRef"]["fieldPath"].as_str()) {
                (Some(secret), _) => {
                    let example = read("kubernetes/api-key.example.yaml");
                    assert_eq!(secret["name"], example["metadata"]["name"]);
                    assert!(example["stringData"][secret["key"].as_str().unwrap()].is_string());
                    key
                }
                (None, Some("spec.nodeName")) => node,
                other => panic!("{entry}: {other:?} is not known here"),
            };
            environment.insert(entry["name"].as_str().unwrap().to_owned(), value.to_owned());
        }
        environment
    }

    /// The files of the ConfigMap as its volume has them: path and text.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let map = read("kubernetes/agent-files.yaml");
        let volume = &self.volume("config")["configMap"];
        assert_eq!(volume["name"], map["metadata"]["name"]);
        let items = volume["items"].as_array().unwrap();
        assert_eq!(items.len(), map["data"].as_object().unwrap().len(), "each key of the ConfigMap becomes a file");
        let text = |item: &Value| map["data"][item["key"].as_str().unwrap()].as_str().unwrap().to_owned();
        items.iter().map(|item| (item["path"].as_str().unwrap().to_owned(), text(item))).collect()
    }

    /// Where each volume is mounted, whether it can only be read, and the volume; in their order.
    pub(crate) fn mounts(&self) -> Vec<(String, bool, &Value)> {
        let mounts = self.container()["volumeMounts"].as_array().unwrap();
        let mount = |mount: &Value| {
            let volume = self.volume(mount["name"].as_str().unwrap());
            (mount["mountPath"].as_str().unwrap().to_owned(), mount["readOnly"] == true, volume)
        };
        mounts.iter().map(mount).collect()
    }

    fn volume(&self, name: &str) -> &Value {
        let mut volumes = self.pod["volumes"].as_array().unwrap().iter();
        volumes.find(|volume| volume["name"] == name).unwrap_or_else(|| panic!("there is no volume {name}"))
    }

    /// The path that a probe asks.
    pub(crate) fn probe(&self, name: &str) -> &str {
        let get = &self.container()[name]["httpGet"];
        assert_eq!(get["port"], self.container()["ports"][0]["name"]);
        get["path"].as_str().unwrap()
    }

    /// User, group, and the capabilities that are left.
    pub(crate) fn powers(&self) -> (u64, u64, Vec<String>) {
        let context = &self.container()["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(texts(&context["capabilities"]["drop"]), ["ALL"]);
        let number = |key: &str| context[key].as_u64().unwrap();
        (number("runAsUser"), number("runAsGroup"), texts(&context["capabilities"]["add"]))
    }
}

/// A list of texts; none is an empty one.
pub(crate) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A strategic merge, as far as the patch needs it: lists of things with names by their names, other lists whole, and null
/// removes.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                match value {
                    Value::Null => _ = into.remove(&key),
                    value => merge(into.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        (Value::Array(into), Value::Array(patch)) if patch.iter().all(|one| one["name"].is_string()) => {
            for value in patch {
                match into.iter_mut().find(|one| one["name"] == value["name"]) {
                    Some(one) => merge(one, value),
                    None => into.push(value),
                }
            }
        }
        (into, patch) => *into = patch,
    }
}
