//! Part `storage`: release records (`storage/`).

use std::collections::BTreeMap;

use anyhow::Result;
use flux_helm::release::Observation;
use flux_helm::storage::{self, Write};
use flux_helm::{Release, Time};
use serde_json::Value;

use super::super::{Case, Inputs, Verdict};
use super::lines;
use super::values::text;

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    let dir = inputs.dir.join("storage");
    let mut cases = Vec::new();
    let secrets = lines(&dir.join("release-secrets.jsonl"))?;
    for line in &secrets {
        let line = line.clone();
        cases.push(Case::new(format!("storage/release-secrets/{}", text(&line, "name")), move || secret(&line)));
    }
    for line in lines(&dir.join("release-observations.jsonl"))? {
        let name = text(&line, "secret").to_owned();
        let record = secrets.iter().find(|secret| text(secret, "name") == name).cloned().unwrap_or_default();
        cases.push(Case::new(format!("storage/release-observations/{name}"), move || observation(&line, &record)));
    }
    Ok(cases)
}

fn read(line: &Value) -> Result<Release, Verdict> {
    storage::decode(text(line, "release").as_bytes()).map_err(|error| Verdict::Fail(error.to_string()))
}

fn secret(line: &Value) -> Verdict {
    let mut release = match read(line) {
        Ok(release) => release,
        Err(failed) => return failed,
    };
    if let failed @ Verdict::Fail(_) = Verdict::same_text(text(line, "json"), &release.to_json()) {
        return failed;
    }
    let again = storage::decode(storage::encode(&release).as_bytes());
    if again.as_ref() != Ok(&release) {
        return Verdict::Fail("the record does not come back as it was written".into());
    }
    let mut expected: BTreeMap<String, String> = line["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    release.labels =
        expected.clone().into_iter().filter(|(key, _)| !storage::SYSTEM_LABELS.contains(&key.as_str())).collect();
    expected.insert("createdAt".into(), "7".into());
    let found = storage::labels(&release, Write::Create, Time::from_unix(7));
    let name = storage::secret_name(&release.name, release.version);
    Verdict::same(&(text(line, "name").to_owned(), expected), &(name, found))
}

fn observation(line: &Value, record: &Value) -> Verdict {
    let release = match read(record) {
        Ok(release) => release,
        Err(failed) => return failed,
    };
    let observation = Observation::of(&release);
    if let failed @ Verdict::Fail(_) = Verdict::same_text(text(line, "observationJson"), &observation.encode()) {
        return failed;
    }
    let snapshot = observation.snapshot(flux_helm::digest::Algorithm::default());
    let expected = (text(line, "digest").to_owned(), text(line, "configDigest").to_owned());
    Verdict::same(&expected, &(snapshot.digest, snapshot.config_digest))
}
