//! A server as a process of its own: started on chosen cores, its time on the CPU read from /proc.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::load::Door;

/// A running server; dropping it ends it.
pub struct Server {
    child: Child,
    pub tcp: Door,
    pub unix: Door,
}

impl Server {
    /// Starts `program` on `cores` (as `taskset` lists them) and waits for the line that says where it listens.
    pub fn start(cores: &str, program: &str, args: &[&str]) -> Result<Self> {
        let mut child = Command::new("taskset")
            .args(["-c", cores, program])
            .args(args)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot run `taskset`")?;
        let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
        let mut said = String::new();
        while let Some(line) = lines.next().transpose()? {
            if let Some(places) = line.strip_prefix("listening ") {
                let place = |name: &str| {
                    places
                        .split(' ')
                        .find_map(|word| word.strip_prefix(name))
                        .with_context(|| format!("no `{name}` in `{line}`"))
                };
                let tcp = Door::Tcp(place("grpc=")?.parse::<SocketAddr>()?);
                let unix = Door::Unix(PathBuf::from(place("unix=")?));
                // A full pipe would stop the server: what it says later is read and dropped.
                thread::spawn(move || lines.for_each(drop));
                return Ok(Self { child, tcp, unix });
            }
            said.push_str(&line);
            said.push('\n');
        }
        child.wait()?;
        bail!("`{program}` ended before it listened:\n{said}")
    }

    /// Nanoseconds that each thread was on a CPU, by the thread's name.
    pub fn threads_ns(&self) -> Result<Vec<(String, u64)>> {
        let mut threads = Vec::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            let schedstat = fs::read_to_string(task.join("schedstat"))?;
            let on_cpu = schedstat.split(' ').next().context("empty schedstat")?;
            threads.push((fs::read_to_string(task.join("comm"))?.trim().to_owned(), on_cpu.parse()?));
        }
        Ok(threads)
    }

    /// Nanoseconds that the process was on a CPU.
    pub fn cpu_ns(&self) -> Result<u64> {
        Ok(self.threads_ns()?.iter().map(|(_, ns)| ns).sum())
    }

    /// Bytes of memory held.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left to do about it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves this process onto `cores`, so that asking and answering do not take each other's place.
pub fn pin(cores: &str) -> Result<()> {
    let moved = Command::new("taskset")
        .args(["-acp", cores, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status()
        .context("cannot run `taskset`")?;
    if !moved.success() {
        bail!("`taskset -acp {cores}` failed");
    }
    Ok(())
}
