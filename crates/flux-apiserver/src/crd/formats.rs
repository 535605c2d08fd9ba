//! Formats of strings that upstream checks; unknown ones pass.

/// Whether a text has a format.
pub(super) fn fits(format: &str, text: &str) -> bool {
    match format {
        "date-time" => {
            super::validate::matches(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$", text)
        }
        "date" => super::validate::matches(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", text),
        "byte" => base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).is_ok(),
        "uuid" => uuid::Uuid::try_parse(text).is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "cidr" => text.split_once('/').is_some_and(|(address, bits)| {
            let most = match address.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(_)) => 32,
                Ok(std::net::IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            bits.parse::<u8>().is_ok_and(|bits| bits <= most)
        }),
        "email" => super::validate::matches(r"^[^@\s]+@[^@\s]+$", text),
        "hostname" => crate::names::dns_subdomain(&text.to_lowercase()).is_empty(),
        "uri" => super::validate::matches(r"^[A-Za-z][A-Za-z0-9+.-]*:\S*$", text) || text.starts_with('/'),
        "duration" => duration(text),
        "password" | "int32" | "int64" | "float" | "double" => true,
        _ => true,
    }
}

/// Go's durations, and the long words upstream's format takes too.
fn duration(text: &str) -> bool {
    text == "0"
        || super::validate::matches(
            r"^[-+]?(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))*$",
            text,
        )
}
