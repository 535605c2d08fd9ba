//! Changes image references.

use flux_yaml::{Node, NodeKind};
use regex::Regex;

use super::fieldspec::{self, Make, set_text};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::go::regex::compile;
use crate::node::{Shape, expect_shape, is_null, raw};
use crate::resource::text_field;
use crate::types::Image;

/// One image to look for, and what to make of it.
pub(crate) struct ImageFilter<'a> {
    image: &'a Image,
    pattern: Pattern,
}

/// Which images are meant.
enum Pattern {
    /// A name without anything of a pattern but dots, which stand for any character.
    Name,
    Regex(Regex),
    /// A name that is no pattern matches no image.
    Nothing,
}

impl Pattern {
    /// The name is spliced in as it is, as upstream does. Only SHA-256 digests are known.
    fn new(name: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.');
        if name.bytes().all(plain) {
            return Self::Name;
        }
        let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        compile(&pattern).map_or(Self::Nothing, Self::Regex)
    }

    fn matches(&self, name: &str, image: &str) -> bool {
        match self {
            Self::Name => after_name(name, image).is_some_and(is_version),
            Self::Regex(regex) => regex.is_match(image),
            Self::Nothing => false,
        }
    }
}

/// What follows the name in an image that starts with it.
fn after_name<'i>(name: &str, image: &'i str) -> Option<&'i str> {
    let mut rest = image.chars();
    for wanted in name.chars() {
        let found = rest.next()?;
        if found != wanted && (wanted != '.' || found == '\n') {
            return None;
        }
    }
    Some(rest.as_str())
}

/// True for a tag, a digest, both, or nothing.
fn is_version(text: &str) -> bool {
    let word =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'{' | b'}' | b'-'));
    let (tag, digest) = text.find('@').map_or((text, ""), |at| text.split_at(at));
    (tag.is_empty() || tag.strip_prefix(':').is_some_and(word))
        && (digest.is_empty() || digest.strip_prefix("@sha256:").is_some_and(word))
}

impl<'a> ImageFilter<'a> {
    pub(crate) fn new(image: &'a Image) -> Self {
        Self { image, pattern: Pattern::new(&image.name) }
    }

    /// All lists of containers, wherever they are.
    pub(crate) fn apply_anywhere(&self, object: &mut Node) -> Result<(), Error> {
        if is_definition(object) { Ok(()) } else { self.containers(object) }
    }

    fn containers(&self, at: &mut Node) -> Result<(), Error> {
        match &mut at.kind {
            NodeKind::Mapping(map) => {
                for (key, value) in &mut map.entries {
                    self.containers(value)?;
                    if matches!(raw(key), "containers" | "initContainers")
                        && let NodeKind::Sequence(list) = &mut value.kind
                    {
                        for container in &mut list.items {
                            if is_null(container) {
                                continue;
                            }
                            expect_shape(container, Shape::Mapping)?;
                            if let Some(image) = container.get_mut("image") {
                                self.update(image)?;
                            }
                        }
                    }
                }
                Ok(())
            }
            NodeKind::Sequence(seq) => seq.items.iter_mut().try_for_each(|item| self.containers(item)),
            _ => Ok(()),
        }
    }

    /// The fields the rules name.
    pub(crate) fn apply_specs(&self, object: &mut Node, specs: &[FieldSpec]) -> Result<(), Error> {
        if is_definition(object) {
            return Ok(());
        }
        for spec in specs {
            fieldspec::apply(object, spec, Make::Nothing, &mut |field| self.update(field))?;
        }
        Ok(())
    }

    fn update(&self, field: &mut Node) -> Result<(), Error> {
        expect_shape(field, Shape::Scalar)?;
        let value = raw(field);
        if !self.pattern.matches(&self.image.name, value) {
            return Ok(());
        }
        let new = self.rewritten(value);
        set_text(field, &new)
    }

    fn rewritten(&self, value: &str) -> String {
        let (mut name, mut tag, mut digest) = {
            let (name, tag, digest) = split(value);
            (name.to_owned(), tag.to_owned(), digest.to_owned())
        };
        let image = self.image;
        if !image.new_name.is_empty() {
            name.clone_from(&image.new_name);
        }
        // A new tag or digest replaces both old ones.
        if !image.new_tag.is_empty() || !image.digest.is_empty() {
            tag.clone_from(&image.new_tag);
            digest.clone_from(&image.digest);
        } else if !image.tag_suffix.is_empty() {
            tag.push_str(&image.tag_suffix);
            digest.clear();
        }
        if !tag.is_empty() {
            name = format!("{name}:{tag}");
        }
        if !digest.is_empty() {
            name = format!("{name}@{digest}");
        }
        name
    }
}

fn is_definition(object: &Node) -> bool {
    text_field(object, "kind") == "CustomResourceDefinition"
}

/// Name, tag and digest. A colon before the first slash belongs to a port.
fn split(image: &str) -> (&str, &str, &str) {
    let from = image.find('/').unwrap_or(0);
    let at = image[from..].find('@').map(|at| at + from);
    let colon = image[from..].find(':').map(|at| at + from);
    match (colon, at) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(at)) => (&image[..at], "", &image[at + 1..]),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_match_as_the_pattern_they_stand_for() {
        let images = [
            "nginx",
            "nginx:1",
            "nginx@sha256:ab",
            "nginx:1@sha256:ab",
            "nginx:",
            "nginx@sha256:",
            "nginx:a:b",
            "nginxx",
            "nginx@md5:ab",
            "x/nginx",
            "nginx:1.{v}",
            "nginx: 1",
            "a.b/nginx:1",
            "a-b/nginx:1",
            "a/b/nginx",
            "",
            ":1",
            "a\nb/nginx",
            "aéb/nginx@sha256:1",
        ];
        for name in ["nginx", "a.b/nginx", "", "a_b/nginx", "nginx:1", "n.*x", "(", "[n]ginx"] {
            let regex = Regex::new(&format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$")).ok();
            let pattern = Pattern::new(name);
            for image in images {
                let wanted = regex.as_ref().is_some_and(|regex| regex.is_match(image));
                assert_eq!(pattern.matches(name, image), wanted, "{name:?} {image:?}");
            }
        }
    }
}
