//! Where a gate asks: a URL, or a Service through the API server.

use std::fmt;

use http::Uri;

/// Where a gate asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// `http://…` or `https://…`.
    Url {
        /// The URL without user and password.
        uri: Uri,
        /// User and password, decoded.
        user: Option<(String, String)>,
    },
    /// `svc/NAME:PORT/PATH`: a Service in the release's namespace, through the API server's proxy.
    Service {
        /// Its name.
        name: String,
        /// The number or the name of its port.
        port: String,
        /// Path and query, with the slash before it.
        path: String,
    },
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, without a password that may be in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix("svc/") {
            Some(service) => Self::parse_service(service),
            None => Self::parse_url(text),
        }
    }

    fn parse_service(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"svc/{text}\" names no service and port; it goes svc/NAME:PORT/PATH");
        let (place, path) = text.split_once('/').map_or((text, ""), |(place, path)| (place, path));
        let (name, port) = place.split_once(':').ok_or_else(wrong)?;
        let plain =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        if !plain(name) || !plain(port) || format!("/{path}").parse::<Uri>().is_err() {
            return Err(wrong());
        }
        Ok(Self::Service { name: name.to_owned(), port: port.to_owned(), path: format!("/{path}") })
    }

    fn parse_url(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{:?} is no address; it is http://…, https://… or svc/NAME:PORT/PATH", without_passwords(text));
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "http" | "https") {
            return Err(wrong());
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        let uri: Uri = format!("{scheme}://{host}{slash}{path}").parse().map_err(|_| wrong())?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (decode(name), decode(password))
        });
        Ok(Self::Url { uri, user })
    }

    /// The address of a path below this one. `query` is added as it is.
    #[must_use]
    pub fn below(&self, path: &str, query: &str) -> Self {
        match self {
            Self::Url { uri, user } => {
                let base = uri.path().trim_end_matches('/');
                let mut parts = uri.clone().into_parts();
                parts.path_and_query = format!("{base}{path}?{query}").parse().ok();
                Self::Url { uri: Uri::from_parts(parts).unwrap_or_else(|_| uri.clone()), user: user.clone() }
            }
            Self::Service { name, port, path: base } => {
                let base = base.split('?').next().unwrap_or_default().trim_end_matches('/');
                Self::Service { name: name.clone(), port: port.clone(), path: format!("{base}{path}?{query}") }
            }
        }
    }
}

/// Without user, password and query, any of which may be secret.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { uri, user } => {
                let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |a| a.as_str()));
                let user = if user.is_some() { "***@" } else { "" };
                let query = if uri.query().is_some() { "?…" } else { "" };
                write!(f, "{scheme}://{user}{host}{}{query}", uri.path())
            }
            Self::Service { name, port, path } => {
                let (path, query) = path.split_once('?').map_or((path.as_str(), ""), |(path, _)| (path, "?…"));
                write!(f, "svc/{name}:{port}{path}{query}")
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// The text with `***` in the place of each user and password of a URL.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(sign) => {
                out.push_str("***");
                &after[sign..]
            }
            None => after,
        };
    }
    out + rest
}

/// Percent-decoded (RFC 3986, section 2.1); what is no code stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoded for the value of a query (RFC 3986, section 2.3).
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_or_a_service() {
        let service = Address::parse("svc/web:http/healthz?full=1").unwrap();
        let Address::Service { name, port, path } = &service else { panic!("{service}") };
        assert_eq!((&**name, &**port, &**path), ("web", "http", "/healthz?full=1"));
        assert_eq!(service.to_string(), "svc/web:http/healthz?…");
        let url = Address::parse("https://m%40e:p%3Aw@prometheus.example:9090/base/").unwrap();
        let below = url.below("/api/v1/query", "query=up");
        let Address::Url { uri, user } = &below else { panic!("{below}") };
        assert_eq!(uri.to_string(), "https://prometheus.example:9090/base/api/v1/query?query=up");
        assert_eq!(user.as_ref().unwrap(), &("m@e".to_owned(), "p:w".to_owned()));
        assert_eq!(Address::parse("http://shop.example?a=b").unwrap().to_string(), "http://shop.example/?…");
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        let wrong = [
            "",
            "web",
            "ftp://x/",
            "http://",
            "http://me:pa55@",
            "https://me:pa55@ho st/",
            "svc/web",
            "svc/web:",
            "svc/:80",
            "svc/a/b:80",
            "svc/web:80/a b",
            "svc/../secrets:80",
            "file:///etc/passwd",
        ];
        for text in wrong {
            let error = Address::parse(text).unwrap_err();
            assert!(!error.contains("pa55"), "{error}");
        }
    }

    #[test]
    fn passwords_are_hidden_wherever_a_url_stands() {
        assert_eq!(without_passwords("a http://u:p@h/x b https://q:r@i"), "a http://***@h/x b https://***@i");
        assert_eq!(without_passwords("http://u:p/@h"), "http://u:p/@h");
        assert_eq!(without_passwords("mail me@example.com"), "mail me@example.com");
    }

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(encode("rate(x{a=\"ü\"}[5m])"), "rate%28x%7Ba%3D%22%C3%BC%22%7D%5B5m%5D%29");
        assert_eq!(decode("%zz%4"), "%zz%4");
    }
}
