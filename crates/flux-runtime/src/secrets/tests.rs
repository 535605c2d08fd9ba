use super::*;

fn secret(data: &[(&str, &str)]) -> SecretData {
    SecretData::new("ns", "creds", data.iter().map(|(key, value)| (*key, *value)))
}

#[test]
fn values_are_never_printed() {
    let data = secret(&[("username", "me"), ("password", "hunter2")]);
    let basic = basic_auth(&data).expect("complete");
    for text in [format!("{data:?}"), format!("{basic:?}"), format!("{:?}", make_token("n", "ns", "hunter2"))] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let proxy =
        proxy_url(&secret(&[("address", "http://p:1"), ("username", "u"), ("password", "hunter2")])).expect("proxy");
    assert!(!format!("{proxy:?}").contains("hunter2"));
    assert_eq!(proxy.expose(), "http://u:hunter2@p:1");
}

#[test]
fn half_of_basic_auth_is_an_error() {
    let error = auth_methods(&secret(&[("username", "me")])).expect_err("half");
    assert_eq!(error.to_string(), "secret 'ns/creds': malformed basic auth - has 'username' but missing 'password'");
    assert!(auth_methods(&secret(&[])).expect("empty").basic.is_none());
}

#[test]
fn keys_without_their_other_half() {
    let error = tls_files(&secret(&[("tls.key", "x")])).expect_err("no certificate");
    assert_eq!(error.to_string(), "secret 'ns/creds' contains 'tls.key' but missing 'tls.crt'");
    let error = tls_files(&secret(&[("tls.crt", "x"), ("tls.key", "y")])).expect_err("no PEM");
    assert!(error.to_string().starts_with("failed to parse TLS certificate and key"));
    assert_eq!(tls_files(&secret(&[("ca.crt", "x")])), Err(SecretError::Ca));
}

#[test]
fn proxies_need_a_known_scheme() {
    let error = proxy_url(&secret(&[("address", "ftp://p")])).expect_err("ftp");
    assert!(error.to_string().ends_with("supported schemes (http, https, socks5), got 'ftp'"), "{error}");
    assert!(proxy_url(&secret(&[("address", "")])).is_err());
}

#[test]
fn checksums_name_the_keys() {
    assert_eq!(make::adler32(b"Wikipedia"), 0x11E6_0398);
    let made = make_sops("n", "ns", &["Wikipedia"], &[]).expect("made");
    assert!(made.data.contains_key("300286872.agekey"));
}
