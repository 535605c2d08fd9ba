//! What holds for every template.

use proptest::prelude::*;

use super::{render_with, small};
use crate::functions;

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        Just("{{- ".to_owned()),
        Just(" -}}".to_owned()),
        Just("{{ if .Values.t }}".to_owned()),
        Just("{{ else }}".to_owned()),
        Just("{{ range $k, $v := .Values.map }}".to_owned()),
        Just("{{ define \"x\" }}".to_owned()),
        Just("{{ end }}".to_owned()),
        Just("{{/* ".to_owned()),
        Just(" */}}".to_owned()),
        Just("(".to_owned()),
        Just(") ".to_owned()),
        Just(" | ".to_owned()),
        Just("$x := ".to_owned()),
        "[ -~\n]{0,6}",
        "[a-zé\u{0}-\u{20}\"'`$.:=0-9-]{0,5}",
    ]
}

/// An argument of some kind.
fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("nil".to_owned()),
        Just(".".to_owned()),
        Just("true".to_owned()),
        Just(".Values.nul".to_owned()),
        Just(".Values.n".to_owned()),
        Just(".Values.list".to_owned()),
        Just(".Values.map".to_owned()),
        Just(".Values".to_owned()),
        Just(".Files".to_owned()),
        Just(".Capabilities".to_owned()),
        Just(".Capabilities.KubeVersion".to_owned()),
        Just("(list)".to_owned()),
        Just("(list 1 \"b\" nil (dict))".to_owned()),
        Just("(until 3)".to_owned()),
        Just("(splitList \",\" \"b,a\")".to_owned()),
        Just("(dict \"a\" 1)".to_owned()),
        Just("(semver \"1.2.3-a+b\")".to_owned()),
        Just("(toDate \"2006\" \"2024\")".to_owned()),
        Just("(.Files.GetBytes \"conf/b.bin\")".to_owned()),
        Just("(int64 -3)".to_owned()),
        Just("1i".to_owned()),
        Just("'x'".to_owned()),
        (-3i64..40).prop_map(|number| number.to_string()),
        prop_oneof![Just("0.5"), Just("-1e300"), Just("1e18"), Just("9223372036854775807")].prop_map(str::to_owned),
        "[ -!#-\\[\\]-~é☃]{0,8}".prop_map(|text| format!("\"{text}\"")),
        prop_oneof![Just("\"\\xff\\xfe\""), Just("\"2006-01-02\""), Just("\"%[2]*d%v%q\""), Just("\"(a|b)*\"")]
            .prop_map(str::to_owned),
    ]
}

/// Functions that take long by design.
const SLOW: [&str; 9] = [
    "bcrypt",
    "htpasswd",
    "derivePassword",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSignedCert",
    "genPrivateKey",
    "randInt",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends(pieces in prop::collection::vec(piece(), 0..14)) {
        _ = render_with(&pieces.concat(), &small());
    }

    #[test]
    fn any_call_ends(which in any::<prop::sample::Index>(), arguments in prop::collection::vec(argument(), 0..5)) {
        let names = functions::names();
        let name = names[which.index(names.len())];
        prop_assume!(!SLOW.contains(&name));
        let call = format!("{{{{ {name} {} }}}}", arguments.join(" "));
        if let Err(error) = render_with(&call, &small()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_pipeline_ends(
        first in argument(),
        stages in prop::collection::vec((any::<prop::sample::Index>(), argument()), 1..4),
    ) {
        let names = functions::names();
        let mut text = format!("{{{{ {first}");
        for (which, argument) in stages {
            let name = names[which.index(names.len())];
            if !SLOW.contains(&name) {
                text.push_str(&format!(" | {name} {argument}"));
            }
        }
        text.push_str(" }}");
        _ = render_with(&text, &small());
    }

    #[test]
    fn quoted_texts_come_back(text in "\\PC{0,20}") {
        let template = format!("{{{{ {} }}}}", crate::go::quoting::quote_text(text.as_bytes()));
        let rendered = render_with(&template, &small());
        prop_assert_eq!(rendered.unwrap(), text.replace("<no value>", ""));
    }
}
