//! Slices.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Value, bury, live};

/// What a slice holds: its Go type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    Lists,
    /// `[]map[string]interface {}`
    Maps,
    /// `common.VersionSet`, a `[]string` with a method.
    Versions,
}

/// A slice. Clones share the items.
#[derive(Clone)]
pub struct List(Rc<Data>);

struct Data {
    elem: Elem,
    nil: bool,
    // Only `sortAlpha` changes a slice in place.
    items: RefCell<Rc<Vec<Value>>>,
    size: usize,
}

impl Drop for Data {
    fn drop(&mut self) {
        live::freed(self.size);
        if let Some(items) = Rc::get_mut(self.items.get_mut()) {
            bury(items.drain(..));
        }
    }
}

impl List {
    pub fn new(elem: Elem, items: Vec<Value>) -> Self {
        Self::make(elem, false, items)
    }

    /// A nil slice, which JSON prints as null.
    pub fn nil(elem: Elem) -> Self {
        Self::make(elem, true, Vec::new())
    }

    fn make(elem: Elem, nil: bool, items: Vec<Value>) -> Self {
        let size = live::COLLECTION + items.len() * live::ITEM;
        live::made(size);
        Self(Rc::new(Data { elem, nil, items: RefCell::new(Rc::new(items)), size }))
    }

    pub fn elem(&self) -> Elem {
        self.0.elem
    }

    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// The items as they are now.
    pub fn items(&self) -> Rc<Vec<Value>> {
        Rc::clone(&self.0.items.borrow())
    }

    pub fn get(&self, index: usize) -> Option<Value> {
        self.0.items.borrow().get(index).cloned()
    }

    pub fn len(&self) -> usize {
        self.0.items.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the same number of items in the place of the present ones, for every owner.
    pub(crate) fn replace(&self, items: Vec<Value>) {
        *self.0.items.borrow_mut() = Rc::new(items);
    }

    pub(crate) fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
