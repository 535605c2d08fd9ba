//! Variables of `postBuild`: where they come from, and how they are put in place.

use std::collections::BTreeMap;

use flux_api::Kustomization;
use flux_api::kustomize::{PostBuild, SubstituteStrategy};
use flux_apply::metadata;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Upstream's rule for names of variables.
const NAME_RULE: &str = "^[_[:alpha:]][_[:alpha:][:digit:]]*$";

/// The variables of one attempt. Their values may be secret: there is no way to print them.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    active: bool,
}

/// Why variables cannot be read or put in place. Worded as upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    #[error("substitute from '{kind}/{name}' error: {message}")]
    From { kind: String, name: String, message: String },
    #[error("envsubst error: '{name}' var name is invalid, must match '{NAME_RULE}'")]
    Name { name: String },
    #[error("envsubst error: variable substitution failed: {0}")]
    Evaluate(#[from] flux_envsubst::Error),
    #[error("envsubst error: YAMLToJSON: {message}")]
    Yaml { message: String },
}

impl Variables {
    /// Reads ConfigMaps and Secrets in their order, then the inline variables, which win.
    pub async fn read(obj: &Kustomization, client: &Client) -> Result<Self, SubstituteError> {
        let Some(post) = &obj.spec.post_build else { return Ok(Self::default()) };
        let namespace = obj.metadata.namespace.as_deref().unwrap_or_default();
        let mut values = BTreeMap::new();
        for from in &post.substitute_from {
            let read = match from.kind.as_str() {
                "ConfigMap" => config_map(client, namespace, &from.name).await,
                "Secret" => secret(client, namespace, &from.name).await,
                _ => continue,
            };
            match read {
                Ok(read) => values.extend(read),
                Err(kube::Error::Api(status)) if status.is_not_found() && from.optional => {}
                Err(error) => {
                    let message = match error {
                        kube::Error::Api(status) => status.message,
                        other => other.to_string(),
                    };
                    return Err(SubstituteError::From { kind: from.kind.clone(), name: from.name.clone(), message });
                }
            }
        }
        values.extend(post.substitute.iter().map(|(name, value)| (name.clone(), one_line(value))));
        Self::checked(values, post)
    }

    /// The inline variables only, for builds that ask no cluster.
    pub fn inline(obj: &Kustomization) -> Result<Self, SubstituteError> {
        let Some(post) = &obj.spec.post_build else { return Ok(Self::default()) };
        let values = post.substitute.iter().map(|(name, value)| (name.clone(), one_line(value))).collect();
        Self::checked(values, post)
    }

    fn checked(values: BTreeMap<String, String>, post: &PostBuild) -> Result<Self, SubstituteError> {
        if let Some(name) = values.keys().find(|name| !valid_name(name)) {
            return Err(SubstituteError::Name { name: name.clone() });
        }
        let always = post.substitute_strategy == Some(SubstituteStrategy::Always);
        Ok(Self { active: always || !values.is_empty(), values })
    }

    /// A digest of all names and values: part of the key that says whether anything changed.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update([u8::from(self.active)]);
        for (name, value) in &self.values {
            for text in [name, value] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
        }
        hash.finalize().into()
    }

    /// Puts the variables into an object, unless its metadata forbids it.
    pub fn apply(&self, object: &mut Value, strict: bool) -> Result<(), SubstituteError> {
        let off = |value: &str| value == flux_api::DISABLED_VALUE;
        let key = flux_api::SUBSTITUTE_ANNOTATION;
        if !self.active || off(metadata::label(object, key)) || off(metadata::annotation(object, key)) {
            return Ok(());
        }
        let yaml_error = |error: flux_yaml::Error| SubstituteError::Yaml { message: error.to_string() };
        let text = flux_yaml::marshal_v2(object).map_err(yaml_error)?;
        if !text.contains('$') {
            return Ok(());
        }
        let lookup = |name: &str| self.values.get(name).cloned();
        let text = flux_envsubst::eval(&text, &lookup, strict)?;
        *object = flux_yaml::yaml_to_json(&text).map_err(yaml_error)?;
        Ok(())
    }
}

fn valid_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn one_line(value: &str) -> String {
    value.replace('\n', "")
}

async fn config_map(client: &Client, namespace: &str, name: &str) -> kube::Result<Vec<(String, String)>> {
    let found = Api::<ConfigMap>::namespaced(client.clone(), namespace).get(name).await?;
    Ok(found.data.unwrap_or_default().into_iter().map(|(name, value)| (name, one_line(&value))).collect())
}

async fn secret(client: &Client, namespace: &str, name: &str) -> kube::Result<Vec<(String, String)>> {
    let found = Api::<Secret>::namespaced(client.clone(), namespace).get(name).await?;
    let data = found.data.unwrap_or_default().into_iter();
    Ok(data.map(|(name, value)| (name, one_line(&String::from_utf8_lossy(&value.0)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn variables(values: &[(&str, &str)]) -> Variables {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Variables::checked(values, &PostBuild::default()).expect("valid names")
    }

    #[test]
    fn values_take_their_type_from_the_manifest() {
        let mut object = json!({"kind": "X", "a": "${n}", "b": "v${n}", "c": "$${n}", "metadata": {}});
        variables(&[("n", "5")]).apply(&mut object, true).expect("substituted");
        assert_eq!(object["a"], json!(5));
        assert_eq!((&object["b"], &object["c"]), (&json!("v5"), &json!("${n}")));
    }

    #[test]
    fn strict_names_the_missing_variable() {
        let error = variables(&[("n", "5")]).apply(&mut json!({"a": "${missing}"}), true).expect_err("strict");
        assert!(error.to_string().contains("variable not set (strict mode): \"missing\""), "{error}");
        let mut object = json!({"a": "x${missing}"});
        variables(&[("n", "5")]).apply(&mut object, false).expect("lenient");
        assert_eq!(object, json!({"a": "x"}));
    }

    #[test]
    fn metadata_forbids_it() {
        let mut object =
            json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}, "a": "${n}"});
        variables(&[("n", "5")]).apply(&mut object, true).expect("left alone");
        assert_eq!(object["a"], json!("${n}"));
    }

    #[test]
    fn names_are_checked() {
        let values = BTreeMap::from([("1a".to_owned(), String::new())]);
        assert!(Variables::checked(values, &PostBuild::default()).is_err());
    }
}
