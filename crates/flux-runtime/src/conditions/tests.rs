use super::*;

#[test]
fn transition_time_follows_state_alone() {
    let old = Time(Timestamp::from_second(1_000).expect("in range"));
    let mut list = vec![Condition { last_transition_time: old.clone(), ..truthy("Ready", "Fine", "all good") }];
    Conditions::new(&mut list, 7).mark_true("Ready", "Fine", "all good");
    assert_eq!((&list[0].last_transition_time, list[0].observed_generation), (&old, Some(7)));
    Conditions::new(&mut list, 7).mark_true("Ready", "Fine", "all better");
    assert_ne!(list[0].last_transition_time, old);
}

#[test]
fn known_types_come_first() {
    let mut list = Vec::new();
    let mut conditions = Conditions::new(&mut list, 1);
    for kind in ["Healthy", "Ready", "ArtifactInStorage", "Reconciling"] {
        conditions.mark_true(kind, "R", "");
    }
    let order: Vec<&str> = list.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(order, ["Reconciling", "Ready", "ArtifactInStorage", "Healthy"]);
}

#[test]
fn stalled_and_reconciling_exclude_each_other() {
    let mut list = Vec::new();
    Conditions::new(&mut list, 1).mark_reconciling("Progressing", "working");
    Conditions::new(&mut list, 1).mark_stalled("Bad", "edit me");
    assert_eq!(list.len(), 1);
    assert!(is_true(&list, "Stalled") && is_unknown(&list, "Reconciling"));
}

#[test]
fn long_messages_are_cut_at_a_character() {
    assert_eq!(trim_message("abcdef".into(), 5), "ab...");
    assert_eq!(trim_message("aéé".into(), 4), "a...");
    assert_eq!(trim_message("ab".into(), 1), "ab");
}
