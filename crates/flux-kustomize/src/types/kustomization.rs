//! The kustomization file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ConfigMapArgs, GeneratorArgs, GeneratorOptions, Replacement, Selector, Var};
use crate::config::FieldSpec;
use crate::error::Error;
use crate::go::json::{self, Decoder, GoType, go_struct};

pub(crate) const KIND: &str = "Kustomization";
pub(crate) const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_KIND: &str = "Component";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

type Strings = BTreeMap<String, String>;

/// An entry of `patchesStrategicMerge`: a path, or a patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PatchPath(pub(crate) String);

impl GoType for PatchPath {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        match value {
            Value::String(text) => self.0.clone_from(text),
            Value::Null => {}
            other => decoder.mismatch(other, "types.PatchStrategicMerge"),
        }
    }

    fn encode(&self) -> Value {
        Value::String(self.0.clone())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn go_name() -> String {
        "types.PatchStrategicMerge".into()
    }
}

go_struct! {
    pub(crate) struct ObjectMeta as "ObjectMeta" {
        "name" omit name: String,
        "namespace" omit namespace: String,
        "labels" omit labels: Strings,
        "annotations" omit annotations: Strings,
    }
}

go_struct! {
    pub(crate) struct Label as "Label" {
        "pairs" omit pairs: Strings,
        "includeSelectors" omit include_selectors: bool,
        "includeTemplates" omit include_templates: bool,
        "fields" omit fields: Vec<FieldSpec>,
    }
}

go_struct! {
    pub(crate) struct PatchArgs as "PatchArgs" {
        "allowNameChange" omit allow_name_change: bool,
        "allowKindChange" omit allow_kind_change: bool,
    }
}

go_struct! {
    pub(crate) struct Patch as "Patch" {
        "path" omit path: String,
        "patch" omit patch: String,
        "target" omit target: Option<Selector>,
        "options" omit options: Option<PatchArgs>,
    }
}

go_struct! {
    pub(crate) struct Image as "Image" {
        "name" omit name: String,
        "newName" omit new_name: String,
        "tagSuffix" omit tag_suffix: String,
        "newTag" omit new_tag: String,
        "digest" omit digest: String,
    }
}

go_struct! {
    pub(crate) struct Replica as "Replica" {
        "name" omit name: String,
        "count" omit count: i64,
    }
}

go_struct! {
    pub(crate) struct LegacySortOptions as "LegacySortOptions" {
        "orderFirst" keep order_first: Vec<String>,
        "orderLast" keep order_last: Vec<String>,
    }
}

go_struct! {
    pub(crate) struct SortOptions as "SortOptions" {
        "order" omit order: String,
        "legacySortOptions" omit legacy: Option<LegacySortOptions>,
    }
}

go_struct! {
    pub(crate) struct HelmGlobals as "HelmGlobals" {
        "chartHome" omit chart_home: String,
        "configHome" omit config_home: String,
    }
}

go_struct! {
    pub(crate) struct HelmChart as "HelmChart" {
        "name" omit name: String,
        "version" omit version: String,
        "repo" omit repo: String,
        "releaseName" omit release_name: String,
        "namespace" omit namespace: String,
        "additionalValuesFiles" omit additional_values_files: Vec<String>,
        "valuesFile" omit values_file: String,
        "valuesInline" omit values_inline: BTreeMap<String, Value>,
        "valuesMerge" omit values_merge: String,
        "includeCRDs" omit include_crds: bool,
        "skipHooks" omit skip_hooks: bool,
        "apiVersions" omit api_versions: Vec<String>,
        "kubeVersion" omit kube_version: String,
        "nameTemplate" omit name_template: String,
        "skipTests" omit skip_tests: bool,
        "debug" omit debug: bool,
        "devel" omit devel: bool,
    }
}

go_struct! {
    /// The older form of a chart.
    pub(crate) struct HelmChartArgs as "HelmChartArgs" {
        "chartName" omit chart_name: String,
        "chartVersion" omit chart_version: String,
        "chartRepoUrl" omit chart_repo_url: String,
        "chartHome" omit chart_home: String,
        "chartRepoName" omit chart_repo_name: String,
        "helmBin" omit helm_bin: String,
        "helmHome" omit helm_home: String,
        "values" omit values: String,
        "valuesLocal" omit values_local: BTreeMap<String, Value>,
        "valuesMerge" omit values_merge: String,
        "releaseName" omit release_name: String,
        "releaseNamespace" omit release_namespace: String,
        "extraArgs" omit extra_args: Vec<String>,
    }
}

go_struct! {
    pub(crate) struct Kustomization as "Kustomization" {
        @"TypeMeta" "apiVersion" omit api_version: String,
        @"TypeMeta" "kind" omit kind: String,
        "metadata" omit metadata: Option<ObjectMeta>,
        "openapi" omit openapi: Strings,
        "namePrefix" omit name_prefix: String,
        "nameSuffix" omit name_suffix: String,
        "namespace" omit namespace: String,
        "commonLabels" omit common_labels: Strings,
        "labels" omit labels: Vec<Label>,
        "commonAnnotations" omit common_annotations: Strings,
        "patchesStrategicMerge" omit patches_strategic_merge: Vec<PatchPath>,
        "patchesJson6902" omit patches_json6902: Vec<Patch>,
        "patches" omit patches: Vec<Patch>,
        "images" omit images: Vec<Image>,
        "imageTags" omit image_tags: Vec<Image>,
        "replacements" omit replacements: Vec<Replacement>,
        "replicas" omit replicas: Vec<Replica>,
        "vars" omit vars: Vec<Var>,
        "sortOptions" omit sort_options: Option<SortOptions>,
        "resources" omit resources: Vec<String>,
        "components" omit components: Vec<String>,
        "crds" omit crds: Vec<String>,
        "bases" omit bases: Vec<String>,
        "configMapGenerator" omit config_map_generator: Vec<ConfigMapArgs>,
        "secretGenerator" omit secret_generator: Vec<GeneratorArgs>,
        "helmGlobals" omit helm_globals: Option<HelmGlobals>,
        "helmCharts" omit helm_charts: Vec<HelmChart>,
        "helmChartInflationGenerator" omit helm_chart_inflation_generator: Vec<HelmChartArgs>,
        "generatorOptions" omit generator_options: Option<GeneratorOptions>,
        "configurations" omit configurations: Vec<String>,
        "generators" omit generators: Vec<String>,
        "transformers" omit transformers: Vec<String>,
        "validators" omit validators: Vec<String>,
        "buildMetadata" omit build_metadata: Vec<String>,
    }
}

/// What a kustomization file says, checked and with its deprecated fields moved.
pub(crate) struct Read {
    pub(crate) kustomization: Kustomization,
    pub(crate) warnings: Vec<String>,
}

/// Reads a kustomization file.
pub(crate) fn read(content: &[u8], root: &str) -> Result<Read, Error> {
    let value = flux_yaml::decode(content)
        .and_then(|text| flux_yaml::yaml_to_json(&text))
        .map_err(|source| Error::Kustomization { reason: source.to_string(), line: source.line })?;
    let mut kustomization: Kustomization =
        json::decode(&value, true).map_err(|reason| Error::Kustomization { reason, line: 0 })?;
    let warnings = warnings(&value);
    kustomization.fix();
    if says_nothing(&value) {
        return Err(Error::EmptyKustomization { dir: root.into() });
    }
    let faults = kustomization.faults();
    match faults.is_empty() {
        true => Ok(Read { kustomization, warnings }),
        false => Err(Error::WrongKind { dir: root.into(), faults }),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten().filter(|(_, item)| !item.is_null())
}

/// True when nothing but the type is set. An empty list counts as set, except in fields that are moved away.
fn says_nothing(value: &Value) -> bool {
    entries(value).all(|(key, item)| {
        let is = |name: &&str| key.eq_ignore_ascii_case(name);
        let moved = ["bases", "imageTags", "helmChartInflationGenerator"].iter().any(is);
        ["apiVersion", "kind"].iter().any(is)
            || item.as_str() == Some("")
            || (moved && item.as_array().is_some_and(Vec::is_empty))
    })
}

fn warnings(value: &Value) -> Vec<String> {
    const RENAMED: [(&str, &str, &str); 6] = [
        ("bases", "resources", ""),
        ("commonLabels", "labels", ""),
        ("imageTags", "images", ""),
        ("patchesJson6902", "patches", ""),
        ("patchesStrategicMerge", "patches", ""),
        ("vars", "replacements", "[EXPERIMENTAL] "),
    ];
    let set = |name: &str| entries(value).any(|(key, _)| key.eq_ignore_ascii_case(name));
    RENAMED
        .iter()
        .filter(|(old, _, _)| set(old))
        .map(|(old, new, experimental)| {
            format!(
                "# Warning: '{old}' is deprecated. Please use '{new}' instead. {experimental}Run 'kustomize edit fix' \
                 to update your Kustomization automatically."
            )
        })
        .collect()
}

impl Kustomization {
    /// Moves deprecated fields to where they belong now.
    fn fix(&mut self) {
        if self.kind.is_empty() {
            self.kind = KIND.into();
        }
        if self.api_version.is_empty() {
            self.api_version = self.wanted_version().into();
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        let of_maps = self.config_map_generator.iter_mut().map(|args| (&mut args.env, &mut args.envs));
        let of_secrets = self.secret_generator.iter_mut().map(|args| (&mut args.env, &mut args.envs));
        for (env, envs) in of_maps.chain(of_secrets) {
            if !env.is_empty() {
                envs.push(std::mem::take(env));
            }
        }
        self.fix_charts();
    }

    fn fix_charts(&mut self) {
        let mut globals = HelmGlobals::default();
        for old in std::mem::take(&mut self.helm_chart_inflation_generator) {
            if !old.helm_home.is_empty() {
                globals.config_home = old.helm_home;
            }
            if !old.chart_home.is_empty() {
                globals.chart_home = old.chart_home;
            }
            self.helm_charts.push(HelmChart {
                name: old.chart_name,
                version: old.chart_version,
                repo: old.chart_repo_url,
                values_file: old.values,
                values_inline: old.values_local,
                values_merge: old.values_merge,
                release_name: old.release_name,
                ..HelmChart::default()
            });
        }
        if globals != HelmGlobals::default() {
            self.helm_globals.get_or_insert(globals);
        }
    }

    fn wanted_version(&self) -> &'static str {
        if self.kind == COMPONENT_KIND { COMPONENT_VERSION } else { VERSION }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.kind != KIND && self.kind != COMPONENT_KIND {
            faults.push(format!("kind should be {KIND} or {COMPONENT_KIND}"));
        }
        if self.api_version != self.wanted_version() {
            faults.push(format!("apiVersion for {} should be {}", self.kind, self.wanted_version()));
        }
        faults
    }

    pub(crate) fn is_component(&self) -> bool {
        self.kind == COMPONENT_KIND
    }

    /// True when `buildMetadata` asks for it.
    pub(crate) fn wants(&self, metadata: &str) -> bool {
        self.build_metadata.iter().any(|one| one == metadata)
    }
}
