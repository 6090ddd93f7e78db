//! Brokers that speak TLS, with certificates that are made here.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use msvpu::{ClusterBuilder, Tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::broker::PrivateBroker;
use crate::jobs::{assert_equal, iterations, noise, outcome};
use crate::process::{Machine, Process, computing, soon};
use crate::refusals::assert_told;

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate and its key, in PEM.
    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> [String; 2] {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.insert_extended_key_usage(purpose);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        [certificate.pem(), key.serialize_pem()]
    }
}

/// The files of a broker and of its clients.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| std::fs::write(files.path(name), text).unwrap();
        let (ours, other) = (Authority::new("ours"), Authority::new("other"));
        let server = ours.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let client = ours.sign("node", ExtendedKeyUsagePurpose::ClientAuth);
        let stranger = other.sign("node", ExtendedKeyUsagePurpose::ClientAuth);
        write("ca.pem", &ours.0.pem());
        write("other-ca.pem", &other.0.pem());
        for (name, [certificate, key]) in [
            ("server", server),
            ("client", client),
            ("stranger", stranger),
        ] {
            write(&format!("{name}.pem"), &certificate);
            write(&format!("{name}.key"), &key);
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Options of a command that trusts this authority, and shows the certificate of that name.
    fn options(&self, authority: &str, identity: Option<&str>) -> Vec<String> {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let mut options = vec!["--tls-ca".to_owned(), path(authority)];
        if let Some(name) = identity {
            options.extend(["--tls-cert".to_owned(), path(&format!("{name}.pem"))]);
            options.extend(["--tls-key".to_owned(), path(&format!("{name}.key"))]);
        }
        options
    }

    /// The same for a machine that is embedded.
    fn tls(&self, identity: Option<&str>) -> Tls {
        let read = |name: String| std::fs::read(self.path(&name)).unwrap();
        Tls {
            authorities: Some(String::from_utf8(read("ca.pem".to_owned())).unwrap()),
            identity: identity
                .map(|name| (read(format!("{name}.pem")), read(format!("{name}.key")))),
        }
    }
}

/// A head here and a node process give what one process gives.
async fn compute(machine: &Machine, files: &Files, identity: Option<&str>) {
    let mut node = machine.node_command("secure");
    node.args(files.options("ca.pem", identity));
    let node = Process::start(node.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let head: ClusterBuilder = machine.head().tls(files.tls(identity));
    let head = soon(head.start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let job = head.submit(iterations(3), noise()).await.unwrap();
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, iterations(3), noise()).await;
    soon(head.shutdown()).await;
    drop(node);
}

/// Each verb is refused at once, with one line that has these words.
#[track_caller]
fn assert_refused(url: &str, options: &[String], words: &[&str]) {
    let mut all = vec!["--broker", url];
    all.extend(options.iter().map(String::as_str));
    let (host, _) = url.rsplit_once('/').unwrap();
    let (_, host) = host.rsplit_once('@').unwrap();
    let words = [&["no secure connection", host], words].concat();
    assert_told(&all, 2, &words);
}

#[tokio::test]
async fn a_broker_behind_tls_is_trusted_by_its_authority_and_by_no_other() {
    let files = Files::new();
    let broker = PrivateBroker::start_with_tls(files.folder(), false);
    let machine = Machine::on(&broker.tls_url(), "tls");
    compute(&machine, &files, None).await;

    let url = broker.tls_url();
    assert_refused(&url, &files.options("other-ca.pem", None), &["certificate"]);
    assert_refused(&url, &[], &["certificate"]);
    // The certificate is one of another host.
    let elsewhere = url.replace("localhost", "127.0.0.1");
    assert_refused(&elsewhere, &files.options("ca.pem", None), &["certificate"]);
    assert_eq!(broker.queues(), [""; 0]);
}

#[tokio::test]
async fn a_broker_that_wants_certificates_takes_those_of_its_authority_only() {
    let files = Files::new();
    let broker = PrivateBroker::start_with_tls(files.folder(), true);
    let machine = Machine::on(&broker.tls_url(), "tls-clients");
    compute(&machine, &files, Some("client")).await;

    let url = broker.tls_url();
    assert_refused(
        &url,
        &files.options("ca.pem", None),
        &["CertificateRequired"],
    );
    let stranger = files.options("ca.pem", Some("stranger"));
    assert_refused(&url, &stranger, &[]);
    assert_eq!(broker.queues(), [""; 0]);
}
