//! Makes ConfigMaps and Secrets from literals, files and env files.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_yaml::{Mapping, Node, NodeKind, Scalar, ScalarStyle, Tag};

use crate::error::Error;
use crate::go::print::quote;
use crate::loader::Loader;
use crate::node::set_field;
use crate::types::{GeneratorArgs, GeneratorOptions};

/// Columns of a base64 line.
const BASE64_LINE: usize = 70;

type Pairs = Vec<(String, Vec<u8>)>;

/// A ConfigMap or a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generated {
    ConfigMap,
    Secret,
}

/// Makes the object.
pub(crate) fn generate(kind: Generated, args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Node, Error> {
    let fault = |reason: String| Error::Generator { name: args.name.clone(), reason };
    if args.name.is_empty() {
        return Err(fault("a configmap must have a name".into()));
    }
    let data = data_map(args, loader)?;
    let mut meta = Mapping::default();
    meta.insert("name", Node::string(args.name.as_str()));
    if !args.namespace.is_empty() {
        meta.insert("namespace", Node::string(args.namespace.as_str()));
    }
    let mut root = Mapping::default();
    root.insert("apiVersion", Node::string("v1"));
    let name = if kind == Generated::Secret { "Secret" } else { "ConfigMap" };
    root.insert("kind", Node::string(name));
    if let Some(options) = &args.options {
        copy_metadata(&mut meta, options);
    }
    root.insert("metadata", mapping(meta));
    if kind == Generated::Secret {
        let kind = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
        root.insert("type", Node::string(kind));
    }
    put_data(&mut root, kind, data);
    if args.options.as_ref().is_some_and(|options| options.immutable) {
        let scalar = Scalar { text: "true".into(), tag: Tag::Bool, style: ScalarStyle::Plain };
        root.insert("immutable", Node::new(NodeKind::Scalar(scalar)));
    }
    Ok(mapping(root))
}

fn mapping(map: Mapping) -> Node {
    Node::new(NodeKind::Mapping(map))
}

fn copy_metadata(meta: &mut Mapping, options: &GeneratorOptions) {
    for (field, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if pairs.is_empty() {
            continue;
        }
        let mut map = Mapping::default();
        for (key, value) in pairs {
            set_field(&mut map, key, Some(Node::string(value.as_str())), false);
        }
        meta.insert(field, mapping(map));
    }
}

fn put_data(root: &mut Mapping, kind: Generated, data: BTreeMap<String, Vec<u8>>) {
    let (mut text, mut binary) = (Mapping::default(), Mapping::default());
    for (key, value) in data {
        match String::from_utf8(value) {
            Ok(value) if kind == Generated::ConfigMap => text.insert(&key, string(&value)),
            Ok(value) => text.insert(&key, string(&base64(value.as_bytes()))),
            Err(error) => {
                let encoded = string(&base64(error.as_bytes()));
                let map = if kind == Generated::Secret { &mut text } else { &mut binary };
                map.insert(&key, encoded);
            }
        }
    }
    if kind == Generated::Secret || !text.is_empty() {
        root.insert("data", mapping(text));
    }
    if !binary.is_empty() {
        root.insert("binaryData", mapping(binary));
    }
}

fn string(text: &str) -> Node {
    let style = if text.contains('\n') { ScalarStyle::Literal } else { ScalarStyle::Plain };
    Node::new(NodeKind::Scalar(Scalar { text: text.into(), tag: Tag::Str, style }))
}

/// Base64, broken into lines when it is longer than one.
fn base64(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    if encoded.len() < BASE64_LINE {
        return encoded;
    }
    let mut out = String::with_capacity(encoded.len() + encoded.len() / BASE64_LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(BASE64_LINE));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out
}

fn data_map(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut data = BTreeMap::new();
    for (key, value) in pairs(args, loader).map_err(|error| error.within("loading KV pairs"))? {
        if data.contains_key(&key) {
            let reason = format!("configmap {} illegally repeats the key `{key}`", args.name);
            return Err(Error::Generator { name: args.name.clone(), reason });
        }
        data.insert(key, value);
    }
    Ok(data)
}

/// All pairs: of env files, then literals, then files.
fn pairs(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Pairs, Error> {
    let fault = |reason| Error::Generator { name: args.name.clone(), reason };
    let list = |items: &[String]| format!("[{}]", items.join(" "));
    let mut all = Pairs::new();
    let in_envs = |error: Error| error.within(format!("env source files: {}", list(&args.envs)));
    for path in &args.envs {
        let content = loader.load(path).map_err(in_envs)?;
        all.extend(env_pairs(&content).map_err(|reason| in_envs(fault(reason)))?);
    }
    for literal in &args.literals {
        all.push(
            literal_pair(literal)
                .map_err(|reason| fault(reason).within(format!("literal sources {}", list(&args.literals))))?,
        );
    }
    let in_files = |error: Error| error.within(format!("file sources: {}", list(&args.files)));
    for source in &args.files {
        let (key, path) = file_source(source).map_err(|reason| in_files(fault(reason)))?;
        all.push((key.to_owned(), loader.load(path).map_err(in_files)?.to_vec()));
    }
    Ok(all)
}

fn literal_pair(source: &str) -> Result<(String, Vec<u8>), String> {
    match source.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), unquote(value).into())),
        _ => Err(format!("invalid literal source {source}, expected key=value")),
    }
}

/// Takes off one pair of equal quotes.
fn unquote(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The key and the path of `[key=]path`.
fn file_source(source: &str) -> Result<(&str, &str), String> {
    match (source.matches('=').count(), source.split_once('=')) {
        (0, _) | (_, None) => {
            let name = source.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
            Ok((name.unwrap_or(if source.is_empty() { "." } else { "/" }), source))
        }
        (1, Some(("", path))) => {
            Err(format!("missing key name for file path {} in source {}", quote(path), quote(source)))
        }
        (1, Some((key, ""))) => {
            Err(format!("missing file path for key name {} in source {}", quote(key), quote(source)))
        }
        (1, Some(pair)) => Ok(pair),
        _ => Err(format!("source {} key name or file path contains '='", quote(source))),
    }
}

/// The lines of an env file. Values are taken as they are: no quotes removed, no spaces trimmed.
fn env_pairs(content: &[u8]) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line)
            .map_err(|_| format!("line {line:?} has invalid utf8 bytes : {}", String::from_utf8_lossy(line)))?;
        let text = if number == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.into()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        assert_eq!(literal_pair("a='b=c'").unwrap(), ("a".into(), b"b=c".to_vec()));
        assert_eq!(literal_pair("a=").unwrap(), ("a".into(), Vec::new()));
        assert_eq!(literal_pair("a=\"").unwrap().1, b"\"");
        assert!(literal_pair("=a").is_err());
        assert!(literal_pair("a").is_err());
    }

    #[test]
    fn env_lines_are_taken_as_they_are() {
        let pairs = env_pairs("\u{feff}A=1\n  # c\n\nB = x \r\nC\n".as_bytes()).unwrap();
        let pairs: Vec<_> =
            pairs.iter().map(|(key, value)| (key.as_str(), std::str::from_utf8(value).unwrap())).collect();
        assert_eq!(pairs, [("A", "1"), ("B ", " x "), ("C", "")]);
        assert!(env_pairs(b"A=\xff").is_err());
    }

    #[test]
    fn file_sources() {
        assert_eq!(file_source("d/f.txt"), Ok(("f.txt", "d/f.txt")));
        assert_eq!(file_source("k=d/f.txt"), Ok(("k", "d/f.txt")));
        for wrong in ["=f", "k=", "a=b=c"] {
            assert!(file_source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_breaks_lines() {
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(&[0; 60]).lines().map(str::len).collect::<Vec<_>>(), [70, 10]);
    }
}
