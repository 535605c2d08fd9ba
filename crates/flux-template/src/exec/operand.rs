//! A value with what Go's reflection knows beside it.

use crate::value::Value;

/// A `reflect.Value`.
#[derive(Clone, Default, Debug)]
pub(crate) struct Operand {
    pub(crate) value: Value,
    /// The static type is `interface {}`: an element of such a map or list, or a result declared so. A nil with it is
    /// a nil interface; a nil without it is the zero `reflect.Value`.
    pub(crate) iface: bool,
    /// Reached through a pointer, so that pointer methods exist.
    pub(crate) addressable: bool,
}

impl Operand {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, iface: false, addressable: false }
    }

    pub(crate) fn interface(value: Value) -> Self {
        Self { value, iface: true, addressable: false }
    }

    /// The zero `reflect.Value`.
    pub(crate) fn invalid() -> Self {
        Self::default()
    }

    pub(crate) fn is_invalid(&self) -> bool {
        !self.iface && self.value.is_nil()
    }

    /// A nil interface.
    pub(crate) fn is_nil_interface(&self) -> bool {
        self.iface && self.value.is_nil()
    }
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}
