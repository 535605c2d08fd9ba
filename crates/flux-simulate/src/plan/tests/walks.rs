//! Random histories: whatever was changed in whatever state, the end is the same.

use super::*;
use crate::world::mix;

/// Numbers that only depend on the seed.
struct Dice(u64, u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.1 += 1;
        mix(self.0, &["dice"], self.1) % sides
    }
}

fn spec(replicas: u64, image: &str, strategy: Value, paused: bool) -> Value {
    json!({"replicas": replicas, "selector": selector(), "strategy": strategy, "paused": paused,
           "template": template(image, gpus(1))})
}

fn strategy(dice: &mut Dice) -> Value {
    let percent = |number: u64| json!(format!("{}%", number * 25));
    match dice.roll(4) {
        0 => json!({"type": "Recreate"}),
        1 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1 + dice.roll(2)}}),
        2 => json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1 + dice.roll(2), "maxUnavailable": 0}}),
        _ => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": percent(dice.roll(5)), "maxUnavailable": percent(dice.roll(5))}})
        }
    }
}

#[test]
fn deployments_always_arrive() {
    for seed in 0..60 {
        let mut dice = Dice(seed, 0);
        let mut cluster = Cluster::gpus(3, 3);
        cluster.config.seed = seed;
        cluster.config.failing_images = vec!["web:broken".into()];
        for _ in 0..8 {
            match dice.roll(6) {
                0 if !cluster.pods().is_empty() => {
                    let index = dice.roll(cluster.pods().len() as u64) as usize;
                    let name = cluster.names(Kind::Pod)[index].clone();
                    cluster.delete(Kind::Pod, &name);
                }
                1 if !cluster.all(Kind::ReplicaSet).is_empty() => {
                    let name = cluster.names(Kind::ReplicaSet)[0].clone();
                    cluster.delete(Kind::ReplicaSet, &name);
                }
                _ => {
                    let image = ["web:1", "web:2", "web:3", "web:broken"][dice.roll(4) as usize];
                    let paused = dice.roll(5) == 0;
                    let spec = spec(dice.roll(7), image, strategy(&mut dice), paused);
                    cluster.apply(Kind::Deployment, "web", spec);
                }
            }
            cluster.run_for(Duration::from_millis(dice.roll(600)));
        }
        let replicas = dice.roll(7);
        cluster.apply(Kind::Deployment, "web", spec(replicas, "web:4", strategy(&mut dice), false));
        cluster.settle();
        let ready = cluster.pods().into_iter().filter(|pod| condition_of(pod, "Ready").starts_with("True"));
        let images: Vec<&Value> = ready.map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
        assert_eq!(images.len() as u64, replicas, "seed {seed}");
        assert!(images.iter().all(|image| **image == "web:4"), "seed {seed}");
        assert_eq!(cluster.pods().len() as u64, replicas, "seed {seed}");
        let status = cluster.status(Kind::Deployment, "web");
        let generation = &cluster.get(Kind::Deployment, "web")["metadata"]["generation"];
        assert_eq!(status["observedGeneration"], *generation, "seed {seed}");
        let progressing = cluster.condition(Kind::Deployment, "web", "Progressing");
        assert!(progressing.starts_with("True NewReplicaSetAvailable"), "seed {seed}: {progressing}");
        for (node, usage) in cluster.world.nodes() {
            let used = usage.requested.get("nvidia.com/gpu");
            assert!(used <= 3_000, "seed {seed}: {} has {used}", node.key.name);
        }
        let writes = cluster.writes;
        cluster.dirty.extend(cluster.stored.keys().cloned());
        cluster.run_for(Duration::from_secs(60));
        assert_eq!(cluster.writes, writes, "seed {seed}: writes at rest");
    }
}

#[test]
fn stateful_sets_always_arrive() {
    for seed in 0..40 {
        let mut dice = Dice(seed, 1);
        let mut cluster = Cluster::gpus(2, 0);
        let spec = |replicas: u64, image: &str, policy: &str| json!({"replicas": replicas, "selector": selector(), "podManagementPolicy": policy, "template": template(image, json!({}))});
        let policy = ["OrderedReady", "Parallel"][dice.roll(2) as usize];
        for _ in 0..6 {
            if dice.roll(3) == 0 && !cluster.pods().is_empty() {
                let index = dice.roll(cluster.pods().len() as u64) as usize;
                let name = cluster.names(Kind::Pod)[index].clone();
                cluster.delete(Kind::Pod, &name);
            }
            let image = ["db:1", "db:2"][dice.roll(2) as usize];
            cluster.apply(Kind::StatefulSet, "db", spec(dice.roll(5), image, policy));
            cluster.run_for(Duration::from_millis(dice.roll(600)));
        }
        let replicas = dice.roll(5);
        cluster.apply(Kind::StatefulSet, "db", spec(replicas, "db:3", policy));
        cluster.settle();
        let names: Vec<String> = (0..replicas).map(|index| format!("db-{index}")).collect();
        assert_eq!(cluster.names(Kind::Pod), names, "seed {seed}");
        let status = cluster.status(Kind::StatefulSet, "db");
        assert_eq!(status["readyReplicas"].as_u64().unwrap_or_default(), replicas, "seed {seed}");
        assert_eq!(status["currentRevision"], status["updateRevision"], "seed {seed}");
    }
}
