//! The TLS listener for clients outside the process.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::StartError;
use crate::certificates::{Certificates, identity_of};
use crate::server::Shared;

/// A client that does not finish its handshake is cut off.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Listens until the server stops; the address is the bound one.
pub(crate) async fn start(
    shared: Arc<Shared>,
    address: SocketAddr,
    certificates: &Certificates,
) -> Result<SocketAddr, StartError> {
    let wrong = |source| StartError::Listen { address, source };
    let config = certificates.server_config(&shared.config, address, shared.services.first())?;
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(accept(shared, listener, acceptor));
    Ok(bound)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopped() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(serve(shared.clone(), stream, acceptor.clone()));
            }
            // Out of file handles, most likely; the next accept would spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, acceptor: TlsAcceptor) {
    // Small answers must not wait for a full packet; failing to say so is harmless.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let peer = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).and_then(identity_of);
    let peer = Arc::new(peer);
    let service = {
        let shared = shared.clone();
        service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (shared, peer) = (shared.clone(), peer.clone());
            async move {
                // A certificate is asked before a token, as upstream does.
                let identity = peer.as_ref().as_ref();
                Ok::<_, Infallible>(shared.answer(request, identity).await)
            }
        })
    };
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A client that hangs up is no failure of ours.
        _ = connection => {}
        () = shared.stopped() => {}
    }
}
