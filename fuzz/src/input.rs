//! A fuzzer's bytes as a sequence of choices.

/// Reads choices from bytes. Where they end, everything is zero or empty: any bytes are a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// So many bytes, or as many as there are.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their length, one byte.
    pub(crate) fn short(&mut self) -> &'a [u8] {
        let count = self.byte().into();
        self.take(count)
    }

    /// Bytes behind their length, two bytes.
    pub(crate) fn long(&mut self) -> &'a [u8] {
        let count = self.u16().into();
        self.take(count)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        padded(self.take(N))
    }
}

/// The first bytes, with zeros behind them where there are fewer.
pub(crate) fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    let count = bytes.len().min(N);
    array[..count].copy_from_slice(&bytes[..count]);
    array
}

/// Changes to bytes on their way: at which places, by which bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits(Vec<(u8, usize, Vec<u8>)>);

impl Edits {
    /// Up to eight edits: of which of several things, where, and which bits are turned.
    pub(crate) fn read(input: &mut Input<'_>) -> Self {
        let count = input.byte() % 8;
        let edit = |_| (input.byte(), input.u16().into(), input.short().to_vec());
        Self((0..count).map(edit).collect())
    }

    /// Applies those of thing `number`; says whether a bit is another one now.
    pub(crate) fn apply(&self, number: u8, bytes: &mut [u8]) -> bool {
        let before = bytes.to_vec();
        for (_, at, mask) in self.0.iter().filter(|(thing, ..)| *thing == number) {
            let start = at % bytes.len().max(1);
            for (byte, mask) in bytes[start..].iter_mut().zip(mask) {
                *byte ^= mask;
            }
        }
        before != bytes
    }
}
