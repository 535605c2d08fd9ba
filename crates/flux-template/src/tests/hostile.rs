//! Templates that mean harm: each ends with an error or a bounded text.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{render, render_with, small};
use crate::helm::Options;
use crate::{Error, Exceeded, Limits, on_large_stack};

#[track_caller]
fn exceeds(template: &str, expect: &[Exceeded]) {
    match render_with(template, &small()) {
        Err(Error::Limit { exceeded, .. }) => assert!(expect.contains(&exceeded), "{template}: {exceeded}"),
        Err(error) => panic!("{template}: {error}"),
        Ok(text) => panic!("{template}: {} bytes", text.len()),
    }
}

/// Ends, one way or the other.
fn survives(template: &str) {
    _ = render_with(template, &small());
}

#[test]
fn memory_bombs() {
    let memory = [Exceeded::Memory];
    exceeds("{{ repeat 1000000000 \"x\" }}", &memory);
    exceeds("{{ $x := \"aaaaaaaaaaaaaaaa\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}", &memory);
    exceeds("{{ $x := list 1 2 3 4 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}", &memory);
    exceeds("{{ range untilStep 0 9000000000000000000 1 }}{{ end }}", &memory);
    exceeds("{{ seq 9000000000000000000 }}", &memory);
    exceeds("{{ indent 1000000000 \"a\" }}", &memory);
    exceeds("{{ randAlpha 10000000000 }}", &memory);
    exceeds("{{ replace \"\" (repeat 100000 \"x\") (repeat 100000 \"y\") }}", &memory);
    exceeds("{{ regexReplaceAll \"\" (repeat 100000 \"y\") (repeat 100000 \"x\") }}", &memory);
    exceeds("{{ wrapWith 1 (repeat 100000 \"x\") (repeat 100000 \"y\") }}", &memory);
    exceeds("{{ $l := list }}{{ range 1000000 }}{{ $l = append $l . }}{{ end }}", &[Exceeded::Memory, Exceeded::Steps]);
    exceeds("{{ range 100000 }}{{ printf \"%1000000d\" 1 }}{{ end }}", &memory);
    exceeds("{{ printf \"%999999.999999f\" 1.0 | repeat 1000 }}", &memory);
    exceeds(
        "{{ define \"d\" }}{{ . }}{{ . }}{{ end }}{{ $x := \"xxxxxxxx\" }}{{ range 40 }}{{ $x = include \"d\" $x }}{{ end }}",
        &memory,
    );
    exceeds(
        "{{ $x := dict \"a\" \"b\" }}{{ range 60 }}{{ $x = dict \"l\" $x \"r\" $x }}{{ end }}{{ toYaml $x }}",
        &[Exceeded::Memory, Exceeded::Steps],
    );
}

#[test]
fn loops() {
    exceeds("{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}", &[Exceeded::Steps]);
    exceeds("{{ range 9000000000000000000 }}{{ continue }}{{ end }}", &[Exceeded::Steps]);
    exceeds("{{ range 1000000000 }}{{ derivePassword 1 \"long\" \"p\" \"u\" \"s\" }}{{ end }}", &[Exceeded::Steps]);
}

#[test]
fn recursion_on_a_small_stack() {
    let depth = [Exceeded::Depth];
    exceeds("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", &depth);
    exceeds(
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        &depth,
    );
    exceeds("{{ define \"a\" }}{{ tpl \"{{ include \\\"a\\\" . }}\" . }}{{ end }}{{ include \"a\" . }}", &depth);
}

#[test]
fn recursion_on_a_large_stack() {
    let template = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}";
    let text = on_large_stack(256 << 20, |stack| {
        let options = Options { limits: Limits { stack, ..Limits::default() }, ..Options::default() };
        render_with(template, &options).unwrap_err().to_string()
    });
    assert!(text.unwrap().ends_with("rendering template has a nested reference name: a: unable to execute template"));
}

#[test]
fn deep_values() {
    let deep = "{{ $x := list }}{{ range 200000 }}{{ $x = list $x }}{{ end }}";
    for use_it in [
        "{{ toJson $x }}",
        "{{ print $x }}",
        "{{ toYaml $x }}",
        "{{ deepCopy $x }}",
        "{{ deepEqual $x (list $x) }}",
        "{{ toToml (dict \"a\" $x) }}",
    ] {
        survives(&format!("{deep}{use_it}"));
    }
    let cycle = "{{ $d := dict }}{{ $_ := set $d \"d\" (list $d) }}";
    for use_it in [
        "{{ toJson $d }}",
        "{{ $d }}",
        "{{ toYaml $d }}",
        "{{ deepCopy $d }}",
        "{{ merge (dict \"d\" (list)) $d }}",
        "{{ toYamlPretty $d }}",
    ] {
        survives(&format!("{cycle}{use_it}"));
    }
    survives("{{ $a := dict }}{{ $b := dict }}{{ $_ := set $a \"x\" $a }}{{ $_ := set $b \"x\" $b }}{{ merge $a $b }}");
    survives(&format!("{{{{ fromJson `{}` }}}}", "[".repeat(100_000)));
    survives(&format!("{{{{ fromYaml `{}` }}}}", "[".repeat(100_000)));
    survives(&format!("{{{{ fromToml `a = {}` }}}}", "[".repeat(100_000)));
}

#[test]
fn deep_sources() {
    for (open, close) in [("{{ if true }}", "{{ end }}"), ("{{ range 1 }}", "{{ end }}")] {
        let text = render(&format!("{}{}", open.repeat(50_000), close.repeat(50_000))).unwrap_err().to_string();
        assert!(text.contains("depth exceeded"), "{text}");
    }
    let text = render(&format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000))).unwrap_err().to_string();
    assert!(text.contains("max expression depth exceeded"), "{text}");
    survives(&format!("{{{{ if false }}}}{}{{{{ end }}}}", "{{ else if false }}".repeat(50_000)));
    survives(&format!("{{{{ 1{} }}}}", " | add 1".repeat(50_000)));
    survives(&format!("{{{{ .a{} }}}}", ".a".repeat(100_000)));
}

#[test]
fn patterns() {
    survives("{{ regexMatch \"(a{1000}){1000}\" \"a\" }}");
    survives("{{ mustRegexMatch \"((((((a{99}){99}){99}){99}){99}){99})\" \"a\" }}");
    survives(&format!("{{{{ regexMatch \"{}\" \"a\" }}}}", "(".repeat(5000)));
    let slow = "{{ regexMatch \"(a*)*b\" (repeat 100000 \"a\") }}";
    let begin = Instant::now();
    assert_eq!(render(slow).unwrap(), "false");
    assert!(begin.elapsed() < Duration::from_secs(5));
    survives(&format!("{{{{ .Files.Glob \"{}\" }}}}", "*a".repeat(500)));
}

#[test]
fn interrupts() {
    let interrupt: crate::Interrupt = Arc::new(|| true);
    let limits = Limits { interrupt: Some(interrupt), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let error = render_with("{{ range 1000000000 }}{{ end }}", &options).unwrap_err();
    assert!(matches!(error, Error::Limit { exceeded: Exceeded::Interrupted, .. }));
}

#[test]
fn output_is_bounded() {
    let text = "x".repeat(1000);
    exceeds(&format!("{{{{ range 9000 }}}}{text}{{{{ end }}}}"), &[Exceeded::Output]);
}
