//! Chooses a node for a Pod, or says why there is none in the scheduler's words.

use super::Context;
use crate::kinds::Kind;
use crate::world::{Key, Object, Selector, Usage, World};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Why a node is not possible. Nodes that no other Pod's end would help are not asked for preemption.
enum Refusal {
    /// Another Pod is in the way.
    Busy(Vec<String>),
    /// The node itself does not fit.
    Unfit(Vec<String>),
}

/// The name of the node, or the message of the `PodScheduled` condition.
pub(super) fn place(ctx: &Context, pod: &Object) -> Result<String, String> {
    let terms = Terms::read(ctx.world, pod);
    let mut refusals = Vec::new();
    let mut best: Option<(Score, &str)> = None;
    for (node, usage) in ctx.world.nodes() {
        match refuse(pod, node, usage, &terms) {
            Some(refusal) => refusals.push(refusal),
            None => {
                let score = score(ctx.world, pod, node, usage);
                if best.as_ref().is_none_or(|(held, _)| score < *held) {
                    best = Some((score, &node.key.name));
                }
            }
        }
    }
    match best {
        Some((_, name)) => Ok(name.to_owned()),
        None => Err(message(&refusals)),
    }
}

/// Whether a node would take a Pod that is bound to it, as a DaemonSet's are: its own rules, not its space.
pub(super) fn eligible(spec: &Value, node: &Object) -> bool {
    untolerated(spec, node).is_none() && selected(spec, node)
}

/// `0/4 nodes are available: 4 Insufficient nvidia.com/gpu. preemption: ...`
fn message(refusals: &[Refusal]) -> String {
    let total = refusals.len();
    if total == 0 {
        return "no nodes available to schedule pods".into();
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut busy = 0;
    for refusal in refusals {
        let (Refusal::Busy(list) | Refusal::Unfit(list)) = refusal;
        busy += usize::from(matches!(refusal, Refusal::Busy(_)));
        list.iter().for_each(|reason| *reasons.entry(reason).or_default() += 1);
    }
    let sorted = |counts: Vec<(&str, usize)>| {
        let mut texts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        texts.sort();
        texts.join(", ")
    };
    let preemption = [
        ("No preemption victims found for incoming pod", busy),
        ("Preemption is not helpful for scheduling", total - busy),
    ];
    let preemption = preemption.into_iter().filter(|(_, count)| *count > 0).collect();
    format!(
        "0/{total} nodes are available: {}. preemption: 0/{total} nodes are available: {}.",
        sorted(reasons.into_iter().collect()),
        sorted(preemption)
    )
}

/// The filters in the scheduler's order; the first that refuses ends the look at a node.
fn refuse(pod: &Object, node: &Object, usage: &Usage, terms: &Terms) -> Option<Refusal> {
    let unfit = |reason: &str| Some(Refusal::Unfit(vec![reason.to_owned()]));
    if node.spec["unschedulable"] == true && !tolerates(&pod.spec, "node.kubernetes.io/unschedulable", "", "NoSchedule")
    {
        return unfit("node(s) were unschedulable");
    }
    if untolerated(&pod.spec, node).is_some() {
        return unfit("node(s) had untolerated taint(s)");
    }
    if !selected(&pod.spec, node) {
        return unfit("node(s) didn't match Pod's node affinity/selector");
    }
    if let Some(refusal) = insufficient(pod, node, usage) {
        return Some(refusal);
    }
    terms.refuse(node)
}

fn insufficient(pod: &Object, node: &Object, usage: &Usage) -> Option<Refusal> {
    let (mut reasons, mut hopeless) = (Vec::new(), false);
    let pods = node.resources.get("pods") / 1_000;
    if usage.pods.len() as i128 >= pods {
        reasons.push("Too many pods".to_owned());
    }
    for (name, wanted) in pod.resources.iter().filter(|(_, wanted)| *wanted > 0) {
        let held = node.resources.get(name);
        if wanted > held - usage.requested.get(name) {
            reasons.push(format!("Insufficient {name}"));
            hopeless |= wanted > held;
        }
    }
    match (reasons.is_empty(), hopeless) {
        (true, _) => None,
        (false, true) => Some(Refusal::Unfit(reasons)),
        (false, false) => Some(Refusal::Busy(reasons)),
    }
}

/// The first taint that keeps a Pod away.
fn untolerated<'a>(spec: &Value, node: &'a Object) -> Option<&'a Value> {
    node.spec["taints"].as_array()?.iter().find(|taint| {
        let text = |field: &str| taint[field].as_str().unwrap_or_default();
        text("effect") != "PreferNoSchedule" && !tolerates(spec, text("key"), text("value"), text("effect"))
    })
}

fn tolerates(spec: &Value, key: &str, value: &str, effect: &str) -> bool {
    spec["tolerations"].as_array().into_iter().flatten().any(|toleration| {
        let text = |field: &str| toleration[field].as_str().unwrap_or_default();
        let of_effect = text("effect").is_empty() || text("effect") == effect;
        let exists = text("operator") == "Exists";
        let of_key = text("key") == key || (text("key").is_empty() && exists);
        of_effect && of_key && (exists || text("value") == value)
    })
}

/// `nodeSelector` and the required node affinity.
fn selected(spec: &Value, node: &Object) -> bool {
    let plain = spec["nodeSelector"].as_object().into_iter().flatten();
    let mut plain = plain.map(|(label, value)| (node.labels.get(label).map(String::as_str), value.as_str()));
    let terms =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    let of_term = |term: &Value| {
        let fields = BTreeMap::from([("metadata.name".to_owned(), node.key.name.clone())]);
        let empty = term.as_object().is_none_or(serde_json::Map::is_empty);
        !empty
            && Selector::requirements(&term["matchExpressions"]).matches(&node.labels)
            && Selector::requirements(&term["matchFields"]).matches(&fields)
    };
    plain.all(|(held, wanted)| held == wanted) && terms.as_array().is_none_or(|terms| terms.iter().any(of_term))
}

/// Less is better: Pods of the same owner on the node, then how full it is.
type Score = (usize, i128);

fn score(world: &World, pod: &Object, node: &Object, usage: &Usage) -> Score {
    let siblings = pod.owner.as_ref().map_or(0, |owner| {
        let held = usage.pods.iter().filter_map(|key| world.get(key));
        held.filter(|held| held.owner.as_ref().is_some_and(|other| other.uid == owner.uid)).count()
    });
    let share = |name: &str| {
        let total = node.resources.get(name);
        if total == 0 { 0 } else { usage.requested.get(name) * 1_000 / total }
    };
    (siblings, share("cpu") + share("memory") + share("nvidia.com/gpu"))
}

/// What a Pod demands of other Pods' places.
struct Terms {
    spread: Vec<Spread>,
    apart: Vec<Domains>,
    together: Vec<Domains>,
}

/// A hard topology spread constraint, counted.
struct Spread {
    topology: String,
    counts: BTreeMap<String, i64>,
    least: i64,
    skew: i64,
}

/// The domains of one topology in which matching Pods run.
struct Domains {
    topology: String,
    values: BTreeSet<String>,
    /// An affinity term that the Pod itself fulfils binds nothing while no Pod does.
    bootstraps: bool,
}

impl Terms {
    fn read(world: &World, pod: &Object) -> Terms {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let affinity = &pod.spec["affinity"];
        let domains = |terms: &Value| list(terms).iter().map(|term| Domains::read(world, pod, term)).collect();
        let spread = list(&pod.spec["topologySpreadConstraints"]);
        let hard = spread.iter().filter(|constraint| constraint["whenUnsatisfiable"] == "DoNotSchedule");
        Terms {
            spread: hard.map(|constraint| Spread::read(world, pod, constraint)).collect(),
            apart: domains(&affinity["podAntiAffinity"][required]),
            together: domains(&affinity["podAffinity"][required]),
        }
    }

    fn refuse(&self, node: &Object) -> Option<Refusal> {
        let busy = |reason: &str| Some(Refusal::Busy(vec![reason.to_owned()]));
        for spread in &self.spread {
            let Some(domain) = node.labels.get(&spread.topology) else {
                let reason = "node(s) didn't match pod topology spread constraints (missing required label)";
                return Some(Refusal::Unfit(vec![reason.to_owned()]));
            };
            if spread.counts.get(domain).copied().unwrap_or_default() + 1 - spread.least > spread.skew {
                return busy("node(s) didn't match pod topology spread constraints");
            }
        }
        let within =
            |domains: &Domains| node.labels.get(&domains.topology).is_some_and(|value| domains.values.contains(value));
        if self.together.iter().any(|domains| !within(domains) && !domains.bootstraps) {
            return Some(Refusal::Unfit(vec!["node(s) didn't match pod affinity rules".to_owned()]));
        }
        if self.apart.iter().any(within) {
            return busy("node(s) didn't match pod anti-affinity rules");
        }
        None
    }
}

impl Spread {
    fn read(world: &World, pod: &Object, constraint: &Value) -> Spread {
        let topology = constraint["topologyKey"].as_str().unwrap_or_default().to_owned();
        // Only nodes that the Pod could go to by its node affinity count.
        let nodes = world.nodes().filter(|(node, _)| selected(&pod.spec, node));
        let mut counts: BTreeMap<String, i64> =
            nodes.filter_map(|(node, _)| Some((node.labels.get(&topology)?.clone(), 0))).collect();
        let selector = Selector::read(&constraint["labelSelector"]);
        for value in domains_of(world, &pod.key.namespace, &selector, &topology) {
            counts.entry(value).and_modify(|count| *count += 1);
        }
        let least = counts.values().copied().min().unwrap_or_default();
        Spread { topology, counts, least, skew: constraint["maxSkew"].as_i64().unwrap_or(1) }
    }
}

impl Domains {
    fn read(world: &World, pod: &Object, term: &Value) -> Domains {
        let topology = term["topologyKey"].as_str().unwrap_or_default().to_owned();
        let selector = Selector::read(&term["labelSelector"]);
        let listed = term["namespaces"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut namespaces: Vec<&str> = listed.collect();
        if namespaces.is_empty() {
            namespaces.push(&pod.key.namespace);
        }
        let mut values = BTreeSet::new();
        for namespace in namespaces {
            values.extend(domains_of(world, namespace, &selector, &topology));
        }
        let bootstraps = values.is_empty() && selector.matches(&pod.labels);
        Domains { topology, values, bootstraps }
    }
}

/// The domain of each placed Pod that a selector chooses.
fn domains_of(world: &World, namespace: &str, selector: &Selector, topology: &str) -> Vec<String> {
    let pods = world.selected(namespace, selector).filter(|pod| pod.active() && !pod.node().is_empty());
    let node = |pod: &Object| world.get(&Key::new(Kind::Node, "", pod.node())).cloned();
    pods.filter_map(|pod| node(pod)?.labels.get(topology).cloned()).collect()
}
