//! Contents that are no secret wherever they stand.
//!
//! Secrets hold whole configurations: an Alertmanager's has `namespace`, `warning` and `30s` in it. Masking those in every
//! value and every sentence would hide what an upgrade changes, and no secret.

/// Shorter contents say nothing: `3` and `80` are everywhere.
const SHORTEST: usize = 3;

/// Longer ones are no time that somebody would write.
const LONGEST_TIME: usize = 6;

/// Words that settings are made of, then those that sentences about a cluster are made of.
const WORDS: [&str; 51] = [
    "true",
    "false",
    "yes",
    "off",
    "null",
    "none",
    "default",
    "enabled",
    "disabled",
    "auto",
    "trace",
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "critical",
    "fatal",
    "http",
    "https",
    "tcp",
    "udp",
    "alertname",
    "severity",
    "chart",
    "claim",
    "cluster",
    "configmap",
    "container",
    "cronjob",
    "daemonset",
    "deployment",
    "endpoint",
    "hook",
    "image",
    "ingress",
    "instance",
    "job",
    "label",
    "namespace",
    "node",
    "object",
    "pod",
    "ready",
    "release",
    "replicaset",
    "revision",
    "service",
    "statefulset",
    "upgrade",
    "volume",
];

/// Whether a content says anything by itself.
pub(super) fn is_telling(content: &[u8]) -> bool {
    content.len() >= SHORTEST
        && !WORDS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(content))
        && !is_time(content)
}

/// Whether it is a time in one unit, as `30s`.
fn is_time(content: &[u8]) -> bool {
    let digits = content.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = content.split_at(digits);
    content.len() <= LONGEST_TIME && !number.is_empty() && matches!(unit, b"ms" | b"s" | b"m" | b"h" | b"d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_configuration_say_nothing() {
        for content in ["80", "True", "namespace", "Pod", "30s", "12h", "500ms"] {
            assert!(!is_telling(content.as_bytes()), "{content}");
        }
    }

    #[test]
    fn what_may_be_a_password_does() {
        for content in ["secret", "hunter2", "12345", "s30", "4711s4711s", "1h2m3s", "pods1"] {
            assert!(is_telling(content.as_bytes()), "{content}");
        }
    }
}
