//! Usage of a command, made from the command tree.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::error::CliError;
use super::parse::Parsed;
use super::print;
use super::tree::{self, Command, Flag};

const FLAG_TEXTS: &str = include_str!("flags.tsv");

/// `flux help COMMAND...`.
pub fn run(parsed: &Parsed) -> Result<ExitCode, CliError> {
    let mut command = tree::root();
    for word in &parsed.arguments {
        match command.children().find(|child| child.answers_to(word)) {
            Some(child) => command = child,
            None => {
                print::data(&format!("Unknown help topic [{word:?}]\n"));
                break;
            }
        }
    }
    print::data(&text(command));
    Ok(ExitCode::SUCCESS)
}

/// Summary, usage, subcommands and flags.
pub fn text(command: &'static Command) -> String {
    let mut text = format!("{}\n\nUsage:\n", command.summary);
    let mut children: Vec<&Command> = command.children().filter(|child| !child.hidden).collect();
    children.sort_by_key(|child| child.name());
    if command.runnable {
        let arguments = if command.arguments.is_empty() { String::new() } else { format!(" {}", command.arguments) };
        let _ = writeln!(text, "  {}{arguments} [flags]", command.path);
    }
    if !children.is_empty() {
        let _ = writeln!(text, "  {} [command]", command.path);
    }
    if !command.aliases.is_empty() {
        let _ = write!(text, "\nAliases:\n  {}, {}\n", command.name(), command.aliases.join(", "));
    }
    if !children.is_empty() {
        text.push_str("\nAvailable Commands:\n");
        let width = children.iter().map(|child| child.name().len()).max().unwrap_or(0).max(11);
        for child in children {
            let _ = writeln!(text, "  {:width$} {}", child.name(), child.summary);
        }
    }
    let own: Vec<&Flag> = command.flags.iter().collect();
    let inherited: Vec<&Flag> =
        command.all_flags().into_iter().filter(|flag| !own.iter().any(|known| known.name == flag.name)).collect();
    push_flags(&mut text, "Flags", &own, Some(command.name()));
    push_flags(&mut text, "Global Flags", &inherited, None);
    if command.children().next().is_some() {
        let _ = write!(text, "\nUse \"{} [command] --help\" for more information about a command.\n", command.path);
    }
    text
}

fn push_flags(text: &mut String, title: &str, flags: &[&Flag], help_for: Option<&str>) {
    let mut lines: Vec<(String, String)> =
        flags.iter().filter(|flag| !flag.hidden).map(|flag| flag_line(flag)).collect();
    if let Some(name) = help_for {
        lines.push(("  -h, --help".to_owned(), format!("help for {name}")));
    }
    if lines.is_empty() {
        return;
    }
    lines.sort_by(|a, b| a.0.trim_start_matches([' ', '-']).cmp(b.0.trim_start_matches([' ', '-'])));
    lines.sort_by_key(|(left, _)| left.split("--").nth(1).unwrap_or_default().to_owned());
    let width = lines.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    let _ = write!(text, "\n{title}:\n");
    for (left, right) in lines {
        let _ = writeln!(text, "{}", format!("{left:width$}   {right}").trim_end());
    }
}

fn flag_line(flag: &Flag) -> (String, String) {
    let letter = if flag.shorthand.is_empty() { "    ".to_owned() } else { format!("-{}, ", flag.shorthand) };
    let kind = match flag.kind {
        "bool" => "",
        "stringSlice" => "strings",
        kind => kind,
    };
    let left = format!("  {letter}--{} {kind}", flag.name).trim_end().to_owned();
    let about = FLAG_TEXTS.lines().filter_map(|line| line.split_once('\t')).find(|(name, _)| *name == flag.name);
    let about = about.map_or("", |(_, about)| about);
    let default = match (flag.kind, flag.default) {
        (_, "" | "[]" | "false" | "0" | "0s") => String::new(),
        ("bool" | "int" | "int64" | "float32" | "duration" | "rsaKeyBits", value) => format!(" (default {value})"),
        (_, value) => format!(" (default {value:?})"),
    };
    (left, format!("{about}{default}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_subcommands_and_flags() {
        let get = tree::all().iter().find(|command| command.path == "flux get").expect("there");
        let text = text(get);
        assert!(text.contains("kustomizations") && text.contains("-A, --all-namespaces"), "{text}");
        assert!(text.contains("--timeout duration") && text.contains("(default 5m0s)"));
    }

    #[test]
    fn every_flag_has_a_text() {
        let known: std::collections::HashSet<&str> =
            FLAG_TEXTS.lines().filter_map(|line| line.split_once('\t')).map(|(name, _)| name).collect();
        for command in tree::all() {
            for flag in &command.flags {
                assert!(known.contains(flag.name), "--{} of {}", flag.name, command.path);
            }
        }
    }
}
