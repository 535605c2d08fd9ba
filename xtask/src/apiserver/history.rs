//! The judge of recorded histories: what writers were told against what readers and watchers saw.
//!
//! The rules are those of etcd's robustness tests, for one server: writes and reads at the newest state are one after
//! another, what was acknowledged stays, and a watch is filtered, ordered, unique, atomic, resumable, reliable and
//! bookmarkable, knows what was created, and shows of a removed object what was there.

use std::collections::{BTreeMap, BTreeSet};

/// Where an object is: its resource and its key in it.
pub type Place = (&'static str, String);

/// What a writer tried. Every object has one writer, who does one thing after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub place: Place,
    /// The payload written; `None` for a removal.
    pub payload: Option<u64>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged; for removals the revision is not told.
    Done(Option<u64>),
    /// Refused: it must not be seen.
    Refused,
    /// The connection broke: it may be seen or not.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Modified,
    Deleted,
    Bookmark,
}

/// What a watcher was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub kind: Kind,
    pub key: String,
    pub revision: u64,
    pub payload: u64,
}

/// One watch, from a revision that a list had shown.
#[derive(Clone, Debug)]
pub struct Watch {
    pub resource: &'static str,
    pub from: u64,
    /// The state of the list at `from`.
    pub state: BTreeMap<String, (u64, u64)>,
    pub events: Vec<Event>,
}

/// A rule that was broken, and where.
pub type Violation = String;

/// Judges one watch by itself, and against all acknowledged writes of its resource.
pub fn judge_watch(watch: &Watch, writes: &[Write]) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut state: BTreeMap<&str, (u64, u64)> = watch.state.iter().map(|(key, at)| (key.as_str(), *at)).collect();
    let mut last = watch.from;
    let mut seen = BTreeSet::new();
    let mut bookmark = watch.from;
    for event in &watch.events {
        let Event { kind, key, revision, payload } = event;
        if *kind == Kind::Bookmark {
            if *revision < last {
                broken.push(format!("bookmarkable: bookmark {revision} lies before event {last}"));
            }
            bookmark = bookmark.max(*revision);
            continue;
        }
        if *revision <= bookmark {
            broken.push(format!("bookmarkable: {key} at {revision} comes after bookmark {bookmark}"));
        }
        if *revision <= last {
            broken.push(format!("ordered: {key} at {revision} comes after {last}"));
        }
        if !seen.insert(*revision) {
            broken.push(format!("unique: revision {revision} is told twice"));
        }
        last = *revision;
        let before = state.get(key.as_str()).copied();
        match (kind, before) {
            (Kind::Added, Some(_)) => broken.push(format!("is-create: {key} is added at {revision}, but was there")),
            (Kind::Modified, None) => {
                broken.push(format!("is-create: {key} is changed at {revision}, but was not there"))
            }
            (Kind::Deleted, None) => broken.push(format!("previous: {key} is gone at {revision}, but was not there")),
            (Kind::Deleted, Some((_, known))) if known != *payload => {
                broken.push(format!("previous: {key} goes at {revision} with payload {payload}, but had {known}"));
            }
            _ => {}
        }
        if *kind == Kind::Deleted {
            state.remove(key.as_str());
        } else {
            state.insert(key, (*revision, *payload));
        }
    }
    // Reliable and resumable: every acknowledged write between start and the last event is among the events.
    for write in writes.iter().filter(|write| write.place.0 == watch.resource) {
        if let (Outcome::Done(Some(revision)), Some(payload)) = (write.outcome, write.payload)
            && revision > watch.from
            && revision <= last
        {
            let told = watch
                .events
                .iter()
                .any(|event| event.revision == revision && event.key == write.place.1 && event.payload == payload);
            if !told {
                broken.push(format!("reliable: {} at {revision} is not told", write.place.1));
            }
        }
    }
    // Atomic, and nothing is invented: an event is a write that somebody tried.
    let tried: BTreeSet<(&str, u64)> = writes
        .iter()
        .filter(|write| write.place.0 == watch.resource && write.outcome != Outcome::Refused)
        .filter_map(|write| Some((write.place.1.as_str(), write.payload?)))
        .collect();
    for event in watch.events.iter().filter(|event| matches!(event.kind, Kind::Added | Kind::Modified)) {
        if !tried.contains(&(event.key.as_str(), event.payload)) {
            broken.push(format!("atomic: {} holds {}, which nobody wrote", event.key, event.payload));
        }
    }
    broken
}

/// Judges the state found after a restart: per object the last acknowledged write, or one that was under way.
pub fn judge_state(found: &BTreeMap<Place, (u64, u64)>, writes: &[Write]) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut by_place: BTreeMap<&Place, Vec<&Write>> = BTreeMap::new();
    for write in writes {
        by_place.entry(&write.place).or_default().push(write);
    }
    for place in found.keys().filter(|place| !by_place.contains_key(place)) {
        broken.push(format!("invented: {}/{}", place.0, place.1));
    }
    for (place, writes) in by_place {
        let settled = writes.iter().rposition(|write| matches!(write.outcome, Outcome::Done(_)));
        let mut allowed: Vec<Option<u64>> = vec![settled.and_then(|at| writes[at].payload)];
        let open = &writes[settled.map_or(0, |at| at + 1)..];
        allowed.extend(open.iter().filter(|write| write.outcome == Outcome::Unknown).map(|write| write.payload));
        let holds = found.get(place).map(|(_, payload)| *payload);
        if !allowed.contains(&holds) {
            broken
                .push(format!("lost: {}/{} holds {holds:?}, acknowledged or open were {allowed:?}", place.0, place.1));
        }
    }
    let mut revisions = BTreeSet::new();
    for (place, (revision, _)) in found {
        if !revisions.insert(*revision) {
            broken.push(format!("atomic: two objects have revision {revision}, one is {}/{}", place.0, place.1));
        }
    }
    broken
}

/// Acknowledged revisions are all different.
pub fn judge_revisions(writes: &[Write]) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    let done = writes.iter().filter_map(|write| match write.outcome {
        Outcome::Done(Some(revision)) => Some((revision, &write.place)),
        _ => None,
    });
    done.filter(|(revision, _)| !seen.insert(*revision))
        .map(|(revision, place)| format!("linear: revision {revision} is given twice, once to {}/{}", place.0, place.1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, payload: Option<u64>, outcome: Outcome) -> Write {
        Write { place: ("r", key.into()), payload, outcome }
    }

    fn event(kind: Kind, key: &str, revision: u64, payload: u64) -> Event {
        Event { kind, key: key.into(), revision, payload }
    }

    fn judged(events: Vec<Event>) -> Vec<Violation> {
        let writes = [
            write("a", Some(1), Outcome::Done(Some(11))),
            write("a", Some(2), Outcome::Done(Some(12))),
            write("b", Some(3), Outcome::Unknown),
            write("a", None, Outcome::Done(None)),
        ];
        judge_watch(&Watch { resource: "r", from: 10, state: BTreeMap::new(), events }, &writes)
    }

    #[test]
    fn a_good_watch_is_silent() {
        let events = vec![
            event(Kind::Added, "a", 11, 1),
            event(Kind::Modified, "a", 12, 2),
            event(Kind::Bookmark, "", 12, 0),
            event(Kind::Added, "b", 13, 3),
            event(Kind::Deleted, "a", 14, 2),
        ];
        assert_eq!(judged(events), Vec::<String>::new());
    }

    #[test]
    fn each_rule_is_noticed() {
        let broken = |events: Vec<Event>, rule: &str| {
            let found = judged(events);
            assert!(found.iter().any(|text| text.starts_with(rule)), "{rule}: {found:?}");
        };
        broken(vec![event(Kind::Modified, "a", 12, 2), event(Kind::Added, "a", 11, 1)], "ordered");
        broken(vec![event(Kind::Added, "a", 11, 1), event(Kind::Added, "a", 11, 1)], "unique");
        broken(vec![event(Kind::Added, "b", 13, 3)], "reliable");
        broken(vec![event(Kind::Modified, "a", 11, 1)], "is-create");
        broken(vec![event(Kind::Deleted, "a", 11, 1)], "previous");
        broken(vec![event(Kind::Added, "a", 11, 99)], "atomic");
        broken(vec![event(Kind::Bookmark, "", 20, 0), event(Kind::Added, "a", 11, 1)], "bookmarkable");
    }

    #[test]
    fn lost_and_invented_objects_are_noticed() {
        let writes = [
            write("a", Some(1), Outcome::Done(Some(5))),
            write("a", Some(2), Outcome::Unknown),
            write("b", Some(3), Outcome::Refused),
        ];
        let holds = |key: &str, payload: u64| BTreeMap::from([(("r", key.to_owned()), (6, payload))]);
        assert!(judge_state(&holds("a", 1), &writes).is_empty());
        assert!(judge_state(&holds("a", 2), &writes).is_empty());
        assert!(judge_state(&BTreeMap::new(), &writes)[0].starts_with("lost"));
        assert!(judge_state(&holds("b", 3), &writes).iter().any(|text| text.starts_with("lost: r/b")));
        assert!(judge_state(&holds("c", 3), &writes).iter().any(|text| text.starts_with("invented")));
        let twice = [write("a", Some(1), Outcome::Done(Some(5))), write("b", Some(1), Outcome::Done(Some(5)))];
        assert_eq!(judge_revisions(&twice).len(), 1);
    }
}
