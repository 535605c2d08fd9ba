//! Reads arguments as cobra and pflag do, with their error texts.

use std::collections::BTreeMap;

use super::error::CliError;
use super::flags;
use super::tree::{self, Arity, Command, Flag};

/// What the arguments ask for.
pub enum Outcome {
    /// Run a command.
    Run(Parsed),
    /// Explain a command.
    Help(&'static Command),
    /// Say the version.
    Version,
}

/// A command with its flags and arguments.
#[derive(Debug)]
pub struct Parsed {
    /// The command.
    pub command: &'static Command,
    /// The positional arguments.
    pub arguments: Vec<String>,
    values: BTreeMap<&'static str, Vec<String>>,
    flags: Vec<&'static Flag>,
}

impl Parsed {
    /// True when the flag was given.
    pub fn changed(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of a flag; its default when it was not given, the last one when given twice.
    pub fn text(&self, name: &str) -> &str {
        if let Some(value) = self.values.get(name).and_then(|values| values.last()) {
            return value;
        }
        self.flags.iter().find(|flag| flag.name == name).map_or("", |flag| flag.default)
    }

    /// The value of a flag when it is not empty.
    pub fn option(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// A boolean flag.
    pub fn is_set(&self, name: &str) -> bool {
        flags::boolean(self.text(name)) == Some(true)
    }

    /// A flag that takes many values, `a,b` counting as two unless it is a `stringArray`.
    pub fn list(&self, name: &str) -> Vec<String> {
        let plain = self.flags.iter().any(|flag| flag.name == name && flag.kind == "stringArray");
        let given = self.values.get(name).map(Vec::as_slice).unwrap_or_default();
        if plain { given.to_vec() } else { given.iter().flat_map(|value| flags::split_list(value)).collect() }
    }

    /// A duration flag, checked when it was read.
    pub fn duration(&self, name: &str) -> flux_api::Duration {
        self.text(name).parse().unwrap_or_default()
    }

    /// The first argument, or an error that asks for it.
    pub fn name(&self, missing: &str) -> Result<&str, CliError> {
        self.arguments.first().map(String::as_str).ok_or_else(|| CliError::usage(missing))
    }
}

/// Finds the command and reads its flags.
pub fn parse(arguments: &[String]) -> Result<Outcome, CliError> {
    let (command, rest) = find(arguments)?;
    let parsed = read_flags(command, &rest)?;
    let parsed = match parsed {
        Read::Help => return Ok(Outcome::Help(command)),
        Read::Flags(parsed) => parsed,
    };
    if parsed.changed("version") && command.path == "flux" {
        return Ok(Outcome::Version);
    }
    if !command.runnable {
        return Ok(Outcome::Help(command));
    }
    check_arity(&parsed)?;
    Ok(Outcome::Run(parsed))
}

/// Walks down as long as words name subcommands; flags between them are skipped with their values.
fn find(arguments: &[String]) -> Result<(&'static Command, Vec<String>), CliError> {
    let mut command = tree::root();
    let mut rest = arguments.to_vec();
    while let Some(place) = first_word(command, &rest) {
        let Some(child) = command.children().find(|child| child.answers_to(&rest[place])) else {
            if command.path == "flux" {
                return Err(unknown_command(command, &rest[place]));
            }
            break;
        };
        rest.remove(place);
        command = child;
    }
    Ok((command, rest))
}

fn first_word(command: &Command, arguments: &[String]) -> Option<usize> {
    let flags = command.all_flags();
    let takes_value = |found: Option<&&Flag>| found.is_none_or(|flag| flag.kind != "bool");
    let mut place = 0;
    while let Some(argument) = arguments.get(place) {
        if argument == "--" {
            return None;
        }
        let is_flag = argument.len() > 1 && argument.starts_with('-');
        if !is_flag {
            return Some(place);
        }
        let with_value = match argument.strip_prefix("--") {
            Some(name) => !name.contains('=') && takes_value(flags.iter().find(|flag| flag.name == name)),
            None => argument.len() == 2 && takes_value(flags.iter().find(|flag| flag.shorthand == &argument[1..])),
        };
        place += if with_value { 2 } else { 1 };
    }
    None
}

fn unknown_command(command: &Command, word: &str) -> CliError {
    let mut text = format!("unknown command {word:?} for {:?}", command.path);
    let near: Vec<&str> = command
        .children()
        .filter(|child| !child.hidden && (distance(word, child.name()) <= 2 || child.name().starts_with(word)))
        .map(Command::name)
        .collect();
    if !near.is_empty() {
        text.push_str("\n\nDid you mean this?\n");
        for name in near {
            text.push_str(&format!("\t{name}\n"));
        }
    }
    CliError::usage(text)
}

/// How many letters differ, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = usize::from(!x.eq_ignore_ascii_case(y));
            let best = (diagonal + cost).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

enum Read {
    Help,
    Flags(Parsed),
}

fn read_flags(command: &'static Command, arguments: &[String]) -> Result<Read, CliError> {
    let known = command.all_flags();
    let mut parsed = Parsed { command, arguments: Vec::new(), values: BTreeMap::new(), flags: known };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            parsed.arguments.extend(rest.cloned());
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            if name == "help" {
                return Ok(Read::Help);
            }
            if name.is_empty() || name.starts_with('-') || name.starts_with('=') {
                return Err(CliError::usage(format!("bad flag syntax: {argument}")));
            }
            let flag = find_flag(&parsed, |flag| flag.name == name)
                .ok_or_else(|| CliError::usage(format!("unknown flag: --{name}")))?;
            let value = match given {
                Some(value) => value,
                None if flag.kind == "bool" => "true".to_owned(),
                None => {
                    rest.next().cloned().ok_or_else(|| CliError::usage(format!("flag needs an argument: --{name}")))?
                }
            };
            set(&mut parsed, flag, value)?;
        } else if argument.len() > 1 && argument.starts_with('-') {
            if read_shorthands(&mut parsed, &argument[1..], &mut rest)? {
                return Ok(Read::Help);
            }
        } else {
            parsed.arguments.push(argument.clone());
        }
    }
    Ok(Read::Flags(parsed))
}

fn find_flag(parsed: &Parsed, fits: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
    parsed.flags.iter().copied().find(|flag| fits(flag))
}

/// `-A`, `-nNAME`, `-n=NAME`, `-n NAME`, `-Aw`; true when help was asked for.
fn read_shorthands<'a>(
    parsed: &mut Parsed,
    letters: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<bool, CliError> {
    let mut remaining = letters;
    while let Some(letter) = remaining.chars().next() {
        let after = &remaining[letter.len_utf8()..];
        let Some(flag) = find_flag(parsed, |flag| flag.shorthand.starts_with(letter)) else {
            if letter == 'h' {
                return Ok(true);
            }
            return Err(CliError::usage(format!("unknown shorthand flag: '{letter}' in -{letters}")));
        };
        if let Some(value) = after.strip_prefix('=') {
            set(parsed, flag, value.to_owned())?;
            return Ok(false);
        }
        if flag.kind == "bool" {
            set(parsed, flag, "true".to_owned())?;
            remaining = after;
            continue;
        }
        let value = if after.is_empty() {
            rest.next()
                .cloned()
                .ok_or_else(|| CliError::usage(format!("flag needs an argument: '{letter}' in -{letters}")))?
        } else {
            after.to_owned()
        };
        set(parsed, flag, value)?;
        return Ok(false);
    }
    Ok(false)
}

fn set(parsed: &mut Parsed, flag: &'static Flag, value: String) -> Result<(), CliError> {
    let value = flags::check(parsed.command.path, flag, &value).map_err(|reason| {
        let shown = if flag.shorthand.is_empty() {
            format!("--{}", flag.name)
        } else {
            format!("-{}, --{}", flag.shorthand, flag.name)
        };
        CliError::usage(format!("invalid argument {value:?} for \"{shown}\" flag: {reason}"))
    })?;
    parsed.values.entry(flag.name).or_default().push(value);
    Ok(())
}

fn check_arity(parsed: &Parsed) -> Result<(), CliError> {
    let count = parsed.arguments.len();
    match parsed.command.arity {
        Arity::None if count > 0 => {
            Err(CliError::usage(format!("unknown command {:?} for {:?}", parsed.arguments[0], parsed.command.path)))
        }
        Arity::One if count != 1 => Err(CliError::usage(format!("accepts 1 arg(s), received {count}"))),
        Arity::AtMostOne if count > 1 => Err(CliError::usage(format!("accepts at most 1 arg(s), received {count}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn run(line: &str) -> Parsed {
        match parse(&words(line)) {
            Ok(Outcome::Run(parsed)) => parsed,
            Ok(_) => panic!("{line}: help"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    fn refused(line: &str) -> String {
        parse(&words(line)).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn finds_commands_by_alias_and_past_flags() {
        assert_eq!(run("get ks").command.path, "flux get kustomizations");
        assert_eq!(run("-n apps get ks -A").command.path, "flux get kustomizations");
        let parsed = run("get sources git -napps --watch=false name");
        assert_eq!((parsed.text("namespace"), parsed.arguments.as_slice()), ("apps", &["name".to_owned()][..]));
        assert!(!parsed.is_set("watch"));
        assert!(run("get ks -Aw").is_set("all-namespaces"));
        assert_eq!(run("create ks a --depends-on=a,b --depends-on c").list("depends-on"), ["a", "b", "c"]);
    }

    #[test]
    fn refuses_with_pflags_words() {
        for (line, text) in [
            ("nosuch", "unknown command \"nosuch\" for \"flux\""),
            ("check --pre --nope", "unknown flag: --nope"),
            ("get ks -z", "unknown shorthand flag: 'z' in -z"),
            ("get ks --namespace", "flag needs an argument: --namespace"),
            ("get ks -n", "flag needs an argument: 'n' in -n"),
            ("uninstall app", "unknown command \"app\" for \"flux uninstall\""),
            ("debug kustomization", "accepts 1 arg(s), received 0"),
            (
                "logs --level=nope",
                "invalid argument \"nope\" for \"--level\" flag: unsupported log level 'nope', must be one of: debug, info, error",
            ),
            (
                "get ks --timeout=5",
                "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"",
            ),
        ] {
            assert_eq!(refused(line), text);
        }
        assert!(refused("gt ks").contains("Did you mean this?\n\tget\n"));
    }

    #[test]
    fn a_group_explains_itself() {
        assert!(matches!(parse(&words("get nosuch")), Ok(Outcome::Help(command)) if command.path == "flux get"));
        assert!(matches!(parse(&words("get ks --help")), Ok(Outcome::Help(_))));
        assert!(matches!(parse(&words("--version")), Ok(Outcome::Version)));
        assert!(matches!(parse(&[]), Ok(Outcome::Help(_))));
    }
}
