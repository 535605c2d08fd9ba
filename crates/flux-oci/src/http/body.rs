//! Answers, and how their bodies are read.

use std::io::Write;

use futures::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Response, StatusCode};
use url::Url;

use super::error::{HttpError, reason};
use super::shown;

/// An answer whose body is not read yet.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// What answered, after redirects.
    pub url: Url,
    response: Response,
}

impl Answer {
    pub(super) fn new(response: Response, url: Url) -> Self {
        Self { status: response.status(), headers: response.headers().clone(), url, response }
    }

    /// A header, when it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type, without parameters.
    pub fn content_type(&self) -> &str {
        let value = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// What the server says the body's length is.
    pub fn content_length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.parse().ok()
    }

    /// Gives the body to `take`, piece by piece.
    ///
    /// # Errors
    /// A body that is longer than `limit`, breaks off, or that `take` refuses.
    pub async fn read(self, limit: u64, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, HttpError> {
        let url = || shown(&self.url);
        let too_large = || HttpError::TooLarge { url: url(), limit };
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut stream = self.response.bytes_stream();
        let mut count = 0u64;
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| HttpError::Body { url: url(), reason: reason(&error) })?;
            count += piece.len() as u64;
            if count > limit {
                return Err(too_large());
            }
            take(&piece).map_err(|error| HttpError::Write { url: url(), reason: error.to_string() })?;
        }
        Ok(count)
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Answer::read`].
    pub async fn bytes(self, limit: u64) -> Result<Vec<u8>, HttpError> {
        let mut bytes = Vec::with_capacity(self.content_length().unwrap_or(0).min(limit) as usize);
        self.read(limit, |piece| bytes.write_all(piece)).await?;
        Ok(bytes)
    }

    /// As much of the body as fits, for the text of an error.
    pub async fn some(self, limit: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut stream = self.response.bytes_stream();
        while let Some(Ok(piece)) = stream.next().await {
            bytes.extend_from_slice(&piece[..piece.len().min(limit - bytes.len())]);
            if bytes.len() >= limit {
                break;
            }
        }
        bytes
    }
}
