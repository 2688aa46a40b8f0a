//! What the end of a command means.

use super::Answer;

/// `EX_TEMPFAIL` of sysexits.h: try again later.
const TRY_LATER: i32 = 75;
/// What a shell ends with where it can't run a command, and where it can't find it.
const NOT_STARTED: [i32; 2] = [126, 127];

/// What it means that a command ended with this code (`None`: by a signal) and said this last.
#[must_use]
pub fn judge(code: Option<i32>, last: &str) -> Answer {
    let last = if last.is_empty() { String::new() } else { format!(": {last}") };
    match code {
        Some(0) => Answer::passed(last.trim_start_matches(": ")),
        Some(TRY_LATER) => Answer::inconclusive(format!("it can't tell now (exit code {TRY_LATER}){last}")),
        Some(code) if NOT_STARTED.contains(&code) => {
            Answer::inconclusive(format!("it can't be run (exit code {code}){last}"))
        }
        Some(code) => Answer::failed(format!("exit code {code}{last}")),
        None => Answer::inconclusive(format!("it was killed{last}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::gates::Says;

    #[test]
    fn exit_codes_have_their_meaning() {
        let table = [
            (Some(0), Says::Passed),
            (Some(1), Says::Failed),
            (Some(2), Says::Failed),
            (Some(75), Says::Inconclusive),
            (Some(126), Says::Inconclusive),
            (Some(127), Says::Inconclusive),
            (Some(255), Says::Failed),
            (None, Says::Inconclusive),
        ];
        for (code, says) in table {
            assert_eq!(judge(code, "said").says, says, "{code:?}");
        }
        assert_eq!(judge(Some(3), "no orders").why, "exit code 3: no orders");
        assert_eq!(judge(Some(0), "").why, "");
    }
}
