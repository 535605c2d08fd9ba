//! The few fields of a document that Helm looks at.

use std::collections::BTreeMap;

use crate::decode::{self, Decoder, Place, each_field};

/// What a document is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub annotations: BTreeMap<String, String>,
}

impl Head {
    /// Reads the head of a document; the text is Helm's error without the file.
    ///
    /// # Errors
    /// No YAML, no table, or a field of another type.
    pub fn read(document: &str) -> Result<Self, String> {
        decode::yaml(document, |decoder, value| {
            let mut head = Self::default();
            let Some(map) = decoder.object(value, Place::ROOT, "util.SimpleHead") else { return head };
            each_field(map, &["apiVersion", "kind", "metadata"], |name, value| {
                let place = Place::new("SimpleHead", name);
                match name {
                    "apiVersion" => head.api_version = decoder.string(value, place),
                    "kind" => head.kind = decoder.string(value, place),
                    _ => head.metadata(decoder, value),
                }
            });
            head
        })
    }

    fn metadata(&mut self, decoder: &mut Decoder, value: &serde_json::Value) {
        const TYPE: &str =
            "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";
        let Some(map) = decoder.object(value, Place::new("SimpleHead", "metadata"), TYPE) else { return };
        each_field(map, &["name", "annotations"], |name, value| {
            // Go names no struct for a field of a struct without name.
            let path = format!("metadata.{name}");
            let place = Place::new("", &path);
            if name == "name" {
                self.name = decoder.string(value, place);
            } else {
                self.annotations = decoder.string_map(value, place);
            }
        });
        // Not part of Helm's head; a text of another type is of no concern here.
        if let Some(namespace) = map.get("namespace").and_then(serde_json::Value::as_str) {
            self.namespace = namespace.to_owned();
        }
    }
}
