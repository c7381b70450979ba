//! The part of [`End`](crate::End) that both ends leave to their streams.

/// Those methods of [`End`](crate::End) that only concern `self.streams`.
macro_rules! streams_do {
    () => {
        fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, Reason> {
            self.streams.write(id, data)
        }

        fn finish(&mut self, id: StreamId) {
            self.streams.finish(id);
        }

        fn reset(&mut self, id: StreamId, reason: Reason) {
            self.streams.reset(id, reason);
        }

        fn release(&mut self, id: StreamId) {
            self.streams.release(id);
        }

        fn read(&mut self, id: StreamId, into: &mut [u8]) -> Result<Read, Reason> {
            self.streams.read(id, into)
        }

        fn is_granted(&self, id: StreamId) -> bool {
            self.streams.is_granted(id)
        }

        fn closed(&self) -> Option<&Reason> {
            self.streams.closed()
        }

        fn streams(&self) -> usize {
            self.streams.count()
        }

        fn poll_event(&mut self) -> Option<Event> {
            self.streams.poll_event()
        }
    };
}
pub(crate) use streams_do;
