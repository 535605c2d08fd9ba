//! Follows renamed objects: whatever names one of them gets its new name.

use std::collections::{BTreeSet, HashMap, HashSet};

use flux_yaml::{Node, NodeKind};

use super::fieldspec::{self, Make, plain_id, set_text};
use crate::config::{FieldSpec, NameReference};
use crate::error::Error;
use crate::id::{Gvk, GvkRef, Id, NO_NAMESPACE};
use crate::node::{self, is_null, raw};
use crate::resource::Resource;
use crate::schema::Schema;

/// What has to be known about an object that was renamed. Objects never renamed need no fixing.
struct Candidate {
    place: usize,
    name: String,
    namespace: String,
    effective_namespace: String,
    original_namespace: String,
    is_service_account: bool,
    past: Vec<Gvk>,
}

/// Where objects are now that were in a namespace at first: raw namespace, effective one.
type Moves = HashMap<String, HashSet<(String, String)>>;

/// Updates every reference the rules know.
pub(crate) fn apply(objects: &mut [Resource], rules: &[NameReference], schema: &Schema) -> Result<(), Error> {
    let mut table = Table::new(objects, schema);
    let mut by_kind: HashMap<String, Vec<(GvkRef<'_>, &FieldSpec)>> = HashMap::new();
    for place in 0..objects.len() {
        let original = objects[place].original_id(schema).gvk.to_owned();
        if !by_kind.contains_key(&original.kind) {
            let of_kind = |spec: &&FieldSpec| spec.gvk().kind.is_empty() || spec.gvk().kind == original.kind;
            let rules = rules.iter().flat_map(|rule| rule.referrers.iter().map(move |spec| (rule.gvk(), spec)));
            by_kind.insert(original.kind.clone(), rules.filter(|(_, spec)| of_kind(spec)).collect());
        }
        let Some(wanted) = by_kind.get(&original.kind).filter(|wanted| !wanted.is_empty()) else { continue };
        let reach = Reach::of(&objects[place], schema)?;
        let role = role_of(&objects[place].node);
        let mut referrals = BTreeSet::new();
        // The tree is taken out to be edited while the others are looked at.
        let mut node = std::mem::take(&mut objects[place].node);
        let mut failure = None;
        for (target, spec) in wanted.iter().filter(|(_, spec)| original.borrow().is_selected(spec.gvk())) {
            let role = role.as_ref().filter(|_| spec.path().ends_with("roleRef/name"));
            let filter = Filter { table: &table, objects, reach: &reach, place, target: *target, role };
            failure = filter.run(&mut node, spec, &mut referrals).err();
            if failure.is_some() {
                break;
            }
        }
        objects[place].node = node;
        if let Some(failure) = failure {
            return Err(failure.explain(objects, place));
        }
        if !referrals.is_empty() {
            let referrer = objects[place].id(schema).to_string();
            for referral in referrals {
                objects[referral].history.referred_by.push(referrer.clone());
            }
        }
        table.refresh(place, &objects[place], schema);
    }
    Ok(())
}

struct Table {
    candidates: Vec<Candidate>,
    by_past_name: HashMap<String, Vec<usize>>,
    by_place: HashMap<usize, usize>,
    moves: Moves,
}

impl Table {
    fn new(objects: &[Resource], schema: &Schema) -> Self {
        let mut table = Self {
            candidates: Vec::new(),
            by_past_name: HashMap::new(),
            by_place: HashMap::new(),
            moves: Moves::new(),
        };
        for (place, object) in objects.iter().enumerate() {
            let (original, now) = (object.original_id(schema), object.id(schema));
            let moved = (now.namespace.to_owned(), now.effective_namespace().to_owned());
            table.moves.entry(original.effective_namespace().to_owned()).or_default().insert(moved);
            if object.history.past.is_empty() {
                continue;
            }
            let number = table.candidates.len();
            for name in object.past_ids().map(|id| id.name).collect::<BTreeSet<_>>() {
                table.by_past_name.entry(name.to_owned()).or_default().push(number);
            }
            table.by_place.insert(place, number);
            table.candidates.push(Candidate {
                place,
                name: now.name.to_owned(),
                namespace: now.namespace.to_owned(),
                effective_namespace: now.effective_namespace().to_owned(),
                original_namespace: original.effective_namespace().to_owned(),
                is_service_account: object.kind() == "ServiceAccount",
                past: object.past_ids().map(|id| id.gvk.to_owned()).collect(),
            });
        }
        table
    }

    /// A rule may write the name or namespace of the referrer itself.
    fn refresh(&mut self, place: usize, object: &Resource, schema: &Schema) {
        if let Some(candidate) = self.by_place.get(&place).map(|number| &mut self.candidates[*number]) {
            let id = object.id(schema);
            if candidate.name != id.name || candidate.namespace != id.namespace {
                candidate.name = id.name.to_owned();
                candidate.namespace = id.namespace.to_owned();
                candidate.effective_namespace = id.effective_namespace().to_owned();
            }
        }
    }
}

/// Which objects a referrer may name.
struct Reach {
    /// Nothing for a referrer without namespace, which may name anything.
    namespace: Option<String>,
    /// Namespaces of the service accounts a RoleBinding binds.
    subjects: HashSet<String>,
}

impl Reach {
    fn of(referrer: &Resource, schema: &Schema) -> Result<Self, Error> {
        let id = referrer.id(schema);
        if id.cluster_scoped {
            return Ok(Self { namespace: None, subjects: HashSet::new() });
        }
        Ok(Self { namespace: Some(id.effective_namespace().to_owned()), subjects: subject_namespaces(referrer, &id)? })
    }

    fn allows(&self, namespace: &str, effective: &str) -> bool {
        self.namespace.as_ref().is_none_or(|own| own == effective)
            || effective == NO_NAMESPACE
            || self.subjects.contains(namespace)
    }
}

fn subject_namespaces(referrer: &Resource, id: &Id<'_>) -> Result<HashSet<String>, Error> {
    let mut namespaces = HashSet::new();
    if referrer.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    let subjects = referrer.node.get("subjects").and_then(Node::as_sequence);
    for subject in subjects.into_iter().flat_map(|list| &list.items) {
        let (Some(namespace), Some(kind)) = (subject.get("namespace"), subject.get("kind")) else { continue };
        if raw(kind) != "ServiceAccount" {
            continue;
        }
        if !node::is_string(namespace) {
            let reason = format!(
                "Invalid Input: namespace is blank for resource {}\n",
                crate::go::print::quote(&id.to_string())
            );
            return Err(Error::Reference { reason });
        }
        namespaces.insert(raw(namespace).to_owned());
    }
    Ok(namespaces)
}

/// Group and kind of a `roleRef`.
fn role_of(referrer: &Node) -> Option<Gvk> {
    let role = referrer.get("roleRef")?;
    Some(Gvk::new(raw(role.get("apiGroup")?), "", raw(role.get("kind")?)))
}

/// Why a rule could not be followed.
struct Failure {
    error: Error,
    /// The objects that could all be meant.
    candidates: Vec<usize>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, candidates: Vec::new() }
    }
}

impl Failure {
    /// Puts the objects that could be meant into the text.
    fn explain(self, objects: &[Resource], referrer: usize) -> Error {
        match self.candidates.is_empty() {
            true => self.error,
            false => put_innermost(self.error, ambiguous(objects, referrer, &self.candidates)),
        }
    }
}

fn put_innermost(error: Error, new: Error) -> Error {
    match error {
        Error::Within { context, inner } => Error::Within { context, inner: Box::new(put_innermost(*inner, new)) },
        _ => new,
    }
}

fn ambiguous(objects: &[Resource], referrer: usize, candidates: &[usize]) -> Error {
    let print = |place: usize| {
        let value = flux_yaml::to_json(&objects[place].annotated(), flux_yaml::Schema::V3).unwrap_or_default();
        flux_yaml::emit_v2(&value)
    };
    let ids: Vec<String> = candidates.iter().map(|place| plain_id(&objects[*place].node).to_string()).collect();
    let mut reason = format!(
        "found multiple possible referrals: {}\n\n**** Too many possible referral targets to referrer:\n{}\n",
        ids.join(", "),
        print(referrer)
    );
    for (number, place) in candidates.iter().enumerate() {
        reason.push_str(&format!("--- possible referral {number}:\n{}\n", print(*place)));
    }
    Error::Reference { reason }
}

/// One rule for one referrer.
struct Filter<'a> {
    table: &'a Table,
    objects: &'a [Resource],
    reach: &'a Reach,
    place: usize,
    target: GvkRef<'a>,
    /// What the reference must be, beyond the rule.
    role: Option<&'a Gvk>,
}

/// What was found while one rule was followed.
#[derive(Default)]
struct Found {
    referrals: Vec<usize>,
    candidates: Vec<usize>,
}

impl<'a> Filter<'a> {
    fn run(&self, node: &mut Node, spec: &FieldSpec, referrals: &mut BTreeSet<usize>) -> Result<(), Failure> {
        if !leads_somewhere(node, spec.parts()) {
            return Ok(());
        }
        let mut found = Found::default();
        let result = fieldspec::apply_path(node, spec, Make::Nothing, &mut |field| self.set(field, &mut found));
        referrals.extend(found.referrals);
        result.map_err(|error| Failure {
            error: error.within(format!("updating name reference in '{}' field of '{}'", spec.path(), plain_id(node))),
            candidates: found.candidates,
        })
    }

    fn set(&self, field: &mut Node, found: &mut Found) -> Result<(), Error> {
        if is_null(field) {
            return Ok(());
        }
        match &mut field.kind {
            NodeKind::Scalar(_) | NodeKind::Alias(_) => self.set_scalar(field, found),
            NodeKind::Mapping(_) => self.set_mapping(field, found),
            NodeKind::Sequence(seq) => seq.items.iter_mut().try_for_each(|item| match item.kind {
                _ if is_null(item) => Ok(()),
                NodeKind::Scalar(_) => self.set_scalar(item, found),
                NodeKind::Mapping(_) => self.set_mapping(item, found),
                _ => {
                    let reason = "node is expected to be either a string or a map of string".into();
                    Err(Error::Reference { reason })
                }
            }),
        }
    }

    fn set_scalar(&self, field: &mut Node, found: &mut Found) -> Result<(), Error> {
        match self.select(raw(field), |_| true, |a, b| a.name == b.name, found)? {
            Some(referral) if referral.name != raw(field) => set_text(field, &referral.name),
            _ => Ok(()),
        }
    }

    /// A map with `name` and perhaps `namespace`.
    fn set_mapping(&self, field: &mut Node, found: &mut Found) -> Result<(), Error> {
        let Some(name) = field.get("name").map(raw) else {
            return Err(Error::Reference { reason: "path config error; no 'name' field in node".into() });
        };
        let namespace = field.get("namespace").map(raw);
        let by_origin = namespace.is_some_and(|namespace| self.some_came_from(namespace));
        let in_namespace = |candidate: &Candidate| match namespace {
            None => true,
            Some(NO_NAMESPACE) => false,
            Some(namespace) if by_origin => candidate.original_namespace == namespace,
            Some(namespace) => candidate.effective_namespace == namespace,
        };
        let identical = |a: &Candidate, b: &Candidate| a.name == b.name && a.namespace == b.namespace;
        let Some(referral) = self.select(name, in_namespace, identical, found)? else { return Ok(()) };
        if referral.name == name && referral.namespace.is_empty() {
            return Ok(());
        }
        let map = node::mapping_mut(field)?;
        node::set_text(map, "name", &referral.name);
        if !referral.namespace.is_empty() {
            node::set_text(map, "namespace", &referral.namespace);
        }
        Ok(())
    }

    /// True when an object in reach was in that namespace at first.
    fn some_came_from(&self, namespace: &str) -> bool {
        let moves = (namespace != NO_NAMESPACE).then(|| self.table.moves.get(namespace)).flatten();
        moves.is_some_and(|moves| moves.iter().any(|(now, effective)| self.reach.allows(now, effective)))
    }

    /// The renamed object a name means.
    fn select(
        &self,
        name: &str,
        fits: impl Fn(&Candidate) -> bool,
        identical: impl Fn(&Candidate, &Candidate) -> bool,
        found: &mut Found,
    ) -> Result<Option<&'a Candidate>, Error> {
        let was =
            |candidate: &Candidate, kind: GvkRef<'_>| candidate.past.iter().any(|gvk| gvk.borrow().is_selected(kind));
        let known = self.table.by_past_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let mut candidates: Vec<&'a Candidate> = known
            .iter()
            .map(|number| &self.table.candidates[*number])
            .filter(|candidate| self.reach.allows(&candidate.namespace, &candidate.effective_namespace))
            .filter(|candidate| fits(candidate) && was(candidate, self.target))
            .filter(|candidate| self.role.is_none_or(|role| was(candidate, role.borrow())))
            .filter(|candidate| self.in_same_namespace(candidate))
            .collect();
        if candidates.len() != 1 {
            let referrer = &self.objects[self.place];
            candidates.retain(|candidate| affixes_fit(referrer, &self.objects[candidate.place], true));
            if candidates.len() > 1 {
                candidates.retain(|candidate| affixes_fit(referrer, &self.objects[candidate.place], false));
            }
        }
        let Some(first) = candidates.first().copied() else { return Ok(None) };
        if candidates.iter().all(|other| identical(first, other)) {
            found.referrals.push(first.place);
            return Ok(Some(first));
        }
        found.candidates = candidates.iter().map(|candidate| candidate.place).collect();
        Err(Error::Reference { reason: "found multiple possible referrals".into() })
    }

    fn in_same_namespace(&self, candidate: &Candidate) -> bool {
        candidate.is_service_account
            || candidate.effective_namespace == NO_NAMESPACE
            || self.reach.namespace.as_ref().is_none_or(|own| *own == candidate.effective_namespace)
    }
}

/// False when the walk would end at a missing field at once.
fn leads_somewhere(object: &Node, path: &[String]) -> bool {
    let mut at = object;
    for step in path {
        let NodeKind::Mapping(map) = &at.kind else { return true };
        match map.get(step.strip_suffix("[]").unwrap_or(step)) {
            Some(next) if !is_null(next) => at = next,
            _ => return step.bytes().all(|b| b.is_ascii_digit()),
        }
    }
    true
}

/// Whether two objects' prefixes and suffixes end alike. `lenient`: none fits any.
fn affixes_fit(a: &Resource, b: &Resource, lenient: bool) -> bool {
    let fit = |a: &[String], b: &[String]| (lenient && (a.is_empty() || b.is_empty())) || same_ending(a, b);
    fit(&a.history.prefixes, &b.history.prefixes) && fit(&a.history.suffixes, &b.history.suffixes)
}

fn same_ending(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
