//! Keeps the registry in step with the stored definitions, and gives definitions their conditions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Definition;
use super::definition::has_condition;
use crate::object::{finalizers, is_deleting, list_at, meta_mut, name, now, section, text, text_at};
use crate::rest::DeleteOptions;
use crate::server::Shared;

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
/// Holds a definition until its objects are gone.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The names that nobody else of the group holds, and the last conflict: its reason and message.
fn accepted_names(
    object: &Value,
    others: &BTreeMap<String, Arc<Definition>>,
) -> (Value, Option<(&'static str, String)>) {
    let group = text_at(object, "/spec/group");
    let others: Vec<&Arc<Definition>> = others
        .values()
        .filter(|other| other.name != name(object) && other.group == group && other.established)
        .collect();
    let resource_taken = |wanted: &str| {
        others.iter().any(|other| {
            other.plural == wanted || other.singular == wanted || other.short_names.iter().any(|short| short == wanted)
        })
    };
    let kind_taken = |wanted: &str| others.iter().any(|other| other.kind == wanted || other.list_kind == wanted);
    let requested = &object["spec"]["names"];
    let held = &object["status"]["acceptedNames"];
    let (mut names, mut conflict) = (json!({"plural": "", "kind": ""}), None);
    for (key, reason) in [
        ("plural", "PluralConflict"),
        ("singular", "SingularConflict"),
        ("shortNames", "ShortNamesConflict"),
        ("kind", "KindConflict"),
        ("listKind", "ListKindConflict"),
    ] {
        let Some(wanted) = requested.get(key).filter(|wanted| !wanted.is_null()) else { continue };
        let mut taken = Vec::new();
        if held.get(key) != Some(wanted) {
            let words = wanted.as_array().map_or_else(|| vec![wanted], |list| list.iter().collect());
            let in_use = |word: &&&str| if key.ends_with("ind") { kind_taken(word) } else { resource_taken(word) };
            taken = words.iter().filter_map(|word| word.as_str()).filter(|word| in_use(&word)).collect();
        }
        match taken.as_slice() {
            [] => names[key] = wanted.clone(),
            [one] => conflict = Some((reason, format!("{} is already in use", crate::status::go_quote(one)))),
            many => {
                let texts = many.iter().map(|one| format!("{} is already in use", crate::status::go_quote(one)));
                conflict = Some((reason, format!("[{}]", texts.collect::<Vec<_>>().join(", "))));
            }
        }
    }
    if let Some(categories) = requested.get("categories") {
        names["categories"] = categories.clone();
    }
    (names, conflict)
}

impl Shared {
    /// Reads all stored definitions, at start.
    pub(crate) async fn load_definitions(self: &Arc<Self>) {
        let Some(resource) = self.registry.find(GROUP, "v1", PLURAL) else { return };
        let all = self.all(&resource, "").await;
        let definitions: BTreeMap<String, Arc<Definition>> =
            all.iter().map(|object| (name(object).to_owned(), Definition::read(object))).collect();
        for definition in definitions.values() {
            self.store.ensure(&definition.table());
        }
        self.registry.set_definitions(definitions);
        for object in all.into_iter().filter(is_deleting) {
            self.clean_up(name(&object).to_owned());
        }
    }

    /// Follows a write of a definition.
    pub(crate) async fn definition_changed(self: &Arc<Self>, old: Option<&Value>, new: Option<&Value>) {
        match new {
            Some(new) => {
                let others = self.registry.current().definitions.clone();
                let new = self.accept(new, &others).await.unwrap_or_else(|| new.clone());
                let definition = Definition::read(&new);
                self.store.ensure(&definition.table());
                self.registry.change_definitions(|all| {
                    all.insert(definition.name.clone(), definition);
                });
                if is_deleting(&new) && !old.is_some_and(is_deleting) {
                    self.clean_up(name(&new).to_owned());
                }
            }
            None => {
                if let Some(old) = old {
                    self.registry.change_definitions(|all| {
                        all.remove(name(old));
                    });
                }
            }
        }
        self.gone.send_modify(|count| *count += 1);
    }

    /// Gives a new definition its names and conditions; `None` when it has them.
    async fn accept(self: &Arc<Self>, object: &Value, others: &BTreeMap<String, Arc<Definition>>) -> Option<Value> {
        let versions: Vec<&str> = list_at(object, "/spec/versions")
            .iter()
            .filter(|one| one.get("storage") == Some(&Value::Bool(true)))
            .map(|one| text(one, "name"))
            .collect();
        let stored: Vec<&str> = list_at(object, "/status/storedVersions").iter().filter_map(Value::as_str).collect();
        let known = versions.iter().all(|version| stored.contains(version));
        let same_names = object.pointer("/spec/names") == object.pointer("/status/acceptedNames");
        if has_condition(object, "Established") && known && same_names {
            return None;
        }
        let mut new = object.clone();
        let (names, conflict) = accepted_names(object, others);
        let all: Vec<String> = stored
            .iter()
            .chain(versions.iter().filter(|version| !stored.contains(version)))
            .map(|one| (*one).to_owned())
            .collect();
        let time = now();
        let condition = |kind: &str, on: bool, reason: &str, message: &str| {
            let status = if on { "True" } else { "False" };
            json!({"type": kind, "status": status, "lastTransitionTime": time, "reason": reason, "message": message})
        };
        let established = has_condition(object, "Established");
        let mut conditions: Vec<Value> = list_at(object, "/status/conditions").to_vec();
        conditions
            .retain(|one| text(one, "type") != "NamesAccepted" && (established || text(one, "type") != "Established"));
        let rest = conditions.iter().position(|one| text(one, "type") == "Established").unwrap_or(0);
        match &conflict {
            None => conditions.insert(rest, condition("NamesAccepted", true, "NoConflicts", "no conflicts found")),
            Some((reason, message)) => conditions.insert(rest, condition("NamesAccepted", false, reason, message)),
        }
        if !established {
            conditions.push(match conflict {
                None => condition("Established", true, "InitialNamesAccepted", "the initial names have been accepted"),
                Some(_) => condition("Established", false, "NotAccepted", "not all names are accepted"),
            });
        }
        let status = section(&mut new, "status");
        status.insert("acceptedNames".into(), names);
        status.insert("conditions".into(), conditions.into());
        status.insert("storedVersions".into(), json!(all));
        if let Some(resource) = self.registry.find(GROUP, "v1", PLURAL) {
            crate::managed::after_write(&resource, Some(object), &mut new, "kube-apiserver", crate::rest::Part::Status);
        }
        self.write_definition(object, new).await
    }

    async fn write_definition(self: &Arc<Self>, old: &Value, new: Value) -> Option<Value> {
        let resource = self.registry.find(GROUP, "v1", PLURAL)?;
        let entry = self.store.get(&resource.table, name(old)).await?;
        if entry.revision != crate::object::revision(old) {
            return None;
        }
        Box::pin(self.commit(&resource, "", &entry, old, new, false)).await.ok()
    }

    /// Deletes the objects of a definition, then lets it go.
    fn clean_up(self: &Arc<Self>, definition: String) {
        let shared = self.clone();
        tokio::spawn(async move { shared.clean_up_now(&definition).await });
    }

    async fn clean_up_now(self: &Arc<Self>, definition: &str) {
        let Some(found) = self.registry.current().definitions.get(definition).cloned() else { return };
        if let Some(resource) = found.resources().into_iter().next() {
            let resource = Arc::new(resource);
            let mut changes = self.store.watch(&resource.table, self.store.revision()).ok();
            loop {
                let left = self.all(&resource, "").await;
                if left.is_empty() {
                    break;
                }
                for object in left.iter().filter(|object| !is_deleting(object)) {
                    let place = crate::object::namespace(object);
                    // An object that vanished meanwhile is what we want.
                    let _ = self.delete_object(&resource, place, name(object), &DeleteOptions::default()).await;
                }
                match &mut changes {
                    Some(changes) => {
                        if changes.next().await.is_err() {
                            return;
                        }
                    }
                    None => return,
                }
            }
        }
        let Some(resource) = self.registry.find(GROUP, "v1", PLURAL) else { return };
        for _ in 0..16 {
            let Some(old) = self.load(&resource, "", definition).await else { return };
            let mut new = old.clone();
            let left: Vec<&str> = finalizers(&old).into_iter().filter(|one| *one != CLEANUP).collect();
            let list = (!left.is_empty()).then(|| json!(left));
            crate::object::put(meta_mut(&mut new), "finalizers", list);
            let Some(entry) = self.store.get(&resource.table, definition).await else { return };
            if self.commit(&resource, "", &entry, &old, new, false).await.is_ok() {
                return;
            }
        }
    }
}
