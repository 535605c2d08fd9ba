//! The one graph of all built-in types.

use std::sync::{Arc, LazyLock};

use crate::graph::{Builder, Schema, TypeRef};

static BUILTIN: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    for line in include_str!("../data/types.jsonl").lines().filter(|line| !line.is_empty()) {
        let row: serde_json::Value = serde_json::from_str(line).expect("generated types are well-formed");
        let name = row["name"].as_str().expect("generated types are named");
        builder.define_openapi(name, &row["schema"]).expect("generated types are structural");
    }
    Arc::new(builder.finish())
});

/// The graph of all built-in types, made at first use.
pub fn builtin() -> &'static Arc<Schema> {
    &BUILTIN
}

/// The type of a built-in kind; the core group is empty.
pub fn schema_for(group: &str, version: &str, kind: &str) -> Option<TypeRef> {
    BUILTIN.kind(group, version, kind)
}
