//! Identifiers of objects in an inventory: `<namespace>_<name>_<group>_<kind>`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::metadata;

/// Names an object without its version. Ordered as text would be: namespace, name, group, kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    pub namespace: String,
    pub name: String,
    pub group: String,
    pub kind: String,
}

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The parts are not four.
    #[error("unable to parse stored object metadata: {0}")]
    Malformed(String),
    /// Name or kind is missing.
    #[error("object has no {0}")]
    Incomplete(&'static str),
}

/// In names of RBAC objects a colon is legal; identifiers write it so.
const COLON: &str = "__";

impl ObjectId {
    /// The identifier of an object.
    pub fn of(object: &Value) -> Self {
        let (group, _) = metadata::group_version(object);
        Self {
            namespace: metadata::namespace(object).to_owned(),
            name: metadata::name(object).to_owned(),
            group: group.to_owned(),
            kind: metadata::kind(object).to_owned(),
        }
    }

    /// `Kind/namespace/name`, as people see it in events and errors.
    pub fn subject(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            if self.group == "rbac.authorization.k8s.io" { self.name.replace(':', COLON) } else { self.name.clone() };
        write!(f, "{}_{name}_{}_{}", self.namespace, self.group, self.kind)
    }
}

impl FromStr for ObjectId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let malformed = || IdError::Malformed(text.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(malformed)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(malformed)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(malformed)?;
        // Custom kinds may have underscores in their names.
        let name = name.replace(COLON, ":");
        if name.is_empty() {
            return Err(IdError::Incomplete("name"));
        }
        if kind.is_empty() {
            return Err(IdError::Incomplete("kind"));
        }
        Ok(Self { namespace: namespace.into(), name, group: group.into(), kind: kind.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_upstream_writes() {
        let id: ObjectId = "cap-app_web_apps_Deployment".parse().expect("valid");
        assert_eq!(id.subject(), "Deployment/cap-app/web");
        let id: ObjectId = "_cap-app__Namespace".parse().expect("valid");
        assert_eq!((id.group.as_str(), id.subject()), ("", "Namespace/cap-app".into()));
        let id: ObjectId = "_system__basic-user_rbac.authorization.k8s.io_ClusterRole".parse().expect("valid");
        assert_eq!(id.name, "system:basic-user");
        assert_eq!(id.to_string(), "_system__basic-user_rbac.authorization.k8s.io_ClusterRole");
        let id: ObjectId = "ns_a_b_apps_Deployment".parse().expect("valid");
        assert_eq!(id.name, "a_b");
        for bad in ["", "a", "a_b", "a_b_c", "a__g_K", "a_b_g_"] {
            assert!(bad.parse::<ObjectId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(namespace in "[a-z0-9-]{0,8}", name in "[a-z0-9.-]{1,12}", group in "[a-z.]{0,12}", kind in "[A-Z][A-Za-z]{0,9}") {
            let id = ObjectId { namespace, name, group, kind };
            prop_assert_eq!(id.to_string().parse::<ObjectId>(), Ok(id));
        }

        #[test]
        fn never_panics(text in ".{0,64}") {
            let _ = text.parse::<ObjectId>();
        }
    }
}
