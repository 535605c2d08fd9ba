//! Runs the generators of a kustomization.

use serde_json::{Map, Value};

use super::Target;
use super::accumulator::Accumulator;
use crate::builtin::Generator;
use crate::error::Error;
use crate::go::json::GoType;
use crate::kv::Generated;
use crate::origin::Origin;
use crate::resource::{ORIGIN, Resource};
use crate::types::GeneratorArgs;

impl Target<'_, '_> {
    pub(super) fn run_generators(&self, gathered: &mut Accumulator) -> Result<(), Error> {
        let mut all = self.field_generators()?;
        all.extend(self.plugin_generators().map_err(|error| error.within("loading generator plugins"))?);
        let schema = self.build.schema();
        for (generator, origin) in all {
            let made = generator.generate(&self.loader)?;
            self.build.session.count_resources(made.len())?;
            for mut resource in made {
                set_origin(&mut resource, origin.as_ref())?;
                gathered.map.absorb(resource, &schema).map_err(|error| match error {
                    Error::DuplicateId { .. } => error,
                    other => other.within(format!("merging from generator {}", generator.name())),
                })?;
            }
        }
        Ok(())
    }

    fn builtin_origin(&self, kind: &str) -> Option<Origin> {
        self.origin.as_ref().map(|origin| origin.of_builtin(self.file_name, kind))
    }

    /// The generators that are fields of the kustomization.
    fn field_generators(&self) -> Result<Vec<(Generator, Option<Origin>)>, Error> {
        let kustomization = &self.kustomization;
        let global = kustomization.generator_options.as_ref();
        let make = |kind, args: GeneratorArgs| Generator::Data { kind, args: Box::new(args.with_global(global)) };
        let mut all = Vec::new();
        for args in &kustomization.config_map_generator {
            all.push((make(Generated::ConfigMap, args.clone().into()), self.builtin_origin("ConfigMapGenerator")));
        }
        for args in &kustomization.secret_generator {
            all.push((make(Generated::Secret, args.clone()), self.builtin_origin("SecretGenerator")));
        }
        match kustomization.helm_charts.first() {
            None => Ok(all),
            Some(chart) => {
                let mut config = Map::new();
                let globals = kustomization.helm_globals.as_ref().map(GoType::encode);
                for value in globals.into_iter().chain([chart.encode()]) {
                    if let Value::Object(fields) = value {
                        config.extend(fields);
                    }
                }
                if !config.contains_key("namespace") && !kustomization.namespace.is_empty() {
                    config.insert("namespace".into(), kustomization.namespace.clone().into());
                }
                Err(Error::PluginConfig {
                    plugin: "HelmChartInflationGenerator",
                    config: flux_yaml::emit_v2(&Value::Object(config)),
                    inner: Box::new(Error::Plugin { reason: "must specify --enable-helm".into() }),
                })
            }
        }
    }
}

/// Notes where a generated object comes from, unless it says so itself.
fn set_origin(resource: &mut Resource, origin: Option<&Origin>) -> Result<(), Error> {
    match origin {
        Some(origin) if resource.annotation(ORIGIN).is_none() => resource.set_annotation(ORIGIN, &origin.text()),
        _ => Ok(()),
    }
}
