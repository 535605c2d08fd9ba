//! HelmChart: from repositories, registries and Git.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use flux_api::{FluxObject as _, GitRepository, HelmChart, HelmRepository};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Repository};
use crate::helm_server::{HelmServer, chart, file_of};

fn of_repository(more: Value) -> Value {
    let mut spec = json!({"chart": "app", "sourceRef": {"kind": "HelmRepository", "name": "repo"}});
    for (key, value) in more.as_object().expect("object") {
        spec[key] = value.clone();
    }
    spec
}

fn revision(obj: &HelmChart) -> String {
    obj.status.as_ref().and_then(|status| status.artifact.as_ref()).map(|a| a.revision.clone()).unwrap_or_default()
}

async fn with_repository(charts: &[(&str, &str)]) -> (Cluster, HelmServer) {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    server.serve(charts);
    cluster.apply_as::<HelmRepository>("repo", json!({"url": server.url()})).await;
    (cluster, server)
}

#[tokio::test]
async fn a_chart_is_pulled_and_follows_its_range() {
    let (cluster, server) = with_repository(&[("app", "1.0.0"), ("app", "1.2.0"), ("app", "2.0.0")]).await;
    cluster.apply_as::<HelmChart>("app", of_repository(json!({"version": "1.x"}))).await;
    let obj = cluster.ready_as::<HelmChart>("app").await;
    let status = obj.status.as_ref().expect("status");
    let artifact = status.artifact.as_ref().expect("artifact");
    assert_eq!((artifact.revision.as_str(), artifact.path.as_str()), ("1.2.0", "helmchart/apps/app/app-1.2.0.tgz"));
    assert_eq!(cluster.bytes(artifact), chart("app", "1.2.0", &[]));
    assert_eq!(status.url.as_deref(), Some("http://localhost:1/helmchart/apps/app/latest.tar.gz"));
    assert_eq!(status.observed_chart_name.as_deref(), Some("app"));
    assert!(status.observed_source_artifact_revision.as_ref().is_some_and(|revision| revision.starts_with("sha256:")));
    let ready = obj.condition("Ready").expect("ready");
    assert_eq!(ready.reason, "ChartPullSucceeded");
    assert_eq!(ready.message, "pulled 'app' chart with version '1.2.0'");
    assert!(cluster.messages().contains(&"ChartPullSucceeded: pulled 'app' chart with version '1.2.0'".to_owned()));
    // A new version in the range arrives with the next index, without anybody asking for the chart.
    server.serve(&[("app", "1.2.0"), ("app", "1.3.0"), ("app", "2.0.0")]);
    cluster.request_as::<HelmRepository>("repo", "1").await;
    cluster.until_as::<HelmChart>("app", "the new version", |obj| revision(obj) == "1.3.0" && obj.is_ready()).await;
    // Asked again, it is not downloaded again.
    cluster.request_as::<HelmChart>("app", "1").await;
    assert_eq!(server.asked("/charts/app-1.3.0.tgz"), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn values_files_are_merged() {
    let (cluster, _server) = with_repository(&[("app", "1.0.0")]).await;
    let spec =
        json!({"valuesFiles": ["values.yaml", "values-prod.yaml", "none.yaml"], "ignoreMissingValuesFiles": true});
    cluster.apply_as::<HelmChart>("app", of_repository(spec)).await;
    let obj = cluster.ready_as::<HelmChart>("app").await;
    let status = obj.status.as_ref().expect("status");
    let artifact = status.artifact.as_ref().expect("artifact");
    assert_eq!(artifact.revision, "1.0.0+1");
    let archive = cluster.bytes(artifact);
    assert_eq!(file_of(&archive, "values.yaml").as_deref(), Some("image: a\nreplicas: 3\n"));
    assert!(file_of(&archive, "Chart.yaml").is_some_and(|text| text.contains("version: 1.0.0+1")));
    assert_eq!(status.observed_values_files, ["values.yaml", "values-prod.yaml"]);
    let message = "packaged 'app' chart with version '1.0.0+1' and merged values files [values.yaml values-prod.yaml]";
    assert_eq!(obj.condition("Ready").expect("ready").message, message);
    let missing = json!({"valuesFiles": ["none.yaml"]});
    cluster.apply_as::<HelmChart>("missing", of_repository(missing)).await;
    let (obj, message) = cluster.failed_as::<HelmChart>("missing", "ValuesFilesError").await;
    let wanted = "values files merge error: failed to merge chart values: no values file found at path 'none.yaml'";
    assert_eq!(message, wanted);
    assert!(obj.condition("Stalled").is_some() && obj.condition("BuildFailed").is_some());
    cluster.stop().await;
}

#[tokio::test]
async fn charts_of_registries() {
    let (cluster, server) = (Cluster::start().await, HelmServer::start().await);
    server.push("app", &["1.0.0", "1.1.0+build.1", "2.0.0"]);
    server.with(|content| content.authorization = Some("Basic dTpw".into()));
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"dTpw"}}}}}}"#, server.host);
    cluster.typed_secret("login", "kubernetes.io/dockerconfigjson", json!({".dockerconfigjson": config})).await;
    let url = format!("oci://{}/reg", server.host);
    let repo = json!({"type": "oci", "url": url, "insecure": true, "secretRef": {"name": "login"}});
    cluster.apply_as::<HelmRepository>("repo", repo).await;
    cluster.apply_as::<HelmChart>("app", of_repository(json!({"version": "~1"}))).await;
    let obj = cluster.ready_as::<HelmChart>("app").await;
    assert_eq!(revision(&obj), "1.1.0+build.1");
    assert_eq!(obj.condition("Ready").expect("ready").message, "pulled 'app' chart with version '1.1.0+build.1'");
    cluster.apply_as::<HelmChart>("none", of_repository(json!({"version": ">3"}))).await;
    let (_, message) = cluster.failed_as::<HelmChart>("none", "ChartPullError").await;
    let wanted = "chart pull error: failed to get chart version for remote reference: could not locate a version matching provided version string >3";
    assert_eq!(message, wanted);
    // A login that is refused.
    cluster.secret("wrong", json!({"username": "u", "password": "x"})).await;
    let repo = json!({"type": "oci", "url": url, "insecure": true, "secretRef": {"name": "wrong"}});
    cluster.apply_as::<HelmRepository>("wrong", repo).await;
    let spec = json!({"chart": "app", "version": "1.0.0", "sourceRef": {"kind": "HelmRepository", "name": "wrong"}});
    cluster.apply_as::<HelmChart>("wrong", spec).await;
    let (_, message) = cluster.failed_as::<HelmChart>("wrong", "Unknown").await;
    let wanted = "unknown build error: failed to authenticate with the Helm repository: chart pull error: ";
    assert!(message.starts_with(wanted), "{message}");
    cluster.stop().await;
}

#[tokio::test]
async fn charts_of_git_with_their_dependencies() {
    let (cluster, server, git) = (Cluster::start().await, HelmServer::start().await, Repository::new().await);
    server.serve(&[("web", "1.4.0"), ("web", "2.0.0")]);
    server.push("queue", &["0.1.0"]);
    let registry = format!("oci://{}/reg", server.host);
    cluster.apply_as::<HelmRepository>("queues", json!({"type": "oci", "url": registry, "insecure": true})).await;
    let metadata = format!(
        "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n- name: db\n  version: 1.x\n  repository: file://../db\n- name: web\n  alias: front\n  version: ~1.4\n  repository: {}\n- name: queue\n  version: 0.1.0\n  repository: {registry}\n",
        server.url()
    );
    git.write("charts/app/Chart.yaml", &metadata);
    git.write("charts/app/values.yaml", "a: 1\n");
    git.write("charts/app/templates/cm.yaml", "kind: ConfigMap\n");
    git.write("charts/db/values.yaml", "b: 1\n");
    git.commit("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.2.3\n", "charts");
    let spec = |more: Value| {
        let mut spec = json!({"chart": "./charts/app", "sourceRef": {"kind": "GitRepository", "name": "git"}});
        spec.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        spec
    };
    cluster.apply_as::<HelmChart>("app", spec(json!({}))).await;
    let (_, message) = cluster.failed_as::<HelmChart>("app", "SourceUnavailable").await;
    assert_eq!(message, "failed to get source: gitrepositories.source.toolkit.fluxcd.io \"git\" not found");
    cluster.apply_as::<GitRepository>("git", json!({"url": git.url, "ref": {"branch": "main"}})).await;
    let obj = cluster.ready_as::<HelmChart>("app").await;
    assert_eq!(obj.condition("Ready").expect("ready").message, "packaged 'app' chart with version '0.1.0'");
    let artifact = obj.status.expect("status").artifact.expect("artifact");
    let archive = cluster.bytes(&artifact);
    for (file, text) in [
        ("charts/db/Chart.yaml", "version: 1.2.3"),
        ("charts/front/Chart.yaml", "version: 1.4.0"),
        ("charts/queue/Chart.yaml", "name: queue"),
    ] {
        assert!(file_of(&archive, file).is_some_and(|found| found.contains(text)), "{file}");
    }
    // The same content gives the same bytes.
    std::fs::remove_file(cluster.storage.local_path(&artifact.path).expect("path")).expect("removed");
    let again = cluster.request_as::<HelmChart>("app", "1").await;
    assert_eq!(again.status.expect("status").artifact.expect("artifact").digest, artifact.digest);
    // Every revision is a chart of its own; it wakes by the source's event.
    cluster
        .apply_as::<HelmChart>("app", spec(json!({"reconcileStrategy": "Revision", "valuesFiles": ["prod.yaml"]})))
        .await;
    let commit = git.commit("prod.yaml", "a: 2\n", "values");
    cluster.request_as::<GitRepository>("git", "1").await;
    let wanted = format!("0.1.0+{}.2", &commit[..12]);
    let obj =
        cluster.until_as::<HelmChart>("app", "the new revision", |obj| revision(obj) == wanted && obj.is_ready()).await;
    let artifact = obj.status.expect("status").artifact.expect("artifact");
    assert_eq!(file_of(&cluster.bytes(&artifact), "values.yaml").as_deref(), Some("a: 2\n"));
    cluster.stop().await;
}

#[tokio::test]
async fn what_git_does_not_hold() {
    let (cluster, git) = (Cluster::start().await, Repository::new().await);
    git.write("bad/Chart.yaml", "apiVersion: v2\nname: bad\nversion: x\n");
    git.write("needs/Chart.yaml", "apiVersion: v2\nname: needs\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.x\n  repository: file://../../../etc\n- name: other\n  version: 1.x\n  repository: '@alias'\n");
    git.commit("app-1.0.0.tgz", "no archive", "charts");
    cluster.apply_as::<GitRepository>("git", json!({"url": git.url, "ref": {"branch": "main"}})).await;
    for (name, path, reason, wanted) in [
        (
            "missing",
            "charts/app",
            "InvalidChartReference",
            "invalid chart reference: stat /charts/app: no such file or directory",
        ),
        (
            "escape",
            "../../etc",
            "InvalidChartReference",
            "invalid chart reference: stat /etc: no such file or directory",
        ),
        (
            "absolute",
            "/charts",
            "InvalidChartReference",
            "invalid chart reference: local chart reference path is expected to be relative",
        ),
        (
            "bad",
            "bad",
            "InvalidChartReference",
            "invalid chart reference: validation: chart.metadata.version \"x\" is invalid",
        ),
        ("archive", "app-1.0.0.tgz", "InvalidChartReference", "invalid chart reference: gzip: invalid header"),
        (
            "needs",
            "needs",
            "DependencyBuildError",
            "dependency build error: failed to add local dependency 'db': no chart found at '/etc' (reference 'file://../../../etc')",
        ),
    ] {
        let spec = json!({"chart": path, "sourceRef": {"kind": "GitRepository", "name": "git"}});
        cluster.apply_as::<HelmChart>(name, spec).await;
        let (_, message) = cluster.failed_as::<HelmChart>(name, reason).await;
        assert_eq!(message, wanted, "{name}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_bad_chart_harms_only_itself() {
    let (cluster, server) =
        with_repository(&[("app", "1.0.0"), ("gone", "1.0.0"), ("html", "1.0.0"), ("big", "1.0.0")]).await;
    server.fault("/charts/gone-1.0.0.tgz", || StatusCode::NOT_FOUND.into_response());
    server.fault("/charts/html-1.0.0.tgz", || "<html>, not an archive".into_response());
    server.fault("/charts/big-1.0.0.tgz", || vec![0u8; (10 << 20) + 1].into_response());
    cluster.apply_as::<HelmChart>("app", of_repository(json!({}))).await;
    for (name, reason, wanted) in [
        ("gone", "ChartPullError", "chart pull error: failed to download chart for remote reference: failed to fetch "),
        (
            "html",
            "ChartPullError",
            "chart pull error: failed to load chart metadata from written chart: gzip: invalid header",
        ),
        (
            "big",
            "ChartPullError",
            "chart pull error: failed to download chart for remote reference: size of chart 'big-1.0.0.tgz' exceeds",
        ),
        (
            "nobody",
            "InvalidChartReference",
            "invalid chart reference: failed to get chart version for remote reference: no chart name found",
        ),
        ("Upper", "InvalidChartReference", "invalid chart reference: invalid chart name 'Upper'"),
    ] {
        cluster.apply_as::<HelmChart>(&name.to_lowercase(), of_repository(json!({"chart": name}))).await;
        let (_, message) = cluster.failed_as::<HelmChart>(&name.to_lowercase(), reason).await;
        assert!(message.starts_with(wanted), "{message}");
    }
    let verified = of_repository(json!({"verify": {"provider": "cosign"}}));
    cluster.apply_as::<HelmChart>("verified", verified).await;
    let (obj, message) = cluster.failed_as::<HelmChart>("verified", "UnsupportedField").await;
    assert!(message.starts_with("spec.verify is not supported yet") && obj.condition("Stalled").is_some());
    assert_eq!(obj.condition("SourceVerified").expect("condition").status, "False");
    cluster.ready_as::<HelmChart>("app").await;
    cluster.stop().await;
}

#[tokio::test]
async fn many_charts_read_the_index_once() {
    let (cluster, server) = with_repository(&[("app", "1.0.0")]).await;
    for number in 0..30 {
        cluster.apply_as::<HelmChart>(&format!("app-{number}"), of_repository(json!({}))).await;
    }
    for number in 0..30 {
        cluster.ready_as::<HelmChart>(&format!("app-{number}")).await;
    }
    assert_eq!(server.asked("/charts/index.yaml"), 1);
    cluster.stop().await;
}

#[tokio::test]
async fn a_bucket_without_artifact_is_waited_for() {
    let cluster = Cluster::start().await;
    let bucket = json!({"bucketName": "b", "endpoint": "localhost"});
    cluster.apply_as::<flux_api::Bucket>("bucket", bucket).await;
    cluster
        .apply_as::<HelmChart>("app", json!({"chart": "app", "sourceRef": {"kind": "Bucket", "name": "bucket"}}))
        .await;
    let (_, message) = cluster.failed_as::<HelmChart>("app", "NoSourceArtifact").await;
    assert_eq!(message, "no artifact available for Bucket source 'bucket'");
    cluster.stop().await;
}
