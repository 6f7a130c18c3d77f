//! As much JSON as the extension needs. The host checks whatever is handed to it as JSON.

use std::fmt::Write;

/// A text as a JSON string.
pub fn text(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => write!(out, "\\u{:04x}", c as u32).expect("a String takes any text"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The elements of a JSON array, or None if it is not one. Each is whatever stands between two commas: the host looks at what that is.
pub fn elements(json: &str) -> Option<Vec<&str>> {
    let inner = json.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut elements = Vec::new();
    let (mut from, mut depth, mut quoted, mut escaped) = (0, 0usize, false, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                elements.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return None;
    }
    if from > 0 || !inner.trim().is_empty() {
        elements.push(&inner[from..]);
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(text("a\"b\\c\n\u{1}é"), r#""a\"b\\c\u000a\u0001é""#);
    }

    #[test]
    fn arrays_are_split_where_their_elements_end() {
        assert_eq!(elements(" [] "), Some(vec![]));
        assert_eq!(elements(r#"[{"a":[1,2]}, "],\",[", 3]"#), Some(vec![r#"{"a":[1,2]}"#, r#" "],\",[""#, " 3"]));
        for not in ["", "{}", "[", "[\"]", "[}]", "[[]", "[]]"] {
            assert_eq!(elements(not), None, "{}", not);
        }
    }
}
