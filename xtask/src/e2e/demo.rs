//! A repository in an empty folder and the built binary running on it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::conformance::repository_root;

/// The binary under test: `FLUX_BIN`, or the release build.
pub fn flux_binary() -> Result<PathBuf> {
    let path = match std::env::var_os("FLUX_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_dir().join("release/flux"),
    };
    if !path.exists() {
        bail!("{} is not built; run `cargo build --release` first", path.display());
    }
    Ok(path)
}

fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository_root().join("target"), PathBuf::from)
}

/// A Git repository made by the `git` program, in a folder of its own.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// The example, copied and committed on `main`.
    pub fn example() -> Result<Self> {
        let repository = Self::empty()?;
        copy_tree(&repository_root().join("examples/ml-infrastructure"), repository.path())?;
        repository.commit("example")?;
        Ok(repository)
    }

    /// A repository without commits.
    pub fn empty() -> Result<Self> {
        let repository = Self { folder: tempfile::tempdir()? };
        repository.git(&["init", "-q", "-b", "main"])?;
        Ok(repository)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, file: &str, content: &str) -> Result<()> {
        let path = self.path().join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, content).with_context(|| format!("write {file}"))
    }

    pub fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.path().join(file)).with_context(|| format!("read {file}"))
    }

    /// Replaces `from`, which must be there, by `to`.
    pub fn replace(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let text = self.read(file)?;
        if !text.contains(from) {
            bail!("{file} does not contain {from:?}");
        }
        self.write(file, &text.replace(from, to))
    }

    pub fn remove(&self, file: &str) -> Result<()> {
        fs::remove_file(self.path().join(file)).with_context(|| format!("remove {file}"))
    }

    /// Commits everything; gives the commit id.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "-m", message])?;
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
        let output = Command::new("git")
            .args(identity)
            .args(["-c", "gc.auto=0"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .context("the end-to-end test needs the git program")?;
        if !output.status.success() {
            bail!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        if entry.file_name() == ".flux" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A running `flux` process whose output is read line by line. Killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Everything read so far, for failure reports.
    pub output: Vec<String>,
    pub started: Instant,
}

impl Running {
    /// `flux up PATH ARGS`.
    pub fn up(path: &Path, arguments: &[&str]) -> Result<Self> {
        let mut all = vec!["up", path.to_str().context("a test path is UTF-8")?];
        all.extend(arguments);
        Self::flux(&all, &[])
    }

    /// Any command of the binary, with extra environment.
    pub fn flux(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(flux_binary()?)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped above"));
        let stderr = BufReader::new(child.stderr.take().expect("piped above"));
        let errors = sender.clone();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| errors.send(line)));
        Ok(Self { child, lines, output: Vec::new(), started: Instant::now() })
    }

    /// Waits until a line contains `text`, or finds it among those already read; gives the line.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<String> {
        if let Some(line) = self.output.iter().find(|line| line.contains(text)) {
            return Ok(line.clone());
        }
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.output.push(line.clone());
                    if line.contains(text) {
                        return Ok(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("no line with {text:?} within {limit:?}:\n{}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the process ended without a line with {text:?}:\n{}", self.tail())
                }
            }
        }
    }

    /// Waits for the line that says all units are ready.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<String> {
        self.wait_for("units ready in", limit)
    }

    /// Waits for the end of the process; gives the exit status.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<i32> {
        let deadline = Instant::now() + limit;
        loop {
            while let Ok(line) = self.lines.try_recv() {
                self.output.push(line);
            }
            if let Some(status) = self.child.try_wait()? {
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
                    self.output.push(line);
                }
                return Ok(status.code().unwrap_or(-1));
            }
            if Instant::now() > deadline {
                bail!("the process did not end within {limit:?}:\n{}", self.tail());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Reads what the process said since, without waiting.
    pub fn drain(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.output.push(line);
        }
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident and peak resident memory in MiB, from the kernel.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
        };
        Ok((field("VmRSS:").context("VmRSS")?, field("VmHWM:").context("VmHWM")?))
    }

    /// The last lines of output.
    pub fn tail(&self) -> String {
        let from = self.output.len().saturating_sub(40);
        self.output[from..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
