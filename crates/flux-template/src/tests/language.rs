//! The language as charts meet it.

use super::{check, check_error, render};

#[test]
fn kinds_show() {
    check("{{ .Values.n }} {{ .Values.big }} {{ 1000000 }} {{ 1e6 }}", "42 1e+06 1000000 1e+06");
    check("{{ printf \"%d %v %T\" .Values.n .Values.n .Values }}", "%!d(float64=42) 42 common.Values");
    check("{{ kindOf .Values.n }} {{ kindOf 1 }} {{ typeOf (until 2) }}", "float64 int []int");
    check("{{ toYaml .Values.map }}", "a:\n  x: 1.5\nb: 1");
    check("{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }}", "v1.34.0 v1.34.0-gke.1");
    check("{{ .Capabilities.APIVersions.Has \"apps/v1\" }}", "true");
}

#[test]
fn missing_values() {
    check("[{{ .Values.nope }}][{{ (.Values.nope).deeper }}][{{ .Values.nope | quote }}]", "[][][]");
    check_error(
        "{{ .Values.nope.deeper }}",
        "c/templates/a.txt:1:10\n  executing \"c/templates/a.txt\" at <.Values.nope.deeper>:\n    nil pointer evaluating interface {}.deeper",
    );
    check_error("{{ required \"need it\" .Values.nope }}", "execution error at (c/templates/a.txt:1:3): need it");
}

#[test]
fn control() {
    check("{{ range $k, $v := .Values.map }}{{ $k }};{{ end }}", "a;b;");
    check("{{ range 5 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ else }}none{{ end }}", "012");
    check("{{ with .Values.s }}{{ . }}{{ else with .Values.t }}t{{ end }}", "text");
    check("{{ define \"x\" }}<{{ . }}>{{ end }}{{ include \"x\" 1 }}{{ template \"x\" 2 }}", "<1><2>");
    check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}", "2");
    check("a {{- /* no */ -}} b", "ab");
    check_error("{{ break }}", "parse error at (c/templates/a.txt:1): {{break}} outside {{range}}");
    check_error("{{ nope }}", "parse error at (c/templates/a.txt:1): function \"nope\" not defined");
    check_error("{{ if }}x{{ end }}", "parse error at (c/templates/a.txt:1): missing value for if");
}

#[test]
fn maps_are_shared() {
    check("{{ $d := dict \"a\" 1 }}{{ $e := $d }}{{ $_ := set $e \"b\" 2 }}{{ $d }}", "map[a:1 b:2]");
    check("{{ $l := splitList \",\" \"c,a,b\" }}{{ $_ := sortAlpha $l }}{{ $l }}", "[a b c]");
    check("{{ $_ := set .Values \"self\" .Values }}{{ len .Values }}", "8");
}

#[test]
fn texts_of_texts() {
    check("{{ tpl \"{{ define \\\"in\\\" }}{{ .Values.s }}{{ end }}{{ include \\\"in\\\" . }}\" . }}", "text");
    check_error(
        "{{ include \"in\" . }}",
        "c/templates/a.txt:1:3\n  executing \"c/templates/a.txt\" at <include \"in\" .>:\n    error calling include:\ntemplate: no template \"in\" associated with template \"gotpl\"",
    );
}

#[test]
fn chart_files() {
    check("{{ .Files.Get \"conf/a.txt\" }}", "one\ntwo\n");
    check("{{ (.Files.Glob \"conf/*.txt\").AsConfig }}", "a.txt: |\n  one\n  two");
    check("{{ .Files.Lines \"conf/a.txt\" }}", "[one two]");
    check("{{ (.Files.Glob \"**.bin\").AsSecrets }}", "b.bin: /wA=");
}

#[test]
fn lookups_without_a_cluster() {
    check("{{ lookup \"v1\" \"Secret\" \"ns\" \"x\" }}{{ empty (lookup \"v1\" \"Secret\" \"ns\" \"\") }}", "map[]true");
}

#[test]
fn later_files_see_changes() {
    let templates = crate::helm::Templates::parse([
        ("c/templates/b.txt", b"{{ $_ := set .Values \"s\" \"changed\" }}".as_slice()),
        ("c/templates/a.txt", b"{{ .Values.s }} {{ .Template.Name }}"),
    ])
    .unwrap();
    let data = super::scope();
    let scope = |_: &str| crate::helm::Scope { data: data.clone(), base_path: "c/templates".to_owned() };
    let rendered = templates.render(&scope, &super::host(), &Default::default()).unwrap();
    assert_eq!(rendered[1].1, "changed c/templates/a.txt");
}

#[test]
fn numbers_and_names() {
    check("{{ 0x1F }} {{ 1_000 }} {{ 'a' }} {{ 017 }} {{ 1e3 | int }}", "31 1000 97 15 1000");
    check("{{ add 1 2.9 }} {{ addf 0.1 0.2 }} {{ divf 10 4 }} {{ round 2.567 2 }}", "3 0.3 2.5 2.57");
    check_error(
        "{{ 9999999999999999999 }}",
        "c/templates/a.txt:1:3\n  executing \"c/templates/a.txt\" at <9999999999999999999>:\n    9999999999999999999 overflows int",
    );
    assert!(render("{{ .Values.a-b }}").unwrap_err().to_string().contains("bad character U+002D '-'"));
}
