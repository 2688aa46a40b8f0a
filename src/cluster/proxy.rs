//! Which proxy stands between here and the API server: the kubeconfig's `proxy-url`, else the environment's.
//!
//! The rules for the environment are Go's (`golang.org/x/net/http/httpproxy`), which Helm follows. The crate `kube`
//! would compare `NO_PROXY` with the proxy's own address.

use std::net::IpAddr;

use http::Uri;
use secrecy::{ExposeSecret, SecretString};

use super::connection::{Environment, without_userinfo};
use super::error::ClusterError;

/// The proxy for this server; `None` to connect directly.
pub(super) fn choose(
    server: &Uri,
    proxy_url: Option<&str>,
    environment: &Environment,
) -> Result<Option<Uri>, ClusterError> {
    // What the kubeconfig says holds without exceptions.
    if let Some(url) = proxy_url.filter(|url| !url.is_empty()) {
        return parse(url).map(Some);
    }
    let secure = server.scheme_str() == Some("https");
    let variable = if secure { &environment.https_proxy } else { &environment.http_proxy };
    let Some(url) = variable.as_ref().map(SecretString::expose_secret).filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = server.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let target = Target { address: host.parse().ok(), host, port };
    if target.is_local() || target.is_excepted(environment.no_proxy.as_deref().unwrap_or_default()) {
        return Ok(None);
    }
    parse(url).map(Some)
}

/// A proxy's URL; without a scheme it means plain HTTP.
fn parse(url: &str) -> Result<Uri, ClusterError> {
    let invalid =
        || ClusterError::InvalidConnection { cause: format!("{:?} is not the URL of a proxy", without_userinfo(url)) };
    let address = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    // Names are resolved by the proxy in either case.
    let address = match address.strip_prefix("socks5h://") {
        Some(rest) => format!("socks5://{rest}"),
        None => address,
    };
    let uri: Uri = address.parse().map_err(|_| invalid())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https" | "socks5"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(invalid()),
    }
}

/// The user name and the password in a proxy's URL.
pub(super) fn credentials(proxy: &Uri) -> Option<(String, String)> {
    let (userinfo, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    Some((decode(user), decode(password)))
}

/// Percent-decodes; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The API server's address in lower case, without the brackets of IPv6.
struct Target {
    host: String,
    port: u16,
    address: Option<IpAddr>,
}

impl Target {
    fn is_local(&self) -> bool {
        self.host == "localhost" || self.address.is_some_and(|address| address.is_loopback())
    }

    /// Whether one of the entries of a `NO_PROXY` list names it. An entry that makes no sense names nothing.
    fn is_excepted(&self, list: &str) -> bool {
        list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).any(|entry| self.is_named_by(&entry))
    }

    fn is_named_by(&self, entry: &str) -> bool {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let (network, bits) = (network.parse::<IpAddr>(), bits.parse::<u32>());
            return matches!((network, bits, self.address), (Ok(network), Ok(bits), Some(address)) if contains(network, bits, address));
        }
        let (host, port) = split_port(entry);
        if port.is_some_and(|port| port != self.port.to_string()) {
            return false;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return self.address == Some(address);
        }
        if host.is_empty() || self.address.is_some() {
            return false;
        }
        let domain = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        match domain.strip_prefix('.') {
            Some(_) => self.host.ends_with(domain),
            None => {
                self.host == domain || self.host.strip_suffix(domain).is_some_and(|subdomain| subdomain.ends_with('.'))
            }
        }
    }
}

/// `host`, `host:port`, `address`, `[address]:port`.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (network.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let different: u128 = network ^ address;
    bits <= width && different.checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(no_proxy: &str) -> Environment {
        Environment {
            https_proxy: Some(SecretString::from("http://proxy.example:3128")),
            http_proxy: Some(SecretString::from("plain.example:8080")),
            no_proxy: Some(no_proxy.to_owned()),
            ..Environment::default()
        }
    }

    fn chosen(server: &str, no_proxy: &str) -> Option<String> {
        let server = server.parse().expect("a URL");
        let proxy = choose(&server, None, &environment(no_proxy)).expect("a proxy");
        proxy.map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_scheme_of_the_server_selects_the_variable() {
        assert_eq!(chosen("https://k8s.example", "").as_deref(), Some("http://proxy.example:3128/"));
        assert_eq!(chosen("http://k8s.example", "").as_deref(), Some("http://plain.example:8080/"));
    }

    #[test]
    fn this_machine_is_reached_directly() {
        for server in ["https://localhost:6443", "https://127.0.0.1:6443", "https://127.9.9.9", "https://[::1]:6443"] {
            assert_eq!(chosen(server, ""), None, "{server}");
        }
    }

    #[test]
    fn no_proxy_names_hosts_as_in_go() {
        let cases = [
            ("*", "https://k8s.example", true),
            ("example", "https://k8s.example", true),
            ("k8s.example", "https://k8s.example", true),
            ("k8s.example", "https://mk8s.example", false),
            (".k8s.example", "https://k8s.example", false),
            (".k8s.example", "https://a.k8s.example", true),
            ("*.k8s.example", "https://a.k8s.example", true),
            (" other , K8S.example", "https://k8s.EXAMPLE", true),
            ("k8s.example:6443", "https://k8s.example:6443", true),
            ("k8s.example:6443", "https://k8s.example", false),
            ("k8s.example:443", "https://k8s.example", true),
            ("10.0.0.0/8", "https://10.255.0.1:6443", true),
            ("10.0.0.0/8", "https://11.0.0.1:6443", false),
            ("0.0.0.0/0", "https://11.0.0.1:6443", true),
            ("10.0.0.1/32", "https://10.0.0.1", true),
            ("10.0.0.1/33", "https://10.0.0.1", false),
            ("10.0.0.1", "https://10.0.0.1:6443", true),
            ("10.0.0.1:6443", "https://10.0.0.1:6443", true),
            ("10.0.0.1:443", "https://10.0.0.1:6443", false),
            ("fd00::/8", "https://[fd12::1]:6443", true),
            ("[fd12::1]:6443", "https://[fd12::1]:6443", true),
            ("fd12::1", "https://[fd12::1]:6443", true),
            ("::/0", "https://[fd12::1]", true),
            (",,:443,", "https://k8s.example", false),
        ];
        for (no_proxy, server, direct) in cases {
            assert_eq!(chosen(server, no_proxy).is_none(), direct, "{no_proxy} and {server}");
        }
    }

    #[test]
    fn the_kubeconfig_goes_before_the_environment_and_knows_no_exceptions() {
        let server = "https://127.0.0.1:6443".parse().expect("a URL");
        let proxy = choose(&server, Some("socks5h://proxy:1080"), &environment("*")).expect("a proxy");
        assert_eq!(proxy.expect("a proxy").to_string(), "socks5://proxy:1080/");
    }

    #[test]
    fn credentials_are_decoded() {
        let cases = [
            ("http://proxy", None),
            ("http://joe@proxy", Some(("joe", ""))),
            ("http://joe:pa%40ss%3Aword%25@proxy:1", Some(("joe", "pa@ss:word%"))),
            ("http://joe:50%25%2@proxy", Some(("joe", "50%%2"))),
        ];
        for (url, expected) in cases {
            let found = credentials(&url.parse().expect("a URL"));
            let expected = expected.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused_without_its_password() {
        let server = "https://k8s.example".parse().expect("a URL");
        let error = choose(&server, Some("ftp://joe:pa55@proxy"), &environment("")).expect_err("no proxy");
        assert_eq!(error.to_string(), "cannot connect to the cluster: \"ftp://proxy\" is not the URL of a proxy");
    }
}
