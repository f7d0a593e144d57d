//! The servers under measurement as processes: started, found, weighed and ended.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use url::Url;

/// The kernel counts CPU time for readers in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A relay or a router that listens; one that was started here ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    router: bool,
    host: String,
    path: String,
    pid: Option<u32>,
    /// Held for its end.
    process: Option<Process>,
}

/// A child that ends with its owner.
#[derive(Debug)]
struct Process(Child);

impl Server {
    pub(crate) fn relay() -> Result<Self> {
        let program = std::env::current_exe()?;
        Self::start(false, &program, &["relay"]).context("starting the relay")
    }

    pub(crate) fn router(program: &Path) -> Result<Self> {
        Self::start(true, program, &["router", "--listen", "127.0.0.1:0"])
            .with_context(|| format!("starting the router {}", program.display()))
    }

    /// A router that runs already; without its process id no CPU and memory.
    pub(crate) fn running(url: &Url, pid: Option<u32>) -> Result<Self> {
        Ok(Self {
            router: true,
            host: url.socket_addrs(|| None)?[0].to_string(),
            path: url.path().to_owned(),
            pid,
            process: None,
        })
    }

    /// Starts a server that says where it listens in its first line.
    fn start(router: bool, program: &Path, args: &[&str]) -> Result<Self> {
        let mut process = Process(
            Command::new(program)
                .args(args)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?,
        );
        let mut line = String::new();
        if let Some(stdout) = process.0.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut server = Self::running(&parse(&line)?, Some(process.0.id()))?;
        server.router = router;
        server.process = Some(process);
        Ok(server)
    }

    pub(crate) fn is_router(&self) -> bool {
        self.router
    }

    pub(crate) fn name(&self) -> &'static str {
        if self.router {
            "the router"
        } else {
            "the relay"
        }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// CPU time used so far, user and system; zero for a router whose process is not known.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.pid
            .map_or(Ok(Duration::ZERO), |pid| cpu(&pid.to_string()))
    }

    /// Resident memory in bytes.
    pub(crate) fn rss_bytes(&self) -> Result<u64> {
        let pid = self.pid.context("memory needs --router-pid")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .context("no VmRSS")?;
        Ok(kib.trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn parse(line: &str) -> Result<Url> {
    ensure!(
        line.starts_with("ws://"),
        "expected its address in the first line, got {line:?}"
    );
    Ok(Url::parse(line.trim())?)
}

/// CPU time of this process.
pub(crate) fn own_cpu() -> Result<Duration> {
    cpu("self")
}

fn cpu(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name is in parentheses and may hold anything; user and system time are 12 and 13 after.
    let (_, after) = stat.rsplit_once(')').context("an odd /proc stat")?;
    let ticks: u32 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u32>().unwrap_or_default())
        .sum();
    Ok(TICK * ticks)
}

/// CPU time that all processes together were not idle.
pub(crate) fn machine_cpu() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks: Vec<u32> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, (idle, iowait,) irq, softirq
    let busy = [0, 1, 2, 5, 6].iter().filter_map(|&index| ticks.get(index));
    Ok(TICK * busy.sum::<u32>())
}
