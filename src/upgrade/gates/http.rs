//! What an answer over HTTP means.

use std::fmt;

use regex::Regex;
use serde::Deserialize;

use super::Answer;

/// A regular expression may not become larger than this, in bytes.
const MAX_REGEX: usize = 1 << 20;

/// Which answers are good.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The status codes, each range with both its ends; all from 200 to 299 where none is named.
    pub statuses: Vec<(u16, u16)>,
    /// What the body must match somewhere.
    pub body: Option<Regex>,
}

impl Expect {
    /// Reads `200`, `200,204`, `2xx` or `200-399`, and a regular expression.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(statuses: &[String], body: Option<&str>) -> Result<Self, String> {
        let statuses = statuses.iter().map(|text| status(text.trim())).collect::<Result<_, _>>()?;
        let compile = |text| regex::RegexBuilder::new(text).size_limit(MAX_REGEX).build();
        let body = body.map(compile).transpose().map_err(|error| format!("no regular expression: {error}"))?;
        Ok(Self { statuses, body })
    }

    /// What an answer means. Of one through the API server, its own errors say nothing about the service.
    #[must_use]
    pub fn judge(&self, status: u16, body: &[u8], proxied: bool) -> Answer {
        if let Some(trouble) = proxied.then(|| proxy_trouble(status, body)).flatten() {
            return Answer::inconclusive(format!("the API server can't ask the service: {trouble}"));
        }
        let fits = self.statuses.iter().any(|(from, to)| (*from..=*to).contains(&status));
        if !(fits || self.statuses.is_empty() && (200..=299).contains(&status)) {
            return Answer::failed(format!("status {status}, not {self}"));
        }
        match &self.body {
            Some(regex) if !regex.is_match(&String::from_utf8_lossy(body)) => {
                Answer::failed(format!("status {status}, but the body does not match {:?}", regex.as_str()))
            }
            Some(_) => Answer::passed(format!("status {status}, and the body matches")),
            None => Answer::passed(format!("status {status}")),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        match &*self.statuses {
            [] => f.write_str("200-299"),
            some => f.write_str(&some.iter().map(range).collect::<Vec<_>>().join(" or ")),
        }
    }
}

fn status(text: &str) -> Result<(u16, u16), String> {
    let code = |text: &str| text.parse().ok().filter(|code| (100..=599).contains(code));
    let hundreds = text.strip_suffix("xx").and_then(|first| code(&format!("{first}00")));
    let range = match text.split_once('-') {
        Some((from, to)) => code(from).zip(code(to)).filter(|(from, to)| from <= to),
        None => code(text).map(|code| (code, code)),
    };
    hundreds
        .map(|from| (from, from + 99))
        .or(range)
        .ok_or_else(|| format!("{text:?} is no HTTP status; it is 200, 2xx or 200-299"))
}

/// Why the API server itself could not ask: it answers with a `Status` of its own then (k8s.io/apimachinery,
/// pkg/util/proxy), and not with what the service said.
fn proxy_trouble(status: u16, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        kind: String,
        api_version: String,
        #[serde(default)]
        message: String,
    }
    if status < 400 {
        return None;
    }
    let told: Option<Status> = serde_json::from_slice(body).ok();
    let own = told.filter(|told| told.kind == "Status" && told.api_version == "v1");
    let plain = String::from_utf8_lossy(body);
    own.map(|told| told.message)
        .or_else(|| plain.to_ascii_lowercase().starts_with("error trying to reach service").then(|| plain.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::gates::Says;

    fn expect(statuses: &[&str], body: Option<&str>) -> Expect {
        let statuses: Vec<String> = statuses.iter().map(|text| (*text).to_owned()).collect();
        Expect::parse(&statuses, body).unwrap()
    }

    #[test]
    fn status_and_body_decide() {
        let says = |expect: &Expect, status, body: &str| expect.judge(status, body.as_bytes(), false).says;
        let any = Expect::default();
        assert_eq!(says(&any, 204, ""), Says::Passed);
        assert_eq!([301, 404, 500, 199].map(|status| says(&any, status, "")), [Says::Failed; 4]);
        let some = expect(&["200", "3xx", "401-403"], Some("^ok$"));
        assert_eq!([200, 302, 399, 402].map(|status| says(&some, status, "ok")), [Says::Passed; 4]);
        assert_eq!([201, 400, 404].map(|status| says(&some, status, "ok")), [Says::Failed; 3]);
        assert_eq!(says(&some, 200, "not ok"), Says::Failed);
        assert_eq!(some.judge(500, b"", false).why, "status 500, not 200 or 300-399 or 401-403");
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in ["", "abc", "99", "600", "20", "xx", "6xx", "300-200", "-1"] {
            assert!(Expect::parse(&[text.to_owned()], None).is_err(), "{text}");
        }
        assert!(Expect::parse(&[], Some("(")).is_err());
        assert!(Expect::parse(&[], Some("(a{999}){999}")).is_err());
    }

    /// As API servers of 1.36 answer.
    #[test]
    fn what_the_api_server_itself_says_is_no_answer_of_the_service() {
        let status = |code: u16, message: &str| {
            format!(
                r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{message}","code":{code}}}"#
            )
        };
        let table = [
            (503, status(503, "no endpoints available for service web:80")),
            (404, status(404, "services web not found")),
            (403, status(403, "services web is forbidden")),
            (503, status(503, "error trying to reach service: dial tcp 10.0.0.1:80: connect: connection refused")),
            (502, "Error trying to reach service: 'EOF'".to_owned()),
        ];
        for (code, body) in table {
            assert_eq!(Expect::default().judge(code, body.as_bytes(), true).says, Says::Inconclusive, "{body}");
        }
        assert_eq!(Expect::default().judge(503, b"down for maintenance", true).says, Says::Failed);
        assert_eq!(Expect::default().judge(503, status(503, "x").as_bytes(), false).says, Says::Failed);
    }
}
