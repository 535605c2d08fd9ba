//! Comparing repository URLs: different spellings of the same place are one.

/// The place a Git URL names, for comparing only: scheme, user, case of the host, default port, a trailing `.git` or slash
/// and the `user@host:path` form make no difference.
///
/// ```
/// let place = "example.com/org/repo";
/// for url in ["https://example.com/org/repo.git", "git@EXAMPLE.com:org/repo", "ssh://git@example.com:22/org/repo/"] {
///     assert_eq!(flux_git::normalize(url), place);
/// }
/// ```
pub fn normalize(url: &str) -> String {
    let (scheme, rest) = match url.trim().split_once("://") {
        Some((scheme, rest)) => (scheme.to_lowercase(), rest.to_owned()),
        None => (String::new(), scp_form(url.trim())),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_lowercase();
    let host = without_default_port(&scheme, &host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    format!("{host}/{path}")
}

/// `user@host:path` as `user@host/path`; anything else stays as it is.
fn scp_form(url: &str) -> String {
    match url.split_once(':') {
        Some((host, path)) if !host.contains('/') => format!("{host}/{}", path.trim_start_matches('/')),
        _ => url.to_owned(),
    }
}

fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        "ssh" => ":22",
        _ => return host,
    };
    host.strip_suffix(port).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_places_stay_different() {
        let urls = [
            "https://example.com/org/repo",
            "https://example.com/org/Repo",
            "https://example.com:8443/org/repo",
            "https://example.org/org/repo",
        ];
        for (n, a) in urls.iter().enumerate() {
            for b in &urls[n + 1..] {
                assert_ne!(normalize(a), normalize(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn credentials_do_not_count() {
        assert_eq!(normalize("https://user:token@example.com:443/a.git/"), "example.com/a");
    }
}
