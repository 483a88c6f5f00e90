//! A Squid of one's own: on a free port, with its configuration in a folder that goes with it.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

/// Where Debian and others put them.
const PROGRAMS: &[&str] = &["/usr/sbin/squid", "/usr/local/sbin/squid", "/usr/local/squid/sbin/squid"];
const HELPERS: &[&str] = &["/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth"];

/// `weald` with the password `p@ss word`, by `openssl passwd -apr1`.
const PASSWORDS: &str = "weald:$apr1$weald000$8p6dSF761AREOf5nMJ.gV1\n";

/// For Squid to begin to listen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Squid {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl Drop for Squid {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What Squid lets through.
pub(crate) enum Access {
    Anybody,
    WithPassword,
    Nobody,
}

impl Squid {
    /// None, and a loud line, where Squid is not installed; in CI that is a failure.
    pub(crate) async fn start(access: &Access) -> Option<Self> {
        let Some(program) = existing(PROGRAMS) else {
            assert!(std::env::var_os("CI").is_none(), "Squid is not installed: .ci/run installs it");
            // Not eprintln, which is shown only of tests that fail.
            writeln!(io::stderr(), "SKIPPED, NOT PASSED: Squid is not installed (apt-get install squid)").unwrap();
            return None;
        };
        // Somebody else may take the port between the look and Squid.
        for _ in 0..3 {
            if let Some(squid) = Squid::try_start(&program, access).await {
                return Some(squid);
            }
        }
        panic!("Squid does not start");
    }

    async fn try_start(program: &Path, access: &Access) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        // Started by root, it runs as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let address = free_port();
        let file = folder.path().join("squid.conf");
        fs::write(&file, configuration(folder.path(), address, access)).unwrap();
        let child = Command::new(program)
            .args(["-N", "-d", "1", "-f"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut squid = Squid { child, address, folder };
        squid.listens().await.then_some(squid)
    }

    async fn listens(&mut self) -> bool {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).await.is_err() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || tokio::time::Instant::now() > deadline {
                let words = fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default();
                eprintln!("Squid ({ended:?}) says:\n{words}");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url_with(&self, userinfo: &str) -> String {
        format!("http://{userinfo}@{}", self.address)
    }
}

fn configuration(folder: &Path, address: SocketAddr, access: &Access) -> String {
    let rules = match access {
        Access::Anybody => "http_access allow CONNECT\n".to_owned(),
        Access::WithPassword => with_password(folder),
        Access::Nobody => String::new(),
    };
    let folder = folder.display();
    format!(
        "http_port {address}\n\
         pid_filename {folder}/squid.pid\n\
         cache_log {folder}/cache.log\n\
         access_log none\n\
         cache_store_log none\n\
         coredump_dir {folder}\n\
         visible_hostname squid.test\n\
         pinger_enable off\n\
         cache deny all\n\
         shutdown_lifetime 0 seconds\n\
         dns_timeout 2 seconds\n\
         connect_retries 0\n\
         {rules}\
         http_access deny all\n"
    )
}

fn with_password(folder: &Path) -> String {
    let helper = existing(HELPERS).expect("Squid comes with basic_ncsa_auth");
    let passwords = folder.join("passwords");
    fs::write(&passwords, PASSWORDS).unwrap();
    fs::set_permissions(&passwords, fs::Permissions::from_mode(0o644)).unwrap();
    format!(
        "auth_param basic program {} {}\n\
         auth_param basic children 1\n\
         auth_param basic realm Weald\n\
         acl known proxy_auth REQUIRED\n\
         http_access deny !known\n\
         http_access allow CONNECT\n",
        helper.display(),
        passwords.display()
    )
}

fn existing(paths: &[&str]) -> Option<PathBuf> {
    paths.iter().map(PathBuf::from).find(|path| path.exists())
}

fn free_port() -> SocketAddr {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
