//! A server process: started, waited for, killed.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::client::Api;

pub const TOKEN: &str = "campaign";
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of a server: storage, certificates, tokens.
pub struct Place {
    folder: tempfile::TempDir,
    /// The program and the arguments before the server's flags.
    program: (PathBuf, &'static str),
}

impl Place {
    /// A new folder for the program at this path, or for this one.
    pub fn new(program: Option<&Path>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("tokens"), format!("{TOKEN},campaign,1,\"system:masters\"\n"))?;
        let program = match program {
            Some(path) => (path.to_owned(), "server"),
            None => (std::env::current_exe()?, "api-server"),
        };
        Ok(Self { folder, program })
    }

    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// The administrator's kubeconfig, once a server was started.
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a server on this place's storage, with these failpoints.
    pub async fn start(&self, failpoints: &str, durable: bool) -> Result<Running> {
        let started = Instant::now();
        let mut command = Command::new(&self.program.0);
        command.arg(self.program.1).arg("--secure-port").arg("0");
        command.arg("--cert-dir").arg(self.file("certificates"));
        command.arg("--token-auth-file").arg(self.file("tokens"));
        command.arg("--write-kubeconfig").arg(self.file("kubeconfig"));
        if durable {
            command.arg("--storage").arg(self.storage());
        }
        if !failpoints.is_empty() {
            command.env("FLUX_STORE_FAILPOINTS", failpoints);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("start the server")?;
        let mut lines = BufReader::new(child.stderr.take().context("stderr is piped")?).lines();
        let mut said = Vec::new();
        let url = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.context("the server says nothing")??;
            let Some(line) = line else { bail!("the server ended: {}", said.join("; ")) };
            match line.split_once("serving the Kubernetes API at ") {
                Some((_, url)) => break url.trim().to_owned(),
                None => said.push(line),
            }
        };
        let spoken = tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let api = Api::new(&url, &self.file("kubeconfig"), TOKEN)?;
        let mut connection = api.connect().await?;
        let (code, _) = connection.get("/readyz").await?;
        if code != 200 {
            bail!("/readyz answers {code}");
        }
        Ok(Running { child, api, ready_after: started.elapsed(), _spoken: spoken })
    }
}

/// A running server; killed when dropped.
pub struct Running {
    child: Child,
    pub api: Api,
    /// From the start of the process until `/readyz` said ok.
    pub ready_after: Duration,
    _spoken: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Ends the process at once, as a crash would.
    pub async fn kill(mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// Waits for the process to end by itself.
    pub async fn ended(&mut self) -> Result<()> {
        self.child.wait().await?;
        Ok(())
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> Result<f64> {
        let pid = self.child.id().context("the process runs")?;
        let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = text.lines().find(|line| line.starts_with("VmRSS:")).context("the system tells memory")?;
        let kib: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Processor seconds so far.
    pub fn cpu(&self) -> Result<f64> {
        let pid = self.child.id().context("the process runs")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let after = stat.rsplit_once(')').context("the name is in brackets")?.1;
        let fields: Vec<&str> = after.split_whitespace().collect();
        // Fields 14 and 15 of the whole line: user and system time in clock ticks of 10 ms.
        Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
    }
}
