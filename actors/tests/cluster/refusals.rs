//! Brokers that are not there, and brokers that refuse us.

use std::time::{Duration, Instant};

use msvpu_actors::{BrokerError, Node, NodeList, StartError, VirtualMachine};

use crate::broker::shared;
use crate::support::{Cluster, soon};
use crate::work::Work;

const SECRET: &str = "s3cret-w0rd";

/// The shared broker's URL with another user and another virtual host.
fn url(user: Option<&str>, vhost: Option<&str>) -> String {
    let shared = shared();
    let (scheme, rest) = shared.split_once("://").unwrap();
    let (known, place) = rest.rsplit_once('@').unwrap();
    let (host, known_vhost) = place.split_once('/').unwrap_or((place, "%2f"));
    let (user, vhost) = (user.unwrap_or(known), vhost.unwrap_or(known_vhost));
    format!("{scheme}://{user}@{host}/{vhost}")
}

/// A port of this host at which nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn broker_error(error: StartError) -> BrokerError {
    let StartError::Broker(error) = error else {
        panic!("{error:?}");
    };
    let (debug, text) = (format!("{error:?}"), error.to_string());
    for text in [debug, text] {
        assert!(!text.contains(SECRET), "{text}");
    }
    error
}

/// What a node, a head and who asks for the nodes are told there; how long each waits.
async fn told(url: &str, limit: Option<Duration>) -> Vec<(BrokerError, Duration)> {
    let limit = limit.unwrap_or(Duration::from_secs(3600));
    let mut told = Vec::new();
    let began = Instant::now();
    let node = Node::join(url).vm("refused").cpus(1).service::<Work>();
    let error = soon(node.connect_timeout(limit).start()).await.unwrap_err();
    told.push((broker_error(error), began.elapsed()));
    let began = Instant::now();
    let head = VirtualMachine::cluster(url).vm("refused").workers(1);
    let error = soon(head.connect_timeout(limit).start()).await.unwrap_err();
    told.push((broker_error(error), began.elapsed()));
    let began = Instant::now();
    let list = NodeList::at(url).vm("refused").connect_timeout(limit);
    let error = soon(list.get()).await.unwrap_err();
    told.push((broker_error(error), began.elapsed()));
    told
}

const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_broker_that_is_never_there_is_named_without_the_password() {
    let host = nowhere();
    let url = format!("amqp://me:{SECRET}@{host}/%2f");
    let limit = Duration::from_millis(700);
    for (error, took) in told(&url, Some(limit)).await {
        let BrokerError::Unreachable { broker, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(broker.contains(&host), "{broker}");
        assert!(!error.is_final());
        assert!(took >= limit, "it went on trying: {took:?}");
        assert!(took < limit + AT_ONCE, "{took:?}");
    }
}

/// As a broker does that takes connections before it is up, and what is between us and one.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_up_before_it_speaks_tls_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    let accepting = std::thread::spawn(move || {
        let mut accepted = 0;
        for client in listener.incoming() {
            if is_over.try_recv().is_ok() {
                return accepted;
            }
            accepted += usize::from(client.is_ok());
        }
        accepted
    });
    let url = format!("amqps://me:{SECRET}@{host}/%2f");
    let limit = Duration::from_millis(700);
    for (error, took) in told(&url, Some(limit)).await {
        assert!(
            matches!(error, BrokerError::Unreachable { .. }),
            "{error:?}"
        );
        assert!(took >= limit, "it went on trying: {took:?}");
    }
    over.send(()).unwrap();
    drop(std::net::TcpStream::connect(&host));
    assert!(accepting.join().unwrap() > 9, "three each, and again");
}

#[tokio::test]
async fn a_wrong_password_fails_at_once() {
    for user in [format!("guest:{SECRET}"), format!("nobody:{SECRET}")] {
        for (error, took) in told(&url(Some(&user), None), None).await {
            assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
            assert!(error.is_final());
            assert!(took < AT_ONCE, "{took:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_virtual_host_fails_at_once_and_is_named() {
    for (error, took) in told(&url(None, Some("no-such-host")), None).await {
        assert!(
            matches!(error, BrokerError::VirtualHost { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("no-such-host"), "{error}");
        assert!(took < AT_ONCE, "{took:?}");
    }
}

#[tokio::test]
async fn urls_and_names_that_will_not_do_are_refused_with_what_would_be_right() {
    let wrong = [
        "",
        "rabbit",
        "http://h/",
        "amqp://",
        "amqp:///vhost",
        "amqp://u:s3cret-w0rd@",
        "amqp://u:s3cret-w0rd@:5672/%2f",
        "amqp:// /",
        "amqp://u:s3cret-w0rd@h:99999",
        "amqp://u:s3cret-w0rd@h/?heartbeat=often",
    ];
    for url in wrong {
        let node = Node::join(url).cpus(1).connect_timeout(AT_ONCE);
        let error = broker_error(soon(node.start()).await.unwrap_err());
        let BrokerError::Url(_) = &error else {
            panic!("{url}: {error:?}");
        };
        assert!(error.to_string().contains("amqp://user:password@host"));
    }
    let url = format!("amqp://u:{SECRET}@h");
    let head = VirtualMachine::cluster(shared()).vm(url).workers(1);
    broker_error(soon(head.start()).await.unwrap_err());
    for name in ["", "a.b", "a b", "ä", &"x".repeat(65)] {
        let head = VirtualMachine::cluster(shared()).vm(name).workers(1);
        let error = broker_error(soon(head.start()).await.unwrap_err());
        assert_eq!(error, BrokerError::Name(name.to_owned()));
    }
}

#[tokio::test]
async fn whoever_does_not_wait_for_the_start_leaves_nothing() {
    let cluster = Cluster::new("abandoned");
    for limit in [0, 1, 5, 20, 100] {
        let limit = Duration::from_millis(limit);
        // Some are dropped while they connect, and some after that.
        drop(tokio::time::timeout(limit, cluster.head().start()).await);
        drop(tokio::time::timeout(limit, cluster.node("abandoned").start()).await);
    }
    soon(cluster.assert_gone()).await;
    // The name is free again: no abandoned head holds it.
    let head = soon(cluster.head().start()).await.unwrap();
    cluster.end(head, []).await;
}
