//! Which worker gets a packet: a program for the kernel, by address pair.
//!
//! Both directions and all fragments of two hosts go to one socket. The formula is that of
//! [`packet::decode::pair_hash`], applied to what the kernel has made of the frame: it strips the outer VLAN tag, and
//! `SKF_NET_OFF` counts from behind the link header on the way in and out alike.

use libc::sock_filter;

const NET: u32 = libc::SKF_NET_OFF.cast_unsigned();
const PROTOCOL: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PROTOCOL).cast_unsigned();

/// Tags that may stand between the stripped one and the IP header.
const INNER_TAGS: usize = 2;
const TAG_TYPES: [u32; 3] = [0x8100, 0x88a8, 0x9100];
const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;

// Scratch memory: the folded addresses, the offset of the IP header, a protocol.
const FOLDED: u32 = 0;
const OFFSET: u32 = 1;
const KEPT: u32 = 2;

const LD_W_ABS: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const LD_W_IND: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_IND;
const LD_H_IND: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_IND;
const LD_IMM: u32 = libc::BPF_LD | libc::BPF_IMM;
const LD_MEM: u32 = libc::BPF_LD | libc::BPF_MEM;
const LDX_MEM: u32 = libc::BPF_LDX | libc::BPF_W | libc::BPF_MEM;
const ST: u32 = libc::BPF_ST;
const JEQ: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JA: u32 = libc::BPF_JMP | libc::BPF_JA;
const ADD: u32 = libc::BPF_ALU | libc::BPF_ADD | libc::BPF_K;
const MUL: u32 = libc::BPF_ALU | libc::BPF_MUL | libc::BPF_K;
const RSH: u32 = libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K;
const XOR_X: u32 = libc::BPF_ALU | libc::BPF_XOR | libc::BPF_X;
const TAX: u32 = libc::BPF_MISC | libc::BPF_TAX;
const RET_A: u32 = libc::BPF_RET | libc::BPF_A;
const RET_K: u32 = libc::BPF_RET | libc::BPF_K;

fn op(code: u32, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn jump(value: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: JEQ as u16, jt, jf, k: value }
}

/// The program. Its result, modulo the number of sockets, is the number of the socket.
pub(crate) fn program() -> Vec<sock_filter> {
    let mut out = vec![op(LD_IMM, 0), op(ST, OFFSET), op(LD_W_ABS, PROTOCOL)];
    for _ in 0..INNER_TAGS {
        skip_tag(&mut out);
    }
    let v4 = words(12, 2);
    let v6 = words(8, 8);
    // A holds the protocol: jump over the return and, for IPv6, over the part of IPv4 and its jump to the end.
    out.push(jump(IPV4, 3, 0));
    out.push(jump(IPV6, 1, 0));
    out.push(op(RET_K, 0));
    out.push(op(JA, v4.len() as u32 + 1));
    let to_end = v6.len() as u32;
    out.extend(v4);
    out.push(op(JA, to_end));
    out.extend(v6);
    out.push(op(LD_MEM, FOLDED));
    for (shift, factor) in [(16, Some(0x85eb_ca6b)), (13, Some(0xc2b2_ae35)), (16, None)] {
        out.extend([op(TAX, 0), op(RSH, shift), op(XOR_X, 0)]);
        out.extend(factor.map(|factor| op(MUL, factor)));
    }
    out.push(op(RET_A, 0));
    out
}

/// Where A is a tag's type: A becomes the type behind it, the offset four more.
fn skip_tag(out: &mut Vec<sock_filter>) {
    let [first, second, third] = TAG_TYPES;
    out.extend([
        jump(first, 2, 0),
        jump(second, 1, 0),
        jump(third, 0, 7),
        op(LDX_MEM, OFFSET),
        op(LD_H_IND, NET + 2),
        op(ST, KEPT),
        op(LD_MEM, OFFSET),
        op(ADD, 4),
        op(ST, OFFSET),
        op(LD_MEM, KEPT),
    ]);
}

/// Folds words of the IP header from a byte of it on.
fn words(from: u32, count: u32) -> Vec<sock_filter> {
    let mut out = vec![op(LD_IMM, 0), op(ST, FOLDED)];
    for number in 0..count {
        let at = NET + from + number * 4;
        out.extend([op(LDX_MEM, OFFSET), op(LD_W_IND, at), op(LDX_MEM, FOLDED), op(XOR_X, 0), op(ST, FOLDED)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use ::packet::decode::pair_hash;
    use ::packet::{Frame, LinkType, Micros};

    use super::*;

    /// What the kernel makes of a frame: the outer tag stripped, the protocol, the bytes behind the link header.
    fn as_kernel(frame: &[u8]) -> (u32, Vec<u8>) {
        let half = |at: usize| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
        if TAG_TYPES.contains(&half(12)) { (half(16), frame[18..].to_vec()) } else { (half(12), frame[14..].to_vec()) }
    }

    /// Runs the program as the kernel does; a load past the end returns 0.
    fn run(protocol: u32, net: &[u8]) -> u32 {
        let program = program();
        let (mut a, mut x, mut m, mut pc) = (0u32, 0u32, [0u32; 16], 0usize);
        let load = |at: u32, n: usize| -> Option<u32> {
            let at = at.wrapping_sub(NET) as usize;
            Some(net.get(at..at + n)?.iter().fold(0, |v, b| v << 8 | u32::from(*b)))
        };
        loop {
            let i = program[pc];
            pc += 1;
            match u32::from(i.code) {
                LD_W_ABS => {
                    assert_eq!(i.k, PROTOCOL);
                    a = protocol;
                }
                LD_W_IND | LD_H_IND => {
                    let n = if u32::from(i.code) == LD_W_IND { 4 } else { 2 };
                    match load(i.k.wrapping_add(x), n) {
                        Some(value) => a = value,
                        None => return 0,
                    }
                }
                LD_IMM => a = i.k,
                LD_MEM => a = m[i.k as usize],
                LDX_MEM => x = m[i.k as usize],
                ST => m[i.k as usize] = a,
                JEQ => pc += usize::from(if a == i.k { i.jt } else { i.jf }),
                JA => pc += i.k as usize,
                ADD => a = a.wrapping_add(i.k),
                MUL => a = a.wrapping_mul(i.k),
                RSH => a >>= i.k,
                XOR_X => a ^= x,
                TAX => x = a,
                RET_A => return a,
                RET_K => return i.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    fn frame(tags: &[u16], v6: bool, n: u8, swap: bool) -> Vec<u8> {
        let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        for tag in tags {
            out.extend(tag.to_be_bytes());
            out.extend([0, n]);
        }
        let (a, b): (Vec<u8>, Vec<u8>) = if v6 {
            ((0..16).map(|i| i ^ n).collect(), (0..16).map(|i| i * 7 + 1 + n / 3).collect())
        } else {
            (vec![10, 0, n, 1], vec![192, 168, 7, n / 2])
        };
        let (src, dst) = if swap { (b, a) } else { (a, b) };
        if v6 {
            out.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64]);
        } else {
            out.extend([8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
        }
        out.extend([src, dst].concat());
        out.extend([0; 8]);
        out
    }

    #[test]
    fn kernel_and_replay_choose_alike() {
        let mut seen = std::collections::HashSet::new();
        for tags in [&[][..], &[0x8100], &[0x88a8, 0x8100], &[0x9100, 0x88a8, 0x8100]] {
            for v6 in [false, true] {
                for n in 0..=255u8 {
                    let there = frame(tags, v6, n, false);
                    let back = frame(tags, v6, n, true);
                    let run = |bytes: &[u8]| {
                        let (protocol, net) = as_kernel(bytes);
                        run(protocol, &net)
                    };
                    let expected = pair_hash(&Frame { time: Micros(0), link: LinkType(1), bytes: &there });
                    assert_eq!(run(&there), expected, "{tags:x?} {v6} {n}");
                    assert_eq!(run(&back), expected, "both directions");
                    seen.insert(expected);
                }
            }
        }
        assert!(seen.len() > 300, "{} different hashes", seen.len());
        let low = seen.iter().filter(|h| **h % 2 == 0).count();
        assert!((seen.len() / 3..seen.len() * 2 / 3).contains(&low), "spread evenly: {low} of {}", seen.len());
    }

    #[test]
    fn other_and_short_packets_go_to_the_first() {
        assert_eq!(run(0x0806, &[0; 28]), 0);
        assert_eq!(run(0x0800, &[0x45; 15]), 0);
        assert_eq!(run(0x8100, &[0]), 0);
    }
}
