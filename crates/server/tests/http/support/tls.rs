//! TLS from the client's side.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tokio_rustls::TlsConnector;

use super::Running;

/// A client that trusts the server's own certificate.
pub fn connector(running: &Running, protocols: &[&str]) -> TlsConnector {
    let pem = std::fs::read(running.directory.path().join("tls.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}
