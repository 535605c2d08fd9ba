//! Why a command failed, and with which exit code.

/// Everything a command can fail with. Texts are upstream's where scripts match on them.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments do not fit.
    #[error("{0}")]
    Usage(String),
    /// The command exists upstream and is not written here yet.
    #[error("`{command}` is not available yet")]
    NotAvailable {
        /// The whole path, `flux install`.
        command: String,
    },
    /// Part of a command is not written yet.
    #[error("{what} is not available yet")]
    PartNotAvailable {
        /// The flag or value.
        what: String,
    },
    /// The object, or what it refers to, is not as the command needs it.
    #[error("{0}")]
    State(String),
    /// No way to reach a cluster.
    #[error("kubeconfig: {0}")]
    Config(#[from] kube::config::KubeconfigError),
    /// The API server refused or did not answer.
    #[error("{}", api_text(.0))]
    Api(#[from] kube::Error),
    /// An object cannot be read.
    #[error("unexpected answer of the API server: {0}")]
    Answer(#[from] serde_json::Error),
    /// A file or stream.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, and on what.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// `--timeout` is over.
    #[error("timed out waiting for {what}")]
    Timeout {
        /// What did not happen.
        what: String,
    },
    /// A build or comparison failed, as opposed to having found a difference.
    #[error("{message}")]
    Failed {
        /// Why.
        message: String,
        /// The exit code.
        code: u8,
    },
    /// A comparison found differences; said with a warning sign.
    #[error("identified at least one change, exiting with non-zero exit code")]
    Changed,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl CliError {
    /// From any text, for the arguments.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// From any text, for objects.
    pub fn state(text: impl Into<String>) -> Self {
        Self::State(text.into())
    }

    /// From an I/O failure.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed { code, .. } => *code,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// True when the API server says that the object does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 404)
    }

    /// True when the API server does not serve the kind.
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 404 && !status.message.contains('"'))
    }
}

/// The API server's own words, or why it could not be asked.
fn api_text(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error
        && !status.message.is_empty()
    {
        return status.message.clone();
    }
    let cause = flux_diagnostics::root(error);
    match error {
        kube::Error::Service(_) | kube::Error::HyperError(_) => format!("failed to reach the API server: {cause}"),
        _ => cause.to_string(),
    }
}
