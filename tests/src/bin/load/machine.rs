//! What the kernel knows of a process: CPU time, memory, connections (proc(5)).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
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

/// Bytes of memory that a process has resident now.
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn memory(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    field(&text, "VmRSS:").with_context(|| format!("{path}: no VmRSS"))
}

/// A field in kibibytes, as bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let mut words = status.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace();
    let kibibytes: u64 = words.next()?.parse().ok()?;
    (words.next() == Some("kB")).then(|| kibibytes * 1024)
}

/// How many connections somebody has with `server`, until both ends have closed them.
///
/// # Errors
///
/// When the kernel does not tell.
pub(crate) fn connections(server: SocketAddrV4, from: Ipv4Addr) -> anyhow::Result<usize> {
    let path = "/proc/net/tcp";
    let text = fs::read_to_string(path).context(path)?;
    Ok(text.lines().filter(|line| is_connection(line, server, from)).count())
}

/// True for the line of an open end of such a connection on the server's side. (One that waits for stray packets
/// is no longer anybody's.)
fn is_connection(line: &str, server: SocketAddrV4, from: Ipv4Addr) -> bool {
    const ESTABLISHED: &str = "01";
    const CLOSED_BY_THE_PEER: &str = "08";
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote, state) = (words.next(), words.next(), words.next());
    local == Some(format!("{}:{:04X}", hex(*server.ip()), server.port()).as_str())
        && remote.and_then(|remote| remote.split(':').next()) == Some(hex(from).as_str())
        && matches!(state, Some(ESTABLISHED | CLOSED_BY_THE_PEER))
}

/// An address as the kernel prints it: a number in the machine's own order of bytes.
fn hex(address: Ipv4Addr) -> String {
    format!("{:08X}", u32::from_ne_bytes(address.octets()))
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
    fn a_connection_is_counted_until_the_server_closes_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let std::net::SocketAddr::V4(server) = listener.local_addr().unwrap() else { panic!("no IPv4") };
        let client = std::net::TcpStream::connect(server).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(connections(server, Ipv4Addr::LOCALHOST).unwrap(), 1);
        assert_eq!(connections(server, Ipv4Addr::new(127, 0, 0, 2)).unwrap(), 0);
        drop(client);
        assert_eq!(connections(server, Ipv4Addr::LOCALHOST).unwrap(), 1);
        drop(accepted);
        assert_eq!(connections(server, Ipv4Addr::LOCALHOST).unwrap(), 0);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(CpuMeter::of(u32::MAX).read().is_err());
        assert!(peak_memory(u32::MAX).is_err());
    }
}
