//! Which form of an answer a client accepts.

use http::HeaderMap;

use crate::status::ApiError;
use crate::table::Include;

/// The form of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub encoding: Encoding,
    pub view: View,
    /// How much of each object a Table's row carries.
    pub include: Include,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
}

/// What of an object is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Whole,
    Table { beta: bool },
    Partial { beta: bool },
    PartialList { beta: bool },
}

impl Form {
    pub const JSON: Self = Self { encoding: Encoding::Json, view: View::Whole, include: Include::Metadata };

    /// Whole objects in JSON.
    pub fn is_plain(self) -> bool {
        self.encoding == Encoding::Json && self.view == View::Whole
    }
}

const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// Picks the first acceptable range of `Accept`, as upstream does.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Form, ApiError> {
    let values: Vec<&str> = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok()).collect();
    let text = values.join(",");
    if text.trim().is_empty() {
        return Ok(Form::JSON);
    }
    text.split(',').find_map(range).ok_or_else(|| ApiError::not_acceptable(ACCEPTED))
}

fn range(text: &str) -> Option<Form> {
    let mut parts = text.split(';').map(str::trim);
    let encoding = match parts.next()? {
        "application/json" | "*/*" | "application/*" => Encoding::Json,
        "application/yaml" => Encoding::Yaml,
        _ => return None,
    };
    let (mut kind, mut group, mut version) = ("", "", "");
    for part in parts {
        match part.split_once('=') {
            Some(("as", value)) => kind = value,
            Some(("g", value)) => group = value,
            Some(("v", value)) => version = value,
            // Pretty printing, charset, quality and the like change nothing here.
            _ => {}
        }
    }
    let beta = match (group, version) {
        _ if kind.is_empty() => false,
        ("meta.k8s.io", "v1") => false,
        ("meta.k8s.io", "v1beta1") => true,
        _ => return None,
    };
    let view = match kind {
        "" => View::Whole,
        "Table" => View::Table { beta },
        "PartialObjectMetadata" => View::Partial { beta },
        "PartialObjectMetadataList" => View::PartialList { beta },
        _ => return None,
    };
    Some(Form { encoding, view, include: Include::Metadata })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, expect: Option<View>) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", accept.parse().unwrap());
        assert_eq!(negotiate(&headers).ok().map(|form| form.view), expect, "{accept}");
    }

    #[test]
    fn the_first_acceptable_range_wins() {
        check("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some(View::Table { beta: false }));
        check("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", Some(View::Whole));
        check("application/vnd.kubernetes.protobuf,*/*", Some(View::Whole));
        check("text/html", None);
    }
}
