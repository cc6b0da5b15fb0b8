//! Addresses, requests and keys as detectors look at them.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::sightings::{bits, fold};

/// Whether the address is of one's own network: private, link-local or loopback (RFC 1918, 3927, 4193, 6598).
pub(super) fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || a == 100 && (64..128).contains(&b)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            v6.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

/// Whether a packet to the address goes to many.
pub(super) fn is_group(address: IpAddr) -> bool {
    match address {
        // The last address of most networks is that of all.
        IpAddr::V4(v4) => v4.is_multicast() || v4.octets()[3] == 255,
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

/// Whether the head of a request or response is there to its end.
pub(super) fn is_whole(head: &[u8]) -> bool {
    head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")
}

/// Makes hashes of a secret seed, the same on every worker.
#[derive(Clone)]
pub(super) struct Keys {
    seeds: [u64; 4],
    state: FixedState,
}

impl Keys {
    pub(super) fn new(seed: u64) -> Keys {
        let state = FixedState::with_seed(seed);
        Keys { seeds: [5u8, 6, 7, 8].map(|number| state.hash_one(number)), state }
    }

    /// Of an address.
    #[inline(always)]
    pub(super) fn address(&self, address: IpAddr) -> u64 {
        let [upper, lower] = bits(address);
        fold(upper ^ self.seeds[0], lower ^ self.seeds[1])
    }

    /// Of two addresses, the order of which matters.
    #[inline(always)]
    pub(super) fn pair(&self, src: IpAddr, dst: IpAddr) -> u64 {
        fold(self.address(src) ^ self.seeds[2], self.address(dst) ^ self.seeds[3])
    }

    /// Of a hash and a number.
    #[inline(always)]
    pub(super) fn with(&self, key: u64, number: u64) -> u64 {
        fold(key ^ self.seeds[2], number ^ self.seeds[1])
    }

    /// Of a text.
    #[inline]
    pub(super) fn text(&self, text: &[u8]) -> u64 {
        self.state.hash_one(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        let all = |texts: &str, is: fn(IpAddr) -> bool| texts.split(' ').all(|text| is(text.parse().unwrap()));
        assert!(all("10.0.0.1 172.31.9.9 192.168.1.1 127.0.0.1 169.254.3.4 100.64.0.1 fd00::1 fe80::1 ::1", is_local));
        assert!(all("11.0.0.1 172.32.9.9 100.128.0.1 8.8.8.8 2001:db8::1 fec0::1", |a| !is_local(a)));
        assert!(all("224.0.0.251 255.255.255.255 10.0.0.255 ff02::fb", is_group));
        assert!(all("10.0.0.254 2001:db8::ff", |a| !is_group(a)));
    }

    #[test]
    fn keys_depend_on_every_part() {
        let keys = Keys::new(1);
        let [a, b]: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_ne!(keys.pair(a, b), keys.pair(b, a));
        assert_ne!(keys.pair(a, b), Keys::new(2).pair(a, b));
        assert_ne!(keys.with(1, 2), keys.with(2, 1));
    }
}
