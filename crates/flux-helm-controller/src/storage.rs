//! Records of releases: one Secret per revision, as Helm keeps them.

use std::collections::BTreeMap;

use flux_apply::{Target, kube_text};
use flux_helm::Release;
use flux_helm::release::{Info, Status};
use flux_helm::storage::{self, StorageError, Write};
use http::Request;
use serde_json::Value;

/// Why storage did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("release: not found")]
    NotFound,
    #[error("release: already exists")]
    Exists,
    #[error(transparent)]
    Record(#[from] StorageError),
    #[error("{message}")]
    Server { message: String },
    #[error("release {name}.v{version} cannot be read: {source}")]
    Damaged { name: String, version: i64, source: StorageError },
    #[error("a record could not be packed")]
    Packing,
}

impl From<kube::Error> for StoreError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.is_not_found() => Self::NotFound,
            kube::Error::Api(status) if status.is_already_exists() => Self::Exists,
            _ => Self::Server { message: kube_text(&error) },
        }
    }
}

/// A record that was listed but not yet unpacked.
pub struct Record {
    pub version: i64,
    pub status: Status,
    secret: Value,
}

impl Record {
    /// Unpacks the record.
    pub fn release(&self) -> Result<Release, StoreError> {
        storage::from_secret(&self.secret).map_err(|source| StoreError::Damaged {
            name: self.secret["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            version: self.version,
            source,
        })
    }
}

/// The records in one namespace, as one identity sees them.
#[derive(Clone)]
pub struct Storage {
    target: Target,
    namespace: String,
}

impl Storage {
    pub fn new(target: Target, namespace: &str) -> Self {
        Self { target, namespace: namespace.to_owned() }
    }

    fn path(&self, name: Option<(&str, i64)>) -> String {
        let collection = format!("/api/v1/namespaces/{}/secrets", self.namespace);
        match name {
            Some((name, version)) => format!("{collection}/{}", storage::secret_name(name, version)),
            None => collection,
        }
    }

    /// All records of a release, oldest first.
    pub async fn records(&self, name: &str) -> Result<Vec<Record>, StoreError> {
        let uri = format!("{}?labelSelector=name%3D{name}%2Cowner%3Dhelm", self.path(None));
        let request = Request::get(uri).body(Vec::new()).map_err(kube::Error::HttpError)?;
        let mut list: Value = self.target.client().request(request).await?;
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let record = |secret: Value| {
            let label = |key: &str| secret["metadata"]["labels"][key].as_str().unwrap_or_default().to_owned();
            let (version, status) =
                (label("version").parse().unwrap_or_default(), Status::from(label("status").as_str()));
            Record { version, status, secret }
        };
        let mut records: Vec<Record> = items.into_iter().map(record).collect();
        records.sort_by_key(|record| record.version);
        Ok(records)
    }

    /// The newest revision of a release.
    pub async fn last(&self, name: &str) -> Result<Option<Release>, StoreError> {
        self.records(name).await?.last().map(Record::release).transpose()
    }

    /// One revision; `None` when it is not there.
    pub async fn get(&self, name: &str, version: i64) -> Result<Option<Release>, StoreError> {
        let request =
            Request::get(self.path(Some((name, version)))).body(Vec::new()).map_err(kube::Error::HttpError)?;
        match self.target.client().request::<Value>(request).await {
            Ok(secret) => Ok(Some(Record { version, status: Status::Unset, secret }.release()?)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a new revision. Before that the oldest ones go, so that at most `max_history` remain; zero keeps all.
    pub async fn create(&self, release: &Release, max_history: usize) -> Result<(), StoreError> {
        if max_history > 0 {
            let light = |record: &Record| Release {
                name: release.name.clone(),
                version: record.version,
                info: Info { status: record.status.clone(), ..Info::default() },
                ..Release::default()
            };
            let known: Vec<Release> = self.records(&release.name).await?.iter().map(light).collect();
            for (name, version) in storage::surplus(&known, max_history) {
                self.delete(&name, version).await?;
            }
        }
        let body = self.secret(release, Write::Create).await?;
        let request = Request::post(self.path(None)).header(http::header::CONTENT_TYPE, "application/json");
        self.target.client().request::<Value>(request.body(body).map_err(kube::Error::HttpError)?).await?;
        Ok(())
    }

    /// Writes a revision that is there.
    pub async fn update(&self, release: &Release) -> Result<(), StoreError> {
        let body = self.secret(release, Write::Update).await?;
        let path = self.path(Some((&release.name, release.version)));
        let request = Request::put(path).header(http::header::CONTENT_TYPE, "application/json");
        self.target.client().request::<Value>(request.body(body).map_err(kube::Error::HttpError)?).await?;
        Ok(())
    }

    pub async fn delete(&self, name: &str, version: i64) -> Result<(), StoreError> {
        let request = Request::delete(self.path(Some((name, version)))).body(Vec::new());
        match self.target.client().request::<Value>(request.map_err(kube::Error::HttpError)?).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Packs the record off the server's threads: a chart is compressed in it.
    async fn secret(&self, release: &Release, write: Write) -> Result<Vec<u8>, StoreError> {
        let (release, namespace) = (release.clone(), self.namespace.clone());
        let pack = move || {
            let secret = storage::secret(&release, &namespace, write, crate::clock::now())?;
            serde_json::to_vec(&secret).map_err(|_| StoreError::Packing)
        };
        tokio::task::spawn_blocking(pack).await.map_err(|_| StoreError::Packing)?
    }
}

/// The last state of every revision that an action wrote.
#[derive(Clone, Debug, Default)]
pub struct Observed(BTreeMap<i64, Release>);

impl Observed {
    pub fn take(&mut self, release: &Release) {
        self.0.insert(release.version, release.clone());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, version: i64) -> Option<&Release> {
        self.0.get(&version)
    }

    /// All of them, oldest first.
    pub fn releases(&self) -> Vec<Release> {
        self.0.values().cloned().collect()
    }
}
