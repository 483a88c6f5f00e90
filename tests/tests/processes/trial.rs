//! One program on a configuration in which something is wrong.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weald_certs::LeafTerms;
use weald_proto::{OdsCode, SpiffeId};
use weald_tests::population::{HOPFIELD, people};
use weald_tests::processes::{Ended, Estate, Holder, Program, Running, SourceKind};

/// A user who owns nothing, and whom every system has.
const NOBODY: u32 = 65_534;

/// What nobody who starts a program should have to read.
const FRIGHTENING: [&str; 8] = ["panic", "thread '", "backtrace", "Error {", "Some(", "Err(", "\u{1b}", "error: "];

/// A program, its configuration and all that it points at, of which a case spoils something.
pub(crate) struct Trial {
    pub(crate) estate: Estate,
    pub(crate) program: Program,
    pub(crate) config: PathBuf,
    /// As whom it runs, if not as whoever tests.
    user: Option<u32>,
    folder: TempDir,
}

/// One way to spoil it, and what is said.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) spoil: fn(&mut Trial),
    /// How the line of the configuration begins that is named.
    pub(crate) at: &'static str,
    /// Words of what is said: the field, what is wrong, the remedy.
    pub(crate) says: &'static [&'static str],
}

impl Trial {
    /// A broker, and the register of a federation with one practice.
    pub(crate) fn of_broker() -> Self {
        Trial::of(Program::Broker, SourceKind::Sqlite)
    }

    /// The node of a practice.
    pub(crate) fn of_node(source: SourceKind) -> Self {
        Trial::of(Program::Node, source)
    }

    fn of(program: Program, source: SourceKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<_> = people(1, 3).collect();
        let estate = Estate::write(folder.path(), &[Holder { organisation: &HOPFIELD, source }], &people).unwrap();
        let config = match program {
            Program::Broker => estate.broker_config(),
            Program::Node => estate.node_config(&HOPFIELD),
        };
        Trial { estate, program, config, user: None, folder }
    }

    /// The name of the party that it runs as.
    pub(crate) fn id(&self) -> SpiffeId {
        match self.program {
            Program::Broker => SpiffeId::broker(self.estate.name(), "b1").unwrap(),
            Program::Node => SpiffeId::node(self.estate.name(), &OdsCode::parse(HOPFIELD.ods).unwrap()),
        }
    }

    /// The usual terms of its certificate.
    pub(crate) fn terms(&self) -> LeafTerms {
        LeafTerms::usual(&self.id(), self.estate.env().clock.now())
    }

    /// The name of its own folder.
    pub(crate) fn own(&self) -> &'static str {
        match self.program {
            Program::Broker => "broker",
            Program::Node => HOPFIELD.ods,
        }
    }

    /// A file of its own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(self.own()).join(name)
    }

    /// Puts other words into the configuration.
    pub(crate) fn replace(&self, these: &str, with: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(these), "the configuration has no {these}");
        fs::write(&self.config, text.replacen(these, with, 1)).unwrap();
    }

    /// The number of the first line of the configuration that begins so.
    pub(crate) fn line(&self, begins: &str) -> usize {
        let text = fs::read_to_string(&self.config).unwrap();
        1 + text.lines().position(|line| line.starts_with(begins)).unwrap_or_else(|| panic!("no line begins {begins}"))
    }

    /// Has it run as somebody for whom modes count: if we are root, as nobody, to whom all of its files belong.
    pub(crate) fn be_nobody(&mut self) {
        if fs::metadata(self.folder.path()).unwrap().uid() == 0 {
            give(self.folder.path(), NOBODY);
            self.user = Some(NOBODY);
        }
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self) -> Ended {
        let arguments = ["run", "--config", self.config.to_str().unwrap()];
        match self.user {
            Some(user) => Running::to_the_end_as(user, self.program, self.folder.path(), &arguments).unwrap(),
            None => Running::to_the_end(self.program, &arguments).unwrap(),
        }
    }
}

/// Gives a file, or a folder and all in it, to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), user));
    }
}

/// That the program ends with 78 before it listens, and says one line: file, line, and every one of the words.
pub(crate) fn is_refused(case: &Case, mut trial: Trial) {
    (case.spoil)(&mut trial);
    let ended = trial.run();
    let Ended { code, stdout, stderr } = &ended;
    let name = case.name;
    assert_eq!(*code, Some(78), "{name}: {ended:?}");
    assert_eq!(stdout, "", "{name}");
    let place = format!("{}:{}:", trial.config.display(), trial.line(case.at));
    assert!(stderr.starts_with(&place), "{name}: expected {place}\n{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{name}: one line for one fault\n{stderr}");
    for words in case.says {
        assert!(stderr.contains(words), "{name}: does not say \"{words}\"\n{stderr}");
    }
    frightens_nobody(stderr);
}

/// That nothing of it is for programmers.
pub(crate) fn frightens_nobody(said: &str) {
    for words in FRIGHTENING {
        assert!(!said.contains(words), "says \"{words}\"\n{said}");
    }
}
