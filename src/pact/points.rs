//! Points of stamina and heat, as whole micro-points: integers, so that every machine agrees on every bit.

/// Micro-points; 1 point = 1 000 000 of them. All arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Points(i64);

impl Points {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Micro-points in one point.
    pub const MICROS: i64 = 1_000_000;

    /// `micros` millionths of a point.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// `points` whole points.
    #[must_use]
    pub const fn whole(points: i64) -> Self {
        Self(points.saturating_mul(Self::MICROS))
    }

    /// Millionths of a point.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// For display only; the rules never compute with it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a reading for people; exact up to nine billion points")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; it may be negative.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self` taken `count` times.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// `self × permille / 1000`, rounded towards zero.
    #[must_use]
    pub const fn permille(self, permille: i64) -> Self {
        Self(self.0.saturating_mul(permille) / 1000)
    }

    /// How many milliseconds it takes to gain `self` at `per_ms`, rounded up; 0 if `self` is not positive.
    ///
    /// `per_ms` is positive: the config refuses any other rate.
    #[must_use]
    pub fn ms_at(self, per_ms: Self) -> u64 {
        let (missing, rate) = (self.0.max(0).unsigned_abs(), per_ms.0.max(1).unsigned_abs());
        missing.div_ceil(rate)
    }
}
