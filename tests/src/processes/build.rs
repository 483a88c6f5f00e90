//! Where the programs are: next to the test's own executable, built if they are missing or older than their sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Context as _, bail};

/// A program of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `weald-broker`.
    Broker,
    /// `weald-node`.
    Node,
}

impl Program {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Program::Broker => "weald-broker",
            Program::Node => "weald-node",
        }
    }

    /// Its executable. The first to ask builds both programs, if need be.
    ///
    /// # Errors
    ///
    /// When they cannot be built.
    pub fn executable(self) -> anyhow::Result<PathBuf> {
        static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match BUILT.get_or_init(|| folder().map_err(|error| format!("{error:#}"))) {
            Ok(folder) => Ok(folder.join(self.name())),
            Err(problem) => bail!("{problem}"),
        }
    }
}

/// The folder of the programs, after both are built.
fn folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("the test's own executable")?;
    // target/<profile>/deps/<test>, or target/<profile>/<program>
    let beside = own.parent().context("the test does not run from cargo's target folder")?;
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    if ![Program::Broker, Program::Node].iter().all(|program| is_fresh(&folder.join(program.name()))) {
        build(folder)?;
    }
    Ok(folder.to_owned())
}

/// True if a program is there and no source of it is newer, by the list that cargo writes next to it.
fn is_fresh(program: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let (Some(built), Ok(list)) = (changed(program), std::fs::read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let is_older = |source: &str| changed(Path::new(source)).is_some_and(|at: SystemTime| at <= built);
    // `<program>: <source> <source> ...`, where spaces within a path are escaped: such a path counts as changed.
    list.split_once(": ").is_some_and(|(_, sources)| sources.split_whitespace().all(is_older))
}

fn build(folder: &Path) -> anyhow::Result<()> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let target = folder.parent().context("the profile's folder has no target folder above it")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--locked",
            "-p",
            "weald-broker",
            "-p",
            "weald-node",
            "--bins",
            "--profile",
            profile,
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cargo cannot be run")?;
    if status.success() { Ok(()) } else { bail!("cargo cannot build weald-broker and weald-node: {status}") }
}
