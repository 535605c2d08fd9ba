//! Random programs against a model of what must exist: commits that move objects, changed paths, suspended and
//! resumed units, restarts. After each step exactly the wanted objects are there, each inventory is exact, and no
//! object wanted before and after was ever deleted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::cluster::{Cluster, Recording, config_map, eventually, inventory};

const UNITS: usize = 3;
const PATHS: usize = 4;
const OBJECTS: usize = 8;
const STEPS: usize = 30;

/// A small generator: the same seed gives the same program everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

struct Unit {
    path: usize,
    suspended: bool,
    /// What it had when it was last at work.
    applied: BTreeSet<String>,
}

struct Model {
    units: Vec<Unit>,
    /// Where each object lies; the value is the content, so that commits change objects too.
    files: BTreeMap<usize, BTreeMap<String, usize>>,
    revision: usize,
}

impl Model {
    fn new() -> Self {
        let mut files: BTreeMap<usize, BTreeMap<String, usize>> =
            (0..PATHS).map(|path| (path, BTreeMap::from([(format!("base-{path}"), 0)]))).collect();
        for object in 0..OBJECTS {
            files.get_mut(&(object % PATHS)).expect("path").insert(format!("object-{object}"), 0);
        }
        let units = (0..UNITS).map(|path| Unit { path, suspended: false, applied: BTreeSet::new() }).collect();
        Self { units, files, revision: 0 }
    }

    fn content(&self, path: usize) -> BTreeSet<String> {
        self.files[&path].keys().cloned().collect()
    }

    fn wanted_of(&self, unit: usize) -> BTreeSet<String> {
        let unit = &self.units[unit];
        if unit.suspended { unit.applied.clone() } else { self.content(unit.path) }
    }

    fn wanted(&self) -> BTreeSet<String> {
        (0..UNITS).flat_map(|unit| self.wanted_of(unit)).collect()
    }

    /// What one at work takes over is no longer a suspended one's.
    fn take_over(&mut self) {
        let active: BTreeSet<String> = self
            .units
            .iter()
            .filter(|unit| !unit.suspended)
            .flat_map(|unit| self.files[&unit.path].keys().cloned())
            .collect();
        for unit in self.units.iter_mut().filter(|unit| unit.suspended) {
            unit.applied.retain(|name| !active.contains(name));
        }
    }

    fn settle(&mut self) {
        for unit in 0..UNITS {
            self.units[unit].applied = self.wanted_of(unit);
        }
    }

    fn tree(&self) -> Vec<(String, String)> {
        let all =
            self.files.iter().flat_map(|(path, objects)| objects.iter().map(move |(name, value)| (path, name, value)));
        all.map(|(path, name, value)| (format!("p{path}/{name}.yaml"), config_map(name, &value.to_string()))).collect()
    }
}

async fn publish(cluster: &Cluster, model: &Model) {
    let tree = model.tree();
    let files: Vec<(&str, &str)> = tree.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    cluster.publish(&format!("main@sha1:{}", model.revision), &files).await;
}

async fn declare(cluster: &Cluster, model: &Model, unit: usize) {
    let Unit { path, suspended, .. } = &model.units[unit];
    cluster.kustomization(&format!("unit-{unit}"), json!({"path": format!("./p{path}"), "suspend": suspended})).await;
}

async fn quiet(cluster: &Cluster, model: &Model) {
    for unit in (0..UNITS).filter(|unit| !model.units[*unit].suspended) {
        cluster.applied(&format!("unit-{unit}"), &format!("main@sha1:{}", model.revision)).await;
    }
}

async fn judge(cluster: &Cluster, model: &Model, program: &str) {
    let wanted = model.wanted();
    let live = || async {
        let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = cluster.api();
        let list =
            api.list(&kube::api::ListParams::default().labels("kustomize.toolkit.fluxcd.io/name")).await.expect("list");
        list.items.into_iter().filter_map(|map| map.metadata.name).collect::<BTreeSet<String>>()
    };
    eventually(
        &format!("exactly the wanted objects after {program}"),
        || async { (live().await == wanted).then_some(()) },
        || async { format!("live {:?}, wanted {wanted:?}", live().await) },
    )
    .await;
    for unit in (0..UNITS).filter(|unit| !model.units[*unit].suspended) {
        let obj = cluster.get(&format!("unit-{unit}")).await.expect("there");
        let ids: BTreeSet<String> =
            model.wanted_of(unit).iter().map(|name| format!("apps_{name}__ConfigMap")).collect();
        assert_eq!(
            inventory(&obj).into_iter().collect::<BTreeSet<_>>(),
            ids,
            "inventory of unit-{unit} after {program}"
        );
    }
}

async fn run(seed: u64) {
    let mut random = Random(seed);
    let mut cluster = Cluster::start().await;
    let recording = Recording::start(&cluster.client).await;
    let mut model = Model::new();
    publish(&cluster, &model).await;
    for unit in 0..UNITS {
        declare(&cluster, &model, unit).await;
    }
    quiet(&cluster, &model).await;
    model.settle();
    let mut program = format!("seed {seed}:");
    for _ in 0..STEPS {
        let before = model.wanted();
        recording.clear();
        match random.below(10) {
            0..=4 => {
                for _ in 0..=random.below(3) {
                    let (object, to) = (format!("object-{}", random.below(OBJECTS)), random.below(PATHS));
                    let from = (0..PATHS).find(|path| model.files[path].contains_key(&object)).expect("somewhere");
                    let value = model.files.get_mut(&from).expect("path").remove(&object).expect("there");
                    model.files.get_mut(&to).expect("path").insert(object.clone(), value + random.below(2));
                    program += &format!(" {object}:{from}->{to}");
                }
                model.revision += 1;
                publish(&cluster, &model).await;
            }
            5 | 6 => {
                let unit = random.below(UNITS);
                let used: BTreeSet<usize> = model.units.iter().map(|unit| unit.path).collect();
                let free = (0..PATHS).find(|path| !used.contains(path)).expect("one more path than units");
                // A suspended unit keeps what it has; two units with one path would fight.
                if !model.units[unit].suspended {
                    model.units[unit].path = free;
                    declare(&cluster, &model, unit).await;
                    program += &format!(" unit-{unit}=>p{free}");
                }
            }
            7 | 8 => {
                let unit = random.below(UNITS);
                model.units[unit].suspended = !model.units[unit].suspended;
                declare(&cluster, &model, unit).await;
                program += &format!(" unit-{unit} suspended={}", model.units[unit].suspended);
            }
            _ => {
                cluster.restart().await;
                program += " restart";
            }
        }
        model.take_over();
        quiet(&cluster, &model).await;
        judge(&cluster, &model, &program).await;
        for name in before.intersection(&model.wanted()) {
            assert!(!recording.of(name).contains(&"deleted"), "{name} was deleted: {program}");
        }
        model.settle();
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_programs_leave_exactly_what_is_wanted() {
    for seed in [0x5EED_0001, 0x5EED_0002, 0x5EED_0003] {
        run(seed).await;
    }
}
