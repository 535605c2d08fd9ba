//! Tables while they grow.

use std::collections::BTreeMap;

use super::{Key, Parser, Read, shown};
use crate::value::{Elem, List, Map, MapKind, Value};

#[derive(Default)]
pub(super) struct Table(BTreeMap<Vec<u8>, Node>);

pub(super) enum Node {
    Value(Value),
    Table(Table),
    Tables(Vec<Table>),
}

impl Table {
    pub(super) fn into_value(self) -> Value {
        let entries = self.0.into_iter().map(|(key, node)| {
            let value = match node {
                Node::Value(value) => value,
                Node::Table(table) => table.into_value(),
                Node::Tables(tables) => {
                    Value::List(List::new(Elem::Maps, tables.into_iter().map(Self::into_value).collect()))
                }
            };
            (key, value)
        });
        Value::Map(Map::from_entries(MapKind::Any, entries))
    }

    /// The table below a key, which the last one of an array of tables is.
    fn below(&mut self, key: &[u8]) -> Option<&mut Self> {
        match self.0.get_mut(key)? {
            Node::Table(table) => Some(table),
            Node::Tables(tables) => tables.last_mut(),
            Node::Value(_) => None,
        }
    }
}

impl Parser<'_, '_, '_> {
    /// Enters a table, made with all tables on the way.
    pub(super) fn add_context(&mut self, key: &[Vec<u8>], array: bool) -> Read<()> {
        self.run.step()?;
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        let mut at = Some(&mut self.root);
        let mut way = Key::new();
        for part in parents {
            way.push(part.clone());
            let Some(table) = at else { break };
            if !table.0.contains_key(part) {
                self.implicit.insert(way.clone());
                table.0.insert(part.clone(), Node::Table(Table::default()));
            }
            at = table.below(part);
            if at.is_none() {
                return self.bad_meaning(format!("Key '{}' was already created as a hash.", shown(&way)));
            }
        }
        self.context = way;
        if array {
            let Some(table) = at else { return Ok(()) };
            let node = table.0.entry(last.clone()).or_insert_with(|| Node::Tables(Vec::new()));
            match node {
                Node::Tables(tables) => tables.push(Table::default()),
                _ => {
                    let key = shown(key);
                    return self
                        .bad_meaning(format!("Key '{key}' was already created and cannot be used as an array."));
                }
            }
        } else {
            self.set(last, Node::Table(Table::default()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Puts a value into the present table.
    pub(super) fn set(&mut self, key: &[u8], node: Node) -> Read<()> {
        let mut full = self.context.clone();
        let mut at = Some(&mut self.root);
        for (index, part) in self.context.iter().enumerate() {
            at = at.and_then(|table| table.below(part));
            if at.is_none() {
                full.truncate(index + 1);
                return self.bad_meaning(format!("Key '{}' has already been defined.", shown(&full)));
            }
        }
        full.push(key.to_vec());
        let Some(table) = at else { return Ok(()) };
        if !table.0.contains_key(key) {
            table.0.insert(key.to_vec(), node);
            return Ok(());
        }
        let implicit = self.implicit.remove(&full);
        if !implicit {
            return self.bad_meaning(format!("Key '{}' has already been defined.", shown(&full)));
        }
        if self.arrays.contains(&full) {
            table.0.insert(key.to_vec(), node);
        }
        Ok(())
    }
}
