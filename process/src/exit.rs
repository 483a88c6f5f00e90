//! How a process ends, for whoever started it.

/// The exit codes of both programs.
///
/// A wrong command line is clap's own: it prints what is wrong and ends with 2. A panic on the main thread, which is a
/// fault of the program, ends with Rust's 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it was told to stop and did, the configuration is good, or all is well.
    Stopped,
    /// 1: it could not go on serving. Starting it again may help.
    Failed,
    /// 1: the process that was asked how it does is in trouble.
    Unwell,
    /// 69, `EX_UNAVAILABLE`: the process that was to be asked does not answer.
    Unavailable,
    /// 76, `EX_PROTOCOL`: somebody else answers in its place.
    Protocol,
    /// 78, `EX_CONFIG` of sysexits.h: it refused to start, and said which line of the configuration is at fault.
    /// Starting it again does not help before something was changed.
    Configuration,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Stopped => 0,
            Exit::Failed | Exit::Unwell => 1,
            Exit::Unavailable => 69,
            Exit::Protocol => 76,
            Exit::Configuration => 78,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
