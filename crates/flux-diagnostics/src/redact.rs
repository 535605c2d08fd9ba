//! Takes what may be secret out of URLs in error texts.

/// An error text without the queries of the URLs in it: they may hold signatures.
pub fn without_queries(text: &str) -> String {
    let mut clean = text.to_owned();
    for url in urls(text) {
        if let Some(bare) = bare(url) {
            clean = clean.replace(url, &bare);
        }
    }
    clean
}

/// The words of a text that are URLs, each as far as it goes without a space.
pub fn urls(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = ["http://", "https://"].into_iter().filter_map(|scheme| text[from..].find(scheme)).min() {
        let start = from + at;
        let end = text[start..].find(char::is_whitespace).map_or(text.len(), |length| start + length);
        found.push(&text[start..end]);
        from = end;
    }
    found
}

/// A URL without its query; `None` when it has none. What ends a quoted URL stays.
fn bare(url: &str) -> Option<String> {
    let (before, query) = url.split_once('?')?;
    let tail_at = query.rfind('"').map_or(query.len(), |at| at);
    Some(format!("{before}{}", &query[tail_at..]))
}

/// A URL without its query.
pub fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(bare, _)| bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_vanish() {
        let text = "Get \"https://a.example/x?sig=secret&se=1\": refused, Get https://b.example/y?t=2 too";
        assert_eq!(without_queries(text), "Get \"https://a.example/x\": refused, Get https://b.example/y too");
    }
}
