//! SHA-256's compression function (FIPS 180-4 section 6.2) for the many short messages that key derivation hashes.
//!
//! Where the processor has instructions for it, the `sha2` crate's is used. Elsewhere this one takes a fifth fewer
//! instructions, and blocks that are always the same (labels) have their message schedule ready.

use sha2::block_api::compress256;

/// The initial hash value (section 5.3.3).
pub(super) const START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// Section 4.2.2.
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// A block that is hashed again and again.
pub(super) struct Prepared {
    block: [u8; 64],
    schedule: [u32; 64],
}

impl Prepared {
    pub(super) fn new(block: [u8; 64]) -> Self {
        Prepared { block, schedule: schedule(&block) }
    }
}

/// How to compress on this processor.
#[derive(Clone, Copy)]
pub(super) struct Compression {
    pub(super) hardware: bool,
}

impl Compression {
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        let hardware = std::is_x86_feature_detected!("sha");
        #[cfg(target_arch = "aarch64")]
        let hardware = std::arch::is_aarch64_feature_detected!("sha2");
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let hardware = false;
        Compression { hardware }
    }

    pub(super) fn block(self, state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
        if self.hardware { hardware(state, block) } else { rounds(state, &schedule(block)) }
    }

    pub(super) fn prepared(self, state: [u32; 8], block: &Prepared) -> [u32; 8] {
        if self.hardware { hardware(state, &block.block) } else { rounds(state, &block.schedule) }
    }
}

fn hardware(mut state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
    compress256(&mut state, std::slice::from_ref(block));
    state
}

/// The message schedule, its constants added.
#[allow(clippy::indexing_slicing, reason = "indices are constants below the arrays' lengths")]
fn schedule(block: &[u8; 64]) -> [u32; 64] {
    let mut w = [0u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut word = |i: usize| {
        let (x, y) = (w[i - 15], w[i - 2]);
        // Rotations within one another are the sums of the standard's, with fewer moves.
        let sigma0 = (x.rotate_right(11) ^ x).rotate_right(7) ^ x >> 3;
        let sigma1 = (y.rotate_right(2) ^ y).rotate_right(17) ^ y >> 10;
        w[i] = w[i - 16].wrapping_add(sigma0).wrapping_add(w[i - 7]).wrapping_add(sigma1);
    };
    for i in 4..16 {
        word(4 * i);
        word(4 * i + 1);
        word(4 * i + 2);
        word(4 * i + 3);
    }
    for (word, constant) in w.iter_mut().zip(K) {
        *word = word.wrapping_add(constant);
    }
    w
}

fn rounds(state: [u32; 8], schedule: &[u32; 64]) -> [u32; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut differed = b ^ c;
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident $word:expr) => {
            let sigma1 = (($e.rotate_right(14) ^ $e).rotate_right(5) ^ $e).rotate_right(6);
            let choice = ($f ^ $g) & $e ^ $g;
            $h = $h.wrapping_add(*$word).wrapping_add(choice).wrapping_add(sigma1);
            $d = $d.wrapping_add($h);
            let sigma0 = (($a.rotate_right(9) ^ $a).rotate_right(11) ^ $a).rotate_right(2);
            // The next round's b and c are this one's a and b.
            let differ = $a ^ $b;
            let majority = differ & differed ^ $b;
            differed = differ;
            $h = $h.wrapping_add(sigma0).wrapping_add(majority);
        };
    }
    for [w0, w1, w2, w3, w4, w5, w6, w7] in schedule.as_chunks::<8>().0 {
        round!(a b c d e f g h w0);
        round!(h a b c d e f g w1);
        round!(g h a b c d e f w2);
        round!(f g h a b c d e w3);
        round!(e f g h a b c d w4);
        round!(d e f g h a b c w5);
        round!(c d e f g h a b w6);
        round!(b c d e f g h a w7);
    }
    let mut after = [a, b, c, d, e, f, g, h];
    for (to, from) in after.iter_mut().zip(state) {
        *to = to.wrapping_add(from);
    }
    after
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Compression, Prepared, hardware};

    proptest! {
        #[test]
        fn agrees_with_sha2(state: [u32; 8], block: [[u8; 32]; 2]) {
            let block: [u8; 64] = block.concat().try_into().unwrap();
            let software = Compression { hardware: false };
            let expected = hardware(state, &block);
            prop_assert_eq!(software.block(state, &block), expected);
            prop_assert_eq!(software.prepared(state, &Prepared::new(block)), expected);
        }
    }
}
