//! Text to tree, bounded.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{EntryExpr, Expr};
use kube_cel::cel::parser::Parser;

use crate::SOURCE_LIMIT;

/// Deeper trees are refused; evaluation recurses and must fit a worker's stack.
const DEPTH_LIMIT: usize = 128;

/// The parser recurses with the text, several large frames per level; address space costs nothing.
const PARSER_STACK: usize = 64 << 20;

/// Parses on a thread of its own with a stack that the longest text cannot exhaust.
pub(crate) fn parse(source: &str) -> Result<IdedExpr, String> {
    if source.len() > SOURCE_LIMIT {
        return Err(format!("expression is longer than {SOURCE_LIMIT} bytes"));
    }
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, || parse_here(source));
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err("the parser failed on this expression".to_owned()),
            Err(error) => Err(format!("no thread for the parser: {error}")),
        }
    })
}

fn parse_here(source: &str) -> Result<IdedExpr, String> {
    let tree = Parser::new().enable_optional_syntax(true).parse(source).map_err(|errors| errors.to_string())?;
    if depth(&tree) > DEPTH_LIMIT {
        return Err(format!("expression is nested deeper than {DEPTH_LIMIT} levels"));
    }
    Ok(tree)
}

fn depth(tree: &IdedExpr) -> usize {
    let inner = match &tree.expr {
        Expr::Call(call) => call.target.iter().map(|target| depth(target)).chain(call.args.iter().map(depth)).max(),
        Expr::Select(select) => Some(depth(&select.operand)),
        Expr::List(list) => list.elements.iter().map(depth).max(),
        Expr::Map(map) => map.entries.iter().map(|entry| entry_depth(&entry.expr)).max(),
        Expr::Struct(message) => message.entries.iter().map(|entry| entry_depth(&entry.expr)).max(),
        Expr::Comprehension(loops) => {
            let parts = [&loops.iter_range, &loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result];
            parts.into_iter().map(depth).max()
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => None,
    };
    inner.unwrap_or(0) + 1
}

fn entry_depth(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::StructField(field) => depth(&field.value),
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
    }
}
