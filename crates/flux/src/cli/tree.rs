//! The command tree as data: `commands.tsv` holds every command and flag of upstream, and ours.

use std::sync::OnceLock;

const DATA: &str = include_str!("commands.tsv");

/// How many positional arguments a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// The command checks itself.
    Any,
    /// None.
    None,
    /// Exactly one.
    One,
    /// At most one.
    AtMostOne,
}

/// A command.
#[derive(Debug)]
pub struct Command {
    /// From the root: `flux get sources git`.
    pub path: &'static str,
    /// Other names of the last part.
    pub aliases: Vec<&'static str>,
    /// The arguments as usage shows them.
    pub arguments: &'static str,
    /// How many arguments fit.
    pub arity: Arity,
    /// False for a mere group.
    pub runnable: bool,
    /// Left out of help.
    pub hidden: bool,
    /// One line about it.
    pub summary: &'static str,
    /// Its own flags.
    pub flags: Vec<Flag>,
}

/// A flag.
#[derive(Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: &'static str,
    /// The letter, or empty.
    pub shorthand: &'static str,
    /// The type as usage shows it; decides how values are read.
    pub kind: &'static str,
    /// What it is when not given.
    pub default: &'static str,
    /// Also a flag of all subcommands.
    pub persistent: bool,
    /// Left out of help.
    pub hidden: bool,
}

impl Command {
    /// The last part of the path.
    pub fn name(&self) -> &'static str {
        self.path.rsplit(' ').next().unwrap_or(self.path)
    }

    /// True when `word` names this command.
    pub fn answers_to(&self, word: &str) -> bool {
        self.name() == word || self.aliases.contains(&word)
    }

    /// The commands directly below.
    pub fn children(&self) -> impl Iterator<Item = &'static Command> {
        let path = self.path;
        all().iter().filter(move |other| {
            other
                .path
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix(' '))
                .is_some_and(|rest| !rest.contains(' '))
        })
    }

    /// The command above; `None` for the root.
    pub fn parent(&self) -> Option<&'static Command> {
        let (path, _) = self.path.rsplit_once(' ')?;
        all().iter().find(|other| other.path == path)
    }

    /// Own flags, and those of the commands above that reach down; the nearest goes first.
    pub fn all_flags(&self) -> Vec<&Flag> {
        let mut flags: Vec<&Flag> = self.flags.iter().collect();
        let mut above = self.parent();
        while let Some(command) = above {
            let fresh = |flag: &&Flag| flag.persistent && !flags.iter().any(|known| known.name == flag.name);
            let inherited: Vec<&'static Flag> = command.flags.iter().filter(fresh).collect();
            flags.extend(inherited);
            above = command.parent();
        }
        flags
    }
}

/// All commands, the root first.
pub fn all() -> &'static [Command] {
    static TREE: OnceLock<Vec<Command>> = OnceLock::new();
    TREE.get_or_init(|| read(DATA))
}

/// The root.
pub fn root() -> &'static Command {
    &all()[0]
}

fn read(data: &'static str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::with_capacity(192);
    for line in data.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let path = next();
        if !path.is_empty() {
            let aliases = next().split(',').filter(|alias| !alias.is_empty()).collect();
            let arguments = next();
            let arity = match next() {
                "none" => Arity::None,
                "one" => Arity::One,
                "max1" => Arity::AtMostOne,
                _ => Arity::Any,
            };
            let marks = next();
            let (runnable, hidden) = (marks.contains('r'), marks.contains('h'));
            let summary = next();
            commands.push(Command { path, aliases, arguments, arity, runnable, hidden, summary, flags: Vec::new() });
        } else if let Some(command) = commands.last_mut() {
            let (name, shorthand, kind, default, marks) = (next(), next(), next(), next(), next());
            let (persistent, hidden) = (marks.contains('p'), marks.contains('h'));
            command.flags.push(Flag { name, shorthand, kind, default, persistent, hidden });
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_whole() {
        assert_eq!(root().path, "flux");
        assert!(all().len() > 180);
        for command in all().iter().skip(1) {
            assert!(command.parent().is_some(), "{} has no parent", command.path);
            assert!(!command.summary.is_empty(), "{} has no summary", command.path);
        }
    }

    #[test]
    fn flags_reach_down() {
        let command = all().iter().find(|command| command.path == "flux get sources git");
        let names: Vec<_> = command.map(|c| c.all_flags().iter().map(|f| f.name).collect()).unwrap_or_default();
        assert!(names.contains(&"all-namespaces") && names.contains(&"kubeconfig"), "{names:?}");
    }
}
