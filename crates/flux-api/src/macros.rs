//! Macros that keep the many kinds and enums short.

/// An enum over a closed set of strings that keeps an unknown value as `Other`.
macro_rules! string_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $text, "`")] $variant,)+
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// The known values, as written in manifests.
            pub const VALUES: &'static [&'static str] = &[$($text),+];

            /// The value as written in manifests.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from(Self::VALUES[0])
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}

/// A namespaced kind: the struct, its `kube::Resource`, and its JSON with `apiVersion` and `kind`.
macro_rules! kind {
    ($(#[$meta:meta])* $kind:ident($spec:ty $(, $status:ty)?) in $group:literal / $version:literal, $plural:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(default)]
        pub struct $kind {
            /// Name, namespace, labels and the like.
            pub metadata: kube::api::ObjectMeta,
            /// What the user asks for.
            pub spec: $spec,
            $(
                /// What the controller reports.
                pub status: Option<$status>,
            )?
        }

        impl $kind {
            /// The API group.
            pub const GROUP: &'static str = $group;
            /// The stored version.
            pub const VERSION: &'static str = $version;
            /// `group/version`.
            pub const API_VERSION: &'static str = concat!($group, "/", $version);
            /// The kind's name.
            pub const KIND: &'static str = stringify!($kind);
            /// The name in URLs.
            pub const PLURAL: &'static str = $plural;

            /// A new object without namespace; set `metadata.namespace` for one.
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut object = Self::default();
                object.metadata.name = Some(name.to_owned());
                object.spec = spec;
                object
            }
        }

        impl kube::Resource for $kind {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                Self::KIND.into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                Self::GROUP.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                Self::VERSION.into()
            }
            fn api_version((): &()) -> std::borrow::Cow<'_, str> {
                Self::API_VERSION.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                Self::PLURAL.into()
            }
            fn meta(&self) -> &kube::api::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut kube::api::ObjectMeta {
                &mut self.metadata
            }
        }

        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("apiVersion", Self::API_VERSION)?;
                map.serialize_entry("kind", Self::KIND)?;
                map.serialize_entry("metadata", &self.metadata)?;
                map.serialize_entry("spec", &self.spec)?;
                $(
                    let status: &Option<$status> = &self.status;
                    if let Some(status) = status {
                        map.serialize_entry("status", status)?;
                    }
                )?
                map.end()
            }
        }
    };
}

/// [`FluxObject`](crate::FluxObject) for a kind with conditions; `suspend` names a spec field or is `-`.
macro_rules! flux_object {
    ($kind:ident, $status:ty, suspend: $suspend:tt, generation: $generation:tt, requests: $requests:tt) => {
        impl crate::FluxObject for $kind {
            type Status = $status;

            fn status(&self) -> Option<&$status> {
                self.status.as_ref()
            }
            fn status_mut(&mut self) -> &mut $status {
                self.status.get_or_insert_default()
            }
            fn conditions(&self) -> &[crate::Condition] {
                self.status.as_ref().map_or(&[], |status| &status.conditions)
            }
            fn conditions_mut(&mut self) -> &mut Vec<crate::Condition> {
                &mut self.status.get_or_insert_default().conditions
            }
            flux_object!(@suspend $suspend);
            flux_object!(@generation $generation);
            flux_object!(@requests $requests);
        }
    };
    (@suspend true) => {
        fn suspended(&self) -> bool {
            self.spec.suspend
        }
    };
    (@suspend false) => {
        fn suspended(&self) -> bool {
            false
        }
    };
    (@generation true) => {
        fn observed_generation(&self) -> i64 {
            self.status.as_ref().map_or(0, |status| status.observed_generation)
        }
        fn set_observed_generation(&mut self, generation: i64) {
            self.status.get_or_insert_default().observed_generation = generation;
        }
    };
    (@generation false) => {
        fn observed_generation(&self) -> i64 {
            0
        }
        fn set_observed_generation(&mut self, _: i64) {}
    };
    (@requests true) => {
        fn last_handled_reconcile_at(&self) -> Option<&str> {
            self.status.as_ref()?.last_handled_reconcile_at.as_deref()
        }
        fn set_last_handled_reconcile_at(&mut self, token: &str) {
            self.status.get_or_insert_default().last_handled_reconcile_at = Some(token.to_owned());
        }
    };
    (@requests false) => {
        fn last_handled_reconcile_at(&self) -> Option<&str> {
            None
        }
        fn set_last_handled_reconcile_at(&mut self, _: &str) {}
    };
}
