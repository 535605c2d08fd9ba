//! `fmt`: printing values.

mod format;
mod pad;
mod value;

use crate::exec::{Operand, Res, Run};
use crate::value::Value;

use pad::Flags;

/// One call of a printing function.
struct Printer<'r, 'h> {
    run: &'r mut Run<'h>,
    out: Vec<u8>,
    flags: Flags,
    /// A bad verb is being reported; methods are not asked.
    erroring: bool,
}

impl<'r, 'h> Printer<'r, 'h> {
    fn new(run: &'r mut Run<'h>) -> Self {
        Self { run, out: Vec::new(), flags: Flags::default(), erroring: false }
    }
}

/// What an action prints: pointers are followed once, and pointer methods count where the value has an address.
pub(crate) fn print_action(run: &mut Run<'_>, operand: &Operand) -> Res<Vec<u8>> {
    let value = &operand.value;
    if let Value::Record(record) = value
        && operand.addressable
        && let Some(text) = value::pointer_text(record)
    {
        return Ok(text);
    }
    let mut printer = Printer::new(run);
    match value {
        Value::Record(record) if record.ty.is_pointer() && value::text_of(value).is_none() => {
            printer.record(record, 'v', 0)?;
        }
        _ => printer.argument(value, 'v')?,
    }
    Ok(printer.out)
}

/// `fmt.Sprint`.
pub(crate) fn sprint<'v>(run: &mut Run<'_>, values: impl IntoIterator<Item = &'v Value>) -> Res<Vec<u8>> {
    let mut printer = Printer::new(run);
    let mut after_string = true;
    for (index, value) in values.into_iter().enumerate() {
        let string = matches!(value, Value::Str(_));
        if index > 0 && !string && !after_string {
            printer.out.push(b' ');
        }
        printer.argument(value, 'v')?;
        after_string = string;
    }
    Ok(printer.out)
}

/// `fmt.Sprintln`.
pub(crate) fn sprintln<'v>(run: &mut Run<'_>, values: impl IntoIterator<Item = &'v Value>) -> Res<Vec<u8>> {
    let mut printer = Printer::new(run);
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            printer.out.push(b' ');
        }
        printer.argument(value, 'v')?;
    }
    printer.out.push(b'\n');
    Ok(printer.out)
}

/// `fmt.Sprintf`.
pub(crate) fn sprintf(run: &mut Run<'_>, format: &[u8], values: &[&Value]) -> Res<Vec<u8>> {
    let mut printer = Printer::new(run);
    printer.format(format, values)?;
    Ok(printer.out)
}

/// `%v`, for messages.
pub(crate) fn shown(run: &mut Run<'_>, value: &Value) -> Res<String> {
    Ok(String::from_utf8_lossy(&sprint(run, [value])?).into_owned())
}
