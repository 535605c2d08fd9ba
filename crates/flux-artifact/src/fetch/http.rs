//! Downloading an artifact from a file server.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::{FetchError, FetchOptions};
use crate::storage::hasher_for;

pub(super) fn client(options: &FetchOptions) -> Result<Client, FetchError> {
    Client::builder()
        .connect_timeout(options.idle_timeout)
        .read_timeout(options.idle_timeout)
        .build()
        .map_err(|error| FetchError::Download { reason: reason(&error) })
}

/// Downloads into an unnamed file in `scratch`, checking size and digest on the way; retries what may pass.
pub(super) async fn download(
    client: &Client,
    options: &FetchOptions,
    scratch: &Path,
    address: &str,
    digest: &str,
) -> Result<File, FetchError> {
    let url = address_to_ask(address, options.host.as_deref())?;
    let mut wait = options.retry_wait;
    for attempt in 0.. {
        let last = attempt >= options.retries;
        match once(client, options, scratch, &url, digest).await {
            Err((error, true)) if !last => {
                tracing::debug!(%error, url = %shown(&url), attempt, "artifact download failed, trying again");
            }
            Err((error, _)) => return Err(error),
            Ok(file) => return Ok(file),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(options.retry_wait_max);
    }
    Err(FetchError::Cancelled)
}

/// The address to ask: the artifact's, with host and port replaced when told so.
///
/// # Errors
/// What is no address of http.
pub fn address_to_ask(address: &str, host: Option<&str>) -> Result<Url, FetchError> {
    let bad = |reason: String| FetchError::Url { url: address.to_owned(), reason };
    let mut url = Url::parse(address).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("unsupported scheme {:?}", url.scheme())));
    }
    if let Some(host) = host {
        let other = Url::parse(&format!("{}://{host}", url.scheme())).map_err(|error| bad(error.to_string()))?;
        url.set_host(other.host_str()).map_err(|error| bad(error.to_string()))?;
        url.set_port(other.port()).map_err(|()| bad("cannot set a port".into()))?;
    }
    Ok(url)
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // A URL that cannot have them has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// One request; the flag says whether another one may help.
async fn once(
    client: &Client,
    options: &FetchOptions,
    scratch: &Path,
    url: &Url,
    digest: &str,
) -> Result<File, (FetchError, bool)> {
    let failed = |error: reqwest::Error| (FetchError::Download { reason: reason(&error) }, true);
    let answer = client.get(url.clone()).send().await.map_err(failed)?;
    let status = answer.status();
    if status == StatusCode::NOT_FOUND {
        return Err((FetchError::NotFound, false));
    }
    if status != StatusCode::OK {
        let again = status == StatusCode::TOO_MANY_REQUESTS
            || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED);
        return Err((FetchError::Status { url: shown(url), status: status.to_string() }, again));
    }
    save(answer, options, scratch, digest).await
}

async fn save(
    mut answer: Response,
    options: &FetchOptions,
    scratch: &Path,
    digest: &str,
) -> Result<File, (FetchError, bool)> {
    let here = |error: std::io::Error| (FetchError::Io(error), false);
    let mut hasher = hasher_for(digest).map_err(|error| (error.into(), false))?;
    let mut file = tempfile::tempfile_in(scratch).map_err(here)?;
    let mut size = 0u64;
    let next = |error: reqwest::Error| (FetchError::Download { reason: reason(&error) }, true);
    while let Some(chunk) = answer.chunk().await.map_err(next)? {
        size += chunk.len() as u64;
        if let Some(limit) = options.max_download.filter(|&limit| size > limit) {
            return Err((FetchError::TooLarge { limit }, false));
        }
        hasher.update(&chunk);
        file.write_all(&chunk).map_err(here)?;
    }
    if hasher.finish() != digest {
        return Err((FetchError::DigestMismatch { digest: digest.to_owned() }, false));
    }
    file.seek(SeekFrom::Start(0)).map_err(here)?;
    Ok(file)
}

/// The innermost cause, without the URL.
fn reason(error: &reqwest::Error) -> String {
    let cause = flux_diagnostics::root(error);
    if std::ptr::addr_eq(cause, error) && error.is_timeout() { "timed out".into() } else { cause.to_string() }
}
