//! Charts, and a server that is chart repository and registry in one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use flux_oci::chart::{CONFIG, LAYER};
use flux_oci::digest_of;

type Answer = Arc<dyn Fn() -> Response + Send + Sync>;

#[derive(Default)]
pub struct Content {
    /// By path.
    pub files: HashMap<String, Vec<u8>>,
    /// Answers that stand before the files, by path.
    pub faults: HashMap<String, Answer>,
    /// What `Authorization` must be.
    pub authorization: Option<String>,
    /// Path and authorization of each request.
    pub requests: Vec<(String, Option<String>)>,
}

#[derive(Clone)]
pub struct HelmServer {
    pub host: String,
    content: Arc<Mutex<Content>>,
}

impl HelmServer {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let host = listener.local_addr().expect("address").to_string();
        let server = Self { host, content: Arc::default() };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub fn with<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        change(&mut self.content.lock().expect("lock"))
    }

    pub fn url(&self) -> String {
        format!("http://{}/charts", self.host)
    }

    pub fn fault(&self, path: &str, answer: impl Fn() -> Response + Send + Sync + 'static) {
        self.with(|content| content.faults.insert(path.to_owned(), Arc::new(answer)));
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.with(|content| content.requests.iter().filter(|(asked, _)| asked == path).count())
    }

    /// Serves charts of these names and versions, and their index.
    pub fn serve(&self, charts: &[(&str, &str)]) {
        let mut index = "apiVersion: v1\nentries:\n".to_owned();
        let mut names: Vec<&str> = charts.iter().map(|(name, _)| *name).collect();
        names.dedup();
        for name in names {
            index.push_str(&format!("  {name}:\n"));
            for (_, version) in charts.iter().filter(|(one, _)| *one == name) {
                index.push_str(&format!(
                    "  - apiVersion: v2\n    name: {name}\n    version: {version}\n    urls:\n    - {name}-{version}.tgz\n"
                ));
                self.put(&format!("/charts/{name}-{version}.tgz"), chart(name, version, &[]));
            }
        }
        self.put("/charts/index.yaml", index.into_bytes());
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.with(|content| content.files.insert(path.to_owned(), bytes));
    }

    /// Pushes charts to `/v2/reg/NAME`.
    pub fn push(&self, name: &str, versions: &[&str]) {
        for version in versions {
            let (config, archive) = (b"{}".to_vec(), chart(name, version, &[]));
            let manifest = format!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"{CONFIG}","digest":"{}","size":{}}},
                "layers":[{{"mediaType":"{LAYER}","digest":"{}","size":{}}}]}}"#,
                digest_of(&config),
                config.len(),
                digest_of(&archive),
                archive.len()
            );
            let tag = flux_oci::tag_of_version(version);
            self.put(&format!("/v2/reg/{name}/manifests/{tag}"), manifest.into_bytes());
            self.put(&format!("/v2/reg/{name}/blobs/{}", digest_of(&archive)), archive);
        }
        let tags: Vec<String> = versions.iter().map(|version| flux_oci::tag_of_version(version)).collect();
        self.put(&format!("/v2/reg/{name}/tags/list"), format!(r#"{{"tags":{tags:?}}}"#).into_bytes());
    }
}

async fn answer(State(server): State<HelmServer>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    server.with(|content| {
        content.requests.push((path.clone(), sent.clone()));
        if let Some(fault) = content.faults.get(&path) {
            return fault();
        }
        if content.authorization.is_some() && content.authorization != sent {
            return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"r\"")]).into_response();
        }
        match content.files.get(&path) {
            Some(bytes) => bytes.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    })
}

/// A packaged chart with one template, its values, and more files.
pub fn chart(name: &str, version: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let metadata = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    let mut files = vec![
        ("Chart.yaml", metadata.as_str()),
        ("values.yaml", "replicas: 1\nimage: a\n"),
        ("values-prod.yaml", "replicas: 3\n"),
        ("templates/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"),
    ];
    files.retain(|(file, _)| more.iter().all(|(other, _)| file != other));
    files.extend(more);
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (file, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{name}/{file}"), text.as_bytes()).expect("added");
    }
    tar.into_inner().expect("whole").finish().expect("whole")
}

/// A file of a packaged chart.
pub fn file_of(archive: &[u8], name: &str) -> Option<String> {
    let files = flux_helm::chart::archive_files(archive, &Default::default()).expect("archive");
    files.into_iter().find(|file| file.name == name).map(|file| file.text().into_owned())
}
