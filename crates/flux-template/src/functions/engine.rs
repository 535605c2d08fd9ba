//! Helm's own functions around templates.

use std::rc::Rc;
use std::sync::Arc;

use super::{Arguments as _, Function, any, text};
use crate::exec::{Fail, GoError, Operand, Res, Run, Ty, execute, fail};
use crate::go::quoting;
use crate::parse::parse;
use crate::parse::tree::Tree;
use crate::value::{Map, MapKind, Value};

use Ty::{Any, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("include", &[Str, Any], Str, include),
    Function::new("tpl", &[Str, Any], Str, tpl),
    Function::new("required", &[Str, Any], Any, |run, a| {
        let missing = match a.value(1) {
            Value::Nil => true,
            Value::Str(text) => text.is_empty(),
            _ => false,
        };
        match (missing, run.options.lint) {
            (false, _) => any(a.value(1).clone()),
            (true, true) => any(Value::text("")),
            (true, false) => warn(&a.str(0).to_text()),
        }
    }),
    Function::new("fail", &[Str], Str, |run, a| if run.options.lint { text("") } else { warn(&a.str(0).to_text()) }),
    Function::new("lookup", &[Str, Str, Str, Str], Ty::Map, |run, a| {
        if run.options.lint {
            return super::map(Map::new(MapKind::Any));
        }
        let part = |index: usize| a.str(index).to_text();
        match run.host.lookup(&part(0), &part(1), &part(2), &part(3)) {
            Ok(value) => Ok(value.into()),
            Err(error) => fail(error.message),
        }
    }),
];

/// What Helm puts around a message for users, to find it again in the error text.
pub(crate) const WARN_START: &str = "HELM_ERR_START";
pub(crate) const WARN_END: &str = "HELM_ERR_END";

/// The name of Helm's root template, which texts given to `tpl` get too.
const ROOT: &str = "gotpl";
/// Includes of one name within each other.
const MAX_INCLUDES: usize = 1000;
/// Texts of `tpl` whose trees are kept.
const KEPT: usize = 10_000;
/// Texts longer than this are not kept.
const KEPT_LENGTH: usize = 64 << 10;

fn warn<T>(message: &str) -> Res<T> {
    fail(format!("{WARN_START}{message}{WARN_END}"))
}

fn include(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let name = arguments.str(0);
    let shown = name.to_text();
    let depth = run.includes.entry(name.as_bytes().to_vec()).or_default();
    if *depth > MAX_INCLUDES {
        return fail(format!("rendering template has a nested reference name: {shown}: unable to execute template"));
    }
    *depth += 1;
    let result = match run.set.find(&shown) {
        Some(tree) => run.buffered(|run| execute(run, &tree, Operand::new(arguments.value(1).clone()))),
        None => {
            let quoted = quoting::quote_text(name.as_bytes());
            fail(format!("template: no template {quoted} associated with template \"{ROOT}\""))
        }
    };
    if let Some(depth) = run.includes.get_mut(name.as_bytes()) {
        *depth -= 1;
    }
    text(result?)
}

fn tpl(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let source = arguments.bytes(0);
    let trees = parsed(run, source)?;
    let main = trees.iter().find(|tree| *tree.name == *ROOT).cloned();
    let set = run.set.with(&trees);
    let outer = std::mem::replace(&mut run.set, set);
    let data = Operand::new(arguments.value(1).clone());
    let result = run.buffered(|run| match &main {
        Some(tree) => execute(run, tree, data),
        None => Ok(()),
    });
    run.set = outer;
    match result {
        Ok(written) => text(without_no_value(written)),
        Err(fail) => Err(match *fail {
            Fail::Go(error) => {
                let quoted = quoting::quote_text(source);
                let part = format!("error during tpl function execution for {quoted}: ");
                Box::new(Fail::Go(error.wrap(part, false)))
            }
            limit => Box::new(limit),
        }),
    }
}

fn parsed(run: &mut Run<'_>, source: &[u8]) -> Res<Rc<Vec<Arc<Tree>>>> {
    if let Some(known) = run.parsed.get(source) {
        return Ok(Rc::clone(known));
    }
    run.charge(source.len().saturating_mul(16))?;
    let trees = match parse(ROOT, source, &run.stack) {
        Ok(trees) => trees,
        Err(error) => {
            let part = format!("cannot parse template {}: ", quoting::quote_text(source));
            return Err(Box::new(Fail::Go(GoError::new(error.text(), false).wrap(part, false))));
        }
    };
    let trees = Rc::new(trees.into_iter().map(Arc::new).collect::<Vec<_>>());
    if source.len() <= KEPT_LENGTH {
        if run.parsed.len() >= KEPT {
            run.parsed.clear();
        }
        run.parsed.insert(source.to_vec(), Rc::clone(&trees));
    }
    Ok(trees)
}

/// Removes what Go prints for missing values.
pub(crate) fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    const NO_VALUE: &[u8] = b"<no value>";
    if super::strings::find(&text, NO_VALUE).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some(at) = super::strings::find(rest, NO_VALUE) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    out.extend_from_slice(rest);
    out
}
