//! From a kind to the place where the server serves it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;

/// Where a kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
}

impl Mapped {
    /// The URL path of all objects of the kind in a namespace, or in all.
    pub fn collection(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "apis" } else { "api" };
        let version = &self.api_version;
        let plural = &self.plural;
        if self.namespaced && !namespace.is_empty() {
            format!("/{root}/{version}/namespaces/{}/{plural}", escape(namespace))
        } else {
            format!("/{root}/{version}/{plural}")
        }
    }

    /// The URL path of one object.
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.collection(namespace), escape(name))
    }
}

/// A path segment; names of RBAC objects may hold anything but a slash.
fn escape(segment: &str) -> String {
    let mut escaped = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => escaped.push(byte as char),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// Why a kind has no place.
#[derive(Debug, thiserror::Error)]
pub enum MapperError {
    /// Worded as upstream; a custom kind whose definition is not installed ends here.
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    NoMatch { kind: String, api_version: String },
    #[error("discovery of {api_version} failed: {message}")]
    Discovery { api_version: String, message: String },
}

type Served = HashMap<String, Mapped>;

/// Remembers what the server serves, per group and version. Clones share the memory.
///
/// A kind that is not known is asked for again each time, so that a new definition is seen at once.
#[derive(Clone, Default)]
pub struct Mapper {
    versions: Arc<RwLock<HashMap<String, Arc<Served>>>>,
    groups: Arc<RwLock<HashMap<String, Vec<String>>>>,
}

impl Mapper {
    /// Where `kind` of `api_version` is served.
    pub async fn find(&self, client: &Client, api_version: &str, kind: &str) -> Result<Mapped, MapperError> {
        if let Some(mapped) = self.cached(api_version, kind) {
            return Ok(mapped);
        }
        let served = Arc::new(discover(client, api_version).await?);
        let found = served.get(kind).cloned();
        if !served.is_empty() {
            self.versions.write().unwrap_or_else(PoisonError::into_inner).insert(api_version.to_owned(), served);
        }
        found.ok_or_else(|| MapperError::NoMatch { kind: kind.into(), api_version: api_version.into() })
    }

    /// Where `kind` of `group` is served, in `version` if it still is, else in any other.
    pub async fn find_any(
        &self,
        client: &Client,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<Mapped, MapperError> {
        let join = |version: &str| if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let first = match self.find(client, &join(version), kind).await {
            Err(MapperError::NoMatch { kind, api_version }) if !group.is_empty() => {
                MapperError::NoMatch { kind, api_version }
            }
            outcome => return outcome,
        };
        for other in self.group_versions(client, group).await? {
            if other == join(version) {
                continue;
            }
            match self.find(client, &other, kind).await {
                Err(MapperError::NoMatch { .. }) => {}
                outcome => return outcome,
            }
        }
        Err(first)
    }

    fn cached(&self, api_version: &str, kind: &str) -> Option<Mapped> {
        // Kinds that Kubernetes itself serves lie where they lie in every cluster: nobody has to be asked.
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if let Some(row) = flux_schema::find_kind(group, version, kind) {
            return Some(Mapped {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                plural: row.resource.clone(),
                namespaced: row.namespaced,
            });
        }
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(api_version)?.get(kind).cloned()
    }

    /// Forgets a version: a definition changed or went away.
    pub fn invalidate(&self, api_version: &str) {
        self.versions.write().unwrap_or_else(PoisonError::into_inner).remove(api_version);
    }

    async fn group_versions(&self, client: &Client, group: &str) -> Result<Vec<String>, MapperError> {
        if let Some(known) = self.groups.read().unwrap_or_else(PoisonError::into_inner).get(group) {
            return Ok(known.clone());
        }
        let groups = client.list_api_groups().await.map_err(|error| MapperError::Discovery {
            api_version: group.into(),
            message: crate::error::kube_text(&error),
        })?;
        let found = groups.groups.into_iter().find(|found| found.name == group);
        let versions: Vec<String> =
            found.into_iter().flat_map(|found| found.versions).map(|version| version.group_version).collect();
        Ok(versions)
    }
}

async fn discover(client: &Client, api_version: &str) -> Result<Served, MapperError> {
    let list = if api_version.contains('/') {
        client.list_api_group_resources(api_version).await
    } else {
        client.list_core_api_resources(api_version).await
    };
    match list {
        Ok(list) => Ok(served(api_version, list)),
        // For a group that it does not know at all, a server answers in plain text: only the code counts.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Served::new()),
        Err(error) => {
            Err(MapperError::Discovery { api_version: api_version.into(), message: crate::error::kube_text(&error) })
        }
    }
}

fn served(api_version: &str, list: APIResourceList) -> Served {
    let whole = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    whole
        .map(|resource| {
            let mapped = Mapped {
                api_version: api_version.to_owned(),
                kind: resource.kind.clone(),
                plural: resource.name,
                namespaced: resource.namespaced,
            };
            (resource.kind, mapped)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let mut mapped = Mapped {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            plural: "configmaps".into(),
            namespaced: true,
        };
        assert_eq!(mapped.object("a", "b"), "/api/v1/namespaces/a/configmaps/b");
        assert_eq!(mapped.collection(""), "/api/v1/configmaps");
        mapped = Mapped {
            api_version: "rbac.authorization.k8s.io/v1".into(),
            namespaced: false,
            plural: "clusterroles".into(),
            ..mapped
        };
        assert_eq!(mapped.object("ignored", "a:b c"), "/apis/rbac.authorization.k8s.io/v1/clusterroles/a:b%20c");
    }
}
