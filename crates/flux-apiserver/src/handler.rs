//! The way of a request: body, identity, impersonation, authorization, handler, answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::reply::Reply;
use crate::request::{Ask, Query, Target};
use crate::server::Shared;
use crate::status::ApiError;
use crate::{Body, Identity, auth};

/// Upstream's bound of a request body.
const BODY_MAX: usize = 3 << 20;

impl Shared {
    /// Answers a request; a panic inside becomes a 500.
    pub(crate) async fn answer<B>(self: &Arc<Self>, request: Request<B>, identity: Option<&Identity>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: std::fmt::Display + Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Reply::error(&body_error(error.as_ref())).finish(&[]),
        };
        let response = self.answer_read(head, body, identity).await;
        if is_head { response.map(|_| Body::full(Bytes::new())) } else { response }
    }

    /// Boxed, so that everything below is compiled once, here, and not again for each kind of body in each program.
    fn answer_read<'a>(
        self: &'a Arc<Self>,
        head: http::request::Parts,
        body: Bytes,
        identity: Option<&'a Identity>,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(self.answer_whole(head, body, identity))
    }

    async fn answer_whole(
        self: &Arc<Self>,
        head: http::request::Parts,
        body: Bytes,
        identity: Option<&Identity>,
    ) -> Response<Body> {
        let query = Query::parse(head.uri.query().unwrap_or(""));
        let target = Target::read(&head.method, &head.uri, &query);
        let mut ask = Ask {
            method: head.method,
            path: head.uri.path().to_owned(),
            query,
            headers: head.headers,
            body,
            identity: Identity::anonymous(),
            target,
            warnings: Vec::new(),
        };
        let outcome = AssertUnwindSafe(self.handle(&mut ask, identity)).catch_unwind().await;
        let reply = match outcome {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::error(&error),
            Err(_) => {
                tracing::error!(path = %ask.path, "request handler panicked");
                Reply::error(&ApiError::internal("the request handler failed"))
            }
        };
        reply.finish(&ask.warnings)
    }

    async fn handle(self: &Arc<Self>, ask: &mut Ask, identity: Option<&Identity>) -> Result<Reply, ApiError> {
        ask.identity = match identity {
            Some(identity) => identity.clone(),
            None => auth::authenticate(self, &ask.headers).await?,
        };
        if let Some(other) = auth::impersonation(self, ask).await? {
            ask.identity = other;
        }
        auth::authorize(self, ask).await?;
        if ask.target.is_resource { self.resource(ask).await } else { self.plain(ask).await }
    }
}

fn body_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ApiError {
    if error.is::<LengthLimitError>() {
        ApiError::too_large(format!("Request entity too large: limit is {BODY_MAX}"))
    } else {
        ApiError::bad_request(format!("the request body cannot be read: {error}"))
    }
}
