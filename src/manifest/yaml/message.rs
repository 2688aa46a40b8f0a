//! What is wrong with a text, in words that help whoever wrote it. The scanner's own are for those who know YAML's
//! grammar.

use granit_parser::ErrorKind;

use super::too_deep;

/// Whether a tab stands where only blanks may.
pub(super) fn is_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabNotAllowed
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// What is wrong.
pub(super) fn message(kind: &ErrorKind) -> String {
    match kind {
        kind if is_tab(kind) => "a tab cannot indent; use blanks",
        ErrorKind::UnexpectedCharacter { .. } => "a value cannot start with this character; put it in quotes",
        ErrorKind::RecursionLimitExceeded => return too_deep(),
        ErrorKind::ExpectedDocumentStart => "this does not belong to what is before it; is the indentation right?",
        ErrorKind::ExpectedBlockMappingKey => "expected another key of the map; is the indentation right?",
        ErrorKind::ExpectedBlockSequenceEntry => "expected another `- ` of the list; is the indentation right?",
        ErrorKind::InvalidIndentation => "the indentation fits to nothing above",
        ErrorKind::BlockSequenceEntryNotAllowed => "a `- ` cannot stand here; is the indentation right?",
        ErrorKind::SimpleKeyExpected => "expected a `:` after this",
        ErrorKind::InvalidSimpleKey => "expected a `:` on the line where the key starts",
        ErrorKind::MappingValueNotAllowed => "a `:` cannot stand here; is the text before it in need of quotes?",
        ErrorKind::MappingKeyNotAllowed => "a key cannot stand here; is the indentation right?",
        ErrorKind::ExpectedFlowMappingSeparator => "expected `,` or `}` of the map in braces",
        ErrorKind::ExpectedFlowSequenceSeparator => "expected `,` or `]` of the list in brackets",
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("`{open}` is closed by `{close}`");
        }
        ErrorKind::MisplacedFlowCollectionEnd => "this bracket closes nothing",
        ErrorKind::UnclosedFlowCollection { open } => return format!("`{open}` is not closed"),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "text in quotes ends before this; a quote within it must be escaped"
        }
        ErrorKind::InvalidQuotedScalarIndent => "text in quotes that goes on here must be indented",
        ErrorKind::UnknownQuotedScalarEscape => "no escape starts like this; a backslash in double quotes is `\\\\`",
        ErrorKind::InvalidBlockScalarIndent => "the first lines of the text are indented further than the rest",
        ErrorKind::InvalidBlockScalarHeader => "after `|` or `>` there may be only `+`, `-` and a digit",
        ErrorKind::CommentNotSeparated => "a comment needs a blank before its `#`",
        ErrorKind::UnexpectedEof
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => "the text ends too early",
        ErrorKind::UnknownAnchor => "the alias refers to no anchor",
        ErrorKind::UnclosedQuotedScalar => "the quote that starts here is not closed",
        kind => return kind.to_string(),
    }
    .to_owned()
}
