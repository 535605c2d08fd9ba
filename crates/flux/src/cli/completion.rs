//! `flux completion SHELL`: a script that completes commands and flags.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap_complete::Shell;

use super::error::CliError;
use super::print;
use super::tree::{self, Command};

/// Runs the command.
pub fn run(shell: &str) -> Result<ExitCode, CliError> {
    let shell = match shell {
        "bash" => Shell::Bash,
        "fish" => Shell::Fish,
        "powershell" => Shell::PowerShell,
        "zsh" => Shell::Zsh,
        other => return Err(CliError::NotAvailable { command: format!("flux completion {other}") }),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut clap_command(tree::root()), "flux", &mut script);
    let mut text = String::from_utf8_lossy(&script).into_owned();
    let _ = writeln!(text);
    print::data(&text);
    Ok(ExitCode::SUCCESS)
}

/// The tree in the form that the script generator reads.
fn clap_command(command: &'static Command) -> clap::Command {
    let mut made = clap::Command::new(command.name())
        .about(command.summary)
        .visible_aliases(command.aliases.iter().copied().filter(|alias| *alias != command.name()))
        .hide(command.hidden)
        .disable_help_subcommand(true)
        .disable_version_flag(true);
    for flag in &command.flags {
        let mut argument = clap::Arg::new(flag.name).long(flag.name).hide(flag.hidden).global(flag.persistent);
        argument = if flag.kind == "bool" {
            argument.action(clap::ArgAction::SetTrue)
        } else {
            argument.action(clap::ArgAction::Append)
        };
        if let Some(letter) = flag.shorthand.chars().next() {
            argument = argument.short(letter);
        }
        made = made.arg(argument);
    }
    made.subcommands(command.children().map(clap_command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_a_valid_clap_command() {
        clap_command(tree::root()).debug_assert();
    }
}
