//! Takes in news, plans what they concern, and sends the writes, many objects at a time and each one alone.

use super::execute::{self, Addresses, Outcome};
use super::timers::Timers;
use super::watch::{self, News};
use crate::kinds::{Kind, Resource};
use crate::plan::{self, Context, Part, Progress, Write};
use crate::world::{Key, Object, World};
use crate::{Config, Error};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Objects whose writes are under way at the same time.
const IN_FLIGHT: usize = 32;
/// News taken in before planning starts, so that a burst is planned once.
const BATCH: usize = 512;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The writes of one object, done.
struct Done {
    key: Key,
    results: Vec<(Write, Outcome)>,
}

pub(super) struct Engine {
    client: kube::Client,
    config: Config,
    world: World,
    addresses: Addresses,
    progress: HashMap<String, Progress>,
    /// Group and kind of every `Kind::Custom`, and its watch.
    custom: Vec<(String, String)>,
    custom_watches: HashMap<Kind, (Resource, AbortHandle)>,
    dirty: BTreeSet<Key>,
    in_flight: HashSet<Key>,
    failures: HashMap<Key, u32>,
    timers: Timers,
    /// Kinds whose first list has not come yet; nothing is planned on half a picture.
    unlisted: HashSet<Kind>,
    watches: JoinSet<()>,
}

impl Engine {
    pub(super) fn new(client: kube::Client, config: Config, served: Vec<(Kind, Resource)>) -> Engine {
        let unlisted = served.iter().map(|(kind, _)| *kind).collect();
        Engine {
            client,
            config,
            world: World::default(),
            addresses: Arc::new(served.into_iter().collect()),
            progress: HashMap::new(),
            custom: Vec::new(),
            custom_watches: HashMap::new(),
            dirty: BTreeSet::new(),
            in_flight: HashSet::new(),
            failures: HashMap::new(),
            timers: Timers::default(),
            unlisted,
            watches: JoinSet::new(),
        }
    }

    /// Runs until dropped; the watches end with it.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let (sender, mut receiver) = mpsc::channel(BATCH);
        for (kind, resource) in self.addresses.iter() {
            self.watches.spawn(watch::follow(self.client.clone(), *kind, resource.clone(), sender.clone()));
        }
        let stages = self.config.stages.iter().filter(|stage| !stage.is_for_pods());
        let wanted: HashSet<_> = stages.map(|stage| (stage.group.clone(), stage.kind.clone())).collect();
        if !wanted.is_empty() {
            self.watches.spawn(watch::definitions(self.client.clone(), wanted, sender.clone()));
        }
        let mut writes: FuturesUnordered<BoxFuture<'static, Done>> = FuturesUnordered::new();
        let mut news = Vec::with_capacity(BATCH);
        loop {
            let pause = self.timers.next().map(|time| until(time, Timestamp::now()));
            tokio::select! {
                count = receiver.recv_many(&mut news, BATCH) => {
                    if count == 0 {
                        return Err(Error::WatchesEnded);
                    }
                    for report in news.drain(..) {
                        self.take_in(report, &sender);
                    }
                }
                Some(done) = writes.next() => self.take_in_done(done),
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    self.dirty.extend(self.timers.due(Timestamp::now()));
                }
            }
            if self.unlisted.is_empty() {
                self.plan(&mut writes);
            }
        }
    }

    fn take_in(&mut self, report: News, sender: &mpsc::Sender<News>) {
        match report {
            News::Changed(object) => self.world.apply(*object, Timestamp::now(), &mut self.dirty),
            News::Deleted { key, uid } => {
                self.world.unbury(&uid);
                self.world.remove(&key, &uid, &mut self.dirty);
                self.progress.remove(&uid);
            }
            News::Listed { kind, uids } => {
                for (key, uid) in self.world.keys(kind) {
                    if !uids.contains(&uid) {
                        self.world.remove(&key, &uid, &mut self.dirty);
                        self.progress.remove(&uid);
                    }
                }
                self.world.unbury_all(kind);
                self.unlisted.remove(&kind);
            }
            News::Defined(resource) => self.start_custom(resource, sender),
            News::Undefined { group, kind } => self.stop_custom(&group, &kind),
        }
    }

    /// Starts to watch a kind of a stage, or watches it at its new address.
    fn start_custom(&mut self, resource: Resource, sender: &mpsc::Sender<News>) {
        let name = (resource.group.clone(), resource.kind.clone());
        let index = self.custom.iter().position(|held| *held == name).unwrap_or_else(|| {
            self.custom.push(name);
            self.custom.len() - 1
        });
        let Ok(index) = u16::try_from(index) else { return };
        let kind = Kind::Custom(index);
        if let Some((held, watch)) = self.custom_watches.get(&kind) {
            if *held == resource {
                return;
            }
            watch.abort();
        }
        let mut addresses = HashMap::clone(&self.addresses);
        addresses.insert(kind, resource.clone());
        self.addresses = Arc::new(addresses);
        let watch = watch::follow(self.client.clone(), kind, resource.clone(), sender.clone());
        self.custom_watches.insert(kind, (resource, self.watches.spawn(watch)));
    }

    fn stop_custom(&mut self, group: &str, name: &str) {
        let Some(index) = self.custom.iter().position(|held| held.0 == group && held.1 == name) else { return };
        let kind = Kind::Custom(u16::try_from(index).unwrap_or(u16::MAX));
        if let Some((_, watch)) = self.custom_watches.remove(&kind) {
            watch.abort();
        }
        for (key, uid) in self.world.keys(kind) {
            self.world.remove(&key, &uid, &mut self.dirty);
            self.progress.remove(&uid);
        }
    }

    /// Plans what is to be planned, as far as there is room for its writes.
    fn plan(&mut self, writes: &mut FuturesUnordered<BoxFuture<'static, Done>>) {
        let now = Timestamp::now();
        let mut waiting = BTreeSet::new();
        while self.in_flight.len() < IN_FLIGHT
            && let Some(key) = self.dirty.pop_first()
        {
            if self.in_flight.contains(&key) {
                waiting.insert(key);
                continue;
            }
            let ctx = Context {
                world: &self.world,
                config: &self.config,
                progress: &self.progress,
                custom: &self.custom,
                now,
            };
            let plan = plan::plan(&ctx, &key);
            self.timers.set(key.clone(), plan.wake);
            if let Some(progress) = plan.progress
                && let Some(object) = self.world.get(&key)
            {
                self.progress.insert(object.uid.clone(), progress);
            }
            if plan.writes.is_empty() {
                self.failures.remove(&key);
                continue;
            }
            for write in &plan.writes {
                match write {
                    Write::Bind { key, node, .. } => self.world.assume(key, node, now),
                    Write::Create { owner, .. } => self.world.count_child(owner),
                    _ => {}
                }
            }
            self.in_flight.insert(key.clone());
            writes.push(Box::pin(send_all(self.client.clone(), self.addresses.clone(), key, plan.writes)));
        }
        self.dirty.append(&mut waiting);
    }

    fn take_in_done(&mut self, done: Done) {
        self.in_flight.remove(&done.key);
        let (mut failed, mut idle) = (false, true);
        for (write, outcome) in done.results {
            idle &= changed_nothing(&write, &outcome);
            failed |= !self.take_in_outcome(&write, outcome);
        }
        if failed {
            let count = self.failures.entry(done.key.clone()).or_default();
            let pause = FIRST_PAUSE.saturating_mul(1 << (*count).min(10)).min(LONGEST_PAUSE);
            *count += 1;
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            self.timers.at_latest(done.key, Timestamp::now().checked_add(pause).unwrap_or(Timestamp::MAX));
            return;
        }
        self.failures.remove(&done.key);
        // There may be more of the same, and the plan saw the world before these writes. But a server that has an
        // equal opinion in other words would be told the same for ever.
        if !idle {
            self.dirty.insert(done.key);
        }
    }

    /// Whether all went well.
    fn take_in_outcome(&mut self, write: &Write, outcome: Outcome) -> bool {
        let now = Timestamp::now();
        match (write, outcome) {
            (_, Outcome::Stored(kind, value)) => {
                if let Write::Create { owner, .. } = write {
                    self.world.set_refusal(owner, None);
                }
                // A scale is no object of its own.
                if value["kind"] != "Scale"
                    && let Some(object) = Object::read(kind, value, now)
                {
                    self.world.apply(object, now, &mut self.dirty);
                }
                true
            }
            (_, Outcome::Bound) => true,
            (Write::Delete { key, uid }, Outcome::Gone) => {
                self.world.bury(key.kind, uid);
                self.world.remove(key, uid, &mut self.dirty);
                true
            }
            (Write::Bind { key, .. }, Outcome::Gone) => {
                self.world.unassume(key);
                true
            }
            (_, Outcome::Gone) => true,
            (write, Outcome::Refused { code, message }) => {
                tracing::debug!(code, message, ?write, "simulated write was refused");
                match write {
                    Write::Bind { key, .. } => self.world.unassume(key),
                    Write::Create { owner, kind, .. } if code == 403 || code == 422 => {
                        tracing::debug!(kind = kind.name(), "child was refused");
                        self.world.set_refusal(owner, Some(message));
                    }
                    _ => {}
                }
                false
            }
        }
    }
}

/// Whether the object is as it was when the write was planned.
fn changed_nothing(write: &Write, outcome: &Outcome) -> bool {
    match (write, outcome) {
        (Write::Patch { version, part: Part::Main | Part::Status, .. }, Outcome::Stored(_, value)) => {
            value["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()) == Some(*version)
        }
        _ => false,
    }
}

/// Sends the writes of one object in their order. After a refused child no other one is tried, after any other refusal
/// the rest is left to the next plan.
async fn send_all(client: kube::Client, addresses: Addresses, key: Key, writes: Vec<Write>) -> Done {
    let mut versions: HashMap<Key, u64> = HashMap::new();
    let mut results = Vec::with_capacity(writes.len());
    let mut refused = false;
    for write in writes {
        let creates = matches!(write, Write::Create { .. });
        if creates && refused {
            continue;
        }
        let target = match &write {
            Write::Patch { key, .. } => Some(key.clone()),
            _ => None,
        };
        let version = target.as_ref().and_then(|target| versions.get(target)).copied();
        let outcome = execute::send(&client, &addresses, &write, version).await;
        if let (Some(target), Outcome::Stored(_, value)) = (target, &outcome)
            && let Some(version) = value["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok())
        {
            versions.insert(target, version);
        }
        let failed = matches!(outcome, Outcome::Refused { .. });
        refused |= failed;
        results.push((write, outcome));
        if failed && !creates {
            break;
        }
    }
    Done { key, results }
}

/// From now to `time`, at least a moment, so that clocks of different grain do not spin.
fn until(time: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(now)).unwrap_or_default().max(Duration::from_millis(1))
}
