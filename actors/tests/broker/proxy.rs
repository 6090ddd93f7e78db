//! A way to a broker that a test can slow down, hold up and cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, spawn};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the broker.
    Up,
    /// To the client.
    Down,
}

/// What is done with the bytes that pass. Each way of each connection has a thread, which may be held up.
pub(crate) trait Rule: Send + Sync + 'static {
    /// They have come, and are about to be passed on.
    fn before(&self, _: &Arc<Passage>, _: Way, _: &[u8]) {}

    /// They were passed on.
    fn after(&self, _: &Arc<Passage>, _: Way, _: &[u8]) {}
}

/// One connection.
pub(crate) struct Passage {
    client: TcpStream,
    broker: TcpStream,
    /// The first bytes of the client: in them stands what it calls the connection.
    first: Mutex<Vec<u8>>,
    left: Valve,
}

impl Passage {
    /// Whether the client has called the connection so.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        contains(&self.first.lock().unwrap(), name.as_bytes())
    }

    /// Lets the client see the end of the connection, and waits until it has taken notice.
    pub(crate) fn cut(&self) {
        self.client.shutdown(Shutdown::Write).unwrap();
        self.left.pass();
    }

    fn end(&self) {
        for stream in [&self.client, &self.broker] {
            // One that has ended already is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.left.open();
    }
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Lets pass, or holds up whoever comes.
#[derive(Default)]
pub(crate) struct Valve {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Valve {
    pub(crate) fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub(crate) fn close(&self) {
        *self.is_open.lock().unwrap() = false;
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        drop(
            self.opened
                .wait_while(is_open, |is_open| !*is_open)
                .unwrap(),
        );
    }
}

/// Takes connections for a broker. When it is dropped, all of them end.
pub(crate) struct Proxy {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    broker: String,
    rule: Box<dyn Rule>,
    passages: Mutex<Vec<Arc<Passage>>>,
    is_over: AtomicBool,
    /// Whether whoever comes is sent away.
    refuses: AtomicBool,
}

impl Proxy {
    /// Before the broker of that URL.
    pub(crate) fn before(url: &str, rule: impl Rule) -> Self {
        let (begin, place) = url.rsplit_once('@').unwrap();
        let (broker, vhost) = place.split_once('/').unwrap_or((place, "%2f"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            broker: match broker.contains(':') {
                true => broker.to_owned(),
                false => format!("{broker}:5672"),
            },
            rule: Box::new(rule),
            passages: Mutex::default(),
            is_over: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
        });
        let accepting = spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self {
            url: format!("{begin}@{address}/{vhost}"),
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// The broker's URL, by this way.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends all connections, and lets no more come until it is told to.
    pub(crate) fn shut(&self) {
        self.shared.refuses.store(true, Ordering::SeqCst);
        for passage in self.shared.passages.lock().unwrap().drain(..) {
            passage.end();
        }
    }

    pub(crate) fn open(&self) {
        self.shared.refuses.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shut();
        // Wakes who accepts.
        drop(TcpStream::connect(self.address));
        self.accepting.take().unwrap().join().unwrap();
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                break;
            }
            let Ok(client) = client else {
                continue;
            };
            let mut passages = self.passages.lock().unwrap();
            // A broker that is not there is not reached through us either.
            let Ok(broker) = TcpStream::connect(&self.broker) else {
                continue;
            };
            if self.refuses.load(Ordering::SeqCst) {
                continue;
            }
            for stream in [&client, &broker] {
                stream.set_nodelay(true).unwrap();
            }
            let passage = Arc::new(Passage {
                client,
                broker,
                first: Mutex::default(),
                left: Valve::default(),
            });
            passages.push(Arc::clone(&passage));
            for way in [Way::Up, Way::Down] {
                let (shared, passage) = (Arc::clone(self), Arc::clone(&passage));
                // It ends with its connection.
                spawn(move || {
                    shared.pump(&passage, way);
                    passage.end();
                });
            }
        }
    }

    fn pump(&self, passage: &Arc<Passage>, way: Way) {
        let (mut from, mut to) = match way {
            Way::Up => (&passage.client, &passage.broker),
            Way::Down => (&passage.broker, &passage.client),
        };
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..count];
            if way == Way::Up {
                let mut first = passage.first.lock().unwrap();
                if first.len() < 4096 {
                    first.extend(bytes);
                }
            }
            self.rule.before(passage, way, bytes);
            if to.write_all(bytes).is_err() {
                return;
            }
            self.rule.after(passage, way, bytes);
        }
    }
}
