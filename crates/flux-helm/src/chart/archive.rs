//! Packaged charts: gzipped tar archives, read with Helm's rules about names and sizes.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::{File, go_quote};
use crate::Time;

/// Bounds on a chart. Helm 4.2 refuses files above 5 MiB, Helm 4.3 only the sum of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decompressed bytes of all files, subcharts' archives included as they lie there.
    pub chart_bytes: u64,
    /// Decompressed bytes of one file.
    pub file_bytes: u64,
    pub files: usize,
    /// Charts inside charts inside charts.
    pub depth: usize,
}

impl Limits {
    /// 100 MiB together, 5 MiB a file: Helm 4.2.
    pub const HELM_4_2: Self = Self { file_bytes: 5 << 20, ..Self::HELM_4_3 };
    /// 100 MiB together: Helm 4.3. The number of files and the depth are bounded here only.
    pub const HELM_4_3: Self = Self { chart_bytes: 100 << 20, file_bytes: u64::MAX, files: 100_000, depth: 32 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::HELM_4_3
    }
}

/// Why an archive is no chart, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("chart illegally contains absolute paths")]
    AbsolutePath { name: String },
    #[error("chart illegally contains content outside the base directory: {}", go_quote(.name))]
    OutsideBase { name: String },
    #[error("chart illegally references parent directory")]
    ParentDirectory { name: String },
    #[error("chart contains illegally named files")]
    DrivePath { name: String },
    #[error("chart yaml not in base directory")]
    NoBaseDirectory,
    #[error("decompressed chart is larger than the maximum size {limit}")]
    TooLarge { limit: u64 },
    #[error("decompressed chart file {} is larger than the maximum file size {limit}", go_quote(.name))]
    FileTooLarge { name: String, limit: u64 },
    #[error("chart has more than {limit} files")]
    TooManyFiles { limit: usize },
    #[error("no files in chart archive")]
    Empty,
    #[error("file '{name}' seems to be a YAML file, but expected a gzipped archive")]
    YamlFile { name: String },
    #[error("file '{name}' does not appear to be a gzipped archive; got '{found}'")]
    NotAnArchive { name: String, found: &'static str },
    /// Not gzip at all.
    #[error("gzip: invalid header")]
    NotGzip,
    #[error("unexpected EOF")]
    Truncated,
    /// A damaged stream or tar header.
    #[error("{reason}")]
    Damaged { reason: String },
}

fn io_error(error: &io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Truncated,
        // What the tar reader says about a header cut short.
        _ if error.to_string().contains("failed to read entire block") => ArchiveError::Truncated,
        _ => ArchiveError::Damaged { reason: error.to_string() },
    }
}

/// Refuses what is no gzip file, with a hint at what it is; for files that a person names.
///
/// # Errors
/// Anything that does not begin as gzip files do.
pub fn ensure_archive(name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
    if bytes.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(());
    }
    let name = name.to_owned();
    if name.ends_with(".yaml") || name.ends_with(".yml") {
        return Err(ArchiveError::YamlFile { name });
    }
    // Upstream sniffs 512 bytes, and a shorter file ends in zeros, which no text has.
    let control = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    let text = bytes.len() >= 512 && !bytes[..512].iter().any(|byte| control(byte));
    let found = if text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    Err(ArchiveError::NotAnArchive { name, found })
}

/// The files of an archive with the first part of their paths cut off, whatever it is called.
///
/// # Errors
/// Names that lead outside, sizes above the limits, damaged archives.
pub fn archive_files(bytes: &[u8], limits: &Limits) -> Result<Vec<File>, ArchiveError> {
    if bytes.len() < 10 {
        return Err(ArchiveError::Truncated);
    }
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(ArchiveError::NotGzip);
    }
    // Padding, headers and names count as well: the stream itself has an end.
    let stream = MultiGzDecoder::new(bytes).take(limits.chart_bytes.saturating_mul(2).saturating_add(1 << 20));
    let mut archive = tar::Archive::new(stream);
    let mut files = Vec::new();
    let mut left = limits.chart_bytes;
    for entry in archive.entries().map_err(|error| io_error(&error))? {
        let mut entry = entry.map_err(|error| io_error(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory
            || name.ends_with('/')
            || matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader)
        {
            continue;
        }
        let path = clean_name(&name)?;
        let size = if kind.is_file() { entry.size() } else { 0 };
        if size > left {
            return Err(ArchiveError::TooLarge { limit: limits.chart_bytes });
        }
        if size > limits.file_bytes {
            return Err(ArchiveError::FileTooLarge { name, limit: limits.file_bytes });
        }
        if files.len() >= limits.files {
            return Err(ArchiveError::TooManyFiles { limit: limits.files });
        }
        let mut data = Vec::new();
        if size > 0 {
            entry.by_ref().take(size).read_to_end(&mut data).map_err(|error| io_error(&error))?;
            if (data.len() as u64) < size {
                return Err(ArchiveError::Truncated);
            }
        }
        left -= size;
        if left == 0 {
            return Err(ArchiveError::TooLarge { limit: limits.chart_bytes });
        }
        let mod_time = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
        let mod_time = mod_time.map(Time::from_unix).unwrap_or_default();
        files.push(File { name: path, data: without_bom(&data).into(), mod_time });
    }
    if files.is_empty() {
        return Err(ArchiveError::Empty);
    }
    Ok(files)
}

/// A byte order mark would end up in front of a document.
pub(super) fn without_bom(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)
}

fn clean_name(name: &str) -> Result<String, ArchiveError> {
    // Windows archives separate with backslashes; then they are the only separators.
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (first, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = if delimiter == '\\' { rest.replace('\\', "/") } else { rest.to_owned() };
    let named = || name.to_owned();
    if rest.starts_with('/') {
        return Err(ArchiveError::AbsolutePath { name: named() });
    }
    let path = clean_path(&rest);
    if path == "." {
        return Err(ArchiveError::OutsideBase { name: named() });
    }
    if path.starts_with("..") {
        return Err(ArchiveError::ParentDirectory { name: named() });
    }
    let bytes = path.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == b":/" {
        return Err(ArchiveError::DrivePath { name: named() });
    }
    if first == "Chart.yaml" {
        return Err(ArchiveError::NoBaseDirectory);
    }
    Ok(path)
}

/// Go's `path.Clean` of a relative path.
pub(crate) fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
