//! The limit on how fast requests are made, where the user sets one: client-go's token bucket.
//!
//! Without a rate there is none. client-go would make 5 requests a second then, once its burst is used up; but every API server there is
//! shares its time fairly among its clients by itself (API priority and fairness, since Kubernetes 1.20), and what is under way at the
//! same time is bounded where it is asked for. Helm hands its default, 0, to its plugins as if the user had set it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What client-go uses for a burst of 0.
const DEFAULT_BURST: f64 = 10.0;

/// A bucket that starts full with `burst` tokens and gains `qps` a second; each request takes one.
#[derive(Debug)]
pub(super) struct RateLimit {
    qps: f64,
    burst: f64,
    state: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Below zero while requests wait: each has taken its token in advance, so they leave in order.
    tokens: f64,
    filled: Instant,
}

impl RateLimit {
    /// `None` where there is no limit, which is what a rate of 0 or less means.
    pub(super) fn new(qps: f32, burst: u32) -> Option<Self> {
        let qps = f64::from(qps);
        let burst = if burst == 0 { DEFAULT_BURST } else { f64::from(burst) };
        (qps > 0.0 && qps.is_finite()).then(|| Self {
            qps,
            burst,
            state: Mutex::new(Bucket { tokens: burst, filled: Instant::now() }),
        })
    }

    /// Waits until a request may be made.
    pub(super) async fn take(&self) {
        let wait = self.reserve(Instant::now());
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    fn reserve(&self, now: Instant) -> Duration {
        let mut bucket = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * self.qps;
        bucket.tokens = (bucket.tokens + gained).min(self.burst) - 1.0;
        bucket.filled = now.max(bucket.filled);
        // A rate as low as one request in a million years is still a rate; the wait only has to stay representable.
        Duration::try_from_secs_f64((-bucket.tokens / self.qps).max(0.0)).unwrap_or(Duration::MAX / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(limit: &RateLimit, now: Instant, requests: usize) -> Vec<u128> {
        (0..requests).map(|_| limit.reserve(now).as_millis()).collect()
    }

    #[test]
    fn the_burst_goes_at_once_and_the_rest_at_the_rate() {
        let limit = RateLimit::new(4.0, 3).expect("a limit");
        let start = Instant::now();
        assert_eq!(milliseconds(&limit, start, 6), [0, 0, 0, 250, 500, 750]);
        // After two seconds eight tokens came in: three pay what was taken in advance, and no more than three stay.
        assert_eq!(milliseconds(&limit, start + Duration::from_secs(2), 4), [0, 0, 0, 250]);
    }

    #[test]
    fn a_burst_of_zero_is_that_of_client_go() {
        let limit = RateLimit::new(5.0, 0).expect("a limit");
        let waits = milliseconds(&limit, Instant::now(), 12);
        assert_eq!(waits[..10], [0; 10]);
        assert_eq!(waits[10..], [200, 400]);
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(RateLimit::new(0.0, 100).is_none());
        assert!(RateLimit::new(-1.0, 1).is_none());
        assert!(RateLimit::new(f32::NAN, 1).is_none());
        assert!(RateLimit::new(f32::INFINITY, 1).is_none());
    }

    #[test]
    fn a_tiny_rate_does_not_overflow() {
        let limit = RateLimit::new(f32::MIN_POSITIVE, 1).expect("a limit");
        assert_eq!(limit.reserve(Instant::now()), Duration::ZERO);
        assert!(limit.reserve(Instant::now()) > Duration::from_secs(1_000_000));
    }
}
