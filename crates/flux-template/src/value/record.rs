//! Structs.

use super::Value;

/// The struct types that templates can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    /// `*common.Capabilities`
    Capabilities,
    /// `common.KubeVersion`
    KubeVersion,
    /// `version.BuildInfo`
    BuildInfo,
    /// `*semver.Version`
    Version,
    /// `sprig.certificate`
    Certificate,
}

impl RecordType {
    /// Values of this type are pointers to structs.
    pub(crate) fn is_pointer(self) -> bool {
        matches!(self, Self::Capabilities | Self::Version)
    }
}

/// A struct, or a pointer to one.
pub struct Record {
    pub(crate) ty: RecordType,
    /// Exported fields first, in Go's order; a name in lower case is not exported.
    pub(crate) fields: Vec<(&'static str, Value)>,
}

impl Record {
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}
