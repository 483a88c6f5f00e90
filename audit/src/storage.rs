//! Where a log is kept.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Only its owner reads and writes a log: it holds personal data.
const MODE: u32 = 0o600;

/// Bytes that are only ever appended to. A log owns its storage, and uses it from one thread at a time.
pub trait Storage: Send {
    /// Reads everything from the beginning.
    ///
    /// # Errors
    ///
    /// What the medium says.
    fn read(&mut self) -> io::Result<Box<dyn Read + '_>>;

    /// Appends all of these bytes. They need not be durable yet.
    ///
    /// # Errors
    ///
    /// What the medium says; some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything appended is durable.
    ///
    /// # Errors
    ///
    /// What the medium says; then nothing appended since the last flush may be relied upon.
    fn flush(&mut self) -> io::Result<()>;

    /// Cuts everything off from `length` bytes on.
    ///
    /// # Errors
    ///
    /// What the medium says.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// A log's file, under a lock that no second process and no second handle gets.
#[derive(Debug)]
pub struct LogFile(File);

impl LogFile {
    /// Opens or creates a file, readable by its owner alone, and locks it. The folder must exist.
    ///
    /// # Errors
    ///
    /// `ErrorKind::WouldBlock` if another handle has the lock; else what the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "others could read the audit log; its mode is now 0600");
            file.set_permissions(Permissions::from_mode(MODE))?;
        }
        sync_folder(path)?;
        Ok(LogFile(file))
    }
}

/// Makes the file's name durable: a flush of the file alone does not.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = fs::canonicalize(path)?;
    folder.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl Storage for LogFile {
    fn read(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.0.seek(SeekFrom::Start(0))?;
        Ok(Box::new(BufReader::with_capacity(1 << 16, &self.0)))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let _file = LogFile::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn a_file_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, b"").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        let _file = LogFile::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }

    #[test]
    fn a_second_handle_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let first = LogFile::open(&path).unwrap();
        assert_eq!(LogFile::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        assert!(LogFile::open(&path).is_ok());
    }
}
