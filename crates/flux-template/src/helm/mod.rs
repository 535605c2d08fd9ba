//! Helm's engine: one set of templates for a chart with all its subcharts, rendered file by file.

mod objects;
mod rewrite;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use objects::{KubeVersion, capabilities, files};

use crate::error::{Error, Exceeded};
use crate::exec::{Fail, Operand, Res, Run, Set, execute};
use crate::functions::without_no_value;
use crate::host::Host;
use crate::limits::Limits;
use crate::parse::parse;
use crate::parse::tree::Tree;
use crate::stack::Stack;
use crate::value::{Map, MapKind, Value, lossy};

/// Modes of a render.
#[derive(Clone, Default)]
pub struct Options {
    /// A key that is missing is an error (`missingkey=error`).
    pub strict: bool,
    /// `required` and `fail` do not fail; nothing is looked up.
    pub lint: bool,
    pub limits: Limits,
}

/// What a file is rendered with.
#[derive(Clone)]
pub struct Scope {
    /// The map that is `.` in the file: `Values`, `Chart`, `Release`, `Capabilities`, `Files`, `Subcharts`. All
    /// files of one chart share one map, as in Helm, so that what one file `set`s the next one sees; before each
    /// file its entry `Template` is replaced.
    pub data: Value,
    /// `.Template.BasePath`: `CHART/templates`.
    pub base_path: String,
}

/// The parsed templates of a chart and all its subcharts. May be kept and shared between threads; each render works
/// on the same set.
#[derive(Clone)]
pub struct Templates {
    names: Arc<Vec<String>>,
    trees: Arc<HashMap<Arc<str>, Arc<Tree>>>,
}

/// The stack that parsing may use when nobody says otherwise.
const PARSE_STACK: usize = 1 << 20;

impl Templates {
    /// Parses files in Helm's order (deeper paths first, then names descending), so that of equal names the one
    /// higher up wins. `files` are (path, text), with paths such as `CHART/charts/SUB/templates/NAME`; files of
    /// library charts that are no partials must have been left out.
    ///
    /// # Errors
    /// The first file that does not parse: [`Error::Parse`].
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Error> {
        let files: BTreeMap<&str, &[u8]> = files.into_iter().collect();
        let mut names: Vec<&str> = files.keys().copied().collect();
        names.sort_by(|a, b| (b.matches('/').count(), b).cmp(&(a.matches('/').count(), a)));
        let stack = Stack::new(PARSE_STACK);
        let mut trees: HashMap<Arc<str>, Arc<Tree>> = HashMap::new();
        for name in &names {
            let parsed = parse(name, files[name], &stack).map_err(|error| {
                let raw = error.text();
                Error::Parse { file: (*name).to_owned(), text: rewrite::parse_error(name, &raw), raw }
            })?;
            for tree in parsed {
                // Blanks do not replace what is there.
                if !tree.is_empty() || !trees.contains_key(&tree.name) {
                    trees.insert(Arc::clone(&tree.name), Arc::new(tree));
                }
            }
        }
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(Self { names: Arc::new(names), trees: Arc::new(trees) })
    }

    /// The files in the order in which they are parsed and rendered, partials among them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Renders each file that is no partial (base name beginning with `_`), in order. `scope` answers what a file
    /// is rendered with. `<no value>` is removed from the texts, as Helm does; bytes that are not UTF-8 become
    /// U+FFFD.
    ///
    /// Maps in the scopes that templates changed are emptied when the render ends, since they may hold themselves.
    ///
    /// # Errors
    /// The first file that fails: [`Error::Execute`], or [`Error::Limit`] when a budget ran out.
    pub fn render(
        &self,
        scope: &dyn Fn(&str) -> Scope,
        host: &dyn Host,
        options: &Options,
    ) -> Result<Vec<(String, String)>, Error> {
        let mut run = Run::new(host, options, Set::new(Arc::clone(&self.trees)));
        let mut rendered = Vec::new();
        let mut total = 0;
        for name in self.names.iter().filter(|name| !is_partial(name)) {
            let text = render_file(&mut run, name, scope(name)).map_err(|fail| describe(name, *fail))?;
            total += text.len();
            if total > options.limits.output {
                return Err(Error::Limit { file: name.clone(), exceeded: Exceeded::Output });
            }
            rendered.push((name.clone(), text));
        }
        Ok(rendered)
    }
}

fn is_partial(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|base| base.starts_with('_'))
}

fn render_file(run: &mut Run<'_>, name: &str, scope: Scope) -> Res<String> {
    let mut data = scope.data;
    if let Value::Map(map) = &data {
        let entries = [("Name", Value::text(name)), ("BasePath", Value::text(scope.base_path))];
        map.insert("Template", Value::Map(Map::from_entries(MapKind::Values, entries)));
        data = Value::Map(map.with_kind(MapKind::Values));
    }
    let Some(tree) = run.set.find(name) else { return Ok(String::new()) };
    let written = run.buffered(|run| execute(run, &tree, Operand::new(data)))?;
    let written = without_no_value(written);
    Ok(String::from_utf8(written).unwrap_or_else(|error| lossy(error.as_bytes()).into_owned()))
}

fn describe(file: &str, fail: Fail) -> Error {
    match fail {
        Fail::Go(error) => {
            let text = rewrite::execution_error(file, &error);
            Error::Execute { file: file.to_owned(), text, raw: error.text() }
        }
        Fail::Limit(exceeded) => Error::Limit { file: file.to_owned(), exceeded },
    }
}
