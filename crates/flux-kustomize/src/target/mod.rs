//! One kustomization: gathers its resources and runs its pipeline.

mod accumulator;
mod bases;
mod generate;
mod plugins;
mod transform;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{Config, FieldSpec, from_crds};
use crate::documents;
use crate::error::Error;
use crate::filters::labels::set_pairs;
use crate::filters::name_ref;
use crate::fs::FileSystem;
use crate::loader::{Loader, Session};
use crate::node;
use crate::objects::Objects;
use crate::options::{Options, Reorder};
use crate::origin::Origin;
use crate::resmap::ResMap;
use crate::resource::{ORIGIN, Resource};
use crate::schema::{self, Schema};
use crate::sort::{sort, sort_legacy};
use crate::types::{self, Kustomization, list_text};
use accumulator::Accumulator;
use bases::Bases;

/// What the kustomizations of one build share.
pub(crate) struct Build<'a> {
    session: &'a Session<'a>,
    /// The first kustomization met that names a schema sets it for all.
    schema: RefCell<Rc<Schema>>,
    schema_is_set: Cell<bool>,
    warnings: RefCell<Vec<String>>,
    bases: Bases,
}

impl<'a> Build<'a> {
    pub(crate) fn new(session: &'a Session<'a>) -> Self {
        Self {
            session,
            schema: RefCell::default(),
            schema_is_set: Cell::new(false),
            warnings: RefCell::default(),
            bases: Bases::default(),
        }
    }

    pub(crate) fn schema(&self) -> Rc<Schema> {
        Rc::clone(&self.schema.borrow())
    }

    fn set_schema(&self, target: &Target<'_, '_>) -> Result<(), Error> {
        let field = &target.kustomization.openapi;
        let text = field.get("path").map(|path| target.loader.load_text(path)).transpose()?;
        if self.schema_is_set.get() {
            return Ok(());
        }
        let fault = |reason: &str| Error::Schema { reason: reason.into() };
        match (text, field.get("version").map(String::as_str)) {
            (Some(_), Some(_)) => Err(fault("builtin version and custom schema provided, cannot use both")),
            (Some(text), None) => {
                let bare = self.session.options().openapi_replaces && !self.schema.borrow().was_asked();
                *self.schema.borrow_mut() = Rc::new(schema::parse(&text, bare)?);
                self.schema_is_set.set(true);
                Ok(())
            }
            (None, None | Some("")) => Ok(()),
            (None, Some("v1.21.2")) => {
                self.schema_is_set.set(true);
                Ok(())
            }
            (None, Some(_)) => Err(fault("the specified OpenAPI version is not built in")),
        }
    }
}

/// Builds the folder `path`.
pub(crate) fn run(fs: &dyn FileSystem, path: &Path, options: &Options<'_>) -> Result<Objects, Error> {
    let session = Session::new(options);
    let build = Build::new(&session);
    let mut target = Target::load(&build, Loader::start(&session, fs, path)?)?;
    build.set_schema(&target)?;
    if !target.kustomization.build_metadata.is_empty() {
        target.origin = Some(Origin::default());
    }
    let mut map = target.customized()?;
    let schema = build.schema();
    let kustomization = &target.kustomization;
    match (&kustomization.sort_options, options.reorder) {
        (Some(order), _) => sort(&mut map, order, &schema)?,
        (None, Reorder::Legacy | Reorder::Unspecified) => sort_legacy(&mut map, &schema)?,
        (None, Reorder::None) => {}
    }
    if options.add_managed_by_label || kustomization.wants("managedByLabel") {
        let version = format!("kustomize-{}", options.version.unwrap_or("(devel)"));
        let label = [("app.kubernetes.io/managed-by".to_owned(), version)].into();
        let spec = [FieldSpec::any("metadata/labels", true)];
        map.bodies_mut().try_for_each(|resource| set_pairs(&mut resource.node, &label, &spec))?;
    }
    let (origins, transformations) =
        (kustomization.wants("originAnnotations"), kustomization.wants("transformerAnnotations"));
    let warnings = build.warnings.take();
    finish(map, origins, transformations).map(|nodes| Objects::new(nodes, warnings))
}

/// The trees as they are printed.
pub(crate) fn finish(map: ResMap, origins: bool, transformations: bool) -> Result<Vec<flux_yaml::Node>, Error> {
    let finished = map.into_list().into_iter().map(|mut resource| {
        resource.finish(origins, transformations)?;
        node::settle(&mut resource.node);
        Ok(resource.node)
    });
    finished.collect()
}

/// A kustomization and where it lies.
pub(crate) struct Target<'b, 'a> {
    build: &'b Build<'a>,
    loader: Loader<'a>,
    kustomization: Kustomization,
    file_name: &'static str,
    /// Set when the build notes where things come from.
    origin: Option<Origin>,
}

impl<'b, 'a> Target<'b, 'a> {
    fn load(build: &'b Build<'a>, loader: Loader<'a>) -> Result<Self, Error> {
        build.session.count_base()?;
        let (content, file_name) = loader.kustomization()?;
        let read = types::read(&content, &loader.root().display().to_string())?;
        build.warnings.borrow_mut().extend(read.warnings);
        Ok(Self { build, loader, kustomization: read.kustomization, file_name, origin: None })
    }

    /// What has to be done once, after all layers.
    fn customized(&self) -> Result<ResMap, Error> {
        let mut gathered = Accumulator::default();
        self.accumulate(&mut gathered)?;
        let schema = self.build.schema();
        crate::builtin::Transformer::Hash.transform(&mut gathered.map, &schema)?;
        let config = gathered.config();
        name_ref::apply(gathered.map.list_mut(), &config.name_reference, &schema)?;
        gathered.resolve_vars()?;
        let mut map = gathered.map;
        for resource in map.iter() {
            documents::check_metadata(&resource.node)?;
        }
        map.list_mut().retain(|resource| !resource.is_local_config());
        Ok(map)
    }

    /// Runs this kustomization's pipeline on what was gathered so far.
    fn accumulate(&self, gathered: &mut Accumulator) -> Result<(), Error> {
        let kustomization = &self.kustomization;
        self.accumulate_resources(gathered, &kustomization.resources)
            .map_err(|error| error.within("accumulating resources"))?;
        self.merge_configs(gathered)?;
        self.run_generators(gathered)?;
        self.accumulate_components(gathered, &kustomization.components)
            .map_err(|error| error.within("accumulating components"))?;
        self.run_transformers(gathered)?;
        self.run_validators(gathered)?;
        gathered
            .merge_vars(&kustomization.vars, &self.build.schema())
            .map_err(|error| error.within(format!("merging vars {}", list_text(&kustomization.vars))))
    }

    fn merge_configs(&self, gathered: &mut Accumulator) -> Result<(), Error> {
        let kustomization = &self.kustomization;
        let mut own = Config::builtin();
        if !kustomization.configurations.is_empty() {
            let mut files = Config::default();
            for path in &kustomization.configurations {
                files = files.merge(&Config::from_file(&self.loader.load_text(path)?)?)?;
            }
            own = Arc::new(own.merge(&files)?);
        }
        gathered.merge_config(&own).map_err(|error| error.within("merging config"))?;
        if kustomization.crds.is_empty() {
            return Ok(());
        }
        let loading = |error: Error| error.within(format!("loading CRDs [{}]", kustomization.crds.join(" ")));
        let mut crds = Config::default();
        for path in &kustomization.crds {
            let text = self.loader.load_text(path).map_err(loading)?;
            crds = crds.merge(&from_crds(&text, path).map_err(loading)?).map_err(loading)?;
        }
        gathered.merge_config(&Arc::new(crds)).map_err(|error| error.within("merging CRDs"))
    }

    fn accumulate_resources(&self, gathered: &mut Accumulator, paths: &[String]) -> Result<(), Error> {
        self.loader.read_ahead(paths);
        paths.iter().try_for_each(|path| self.accumulate_resource(gathered, path))
    }

    /// A resource is a file, else a folder or a repository.
    fn accumulate_resource(&self, gathered: &mut Accumulator, path: &str) -> Result<(), Error> {
        let Err(as_file) = self.accumulate_file(gathered, path) else { return Ok(()) };
        if as_file.is_http_status() || as_file.is_limit() {
            return Err(as_file);
        }
        let result = match self.loader.enter(path) {
            Ok(loader) => self.accumulate_base(gathered, loader, path),
            Err(error) if as_file.is_malformed_yaml() && !error.is_timeout() => return Err(as_file),
            Err(error) => Err(error),
        };
        result.map_err(|as_folder| match as_folder.is_limit() {
            true => as_folder,
            false => Error::NeitherFileNorFolder { as_file: Box::new(as_file), as_folder: Box::new(as_folder) },
        })
    }

    fn accumulate_file(&self, gathered: &mut Accumulator, path: &str) -> Result<(), Error> {
        let schema = self.build.schema();
        let reading = |error: Error| error.within(format!("accumulating resources from '{path}'"));
        let nodes = self.loader.objects(path).map_err(reading)?;
        self.build.session.count_resources(nodes.len())?;
        let mut list: Vec<Resource> = nodes.into_iter().map(Resource::new).collect();
        if list.len() > 1 {
            let mut own = ResMap::default();
            own.append_all(list, &schema).map_err(reading)?;
            list = own.into_list();
        }
        if let Some(origin) = &self.origin {
            let text = origin.append(path).text();
            let annotation = [(ORIGIN.to_owned(), text)].into();
            let spec = [FieldSpec::any("metadata/annotations", true)];
            list.iter_mut().try_for_each(|resource| set_pairs(&mut resource.node, &annotation, &spec))?;
        }
        gathered.map.append_all(list, &schema).map_err(|error| error.within(format!("merging resources from '{path}'")))
    }

    /// A target below this one.
    fn child(&self, loader: Loader<'a>, path: &str) -> Result<Self, Error> {
        let root = loader.root().to_owned();
        let mut child = Self::load(self.build, loader)
            .map_err(|error| error.within(format!("couldn't make target for path '{}'", root.display())))?;
        child.kustomization.build_metadata.clone_from(&self.kustomization.build_metadata);
        child.origin = self.origin.as_ref().map(|origin| origin.append(path));
        self.build.set_schema(&child)?;
        Ok(child)
    }

    fn accumulate_base(&self, gathered: &mut Accumulator, loader: Loader<'a>, path: &str) -> Result<(), Error> {
        let root = loader.root().to_owned();
        let schema = self.build.schema();
        let shared = self.origin.is_none() && loader.shared_key().is_some();
        let merging = |error: Error| error.within(format!("recursed merging from path '{}'", root.display()));
        if let Some(known) = shared.then(|| self.build.bases.get(&root, &loader)).flatten() {
            self.build.session.count_base()?;
            self.build.session.count_resources(known.len())?;
            return gathered.merge(known, &schema).map_err(merging);
        }
        let mark = self.build.bases.enter(&root);
        let child = self.child(loader, path)?;
        if child.kustomization.is_component() {
            return Err(Error::UnexpectedComponent { dir: root });
        }
        let mut below = Accumulator::default();
        child
            .accumulate(&mut below)
            .map_err(|error| error.within(format!("recursed accumulation of path '{}'", root.display())))?;
        if shared {
            self.build.bases.leave(&root, mark, &below);
        }
        gathered.merge(below, &self.build.schema()).map_err(merging)
    }

    /// Components work on what was gathered so far.
    fn accumulate_components(&self, gathered: &mut Accumulator, paths: &[String]) -> Result<(), Error> {
        for path in paths {
            let quoted = |context| {
                move |error: Error| match error.is_limit() {
                    true => error,
                    false => Error::WithinQuoted { context, inner: Box::new(error) },
                }
            };
            let loader = self.loader.enter(path).map_err(quoted("loader.New"))?;
            self.accumulate_component(gathered, loader, path).map_err(quoted("accumulateDirectory:"))?;
        }
        Ok(())
    }

    fn accumulate_component(&self, gathered: &mut Accumulator, loader: Loader<'a>, path: &str) -> Result<(), Error> {
        let root: PathBuf = loader.root().to_owned();
        self.build.bases.enter(&root);
        let child = self.child(loader, path)?;
        if !child.kustomization.is_component() {
            return Err(Error::ExpectedComponent { dir: root, kind: child.kustomization.kind });
        }
        child
            .accumulate(gathered)
            .map_err(|error| error.within(format!("recursed accumulation of path '{}'", root.display())))?;
        gathered
            .map
            .check_unique(&self.build.schema())
            .map_err(|error| error.within(format!("recursed merging from path '{}'", root.display())))
    }
}
