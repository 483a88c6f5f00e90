//! What to do about a connection that cannot be made, and whom to ask.

use std::fmt;
use std::io;

use rustls::AlertDescription;

use crate::connect_error::{CertificateFault, ConnectError, Step};
use crate::proxy::ProxyFault;

/// One cause of a [`ConnectError`], as far as it can be told from here. `docs/connecting.md` lists them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Which of the known causes it is.
    pub cause: Cause,
    /// What was seen, in words; without secrets, in one line.
    pub what: String,
}

impl Diagnosis {
    /// What the program that could not connect prints before it ends with [`Cause::exit_code`].
    pub fn of(error: &ConnectError) -> Self {
        Diagnosis { cause: Cause::of(error), what: error.to_string() }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { word, remedy, ask, .. } = self.cause.row();
        write!(f, "{word}: {}. {remedy}. Ask: {ask}.", self.what)
    }
}

/// Who can put something right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Whoever runs this organisation's network: DNS, routes, firewalls, proxies.
    Network,
    /// Whoever runs its security appliances, which inspect TLS.
    Security,
    /// Whoever runs this machine.
    System,
    /// The operator of the broker.
    Broker,
    /// The federation's authority, which issues certificates and keeps the register.
    Authority,
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Whom::Network => "network",
            Whom::Security => "security",
            Whom::System => "system",
            Whom::Broker => "broker",
            Whom::Authority => "authority",
        })
    }
}

/// What is known of one cause.
struct Row {
    word: &'static str,
    exit_code: u8,
    ask: Whom,
    remedy: &'static str,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident = $code:literal, $word:literal, $ask:ident, $remedy:literal;)*) => {
        /// Every cause that is told apart. Exit codes are those of `sysexits.h` where one fits (68 to 78), else from 20
        /// on; words and codes stay what they are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Cause {
            $($(#[$doc])* $cause,)*
        }

        impl Cause {
            /// All of them, in order.
            pub const ALL: &[Cause] = &[$(Cause::$cause),*];

            const fn row(self) -> Row {
                match self {
                    $(Cause::$cause => Row { word: $word, exit_code: $code, ask: Whom::$ask, remedy: $remedy },)*
                }
            }
        }
    };
}

causes! {
    /// DNS does not know the other end's name.
    Name = 68, "NAME_UNKNOWN", Network,
        "Check the host name in `address`; if it is right, this network's DNS must resolve it, or a proxy must be configured, which then resolves it";
    /// Nobody listens at the other end.
    Unreachable = 69, "NOBODY_LISTENS", Broker,
        "Check host and port in `address`; if they are right, the other end does not run, or a firewall rejects us";
    /// There is no route.
    NoRoute = 20, "NO_ROUTE", Network,
        "This machine has no route to the other end, or its own firewall forbids it: ask for one, or for the proxy to use";
    /// The address is none.
    Address = 78, "ADDRESS_MALFORMED", System,
        "Write `address` as HOST:PORT, an IPv6 address in brackets";
    /// What we send is dropped.
    Dropped = 75, "NOTHING_ANSWERS", Network,
        "A firewall probably drops what we send: ask for outbound TCP to this host and port, or for the proxy to use";
    /// DNS does not know the proxy's name.
    ProxyName = 21, "PROXY_NAME_UNKNOWN", Network,
        "Check the host name of the proxy; if it is right, this network's DNS must resolve it";
    /// The proxy cannot be reached.
    ProxyUnreachable = 22, "PROXY_UNREACHABLE", Network,
        "Check host and port of the proxy; if they are right, it does not run, or does not let this machine in";
    /// The proxy does not answer.
    ProxySilent = 23, "PROXY_SILENT", Network,
        "The proxy takes connections and says nothing: it probably cannot reach the other end itself";
    /// The proxy wants credentials, and we have none.
    ProxyCredentialsWanted = 24, "PROXY_WANTS_CREDENTIALS", Network,
        "Ask for a user name and a password for this machine, and configure them";
    /// The proxy refuses our credentials.
    ProxyCredentialsRefused = 25, "PROXY_REFUSES_CREDENTIALS", Network,
        "Check user name and password for the proxy: they may have expired, or a special character in a URL is not encoded";
    /// The proxy wants another authentication than Basic.
    ProxyOtherAuthentication = 26, "PROXY_WANTS_OTHER_AUTHENTICATION", Network,
        "Ask for Basic authentication, or for this host and port to be allowed without authentication";
    /// The proxy forbids the other end's host or port.
    ProxyForbids = 27, "PROXY_FORBIDS", Security,
        "Ask for this host and port to be allowed for CONNECT; many proxies allow port 443 only";
    /// The proxy cannot resolve the other end's name.
    ProxyCannotResolve = 28, "PROXY_CANNOT_RESOLVE", Network,
        "Check the host name in `address`; if it is right, the proxy's DNS must resolve it";
    /// The proxy cannot reach the other end.
    ProxyCannotReach = 29, "PROXY_CANNOT_REACH", Network,
        "Check host and port in `address`; if they are right, the other end does not run, or a firewall behind the proxy is in the way";
    /// The proxy refuses with another status.
    ProxyRefuses = 30, "PROXY_REFUSES", Network,
        "Show the proxy's words to whoever runs it";
    /// The proxy's address is not that of a proxy.
    NotAProxy = 31, "NOT_A_PROXY", Network,
        "Check host and port of the proxy: what answers there is no HTTP proxy, or wants TLS, or hangs up";
    /// TLS is intercepted, or another federation answers.
    Intercepted = 32, "TLS_INTERCEPTED", Security,
        "If the issuer is a security appliance, ask for this host and port to be exempt from TLS inspection: Weald never accepts it. Else check `address` and that the register is that of the right federation";
    /// The other end's certificate has expired, or our clock is fast.
    Expired = 33, "CERTIFICATE_EXPIRED", System,
        "Check this machine's clock and its time service first; if it is right, the other end must renew its certificate";
    /// The other end's certificate is not valid yet, or our clock is slow.
    NotValidYet = 34, "CERTIFICATE_NOT_YET_VALID", System,
        "Check this machine's clock and its time service: it is probably slow";
    /// Another party answers.
    OtherParty = 35, "OTHER_PARTY", System,
        "Check that `address` is that of the party which is meant: another one of the federation answers";
    /// The other end's certificate is revoked.
    Revoked = 36, "CERTIFICATE_REVOKED", Authority,
        "Do not connect: ask why the other end's certificate was revoked";
    /// The other end's certificate does not hold otherwise.
    CertificateInvalid = 37, "CERTIFICATE_INVALID", Broker,
        "The other end must get a proper certificate from the federation's authority";
    /// The other end says that our certificate has expired.
    OursExpired = 38, "OUR_CERTIFICATE_EXPIRED", System,
        "Check this machine's clock; renew our certificate. If neither helps, the other end's clock is wrong";
    /// The other end says that our certificate is revoked.
    OursRevoked = 39, "OUR_CERTIFICATE_REVOKED", Authority,
        "Ask why; a new certificate is needed";
    /// The other end does not believe our issuer.
    OursUnknown = 40, "OUR_ISSUER_UNKNOWN", Authority,
        "Check that our certificate and `address` are of the same federation, and that the other end's register is up to date";
    /// The other end admits nobody of our kind.
    NotAdmitted = 77, "NOT_ADMITTED", Authority,
        "Check that our certificate is that of a party which may connect here, and that the register has us";
    /// The other end refuses our certificate otherwise.
    OursRefused = 41, "OUR_CERTIFICATE_REFUSED", Authority,
        "Ask for a new certificate for this party";
    /// TLS does not finish.
    TlsSilent = 42, "TLS_TIMED_OUT", Network,
        "TCP connects, but TLS does not finish: a security appliance may hold it up, or the other end has stopped";
    /// Something else than TLS 1.3 answers.
    NotTls = 43, "NO_TLS", Security,
        "What answers speaks no TLS 1.3: check the port in `address`; a security appliance or a login page may answer instead of the other end";
    /// TLS fails otherwise.
    TlsFailed = 44, "TLS_FAILED", Broker,
        "Try again; if it stays so, show this line to whoever runs the other end";
    /// The other end speaks another protocol.
    Protocol = 76, "OTHER_PROTOCOL", Broker,
        "Check the port in `address`: what answers there does not do what we ask of it";
    /// The other end hangs up.
    HungUp = 45, "HUNG_UP", Broker,
        "Try again in a minute: the other end may be full or stopping. If it stays so, a firewall or security appliance may cut TLS";
}

impl Cause {
    /// Its name, for logs and machines.
    pub const fn word(self) -> &'static str {
        self.row().word
    }

    /// What a program ends with that could not connect because of it.
    pub const fn exit_code(self) -> u8 {
        self.row().exit_code
    }

    /// What to do, in words.
    pub const fn remedy(self) -> &'static str {
        self.row().remedy
    }

    /// Who can put it right, first of all.
    pub const fn ask(self) -> Whom {
        self.row().ask
    }

    fn of(error: &ConnectError) -> Self {
        match error {
            ConnectError::Name => Cause::Name,
            ConnectError::Network(kind) => Cause::of_network(*kind),
            ConnectError::Proxy(fault) => Cause::of_proxy(fault),
            ConnectError::TimedOut(Step::Reaching) => Cause::Dropped,
            ConnectError::TimedOut(Step::Securing) => Cause::TlsSilent,
            ConnectError::ForeignIssuer(_) => Cause::Intercepted,
            ConnectError::Certificate(fault) => Cause::of_certificate(*fault),
            ConnectError::Refused(alert) => Cause::of_alert(*alert),
            ConnectError::WrongProtocol | ConnectError::Http2(_) => Cause::Protocol,
            ConnectError::HungUp => Cause::HungUp,
            ConnectError::Tls(rustls::Error::InvalidMessage(_) | rustls::Error::PeerIncompatible(_)) => Cause::NotTls,
            ConnectError::Tls(_) => Cause::TlsFailed,
        }
    }

    const fn of_network(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::InvalidInput => Cause::Address,
            io::ErrorKind::TimedOut => Cause::Dropped,
            io::ErrorKind::ConnectionRefused => Cause::Unreachable,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Cause::HungUp
            }
            _ => Cause::NoRoute,
        }
    }

    const fn of_proxy(fault: &ProxyFault) -> Self {
        match fault {
            ProxyFault::Name => Cause::ProxyName,
            ProxyFault::Unreachable(_) => Cause::ProxyUnreachable,
            ProxyFault::Silent => Cause::ProxySilent,
            ProxyFault::CredentialsWanted { .. } => Cause::ProxyCredentialsWanted,
            ProxyFault::CredentialsRefused { .. } => Cause::ProxyCredentialsRefused,
            ProxyFault::OtherAuthentication { .. } => Cause::ProxyOtherAuthentication,
            ProxyFault::Forbidden { .. } => Cause::ProxyForbids,
            ProxyFault::TargetName { .. } => Cause::ProxyCannotResolve,
            ProxyFault::TargetUnreachable { .. } => Cause::ProxyCannotReach,
            ProxyFault::Answered { .. } => Cause::ProxyRefuses,
            ProxyFault::NotHttp | ProxyFault::HungUp => Cause::NotAProxy,
        }
    }

    const fn of_certificate(fault: CertificateFault) -> Self {
        match fault {
            CertificateFault::Expired { .. } => Cause::Expired,
            CertificateFault::NotValidYet { .. } => Cause::NotValidYet,
            CertificateFault::OtherParty => Cause::OtherParty,
            CertificateFault::Revoked => Cause::Revoked,
            CertificateFault::WrongUsage | CertificateFault::Invalid => Cause::CertificateInvalid,
        }
    }

    const fn of_alert(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::CertificateExpired => Cause::OursExpired,
            AlertDescription::CertificateRevoked => Cause::OursRevoked,
            AlertDescription::UnknownCA => Cause::OursUnknown,
            AlertDescription::AccessDenied => Cause::NotAdmitted,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired => Cause::OursRefused,
            AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity => Cause::NotTls,
            _ => Cause::TlsFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PAGE: &str = include_str!("../../docs/connecting.md");

    #[test]
    fn the_page_lists_every_cause_with_its_exit_code_whom_to_ask_and_the_remedy() {
        let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = Cause::ALL
            .iter()
            .map(|cause| {
                format!("| `{}` | {} | {} | {} |", cause.word(), cause.exit_code(), cause.ask(), cause.remedy())
            })
            .collect();
        assert_eq!(rows, expected, "docs/connecting.md should have:\n{}\n", expected.join("\n"));
    }

    #[test]
    fn words_and_exit_codes_tell_causes_apart_and_mean_nothing_else() {
        let words: HashSet<_> = Cause::ALL.iter().map(|cause| cause.word()).collect();
        let codes: HashSet<_> = Cause::ALL.iter().map(|cause| cause.exit_code()).collect();
        assert_eq!((words.len(), codes.len()), (Cause::ALL.len(), Cause::ALL.len()));
        // Success and failure, a wrong command line, a panic, and what a shell makes of signals.
        assert!(codes.iter().all(|code| ![0, 1, 2, 101].contains(code) && *code < 126));
    }

    #[test]
    fn what_an_operator_reads_is_one_line_with_remedy_and_whom_to_ask() {
        let diagnosis = Diagnosis::of(&ConnectError::Proxy(ProxyFault::Name));
        assert_eq!(
            diagnosis.to_string(),
            "PROXY_NAME_UNKNOWN: the proxy's host name does not resolve. Check the host name of the proxy; if it is \
             right, this network's DNS must resolve it. Ask: network."
        );
    }

    #[test]
    fn what_the_other_end_says_of_our_certificate_is_told_apart() {
        let cause = |alert| Diagnosis::of(&ConnectError::Refused(alert)).cause;
        assert_eq!(cause(AlertDescription::CertificateExpired), Cause::OursExpired);
        assert_eq!(cause(AlertDescription::CertificateRevoked), Cause::OursRevoked);
        assert_eq!(cause(AlertDescription::UnknownCA), Cause::OursUnknown);
        assert_eq!(cause(AlertDescription::AccessDenied), Cause::NotAdmitted);
        assert_eq!(cause(AlertDescription::BadCertificate), Cause::OursRefused);
        assert_eq!(cause(AlertDescription::ProtocolVersion), Cause::NotTls);
        assert_eq!(cause(AlertDescription::InternalError), Cause::TlsFailed);
    }

    #[test]
    fn what_the_network_says_is_told_apart() {
        let cause = |kind| Diagnosis::of(&ConnectError::Network(kind)).cause;
        assert_eq!(cause(io::ErrorKind::ConnectionRefused), Cause::Unreachable);
        assert_eq!(cause(io::ErrorKind::HostUnreachable), Cause::NoRoute);
        assert_eq!(cause(io::ErrorKind::NetworkUnreachable), Cause::NoRoute);
        assert_eq!(cause(io::ErrorKind::TimedOut), Cause::Dropped);
        assert_eq!(cause(io::ErrorKind::ConnectionReset), Cause::HungUp);
        assert_eq!(cause(io::ErrorKind::InvalidInput), Cause::Address);
    }
}
