//! Live interfaces over libpcap: one handle to a worker and interface, joined in one fanout group.
//!
//! A set of handles is opened with their rings shut, joins its group, throws away what came before that, and only
//! then lets packets in: none is seen twice and none is missing from the accounts.
//!
//! CAPTURE_FILTER is compiled by libpcap for the interface's link type. The kernel takes the outermost VLAN tag off
//! before the filter sees a frame, so `udp port 53` also matches singly tagged frames; inner tags, tunnels and MPLS are
//! matched only where the expression says so (`vlan`, `mpls`, see pcap-filter(7)).

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ::packet::{Frame, LinkType, Micros};
use pcap::{Active, Capture, Device};

use super::{fanout, sys};
use crate::SensorError;

/// Packets read from a handle at once.
const BATCH: usize = 1024;
/// Longest time until a packet in a ring is handed over, milliseconds.
pub(crate) const MAX_POLL: u32 = 100;
/// Longest time to empty rings that nothing flows into any more; a busy kernel hands blocks over later than it should.
const DRAIN: Duration = Duration::from_millis(4 * MAX_POLL as u64);

/// How handles are opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) workers: usize,
    pub(crate) ring_bytes: usize,
    pub(crate) snap_length: u32,
    pub(crate) poll_milliseconds: u32,
    pub(crate) filter: Option<String>,
    /// Group of the first interface; each further one has the next.
    pub(crate) group: u16,
}

/// What the kernel counted for a handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KernelCounts {
    /// Passed the filter, those dropped included.
    pub(crate) received: u64,
    pub(crate) dropped: u64,
    /// By the interface itself, for all its handles.
    pub(crate) dropped_by_interface: u64,
}

/// One ring of one interface.
pub(crate) struct Handle {
    /// Number of the interface in the order they were opened.
    pub(crate) interface: usize,
    capture: Capture<Active>,
    link: LinkType,
    read: u64,
    /// What had come before the group was whole.
    before: KernelCounts,
    last: KernelCounts,
    /// When its interface went: the ring may still hold packets.
    gone: Option<Instant>,
}

impl Handle {
    /// Hands over up to a batch of frames; returns how many there were. Never waits.
    ///
    /// # Errors
    /// The interface is gone, and everything that was in the ring has been read.
    pub(crate) fn read(&mut self, mut take: impl FnMut(&Frame<'_>)) -> Result<usize, pcap::Error> {
        let link = self.link;
        let result = self.capture.dispatch(Some(BATCH), |packet| {
            let stamp = packet.header.ts;
            let time = Micros(stamp.tv_sec.saturating_mul(Micros::SECOND).saturating_add(stamp.tv_usec));
            take(&Frame { time, link, bytes: packet.data });
        });
        match result {
            Ok(n) => {
                self.read += n as u64;
                Ok(n)
            }
            Err(e) => {
                let gone = *self.gone.get_or_insert_with(Instant::now);
                if self.is_drained() || gone.elapsed() >= DRAIN { Err(e) } else { Ok(0) }
            }
        }
    }

    /// Whether its interface went, so that waiting for it makes no sense.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// What the kernel counted in the end; packets that did not come out of the ring count as dropped.
    pub(crate) fn last_counts(&mut self) -> KernelCounts {
        let mut counts = self.counts();
        counts.dropped = counts.dropped.max(counts.received.saturating_sub(self.read));
        counts
    }

    /// Whether a read filled its batch, so that more may wait.
    pub(crate) fn more(read: usize) -> bool {
        read >= BATCH
    }

    /// What the kernel counted since the handle was let open; the last known after the interface went.
    pub(crate) fn counts(&mut self) -> KernelCounts {
        if let Ok(stat) = self.capture.stats() {
            // libpcap's counters are 32 bits wide and run over.
            let grown = |before: u64, now: u32| before + u64::from(now.wrapping_sub(before as u32));
            self.last = KernelCounts {
                received: grown(self.last.received, stat.received),
                dropped: grown(self.last.dropped, stat.dropped),
                dropped_by_interface: grown(self.last.dropped_by_interface, stat.if_dropped),
            };
        }
        KernelCounts {
            received: self.last.received - self.before.received,
            dropped: self.last.dropped - self.before.dropped,
            dropped_by_interface: self.last.dropped_by_interface - self.before.dropped_by_interface,
        }
    }

    /// Lets nothing more into the ring.
    pub(crate) fn shut(&self) {
        // On an interface that is gone nothing comes anyway.
        let _ = sys::shut(self.capture.as_fd());
    }

    /// Whether everything the kernel counted was read.
    pub(crate) fn is_drained(&mut self) -> bool {
        let counts = self.counts();
        self.read >= counts.received - counts.dropped
    }

    pub(crate) fn socket(&self) -> std::os::fd::BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

/// Reads until the handles, which are shut, are empty.
pub(crate) fn drain(handles: &mut [Handle], mut take: impl FnMut(&Frame<'_>, usize)) {
    let end = Instant::now() + DRAIN;
    // A packet that was on its way when the rings were shut may still come: they must be found empty twice.
    let mut found_empty = 0;
    while found_empty < 2 && Instant::now() < end {
        let mut open = false;
        for handle in handles.iter_mut() {
            let interface = handle.interface;
            let read = handle.read(|frame| take(frame, interface));
            open |= read.is_ok_and(|n| n > 0 || !handle.is_drained());
        }
        found_empty = if open { 0 } else { found_empty + 1 };
        // The kernel hands over a block that is not full only when its time is over.
        sys::wait(&handles.iter().map(Handle::socket).collect::<Vec<_>>(), Duration::from_millis(2));
    }
}

/// Names of the interfaces that are up, loopback left out.
pub(crate) fn all_up() -> Vec<String> {
    let devices = Device::list().unwrap_or_default();
    let usable = |d: &Device| d.flags.is_up() && !d.flags.is_loopback() && sys::interface_index(&d.name) != 0;
    devices.into_iter().filter(usable).map(|d| d.name).collect()
}

fn failed(name: &str, what: impl std::fmt::Display) -> SensorError {
    SensorError::Interface { name: name.into(), what: what.to_string() }
}

fn missing(name: &str) -> SensorError {
    let mut names: Vec<String> = Device::list().unwrap_or_default().into_iter().map(|d| d.name).collect();
    names.retain(|n| sys::interface_index(n) != 0);
    failed(name, format!("there is no such interface; there are {}", names.join(", ")))
}

/// Opens an interface, one handle to a worker.
///
/// # Errors
/// It does not exist, may not be captured from, or the filter does not fit it.
pub(crate) fn open(name: &str, interface: usize, opening: &Opening) -> Result<Vec<Handle>, SensorError> {
    if sys::interface_index(name) == 0 {
        return Err(missing(name));
    }
    // What leaves a loopback arrives there as well, and libpcap hands it over once: the kernel is to count it once.
    let outgoing = !sys::is_loopback(name).is_ok_and(|is| is);
    let mut handles = Vec::new();
    for _ in 0..opening.workers {
        let capture = activate(name, opening)?;
        sys::shut(capture.as_fd()).map_err(|e| failed(name, e))?;
        if !outgoing {
            // A kernel that cannot tells of as many dropped packets.
            let _ = sys::ignore_outgoing(capture.as_fd());
        }
        let link = link_type(capture.get_datalink().0);
        let (before, last) = (KernelCounts::default(), KernelCounts::default());
        handles.push(Handle { interface, capture, link, read: 0, before, last, gone: None });
    }
    if opening.workers > 1 {
        let program = fanout::program();
        let group = opening.group.wrapping_add(interface as u16);
        for handle in &handles {
            sys::join_fanout(handle.socket(), group, &program, outgoing).map_err(|e| {
                failed(name, format!("cannot spread it over {} workers: {e}; set CAPTURE_WORKERS 1", opening.workers))
            })?;
        }
    }
    drain(&mut handles, |_, _| {});
    for handle in &mut handles {
        handle.counts();
        handle.before = handle.last;
        handle.read = 0;
        match &opening.filter {
            Some(filter) => handle
                .capture
                .filter(filter, true)
                .map_err(|e| SensorError::Filter { filter: filter.clone(), what: e.to_string() })?,
            None => sys::open_up(handle.socket()).map_err(|e| failed(name, e))?,
        }
    }
    Ok(handles)
}

fn activate(name: &str, opening: &Opening) -> Result<Capture<Active>, SensorError> {
    let ring = i32::try_from(opening.ring_bytes).unwrap_or(i32::MAX);
    let snap = i32::try_from(opening.snap_length).unwrap_or(i32::MAX);
    let poll = i32::try_from(opening.poll_milliseconds.clamp(1, MAX_POLL)).unwrap_or(1);
    let with = |promiscuous: bool| {
        let inactive = Capture::from_device(name)?;
        inactive.buffer_size(ring).snaplen(snap).timeout(poll).promisc(promiscuous).open()?.setnonblock()
    };
    // Some interfaces know no promiscuous mode; libpcap answers with a warning that the binding takes as a failure.
    with(true).or_else(|first| with(false).map_err(|_| first)).map_err(|e| {
        let text = e.to_string();
        let advice = if text.to_lowercase().contains("permi") {
            "; run as root or give the program CAP_NET_RAW: setcap cap_net_raw=ep /path/to/maltrail"
        } else {
            ""
        };
        failed(name, format!("{text}{advice}"))
    })
}

/// The link type of files for libpcap's number on this platform.
fn link_type(dlt: i32) -> LinkType {
    LinkType(match dlt {
        11 => 100,
        12 => 101,
        other => u16::try_from(other).unwrap_or(u16::MAX),
    })
}
