//! The tower service that in-process clients hold.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};

use crate::server::Shared;
use crate::{Body, Identity};

/// A client's view of the server: requests are made as one identity.
///
/// Cheap to clone. Impersonation headers, authorization and admission apply as they do over TLS.
#[derive(Clone)]
pub struct LocalService {
    pub(crate) shared: Arc<Shared>,
    pub(crate) identity: Option<Arc<Identity>>,
}

impl<B> tower::Service<Request<B>> for LocalService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = self.shared.clone();
        let identity = self.identity.clone();
        Box::pin(async move { Ok(shared.answer(request, identity.as_deref()).await) })
    }
}
