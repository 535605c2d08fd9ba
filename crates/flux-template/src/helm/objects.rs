//! The values with methods that Helm hands to templates.

use std::rc::Rc;

use crate::value::{Elem, List, Map, MapKind, Record, RecordType, Value};

/// `.Capabilities.KubeVersion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// In full, such as `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes, such as `v1.33.4`: what printing the struct gives.
    pub normalized: String,
    pub major: String,
    pub minor: String,
}

/// `.Capabilities`. `helm_version` is Helm's own version, such as `v4.2.1`.
pub fn capabilities(kube: &KubeVersion, api_versions: &[String], helm_version: &str) -> Value {
    let text = |text: &str| Value::text(text);
    let kube = Record {
        ty: RecordType::KubeVersion,
        fields: vec![
            ("Version", text(&kube.version)),
            ("normalizedVersion", text(&kube.normalized)),
            ("Major", text(&kube.major)),
            ("Minor", text(&kube.minor)),
        ],
    };
    let build = Record {
        ty: RecordType::BuildInfo,
        fields: vec![
            ("Version", text(helm_version)),
            ("GitCommit", text("")),
            ("GitTreeState", text("")),
            ("GoVersion", text("go1.26.8")),
            ("KubeClientVersion", text("v1.36")),
        ],
    };
    let versions = api_versions.iter().map(|version| text(version)).collect();
    let fields = vec![
        ("KubeVersion", Value::Record(Rc::new(kube))),
        ("APIVersions", Value::List(List::new(Elem::Versions, versions))),
        ("HelmVersion", Value::Record(Rc::new(build))),
    ];
    Value::Record(Rc::new(Record { ty: RecordType::Capabilities, fields }))
}

/// `.Files`: paths below the chart's folder, and contents.
pub fn files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Value {
    let entries = files.into_iter().map(|(path, bytes)| (path, Value::Bytes(bytes.into())));
    Value::Map(Map::from_entries(MapKind::Files, entries))
}
