//! The answers of one gate over time.

use super::{Answer, Says};

/// The answers of one gate over time: one that fails once may have been unlucky, one that fails again and again has failed.
#[derive(Debug)]
pub struct Series {
    threshold: u32,
    in_a_row: u32,
    last: Option<Answer>,
}

impl Series {
    /// It fails with so many failed answers in a row, at least one.
    #[must_use]
    pub fn new(threshold: u32) -> Self {
        Self { threshold: threshold.max(1), in_a_row: 0, last: None }
    }

    /// Takes in an answer. True if it says something else than the one before, or is a failure. An answer that can't tell
    /// neither ends a row of failures nor adds to it.
    pub fn add(&mut self, answer: Answer) -> bool {
        match answer.says {
            Says::Failed => self.in_a_row += 1,
            Says::Passed => self.in_a_row = 0,
            Says::Inconclusive => {}
        }
        let news = self.last.as_ref().is_none_or(|last| last.says != answer.says) || answer.says == Says::Failed;
        self.last = Some(answer);
        news
    }

    /// Whether it has failed for good.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.in_a_row >= self.threshold
    }

    /// Whether the next answer is to tell what it comes to: the last one has failed, and not enough did before it.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        !self.has_failed() && self.last.as_ref().is_some_and(|last| last.says == Says::Failed)
    }

    /// The last answer.
    #[must_use]
    pub fn last(&self) -> Option<&Answer> {
        self.last.as_ref()
    }

    /// So many failures in a row, of so many that it takes.
    #[must_use]
    pub fn row(&self) -> (u32, u32) {
        (self.in_a_row, self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(threshold: u32, answers: &str) -> Series {
        let mut series = Series::new(threshold);
        for letter in answers.chars() {
            series.add(match letter {
                'p' => Answer::passed(""),
                'f' => Answer::failed(""),
                _ => Answer::inconclusive(""),
            });
        }
        series
    }

    #[test]
    fn so_many_failures_in_a_row_are_a_failure() {
        for (threshold, answers, failed) in [
            (1, "ppf", true),
            (2, "pfpfpf", false),
            (2, "pff", true),
            (3, "ffpffp", false),
            (3, "fff", true),
            (2, "f?f", true),
            (2, "f?p", false),
            (2, "????", false),
            (0, "f", true),
            (0, "p", false),
        ] {
            assert_eq!(after(threshold, answers).has_failed(), failed, "{answers} of {threshold}");
        }
        assert!(after(2, "pf").is_undecided() && after(3, "f?f").is_undecided());
        assert!(["fp", "ff", "f?", ""].iter().all(|answers| !after(2, answers).is_undecided()));
    }

    #[test]
    fn each_failure_and_each_change_is_news() {
        let mut series = Series::new(3);
        let news: Vec<bool> =
            [Answer::passed(""), Answer::passed(""), Answer::failed(""), Answer::failed(""), Answer::passed("")]
                .map(|answer| series.add(answer))
                .into();
        assert_eq!(news, [true, false, true, true, true]);
    }
}
