//! Generators.

use flux_yaml::Node;

use crate::error::Error;
use crate::filters::iam::{self, IamPolicyGenerator};
use crate::kv::{self, Generated};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource};
use crate::types::GeneratorArgs;

/// One generator, configured.
pub(crate) enum Generator {
    Data { kind: Generated, args: Box<GeneratorArgs> },
    Iam(Box<IamPolicyGenerator>),
}

impl Generator {
    pub(crate) fn generate(&self, loader: &Loader<'_>) -> Result<Vec<Resource>, Error> {
        match self {
            Self::Data { kind, args } => {
                let mut resource = Resource::new(kv::generate(*kind, args, loader)?);
                let disabled = args.options.as_ref().is_some_and(|options| options.disable_name_suffix_hash);
                resource.history.needs_hash = !disabled;
                resource.history.behavior = Some(Behavior::parse(&args.behavior));
                Ok(vec![resource])
            }
            Self::Iam(args) => Ok(iam::generate(args)?.into_iter().map(|node: Node| Resource::new(node)).collect()),
        }
    }

    /// A name for messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Data { args, .. } => &args.name,
            Self::Iam(args) => &args.kubernetes_service.name,
        }
    }
}
