use super::*;

#[track_caller]
fn check(rules: &str, path: &str, is_dir: bool, excluded: bool) {
    let matcher = Matcher::new(read_patterns(rules, &[]));
    assert_eq!(matcher.excludes(path, is_dir), excluded, "{rules:?} against {path}");
}

#[test]
fn later_rules_win_and_reach_below_excluded_directories() {
    check("/*\n!/deploy\n", "docs/a.md", false, true);
    check("/*\n!/deploy\n", "deploy/a.yaml", false, false);
    check("/*\n!/deploy\n", "deploy", true, false);
    check("docs\n!keep.md\n", "docs/keep.md", false, false);
}

#[test]
fn a_name_matches_at_any_depth_and_directories_by_slash() {
    check("build/", "a/build/x", false, true);
    check("build/", "a/build", false, false);
    check("build/", "a/build", true, true);
    check("*.md", "a/b/c.md", false, true);
}

#[test]
fn anchored_patterns_and_double_stars() {
    check("a/b", "a/b/c", false, true);
    check("a/b", "x/a/b", false, false);
    check("**/b", "x/y/b", false, true);
    check("a/**", "a/x/y", false, true);
    check("a/**/z", "a/b/c/z", false, true);
    check("a/**/z", "a/z", false, true);
    check("a**/z", "ab/z", false, false);
    check("/root.txt", "root.txt", false, true);
    check("/root.txt", "a/root.txt", false, false);
}

#[test]
fn trailing_spaces_comments_and_line_ends() {
    check("a.txt   ", "a.txt", false, true);
    check("a.txt\r\nb.txt\r\n", "a.txt", false, true);
    check("# a.txt\n\n", "a.txt", false, false);
    check("a\\ ", "a ", false, true);
}

#[test]
fn nested_files_are_blind_outside_their_directory() {
    let matcher = Matcher::for_artifact([("", "*.tmp\n"), ("apps/web", "secret.yaml\n")], None);
    assert!(matcher.excludes("apps/web/secret.yaml", false));
    assert!(!matcher.excludes("apps/secret.yaml", false));
    assert!(matcher.excludes("apps/x.tmp", false));
}

#[test]
fn own_rules_replace_the_defaults_but_not_version_control() {
    let defaults = Matcher::for_artifact([], None);
    assert!(defaults.excludes("logo.png", false));
    assert!(defaults.excludes(".github/workflows/x.yaml", false));
    assert!(defaults.excludes("a/.sops.yaml", false));
    let own = Matcher::for_artifact([], Some("*.txt"));
    assert!(!own.excludes("logo.png", false));
    assert!(own.excludes(".gitignore", false));
    assert!(own.excludes("a.txt", false));
    // Comments alone are no rules.
    assert!(Matcher::for_artifact([], Some("# nothing")).excludes("logo.png", false));
}

#[test]
fn spec_rules_come_last() {
    let matcher = Matcher::for_artifact([("", "*.yaml\n")], Some("!keep.yaml\n"));
    assert!(matcher.excludes("other.yaml", false));
    assert!(!matcher.excludes("a/keep.yaml", false));
}
