//! The intake over UDP: who may send, and from the socket to the queue.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::counters::{Counters, add};
use super::datagram;
use super::queue::{Chunk, Queue};
use super::socket::{self, Receiving};
use super::writer::{Writer, WriterSettings};
use crate::Settings;
use crate::store::EventStore;
use crate::store::record::{Clock, Window};

/// Bytes that may wait for the record. More are dropped and counted.
const MAX_QUEUED: usize = 64 << 20;
/// Bytes that go to the queue at once.
const CHUNK: usize = 256 << 10;
/// Longest time before they do.
const HOLD: Duration = Duration::from_millis(5);
/// Longest datagram.
const DATAGRAM: usize = 64 << 10;
/// Datagrams that are taken before the time is looked at again.
const BURST: usize = 512;
/// How often the kernel is asked what it dropped, while there is traffic.
const ASK: Duration = Duration::from_secs(1);
/// How often the same is logged.
const LOG: Duration = Duration::from_secs(60);

/// Why there is no intake.
#[derive(Debug, thiserror::Error)]
pub enum UdpError {
    /// Anybody could send.
    #[error("UDP_ADDRESS {0} can be reached from other machines: list in UDP_ALLOWLIST who may send")]
    Open(SocketAddr),
    /// No socket.
    #[error(
        "cannot receive at udp {address}: {source}; is another program using it? UDP_ADDRESS and UDP_PORT change it"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// A running intake.
pub struct Udp {
    address: SocketAddr,
    wake: Arc<OwnedFd>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Udp {
    /// Receives at `UDP_ADDRESS`; none where it is not set.
    ///
    /// # Errors
    /// Anybody could send, or there is no socket or thread.
    pub fn start(
        settings: &Settings,
        store: Arc<dyn EventStore>,
        counters: Arc<Counters>,
        clock: Clock,
    ) -> Result<Option<Udp>, UdpError> {
        let Some(address) = settings.udp else { return Ok(None) };
        if settings.udp_allowlist.is_empty() && !address.ip().to_canonical().is_loopback() {
            return Err(UdpError::Open(address));
        }
        let bind = |source| UdpError::Bind { address, source };
        let receiving = socket::open(address).map_err(bind)?;
        let address = receiving.socket.local_addr().map_err(bind)?;
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| UdpError::Thread(error.into()))?);
        let queue = Arc::new(Queue::new(MAX_QUEUED));
        let told = WriterSettings { zone: settings.zone.clone(), window: Window::of(settings), clock };
        let writer = Writer::new(told, store, Arc::clone(&queue), Arc::clone(&counters));
        let receiver = Receiver {
            receiving,
            allowed: settings.udp_allowlist.clone(),
            wake: Arc::clone(&wake),
            queue: Arc::clone(&queue),
            counters,
            chunk: Chunk::new(),
            since: None,
            asked: Instant::now(),
            refused: Told::default(),
            lost: Told::default(),
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.into()).spawn(run).map_err(UdpError::Thread)
        };
        let writing = spawn("intake-write", Box::new(move || writer.run()))?;
        let receiving = spawn("intake-receive", Box::new(move || receiver.run())).inspect_err(|_| queue.end())?;
        tracing::info!("receiving events at udp {address}");
        Ok(Some(Udp { address, wake, threads: Mutex::new(vec![receiving, writing]) }))
    }

    /// Where it receives.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes what the socket has received by now, and returns when that is written.
    pub fn stop(&self) {
        if let Err(error) = rustix::io::write(&self.wake, &1u64.to_ne_bytes()) {
            tracing::error!("the intake cannot be stopped: {error}");
            return;
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the intake ended by a fault");
            }
        }
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is logged at most once in a while.
#[derive(Default)]
struct Told {
    count: u64,
    last: Option<Instant>,
}

impl Told {
    /// So many more; gives how many there are to tell of now.
    fn more(&mut self, more: u64, now: Instant) -> Option<u64> {
        self.count += more;
        if self.count == 0 || self.last.is_some_and(|last| now.duration_since(last) < LOG) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

/// The thread that empties the socket. It waits for nothing else.
struct Receiver {
    receiving: Receiving,
    allowed: Vec<IpNet>,
    wake: Arc<OwnedFd>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    chunk: Chunk,
    /// Since when something stands in the chunk.
    since: Option<Instant>,
    /// When the kernel was asked for its drops.
    asked: Instant,
    refused: Told,
    lost: Told,
}

impl Receiver {
    fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM];
        let mut traffic = false;
        loop {
            let ended = self.wait(traffic);
            let left = if ended { self.receiving.buffer } else { usize::MAX };
            traffic |= self.receive(&mut buffer, left, ended);
            let now = Instant::now();
            if ended || self.since.is_some_and(|since| now.duration_since(since) >= HOLD) {
                self.hand_over(now);
            }
            if ended || now.duration_since(self.asked) >= ASK {
                traffic = false;
                self.ask(now);
            }
            if ended {
                self.queue.end();
                return;
            }
        }
    }

    /// Until there is something to receive or to do; whether it is the end.
    fn wait(&self, traffic: bool) -> bool {
        let left = |from: Instant, time: Duration| time.saturating_sub(from.elapsed());
        let time = match self.since {
            Some(since) => Some(left(since, HOLD)),
            None if traffic => Some(left(self.asked, ASK)),
            None => None,
        };
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        let mut fds = [
            PollFd::from_borrowed_fd(self.receiving.socket.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        // Interrupted by a signal: the next look shows what there is.
        let _ = poll(&mut fds, time.as_ref());
        let [_, wake] = fds;
        !wake.revents().is_empty()
    }

    /// Takes datagrams: what is there, a burst of it where it is not the end, or `left` bytes of it.
    fn receive(&mut self, buffer: &mut [u8], mut left: usize, ended: bool) -> bool {
        let mut taken = 0;
        while left > 0 && (ended || taken < BURST) {
            match self.receiving.socket.recv_from(buffer) {
                Ok((length, peer)) => {
                    taken += 1;
                    left = left.saturating_sub(length.max(1));
                    self.take(buffer.get(..length).unwrap_or_default(), peer.ip());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!("nothing could be received over UDP: {error}");
                    break;
                }
            }
        }
        taken > 0
    }

    fn take(&mut self, datagram: &[u8], peer: IpAddr) {
        let peer = peer.to_canonical();
        if !self.allowed.is_empty() && !self.allowed.iter().any(|net| net.contains(&peer)) {
            add(&self.counters.peers_refused, 1);
            if let Some(count) = self.refused.more(1, Instant::now()) {
                tracing::warn!(
                    "{count} datagrams of peers that are not in UDP_ALLOWLIST were refused, the last of {peer}"
                );
            }
            return;
        }
        add(&self.counters.datagrams, 1);
        if self.chunk.len() + datagram.len() >= CHUNK {
            self.hand_over(Instant::now());
        }
        if self.since.is_none() {
            self.since = Some(Instant::now());
            self.chunk.reserve(CHUNK);
        }
        self.chunk.extend_from_slice(datagram);
        self.chunk.push(b'\n');
    }

    fn hand_over(&mut self, now: Instant) {
        self.since = None;
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() {
            return;
        }
        match self.queue.put(chunk) {
            Ok(()) => self.counters.queued_bytes.store(self.queue.bytes() as u64, Relaxed),
            Err(chunk) => {
                let events = datagram::lines(&chunk).count() as u64;
                add(&self.counters.dropped_queue, events);
                self.tell_lost(events, now);
            }
        }
    }

    /// Asks the kernel what it dropped.
    fn ask(&mut self, now: Instant) {
        self.asked = now;
        if let Some(dropped) = self.receiving.dropped() {
            let before = self.counters.dropped_kernel.swap(dropped, Relaxed);
            self.tell_lost(dropped.saturating_sub(before), now);
        }
    }

    fn tell_lost(&mut self, more: u64, now: Instant) {
        if let Some(count) = self.lost.more(more, now) {
            tracing::warn!(
                "{count} datagrams or events over UDP were lost: the record is too slow, or the receive buffer \
                 ({} bytes, sysctl net.core.rmem_max) too small; batches over HTTPS are never lost",
                self.receiving.buffer
            );
        }
    }
}
