//! TLS of the listeners and of the outbound leg.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

/// Largest PEM file, in octets.
const MAX_PEM: u64 = 1024 * 1024;

/// Why there is no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host name cannot stand in a certificate.
    #[error("a certificate for `{hostname}` cannot be made: {source}")]
    Generate {
        /// The name.
        hostname: String,
        /// What is wrong with it.
        source: rcgen::Error,
    },
    /// A PEM file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A PEM file is far too large.
    #[error("`{}` has `{size}` octets; expected at most `{MAX_PEM}`", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in octets.
        size: u64,
    },
    /// There is no certificate in the file.
    #[error(
        "no certificate in `{}`; expected PEM that begins with `-----BEGIN CERTIFICATE-----`",
        .0.display()
    )]
    NoCertificate(PathBuf),
    /// There is no private key in the file.
    #[error(
        "no private key in `{}`; expected PEM that begins with `-----BEGIN PRIVATE KEY-----`",
        .0.display()
    )]
    NoKey(PathBuf),
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("the certificate cannot be used: {0}")]
    Rejected(#[from] rustls::Error),
}

/// The configuration of a server: with the given files (certificate chain and key, PEM), or with a
/// certificate made now for `hostname`, which clients that check certificates will not trust.
///
/// # Errors
/// When a file cannot be read or does not hold what it should, certificate and key do not go together, or no
/// certificate can be made for the name.
pub fn server(hostname: &str, certificate: Option<(&Path, &Path)>) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain, key) = match certificate {
        Some((chain, key)) => (read_chain(chain)?, read_key(key)?),
        None => generate(hostname)?,
    };
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// The configuration of the outbound leg: any certificate will do.
///
/// This is opportunistic TLS as mail servers practise it (RFC 7435): without DANE or MTA-STS nothing says
/// which certificate an MX host should have, most are self-signed or for another name, and the alternative to
/// an unverified certificate is plain text. Here it goes to simulated providers on loopback only.
///
/// # Panics
/// If the cryptography that is built in did not speak TLS 1.2 and 1.3; it does.
pub fn opportunistic_client() -> Arc<ClientConfig> {
    let provider = provider();
    let verifier = Arc::new(AnyCertificate(provider.clone()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

/// Named here and not installed for the whole process, so that a test program may install its own.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn generate(hostname: &str) -> Result<Identity, TlsError> {
    let names = vec![hostname.to_owned(), "localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names);
    let made = made.map_err(|source| TlsError::Generate { hostname: hostname.to_owned(), source })?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Ok((vec![made.cert.der().clone()], key.into()))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(TlsError::NoCertificate(path.to_owned())),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| TlsError::NoKey(path.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let fail = |source| TlsError::Read { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(fail)?.len();
    if size > MAX_PEM {
        return Err(TlsError::TooLarge { path: path.to_owned(), size });
    }
    fs::read(path).map_err(fail)
}

/// Trusts every certificate, but still checks that the server holds its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    /// Sends a word through TLS in memory.
    async fn speak(config: Arc<ServerConfig>) -> String {
        let (ours, theirs) = duplex(1 << 16);
        let server = async {
            let mut stream = TlsAcceptor::from(config).accept(theirs).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let client = async {
            let connector = TlsConnector::from(opportunistic_client());
            let name = ServerName::try_from("somebody.else.example").unwrap();
            let mut stream = connector.connect(name, ours).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        tokio::join!(server, client).1
    }

    #[tokio::test]
    async fn a_certificate_made_at_the_start_serves() {
        assert_eq!(speak(server("mta.emta.test", None).unwrap()).await, "hello");
    }

    #[tokio::test]
    async fn given_files_serve() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(vec!["mta.example".to_owned()]).unwrap();
        fs::write(&chain, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        assert_eq!(speak(server("ignored", Some((&chain, &key))).unwrap()).await, "hello");

        let other = rcgen::generate_simple_self_signed(vec!["mta.example".to_owned()]).unwrap();
        fs::write(&key, other.signing_key.serialize_pem()).unwrap();
        let error = server("ignored", Some((&chain, &key))).unwrap_err();
        assert!(matches!(error, TlsError::Rejected(_)), "{error}");
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let check = |expected: &str| {
            let error = server("mta.example", Some((&chain, &key))).unwrap_err().to_string();
            let shown = error.replace(&folder.path().display().to_string(), "DIR");
            assert!(shown.starts_with(expected), "{shown}");
        };
        check("`DIR/cert.pem` cannot be read: No such file");
        fs::write(&chain, "not PEM").unwrap();
        check("no certificate in `DIR/cert.pem`; expected PEM that begins with");
        let made = rcgen::generate_simple_self_signed(vec!["mta.example".to_owned()]).unwrap();
        fs::write(&chain, made.cert.pem()).unwrap();
        fs::write(&key, made.cert.pem()).unwrap();
        check("no private key in `DIR/key.pem`; expected PEM that begins with");
        fs::write(&key, vec![b' '; MAX_PEM as usize + 1]).unwrap();
        check("`DIR/key.pem` has `1048577` octets; expected at most `1048576`");
        assert!(matches!(server("bücher.example", None), Err(TlsError::Generate { .. })));
    }
}
