use super::*;
use crate::helm::{Options, Scope, Templates};
use crate::host::Offline;

fn render(template: &str) -> String {
    let templates = Templates::parse([("c/templates/a", template.as_bytes())]).unwrap();
    let scope = |_: &str| Scope { data: Value::empty_map(), base_path: String::new() };
    let host = Offline { now: 1_760_000_000_000_000_000, random: |bytes| bytes.fill(7) };
    templates.render(&scope, &host, &Options::default()).unwrap().remove(0).1
}

#[test]
fn a_chain_is_read_back() {
    let out = render(
        r#"{{ $key := genPrivateKey "ecdsa" }}{{ $ca := genCAWithKey "my ca" 365 $key -}}
{{ $leaf := genSignedCertWithKey "leaf" (list "10.0.0.1" "::1") (list "a.b" "*.c") 10 $ca (genPrivateKey "ed25519") -}}
{{ $ca.Cert }}{{ $leaf.Cert }}{{ $leaf.Key }}"#,
    );
    let blocks: Vec<_> = out.split_inclusive("-----END CERTIFICATE-----\n").collect();
    let (_, ca) = keys::decode_pem(blocks[0].as_bytes()).unwrap();
    let ca = asn1::Parent::read(&ca).unwrap();
    assert!(ca.key_id.is_some());
    assert!(ca.subject.ends_with(b"my ca"));
    let (_, leaf) = keys::decode_pem(blocks[1].as_bytes()).unwrap();
    assert!(asn1::Parent::read(&leaf).unwrap().subject.ends_with(b"leaf"));
    let san = [&[0x82, 3][..], b"a.b", &[0x82, 3], b"*.c", &[0x87, 4, 10, 0, 0, 1]].concat();
    assert!(leaf.windows(san.len()).any(|window| window == san));
    assert!(PrivateKey::from_pem(blocks[2].as_bytes()).is_ok());
}

#[test]
fn keys_of_all_kinds_come_back() {
    for kind in ["ecdsa", "ed25519"] {
        let pem = keys::generate(kind.as_bytes());
        let key = PrivateKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(key.to_pem(), pem);
    }
    assert_eq!(keys::generate(b"x"), "Unknown type x");
    assert!(PrivateKey::from_pem(b"nothing").is_err());
}
