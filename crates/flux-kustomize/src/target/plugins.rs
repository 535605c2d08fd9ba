//! Loads the objects that configure plugins.

use super::Target;
use super::accumulator::Accumulator;
use crate::builtin::{Generator, Transformer, parse_generator, parse_transformer};
use crate::documents;
use crate::error::Error;
use crate::origin::Origin;
use crate::resmap::ResMap;
use crate::resource::{ORIGIN, Resource};

impl Target<'_, '_> {
    /// The configuration objects an entry list names: inline YAML, files or folders.
    fn plugin_configs(&self, entries: &[String], what: &str) -> Result<ResMap, Error> {
        let schema = self.build.schema();
        let mut gathered = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            let Ok(nodes) = documents::read(entry.as_bytes(), &self.build.session.limits().yaml) else {
                paths.push(entry.clone());
                continue;
            };
            for node in nodes {
                let mut config = Resource::new(node);
                if let Some(origin) = &self.origin {
                    config.set_annotation(ORIGIN, &origin.append(self.file_name).text())?;
                }
                let context = format!("configuring external {what}");
                gathered.map.append(config, &schema).map_err(|error| error.within(context))?;
            }
        }
        self.accumulate_resources(&mut gathered, &paths)?;
        Ok(gathered.map)
    }

    pub(super) fn plugin_generators(&self) -> Result<Vec<(Generator, Option<Origin>)>, Error> {
        if self.kustomization.generators.is_empty() {
            return Ok(Vec::new());
        }
        let schema = self.build.schema();
        let configs = self.plugin_configs(&self.kustomization.generators, "generator")?;
        let load = |config: &Resource| {
            let generator =
                parse_generator(config, &schema).map_err(|error| error.within("failed to load generator"))?;
            Ok((generator, Origin::of_plugin(config)))
        };
        configs.iter().map(load).collect()
    }

    pub(super) fn plugin_transformers(&self, entries: &[String]) -> Result<Vec<(Transformer, Option<Origin>)>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let schema = self.build.schema();
        let configs = self.plugin_configs(entries, "transformer")?;
        let load =
            |config: &Resource| Ok((parse_transformer(config, &self.loader, &schema)?, Origin::of_plugin(config)));
        configs.iter().map(load).collect()
    }
}
