//! Credentials, redirects, TLS.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::extract::Request;
use axum::response::Redirect;
use flux_git::{Auth, FetchOptions, GitError, Ref, Remote, Secret, Tls, fetch, resolve};

use crate::servers::{Fixture, http, listen};
use crate::wishes::{LONG, tree};

fn basic(user: &str, password: &str) -> Auth {
    Auth::Basic { username: user.into(), password: Secret::new(password) }
}

#[tokio::test]
async fn credentials() {
    let fixture = Fixture::new();
    let (url, _) = http(fixture.root(), |state| state.authorization = Some("Basic dTpw".into())).await;
    let remote = |auth| Remote { auth, ..Remote::new(format!("{url}/repo.git"), LONG) };
    tree(&remote(basic("u", "p")), &Ref::branch("main"), fixture.scratch()).await;
    let in_url = Remote::new(format!("{}/repo.git", url.replace("http://", "http://u:p@")), LONG);
    tree(&in_url, &Ref::branch("main"), fixture.scratch()).await;
    for auth in [Auth::None, basic("u", "wrong"), Auth::Bearer(Secret::new("p"))] {
        let error = resolve(&remote(auth), &Ref::branch("main")).await.unwrap_err();
        assert!(matches!(error, GitError::Authentication { .. }));
        assert_eq!(error.to_string(), format!("unable to clone '{url}/repo.git': authentication required"));
    }
    let (url, _) = http(fixture.root(), |state| state.authorization = Some("Bearer t".into())).await;
    let bearer = Remote { auth: Auth::Bearer(Secret::new("t")), ..Remote::new(format!("{url}/repo.git"), LONG) };
    tree(&bearer, &Ref::branch("main"), fixture.scratch()).await;
    let shown = format!("{:?} {:?}", remote(basic("u", "canary")), Secret::new("canary"));
    assert!(!shown.contains("canary"));
}

#[tokio::test]
async fn redirects_take_no_credentials_to_another_host() {
    let fixture = Fixture::new();
    let (target, state) = http(fixture.root(), |_| {}).await;
    let to = target.clone();
    let other = listen(Router::new().fallback(move |request: Request| {
        let to = format!("{to}{}", request.uri());
        async move { Redirect::permanent(&to) }
    }))
    .await;
    let remote = Remote { auth: basic("u", "p"), ..Remote::new(format!("{other}/repo.git"), LONG) };
    tree(&remote, &Ref::branch("main"), fixture.scratch()).await;
    let seen = state.requests.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
}

#[tokio::test]
async fn redirects_of_one_host_keep_them_and_end() {
    let fixture = Fixture::new();
    let (target, _) = http(fixture.root(), |state| state.authorization = Some("Basic dTpw".into())).await;
    let hops = Arc::new(Mutex::new(0));
    let count = hops.clone();
    let looping = listen(Router::new().fallback(move |request: Request| {
        *count.lock().unwrap() += 1;
        let to = request.uri().to_string();
        async move { Redirect::temporary(&to) }
    }))
    .await;
    let remote = Remote { auth: basic("u", "p"), ..Remote::new(format!("{looping}/repo.git"), LONG) };
    let error = resolve(&remote, &Ref::branch("main")).await.unwrap_err();
    assert!(error.to_string().contains("stopped after 10 redirects"), "{error}");
    assert_eq!(*hops.lock().unwrap(), 11);
    let moved = listen(Router::new().fallback(move || async move { Redirect::temporary(&format!("{target}/else")) }));
    let remote = Remote::new(format!("{}/repo.git", moved.await), LONG);
    let error = resolve(&remote, &Ref::branch("main")).await.unwrap_err();
    assert!(error.to_string().contains("redirect to another service refused"), "{error}");
}

#[tokio::test]
async fn tls_with_an_own_authority_and_client_certificates() {
    let fixture = Fixture::new();
    let (plain, _) = http(fixture.root(), |_| {}).await;
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca_params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca_params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = ca_params.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::from_params(&ca_params, &ca_key);
    let leaf = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &issuer).unwrap(), key)
    };
    let (server, server_key) = leaf("localhost");
    let (client, client_key) = leaf("client");
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let verifier =
        tokio_rustls::rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).unwrap();
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let backend = plain.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, backend) = (acceptor.clone(), backend.clone());
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else { return };
                let mut plain = tokio::net::TcpStream::connect(backend).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    let remote = |tls| Remote { tls, ..Remote::new(format!("https://localhost:{port}/repo.git"), LONG) };
    let authority = || Some(ca.pem().into_bytes());
    let full = Tls {
        ca: authority(),
        certificate: Some(client.pem().into_bytes()),
        key: Some(Secret::new(client_key.serialize_pem())),
    };
    tree(&remote(full), &Ref::branch("main"), fixture.scratch()).await;
    let failed = async |tls| {
        let options = FetchOptions::new(fixture.scratch());
        fetch(&remote(tls), &Ref::branch("main"), &options).await.unwrap_err()
    };
    assert!(matches!(failed(Tls::default()).await, GitError::Network { .. }));
    assert!(matches!(failed(Tls { ca: authority(), ..Tls::default() }).await, GitError::Network { .. }));
    assert!(matches!(failed(Tls { ca: Some(b"x".to_vec()), ..Tls::default() }).await, GitError::Credentials { .. }));
    let half = Tls { ca: authority(), certificate: Some(client.pem().into_bytes()), key: None };
    assert!(matches!(failed(half).await, GitError::Credentials { .. }));
}

#[tokio::test]
async fn a_missing_repository_is_not_found() {
    let fixture = Fixture::new();
    let (url, _) = http(fixture.root(), |_| {}).await;
    let remote = Remote::new(format!("{url}/nothing.git"), LONG);
    let error = resolve(&remote, &Ref::branch("main")).await.unwrap_err();
    let expected = format!("unable to clone: repository not found: git repository: '{url}/nothing.git'");
    assert_eq!(error.to_string(), expected);
}
