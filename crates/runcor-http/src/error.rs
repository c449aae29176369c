//! Why a server could not be set up.

use std::net::SocketAddr;

use runcor_core::ErrorCode;

/// The error of setting up a [`Server`](crate::Server).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process listens there already.
    #[error(
        "{addr} is in use by another process; stop that one, or set another port (0 picks a free one)"
    )]
    PortInUse {
        /// The address.
        addr: SocketAddr,
    },
    /// The address can't be listened on.
    #[error(
        "can't listen on {hostname}:{port}; check the hostname and port, and the right to use them"
    )]
    Bind {
        /// The configured hostname.
        hostname: String,
        /// The configured port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// Everybody on the network could use the API.
    #[error(
        "{hostname} is reachable from other machines and no authToken is set; set one, bind to \
         127.0.0.1, or set allowUnauthenticated if everybody on the network may do everything"
    )]
    PublicWithoutToken {
        /// The configured hostname.
        hostname: String,
    },
    /// A setting makes no sense.
    #[error("{field} {problem}")]
    InvalidConfig {
        /// The setting.
        field: &'static str,
        /// What is wrong and what to do.
        problem: &'static str,
    },
}

impl From<Error> for runcor_core::Error {
    fn from(error: Error) -> Self {
        Self::new(ErrorCode::InvalidConfig, error.to_string()).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_error_becomes_invalid_config_and_keeps_its_advice() {
        let error = Error::PublicWithoutToken { hostname: "0.0.0.0".to_owned() };
        let upward = runcor_core::Error::from(error);
        assert_eq!(upward.code(), ErrorCode::InvalidConfig);
        assert!(upward.message().contains("set one"), "{upward}");
    }
}
