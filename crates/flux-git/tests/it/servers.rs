//! Repositories made by `git`, and servers for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

/// Runs `git` in a directory, without the user's configuration.
#[track_caller]
pub fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
        .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A work tree, and a bare repository that it pushes to.
pub struct Fixture {
    pub dir: tempfile::TempDir,
    pub work: PathBuf,
}

impl Fixture {
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        std::fs::create_dir_all(dir.path().join("srv")).unwrap();
        git(dir.path(), &["init", "-q", "--bare", "srv/repo.git"]);
        git(dir.path(), &["init", "-q", "work"]);
        git(&work, &["remote", "add", "origin", "../srv/repo.git"]);
        Self { dir, work }
    }

    /// With one commit on `main`.
    pub fn new() -> Self {
        let fixture = Self::empty();
        fixture.commit("a.yaml", "a: 1\n", "first");
        fixture
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("srv")
    }

    pub fn bare(&self) -> PathBuf {
        self.root().join("repo.git")
    }

    pub fn scratch(&self) -> PathBuf {
        let path = self.dir.path().join("scratch");
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Writes a file, commits everything, pushes all branches and tags; gives the commit.
    pub fn commit(&self, path: &str, content: &str, message: &str) -> String {
        self.write(path, content);
        git(&self.work, &["add", "-A"]);
        git(&self.work, &["commit", "-q", "-m", message]);
        self.push();
        git(&self.work, &["rev-parse", "HEAD"])
    }

    pub fn push(&self) {
        git(&self.work, &["push", "-q", "--force", "--all", "origin"]);
        git(&self.work, &["push", "-q", "--force", "--tags", "origin"]);
    }
}

/// What an HTTP server demands and remembers.
#[derive(Default)]
pub struct HttpState {
    root: PathBuf,
    /// The whole Authorization header.
    pub authorization: Option<String>,
    /// Answers as servers did before version 2.
    pub old: bool,
    pub requests: Mutex<Vec<Seen>>,
}

#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
}

impl HttpState {
    pub fn count(&self, part: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|seen| seen.path.contains(part)).count()
    }
}

pub async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Serves the bare repositories below `root` with `git http-backend`.
pub async fn http(root: PathBuf, change: impl FnOnce(&mut HttpState)) -> (String, Arc<HttpState>) {
    let mut state = HttpState { root, ..HttpState::default() };
    change(&mut state);
    let state = Arc::new(state);
    let router = Router::new().fallback(backend).with_state(state.clone());
    (listen(router).await, state)
}

pub async fn backend(State(state): State<Arc<HttpState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let authorization = header("authorization");
    state.requests.lock().unwrap().push(Seen { path: parts.uri.to_string(), authorization: authorization.clone() });
    if state.authorization.is_some() && state.authorization != authorization {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut command = tokio::process::Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &state.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(protocol) = header("git-protocol").filter(|_| !state.old) {
        command.env("GIT_PROTOCOL", protocol);
    }
    cgi(command, body).await
}

async fn cgi(mut command: tokio::process::Command, body: Bytes) -> Response {
    use tokio::io::AsyncWriteExt as _;
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (_, output) = tokio::join!(
        async move {
            let _ = stdin.write_all(&body).await;
            drop(stdin);
        },
        child.wait_with_output()
    );
    let output = output.unwrap().stdout;
    let split = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..split]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = if name == "Status" {
            response.status(value[..3].parse::<u16>().unwrap())
        } else {
            response.header(name, value)
        };
    }
    response.body(Body::from(output[split + 4..].to_vec())).unwrap()
}
