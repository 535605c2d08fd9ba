//! Clients, shared by those who ask with the same certificates through the same proxy.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, redirect};

use super::{HttpError, Proxy, Tls};
use crate::credentials::Secret;

/// Clients that are kept; the one that was not asked for longest goes first.
const KEPT: usize = 32;

struct Known {
    tls: Tls,
    proxy: Option<Proxy>,
    clients: (Client, Client),
}

static CLIENTS: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// A client with the certificate and one without it.
pub(super) fn pair(tls: &Tls, proxy: Option<&Proxy>) -> Result<(Client, Client), HttpError> {
    if let Some(found) = take(tls, proxy) {
        return Ok(found);
    }
    let bare_tls = Tls { ca: tls.ca.clone(), ..Tls::default() };
    let client = build(tls, proxy)?;
    let bare = if bare_tls == *tls { client.clone() } else { build(&bare_tls, proxy)? };
    let clients = (client, bare);
    let mut known = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.remove(0);
    }
    known.push(Known { tls: tls.clone(), proxy: proxy.cloned(), clients: clients.clone() });
    Ok(clients)
}

fn take(tls: &Tls, proxy: Option<&Proxy>) -> Option<(Client, Client)> {
    let mut known = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let at = known.iter().position(|one| one.tls == *tls && one.proxy.as_ref() == proxy)?;
    let found = known.remove(at);
    let clients = found.clients.clone();
    known.push(found);
    Some(clients)
}

fn build(tls: &Tls, proxy: Option<&Proxy>) -> Result<Client, HttpError> {
    let bad = |reason: &str| HttpError::Certificate { reason: reason.to_owned() };
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        // Archives are hashed as they are sent.
        .no_gzip()
        .connect_timeout(Duration::from_secs(30))
        .read_timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(2);
    if let Some(ca) = &tls.ca {
        // The texts of the library may quote the input: only what is wrong is told.
        let certificates = Certificate::from_pem_bundle(ca).unwrap_or_default();
        if certificates.is_empty() {
            return Err(bad("failed to parse CA certificate"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            let mut pem = certificate.clone();
            pem.push(b'\n');
            pem.extend_from_slice(key.expose().as_bytes());
            let identity = Identity::from_pem(&pem).map_err(|_| bad("no usable certificate and key"))?;
            builder = builder.identity(identity);
        }
        (None, None) => {}
        _ => return Err(bad("a client certificate and its key are needed together")),
    }
    if let Some(proxy) = proxy {
        let mut all = reqwest::Proxy::all(&proxy.address).map_err(|_| HttpError::Proxy)?;
        if let Some(user) = &proxy.username {
            all = all.basic_auth(user, proxy.password.as_ref().map_or("", Secret::expose));
        }
        builder = builder.proxy(all);
    }
    builder.build().map_err(|error| HttpError::Client { reason: flux_diagnostics::root(&error).to_string() })
}
