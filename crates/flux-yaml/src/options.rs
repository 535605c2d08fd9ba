//! Bounds and choices of the parser and the printers.

/// Bounds on one text. Exceeding one is an [`crate::ErrorKind::Limit`] error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nested collections.
    pub max_depth: usize,
    /// Bytes made by expanding aliases, as a multiple of the input's size.
    pub max_alias_factor: usize,
    /// Bytes of expanded aliases always allowed, whatever the input's size.
    pub alias_floor: usize,
    /// Bytes of input.
    pub max_bytes: usize,
    /// Documents in one text.
    pub max_documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 1000,
            max_alias_factor: 10,
            alias_floor: 100_000,
            max_bytes: 256 << 20,
            max_documents: 1_000_000,
        }
    }
}

/// What to do about a key that a mapping has twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateKeys {
    /// Keep both entries, as a go-yaml node tree does.
    #[default]
    Keep,
    /// Refuse, as go-yaml v3 does when it decodes: `mapping key "x" already defined at line N`.
    Error,
}

/// How a text becomes nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    pub limits: Limits,
    /// Put a copy of the anchored node in each alias's place and forget anchors.
    pub expand_aliases: bool,
    /// Attach comments to nodes as go-yaml v3 does; costs some time.
    pub keep_comments: bool,
    pub duplicate_keys: DuplicateKeys,
    /// Whose line numbers errors have: v3 names where the construct began, v2 where it went wrong.
    pub schema: Schema,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            expand_aliases: true,
            keep_comments: false,
            duplicate_keys: DuplicateKeys::Keep,
            schema: Schema::V3,
        }
    }
}

/// Which rules give a plain scalar its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// go-yaml v2, hence sigs.k8s.io/yaml: `yes`, `on`, `y` are booleans.
    Yaml11,
    /// go-yaml v3, hence kustomize's nodes: only `true` and `false` are booleans.
    V3,
}

/// How a key found twice in a mapping ends in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonDuplicates {
    /// The last value wins (go-yaml v2, sigs.k8s.io/yaml unless strict).
    LastWins,
    /// `line N: mapping key "x" already defined at line M` (go-yaml v3).
    ErrorV3,
    /// `line N: key "x" already set in map` (go-yaml v2 strict).
    ErrorV2,
}

/// How nodes become JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonOptions {
    pub schema: Schema,
    pub duplicates: JsonDuplicates,
    /// For trees that still have aliases.
    pub limits: Limits,
}

impl JsonOptions {
    /// The usual behaviour of each decoder: v2 lets the last key win, v3 refuses duplicates.
    pub fn new(schema: Schema) -> Self {
        let duplicates = match schema {
            Schema::Yaml11 => JsonDuplicates::LastWins,
            Schema::V3 => JsonDuplicates::ErrorV3,
        };
        Self { schema, duplicates, limits: Limits::default() }
    }
}

/// How [`crate::emit_v3`] prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmitOptions {
    /// Columns per level, 2 to 9.
    pub indent: usize,
    /// Sequences under a key start at the key's column (kyaml's default) instead of one level deeper.
    pub compact_sequences: bool,
}

impl Default for EmitOptions {
    fn default() -> Self {
        Self { indent: 2, compact_sequences: true }
    }
}
