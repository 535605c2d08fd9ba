//! Creating objects.

use std::sync::Arc;

use flux_store::WriteError;
use rand::Rng as _;
use serde_json::Value;

use super::{Part, convert, options};
use crate::intake;
use crate::object::{meta_mut, meta_text, name, now};
use crate::reply::{Reply, form_of};
use crate::request::Ask;
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::ApiError;
use crate::{admission, managed, strategy, validation};

/// Letters of generated names: no vowels, no look-alikes.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
const GENERATED_MAX: usize = 63;
/// Attempts at a free generated name.
const GENERATE_TRIES: usize = 8;

impl Shared {
    pub(crate) async fn create(self: &Arc<Self>, ask: &mut Ask, resource: &Arc<Resource>) -> Result<Reply, ApiError> {
        let form = form_of(ask)?;
        options::check(ask, options::Kind::Create)?;
        if let Some(reply) = self.virtual_create(ask, resource).await? {
            return Ok(reply);
        }
        let mut object = intake::read_object(ask, resource)?;
        intake::check_place(&mut object, &ask.target.namespace, resource)?;
        let manager = ask.manager();
        for key in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
            meta_mut(&mut object).remove(key);
        }
        managed::after_write(resource, None, &mut object, &manager, Part::Main);
        let created = self.insert(ask, resource, object).await?;
        self.value_reply(201, resource, created, form)
    }

    /// Runs admission, completes, checks and stores a new object.
    pub(crate) async fn insert(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        mut object: Value,
    ) -> Result<Value, ApiError> {
        admission::on_create(self, ask, resource, &mut object).await?;
        let generated = name(&object).is_empty() && !meta_text(&object, "generateName").is_empty();
        let mut tries = if generated { GENERATE_TRIES } else { 1 };
        loop {
            let mut attempt = object.clone();
            if generated {
                let prefix = meta_text(&object, "generateName").to_owned();
                meta_mut(&mut attempt).insert("name".into(), generate_name(&prefix).into());
            }
            tries -= 1;
            match self.insert_named(ask, resource, attempt).await {
                Err(error) if error.reason == "AlreadyExists" && tries > 0 => {}
                other => return other,
            }
        }
    }

    async fn insert_named(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        mut object: Value,
    ) -> Result<Value, ApiError> {
        complete(resource, &mut object);
        strategy::prepare_create(resource, &mut object);
        let dry_run = options::is_dry_run(ask);
        self.allocate(resource, None, &mut object, dry_run).await?;
        let allocated = (resource.is("", "services") && !dry_run).then(|| object.clone());
        let stored = self.insert_checked(ask, resource, object, dry_run).await;
        if let (Err(_), Some(service)) = (&stored, allocated) {
            self.release(&service);
        }
        stored
    }

    /// Checks and stores a completed object.
    async fn insert_checked(
        self: &Arc<Self>,
        ask: &mut Ask,
        resource: &Arc<Resource>,
        object: Value,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let version = meta_text(&object, "resourceVersion").to_owned();
        validation::on_create(self, ask, resource, &object).await?;
        let _quota = admission::check_create(self, ask, resource, &object).await?;
        crate::warnings::on_write(resource, None, &object).into_iter().for_each(|text| ask.warn(text));
        if !version.is_empty() {
            return Err(ApiError::bare("resourceVersion should not be set on objects to be created"));
        }
        let mut object = intake::as_stored(object, resource);
        let key = resource.key(&ask.target.namespace, name(&object));
        let exists = || ApiError::already_exists(&resource.group, &resource.plural, name(&object));
        if dry_run {
            return match self.store.get(&resource.table, &key).await {
                Some(_) => Err(exists()),
                None => Ok(object),
            };
        }
        let written =
            self.store.create(&resource.table, &key, |revision| convert::stored(resource, &object, revision)).await;
        let revision = written.map_err(|error| match error {
            WriteError::Exists => exists(),
            _ => ApiError::storage_refused(),
        })?;
        meta_mut(&mut object).insert("resourceVersion".into(), revision.to_string().into());
        self.after_write(resource, None, Some(&object)).await;
        Ok(object)
    }
}

/// Sets what the server gives every new object.
fn complete(resource: &Resource, object: &mut Value) {
    let meta = meta_mut(object);
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        meta.remove(key);
    }
    meta.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
    meta.insert("creationTimestamp".into(), now().into());
    if !resource.namespaced {
        meta.remove("namespace");
    }
}

fn generate_name(prefix: &str) -> String {
    let mut prefix = prefix;
    while prefix.len() > GENERATED_MAX - SUFFIX_LENGTH {
        let cut = prefix.char_indices().next_back().map_or(0, |(at, _)| at);
        prefix = &prefix[..cut];
    }
    format!("{prefix}{}", random_suffix())
}

/// Five letters as upstream appends them.
pub(crate) fn random_suffix() -> String {
    let mut random = rand::rng();
    (0..SUFFIX_LENGTH).map(|_| char::from(SUFFIX_LETTERS[random.random_range(0..SUFFIX_LETTERS.len())])).collect()
}
