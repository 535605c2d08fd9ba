//! Values of flags by type: what is accepted, and upstream's words for what is not.

use super::tree::Flag;

const KUSTOMIZATION_SOURCES: &[&str] = &["OCIRepository", "GitRepository", "Bucket"];
const CHART_SOURCES: &[&str] = &["HelmRepository", "GitRepository", "Bucket"];

/// Checks a value and gives it in its clean form.
pub fn check(command: &str, flag: &Flag, value: &str) -> Result<String, String> {
    let keep = || Ok(value.to_owned());
    match flag.kind {
        "bool" => boolean(value)
            .map(|value| value.to_string())
            .ok_or_else(|| format!("strconv.ParseBool: parsing {value:?}: invalid syntax")),
        "int" | "int64" => match value.parse::<i64>() {
            Ok(_) => keep(),
            Err(_) => Err(format!("strconv.ParseInt: parsing {value:?}: invalid syntax")),
        },
        "float32" => match value.parse::<f32>() {
            Ok(_) => keep(),
            Err(_) => Err(format!("strconv.ParseFloat: parsing {value:?}: invalid syntax")),
        },
        "duration" => match value.parse::<flux_api::Duration>() {
            Ok(_) => keep(),
            Err(error) => Err(error.to_string()),
        },
        "stringToString" => match split_list(value).iter().find(|pair| !pair.contains('=')) {
            Some(pair) => Err(format!("{pair} must be formatted as key=value")),
            None => keep(),
        },
        "safeRelativePath" => Ok(safe_relative_path(value)),
        "rsaKeyBits" => rsa_key_bits(value),
        "debug|info|error" => one_of(value, &["debug", "info", "error"], "log level", "unsupported log level"),
        "rsa|ecdsa|ed25519" => {
            one_of(value, &["rsa", "ecdsa", "ed25519"], "public key algorithm", "unsupported public key algorithm")
        }
        "p256|p384|p521" => one_of(value, &["p256", "p384", "p521"], "", "unsupported curve"),
        "Skip|Create|CreateReplace" => one_of(
            value,
            &["Skip", "Create", "CreateReplace"],
            "upgrade CRDs policy",
            "unsupported upgrade CRDs policy",
        ),
        "decryptionProvider" => one_of(value, &["sops"], "decryption provider", "unsupported decryption provider"),
        "internal|private|public" => match value {
            "internal" | "private" | "public" => keep(),
            _ => Err(format!("unsupported visibility '{value}'")),
        },
        "helmChartSource" => chart_source(value),
        _ if flag.name == "source" && command == "flux create helmrelease" => chart_source(value),
        "string" if flag.name == "source" && command == "flux create kustomization" => kustomization_source(value),
        "sourceOCIVerifyProvider" => provider(
            value,
            &["cosign"],
            "source OCI verify provider",
            "the OCI verify provider name to use for signature verification, available options are: (cosign)",
        ),
        "generic|github|aws|azure" => match provider(
            value,
            &["generic", "github", "aws", "azure"],
            "source Git provider",
            "the Git provider name",
        ) {
            // This type alone lists its values as its own name.
            Err(text) if !value.trim().is_empty() => Err(text.replace("generic, github, aws, azure", flag.kind)),
            other => other,
        },
        "generic|aws|azure|gcp" => {
            let (subject, about) = if command.ends_with("bucket") {
                ("source bucket provider", "the S3 compatible storage provider name")
            } else {
                ("source OCI provider", "the OCI provider name")
            };
            provider(value, &["generic", "aws", "azure", "gcp"], subject, about)
        }
        kind if kind.starts_with("generic|generic-hmac") => {
            let known: Vec<&str> = kind.split('|').collect();
            if value.trim().is_empty() {
                return Err(format!("no receiver type given, please specify {}", flag.name));
            }
            if known.contains(&value) {
                return keep();
            }
            Err(format!("receiver type '{value}' is not supported, must be one of: {}", known.join(", ")))
        }
        _ => keep(),
    }
}

fn one_of(value: &str, known: &[&str], subject: &str, refusal: &str) -> Result<String, String> {
    if known.contains(&value) {
        return Ok(value.to_owned());
    }
    if value.trim().is_empty() && !subject.is_empty() {
        return Err(format!("no {subject} given, must be one of: {}", known.join(", ")));
    }
    Err(format!("{refusal} '{value}', must be one of: {}", known.join(", ")))
}

fn provider(value: &str, known: &[&str], subject: &str, about: &str) -> Result<String, String> {
    if known.contains(&value) {
        return Ok(value.to_owned());
    }
    if value.trim().is_empty() {
        return Err(format!("no {subject} given, please specify {about}"));
    }
    Err(format!("{subject} '{value}' is not supported, must be one of: {}", known.join(", ")))
}

/// Go's `strconv.ParseBool`.
pub fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// One line of comma-separated values; a value in double quotes may hold commas.
pub fn split_list(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(part) = parts.last_mut() else { break };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' if quoted || part.is_empty() => quoted = !quoted,
            ',' if !quoted => parts.push(String::new()),
            letter => part.push(letter),
        }
    }
    parts
}

/// A path that cannot leave the current folder, with `./` in front.
pub fn safe_relative_path(value: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in value.trim().split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    format!("./{}", kept.join("/"))
}

fn rsa_key_bits(value: &str) -> Result<String, String> {
    if value.trim().is_empty() {
        return Ok("2048".to_owned());
    }
    match value.parse::<u32>() {
        Err(_) => Err(format!("strconv.Atoi: parsing {value:?}: invalid syntax")),
        Ok(bits) if bits < 1024 => Err("RSA key bit size must be at least 1024".into()),
        Ok(bits) if bits % 8 != 0 => Err("RSA key bit size must be a multiples of 8".into()),
        Ok(bits) => Ok(bits.to_string()),
    }
}

/// `kind/name.namespace` in its parts; kind and namespace may be empty.
pub fn kind_name_namespace(value: &str) -> (&str, &str, &str) {
    let (kind, rest) = value.split_once('/').unwrap_or(("", value));
    let (name, namespace) = rest.rsplit_once('.').unwrap_or((rest, ""));
    (kind, name, namespace)
}

fn kustomization_source(value: &str) -> Result<String, String> {
    if value.trim().is_empty() {
        return Err(format!(
            "no Kustomization source given, please specify source that contains the Kubernetes manifests in the format \
             '[<kind>/]<name>.<namespace>', where kind must be one of: ({}), if kind is not specified it defaults to GitRepository",
            KUSTOMIZATION_SOURCES.join(", ")
        ));
    }
    let (kind, name, namespace) = kind_name_namespace(value);
    if name.is_empty() {
        return Err(format!("no name given for source of kind '{kind}'"));
    }
    if kind.is_empty() && KUSTOMIZATION_SOURCES.contains(&name) {
        return Err(format!("no kind specified for source '{name}'"));
    }
    let kind = if kind.is_empty() { "GitRepository" } else { clean_kind(kind, KUSTOMIZATION_SOURCES)? };
    Ok(joined(kind, name, namespace))
}

fn chart_source(value: &str) -> Result<String, String> {
    if value.trim().is_empty() {
        return Err(format!(
            "no helm chart source given, please specify source that contains the chart in the format '<kind>/<name>.<namespace>', \
             where kind must be one of: ({})",
            CHART_SOURCES.join(", ")
        ));
    }
    let (kind, name, namespace) = kind_name_namespace(value);
    if kind.is_empty() || name.is_empty() {
        return Err(format!("invalid helm chart source '{value}', must be in format <kind>/<name>"));
    }
    Ok(joined(clean_kind(kind, CHART_SOURCES)?, name, namespace))
}

fn clean_kind<'a>(kind: &str, known: &[&'a str]) -> Result<&'a str, String> {
    known
        .iter()
        .find(|known| known.eq_ignore_ascii_case(kind))
        .copied()
        .ok_or_else(|| format!("source kind '{kind}' is not supported, must be one of: {}", known.join(", ")))
}

fn joined(kind: &str, name: &str, namespace: &str) -> String {
    if namespace.is_empty() { format!("{kind}/{name}") } else { format!("{kind}/{name}.{namespace}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for (given, clean) in [
            ("./foo", "./foo"),
            ("./foo/../bar", "./bar"),
            ("/foo", "./foo"),
            ("", "./"),
            ("././", "./"),
            (".foo", "./.foo"),
            ("..", "./"),
            ("../../etc", "./etc"),
        ] {
            assert_eq!(safe_relative_path(given), clean);
        }
    }

    #[test]
    fn sources() {
        assert_eq!(kustomization_source("gitrepository/foo").as_deref(), Ok("GitRepository/foo"));
        assert_eq!(kustomization_source("foo.ns").as_deref(), Ok("GitRepository/foo.ns"));
        assert!(kustomization_source("Unsupported/kind").is_err());
        assert!(chart_source("HelmRepository/").is_err());
    }

    #[test]
    fn lists() {
        assert_eq!(split_list("a,b"), ["a", "b"]);
        assert_eq!(split_list("\"a,b\",c"), ["a,b", "c"]);
        assert!(split_list("").is_empty());
    }
}
