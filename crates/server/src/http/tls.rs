//! TLS: the operator's key and certificate, or a certificate of our own.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use super::followed::Followed;
use crate::settings::Tls;

/// File of the own key and certificate in the state directory.
const OWN_FILE: &str = "tls.pem";

/// Years an own certificate is valid for.
const OWN_YEARS: i32 = 10;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds no key and certificate.
    #[error("SSL_PEM {path}: {why}; it must hold a private key and its certificate chain (PEM), readable by this user")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No own certificate could be made or kept.
    #[error("cannot make the certificate {path}: {why}; make the state directory writable, or set SSL_PEM")]
    Own {
        /// Where it would be kept.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// What TLS is spoken with, as the file says now; none where TLS is off. A certificate that was renewed is used from the
/// next connection on; one that is broken is told, and the one before it stays.
pub(super) fn config(
    tls: &Tls,
    state_dir: &Path,
    names: &[String],
    now: Timestamp,
) -> Result<Option<Arc<Followed<TlsAcceptor>>>, TlsError> {
    let path = match tls {
        Tls::Off => return Ok(None),
        Tls::Pem(path) => path.clone(),
        Tls::SelfSigned => {
            let path = state_dir.join(OWN_FILE);
            if !path.exists() {
                make(&path, names, now).map_err(|why| TlsError::Own { path: path.clone(), why: why.to_string() })?;
            }
            path
        }
    };
    let followed = Followed::new(path.clone(), |path| {
        let (config, fingerprint) = read(path)?;
        tracing::info!(certificate = %path.display(), sha256 = %fingerprint, "TLS");
        Ok(TlsAcceptor::from(Arc::new(config)))
    });
    followed.refresh().map_err(|why| TlsError::Pem { path, why })?;
    Ok(Some(followed))
}

fn read(path: &Path) -> Result<(ServerConfig, String), String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| format!("certificate: {error}"))?;
    let first = chain.first().ok_or("it holds no certificate")?;
    let fingerprint = fingerprint(first);
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| format!("private key: {error}"))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, fingerprint))
}

/// SHA-256 of the certificate, as browsers show it.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(certificate.as_ref()) {
        let separator = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02X}");
    }
    text
}

fn make(path: &Path, names: &[String], now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(names.to_vec())?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let (month, day) = (u8::try_from(today.month())?, u8::try_from(today.day())?.min(28));
    params.not_before = rcgen::date_time_ymd(i32::from(today.year()) - 1, month, day);
    params.not_after = rcgen::date_time_ymd(i32::from(today.year()) + OWN_YEARS, month, day);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "maltrail");
    let certificate = params.self_signed(&key)?;
    let temporary = path.with_extension("tmp");
    let _ = fs::remove_file(&temporary);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(key.serialize_pem().as_bytes())?;
    file.write_all(certificate.pem().as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn own(state: &Path) -> Result<Option<Arc<Followed<TlsAcceptor>>>, TlsError> {
        let names = ["localhost".to_owned(), "192.0.2.1".to_owned()];
        config(&Tls::SelfSigned, state, &names, "2026-02-28T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_own_certificate_is_made_once_and_is_private() {
        let state = tempfile::tempdir().unwrap();
        assert!(own(state.path()).unwrap().is_some());
        let file = state.path().join(OWN_FILE);
        let first = fs::read(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        own(state.path()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), first, "kept");
        assert!(config(&Tls::Pem(file), state.path(), &[], Timestamp::UNIX_EPOCH).unwrap().is_some());
        assert!(config(&Tls::Off, state.path(), &[], Timestamp::UNIX_EPOCH).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("x.pem");
        let told = |file: &Path| {
            config(&Tls::Pem(file.to_owned()), state.path(), &[], Timestamp::UNIX_EPOCH).unwrap_err().to_string()
        };
        assert!(told(&file).contains("x.pem: No such file"), "{}", told(&file));
        fs::write(&file, "no pem").unwrap();
        assert!(told(&file).contains("holds no certificate"), "{}", told(&file));
        own(state.path()).unwrap();
        let whole = fs::read_to_string(state.path().join(OWN_FILE)).unwrap();
        fs::write(&file, &whole[whole.find("-----BEGIN CERT").unwrap()..]).unwrap();
        assert!(told(&file).contains("private key"), "{}", told(&file));
        assert!(own(&state.path().join("absent")).unwrap_err().to_string().contains("state directory"));
    }
}
