//! The metadata of a chart, without loading the rest of it.

use std::fs::File as DiskFile;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flux_helm::chart::{File, Limits, LoadError, archive_files};
use flux_helm::{Chart, Metadata};
use flux_kustomize::{FileKind, FileSystem, FsError};

use super::ChartLimits;

/// Files that hold metadata; the second one only of old charts.
const FILES: [&str; 2] = ["Chart.yaml", "requirements.yaml"];

/// Why there is no metadata. Worded as upstream.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetadataError {
    #[error("{operation} {}: no such file or directory", .path.display())]
    Missing { operation: &'static str, path: PathBuf },
    #[error("'{name}' is a directory")]
    IsDirectory { name: String },
    #[error("size of chart '{name}' exceeds '{limit}' bytes limit")]
    ChartTooLarge { name: String, limit: u64 },
    #[error("size of '{name}' exceeds '{limit}' bytes limit")]
    FileTooLarge { name: String, limit: u64 },
    #[error("no 'Chart.yaml' found")]
    NoChartYaml,
    #[error("cannot load '{file}': {reason}")]
    Malformed { file: &'static str, reason: String },
    #[error("{0}")]
    Chart(LoadError),
    #[error("{0}")]
    Read(String),
}

impl From<LoadError> for MetadataError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NoChartYaml => Self::NoChartYaml,
            LoadError::File { file, reason } => Self::Malformed { file, reason },
            other => Self::Chart(other),
        }
    }
}

fn from_files(files: Vec<File>, limits: &ChartLimits) -> Result<Metadata, MetadataError> {
    if !files.iter().any(|file| file.name == FILES[0]) {
        return Err(MetadataError::NoChartYaml);
    }
    Ok(Chart::from_files(files, &limits.load())?.metadata)
}

/// The metadata of a packaged chart; `name` is what errors call it.
///
/// # Errors
/// What is no chart, or holds no valid metadata.
pub fn archive_metadata(bytes: &[u8], name: &str, limits: &ChartLimits) -> Result<Metadata, MetadataError> {
    if bytes.len() as u64 > limits.chart {
        return Err(MetadataError::ChartTooLarge { name: name.to_owned(), limit: limits.chart });
    }
    let files = match archive_files(bytes, &Limits { file_bytes: u64::MAX, ..limits.load() }) {
        Err(flux_helm::chart::ArchiveError::Empty) => return Err(MetadataError::NoChartYaml),
        other => other.map_err(LoadError::from)?,
    };
    let mut kept = Vec::new();
    for file in files.into_iter().filter(|file| FILES.contains(&file.name.as_str())) {
        if file.data.len() as u64 > limits.file {
            return Err(MetadataError::FileTooLarge { name: file.name, limit: limits.file });
        }
        kept.push(file);
    }
    from_files(kept, limits)
}

/// As [`archive_metadata`], of a file.
///
/// # Errors
/// As there, and what the file system says.
pub fn archive_metadata_at(path: &Path, limits: &ChartLimits) -> Result<Metadata, MetadataError> {
    let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => MetadataError::Missing { operation: "stat", path: path.to_owned() },
        _ => MetadataError::Read(error.to_string()),
    };
    let file = DiskFile::open(path).map_err(read)?;
    if file.metadata().map_err(read)?.is_dir() {
        return Err(MetadataError::IsDirectory { name: name() });
    }
    let mut bytes = Vec::new();
    file.take(limits.chart.saturating_add(1)).read_to_end(&mut bytes).map_err(read)?;
    archive_metadata(&bytes, &name(), limits)
}

/// The metadata of a chart in a folder; `shown` is what errors call the folder.
///
/// # Errors
/// As [`archive_metadata`].
pub fn directory_metadata(
    fs: &dyn FileSystem,
    path: &Path,
    shown: &str,
    limits: &ChartLimits,
) -> Result<Metadata, MetadataError> {
    let mut files = Vec::new();
    for name in FILES {
        let at = path.join(name);
        match fs.kind(&at) {
            Some(FileKind::File) => {
                let data = fs.read(&at).map_err(|error| read_error(&error, name, limits))?;
                if data.len() as u64 > limits.file {
                    return Err(MetadataError::FileTooLarge { name: name.to_owned(), limit: limits.file });
                }
                files.push(File::new(name, data));
            }
            Some(FileKind::Dir) => return Err(MetadataError::IsDirectory { name: name.to_owned() }),
            None if name == FILES[0] => {
                let path = Path::new(shown).join(name);
                return Err(MetadataError::Missing { operation: "open", path });
            }
            None => {}
        }
    }
    from_files(files, limits)
}

fn read_error(error: &FsError, name: &str, limits: &ChartLimits) -> MetadataError {
    match error {
        FsError::TooLarge { .. } => MetadataError::FileTooLarge { name: name.to_owned(), limit: limits.file },
        other => MetadataError::Read(other.to_string()),
    }
}
