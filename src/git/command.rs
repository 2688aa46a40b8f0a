//! The `git` binary.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdout, Command};

use super::{MAX_BYTES, MAX_FILES};
use crate::error::{Error, Kind};

/// A listing may not be longer than this, in bytes.
const MAX_LISTING: u64 = 64 * 1024 * 1024;

/// What an object is: its kind, its name, and its size in bytes.
pub(super) type Header = (String, String, u64);

/// The binary, and the folder to run it in.
pub(super) struct Git {
    binary: PathBuf,
    folder: PathBuf,
}

impl Git {
    pub(super) fn find(folder: &Path) -> Result<Self, Error> {
        let binary = which::which("git").map_err(|_| {
            Error::new(Kind::Usage, "git is not installed").hint("install it, or name a folder instead")
        })?;
        Ok(Self { binary, folder: folder.to_owned() })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(&self.folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// What a run prints, or its error message.
    pub(super) async fn text(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(arguments).output().await.map_err(|error| format!("cannot run git: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned());
        }
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.trim().lines().map(|line| line.trim_start_matches("fatal: ")).collect::<Vec<_>>();
        Err(if message.is_empty() { format!("git ended with {}", output.status) } else { message.join("; ") })
    }

    /// The tree of a revision.
    pub(super) async fn tree_of(&self, revision: &str) -> Option<String> {
        let tree = self.text(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{tree}}")]).await.ok()?;
        is_object(&tree).then_some(tree)
    }

    /// All that a run prints, as it is.
    pub(super) async fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let mut child = self.command(arguments).stderr(Stdio::null()).spawn().map_err(|error| broken(&error))?;
        let mut printed = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(MAX_LISTING + 1).read_to_end(&mut printed).await.map_err(|error| broken(&error))?;
        }
        if printed.len() as u64 > MAX_LISTING {
            return Err(Error::new(Kind::Usage, "the git repository has more files than any chart"));
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(printed),
            Ok(status) => Err(broken(&format!("git {} ended with {status}", arguments[0]))),
            Err(error) => Err(broken(&error)),
        }
    }

    /// What there is at these places (`TREE:PATH`), symbolic links followed; of a link that leads nowhere, why.
    pub(super) async fn follow(&self, places: &[String]) -> Result<Vec<Result<Header, String>>, Error> {
        let mut answers = Vec::new();
        let each = async |lines: &mut BufReader<ChildStdout>| {
            let Some(line) = next_line(lines).await? else { return Ok(false) };
            let words: Vec<&str> = line.split(' ').collect();
            answers.push(match *words.as_slice() {
                // A path may have blanks in it, in the answer that it is missing.
                [object, kind, size] if is_object(object) && size.parse::<u64>().is_ok() => {
                    Ok((kind.to_owned(), object.to_owned(), size.parse().unwrap_or(u64::MAX)))
                }
                ["symlink" | "dangling" | "loop" | "notdir", size] => {
                    // The link's target follows.
                    let size: u64 = size.parse().map_err(|_| broken(&"it answered in another way"))?;
                    let mut target = vec![0; usize::try_from(size.min(65_536)).unwrap_or(0) + 1];
                    lines.read_exact(&mut target).await.map_err(|error| broken(&error))?;
                    Err(match words[0] {
                        "symlink" => "this symbolic link leads out of the repository",
                        "loop" => "symbolic links lead in a circle",
                        _ => "this symbolic link leads to nothing of the repository",
                    }
                    .to_owned())
                }
                _ => Err("there is no such file".to_owned()),
            });
            Ok(true)
        };
        self.ask(&["cat-file", "--batch-check", "--follow-symlinks"], places, each).await?;
        if answers.len() != places.len() {
            return Err(broken(&"it did not answer all"));
        }
        Ok(answers)
    }

    /// Reads objects, and hands on the content of each.
    pub(super) async fn read(
        &self,
        objects: &[&str],
        mut take: impl FnMut(&str, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut left, mut bytes) = (objects.iter(), 0);
        let each = async |lines: &mut BufReader<ChildStdout>| {
            let Some(line) = next_line(lines).await? else { return Ok(false) };
            let words: Vec<&str> = line.split(' ').collect();
            let ([_, "blob", size], Some(object)) = (words.as_slice(), left.next()) else {
                return Err(broken(&"an object is missing"));
            };
            let size: u64 = size.parse().map_err(|_| broken(&"it answered in another way"))?;
            bytes += size;
            if bytes > MAX_BYTES {
                return Err(broken(&"the files are larger than any chart"));
            }
            let mut content = vec![0; usize::try_from(size).unwrap_or(0)];
            lines.read_exact(&mut content).await.map_err(|error| broken(&error))?;
            _ = lines.read_u8().await;
            take(object, &content)?;
            Ok(true)
        };
        self.ask(&["cat-file", "--batch"], objects, each).await?;
        match left.next() {
            None => Ok(()),
            Some(_) => Err(broken(&"it did not answer all")),
        }
    }

    /// Asks a run of git, a line each, and has every answer read until there is none.
    async fn ask<T: AsRef<str>>(
        &self,
        arguments: &[&str],
        questions: &[T],
        mut answer: impl AsyncFnMut(&mut BufReader<ChildStdout>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        debug_assert!(questions.len() <= MAX_FILES);
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|error| broken(&error))?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken(&"its output can't be read"));
        };
        let mut text = String::new();
        for question in questions {
            text.push_str(question.as_ref());
            text.push('\n');
        }
        let telling = async {
            // It may end before it has read all, and its answers tell.
            _ = stdin.write_all(text.as_bytes()).await;
            drop(stdin);
            Ok::<(), Error>(())
        };
        let reading = async {
            let mut lines = BufReader::new(stdout);
            while answer(&mut lines).await? {}
            Ok(())
        };
        tokio::try_join!(telling, reading)?;
        child.wait().await.map_err(|error| broken(&error))?;
        Ok(())
    }
}

/// Whether this can be the name of an object.
fn is_object(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_hexdigit())
}

async fn next_line(lines: &mut BufReader<ChildStdout>) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    lines.take(1024 * 1024).read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
    let text = String::from_utf8_lossy(&line);
    Ok((!line.is_empty()).then(|| text.trim_end_matches('\n').to_owned()))
}

fn broken(cause: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Usage, format!("cannot read from git: {cause}"))
}
