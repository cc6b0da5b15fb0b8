//! Between the socket and the record: what was received and is not written yet. Bounded; it refuses when it is full.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Datagrams that came one after the other, each ended by a line end.
pub(super) type Chunk = Vec<u8>;

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    ended: bool,
}

/// Chunks in order.
pub(super) struct Queue {
    limit: usize,
    waiting: Mutex<Waiting>,
    moved: Condvar,
}

impl Queue {
    /// For so many bytes.
    pub(super) fn new(limit: usize) -> Queue {
        Queue { limit, waiting: Mutex::default(), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a chunk, or gives it back where there is no room.
    pub(super) fn put(&self, chunk: Chunk) -> Result<(), Chunk> {
        let mut waiting = self.lock();
        if waiting.bytes + chunk.len() > self.limit {
            return Err(chunk);
        }
        waiting.bytes += chunk.len();
        waiting.chunks.push_back(chunk);
        drop(waiting);
        self.moved.notify_one();
        Ok(())
    }

    /// Waits for chunks and takes the first of them: up to `most` bytes, but one at least. None: it has ended.
    pub(super) fn take(&self, most: usize) -> Option<Vec<Chunk>> {
        let waiting = self.lock();
        let waited = self.moved.wait_while(waiting, |waiting| waiting.chunks.is_empty() && !waiting.ended);
        let mut waiting = waited.unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(chunk) = waiting.chunks.pop_front_if(|chunk| bytes == 0 || bytes + chunk.len() <= most) {
            bytes += chunk.len();
            taken.push(chunk);
        }
        waiting.bytes -= bytes;
        (!taken.is_empty()).then_some(taken)
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.moved.notify_all();
    }

    /// Waits until the end, not longer than `time`; whether it has come.
    pub(super) fn ended_within(&self, time: Duration) -> bool {
        let waited = self.moved.wait_timeout_while(self.lock(), time, |waiting| !waiting.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_refuses_when_it_is_full() {
        let queue = Queue::new(10);
        assert_eq!(queue.put(vec![1; 9]), Ok(()));
        assert_eq!(queue.put(vec![2; 2]), Err(vec![2; 2]));
        assert_eq!(queue.put(vec![3; 1]), Ok(()));
        assert_eq!(queue.bytes(), 10);
        assert_eq!(queue.put(vec![4; 1]), Err(vec![4; 1]));
        assert_eq!(queue.take(5), Some(vec![vec![1; 9]]), "one at least");
        assert_eq!(queue.put(vec![5; 4]), Ok(()));
        assert_eq!(queue.take(5), Some(vec![vec![3; 1], vec![5; 4]]));
        assert!(!queue.ended_within(Duration::ZERO));
        assert_eq!(queue.put(vec![6; 4]), Ok(()));
        queue.end();
        assert_eq!(queue.take(5), Some(vec![vec![6; 4]]), "what waits is taken after the end");
        assert_eq!(queue.take(5), None);
        assert!(queue.ended_within(Duration::from_secs(60)));
    }
}
