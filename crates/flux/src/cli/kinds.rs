//! The kinds as the commands name them.

use flux_api::{KindInfo, kind_info};

use super::error::CliError;

/// A kind and its names on the command line.
#[derive(Debug)]
pub struct Kind {
    /// Names in the API.
    pub info: &'static KindInfo,
    /// The name in messages: `source git`.
    pub human: &'static str,
}

/// Commands below `get`, `export` and so on, the kind, and its name in messages.
const KINDS: &[(&[&str], &str, &str)] = &[
    (&["source", "git"], "GitRepository", "source git"),
    (&["source", "oci"], "OCIRepository", "source oci"),
    (&["source", "bucket"], "Bucket", "source bucket"),
    (&["source", "helm"], "HelmRepository", "source helm"),
    (&["source", "chart"], "HelmChart", "source chart"),
    (&["source", "external"], "ExternalArtifact", "source external-artifact"),
    (&["kustomization"], "Kustomization", "kustomization"),
    (&["helmrelease"], "HelmRelease", "helmrelease"),
    (&["receiver"], "Receiver", "receiver"),
    (&["alert"], "Alert", "alert"),
    (&["alert-provider"], "Provider", "alert provider"),
    (&["image", "repository"], "ImageRepository", "image repository"),
    (&["image", "policy"], "ImagePolicy", "image policy"),
    (&["image", "update"], "ImageUpdateAutomation", "image update automation"),
    (&["artifact", "generator"], "ArtifactGenerator", "artifactgenerator"),
];

/// The kind of a command path; `get` uses plurals.
pub fn by_path(path: &[&str]) -> Option<Kind> {
    let singular = |word: &str| match word {
        "policy" => "policy".to_owned(),
        word => word.strip_suffix('s').unwrap_or(word).to_owned(),
    };
    let words: Vec<String> = path.iter().map(|word| singular(word)).collect();
    let entry = KINDS.iter().find(|(known, ..)| {
        known.len() == words.len() && known.iter().zip(&words).all(|(known, word)| known == word)
    })?;
    Some(Kind { info: kind_info(entry.1)?, human: entry.2 })
}

/// The kind with that API name.
pub fn by_kind(kind: &str) -> Option<Kind> {
    let entry = KINDS.iter().find(|(_, known, _)| *known == kind)?;
    Some(Kind { info: kind_info(entry.1)?, human: entry.2 })
}

/// As [`by_path`], for a command that must have a kind.
pub fn required(command: &str, path: &[&str]) -> Result<Kind, CliError> {
    by_path(path).ok_or_else(|| CliError::NotAvailable { command: format!("flux {command} {}", path.join(" ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_kinds() {
        let kind = |path: &[&str]| by_path(path).map(|kind| kind.info.kind);
        assert_eq!(kind(&["sources", "git"]), Some("GitRepository"));
        assert_eq!(kind(&["images", "policy"]), Some("ImagePolicy"));
        assert_eq!(kind(&["artifacts", "generators"]), Some("ArtifactGenerator"));
        assert_eq!(kind(&["kustomizations"]), Some("Kustomization"));
        assert_eq!(kind(&["alert-providers"]), Some("Provider"));
        assert_eq!(kind(&["sources", "all"]), None);
    }
}
