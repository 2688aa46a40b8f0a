//! What `git ls-tree -r -z --long` prints.

/// A file or a symbolic link of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path below the tree.
    pub(super) path: String,
    /// The object with its content.
    pub(super) object: String,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Whether it is a symbolic link.
    pub(super) link: bool,
}

/// The files and links: `<mode> blob <object> <size>\t<path>\0`. Submodules are no files here.
pub(super) fn parse(listing: &[u8]) -> Vec<Entry> {
    listing.split(|&byte| byte == 0).filter_map(entry).collect()
}

fn entry(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split_whitespace();
    let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if kind != "blob" {
        return None;
    }
    let path = String::from_utf8_lossy(&line[tab + 1..]).into_owned();
    Some(Entry { path, object: object.to_owned(), size: size.parse().ok()?, link: mode == "120000" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_links_are_read_and_submodules_passed_over() {
        let listing =
            b"100644 blob aa      12\tChart.yaml\x00120000 blob bb       9\tlink\x00160000 commit cc       -\tsub\0";
        let entry =
            |path: &str, object: &str, size, link| Entry { path: path.into(), object: object.into(), size, link };
        assert_eq!(parse(listing), [entry("Chart.yaml", "aa", 12, false), entry("link", "bb", 9, true)]);
        assert!(parse(b"").is_empty() && parse(b"nonsense\0\t\0").is_empty());
    }
}
