//! Turns the scanner's events into trees, and refuses what YAML 1.2 and Go's YAML 1.1 read differently.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{
    ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag, YamlVersion,
};

use super::characters::{Checked, Strays};
use super::message::{is_tab, message};
use super::tree::{self, Tree};
use super::{Documents, MAX_DEPTH, Place, YamlError, number};

/// Why a text could not be read.
pub(super) struct Failure {
    pub(super) error: YamlError,
    /// The byte at which the scanner stopped; 0 if it had nothing to say against the text.
    pub(super) offset: usize,
    /// What a repair might help against.
    pub(super) trouble: Option<Trouble>,
}

/// What Go accepts and the scanner does not, with the byte at which the scanner stopped.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// This line should be indented more, in quotes or brackets.
    Indent(usize),
    /// The double-quoted text that starts here has an unknown escape. Go knows `\'`.
    Escape(usize),
    /// This comment needs a blank before it.
    Comment(usize),
}

/// Where scalars and brackets are, as far as the text was read.
#[derive(Default)]
pub(super) struct Covered {
    pub(super) scalars: Vec<(Range<usize>, Scalar)>,
    /// Outermost lists and maps in brackets.
    pub(super) brackets: Vec<Range<usize>>,
    /// How far the text was read.
    pub(super) end: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    SingleQuoted,
    DoubleQuoted,
    Unquoted,
}

/// Every document of a text.
///
/// # Errors
/// The first problem.
pub(super) fn read(checked: &Checked<'_>, covered: Option<&mut Covered>) -> Result<Documents, Failure> {
    let mut reader = Reader {
        source: &checked.text,
        strays: checked.strays.clone(),
        covered,
        documents: Documents::default(),
        tree: Tree::default(),
        brackets: 0,
    };
    for event in Parser::new_from_str_with_options(&checked.text, options()) {
        match event {
            Ok((event, span)) => reader.event(event, &span)?,
            Err(error) => return Err(Failure::of(&error, &checked.text)),
        }
    }
    reader.strays.check(&checked.text)?;
    Ok(reader.documents)
}

fn options() -> Options {
    granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

struct Reader<'a, 'c> {
    source: &'a str,
    strays: Strays,
    covered: Option<&'c mut Covered>,
    documents: Documents,
    tree: Tree,
    /// How many lists and maps in brackets are open.
    brackets: usize,
}

impl Reader<'_, '_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_, version) => check_version(version, span.start)?,
            Event::DocumentEnd => {
                let (root, repeated) = std::mem::take(&mut self.tree).finish();
                self.documents.nodes.extend(root);
                self.documents.repeated.extend(repeated);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = self.tag(tag.as_deref(), span)?;
                let text = self.scalar_text(text, style, span)?;
                let absent = style == ScalarStyle::Plain && span.start.index() == span.end.index();
                self.tree.scalar(tree::Scalar { text, style, absent, anchor, tag, place: span.start.into() })?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                self.open(style, span);
                self.tree.start_list(anchor, span.start.into())?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                self.open(style, span);
                self.tree.start_map(anchor, span.start.into())?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                self.tree.end()?;
            }
            Event::Alias(anchor) => {
                let name = span.slice(self.source).unwrap_or_default();
                check_name(name.strip_prefix('*').unwrap_or(name), span.start)?;
                self.tree.alias(anchor, span.start.into())?;
            }
            Event::Anchor(_, name) => check_name(&name, span.start)?,
            _ => {}
        }
        if let Some(covered) = &mut self.covered {
            covered.end = covered.end.max(offset(span.end));
        }
        Ok(())
    }

    /// Within brackets, everything is in brackets, so that counting them is enough.
    fn open(&mut self, style: StructureStyle, span: &Span) {
        if style == StructureStyle::Block {
            return;
        }
        if let (0, Some(covered)) = (self.brackets, &mut self.covered) {
            covered.brackets.push(offset(span.start)..usize::MAX);
        }
        self.brackets += 1;
    }

    fn close(&mut self, span: &Span) {
        if let (1, Some(Some(last))) = (self.brackets, self.covered.as_mut().map(|covered| covered.brackets.last_mut()))
        {
            last.end = offset(span.end);
        }
        self.brackets = self.brackets.saturating_sub(1);
    }

    fn scalar_text<'a>(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        span: &Span,
    ) -> Result<Cow<'a, str>, YamlError> {
        let range = span.byte_range().unwrap_or_default();
        let scalar = match style {
            ScalarStyle::SingleQuoted => Scalar::SingleQuoted,
            ScalarStyle::DoubleQuoted => Scalar::DoubleQuoted,
            _ => Scalar::Unquoted,
        };
        self.strays.scalar(&range, scalar != Scalar::Unquoted);
        if let Some(covered) = &mut self.covered {
            covered.scalars.push((range.clone(), scalar));
        }
        match (style, &text) {
            (ScalarStyle::Plain, _) => self.check_plain(&text, range.end, span.start)?,
            (ScalarStyle::DoubleQuoted, Cow::Owned(_)) => {
                check_escapes(self.source.get(range).unwrap_or_default(), span.start)?;
            }
            (ScalarStyle::Literal | ScalarStyle::Folded, _) => return self.block_text(text, range.end, span.start),
            _ => {}
        }
        Ok(text)
    }

    /// In brackets, Go ends plain text at `?`, and a `:` is text unless a blank follows.
    fn check_plain(&self, text: &str, end: usize, at: Marker) -> Result<(), YamlError> {
        if self.brackets == 0 {
            return Ok(());
        }
        if text.contains('?') {
            return Err(YamlError::at(at, "text with `?` between brackets needs quotes"));
        }
        match self.source.as_bytes().get(end..) {
            Some([b':', b',' | b']' | b'}' | b'[' | b'{', ..]) => {
                Err(YamlError::at(at, "a `:` between brackets needs a blank after it"))
            }
            _ => Ok(()),
        }
    }

    /// In Go, whatever follows a tag up to the next blank is part of it.
    fn tag<'t>(&self, tag: Option<&'t Tag>, span: &Span) -> Result<Option<&'t Tag>, YamlError> {
        let Some(place) = tag.and_then(|_| span.tag_span()) else { return Ok(tag) };
        match self.source.as_bytes().get(offset(place.end)) {
            None | Some(b' ' | b'\t' | b'\n' | b'\r') => Ok(tag),
            Some(_) => Err(YamlError::at(place.start, "a tag needs a blank after it")),
        }
    }

    fn block_text<'a>(&self, text: Cow<'a, str>, end: usize, at: Marker) -> Result<Cow<'a, str>, YamlError> {
        // Go wants at least one blank, even where nothing is around the text.
        if at.col() == 0 && has_content(&text) {
            return Err(YamlError::at(at, "the text of a block scalar must be indented"));
        }
        // If the source does not end in a line break, the text's last line has none either.
        let last_line = || self.source.rsplit(['\n', '\r']).next().unwrap_or_default();
        if end < self.source.len() || !text.ends_with('\n') || !has_content(last_line()) {
            return Ok(text);
        }
        let mut text = text.into_owned();
        text.pop();
        Ok(Cow::Owned(text))
    }
}

fn has_content(text: &str) -> bool {
    text.contains(|character| !matches!(character, ' ' | '\t' | '\n'))
}

fn offset(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}

/// Go takes letters, digits, `_` and `-` for a name, and what follows for content.
fn check_name(name: &str, at: Marker) -> Result<(), YamlError> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Ok(());
    }
    Err(YamlError::at(at, "the names of anchors are made of letters, digits, `_` and `-`"))
}

/// Go knows neither the escape `\/` nor pairs of surrogates, which JSON has.
fn check_escapes(quoted: &str, at: Marker) -> Result<(), YamlError> {
    let mut rest = quoted;
    while let Some(backslash) = rest.find('\\') {
        match &rest.as_bytes()[backslash + 1..] {
            [b'/', ..] | [b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] => {
                return Err(YamlError::at(at, "the text has an escape that Helm and Kubernetes do not know"));
            }
            _ => rest = rest.get(backslash + 2..).unwrap_or_default(),
        }
    }
    Ok(())
}

fn check_version(version: Option<YamlVersion>, at: Marker) -> Result<(), YamlError> {
    match version {
        None | Some(YamlVersion { major: 1, minor: 1 }) => Ok(()),
        Some(_) => Err(YamlError::at(at, "Helm and Kubernetes read only YAML 1.1")),
    }
}

impl Trouble {
    /// The same trouble at another place.
    pub(super) fn map(self, place: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Self::Indent(offset) => Self::Indent(place(offset)),
            Self::Escape(offset) => Self::Escape(place(offset)),
            Self::Comment(offset) => Self::Comment(place(offset)),
        }
    }
}

impl From<YamlError> for Failure {
    fn from(error: YamlError) -> Self {
        Self { error, offset: 0, trouble: None }
    }
}

impl Failure {
    fn of(error: &ScanError, text: &str) -> Self {
        let at = *error.marker();
        let trouble = match error.kind() {
            ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation => {
                Some(Trouble::Indent(offset(at)))
            }
            ErrorKind::UnknownQuotedScalarEscape => Some(Trouble::Escape(offset(at))),
            ErrorKind::CommentNotSeparated => Some(Trouble::Comment(offset(at))),
            _ => None,
        };
        let place = if is_tab(error.kind()) { tab_near(text, at) } else { at.into() };
        Self { error: YamlError::at(place, message(error.kind())), offset: offset(at), trouble }
    }
}

/// The place of the tab that the scanner met: at its marker, or before it or behind it by up to a line.
fn tab_near(text: &str, at: Marker) -> Place {
    let here = Place::from(at);
    let start = text.get(..offset(at)).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let rows = text.get(start..).unwrap_or_default().split('\n').take(2).zip(here.line..);
    let tabs = rows.filter_map(|(row, line)| {
        let margin = row.len() - row.trim_start_matches([' ', '\t']).len();
        Some(Place { line, column: number(row[..margin].find('\t')? + 1) })
    });
    tabs.last().unwrap_or(here)
}
