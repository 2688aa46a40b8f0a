//! What Prometheus answers to an instant query (`GET /api/v1/query`, Prometheus' HTTP API), and whether a condition holds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Answer, address};

/// More samples that fail are counted.
const MOST_NAMED: usize = 5;

/// How a sample is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Other,
}

/// What is to hold for each sample of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    query: String,
    op: Op,
    value: f64,
    before: Option<Before>,
}

/// How a sample is compared with what it was before.
#[derive(Clone, Debug, PartialEq)]
struct Before {
    /// So many times the value from before is the most.
    ratio: f64,
    /// The labels and the value of each sample.
    samples: Vec<(String, f64)>,
}

impl Before {
    /// What a sample is compared with: the one of the same labels, else the largest that there was, as new pods have new labels.
    /// `None` where there was nothing to compare with: the ratio to zero says nothing.
    fn value(&self, labels: &str) -> Option<f64> {
        let same = self.samples.iter().find(|(there, _)| there == labels).map(|(_, value)| *value);
        let largest = || self.samples.iter().map(|(_, value)| *value).reduce(f64::max);
        same.or_else(largest).filter(|before| *before > 0.0)
    }
}

impl Condition {
    /// Reads a query, an operator and a number.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(query: &str, op: &str, value: &str) -> Result<Self, String> {
        let op = match op {
            "<" => Op::Less,
            "<=" => Op::AtMost,
            ">" => Op::More,
            ">=" => Op::AtLeast,
            "==" => Op::Equal,
            "!=" => Op::Other,
            _ => return Err(format!("{op:?} is no comparison; it is one of < <= > >= == !=")),
        };
        if query.trim().is_empty() {
            return Err("the query is empty".to_owned());
        }
        let number = value.parse::<f64>().ok().filter(|value| !value.is_nan());
        let value = number.ok_or_else(|| format!("{value:?} is no number to compare with"))?;
        Ok(Self { query: query.to_owned(), op, value, before: None })
    }

    /// What is asked, below the address of Prometheus: path and query.
    #[must_use]
    pub fn request(&self) -> (&'static str, String) {
        ("/api/v1/query", format!("query={}", address::encode(&self.query)))
    }

    /// The same, and besides no sample may be more than so many times what it was before.
    #[must_use]
    pub fn compared(self, ratio: f64, samples: Vec<(String, f64)>) -> Self {
        Self { before: Some(Before { ratio, samples }), ..self }
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What an answer means. No data, or data that is no number, is none.
    #[must_use]
    pub fn judge(&self, status: u16, body: &[u8]) -> Answer {
        match samples(status, body) {
            Ok(samples) => self.judge_samples(&samples),
            Err(why) => Answer::inconclusive(why),
        }
    }

    fn judge_samples(&self, samples: &[(String, f64)]) -> Answer {
        let fails = |(_, value): &&(String, f64)| !value.is_nan() && !self.holds(*value);
        let failing: Vec<&(String, f64)> = samples.iter().filter(fails).collect();
        if !failing.is_empty() {
            return Answer::failed(format!("{}, wanted {} {}", named(&failing), self.op, self.value));
        }
        if let Some(answer) = self.before.as_ref().and_then(|before| grown(before, samples)) {
            return answer;
        }
        let lacking: Vec<&(String, f64)> = samples.iter().filter(|(_, value)| value.is_nan()).collect();
        match (&*lacking, samples) {
            ([], [(_, value)]) => Answer::passed(format!("it is {value}")),
            ([], some) => Answer::passed(format!("it holds for {} samples", some.len())),
            (some, _) => Answer::inconclusive(named(some)),
        }
    }

    #[allow(clippy::float_cmp)] // as Prometheus compares
    fn holds(&self, value: f64) -> bool {
        match self.op {
            Op::Less => value < self.value,
            Op::AtMost => value <= self.value,
            Op::More => value > self.value,
            Op::AtLeast => value >= self.value,
            Op::Equal => value == self.value,
            Op::Other => value != self.value,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
            Self::Other => "!=",
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.query, self.op, self.value)
    }
}

#[derive(Deserialize)]
struct Told {
    status: String,
    data: Option<Data>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Json,
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    /// Of a native histogram there is none.
    value: Option<(f64, String)>,
}

/// The answer where a sample has grown too much since before.
fn grown(before: &Before, samples: &[(String, f64)]) -> Option<Answer> {
    let allowed = |sample: &(String, f64)| before.value(&sample.0);
    let grows = |sample: &&(String, f64)| allowed(sample).is_some_and(|then| sample.1 > then * before.ratio);
    let failing: Vec<&(String, f64)> = samples.iter().filter(grows).collect();
    let then = allowed(failing.first()?)?;
    Some(Answer::failed(format!("{}, wanted at most {} times the {then} before", named(&failing), before.ratio)))
}

/// The samples of an answer: their labels and values. At least one.
///
/// # Errors
/// Why there are none.
pub fn samples(status: u16, body: &[u8]) -> Result<Vec<(String, f64)>, String> {
    let told = serde_json::from_slice::<Told>(body);
    let told = told.map_err(|_| format!("status {status}, and no answer of Prometheus"))?;
    if told.status != "success" {
        return Err(format!("Prometheus: {}", told.error));
    }
    let samples = read(&told.data.ok_or("an answer without data")?)?;
    if samples.is_empty() { Err("no data".to_owned()) } else { Ok(samples) }
}

/// The samples, each with its labels and its value.
fn read(data: &Data) -> Result<Vec<(String, f64)>, String> {
    let other = || "an answer of another form".to_owned();
    match &*data.result_type {
        "scalar" => {
            let (_, value) = <(f64, String)>::deserialize(&data.result).map_err(|_| other())?;
            Ok(vec![(String::new(), number(&value).ok_or_else(other)?)])
        }
        "vector" => {
            let samples = Vec::<Sample>::deserialize(&data.result).map_err(|_| other())?;
            let one = |sample: Sample| {
                let (_, value) = sample.value.ok_or("the query gives a histogram, not numbers")?;
                Ok((labels(&sample.metric), number(&value).ok_or_else(other)?))
            };
            samples.into_iter().map(one).collect()
        }
        kind => Err(format!("the query gives a {}, not numbers", super::cut(kind, 20))),
    }
}

/// Prometheus writes `+Inf`, `-Inf` and `NaN`.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn labels(metric: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = metric
        .iter()
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    let name = metric.get("__name__").map_or("", String::as_str);
    if pairs.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", pairs.join(",")) }
}

fn named(samples: &[&(String, f64)]) -> String {
    let name = |(labels, value): &(String, f64)| {
        let labels = if labels.is_empty() { "it" } else { labels };
        format!("{} is {value}", super::cut(labels, 80))
    };
    let mut names: Vec<String> = samples.iter().take(MOST_NAMED).map(|sample| name(sample)).collect();
    if samples.len() > MOST_NAMED {
        names.push(format!("and {} more", samples.len() - MOST_NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::gates::Says;

    fn judge(op: &str, value: &str, result: &str) -> Answer {
        let body = format!(r#"{{"status":"success","data":{{"resultType":{result}}}}}"#);
        Condition::parse("up", op, value).unwrap().judge(200, body.as_bytes())
    }

    fn vector(values: &[&str]) -> String {
        let samples: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(at, value)| format!(r#"{{"metric":{{"__name__":"up","pod":"web-{at}"}},"value":[1.5,"{value}"]}}"#))
            .collect();
        format!(r#""vector","result":[{}]"#, samples.join(","))
    }

    #[test]
    fn each_comparison_holds_where_it_does() {
        for (op, holds) in [
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            (">", [false, false, true]),
            (">=", [false, true, true]),
            ("==", [false, true, false]),
            ("!=", [true, false, true]),
        ] {
            let found = ["1", "2", "3"].map(|value| judge(op, "2", &vector(&[value])).says == Says::Passed);
            assert_eq!(found, holds, "{op}");
        }
    }

    #[test]
    fn every_sample_must_hold_and_those_that_do_not_are_named() {
        let answer = judge("<", "2", &vector(&["1", "5", "1", "NaN"]));
        assert_eq!(answer, Answer::failed("up{pod=\"web-1\"} is 5, wanted < 2"));
        let many = judge("<", "2", &vector(&["9"; 8]));
        assert!(many.why.contains("and 3 more") || many.why.chars().count() >= 200, "{}", many.why);
        assert_eq!(judge("<", "2", r#""scalar","result":[1,"1.5"]"#), Answer::passed("it is 1.5"));
        assert_eq!(judge("<", "+Inf", &vector(&["5"])).says, Says::Passed);
    }

    #[test]
    fn a_sample_is_compared_with_what_it_was_before() {
        let before = |ratio, samples: &[(&str, f64)]| {
            let samples = samples.iter().map(|(labels, value)| ((*labels).to_owned(), *value)).collect();
            Condition::parse("up", "<", "100").unwrap().compared(ratio, samples)
        };
        let table = [
            (vec![("", 10.0)], ("", 12.0), Says::Passed),
            (vec![("", 10.0)], ("", 12.1), Says::Failed),
            (vec![("a", 1.0), ("b", 10.0)], ("a", 2.0), Says::Failed),
            (vec![("a", 1.0), ("b", 10.0)], ("new", 11.0), Says::Passed),
            (vec![("", 0.0)], ("", 50.0), Says::Passed),
            (vec![("", 90.0)], ("", 101.0), Says::Failed),
        ];
        for (then, (labels, value), says) in table {
            let answer = before(1.2, &then).judge_samples(&[(labels.to_owned(), value)]);
            assert_eq!(answer.says, says, "{then:?} {value}: {}", answer.why);
        }
        let answer = before(1.2, &[("", 10.0)]).judge_samples(&[(String::new(), 13.0)]);
        assert_eq!(answer.why, "it is 13, wanted at most 1.2 times the 10 before");
    }

    #[test]
    fn without_numbers_there_is_no_verdict() {
        let table = [
            r#""vector","result":[]"#,
            &vector(&["NaN"]),
            &vector(&["1", "NaN"]),
            r#""matrix","result":[]"#,
            r#""string","result":[1,"a"]"#,
            r#""scalar","result":[1,"abc"]"#,
            r#""scalar","result":null"#,
            r#""vector","result":[{"metric":{},"histogram":[1,{}]}]"#,
        ];
        for result in table {
            assert_eq!(judge("<", "2", result).says, Says::Inconclusive, "{result}");
        }
        let condition = Condition::parse("up", "<", "2").unwrap();
        for body in ["", "<html>", "{}", r#"{"status":"success"}"#, r#"{"status":"error","error":"parse error"}"#] {
            assert_eq!(condition.judge(400, body.as_bytes()).says, Says::Inconclusive, "{body}");
        }
    }

    #[test]
    fn a_condition_that_is_none_is_refused() {
        for (query, op, value) in [("", "<", "1"), ("up", "=", "1"), ("up", "<", "NaN"), ("up", "<", "one")] {
            assert!(Condition::parse(query, op, value).is_err(), "{query} {op} {value}");
        }
        assert_eq!(Condition::parse("sum(up)", ">=", "-1").unwrap().to_string(), "sum(up) >= -1");
    }
}
