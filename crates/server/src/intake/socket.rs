//! The socket of the intake: its receive buffer, and what the kernel drops.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

use rustix::net::sockopt;
use socket2::{Domain, Protocol, Socket, Type};

/// Bytes of the receive buffer that are asked for: about a second of fifty thousand datagrams.
const WANTED: usize = 64 << 20;

/// Where the kernel tells what it dropped (proc(5)).
const TABLES: [&str; 2] = ["/proc/self/net/udp", "/proc/self/net/udp6"];

/// A socket that receives, and the bytes of its buffer.
pub(super) struct Receiving {
    pub(super) socket: UdpSocket,
    pub(super) buffer: usize,
    inode: u64,
}

/// Opens it.
pub(super) fn open(address: SocketAddr) -> io::Result<Receiving> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.ip().is_unspecified() && address.is_ipv6() {
        // Peers of IPv4 too.
        socket.set_only_v6(false)?;
    }
    let buffer = widen(&socket)?;
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    let inode = rustix::fs::fstat(&socket)?.st_ino;
    Ok(Receiving { socket: socket.into(), buffer, inode })
}

/// Raises the receive buffer as far as it goes; gives what was granted.
fn widen(socket: &Socket) -> io::Result<usize> {
    let fd = socket.as_fd();
    // Only some may go over the system's limit; others get as much as that allows.
    if sockopt::set_socket_recv_buffer_size_force(fd, WANTED).is_err() {
        sockopt::set_socket_recv_buffer_size(fd, WANTED)?;
    }
    // Linux tells twice what was asked for: the rest is its bookkeeping (socket(7)).
    let granted = sockopt::socket_recv_buffer_size(fd)? / 2;
    if granted < WANTED {
        tracing::warn!(
            "the receive buffer of UDP has {granted} bytes of {WANTED}; so that bursts are not lost: \
             sysctl -w net.core.rmem_max={WANTED}"
        );
    }
    Ok(granted)
}

impl Receiving {
    /// Datagrams that the kernel dropped so far; none where it does not tell.
    pub(super) fn dropped(&self) -> Option<u64> {
        TABLES.iter().find_map(|table| dropped(&std::fs::read_to_string(table).ok()?, self.inode))
    }
}

/// The drops of a socket in the kernel's table: the last column of its row.
fn dropped(table: &str, inode: u64) -> Option<u64> {
    let row = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        (columns.nth(9)?.parse::<u64>().ok()? == inode).then(|| columns.last()?.parse().ok())?
    };
    table.lines().skip(1).find_map(row)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn drops_of_the_table() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1012: 0100007F:2091 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
            1013: 0100007F:2092 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 37\n";
        assert_eq!(dropped(table, 4711), Some(0));
        assert_eq!(dropped(table, 4712), Some(37));
        assert_eq!(dropped(table, 4713), None);
        assert_eq!(dropped("", 1), None);
    }

    #[test]
    fn the_kernel_tells_what_it_dropped() {
        let receiving = open("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(receiving.dropped(), Some(0));
        assert!(receiving.buffer > 100_000);
        // A buffer that holds a datagram or two.
        sockopt::set_socket_recv_buffer_size(&receiving.socket, 1).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..100 {
            sender.send_to(&[b'x'; 1000], receiving.socket.local_addr().unwrap()).unwrap();
        }
        assert!(receiving.dropped().unwrap() > 50);
    }
}
