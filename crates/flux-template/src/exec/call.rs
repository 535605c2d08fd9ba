//! Calling functions and methods.

use smallvec::SmallVec;

use super::failure::Res;
use super::kinds::{self, Ty};
use super::operand::Operand;
use super::walk::{At, State};
use crate::functions::{Function, Special};
use crate::parse::tree::Word;

impl<'t> State<'t, '_, '_> {
    /// Evaluates arguments, checks them and calls. `at` is the node that an error of the function names.
    pub(super) fn call(
        &mut self,
        dot: &Operand,
        function: &'static Function,
        receiver: Option<Operand>,
        at: At<'t>,
        words: &'t [Word],
        piped: Option<Operand>,
    ) -> Res<Operand> {
        let given = words.len() + usize::from(piped.is_some());
        let params = function.params;
        let fixed = if function.variadic { params.len() - 1 } else { params.len() };
        let name = function.name;
        if function.variadic && given < fixed {
            return self.error(format!("wrong number of args for {name}: want at least {fixed} got {}", words.len()));
        }
        if !function.variadic && given != fixed {
            return self.error(format!("wrong number of args for {name}: want {fixed} got {given}"));
        }
        match function.special {
            Special::And => return self.short_circuit(dot, words, piped, false),
            Special::Or => return self.short_circuit(dot, words, piped, true),
            Special::No | Special::Call => {}
        }
        let param = |index: usize| -> Ty { params[index.min(params.len() - 1)] };
        let mut arguments: SmallVec<[Operand; 4]> = SmallVec::with_capacity(given + 1);
        arguments.extend(receiver);
        for (index, word) in words.iter().enumerate() {
            let argument = self.argument(dot, param(index), word)?;
            arguments.push(argument);
        }
        if let Some(piped) = piped {
            let piped = self.validate(piped, param(given - 1))?;
            arguments.push(piped);
        }
        if function.special == Special::Call {
            return self.call_value(at, words, &arguments);
        }
        self.run.step()?;
        let pending = self.run.pending;
        let called = (function.run)(self.run, &arguments);
        self.run.pending = pending;
        match called {
            Ok(mut result) => {
                if function.result == Ty::Any {
                    result.iface = true;
                }
                Ok(result)
            }
            Err(fail) => {
                self.at = at;
                Err(self.calling(name, fail))
            }
        }
    }

    /// `and` and `or` evaluate no further than they must.
    fn short_circuit(&mut self, dot: &Operand, words: &'t [Word], piped: Option<Operand>, stop: bool) -> Res<Operand> {
        let mut value = Operand::invalid();
        for word in words {
            value = self.argument(dot, Ty::Reflect, word)?;
            if kinds::truth(&value.value) == stop {
                return Ok(value);
            }
        }
        match piped {
            Some(piped) => self.validate(piped, Ty::Reflect),
            None => Ok(value),
        }
    }

    /// `call`: no value of a chart is a function.
    fn call_value(&mut self, at: At<'t>, words: &'t [Word], arguments: &[Operand]) -> Res<Operand> {
        let callee = arguments.first().map(|argument| argument.value.clone()).unwrap_or_default();
        let message = if callee.is_nil() {
            "call of nil".to_owned()
        } else {
            let name = match words.first() {
                Some(word) => word.text(),
                None => kinds::reflected_text(&callee),
            };
            format!("non-function {name} of type {}", kinds::type_name(&callee))
        };
        self.at = at;
        Err(self.calling("call", message.into()))
    }
}
