//! The file server: plain files with ranges and conditional requests, directories as lists.

mod range;
#[cfg(test)]
mod tests;

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, IF_MODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::fmt::rfc2822;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::storage::Storage;
use range::Range;

/// Serves the files of a store below `/`.
pub fn server(storage: Storage) -> Router {
    Router::new().fallback(serve).with_state(storage)
}

/// Answers on a listener until the future is dropped.
pub async fn listen(listener: tokio::net::TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(listener, router).await
}

async fn serve(State(storage): State<Storage>, request: Request) -> Response {
    let head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    let Some(path) = resolve(&storage, request.uri().path()) else {
        return not_found();
    };
    // Resolves the links that name the latest file; whatever leads out of the store is not there.
    let Ok(real) = tokio::fs::canonicalize(&path).await else { return not_found() };
    if !real.starts_with(storage.root()) {
        return not_found();
    }
    match tokio::fs::metadata(&real).await {
        Ok(meta) if meta.is_dir() => list(&real).await,
        Ok(meta) if meta.is_file() => file(&real, &meta, request.headers(), head).await,
        _ => not_found(),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

/// The local path of a request; percent-encoding is undone first.
fn resolve(storage: &Storage, path: &str) -> Option<PathBuf> {
    let decoded = decode(path)?;
    if decoded.trim_matches('/').is_empty() {
        return Some(storage.root().to_owned());
    }
    storage.local_path(&decoded)
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

async fn list(dir: &Path) -> Response {
    let Ok(mut entries) = tokio::fs::read_dir(dir).await else { return not_found() };
    let mut names = Vec::new();
    while let Ok(Some(entry)) = entries.next_entry().await {
        let is_dir = entry.file_type().await.is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(".tmp-") {
            names.push(if is_dir { name + "/" } else { name });
        }
    }
    names.sort_unstable();
    let rows: String = names
        .iter()
        .map(|name| {
            let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;");
            format!("<a href=\"{name}\">{name}</a>\n")
        })
        .collect();
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], format!("<pre>\n{rows}</pre>\n")).into_response()
}

async fn file(path: &Path, meta: &std::fs::Metadata, headers: &HeaderMap, head: bool) -> Response {
    let modified = meta.modified().ok();
    if unchanged(headers, modified) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let size = meta.len();
    let mut answer = Response::builder()
        .header(ACCEPT_RANGES, "bytes")
        .header(CONTENT_TYPE, content_type(path))
        .header("x-content-type-options", "nosniff");
    if let Some(time) = modified.and_then(http_date) {
        answer = answer.header(LAST_MODIFIED, time);
    }
    let (start, length) = match range::parse(headers.get(RANGE).and_then(|value| value.to_str().ok()), size) {
        Range::Whole => (0, size),
        Range::Part { first, last } => {
            answer = answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
            (first, last - first + 1)
        }
        Range::Unsatisfiable => {
            let answer = answer.status(StatusCode::RANGE_NOT_SATISFIABLE);
            return finish(answer.header(CONTENT_RANGE, format!("bytes */{size}")), Body::empty());
        }
    };
    answer = answer.header(CONTENT_LENGTH, length);
    if head {
        return finish(answer, Body::empty());
    }
    let Ok(mut file) = File::open(path).await else { return not_found() };
    if start > 0 && file.seek(SeekFrom::Start(start)).await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    finish(answer, Body::from_stream(ReaderStream::with_capacity(file.take(length), 64 * 1024)))
}

fn finish(answer: axum::http::response::Builder, body: Body) -> Response {
    answer.body(body).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz" | "tgz") => "application/gzip",
        Some("yaml" | "yml") => "application/yaml",
        _ => "application/octet-stream",
    }
}

fn seconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn http_date(time: SystemTime) -> Option<String> {
    let time = jiff::Timestamp::from_second(seconds(time)?).ok()?;
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

fn unchanged(headers: &HeaderMap, modified: Option<SystemTime>) -> bool {
    let since = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| rfc2822::DateTimeParser::new().parse_timestamp(value).ok());
    match (since, modified.and_then(seconds)) {
        (Some(since), Some(modified)) => modified <= since.as_second(),
        _ => false,
    }
}
