//! What Helm says of values that do not meet the schemas of a chart and of the charts in it.

/// Something that Helm has against the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The chart whose schema it is; its alias, where it has one.
    pub chart: String,
    /// The steps to the value, from the values of that chart.
    pub steps: Vec<String>,
    /// What is wrong with it. What is quoted first is the value, and left out.
    pub message: String,
}

/// Reads Helm's message: a chart's name with a colon, and below it a complaint a line. (Helm before 3.18:
/// `- image.tag: Invalid type`; since then `- at '/image/tag': got number`, with the branches of a choice indented below.)
#[must_use]
pub fn complaints(message: &str) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = Vec::new();
    let (mut chart, mut is_choice) = (String::new(), false);
    for line in message.lines() {
        let text = line.trim_start();
        let Some(said) = text.strip_prefix("- ") else {
            if let Some(name) = line.strip_suffix(':').filter(|name| !name.is_empty() && !name.contains(' ')) {
                name.clone_into(&mut chart);
            }
            continue;
        };
        let is_branch = text.len() < line.len();
        if is_branch && is_choice {
            // What each branch of a choice says is told with the choice.
            if let (Some(last), Some((_, said))) = (found.last_mut(), placed(said)) {
                let before = if last.message.contains("; ") { " or " } else { "; " };
                last.message.push_str(&format!("{before}{}", told(said)));
            }
            continue;
        }
        let Some((steps, said)) = placed(said) else { continue };
        is_choice = said.ends_with("none matched");
        // The complaints themselves follow.
        if !said.ends_with("validation failed") && !said.ends_with("'allOf' failed") {
            found.push(Complaint { chart: chart.clone(), steps, message: told(said) });
        }
    }
    found
}

/// The steps to the value, and what is said of it.
fn placed(said: &str) -> Option<(Vec<String>, &str)> {
    if let Some(rest) = said.strip_prefix("at '") {
        let (pointer, said) = rest.split_once("': ")?;
        let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
        return Some((pointer.split('/').skip(1).map(unescaped).collect(), said));
    }
    let (place, said) = said.split_once(": ")?;
    let steps = if place == "(root)" { Vec::new() } else { place.split('.').map(str::to_owned).collect() };
    Some((steps, said))
}

/// What is said, without a value that is quoted first.
fn told(said: &str) -> String {
    let quoted = said.strip_prefix('\'').and_then(|rest| {
        let ends = ["' does not match ", "' is not "];
        ends.iter().find_map(|end| rest.rfind(end).map(|at| &rest[at + 2..]))
    });
    let said = quoted.unwrap_or(said);
    // A format says the value once more, behind what it is not.
    let said = if said.starts_with("is not valid") { said.split(": ").next().unwrap_or_default() } else { said };
    let mut letters = said.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> Vec<String> {
        let all = complaints(message);
        all.iter().map(|one| format!("{} /{} {}", one.chart, one.steps.join("/"), one.message)).collect()
    }

    #[test]
    fn all_complaints_are_read_with_their_place() {
        let message = "cannot render: values don't meet the specifications of the schema(s) in the following chart(s):\n\
            web:\n- at '': missing property 'must'\n- at '/a~1b': got string, want integer\n\
            - at '/password': validation failed\n  - at '/password': minLength: got 7, want 20\n\
            \x20 - at '/password': 'hunter2' does not match pattern '^x'\n\
            - at '/mail': 'me' is not valid email: no @ in me\n\
            - at '/any': 'oneOf' failed, none matched\n  - at '/any': got number, want string\n  - at '/any': got number, want object\n\
            cache:\n- at '/port': got string, want integer\n";
        let expected = [
            "web / missing property 'must'",
            "web /a/b got string, want integer",
            "web /password minLength: got 7, want 20",
            "web /password does not match pattern '^x'",
            "web /mail is not valid email",
            "web /any 'oneOf' failed, none matched; got number, want string or got number, want object",
            "cache /port got string, want integer",
        ];
        let found = told(message);
        assert_eq!(found, expected);
        assert_eq!(complaints(message)[1].steps, ["a/b"]);
    }

    #[test]
    fn those_of_older_versions_are_read_too() {
        let message = "values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n\
            - (root): Additional property typo is not allowed\n- image.tag: Invalid type. Expected: string, given: integer\n";
        let expected = [
            "web / additional property typo is not allowed",
            "web /image/tag invalid type. Expected: string, given: integer",
        ];
        assert_eq!(told(message), expected);
        assert!(complaints("Error: something else").is_empty());
    }
}
