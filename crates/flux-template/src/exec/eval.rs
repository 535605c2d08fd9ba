//! Expressions.

use super::failure::Res;
use super::kinds::{self, Ty};
use super::methods;
use super::operand::Operand;
use super::walk::{At, State};
use crate::go::quoting;
use crate::parse::tree::{Command, Number, Pipe, Word};
use crate::value::{MapKind, Str, Value};

impl<'t> State<'t, '_, '_> {
    /// The value of a pipeline; declared variables stay until the block ends.
    pub(super) fn pipeline(&mut self, dot: &Operand, pipe: Option<&'t Pipe>) -> Res<Operand> {
        let Some(pipe) = pipe else { return Ok(Operand::invalid()) };
        self.at = At::Pipe(pipe);
        let mut value: Option<Operand> = None;
        for command in &pipe.commands {
            let mut next = self.command(dot, command, value)?;
            // What is inside an interface counts from here on.
            next.iface = false;
            value = Some(next);
        }
        let value = value.unwrap_or_default();
        for name in &pipe.declared {
            if pipe.assign {
                self.assign(name, value.clone())?;
            } else {
                self.declare(name, value.clone());
            }
        }
        Ok(value)
    }

    fn not_a_function(&self, words: &'t [Word], piped: Option<&Operand>) -> Res<()> {
        if words.len() > 1 || piped.is_some() {
            return self.error(format!("can't give argument to non-function {}", words[0].text()));
        }
        Ok(())
    }

    fn command(&mut self, dot: &Operand, command: &'t Command, piped: Option<Operand>) -> Res<Operand> {
        self.run.step()?;
        let words = command.words.as_slice();
        let first = &words[0];
        match first {
            Word::Field(_, fields) => {
                self.at = At::Word(first);
                return self.chain(dot, dot.clone(), first, fields, words, piped);
            }
            Word::Chain(_, inner, fields) => return self.chain_word(dot, first, inner, fields, words, piped),
            Word::Function(_, function) => {
                self.at = At::Word(first);
                return self.call(dot, function, None, At::Command(command), &words[1..], piped);
            }
            Word::Pipe(pipe) => {
                self.not_a_function(words, piped.as_ref())?;
                self.run.descend()?;
                return self.pipeline(dot, Some(pipe));
            }
            Word::Variable(_, name, fields) => return self.variable_word(dot, first, name, fields, words, piped),
            _ => {}
        }
        self.at = At::Word(first);
        self.not_a_function(words, piped.as_ref())?;
        match first {
            Word::Bool(_, value) => Ok(Value::Bool(*value).into()),
            Word::Dot(_) => Ok(dot.clone()),
            Word::Number(_, number) => self.constant(first, number),
            Word::String(_, literal) => Ok(Value::Str(literal.1.clone()).into()),
            _ => self.error("nil is not a command"),
        }
    }

    /// A number where nothing says which type it is to have.
    pub(super) fn constant(&mut self, word: &'t Word, number: &Number) -> Res<Operand> {
        self.at = At::Word(word);
        if let Some((re, im)) = number.complex {
            return Ok(Value::complex(re, im).into());
        }
        let text = number.text.as_bytes();
        let hex = matches!(text, [b'0', b'x' | b'X', _, ..]) && !text.iter().any(|byte| b"pP".contains(byte));
        let floating = text.iter().any(|byte| b".eEpP".contains(byte));
        match (number.float, number.int) {
            (Some(float), _) if floating && !hex && text[0] != b'\'' => Ok(Value::Float(float).into()),
            (_, Some(int)) => Ok(Value::int(int).into()),
            _ => self.error(format!("{} overflows int", number.text)),
        }
    }

    fn variable_word(
        &mut self,
        dot: &Operand,
        word: &'t Word,
        name: &str,
        fields: &'t [Str],
        words: &'t [Word],
        piped: Option<Operand>,
    ) -> Res<Operand> {
        self.at = At::Word(word);
        let value = self.variable(name)?;
        if fields.is_empty() {
            if !words.is_empty() {
                self.not_a_function(words, piped.as_ref())?;
            }
            return Ok(value);
        }
        self.chain(dot, value, word, fields, words, piped)
    }

    fn chain_word(
        &mut self,
        dot: &Operand,
        word: &'t Word,
        inner: &'t Word,
        fields: &'t [Str],
        words: &'t [Word],
        piped: Option<Operand>,
    ) -> Res<Operand> {
        self.at = At::Word(word);
        let value = self.argument(dot, Ty::None, inner)?;
        self.chain(dot, value, word, fields, words, piped)
    }

    /// `.X.Y.Z` from a value on; the last one may be a method with arguments.
    fn chain(
        &mut self,
        dot: &Operand,
        mut value: Operand,
        word: &'t Word,
        fields: &'t [Str],
        words: &'t [Word],
        piped: Option<Operand>,
    ) -> Res<Operand> {
        let Some((last, before)) = fields.split_last() else { return Ok(value) };
        for field in before {
            value = self.field(dot, field, word, &[], None, value)?;
        }
        self.field(dot, last, word, words, piped, value)
    }

    fn field(
        &mut self,
        dot: &Operand,
        name: &Str,
        word: &'t Word,
        words: &'t [Word],
        piped: Option<Operand>,
        receiver: Operand,
    ) -> Res<Operand> {
        let strict = self.run.options.strict;
        if receiver.is_invalid() {
            if strict {
                return self.error(format!("nil data; no entry for key {}", quoting::quote_text(name.as_bytes())));
            }
            return Ok(Operand::invalid());
        }
        let shown = name.to_text();
        if receiver.is_nil_interface() {
            return self.error(format!("nil pointer evaluating interface {{}}.{shown}"));
        }
        if let Some(method) = methods::find(&receiver, &shown) {
            let arguments = words.get(1..).unwrap_or_default();
            return self.call(dot, method, Some(receiver), At::Word(word), arguments, piped);
        }
        let has_arguments = words.len() > 1 || piped.is_some();
        match &receiver.value {
            Value::Record(record) => {
                if let Some(value) = record.field(&shown) {
                    if shown.starts_with(|first: char| first.is_lowercase()) {
                        let ty = kinds::static_type(&receiver);
                        return self.error(format!("{shown} is an unexported field of struct type {ty}"));
                    }
                    if has_arguments {
                        return self.error(format!("{shown} has arguments but cannot be invoked as function"));
                    }
                    let addressable = record.ty.is_pointer() || receiver.addressable;
                    return Ok(Operand { value: value.clone(), iface: false, addressable });
                }
            }
            Value::Map(map) => {
                if has_arguments {
                    return self.error(format!("{shown} is not a method but has arguments"));
                }
                return match map.get(name.as_bytes()) {
                    Some(value) => {
                        Ok(Operand { value, iface: kinds::map_is_interface(map.kind()), addressable: false })
                    }
                    None if strict => {
                        self.error(format!("map has no entry for key {}", quoting::quote_text(name.as_bytes())))
                    }
                    None => Ok(kinds::zero_of_map(map.kind())),
                };
            }
            _ => {}
        }
        let ty = kinds::static_type(&receiver);
        self.error(format!("can't evaluate field {shown} in type {ty}"))
    }

    /// An argument for a parameter of type `ty`.
    pub(super) fn argument(&mut self, dot: &Operand, ty: Ty, word: &'t Word) -> Res<Operand> {
        self.at = At::Word(word);
        let value = match word {
            Word::Dot(_) => dot.clone(),
            Word::Nil(_) => {
                return match kinds::zero(ty) {
                    Some(zero) => Ok(zero),
                    None => self.error(format!("cannot assign nil to {}", ty.name())),
                };
            }
            Word::Field(_, fields) => self.chain(dot, dot.clone(), word, fields, &[], None)?,
            Word::Variable(_, name, fields) => self.variable_word(dot, word, name, fields, &[], None)?,
            Word::Pipe(pipe) => {
                self.run.descend()?;
                self.pipeline(dot, Some(pipe))?
            }
            Word::Function(_, function) => self.call(dot, function, None, At::Word(word), &[], None)?,
            Word::Chain(_, inner, fields) => self.chain_word(dot, word, inner, fields, &[], None)?,
            _ => return self.literal(ty, word),
        };
        self.validate(value, ty)
    }

    /// A constant for a parameter of type `ty`.
    fn literal(&mut self, ty: Ty, word: &'t Word) -> Res<Operand> {
        let found = |expected: &str| format!("expected {expected}; found {}", word.text());
        let number = match word {
            Word::Number(_, number) => Some(number),
            _ => None,
        };
        let value = match ty {
            Ty::Any | Ty::Reflect | Ty::None => match word {
                Word::Bool(_, value) => Value::Bool(*value),
                Word::String(_, literal) => Value::Str(literal.1.clone()),
                Word::Number(_, number) => return self.constant(word, number),
                _ => {
                    return self
                        .error(format!("can't handle assignment of {} to empty interface argument", word.text()));
                }
            },
            Ty::Bool => match word {
                Word::Bool(_, value) => Value::Bool(*value),
                _ => return self.error(found("bool")),
            },
            Ty::Str => match word {
                Word::String(_, literal) => Value::Str(literal.1.clone()),
                _ => return self.error(found("string")),
            },
            Ty::Int | Ty::Int64 | Ty::Duration | Ty::Month => match number.and_then(|number| number.int) {
                Some(int) => Value::Int(int, kinds::int_kind(ty)),
                None => return self.error(found("integer")),
            },
            Ty::Uint32 => match number.and_then(|number| number.uint) {
                Some(uint) => Value::Uint(u64::from(uint as u32), crate::value::UintKind::Uint32),
                None => return self.error(found("unsigned integer")),
            },
            Ty::Float => match number.and_then(|number| number.float) {
                Some(float) => Value::Float(float),
                None => return self.error(found("float")),
            },
            Ty::Map | Ty::List | Ty::Time | Ty::Certificate | Ty::Version => {
                return self.error(format!("can't handle {} for arg of type {}", word.text(), ty.name()));
            }
        };
        Ok(value.into())
    }

    /// Checks that a value may be given to a parameter of type `ty`.
    pub(super) fn validate(&mut self, value: Operand, ty: Ty) -> Res<Operand> {
        if value.is_invalid() {
            return match (ty, kinds::zero(ty)) {
                (Ty::None, _) => Ok(value),
                (_, Some(zero)) => Ok(zero),
                _ => self.error(format!("invalid value; expected {}", ty.name())),
            };
        }
        if kinds::assignable(&value, ty) {
            // Assigning to a plain map type loses the named one.
            if let (Ty::Map, Value::Map(map)) = (ty, &value.value) {
                return Ok(Value::Map(map.with_kind(MapKind::Any)).into());
            }
            return Ok(value);
        }
        let got = if value.is_nil_interface() { "interface {}".into() } else { kinds::type_name(&value.value) };
        self.error(format!("wrong type for value; expected {}; got {got}", ty.name()))
    }
}
