//! Who holds a lease: a process of a user on a machine, and whether that process still runs.

use std::fs;

use ring::rand::SecureRandom as _;

use crate::release::rewrite::one_line;

/// Who holds a lease, or wants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// `user@host:pid:random`.
    pub identity: String,
    /// Which process of which machine it is: the boot of the machine, the namespace of process ids, and when the process
    /// started. Two machines may share a host's name, and two processes an id. `None` where the system does not tell.
    pub process: Option<String>,
}

impl Holder {
    /// This process, run by this user.
    #[must_use]
    pub fn of_this_process(user: &str) -> Self {
        let mut random = [0; 4];
        // Without random bytes the process id and its start still tell holders apart.
        _ = ring::rand::SystemRandom::new().fill(&mut random);
        let random = u32::from_ne_bytes(random);
        let pid = std::process::id();
        let plain = |text: &str| one_line(text).replace([':', '@', ' '], "-");
        let user = if user.is_empty() { "unknown".to_owned() } else { plain(user) };
        let process = start_of(pid).and_then(|start| Some(format!("{}/{start}", machine()?)));
        Self { identity: format!("{user}@{}:{pid}:{random:08x}", plain(&host())), process }
    }

    /// Whether the process of another holder runs. `None` if it is not on this machine, or this can't be told.
    #[must_use]
    pub fn is_alive(identity: &str, process: &str) -> Option<bool> {
        let (there, start) = process.rsplit_once('/')?;
        if there != machine()? {
            return None;
        }
        Some(start_of(pid_of(identity)?).as_deref() == Some(start))
    }
}

/// The same process once it holds nothing any more: whoever looks takes it for one that has ended, though it may run on.
#[must_use]
pub(super) fn ended(process: &str) -> String {
    process.rsplit_once('/').map(|(machine, _)| format!("{machine}/ended")).unwrap_or_default()
}

/// The process id within an identity.
#[must_use]
pub fn pid_of(identity: &str) -> Option<u32> {
    identity.rsplit(':').nth(1)?.parse().ok()
}

/// The user and the host of an identity: `ann@ci-7`.
#[must_use]
pub fn who(identity: &str) -> String {
    one_line(identity.split(':').next().unwrap_or_default())
}

/// An identity for a reader: `ann@ci-7 (process 4711)`. What has another form is shown as it is.
#[must_use]
pub fn shown(identity: &str) -> String {
    match (identity.split_once(':'), pid_of(identity)) {
        (Some((who, _)), Some(pid)) => one_line(&format!("{who} (process {pid})")),
        _ => one_line(identity),
    }
}

/// This machine since it was started, and the namespace of process ids in which we are.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), namespace.display()))
}

/// When a running process was started, in the kernel's ticks since the machine was. One that has ended and waits for its
/// parent runs no more.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

fn host() -> String {
    let kernels = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = || std::process::Command::new("uname").arg("-n").output().ok();
    let name = kernels.or_else(|| told().and_then(|output| String::from_utf8(output.stdout).ok()));
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_names_user_host_and_process() {
        let holder = Holder::of_this_process("ann");
        assert!(holder.identity.starts_with("ann@"), "{}", holder.identity);
        assert_eq!(pid_of(&holder.identity), Some(std::process::id()));
        assert!(shown(&holder.identity).ends_with(&format!("(process {})", std::process::id())));
        assert_ne!(holder.identity, Holder::of_this_process("ann").identity);
    }

    #[test]
    fn what_is_no_identity_is_shown_as_it_is_and_steers_no_terminal() {
        assert_eq!(shown("some controller\u{1b}[2J"), "some controller[2J");
        assert_eq!(shown("a:b"), "a:b");
        assert_eq!(pid_of(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_told_by_its_start_and_its_machine() {
        let me = Holder::of_this_process("ann");
        let process = me.process.unwrap();
        assert_eq!(Holder::is_alive(&me.identity, &process), Some(true));
        let (machine, start) = process.rsplit_once('/').unwrap();
        assert_eq!(Holder::is_alive(&me.identity, &format!("{machine}/{start}0")), Some(false), "the id is used again");
        assert_eq!(Holder::is_alive(&me.identity, &format!("other/{start}")), None, "another machine of that name");
        assert_eq!(Holder::is_alive(&me.identity, ""), None);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let (identity, process) =
            (format!("a@b:{}:c", child.id()), format!("{machine}/{}", start_of(child.id()).unwrap()));
        assert_eq!(Holder::is_alive(&identity, &process), Some(true));
        child.kill().unwrap();
        while start_of(child.id()).is_some() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(
            Holder::is_alive(&identity, &process),
            Some(false),
            "it has ended, and its parent has not looked yet"
        );
        child.wait().unwrap();
    }
}
