//! Lists: paging, selectors, versions.

use std::sync::Arc;

use base64::Engine as _;
use flux_store::{ListError, Page, Range};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{convert, get, view};
use crate::negotiate::View;
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::selector::{FieldSelector, LabelSelector};
use crate::server::Shared;
use crate::status::{ApiError, FieldError};
use crate::table::Headers;

/// Both selectors of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selectors {
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Selectors {
    pub fn read(ask: &Ask, resource: &Resource) -> Result<Self, ApiError> {
        let labels =
            LabelSelector::parse(ask.query.get("labelSelector").unwrap_or("")).map_err(ApiError::bad_request)?;
        let fields = FieldSelector::parse(ask.query.get("fieldSelector").unwrap_or(""), resource)
            .map_err(ApiError::bad_request)?;
        Ok(Self { labels, fields })
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub fn matches(&self, object: &Value, resource: &Resource) -> bool {
        self.labels.matches(object) && self.fields.matches(object, resource)
    }
}

/// What a list request asks for beside selectors.
#[derive(Default)]
struct Asked {
    limit: Option<usize>,
    start: Option<String>,
    at: Option<u64>,
    /// Not older than this.
    floor: u64,
}

/// Where the next page begins.
#[derive(Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    #[serde(default)]
    start: String,
}

const TOKEN_VERSION: &str = "meta.k8s.io/v1";
const EXPIRED_CONTINUE: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

fn encode(token: &Token) -> String {
    let text = serde_json::to_vec(token).expect("a token is plain data");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

fn decode(text: &str) -> Result<Token, ApiError> {
    let wrong =
        |why: String| ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let lenient = base64::engine::GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let bytes = base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, lenient)
        .decode(text)
        .map_err(|_| wrong("illegal base64 data at input byte 0".into()))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| {
        let letter = bytes.first().map_or(' ', |byte| char::from(*byte));
        wrong(format!("invalid character '{letter}' looking for beginning of value"))
    })?;
    if token.v != TOKEN_VERSION || token.start.is_empty() {
        return Err(wrong("incorrect encoded start resourceVersion (version meta.k8s.io/v1)".into()));
    }
    Ok(token)
}

/// Checks the options that lists and watches share.
pub(crate) fn check_options(ask: &Ask, watch: bool) -> Result<(), ApiError> {
    let get = |key: &str| ask.query.get(key).unwrap_or("");
    let matching = get("resourceVersionMatch");
    let field = "resourceVersionMatch";
    let initial = ask.query.flag("sendInitialEvents");
    let mut errors = Vec::new();
    let with_continue = "resourceVersionMatch is forbidden when continue is provided";
    if watch {
        if initial.is_some() && matching != "NotOlderThan" {
            errors.push(FieldError::forbidden(
                field,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if !matching.is_empty() {
            if initial.is_none() {
                errors.push(FieldError::forbidden(
                    field,
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ));
            }
            if matching != "NotOlderThan" {
                errors.push(FieldError::not_supported(field, matching, &["NotOlderThan"]));
            }
            if !get("continue").is_empty() {
                errors.push(FieldError::forbidden(field, with_continue));
            }
        }
    } else {
        if !matching.is_empty() {
            if get("resourceVersion").is_empty() {
                errors.push(FieldError::forbidden(
                    field,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !get("continue").is_empty() {
                errors.push(FieldError::forbidden(field, with_continue));
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(field, matching, &["Exact", "NotOlderThan", ""]));
            }
            if matching == "Exact" && get("resourceVersion") == "0" {
                errors.push(FieldError::forbidden(
                    field,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if initial.is_some() {
            errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &errors)) }
}

fn read_asked(ask: &Ask) -> Result<Asked, ApiError> {
    let mut asked = Asked::default();
    let limit = ask.query.integer("limit")?.unwrap_or(0);
    asked.limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
    ask.query.integer("timeoutSeconds")?;
    check_options(ask, false)?;
    let version = ask.query.get("resourceVersion").unwrap_or("");
    let number: u64 = if version.is_empty() {
        0
    } else {
        let wrong =
            |_| ApiError::bad_request(format!("invalid resource version: {}", get::bad_version(version).text()));
        version.parse().map_err(wrong)?
    };
    match ask.query.get("continue") {
        Some(text) => {
            let token = decode(text)?;
            if !version.is_empty() && version != "0" {
                return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
            }
            asked.at = u64::try_from(token.rv).ok().filter(|rv| *rv > 0);
            asked.start = Some(token.start);
        }
        None => {
            let exact = match ask.query.get("resourceVersionMatch") {
                Some("Exact") => true,
                Some(_) => false,
                None => asked.limit.is_some() && number > 0,
            };
            // A list that may be old comes from memory at once, whole.
            if version == "0" {
                asked.limit = None;
            }
            asked.floor = number;
            asked.at = (exact && number > 0).then_some(number);
        }
    }
    Ok(asked)
}

impl Shared {
    pub(crate) async fn list(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        let asked = read_asked(ask)?;
        let selectors = Selectors::read(ask, resource)?;
        self.wait_for(asked.floor).await?;
        let space = ask.target.namespace.clone();
        let found = self.collect(resource, &space, &asked, &selectors).await?;
        if form.is_plain() && selectors.is_empty() && convert::is_plain(resource) {
            return Ok(raw_list(resource, &found));
        }
        let items: Vec<Value> = match found.parsed {
            Some(items) => items,
            None => served_all(resource, &found.page)?,
        };
        let items = match form.view {
            View::Whole if resource.custom().is_none() => items.into_iter().map(without_kind).collect(),
            _ => items,
        };
        let value = view::list(resource, items, found.meta, form.view, Headers::WithHeaders, form.include)?;
        Ok(Reply::value(200, &value, form))
    }

    /// All objects of a resource, in one namespace or all (`""`), as its version serves them.
    pub(crate) async fn all(&self, resource: &Resource, space: &str) -> Vec<Value> {
        let range = Range { prefix: prefix(resource, space), ..Range::default() };
        match self.store.list(&resource.table, &range, None).await {
            Ok(page) => served_all(resource, &page).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    async fn collect(
        &self,
        resource: &Resource,
        space: &str,
        asked: &Asked,
        selectors: &Selectors,
    ) -> Result<Found, ApiError> {
        let mut range = Range { prefix: prefix(resource, space), start: asked.start.clone(), limit: asked.limit };
        if selectors.is_empty() {
            let page = self.page(resource, &range, asked).await?;
            let meta = list_meta(&page, Some(page.remaining));
            return Ok(Found { page, parsed: None, meta });
        }
        // With selectors a page is filled from as many stored pages as it takes.
        let limit = asked.limit.unwrap_or(usize::MAX);
        range.limit = None;
        let mut page = self.page(resource, &range, asked).await?;
        let (mut items, mut kept) = (Vec::new(), Vec::new());
        let mut more = false;
        for (key, entry) in std::mem::take(&mut page.entries) {
            let value = convert::of_entry(resource, &entry)?;
            if !selectors.matches(&value, resource) {
                continue;
            }
            if items.len() == limit {
                more = true;
                break;
            }
            items.push(value);
            kept.push((key, entry));
        }
        page.entries = kept;
        page.remaining = usize::from(more);
        let meta = list_meta(&page, None);
        Ok(Found { page, parsed: Some(items), meta })
    }

    async fn page(&self, resource: &Resource, range: &Range, asked: &Asked) -> Result<Page, ApiError> {
        match self.store.list(&resource.table, range, asked.at).await {
            Ok(page) => Ok(page),
            Err(ListError::Future { requested, newest }) => Err(ApiError::timeout_too_large_version(requested, newest)),
            Err(ListError::TooOld(_)) => Err(match &asked.start {
                Some(start) => {
                    let token = Token { v: TOKEN_VERSION.into(), rv: -1, start: start.clone() };
                    ApiError::expired(EXPIRED_CONTINUE).with_continue(encode(&token))
                }
                None => ApiError::expired("The resourceVersion for the provided list is too old."),
            }),
        }
    }
}

struct Found {
    page: Page,
    parsed: Option<Vec<Value>>,
    meta: Map<String, Value>,
}

/// Keys of a namespace begin with it.
pub(crate) fn prefix(resource: &Resource, space: &str) -> String {
    if resource.namespaced && !space.is_empty() { format!("{space}/") } else { String::new() }
}

fn served_all(resource: &Resource, page: &Page) -> Result<Vec<Value>, ApiError> {
    page.entries.iter().map(|(_, entry)| convert::of_entry(resource, entry)).collect()
}

fn without_kind(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    value
}

fn list_meta(page: &Page, remaining: Option<usize>) -> Map<String, Value> {
    let mut meta = Map::new();
    meta.insert("resourceVersion".into(), page.revision.to_string().into());
    if page.remaining > 0
        && let Some((last, _)) = page.entries.last()
    {
        let token = Token { v: TOKEN_VERSION.into(), rv: page.revision as i64, start: format!("{last}\0") };
        meta.insert("continue".into(), encode(&token).into());
        if let Some(remaining) = remaining {
            meta.insert("remainingItemCount".into(), remaining.into());
        }
    }
    meta
}

/// A list put together from stored bytes.
fn raw_list(resource: &Resource, found: &Found) -> Reply {
    let size: usize = found.page.entries.iter().map(|(_, entry)| entry.value.len() + 1).sum();
    let mut out = Vec::with_capacity(size + 256);
    let head = format!(
        "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
        resource.list_kind,
        resource.api_version(),
        Value::Object(found.meta.clone())
    );
    out.extend_from_slice(head.as_bytes());
    for (index, (_, entry)) in found.page.entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&entry.value);
    }
    out.extend_from_slice(b"]}\n");
    Reply::bytes(200, "application/json", out)
}
