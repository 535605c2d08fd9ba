use std::collections::BTreeMap;

use super::*;

fn vars(pairs: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    let map: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    move |name| map.get(name).map(|value| (*value).to_owned())
}

fn check(input: &str, expect: &str) {
    let lookup = vars(&[("x", "hello"), ("path", "/a/b/c.tar.gz"), ("e", ""), ("u", "héé"), ("n", "1"), ("B", "BiG")]);
    let got = eval(input, &lookup, false).map_err(|error| error.to_string());
    match expect.strip_prefix("ERR ") {
        Some(error) => assert_eq!(got, Err(error.to_owned()), "{input}"),
        None => assert_eq!(got.as_deref(), Ok(expect), "{input}"),
    }
}

#[test]
fn variables_and_escapes() {
    check("${x} world", "hello world");
    check("$x $(x) {{x}} ${missing}.", "$x $(x) {{x}} .");
    check("$${x} $$x $$$$ \\${x}", "${x} $x $$ \\hello");
    check("${1}${x_1}", "");
    check("${}", "ERR unable to parse variable name");
    check("${ x }", "ERR unable to parse variable name");
    check("${a.b}", "ERR missing closing brace");
    check("${x-d}", "ERR missing closing brace");
    check("${x", "ERR missing closing brace");
    check("cost: 5$", "cost: 5$");
    check("a\0${x}", "a");
}

#[test]
fn lengths_cases_and_parts() {
    check("${#x} ${#u} ${#e}", "5 5 0");
    check("${x^} ${x^^} ${B,} ${B,,} ${u^^}", "Hello HELLO biG big HÉÉ");
    check("${x:1} ${x:1:2} ${x:-2} ${x: -2} ${x:9}|", "ello el hello hello |");
    check("${x:${n}:2}", "el");
    check("${x:1:a} ${x:a}", "hello hello");
    check("${x:1:-1}", "ERR substitution of `x` has a negative length");
    check("${u:2}", "ERR substitution of `u` splits a character");
    check("${x:é}", "ERR bad substitution");
    check("${x:}", "ERR unable to parse substitution within function");
}

#[test]
fn prefixes_and_suffixes() {
    check("${path#*/} ${path##*/}", "a/b/c.tar.gz c.tar.gz");
    check("${path%.*} ${path%%.*}", "/a/b/c.tar /a/b/c");
    check("${x#h?l} ${x#[g-i]e} ${x#[^a]} ${x#\\h} ${x#zz}", "lo llo ello ello hello");
    check("${x%lo} ${x%%l*}", "hel he");
    check("${x#[} ${x#*[a-]} ${x%[a-z]}", "hello hello hello");
    check("${x#}", "ERR unable to parse substitution within function");
    check("${u#h?}", "é");
}

#[test]
fn replacements() {
    check("${x/l/L} ${x//l/L} ${x/#he/H} ${x/%lo/} ${x//l/}", "heLlo heLLo Hllo hello heo");
    check("${path//\\//_}", "_a_b_c.tar.gz");
    check("${x//${missing}/-}", "-h-e-l-l-o-");
    check("${x/l}", "ERR bad substitution");
    check("${x/l} and /a}", "hello");
}

#[test]
fn defaults() {
    check("${e:-d} ${e:=d} ${e=d} ${e:+d} ${e:?d} ${x:+d} ${x:-}${e:-}|", "d d d d d hello hello|");
    check("${e:-a${x}b${missing:-c}}", "ahellobc");
    check("${e:-$$x} ${e:-a b:c/d#e}", "$$x a b:c/d#e");
    check("${e:-{a}}", "{a}");
    check("${e:-a", "ERR unable to parse substitution within function");
}

#[test]
fn strict_mode_wants_values_or_defaults() {
    let lookup = vars(&[("x", "")]);
    let strict = |input: &str| eval(input, &lookup, true).map_err(|error| error.to_string());
    assert_eq!(strict("${x}${y:-d}${y=d}"), Ok("dd".to_owned()));
    for input in ["${y}", "${#y}", "${y^}", "${y:1}", "${y#a}", "${y/a/b}", "${z:-${y}}"] {
        assert_eq!(strict(input), Err("variable not set (strict mode): \"y\"".to_owned()), "{input}");
    }
}

#[test]
fn hostile_texts_are_bounded() {
    let lookup = |_: &str| Some("a".repeat(100_000));
    let deep = "${a:-".repeat(10_000);
    assert_eq!(eval(&deep, &lookup, false), Err(Error::TooDeep { limit: 100 }));
    let many = "${a}".repeat(1_000);
    assert_eq!(eval(&many, &lookup, false), Err(Error::TooLarge { limit: 64 << 20 }));
    assert_eq!(eval("${a//a/${a}}", &lookup, false), Err(Error::TooLarge { limit: 64 << 20 }));
    let stars = format!("${{a#{}b}}", "*a".repeat(20));
    assert_eq!(eval(&stars, &lookup, false).map(|out| out.len()), Ok(100_000));
    let long = format!("${{a#{}}}", "?".repeat(100_000));
    assert_eq!(eval(&long, &lookup, false), Err(Error::PatternTooExpensive { name: "a".into() }));
    let dollars = "$$".repeat(500_000);
    assert_eq!(eval(&dollars, &lookup, false).map(|out| out.len()), Ok(500_000));
}

proptest::proptest! {
    #[test]
    fn never_panics(input in r"(\$\{|\$\$|[a-z:#%/=,^?+\-\\\[\]}*0-9é]){0,30}") {
        _ = eval(&input, &vars(&[("a", "é*b"), ("b", "/x")]), false);
    }

    #[test]
    fn text_without_dollars_stays(input in "[^$\0]{0,100}") {
        proptest::prop_assert_eq!(eval(&input, &|_| None, true), Ok(input));
    }
}
