use super::*;
use serde_json::json;

#[test]
fn defaults_by_cluster() {
    let gpus = |name: &str| {
        let config = Config::for_cluster(name);
        let spec = &config.nodes[0];
        (spec.count, spec.allocatable.get("nvidia.com/gpu").cloned())
    };
    assert_eq!(gpus("dev"), (1, Some("1".into())));
    assert_eq!(gpus("staging"), (4, Some("2".into())));
    assert_eq!(gpus("production"), (4, Some("8".into())));
    assert_eq!(gpus("elsewhere"), (1, None));
}

#[test]
fn reads_every_field() {
    let file = json!({
        "map": {"https://example.com/a": "."},
        "nodes": {
            "dev": [{"name": "gpu", "count": 2, "labels": {"a": "b"}, "allocatable": {"nvidia.com/gpu": 4},
                     "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}],
            "other": [],
        },
        "stages": [{"group": "example.com", "kind": "Model", "delay": "1m30s", "status": {"ready": true}},
                   {"kind": "Pod", "matchLabels": {"app": "slow"}, "delay": "2s"}],
        "failingImages": ["*:broken"],
        "seed": 9,
        "delays": {"min": "0s", "max": "50ms"},
    });
    let config = Config::from_file("dev", &file).expect("valid");
    assert_eq!(config.nodes[0].count, 2);
    assert_eq!(config.nodes[0].allocatable["nvidia.com/gpu"], "4");
    assert_eq!(config.nodes[0].allocatable["cpu"], "128");
    assert_eq!(config.nodes[0].taints[0].key, "nvidia.com/gpu");
    assert_eq!(config.stages[0].delay, Duration::from_secs(90));
    assert_eq!(config.failing_images, ["*:broken"]);
    assert_eq!((config.seed, config.delays.max), (9, Duration::from_millis(50)));
    assert_eq!(Config::from_file("other", &file).expect("valid").nodes, []);
    assert_eq!(Config::from_file("staging", &file).expect("valid").nodes, Config::for_cluster("staging").nodes);
    assert_eq!(Config::from_file("dev", &Value::Null).expect("valid"), Config::for_cluster("dev"));
}

#[test]
fn errors_name_the_field() {
    for (file, message) in [
        (json!({"node": {}}), "unknown field `node`"),
        (json!([]), "field `.`: expected a mapping"),
        (json!({"nodes": {"dev": [{"count": 1}]}}), "field `nodes.dev[0].name` is missing"),
        (json!({"nodes": {"prod": [{"name": "Big"}]}}), "field `nodes.prod[0].name`: expected a lower-case DNS label"),
        (
            json!({"nodes": {"dev": [{"name": "a", "count": 6000}]}}),
            "field `nodes.dev[0].count`: expected a whole number up to 5000",
        ),
        (
            json!({"nodes": {"dev": [{"name": "a", "allocatable": {"cpu": "lots"}}]}}),
            "field `nodes.dev[0].allocatable.cpu`: expected a quantity",
        ),
        (
            json!({"nodes": {"dev": [{"name": "a", "taints": [{"key": "k", "effect": "No"}]}]}}),
            "field `nodes.dev[0].taints[0].effect`: expected `NoSchedule`, `PreferNoSchedule` or `NoExecute`",
        ),
        (json!({"stages": [{"kind": "Model"}]}), "field `stages[0].status` is missing"),
        (
            json!({"stages": [{"group": "apps", "kind": "Deployment", "status": {}}]}),
            "field `stages[0].kind`: expected a kind without built-in rules, or `Pod`",
        ),
        (
            json!({"stages": [{"kind": "Model", "delay": "5 s", "status": {}}]}),
            "field `stages[0].delay`: expected a duration up to 24h, such as `200ms` or `1m30s`",
        ),
        (json!({"delays": {"min": "1s"}}), "field `delays.min`: expected at most `delays.max`"),
        (json!({"seed": -1}), "field `seed`: expected a whole number of at least 0"),
    ] {
        assert_eq!(Config::from_file("dev", &file).expect_err("invalid").to_string(), message);
    }
}
