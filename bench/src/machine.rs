//! Facts about the machine and about processes, from `/proc` and a few system calls: what a
//! figure needs beside it to mean anything, and the memory and CPU time of the server.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::CpuSet;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The machine that figures were measured on. Deliberately without its name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor with family and model number, as the kernel says.
    pub cpu: String,
    /// Number of cores this process may use.
    pub cores: usize,
    /// Main memory, MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// Median time of writing 4 KiB and `fdatasync`, in the folder of the database, microseconds.
    pub fsync_p50_us: f64,
    /// 99th percentile of the same.
    pub fsync_p99_us: f64,
    /// Load average of the last minute before the run: what else the machine was doing.
    pub load_before: f64,
}

impl Machine {
    /// Looks at this machine; `data` is a folder on the disk that databases will be on.
    pub fn inspect(data: &Path) -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
        let of = |name| field(&cpuinfo, name).unwrap_or("unknown");
        let memory = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
        let kernel =
            fs::read_to_string("/proc/sys/kernel/osrelease").context("reading the kernel release")?;
        let (fsync_p50_us, fsync_p99_us) = fsync_latency(data)?;
        let load = fs::read_to_string("/proc/loadavg").context("reading the load average")?;
        Ok(Self {
            cpu: format!(
                "{} (family {}, model {})",
                of("model name"),
                of("cpu family"),
                of("model")
            ),
            cores: allowed_cores()?.len(),
            memory_mib: kibibytes(&memory, "MemTotal").unwrap_or(0) / 1024,
            // Only the version: what follows it may name the place.
            kernel: kernel.trim().split('-').next().unwrap_or_default().to_owned(),
            fsync_p50_us,
            fsync_p99_us,
            load_before: load
                .split_ascii_whitespace()
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or(0.0),
        })
    }
}

/// Median and 99th percentile of 300 writes of 4 KiB with `fdatasync`, in microseconds.
fn fsync_latency(folder: &Path) -> Result<(f64, f64)> {
    const WRITES: usize = 300;
    let mut file = tempfile::tempfile_in(folder).context("creating a file to sync")?;
    let mut micros = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&[0x5a; 4096]).context("writing a file to sync")?;
        file.sync_data().context("syncing a file")?;
        micros.push((start.elapsed().as_secs_f64() * 1e7).round() / 10.0);
    }
    micros.sort_by(f64::total_cmp);
    Ok((micros[WRITES / 2], micros[WRITES * 99 / 100]))
}

/// Value of a `name : value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.strip_suffix(" kB")?.trim().parse().ok()
}

/// Memory of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident set, bytes.
    pub rss: u64,
    /// Proportional set, bytes: shared pages are counted by share. 0 when not readable.
    pub pss: u64,
}

/// Memory of process `pid`.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("reading the server's status")?;
    let rss = kibibytes(&status, "VmRSS").context("the server's status has no VmRSS")?;
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let pss = kibibytes(&rollup, "Pss").unwrap_or(0);
    Ok(Memory {
        rss: rss * 1024,
        pss: pss * 1024,
    })
}

/// Bytes that process `pid` has caused to be written to disks.
pub fn written_bytes(pid: u32) -> Result<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).context("reading what the server wrote")?;
    field(&io, "write_bytes")
        .and_then(|bytes| bytes.parse().ok())
        .context("what the server wrote is not understood")
}

/// CPU time of all threads of process `pid`, user and system; resolution 10 ms.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("reading the server's CPU time")?;
    ticks(&stat)
        .map(|ticks| Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
        .context("the server's stat line is not understood")
}

fn ticks(stat: &str) -> Option<u64> {
    // The name in parentheses may contain anything; utime and stime are fields 14 and 15.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// CPU time of all threads of this process.
pub fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The cores this process may run on.
pub fn allowed_cores() -> Result<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).context("reading the CPU affinity")?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

/// Binds the calling thread, and processes and threads it starts from now on, to `cores`.
pub fn bind_to_cores(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|&core| set.set(core));
    rustix::thread::sched_setaffinity(None, &set).with_context(|| format!("binding to cores {cores:?}"))
}

/// Raises the limit of open files to at least `needed`, for this process and those it starts.
pub fn allow_open_files(needed: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(most) = limit.maximum.filter(|&most| most < needed) {
        bail!(
            "{needed} open files are needed but the hard limit is {most}: raise it (`ulimit -Hn {needed}` \
             as root, or LimitNOFILE of the service) or use fewer --connections"
        );
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(needed),
            maximum: limit.maximum,
        },
    )
    .context("raising the limit of open files")
}

/// How many connections one source address can have to one server address.
pub fn ports_per_address() -> Result<usize> {
    let range =
        fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").context("reading the port range")?;
    let mut ends = range.split_ascii_whitespace().map(str::parse::<usize>);
    match (ends.next(), ends.next()) {
        (Some(Ok(first)), Some(Ok(last))) if last > first => Ok(last - first),
        _ => bail!("port range {range:?} is not understood"),
    }
}

/// Refuses to measure a process that is not running.
pub fn require_running(pid: u32) -> Result<()> {
    ensure!(
        Path::new(&format!("/proc/{pid}")).exists(),
        "no process {pid}: give the server's --pid"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_are_read_behind_any_process_name() {
        let stat = "1234 (a) b) R 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 0 1";
        assert_eq!(ticks(stat), Some(100));
        assert_eq!(ticks("garbage"), None);
    }

    #[test]
    fn memory_lines_are_read_in_kibibytes() {
        let status = "VmPeak:\t  900 kB\nVmRSS:\t   512 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(512));
        assert_eq!(kibibytes(status, "VmSwap"), None);
    }

    #[test]
    fn own_memory_and_cpu_time_are_readable() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.rss > 100_000, "{memory:?}");
        cpu_time(std::process::id()).unwrap();
        written_bytes(std::process::id()).unwrap();
    }

    #[test]
    fn absurd_number_of_open_files_is_refused_with_the_limit_named() {
        if getrlimit(Resource::Nofile).maximum.is_some() {
            let error = allow_open_files(1 << 40).unwrap_err().to_string();
            assert!(error.contains("hard limit"), "{error}");
        }
    }
}
