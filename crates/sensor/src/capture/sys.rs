//! The few calls to the kernel that neither the standard library nor libpcap wraps.
//!
//! This is the sensor's only unsafe code.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use libc::{c_int, c_void, sock_filter, sock_fprog, socklen_t};

fn set<T>(socket: BorrowedFd<'_>, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    let length = socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length are those of `value`, which outlives the call; the kernel only reads.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn set_program(socket: BorrowedFd<'_>, level: c_int, option: c_int, program: &[sock_filter]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // The kernel copies the instructions during the call and does not write to them.
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    set(socket, level, option, &program)
}

/// Has the socket join a fanout group whose members are chosen by `program`. `outgoing`: whether they see what leaves as
/// well; the same for all of a group.
pub(crate) fn join_fanout(
    socket: BorrowedFd<'_>,
    group: u16,
    program: &[sock_filter],
    outgoing: bool,
) -> io::Result<()> {
    let flags = if outgoing { 0 } else { libc::PACKET_FANOUT_FLAG_IGNORE_OUTGOING };
    let argument = u32::from(group) | ((libc::PACKET_FANOUT_CBPF | flags) << 16);
    set(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &argument)?;
    set_program(socket, libc::SOL_PACKET, libc::PACKET_FANOUT_DATA, program)
}

/// Lets no further packet into the socket's ring; what is there stays.
pub(crate) fn shut(socket: BorrowedFd<'_>) -> io::Result<()> {
    let nothing = sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 };
    set_program(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &[nothing])
}

/// Takes the filter of [`shut`] away.
pub(crate) fn open_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0i32)
}

/// Shows a socket that is in no fanout group only what arrives, from now on (Linux 4.20).
pub(crate) fn ignore_outgoing(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1i32)
}

/// Waits until one of the sockets has something to read, or the time is over.
pub(crate) fn wait(sockets: &[BorrowedFd<'_>], time: Duration) {
    let mut polled: Vec<libc::pollfd> =
        sockets.iter().map(|s| libc::pollfd { fd: s.as_raw_fd(), events: libc::POLLIN, revents: 0 }).collect();
    let milliseconds = c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: pointer and length are those of `polled`, which outlives the call. Every error (EINTR) only ends the
    // waiting early, which callers allow.
    unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, milliseconds) };
}

/// Waits until one of two descriptors has something to read, its end included, and says which.
pub(crate) fn wait_for_either(first: BorrowedFd<'_>, second: BorrowedFd<'_>) -> io::Result<[bool; 2]> {
    let mut polled = [first, second].map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    // SAFETY: pointer and length are those of `polled`, which outlives the call.
    let result = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
    if result >= 0 {
        return Ok(polled.map(|fd| fd.revents != 0));
    }
    match io::Error::last_os_error() {
        e if e.kind() == io::ErrorKind::Interrupted => Ok([false, false]),
        e => Err(e),
    }
}

/// Number of an interface, 0 if there is none of that name.
pub(crate) fn interface_index(name: &str) -> u32 {
    let Ok(name) = CString::new(name) else { return 0 };
    // SAFETY: a C string that outlives the call.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}

/// Whether an interface exists and is up.
pub(crate) fn interface_up(name: &str) -> io::Result<bool> {
    Ok(interface_flags(name)? & libc::IFF_UP != 0)
}

/// Whether an interface exists and leads to this machine itself.
pub(crate) fn is_loopback(name: &str) -> io::Result<bool> {
    Ok(interface_flags(name)? & libc::IFF_LOOPBACK != 0)
}

/// Flags of an interface, none where there is none of that name.
fn interface_flags(name: &str) -> io::Result<c_int> {
    let socket = UnixDatagram::unbound()?;
    // SAFETY: `ifreq` is plain data; all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= libc::IFNAMSIZ {
        return Ok(0);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    let argument: *mut c_void = (&raw mut request).cast();
    // SAFETY: SIOCGIFFLAGS reads the name, which ends in a zero as it is shorter than the array, and writes the flags
    // of the same structure, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, argument) };
    if result != 0 {
        return Ok(0);
    }
    // SAFETY: the call has set this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(flags.into())
}
