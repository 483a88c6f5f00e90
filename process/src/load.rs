//! What a configuration points at, read and checked. Every fault points at the line that names the file.

mod audit_log;
pub(crate) mod file;
mod listen;
mod party;
mod proxy;
mod register;
mod secret;
mod signing_key;

pub use audit_log::{check_log, open_log};
pub use file::{check_file, check_folder, text};
pub use listen::bind;
pub(crate) use listen::why as why_not_bound;
pub use party::{Party, PartySettings, roots};
pub use proxy::{PROXY, ProxyTable, proxy_of_environment};
pub use register::{REGISTER, RegisterSettings};
pub use secret::secret;
pub use signing_key::{KeySettings, check_key};
