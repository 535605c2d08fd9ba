use crate::{Constraint, Version};

#[track_caller]
fn check(range: &str, version: &str, expected: bool) {
    let range: Constraint = range.parse().unwrap();
    assert_eq!(range.matches(&Version::parse(version).unwrap()), expected, "{range} with {version}");
}

#[test]
fn operators() {
    check("=1.2.3", "1.2.3", true);
    check("!=1.2.3", "1.2.3", false);
    check("!=1.2.x", "1.2.9", false);
    check("!=1.2.x", "1.3.0", true);
    check(">1.2", "1.2.9", false);
    check(">1.2", "1.3.0", true);
    check(">1", "1.9.9", false);
    check("<=1.2", "1.2.9", true);
    check("<=1", "1.9.9", true);
    check("<=1.2.3", "1.2.4", false);
    check(">=1.0.0, <2.0.0", "1.5.0", true);
    check(">=1.0.0 <2.0.0", "2.0.0", false);
    check(">=1.0.0 || <0.5.0", "0.4.0", true);
    check("1.0.0 - 2.0.0", "2.0.0", true);
    check("1 - 2", "2.9.9", true);
    check("1.0.0 - 2.0.0", "2.0.1", false);
}

#[test]
fn wildcards_tilde_and_caret() {
    check("*", "3.2.1", true);
    check("1.x", "1.9.0", true);
    check("1.2", "1.2.7", true);
    check("1.2", "1.3.0", false);
    check("~1.2.3", "1.2.9", true);
    check("~1.2.3", "1.3.0", false);
    check("~1", "1.9.0", true);
    check("~>1.2", "1.2.9", true);
    check("~0.0.0", "7.0.0", true);
    check("^1.2.3", "1.9.9", true);
    check("^1.2.3", "2.0.0", false);
    check("^0.2.3", "0.2.9", true);
    check("^0.2.3", "0.3.0", false);
    check("^0.0.3", "0.0.4", false);
    check("^0", "0.9.0", true);
    check("^0.0", "0.1.0", false);
}

#[test]
fn prereleases_only_when_asked_for() {
    check("*", "1.0.0-rc.1", false);
    check(">=1.0.0", "1.1.0-rc.1", false);
    check(">=1.0.0-0", "1.1.0-rc.1", true);
    check(">=1.0.0-0 <2.0.0", "1.1.0-rc.1", true);
    check("^1.0.0-alpha.2", "1.0.0-alpha.10", true);
    check("^1.0.0-alpha.2", "1.0.0-alpha.1", false);
}

#[test]
fn order_and_texts() {
    let sorted = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"];
    let versions: Vec<Version> = sorted.iter().map(|text| Version::parse(text).unwrap()).collect();
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(Version::parse("v1.2").unwrap().to_string(), "1.2.0");
    assert_eq!(Version::parse("1.0.0+a").unwrap(), Version::parse("1.0.0+b").unwrap());
    assert_eq!(Version::parse("01.02.3").unwrap().to_string(), "1.2.3");
    assert_eq!(Version::parse("v1.2.3-rc.1").unwrap().increment_patch().unwrap().original(), "v1.2.3");
    assert!(Version::parse_tag("v1.2").is_err());
    assert!(Version::parse_strict("01.2.3").is_err());
    assert!(Version::parse_tag("v1.2.3-rc.1+x").is_ok());
    for bad in ["", "a", "1.", "1..2", "1.0.0-", "1.0.0-01", "1.0.0-a_b", "1.2.3.4", "v", "1.0.0+"] {
        assert!(Version::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn improper_ranges() {
    for bad in ["", "foo", ">", ">=1.0.0,", "1.2.3.4", "||", ">= x.y", "1.0.0 ||", "=>=1.0", "1..2"] {
        assert!(bad.parse::<Constraint>().is_err(), "{bad}");
    }
}
