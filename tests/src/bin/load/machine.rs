//! What the kernel knows of a process: CPU time, memory, sockets (proc(5)).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

/// Reads how much CPU time a process has taken, to the nanosecond.
///
/// The kernel counts by thread and forgets a thread that has ended, so the last figure of each is kept.
#[derive(Debug)]
pub(crate) struct CpuMeter {
    tasks: PathBuf,
    threads: BTreeMap<OsString, Duration>,
}

impl CpuMeter {
    /// A meter of that process.
    pub(crate) fn of(pid: u32) -> Self {
        CpuMeter { tasks: PathBuf::from(format!("/proc/{pid}/task")), threads: BTreeMap::new() }
    }

    /// CPU time of all its threads, those included that ended since the first reading.
    ///
    /// # Errors
    ///
    /// When the process is gone, or the kernel keeps no such count.
    pub(crate) fn read(&mut self) -> anyhow::Result<Duration> {
        let threads = fs::read_dir(&self.tasks).with_context(|| format!("{}", self.tasks.display()))?;
        for thread in threads {
            let thread = thread?;
            // A thread may end between the two readings.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let ran = schedstat(&text).context("schedstat: three numbers; is the kernel without CONFIG_SCHED_INFO?")?;
            self.threads.insert(thread.file_name(), ran);
        }
        Ok(self.threads.values().sum())
    }
}

/// The first of three numbers: nanoseconds on a CPU.
fn schedstat(text: &str) -> Option<Duration> {
    let mut numbers = text.split_ascii_whitespace().map(|word| word.parse().ok());
    let ran = numbers.next()??;
    (numbers.count() == 2).then(|| Duration::from_nanos(ran))
}

/// The most bytes of memory that a process ever had resident.
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    field(&text, "VmHWM:").with_context(|| format!("{path}: no VmHWM"))
}

/// A field in kibibytes, as bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let mut words = status.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace();
    let kibibytes: u64 = words.next()?.parse().ok()?;
    (words.next() == Some("kB")).then(|| kibibytes * 1024)
}

/// How many sockets a process has open.
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn sockets(pid: u32) -> anyhow::Result<usize> {
    let path = format!("/proc/{pid}/fd");
    let open = fs::read_dir(&path).with_context(|| path.clone())?;
    // One that is closed meanwhile is none.
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Ok(links.filter(|link| link.to_string_lossy().starts_with("socket:")).count())
}

/// What the figures were taken on.
pub(crate) fn describe() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "debug build: figures of no worth" } else { "release build" };
    format!("{cores} x {model}, Linux {}, {build}", kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_the_first_of_three_numbers() {
        assert_eq!(schedstat("693649 12 2\n"), Some(Duration::from_nanos(693_649)));
        for wrong in ["", "1", "1 2", "1 2 3 4", "x 2 3"] {
            assert_eq!(schedstat(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tload\nVmPeak:\t  900 kB\nVmHWM:\t    2048 kB\nThreads:\t4\n";
        assert_eq!(field(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(field(status, "VmRSS:"), None);
        assert_eq!(field("VmHWM:\t12 pages\n", "VmHWM:"), None);
    }

    #[test]
    fn this_process_takes_cpu_time_and_memory_and_what_it_took_stays_counted() {
        let mut meter = CpuMeter::of(std::process::id());
        let before = meter.read().unwrap();
        let worker = std::thread::spawn(|| (0..20_000_000u64).fold(0u64, |sum, n| sum.wrapping_mul(31) ^ n));
        while meter.read().unwrap() < before + Duration::from_millis(1) {
            assert!(!worker.is_finished() || meter.read().unwrap() > before);
        }
        worker.join().unwrap();
        assert!(meter.read().unwrap() >= before + Duration::from_millis(1));
        assert!(peak_memory(std::process::id()).unwrap() > 1 << 20);
    }

    #[test]
    fn an_open_socket_is_counted() {
        let before = sockets(std::process::id()).unwrap();
        let open: Vec<_> = (0..50).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        assert!(sockets(std::process::id()).unwrap() >= before + open.len() / 2);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(CpuMeter::of(u32::MAX).read().is_err());
        assert!(peak_memory(u32::MAX).is_err() && sockets(u32::MAX).is_err());
    }
}
