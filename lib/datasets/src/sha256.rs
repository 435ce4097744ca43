//! SHA-256 (FIPS 180-4), in the few lines it takes: a crate for it would bring nine more into
//! every notebook.

use std::io::Read;
use std::path::Path;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const K: [u32; 64] = constants::cube_roots();

/// The first 32 bits of the fractional parts of the square roots of the first 8 primes.
const START: [u32; 8] = constants::square_roots();

/// The digest of `bytes`, in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut sha256 = Sha256::new();
    sha256.update(bytes);
    sha256.finish()
}

/// The digest of a file, in lower-case hexadecimal, and its length in bytes.
pub(crate) fn hex_of_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let (mut sha256, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((sha256.clone().finish(), sha256.length)),
            read => sha256.update(&buffer[..read]),
        }
    }
}

/// A digest under way.
#[derive(Clone)]
struct Sha256 {
    state: [u32; 8],
    /// What does not fill a block yet.
    rest: Vec<u8>,
    /// Bytes so far.
    length: u64,
}

impl Sha256 {
    fn new() -> Sha256 {
        Sha256 {
            state: START,
            rest: Vec::with_capacity(128),
            length: 0,
        }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if !self.rest.is_empty() {
            let (filling, after) = bytes.split_at(bytes.len().min(64 - self.rest.len()));
            self.rest.extend(filling);
            bytes = after;
            if self.rest.len() == 64 {
                compress(&mut self.state, &self.rest);
                self.rest.clear();
            }
        }
        let mut blocks = bytes.chunks_exact(64);
        for block in &mut blocks {
            compress(&mut self.state, block);
        }
        self.rest.extend(blocks.remainder());
    }

    fn finish(mut self) -> String {
        use std::fmt::Write;
        // The rest, a one bit, zeros, and the length in bits as 64 bits.
        let end = if self.rest.len() < 56 { 64 } else { 128 };
        self.rest.push(0x80);
        self.rest.resize(end - 8, 0);
        self.rest.extend((self.length * 8).to_be_bytes());
        for block in self.rest.chunks_exact(64) {
            compress(&mut self.state, block);
        }
        self.state
            .iter()
            .fold(String::with_capacity(64), |mut text, word| {
                let _ = write!(text, "{word:08x}");
                text
            })
    }
}

fn compress(state: &mut [u32; 8], block: &[u8]) {
    let mut w = [0_u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for t in 16..64 {
        let s0 = w[t - 15].rotate_right(7) ^ w[t - 15].rotate_right(18) ^ (w[t - 15] >> 3);
        let s1 = w[t - 2].rotate_right(17) ^ w[t - 2].rotate_right(19) ^ (w[t - 2] >> 10);
        w[t] = w[t - 16]
            .wrapping_add(s0)
            .wrapping_add(w[t - 7])
            .wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for t in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h
            .wrapping_add(s1)
            .wrapping_add(choice)
            .wrapping_add(K[t])
            .wrapping_add(w[t]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(s0.wrapping_add(majority)));
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(value);
    }
}

/// The constants, computed from their definition while compiling.
mod constants {
    const fn primes() -> [u128; 64] {
        let mut found = [0; 64];
        let (mut n, mut candidate) = (0, 2);
        while n < 64 {
            let (mut divisor, mut prime) = (2, true);
            while divisor * divisor <= candidate {
                if candidate % divisor == 0 {
                    prime = false;
                }
                divisor += 1;
            }
            if prime {
                found[n] = candidate;
                n += 1;
            }
            candidate += 1;
        }
        found
    }

    /// The largest integer whose `power` (2 or 3) is at most `n`, by bisection.
    const fn root(n: u128, power: u32) -> u128 {
        let (mut low, mut high) = (0_u128, 1 << 40);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if middle.pow(power) <= n {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) const fn square_roots() -> [u32; 8] {
        let (mut roots, mut i) = ([0; 8], 0);
        while i < 8 {
            roots[i] = root(primes()[i] << 64, 2) as u32;
            i += 1;
        }
        roots
    }

    pub(super) const fn cube_roots() -> [u32; 64] {
        let (mut roots, mut i, primes) = ([0; 64], 0, primes());
        while i < 64 {
            roots[i] = root(primes[i] << 96, 3) as u32;
            i += 1;
        }
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::{Sha256, hex, hex_of_file};

    /// The vectors of FIPS 180-4, and the lengths at which the padding changes shape, whose digests
    /// are those of Python's hashlib.
    #[test]
    fn agrees_with_published_vectors() {
        let cases: [(&[u8], &str); 3] = [
            (
                b"",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                b"abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ];
        for (message, digest) in cases {
            assert_eq!(hex(message), digest);
        }
        let lengths = [
            (
                55,
                "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
            ),
            (
                56,
                "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
            ),
            (
                64,
                "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb",
            ),
        ];
        for (length, digest) in lengths {
            assert_eq!(hex(&vec![b'a'; length]), digest, "{length} times 'a'");
        }
    }

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..1000_u32).map(|i| (i * i % 251) as u8).collect();
        for size in [1, 7, 63, 64, 65, 127, 128, 999] {
            let mut sha256 = Sha256::new();
            for piece in bytes.chunks(size) {
                sha256.update(piece);
            }
            assert_eq!(sha256.finish(), hex(&bytes), "pieces of {size} bytes");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        assert_eq!(hex_of_file(file.path()).unwrap(), (hex(&bytes), 1000));
    }
}
